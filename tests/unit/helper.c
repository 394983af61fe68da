#define _GNU_SOURCE
#include "helper.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SOME_USER = 65534, FILE_SIZE = 64 << 20 };

static const char *const headers[SOCKQ_TABLES] = {
#define V4 "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
#define V6                                                                                         \
    "  sl  local_address                         remote_address                        st "        \
    "tx_queue rx_queue tr tm->when retrnsmt   uid"
    [SOCKQ_TCP] = V4 "  timeout inode                                                     \n",
    [SOCKQ_TCP6] = V6 "  timeout inode\n",
    [SOCKQ_UDP] = " " V4 "  timeout inode ref pointer drops            \n",
    [SOCKQ_UDP6] = V6 "  timeout inode ref pointer drops\n",
    [SOCKQ_UDPLITE] = " " V4 "  timeout inode ref pointer drops            \n",
    [SOCKQ_UDPLITE6] = V6 "  timeout inode ref pointer drops\n",
    [SOCKQ_RAW] = V4 "  timeout inode ref pointer drops\n",
    [SOCKQ_RAW6] = V6 "  timeout inode ref pointer drops\n",
    [SOCKQ_ICMP] = " " V4 "  timeout inode ref pointer drops            \n",
    [SOCKQ_ICMP6] = V6 "  timeout inode ref pointer drops\n",
    [SOCKQ_UNIX] = "Num       RefCount Protocol Flags    Type St Inode Path\n",
    [SOCKQ_NETLINK] = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    "
                      "Drops    Inode\n",
    [SOCKQ_PACKET] = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n",
    [SOCKQ_SCTP_EPS] = " ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS\n",
    [SOCKQ_SCTP_ASSOCS] =
        " ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT "
        "LADDRS <-> RADDRS HBINT INS OUTS MAXRT T1X T2X RTXC wmema wmemq sndbuf rcvbuf\n",
};

#define ONE6 "00000000000000000000000001000000"
#define ANY6 "00000000000000000000000000000000"
#define UDP_TAIL                                                                                   \
    "07 00000000:00000000 00:00000000 00000000   107        0 3129 2 00000000db745801 7"
#define UDP4_ROW " 4185: 0100007F:0035 00000000:0000 " UDP_TAIL
#define UDP6_ROW " 4185: " ONE6 ":0035 " ANY6 ":0000 " UDP_TAIL

static const char *const goods[SOCKQ_TABLES] = {
    [SOCKQ_TCP] =
        "   0: 0100007F:1538 0200007F:0016 01 00000002:00000001 01:0000000A 00000003  1000 "
        "       4 1600 1 00000000db745801 20 4 30 10 -1                    \n",
    [SOCKQ_TCP6] =
        "   0: " ONE6 ":1538 " ANY6 ":0000 0A 00000000:00000005 00:00000000 00000000     "
        "0        0 1601 1 00000000db745801 100 0 0 10 0\n",
    [SOCKQ_UDP] = UDP4_ROW "            \n",
    [SOCKQ_UDP6] = UDP6_ROW "\n",
    [SOCKQ_UDPLITE] = UDP4_ROW "            \n",
    [SOCKQ_UDPLITE6] = UDP6_ROW "\n",
    [SOCKQ_RAW] = UDP4_ROW "\n",
    [SOCKQ_RAW6] = UDP6_ROW "\n",
    [SOCKQ_ICMP] = UDP4_ROW "            \n",
    [SOCKQ_ICMP6] = UDP6_ROW "\n",
    [SOCKQ_UNIX] = "00000000d2a1b5c8: 00000003 00000000 00000000 0001 03 15600\n",
    [SOCKQ_NETLINK] =
        "00000000e12b94b4 15  1184       00000001 212      0        0     2        3    "
        "    1402    \n",
    [SOCKQ_PACKET] = "00000000a1b2c3d4 3      3    0003   2     1 1280   0      1811  \n",
    [SOCKQ_SCTP_EPS] = "ffff8880 ffff8881 2   10  22   2905      0 1700 10.0.0.1 \n",
    [SOCKQ_SCTP_ASSOCS] =
        "ffff8880 ffff8881 2   1   3  0       7      100      200    1000 1800 2905  "
        "3905  10.0.0.1 <-> *10.0.0.2 \t    7500    10    10   10    0    0        0 "
        "       1        0   212992   212992\n",
};

const char *header_of(enum sockq_table table)
{
    return headers[table];
}

const char *good_of(enum sockq_table table)
{
    return goods[table];
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");

    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->given = *state;
    f->fds = open_descriptors();
    const char *temporary = getenv("TMPDIR");
    snprintf(f->path, sizeof(f->path), "%s/sockq-test-XXXXXX",
             temporary && strlen(temporary) < 40 ? temporary : "/tmp");
    assert_non_null(mkdtemp(f->path));
    assert_int_equal(chmod(f->path, 0755), 0);
    assert_int_equal(sockq_proc_open(&f->proc, f->path), 0);
    assert_int_equal(sockq_file_open(&f->file, FILE_SIZE, false), 0);
    *state = f;
    return 0;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    sockq_proc_close(&f->proc);
    sockq_file_close(&f->file);
    int result = nftw(f->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    if (open_descriptors() != f->fds) {
        print_error("a descriptor was left open\n");
        result = -1;
    }
    free(f);
    return result;
}

int run_cases(const char *group, const void *cases, size_t size, size_t count,
              CMUnitTestFunction test)
{
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    const char *at = cases;

    assert_non_null(tests);
    for (size_t i = 0; i < count; i++, at += size) {
        memcpy(&tests[i].name, at, sizeof(tests[i].name));
        tests[i].test_func = test;
        tests[i].setup_func = fixture_setup;
        tests[i].teardown_func = fixture_teardown;
        tests[i].initial_state = (void *)(uintptr_t)at;
    }
    int failed = _cmocka_run_group_tests(group, tests, count, NULL, NULL);
    free(tests);
    return failed;
}

const char *path_of(const struct fixture *f, const char *path)
{
    static char full[4096];

    snprintf(full, sizeof(full), "%s/%s", f->path, path);
    return full;
}

static void make_parents(struct fixture *f, const char *path)
{
    char name[512];

    for (const char *slash = path; (slash = strchr(slash, '/')) != NULL; slash++) {
        assert_true((size_t)(slash - path) < sizeof(name));
        memcpy(name, path, (size_t)(slash - path));
        name[slash - path] = '\0';
        assert_true(mkdirat(f->proc.fd, name, 0755) == 0 || errno == EEXIST);
    }
}

void put_bytes(struct fixture *f, const char *path, const void *bytes, size_t size)
{
    make_parents(f, path);
    /* A new file: some filesystems write out one that was truncated when it is closed. */
    unlinkat(f->proc.fd, path, 0);
    int fd = openat(f->proc.fd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, (const char *)bytes + done, size - done);
        assert_true(n > 0);
        done += (size_t)n;
    }
    close(fd);
}

void put_text(struct fixture *f, const char *path, const char *text)
{
    put_bytes(f, path, text, strlen(text));
}

void put_link(struct fixture *f, const char *path, const char *target)
{
    make_parents(f, path);
    assert_int_equal(symlinkat(target, f->proc.fd, path), 0);
}

void put_folder(struct fixture *f, const char *path)
{
    make_parents(f, path);
    assert_int_equal(mkdirat(f->proc.fd, path, 0755), 0);
}

void put_table(struct fixture *f, enum sockq_table table, const void *rows, size_t size)
{
    size_t length = strlen(headers[table]);
    char *text = malloc(length + size + 1);

    assert_non_null(text);
    memcpy(text, headers[table], length);
    memcpy(text + length, rows, size);
    put_bytes(f, table_format(table)->path, text, length + size);
    free(text);
}

bool never_stop(void *context)
{
    (void)context;
    return false;
}

const struct sockq_table_info *read_table_with(struct fixture *f, enum sockq_table table,
                                               struct owner_index *owners, uint64_t states)
{
    struct sockq_question question = {
        .tables = (uint64_t)1 << table, .states = states, .source = SOCKQ_SOURCE_PROC};

    if (!owners) {
        if (f->w.set)
            sockq_file_release(&f->file, f->w.block);
        assert_int_equal(sockq_writer_open(&f->w, &f->file, &question), 0);
    }
    struct table_job job = {
        .proc = &f->proc, .w = &f->w, .owners = owners, .question = &question, .check = never_stop};
    table_read(&job, table);
    table_job_end(&job);
    sockq_writer_finish(&f->w, SOCKQ_SET_COMPLETE);
    return &f->w.set->tables[table];
}

const struct sockq_table_info *read_table(struct fixture *f, enum sockq_table table)
{
    return read_table_with(f, table, NULL, 0);
}

const struct sockq_row *row_at(const struct fixture *f, uint64_t index)
{
    if (index >= sockq_set_rows(f->w.set))
        fail_msg("there is no row %" PRIu64, index);
    return sockq_set_row(f->file.map, f->w.set, index);
}

const struct sockq_problem *problem_at(const struct fixture *f, unsigned index)
{
    uint64_t offset = f->w.set->problems;
    const struct sockq_problem *problem;

    for (;; index--) {
        problem = sockq_set_at(f->file.map, f->w.set, offset, sizeof(*problem));
        if (!problem || index == 0)
            return problem;
        offset = problem->next;
    }
}

void assert_problem(const struct fixture *f, unsigned index, uint32_t line,
                    enum sockq_reason reason, bool lost)
{
    const struct sockq_problem *problem = problem_at(f, index);

    if (!problem)
        fail_msg("there is no problem %u", index);
    if (problem->reason != (uint32_t)reason)
        print_error("line %u: %s\n", problem->line, sockq_problem_text(problem->reason));
    assert_int_equal(problem->reason, reason);
    assert_int_equal(problem->line, line);
    assert_int_equal(problem->lost, lost);
}

const char *text_at(const struct fixture *f, uint64_t offset, uint32_t length)
{
    static char text[4 * 8192 + 1];
    const unsigned char *bytes = sockq_set_at(f->file.map, f->w.set, offset, length);
    size_t used = 0;

    assert_non_null(bytes);
    assert_true(length <= 8192);
    for (uint32_t i = 0; i < length; i++) {
        bool plain = bytes[i] > ' ' && bytes[i] < 0x7f && bytes[i] != '\\';
        used += (size_t)snprintf(text + used, 5, plain ? "%c" : "\\x%02x", bytes[i]);
    }
    text[used] = '\0';
    return text;
}

/* The description grows here. */
static char described[40000];
static size_t described_length;

static void __attribute__((format(printf, 1, 2))) add(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    int n =
        vsnprintf(described + described_length, sizeof(described) - described_length, format, list);
    va_end(list);
    assert_true(n >= 0 && (size_t)n < sizeof(described) - described_length);
    described_length += (size_t)n;
}

static const char *address_text(int family, const uint8_t *bytes)
{
    static char text[INET6_ADDRSTRLEN];

    assert_non_null(inet_ntop(family, bytes, text, sizeof(text)));
    return text;
}

static void add_addresses(const struct fixture *f, const char *name, uint64_t offset)
{
    const char *separator = "";

    add(" %s=[", name);
    while (offset) {
        const struct sockq_address *a =
            sockq_set_at(f->file.map, f->w.set, offset, sizeof(struct sockq_address));
        assert_non_null(a);
        add("%s%s%s", separator, a->primary ? "*" : "", address_text(a->family, a->bytes));
        separator = ",";
        offset = a->next;
    }
    add("]");
}

static void add_owners(const struct fixture *f, uint64_t offset)
{
    const char *separator = " owner=";

    while (offset) {
        const struct sockq_owner *owner =
            sockq_set_at(f->file.map, f->w.set, offset, sizeof(struct sockq_owner));
        assert_non_null(owner);
        const struct sockq_process *process =
            sockq_set_at(f->file.map, f->w.set, owner->process, sizeof(struct sockq_process));
        assert_non_null(process);
        add("%s%u/%u", separator, process->pid, owner->fd);
        separator = ",";
        offset = owner->next;
    }
}

static void add_inet(const struct sockq_row *row)
{
    add(" local=%s:%u", address_text(row->family, row->local_addr), row->local_port);
    add(" remote=%s:%u", address_text(row->family, row->remote_addr), row->remote_port);
    if (row->known & SOCKQ_HAS_TCP)
        add(" rto=%u ato=%u qack=%u cwnd=%u ssthresh=%d", row->tcp.rto, row->tcp.ato, row->tcp.qack,
            row->tcp.cwnd, row->tcp.ssthresh);
    if (row->known & SOCKQ_HAS_DROPS)
        add(" drops=%u", row->drops);
}

static void add_rest(const struct fixture *f, const struct sockq_row *row)
{
    const bool has_lists = !(row->flags & SOCKQ_ROW_DIAG);

    switch (row->table) {
    case SOCKQ_UNIX:
        add(" protocol=%u flags=%x type=%u", row->un.protocol, row->un.flags, row->un.type);
        if (row->un.path)
            add(" name=<%s>", text_at(f, row->un.path, row->un.path_len));
        break;
    case SOCKQ_NETLINK:
        add(" protocol=%u port=%u groups=%x dump=%u drops=%u", row->nl.protocol, row->nl.port_id,
            row->nl.groups, row->nl.dump, row->nl.drops);
        break;
    case SOCKQ_PACKET:
        add(" type=%u protocol=%x ifindex=%d running=%u", row->packet.type, row->packet.protocol,
            row->packet.ifindex, row->packet.running);
        break;
    case SOCKQ_SCTP_ASSOCS:
        add(" assoc=%u id=%u remote_port=%u", row->sctp.state, row->sctp.assoc_id,
            row->remote_port);
        add_addresses(f, "remote", has_lists ? row->sctp.remote : 0);
        __attribute__((fallthrough));
    case SOCKQ_SCTP_EPS:
        add(" style=%u local_port=%u", row->sctp.style, row->local_port);
        add_addresses(f, "local", has_lists ? row->sctp.local : 0);
        break;
    default:
        if (row->family == SOCKQ_AF_INET || row->family == SOCKQ_AF_INET6)
            add_inet(row);
    }
}

const char *describe(const struct fixture *f, const struct sockq_row *row)
{
    static const char *const flags[] = {"request",  "mini",    "first-line", "joined", "long-name",
                                        "repeated", "suspect", "forges",     "unsure"};
    uint32_t known = row->known;

    described_length = 0;
    add("%u:", row->line);
    if (known & SOCKQ_HAS_STATE)
        add(" state=%u", row->state);
    if (known & SOCKQ_HAS_QUEUES)
        add(" recv=%u send=%u", row->recv_q, row->send_q);
    if (known & SOCKQ_HAS_TIMER)
        add(" timer=%u/%" PRIu64, row->timer, row->when);
    if (known & SOCKQ_HAS_RETRANS)
        add(" retrans=%u", row->retrans);
    if (known & SOCKQ_HAS_PROBES)
        add(" probes=%u", row->probes);
    if (known & SOCKQ_HAS_UID)
        add(" uid=%u", row->uid);
    if (known & SOCKQ_HAS_INODE)
        add(" inode=%" PRIu64, row->inode);
    if (known & SOCKQ_HAS_REFS)
        add(" refs=%d", row->refs);
    add_rest(f, row);
    add_owners(f, row->owner);
    for (size_t i = 0; i < COUNT(flags); i++)
        if (row->flags >> i & 1)
            add(" %s", flags[i]);
    return described;
}

static bool has_word(const char *text, const char *word, size_t length, bool prefix)
{
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
        if ((p == text || p[-1] == ' ') && (prefix || p[length] == ' ' || p[length] == '\0'))
            return true;
    return false;
}

void assert_words(const struct fixture *f, const struct sockq_row *row, const char *words)
{
    const char *text = describe(f, row);
    char copy[1024], *rest = copy, *word;

    assert_true(strlen(words) < sizeof(copy));
    memcpy(copy, words, strlen(words) + 1);
    while ((word = strsep(&rest, " ")) != NULL) {
        bool absent = word[0] == '!';
        word += absent;
        if (has_word(text, word, strlen(word), absent) == absent)
            fail_msg("%s \"%s\" in: %s", absent ? "unwanted" : "no", word, text);
    }
}

void one_text(void **state)
{
    struct fixture *f = *state;
    const struct text_case *c = f->given;
    unsigned rows = 0, problems = 0;

    put_table(f, c->table, c->text, c->size);
    const struct sockq_table_info *info = read_table(f, c->table);
    assert_int_equal(info->status, SOCKQ_TABLE_COMPLETE);
    for (; rows < COUNT(c->described) && c->described[rows]; rows++)
        assert_string_equal(describe(f, row_at(f, rows)), c->described[rows]);
    assert_int_equal(info->rows, rows);
    for (; problems < COUNT(c->reason) && c->reason[problems]; problems++)
        assert_problem(f, problems, c->line[problems], c->reason[problems], true);
    assert_int_equal(f->w.set->problem_count, problems);
}

int run_unprivileged(int (*function)(void *), void *context)
{
    int status;

    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 &&
            (setgroups(0, NULL) < 0 || setresgid(SOME_USER, SOME_USER, SOME_USER) < 0 ||
             setresuid(SOME_USER, SOME_USER, SOME_USER) < 0))
            _exit(100);
        _exit(function(context));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status))
        fail_msg("the child ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status) == 100 ? -1 : WEXITSTATUS(status);
}
