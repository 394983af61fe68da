/*
 * scan_bench: what it costs to read a captured tcp table, beside other ways to read the same text.
 *
 *   scan_bench [--rounds N] [ROWS]            a table made for the run, 500,000 rows if not given
 *   scan_bench [--rounds N] --proc DIR        DIR/net/tcp
 *   scan_bench --write DIR [ROWS]             write DIR/net/tcp and end
 *
 * All ways are timed in turn, several rounds; the median of each counts. Exit status 1: a way saw
 * other rows than there are; time is never judged.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proc.h"
#include "rowset.h"
#include "source/source.h"

enum { BUFFER = 256 << 10, MOST_ROUNDS = 99, PATH_ROOM = 512 };

static const size_t MEMORY_FILE = (size_t)16 << 30;

struct bench {
    char table[PATH_ROOM]; /* path of net/tcp */
    struct sockq_proc proc;
    struct sockq_file fresh, reused, shared;
    char *buffer; /* BUFFER bytes */
    uint64_t sum; /* what a way computed, so that nothing is left out */
};

/* Read the table once. @return the rows seen */
typedef uint64_t way_function(struct bench *b);

static void die(const char *what)
{
    fprintf(stderr, "scan_bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Time on a processor: what else the machine does is left out. */
static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* xorshift64*: the same rows in every run. */
static uint64_t random_bits(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;

    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1du >> 16;
}

static uint32_t below(uint32_t limit)
{
    return (uint32_t)(random_bits() % limit);
}

/*
 * The columns that all three kinds of row begin with: local and remote address and port, as
 * get_tcp4_sock(), get_timewait4_sock() and get_openreq4() of net/ipv4/tcp_ipv4.c print them.
 */
static int put_ends(char *line, size_t room, unsigned long number, bool listens)
{
    static const uint16_t ports[] = {80, 443, 443, 443, 8080, 5432, 22};
    unsigned port = ports[below(sizeof(ports) / sizeof(ports[0]))];

    return snprintf(line, room, "%4lu: %08X:%04X %08X:%04X ", number, 0x0000000au | below(64) << 24,
                    port, listens ? 0 : 0x0000000au | below(1u << 24) << 8,
                    listens ? 0 : 10000 + below(50000));
}

static void put_time_wait(char *line, size_t room)
{
    snprintf(line, room, "%02X %08X:%08X %02X:%08X %08X %5d %8d %d %d %016llx", below(20) ? 6u : 5u,
             0u, 0u, 3u, below(6000), 0u, 0, 0, 0, 3, (unsigned long long)random_bits());
}

static void put_request(char *line, size_t room)
{
    snprintf(line, room, "%02X %08X:%08X %02X:%08X %08X %5u %8d %u %d %016llx", 3u, 0u, 0u, 1u,
             below(300), below(3), 0u, 0, 0u, 0, (unsigned long long)random_bits());
}

static void put_full(char *line, size_t room, bool listens)
{
    static const uint8_t states[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 8, 4, 2};
    uint32_t chance = below(100);
    unsigned timer = listens ? 0 : chance < 40 ? 0 : chance < 75 ? 2 : chance < 97 ? 1 : 4;
    unsigned state = listens ? 10 : states[below(sizeof(states))];

    snprintf(line, room, "%02X %08X:%08X %02X:%08X %08X %5u %8u %u %d %016llx %u %u %u %u %d",
             state, timer == 1 ? 1 + below(60000) : 0, below(10) ? 0 : below(100000), timer,
             timer == 0   ? 0
             : timer == 1 ? below(40)
                          : below(720000),
             timer == 1 && below(20) == 0 ? 1 + below(8) : 0, below(3) ? 33 : 1000,
             timer == 4 ? below(9) : 0, 10000 + below(4000000), 1 + (int)below(3),
             (unsigned long long)random_bits(), 20 + below(20), listens ? 0 : 4, listens ? 0 : 30,
             10 + below(40), below(3) ? -1 : 7 + (int)below(100));
}

/* 150 bytes a row, as kernels pad them; nine in twelve are full sockets. */
static void write_table(const char *folder, unsigned long rows)
{
    char path[PATH_ROOM], line[256];

    snprintf(path, sizeof(path), "%s/net", folder);
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        die(path);
    snprintf(path, sizeof(path), "%s/net/tcp", folder);
    FILE *out = fopen(path, "w");
    if (!out)
        die(path);
    fprintf(out, "%-149s\n",
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   "
            "uid  timeout inode");
    for (unsigned long i = 0; i < rows; i++) {
        uint32_t kind = below(1000);
        bool listens = kind >= 995;
        int at = put_ends(line, sizeof(line), i, listens);
        if (kind < 220)
            put_time_wait(line + at, sizeof(line) - (size_t)at);
        else if (kind < 250)
            put_request(line + at, sizeof(line) - (size_t)at);
        else
            put_full(line + at, sizeof(line) - (size_t)at, listens);
        fprintf(out, "%-149s\n", line);
    }
    if (fclose(out) != 0)
        die(path);
}

static int open_table(const struct bench *b)
{
    int fd = open(b->table, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        die(b->table);
    return fd;
}

static uint64_t read_only(struct bench *b)
{
    int fd = open_table(b);
    ssize_t n;

    while ((n = read(fd, b->buffer, BUFFER)) > 0)
        b->sum += (uint64_t)n;
    close(fd);
    return 0;
}

static uint64_t split_lines(struct bench *b)
{
    int fd = open_table(b);
    uint64_t lines = 0;
    size_t have = 0;
    ssize_t n;

    while ((n = read(fd, b->buffer + have, BUFFER - have)) > 0) {
        const char *p = b->buffer, *end = p + have + n, *feed;
        while ((feed = memchr(p, '\n', (size_t)(end - p))) != NULL) {
            lines++;
            p = feed + 1;
        }
        have = (size_t)(end - p);
        memmove(b->buffer, p, have);
    }
    close(fd);
    return lines - 1;
}

/* The loop of net-tools' tcp_do_one(): one sscanf a line, two more for the addresses. */
static uint64_t scan_as_netstat(struct bench *b)
{
    FILE *in = fopen(b->table, "re");
    char line[8192], local[128], remote[128];
    unsigned long rxq, txq, when, retrans, inode;
    unsigned local_port, remote_port, state, timer, from, to;
    int slot, uid, probes;
    uint64_t rows = 0;

    if (!in)
        die(b->table);
    while (fgets(line, sizeof(line), in)) {
        int got = sscanf(line,
                         "%d: %64[0-9A-Fa-f]:%X %64[0-9A-Fa-f]:%X %X %lX:%lX %X:%lX %lX %d %d %lu "
                         "%*s\n",
                         &slot, local, &local_port, remote, &remote_port, &state, &txq, &rxq,
                         &timer, &when, &retrans, &uid, &probes, &inode);
        if (got < 11 || sscanf(local, "%X", &from) != 1 || sscanf(remote, "%X", &to) != 1)
            continue;
        rows++;
        b->sum += from + to + local_port + remote_port + state + timer + when + inode;
    }
    fclose(in);
    return rows;
}

static bool never(void *context)
{
    (void)context;
    return false;
}

/* sockq's own reader, from the file to rows. */
static uint64_t scan_into(struct bench *b, struct sockq_file *file)
{
    static const struct sockq_question question = {.tables = 1u << SOCKQ_TCP};
    struct sockq_writer w;

    if (sockq_writer_open(&w, file, &question) < 0)
        die("row set");
    struct recent *recent = calloc(1, sizeof(*recent));
    if (!recent)
        die("memory");
    recent->seed = hash_seed_new();
    struct table_job job = {
        .proc = &b->proc, .w = &w, .recent = recent, .question = &question, .check = never};
    table_read(&job, SOCKQ_TCP);
    table_job_end(&job);
    free(recent);
    sockq_writer_finish(&w, SOCKQ_SET_COMPLETE);
    if (w.error) {
        errno = w.error;
        die("row set");
    }
    return w.rows;
}

/* What a run of the program pays: every page of the row set is new. */
static uint64_t scan_fresh(struct bench *b)
{
    return scan_into(b, &b->fresh);
}

static uint64_t scan_shared(struct bench *b)
{
    return scan_into(b, &b->shared);
}

/* No page is new: the blocks of the round before are used again as they are. */
static uint64_t scan_reused(struct bench *b)
{
    return scan_into(b, &b->reused);
}

/* Before each round, not timed. A release gives the memory back; a rewind does not. */
static void prepare(struct bench *b)
{
    struct sockq_file *const files[] = {&b->fresh, &b->shared};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        while (files[i]->sets.count > 0)
            sockq_file_release(files[i], files[i]->sets.blocks[0]);
    /* As a released block would be, without giving its pages back. */
    if (b->reused.sets.count > 0)
        memset(b->reused.base + SOCKQ_BLOCK_SIZE, 0, (b->reused.next - 1) * SOCKQ_BLOCK_SIZE);
    b->reused.next = 1;
    b->reused.sets.count = 0;
}

static const struct way {
    const char *name;
    way_function *run;
    bool counts; /* it returns rows */
} ways[] = {
    {"read(2) alone, 256 KiB each", read_only, false},
    {"lines by memchr", split_lines, true},
    {"sockq, memory reused", scan_reused, true},
    {"sockq, fresh memory", scan_fresh, true},
    {"sockq, fresh shared memory", scan_shared, true},
    {"fgets and sscanf, as netstat", scan_as_netstat, true},
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]), READ = 0, REUSED = 2, FRESH = 3, SHARED = 4 };

static int by_size(const void *a, const void *b)
{
    int64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static double median(int64_t *list, int count)
{
    qsort(list, (size_t)count, sizeof(*list), by_size);
    return (double)(list[count / 2] + list[(count - 1) / 2]) / 2;
}

/* @return 0, or 1 if a way counted other rows than sockq (or than were made) */
static int measure(struct bench *b, unsigned long made, int rounds)
{
    int64_t took[WAYS][MOST_ROUNDS];
    uint64_t rows[WAYS] = {0};
    double per_row[WAYS];
    int status = 0;

    /* One round more than is counted: the first warms the page cache and the reused memory. */
    for (int round = -1; round < rounds; round++) {
        prepare(b);
        for (size_t i = 0; i < WAYS; i++) {
            int64_t start = now_ns();
            rows[i] = ways[i].run(b);
            int64_t end = now_ns();
            if (round >= 0)
                took[i][round] = end - start;
        }
    }
    uint64_t expected = made ? made : rows[FRESH];
    printf("scan of a captured tcp table: %llu rows, processor time, median of %d rounds\n\n",
           (unsigned long long)expected, rounds);
    printf("%-30s %9s %9s\n", "", "ns a row", "to sockq");
    for (size_t i = 0; i < WAYS; i++)
        per_row[i] = median(took[i], rounds) / (double)(expected ? expected : 1);
    for (size_t i = 0; i < WAYS; i++) {
        printf("%-30s %9.1f %8.2fx\n", ways[i].name, per_row[i], per_row[i] / per_row[FRESH]);
        if (ways[i].counts && rows[i] != expected) {
            fprintf(stderr, "scan_bench: %s: %llu rows of %llu\n", ways[i].name,
                    (unsigned long long)rows[i], (unsigned long long)expected);
            status = 1;
        }
    }
    printf("\nof sockq's, in fresh memory: reading %.1f, lines and scanner %.1f, new pages %.1f "
           "(shared: %.1f)\n",
           per_row[READ], per_row[REUSED] - per_row[READ], per_row[FRESH] - per_row[REUSED],
           per_row[SHARED] - per_row[REUSED]);
    return status;
}

static int run(const char *folder, unsigned long made, int rounds)
{
    struct bench b = {.proc = {.fd = -1}};

    snprintf(b.table, sizeof(b.table), "%s/net/tcp", folder);
    b.buffer = malloc(BUFFER);
    if (!b.buffer || sockq_proc_open(&b.proc, folder) < 0)
        die(folder);
    if (sockq_file_open(&b.fresh, MEMORY_FILE, true) < 0 ||
        sockq_file_open(&b.reused, MEMORY_FILE, true) < 0 ||
        sockq_file_open(&b.shared, MEMORY_FILE, true) < 0)
        die("memory file");
    int status = measure(&b, made, rounds);
    sockq_file_close(&b.fresh);
    sockq_file_close(&b.reused);
    sockq_file_close(&b.shared);
    sockq_proc_close(&b.proc);
    free(b.buffer);
    return status;
}

static int run_in_scratch(unsigned long rows, int rounds)
{
    const char *parent = getenv("TMPDIR");
    char folder[PATH_ROOM - 16], path[PATH_ROOM];

    snprintf(folder, sizeof(folder), "%s/scan_bench-XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(folder))
        die(folder);
    write_table(folder, rows);
    int status = run(folder, rows, rounds);
    snprintf(path, sizeof(path), "%s/net/tcp", folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/net", folder);
    rmdir(path);
    rmdir(folder);
    return status;
}

static int usage(void)
{
    fputs("usage: scan_bench [--rounds N] [--proc DIR | ROWS]\n"
          "       scan_bench --write DIR [ROWS]\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *proc = NULL, *folder = NULL;
    unsigned long rows = 500000, rounds = 9;

    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--rounds") == 0 && more)
            rounds = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--proc") == 0 && more)
            proc = argv[++i];
        else if (strcmp(argv[i], "--write") == 0 && more)
            folder = argv[++i];
        else if (argv[i][0] >= '1' && argv[i][0] <= '9')
            rows = strtoul(argv[i], NULL, 10);
        else
            return usage();
    }
    if (rounds < 1 || rounds > MOST_ROUNDS)
        return usage();
    if (folder) {
        write_table(folder, rows);
        return 0;
    }
    return proc ? run(proc, 0, (int)rounds) : run_in_scratch(rows, (int)rounds);
}
