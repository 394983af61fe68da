/*
 * An interpreter that has turned hostile: over its socket it can ask for socket tables, and nothing
 * more; whatever else it sends ends the service, and nothing makes it crash or hang. Nor can it
 * write the memory file.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "privilege.h"
#include "serving.h"

static uint64_t state_of_random = 88172645463325252u;

static uint64_t next_random(void)
{
    state_of_random ^= state_of_random << 13;
    state_of_random ^= state_of_random >> 7;
    return state_of_random ^= state_of_random << 17;
}

static void fill_random(void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((unsigned char *)bytes)[i] = (unsigned char)next_random();
}

/* Take what is said, and leave. @return errno of the service's end, 0 if it ended well */
static int leave(struct serving_world *world)
{
    end_serving(world);
    return world->error;
}

static void put_few_rows(struct serving_world *world)
{
    put_table(world->f, SOCKQ_TCP, good_of(SOCKQ_TCP), strlen(good_of(SOCKQ_TCP)));
}

static void random_datagrams_of_any_size(void **state)
{
    struct serving_world *world = *state;
    unsigned char bytes[512];

    put_few_rows(world);
    for (int round = 0; round < 400; round++) {
        const size_t size = next_random() % sizeof(bytes) + 1;
        start_serving(world, (size_t)8 << 20);
        fill_random(bytes, size);
        send_raw(world, bytes, size);
        assert_int_equal(leave(world), EPROTO);
    }
}

/* Every field but one or two as it should be: the message is served, or ends the service. */
static void requests_with_random_fields(void **state)
{
    struct serving_world *world = *state;
    unsigned served = 0, refused = 0;

    put_few_rows(world);
    for (int round = 0; round < 2000; round++) {
        const enum sockq_operation operation =
            (enum sockq_operation)(SOCKQ_OP_COLLECT + next_random() % 4);
        struct sockq_message m = request(operation, operation == SOCKQ_OP_COLLECT ? 0 : 1);
        start_serving(world, (size_t)8 << 20);
        for (uint64_t bits = next_random() % 3 + 1; bits > 0; bits--)
            ((unsigned char *)&m)[next_random() % sizeof(m)] ^=
                (unsigned char)(1u << next_random() % 8);
        const bool valid = sockq_request_valid(&m, sizeof(m));
        send_raw(world, &m, sizeof(m));
        if (valid && m.operation == SOCKQ_OP_COLLECT) {
            struct sockq_message reply;
            do
                reply = receive_raw(world);
            while (reply.operation != SOCKQ_OP_DONE && reply.operation != SOCKQ_OP_FAILED);
        }
        assert_int_equal(leave(world), valid ? 0 : EPROTO);
        served += valid;
        refused += !valid;
    }
    assert_true(served > 100 && refused > 500);
}

/* Whatever the order of what is allowed, only a second collection in flight ends the service. */
static void requests_out_of_order(void **state)
{
    struct serving_world *world = *state;

    put_few_rows(world);
    for (int round = 0; round < 200; round++) {
        start_serving(world, (size_t)16 << 20);
        int sent = 0;
        for (int i = 0; i < 50; i++) {
            struct sockq_message m = request(
                next_random() % 8 ? (enum sockq_operation)(SOCKQ_OP_CANCEL + next_random() % 3)
                                  : SOCKQ_OP_COLLECT,
                0);
            if (m.operation != SOCKQ_OP_COLLECT)
                m.block = (uint32_t)(next_random() % 12 + 1);
            if (m.operation == SOCKQ_OP_PASSED)
                m.rows = next_random() % 3;
            if (send(world->ends[1], &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(m))
                sent++;
        }
        assert_true(sent > 0);
        const int error = leave(world);
        assert_true(error == 0 || error == EPROTO);
    }
}

/* A flood while a table is read does not hold the table up; unread replies do not hold it up. */
static void a_flood_of_requests(void **state)
{
    struct serving_world *world = *state;
    struct sockq_message message = request(SOCKQ_OP_COLLECT, 0), reply;

    put_many_rows(world);
    start_serving(world, (size_t)64 << 20);
    send_raw(world, &message, sizeof(message));
    const uint32_t block = receive_raw(world).block;
    const struct sockq_set *set = sockq_client_set(&world->client, block);
    message = request(SOCKQ_OP_RELEASE, block + 7);
    for (int spins = 0; spins < 20000000 && sockq_set_status(set) == SOCKQ_SET_READING; spins++)
        (void)send(world->ends[1], &message, sizeof(message), MSG_DONTWAIT | MSG_NOSIGNAL);
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_COMPLETE);
    assert_many_rows(&world->client, block, MANY_ROWS);
    do
        reply = receive_raw(world);
    while (reply.operation == SOCKQ_OP_PROGRESS);
    assert_int_equal(reply.operation, SOCKQ_OP_DONE);
    assert_int_equal(leave(world), 0);
}

/* The end at any moment: before the answer, in the middle of it, with answers unread. */
static void it_closes_early(void **state)
{
    struct serving_world *world = *state;
    struct sockq_message message = request(SOCKQ_OP_COLLECT, 0);

    put_many_rows(world);
    for (int round = 0; round < 40; round++) {
        start_serving(world, (size_t)64 << 20);
        send_raw(world, &message, sizeof(message));
        for (int i = 0; i < round % 4; i++)
            (void)receive_raw(world);
        if (round % 3 == 0)
            shutdown(world->ends[1], SHUT_RD);
        assert_int_equal(leave(world), 0);
    }
}

/* Row sets that are never given back: their number and their memory have a limit, the service goes
 * on, and what is given back makes room. */
static void row_sets_that_are_kept(void **state)
{
    struct serving_world *world = *state;
    const struct sockq_message collect = request(SOCKQ_OP_COLLECT, 0);
    struct sockq_message reply;
    uint32_t last = 0;
    int sets = 0;

    put_few_rows(world);
    start_serving(world, (size_t)16 << 30);
    world->memory.sets_most = 300;
    for (;; sets++) {
        send_raw(world, &collect, sizeof(collect));
        reply = receive_raw(world);
        if (reply.operation == SOCKQ_OP_FAILED)
            break;
        last = reply.block;
        assert_int_equal(receive_raw(world).operation, SOCKQ_OP_DONE);
    }
    assert_int_equal(reply.error, EDQUOT);
    assert_int_equal(sets, 300);
    reply = request(SOCKQ_OP_RELEASE, last);
    send_raw(world, &reply, sizeof(reply));
    send_raw(world, &collect, sizeof(collect));
    assert_int_equal(receive_raw(world).operation, SOCKQ_OP_STARTED);
    assert_int_equal(receive_raw(world).operation, SOCKQ_OP_DONE);
    assert_int_equal(leave(world), 0);
}

static void memory_that_is_kept(void **state)
{
    enum { MOST = 16 << 20 };
    struct serving_world *world = *state;
    const struct sockq_message collect = request(SOCKQ_OP_COLLECT, 0);
    struct sockq_message reply;
    uint32_t blocks[64];
    unsigned sets = 0, whole = 0;

    put_many_rows(world);
    start_serving(world, (size_t)1 << 30);
    world->memory.used_most = MOST / SOCKQ_PAGE;
    for (int round = 0; round < 3; round++) {
        const struct sockq_set *set;
        for (sets = whole = 0; sets < COUNT(blocks); sets++) {
            send_raw(world, &collect, sizeof(collect));
            reply = receive_raw(world);
            if (reply.operation == SOCKQ_OP_FAILED)
                break;
            blocks[sets] = reply.block;
            do
                reply = receive_raw(world);
            while (reply.operation == SOCKQ_OP_PROGRESS);
            set = sockq_client_set(&world->client, blocks[sets]);
            whole += sockq_set_status(set) == SOCKQ_SET_COMPLETE;
            if (sockq_set_status(set) == SOCKQ_SET_FAILED)
                assert_int_equal(set->error, EDQUOT);
        }
        /* 20,000 rows of 128 bytes, and what a set costs: five or six of them fit. */
        assert_true(whole >= 5 && whole <= 6);
        assert_true(sets < COUNT(blocks));
        assert_int_equal(reply.error, EDQUOT);
        for (unsigned i = 0; i < sets; i++) {
            reply = request(SOCKQ_OP_RELEASE, blocks[i]);
            send_raw(world, &reply, sizeof(reply));
        }
    }
    stop_serving(world, 0);
    assert_int_equal(world->memory.used, 0);
}

/* What a process that holds the reader's mapping tries; 0: it is refused */
static const char *write_memory(const volatile unsigned char *map, size_t size)
{
    char path[64];

    if (mprotect((void *)(uintptr_t)map, 4096, PROT_READ | PROT_WRITE) == 0)
        return "mprotect";
    if (mprotect((void *)(uintptr_t)map, size, PROT_READ | PROT_WRITE | PROT_EXEC) == 0)
        return "mprotect of all";
    if (madvise((void *)(uintptr_t)map, 4096, MADV_REMOVE) == 0)
        return "MADV_REMOVE";
    if (madvise((void *)(uintptr_t)map, 4096, 23 /* MADV_POPULATE_WRITE */) == 0)
        return "MADV_POPULATE_WRITE";
    void *moved = mremap((void *)(uintptr_t)map, 4096, 4096, MREMAP_MAYMOVE);
    if (moved != MAP_FAILED && mprotect(moved, 4096, PROT_READ | PROT_WRITE) == 0)
        return "mremap, mprotect";
    /* Mapped once more from the old size 0, which makes another mapping of the same pages. */
    void *again = mremap((void *)(uintptr_t)(map + 8192), 0, 4096, MREMAP_MAYMOVE);
    if (again != MAP_FAILED && mprotect(again, 4096, PROT_READ | PROT_WRITE) == 0)
        return "mremap of nothing, mprotect";
    for (int fd = 3; fd < 256; fd++) {
        struct stat st;
        if (fstat(fd, &st) < 0)
            continue;
        if (pwrite(fd, "x", 1, 0) == 1)
            return "pwrite";
        if (ftruncate(fd, 0) == 0)
            return "ftruncate";
        if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) == 0)
            return "fallocate";
        if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED)
            return "mmap";
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        const int opened = open(path, O_RDWR);
        if (opened >= 0 && fstat(opened, &st) == 0 && S_ISREG(st.st_mode))
            return "open through /proc/self/fd";
    }
    snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)(uintptr_t)map,
             (unsigned long)(uintptr_t)map + (unsigned long)size);
    if (open(path, O_RDWR) >= 0)
        return "open through map_files";
    int mem = open("/proc/self/mem", O_RDWR);
    if (mem >= 0 && pwrite(mem, "x", 1, (off_t)(uintptr_t)(map + 16384)) == 1 && map[16384] == 'x')
        return "/proc/self/mem";
    snprintf(path, sizeof(path), "/proc/%d/mem", (int)getppid());
    if (geteuid() != 0 && open(path, O_RDWR) >= 0)
        return "memory of the collector";
    return NULL;
}

static void the_memory_file_cannot_be_written_by_the_interpreter(void **state)
{
    struct sockq_file file;
    struct sockq_invoker invoker;
    int ends[2], out[2], status;
    char what[64] = "";

    (void)state;
    sockq_invoker_find(&invoker);
    assert_int_equal(sockq_file_open(&file, (size_t)64 << 20, true), 0);
    memset(file.base, 'k', 1 << 20);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(pipe(out), 0);
    /* As the collector of root. */
    const pid_t parent = getpid(), pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        sockq_descriptors_close(ends[1], out[1]);
        if (sockq_interpreter_confine(&invoker, parent) < 0)
            _exit(2);
        const char *found = write_memory(file.map, file.size);
        if (found && write(out[1], found, strlen(found)) < 0)
            _exit(3);
        /* The writable mapping is not there: it was not inherited. */
        _exit(found != NULL);
    }
    close(out[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(read(out[0], what, sizeof(what) - 1) >= 0);
    assert_string_equal(what, "");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (size_t i = 0; i < 1 << 20; i++)
        if (file.map[i] != 'k')
            fail_msg("byte %zu was changed", i);
    close(out[0]);
    close(ends[0]);
    close(ends[1]);
    sockq_file_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVING_TEST(random_datagrams_of_any_size),
        SERVING_TEST(requests_with_random_fields),
        SERVING_TEST(requests_out_of_order),
        SERVING_TEST(a_flood_of_requests),
        SERVING_TEST(it_closes_early),
        SERVING_TEST(row_sets_that_are_kept),
        SERVING_TEST(memory_that_is_kept),
        cmocka_unit_test(the_memory_file_cannot_be_written_by_the_interpreter),
    };

    return cmocka_run_group_tests_name("a hostile interpreter", tests, NULL, NULL);
}
