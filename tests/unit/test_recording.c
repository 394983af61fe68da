/*
 * Files of recordings: what is written is read again, half a snapshot is passed over and cut off,
 * damage of every byte is found, and what is no recording stays as it is.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../../src/collector.h"
#include "recorded.h"

static void assert_same_text(const void *base_a, const struct sockq_set *a, uint64_t at_a,
                             const void *base_b, const struct sockq_set *b, uint64_t at_b,
                             uint32_t length)
{
    assert_int_equal(at_a != 0, at_b != 0);
    if (!at_a)
        return;
    const void *text_a = sockq_set_at(base_a, a, at_a, length);
    const void *text_b = sockq_set_at(base_b, b, at_b, length);
    assert_non_null(text_a);
    assert_non_null(text_b);
    assert_memory_equal(text_a, text_b, length);
}

static void assert_same_owners(const void *base_a, const struct sockq_set *a, uint64_t at_a,
                               const void *base_b, const struct sockq_set *b, uint64_t at_b)
{
    while (at_a || at_b) {
        const struct sockq_owner *x = sockq_set_at(base_a, a, at_a, sizeof(*x));
        const struct sockq_owner *y = sockq_set_at(base_b, b, at_b, sizeof(*y));
        assert_non_null(x);
        assert_non_null(y);
        assert_int_equal(x->fd, y->fd);
        assert_int_equal(x->flags, y->flags);
        const struct sockq_process *p = sockq_set_at(base_a, a, x->process, sizeof(*p));
        const struct sockq_process *q = sockq_set_at(base_b, b, y->process, sizeof(*q));
        assert_non_null(p);
        assert_non_null(q);
        assert_int_equal(p->pid, q->pid);
        assert_int_equal(p->flags, q->flags);
        assert_int_equal(p->program_len, q->program_len);
        assert_same_text(base_a, a, p->program, base_b, b, q->program, p->program_len);
        assert_same_text(base_a, a, p->cmdline, base_b, b, q->cmdline, p->cmdline_len);
        assert_same_text(base_a, a, p->cgroup, base_b, b, q->cgroup, p->cgroup_len);
        at_a = x->next;
        at_b = y->next;
    }
}

static unsigned assert_same_addresses(const void *base_a, const struct sockq_set *a, uint64_t at_a,
                                      const void *base_b, const struct sockq_set *b, uint64_t at_b)
{
    unsigned count = 0;

    for (; at_a || at_b; count++) {
        const struct sockq_address *x = sockq_set_at(base_a, a, at_a, sizeof(*x));
        const struct sockq_address *y = sockq_set_at(base_b, b, at_b, sizeof(*y));
        assert_non_null(x);
        assert_non_null(y);
        assert_memory_equal(x->bytes, y->bytes, sizeof(*x) - offsetof(struct sockq_address, bytes));
        at_a = x->next;
        at_b = y->next;
    }
    return count;
}

/* Rows, owners, names and addresses, wherever they lie. @return how many addresses there were */
static unsigned assert_same_rows(const void *base_a, const struct sockq_set *a, const void *base_b,
                                 const struct sockq_set *b)
{
    unsigned addresses = 0;

    assert_int_equal(sockq_set_rows(a), sockq_set_rows(b));
    for (uint64_t i = 0; i < sockq_set_rows(a); i++) {
        struct sockq_row x = *sockq_set_row(base_a, a, i), y = *sockq_set_row(base_b, b, i);
        assert_same_owners(base_a, a, x.owner, base_b, b, y.owner);
        x.owner = y.owner = 0;
        if (x.table == SOCKQ_UNIX) {
            assert_same_text(base_a, a, x.un.path, base_b, b, y.un.path, x.un.path_len);
            x.un.path = y.un.path = 0;
        }
        if (x.table == SOCKQ_SCTP_EPS || x.table == SOCKQ_SCTP_ASSOCS) {
            addresses += assert_same_addresses(base_a, a, x.sctp.local, base_b, b, y.sctp.local);
            addresses += assert_same_addresses(base_a, a, x.sctp.remote, base_b, b, y.sctp.remote);
            x.sctp.local = x.sctp.remote = y.sctp.local = y.sctp.remote = 0;
        }
        assert_memory_equal(&x, &y, sizeof(x));
    }
    return addresses;
}

static void assert_same_problems(const void *base_a, const struct sockq_set *a, const void *base_b,
                                 const struct sockq_set *b)
{
    uint64_t at_a = a->problems, at_b = b->problems;

    assert_int_equal(a->problem_count, b->problem_count);
    while (at_a || at_b) {
        const struct sockq_problem *x = sockq_set_at(base_a, a, at_a, sizeof(*x));
        const struct sockq_problem *y = sockq_set_at(base_b, b, at_b, sizeof(*y));
        assert_non_null(x);
        assert_non_null(y);
        assert_memory_equal(&x->table, &y->table,
                            sizeof(*x) - offsetof(struct sockq_problem, table));
        at_a = x->next;
        at_b = y->next;
    }
}

static unsigned assert_same_facts(const void *base_a, const struct sockq_set *a, const void *base_b,
                                  const struct sockq_set *b)
{
    uint64_t at_a = a->facts, at_b = b->facts;
    unsigned count = 0;

    for (; at_a || at_b; count++) {
        const struct sockq_fact *x = sockq_set_at(base_a, a, at_a, sizeof(*x));
        const struct sockq_fact *y = sockq_set_at(base_b, b, at_b, sizeof(*y));
        assert_non_null(x);
        assert_non_null(y);
        assert_int_equal(x->file, y->file);
        assert_int_equal(x->text_len, y->text_len);
        assert_same_text(base_a, a, x->text, base_b, b, y->text, x->text_len);
        at_a = x->next;
        at_b = y->next;
    }
    return count;
}

static void open_recording(struct fixture *f, const char *name, struct sockq_recording *recording)
{
    int fd = sockq_recording_open(path_of(f, name));

    assert_true(fd >= 0);
    assert_int_equal(sockq_recording_list(recording, fd), 0);
}

static void what_is_written_is_read(void **state)
{
    struct fixture *f = *state;
    struct sockq_recording recording;
    struct sockq_client client;
    uint32_t block = 0;

    make_tree(f);
    collect_all(f);
    append(f, "r");
    open_recording(f, "r", &recording);
    assert_int_equal(recording.count, 1);
    assert_int_equal(recording.list[0].rows, sockq_set_rows(f->w.set));
    assert_int_equal(recording.list[0].realtime_ns, f->w.set->realtime_ns);
    assert_int_equal(sockq_client_replay(&client, &recording, 0), 0);
    sockq_recording_close(&recording);
    assert_int_equal(sockq_client_collect(&client, &everything, &block), 0);
    assert_int_equal(sockq_client_wait(&client, block, UINT64_MAX, -1), 0);
    const struct sockq_set *a = f->w.set, *b = sockq_client_set(&client, block);
    assert_true(sockq_set_rows(a) > 2 * SOCKQ_TEXT_TABLES - 2);
    assert_int_equal(assert_same_rows(f->file.map, a, client.map, b), 6);
    assert_same_problems(f->file.map, a, client.map, b);
    assert_int_equal(assert_same_facts(f->file.map, a, client.map, b), 2);
    assert_same_owners(f->file.map, a, a->owners.zero, client.map, b, b->owners.zero);
    assert_true(b->owners.zero != 0);
    assert_int_equal(a->owners.processes, b->owners.processes);
    assert_int_equal(sockq_set_status(b), SOCKQ_SET_INCOMPLETE);
    assert_memory_equal(a->tables, b->tables, sizeof(a->tables));
    assert_string_equal(b->host, "box");
    assert_int_equal(b->filter_len, 3);
    assert_memory_equal(sockq_set_at(client.map, b, b->filter, 3), "a\nb", 3);
    assert_int_equal(a->realtime_ns, b->realtime_ns);
    assert_int_equal(a->user_hz, b->user_hz);
    assert_int_equal(b->live, 0);
    sockq_client_close(&client);
}

/* What is recorded once more is the same file: nothing is lost, nothing grows. */
static void a_recording_of_a_recording(void **state)
{
    struct fixture *f = *state;
    struct sockq_recording recording;

    make_tree(f);
    collect_all(f);
    append(f, "r");
    open_recording(f, "r", &recording);
    sockq_file_release(&f->file, f->w.block);
    assert_int_equal(sockq_recording_load(&recording, 0, &f->file, &f->w.block), 0);
    f->w.set = (void *)(f->file.base + ((size_t)f->w.block << SOCKQ_BLOCK_SHIFT));
    sockq_recording_close(&recording);
    append(f, "s");
    struct image a = image_of(f, "r"), b = image_of(f, "s");
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.bytes, b.bytes, a.size);
    free(a.bytes);
    free(b.bytes);
}

/* Every length that a file can be cut to: whole snapshots are read, and no byte more. */
static void every_truncation(void **state)
{
    struct fixture *f = *state;
    struct sockq_recording recording;
    uint32_t block;

    make_tree(f);
    collect_all(f);
    for (int i = 0; i < 3; i++)
        append(f, "r");
    struct image image = image_of(f, "r");
    const size_t one = image.size / 3;
    for (size_t size = 0; size <= image.size; size += EVERY_PLACE) {
        int result = list_bytes(f, image.bytes, size, &recording);
        if (size > 0 && size < 8) {
            assert_int_equal(result, -1);
            assert_int_equal(recording.flaw, SOCKQ_FLAW_FOREIGN);
        } else {
            assert_int_equal(result, 0);
            assert_int_equal(recording.count, size / one);
            assert_int_equal(recording.end, size / one * one);
            assert_int_equal(recording.size, size);
        }
        if (recording.count > 0 && size % 97 == 0) {
            assert_int_equal(
                sockq_recording_load(&recording, recording.count - 1, &f->file, &block), 0);
            sockq_file_release(&f->file, block);
        }
        sockq_recording_close(&recording);
    }
    free(image.bytes);
}

/* One byte changed, whichever: it is damage, and it is found. */
static void every_byte_flipped(void **state)
{
    struct fixture *f = *state;
    struct image image = lone_snapshot(f);
    struct sockq_recording recording;
    uint32_t block;

    for (size_t i = 0; i < image.size; i += EVERY_PLACE)
        for (int bits = 1; bits < 256; bits *= 128) {
            image.bytes[i] ^= (unsigned char)bits;
            int result = list_bytes(f, image.bytes, image.size, &recording);
            if (result == 0 && recording.count > 0)
                result = sockq_recording_load(&recording, 0, &f->file, &block);
            if (result == 0)
                fail_msg("byte %zu changed by %d was not found", i, bits);
            assert_int_equal(errno, EBADMSG);
            assert_true(recording.flaw != SOCKQ_FLAW_NONE);
            sockq_recording_close(&recording);
            image.bytes[i] ^= (unsigned char)bits;
        }
    free(image.bytes);
}

/* A damaged snapshot among whole ones is found as such, not taken for the end. */
static void damage_in_the_middle(void **state)
{
    struct fixture *f = *state;
    struct sockq_recording recording;
    uint32_t block;

    make_tree(f);
    collect_all(f);
    for (int i = 0; i < 3; i++)
        append(f, "r");
    struct image image = image_of(f, "r");
    const size_t one = image.size / 3;
    image.bytes[one] ^= 1;
    assert_int_equal(list_bytes(f, image.bytes, image.size, &recording), -1);
    assert_int_equal(recording.flaw, SOCKQ_FLAW_FRAME);
    assert_int_equal(recording.flaw_at, one);
    sockq_recording_close(&recording);
    image.bytes[one] ^= 1;
    image.bytes[2 * one - 1] ^= 1;
    assert_int_equal(list_bytes(f, image.bytes, image.size, &recording), 0);
    assert_int_equal(sockq_recording_load(&recording, 0, &f->file, &block), 0);
    assert_int_equal(sockq_recording_load(&recording, 2, &f->file, &block), 0);
    assert_int_equal(sockq_recording_load(&recording, 1, &f->file, &block), -1);
    assert_int_equal(errno, EBADMSG);
    assert_int_equal(recording.flaw, SOCKQ_FLAW_SUM);
    assert_int_equal(recording.flaw_at, one);
    sockq_recording_close(&recording);
    free(image.bytes);
}

/* Half a snapshot is cut off before the next one is written. */
static void append_behind_half_a_snapshot(void **state)
{
    struct fixture *f = *state;
    struct sockq_recording recording;

    make_tree(f);
    collect_all(f);
    append(f, "r");
    append(f, "r");
    struct image image = image_of(f, "r");
    const size_t one = image.size / 2;
    const size_t sizes[] = {one + 1, image.size - 1, one - 1, 8};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        put_bytes(f, "s", image.bytes, sizes[i]);
        append(f, "s");
        open_recording(f, "s", &recording);
        assert_int_equal(recording.count, sizes[i] / one + 1);
        assert_int_equal(recording.end, recording.size);
        sockq_recording_close(&recording);
    }
    free(image.bytes);
}

struct limited {
    struct fixture *f;
    size_t limit;
};

/* In a child: append beyond the size that a file may have. */
static int append_beyond(struct limited *limited)
{
    struct rlimit limit = {.rlim_cur = limited->limit, .rlim_max = RLIM_INFINITY};
    struct sockq_source source = {.set = limited->f->w.set, .base = limited->f->file.map};
    struct sockq_selection all = {.question = everything, .filter = "a\nb", .filter_len = 3};
    struct sockq_recording recording;
    int fd = sockq_recording_create(path_of(limited->f, "r"));

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || sockq_recording_list(&recording, fd) < 0)
        return 1;
    if (sockq_recording_append(&recording, &source, &all) == 0)
        return 2;
    if (errno != EFBIG)
        return 3;
    /* It goes on when there is room again. */
    limit.rlim_cur = RLIM_INFINITY;
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0 || recording.count != 1 ||
        recording.end != recording.size)
        return 4;
    return sockq_recording_append(&recording, &source, &all) < 0 ? 5 : 0;
}

static void no_room_for_a_snapshot(void **state)
{
    struct fixture *f = *state;
    struct sockq_recording recording;
    int status;

    make_tree(f);
    collect_all(f);
    append(f, "r");
    /* Children see it too, or valgrind takes it for lost there. */
    static struct image image;
    image = image_of(f, "r");
    const size_t limits[] = {image.size, image.size + 1, image.size + 2000, 2 * image.size - 1};
    for (size_t i = 0; i < COUNT(limits); i++) {
        struct limited limited = {f, limits[i]};
        put_bytes(f, "r", image.bytes, image.size);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(append_beyond(&limited));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        open_recording(f, "r", &recording);
        assert_int_equal(recording.count, 2);
        assert_int_equal(recording.size, 2 * image.size);
        sockq_recording_close(&recording);
    }
    free(image.bytes);
}

/* What is no recording is refused, and stays as it is. */
static void other_files(void **state)
{
    static const char *const texts[] = {"s", "sockq", "hello, this is no recording\n", "sockqrex"};
    struct fixture *f = *state;
    struct sockq_recording recording;

    for (size_t i = 0; i < COUNT(texts); i++) {
        put_text(f, "text", texts[i]);
        int fd = sockq_recording_create(path_of(f, "text"));
        assert_true(fd >= 0);
        assert_int_equal(sockq_recording_list(&recording, fd), -1);
        assert_int_equal(errno, EBADMSG);
        assert_int_equal(recording.flaw, SOCKQ_FLAW_FOREIGN);
        sockq_recording_close(&recording);
        struct image image = image_of(f, "text");
        assert_int_equal(image.size, strlen(texts[i]));
        assert_memory_equal(image.bytes, texts[i], image.size);
        free(image.bytes);
    }
}

static void assert_refused(int fd, int error)
{
    assert_int_equal(fd, -1);
    assert_int_equal(errno, error);
}

static void opening(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    assert_refused(sockq_recording_open(path_of(f, "missing")), ENOENT);
    put_folder(f, "folder");
    assert_refused(sockq_recording_open(path_of(f, "folder")), EISDIR);
    assert_refused(sockq_recording_create(path_of(f, "folder")), EISDIR);
    assert_int_equal(mkfifo(path_of(f, "fifo"), 0600), 0);
    assert_refused(sockq_recording_open(path_of(f, "fifo")), EINVAL);
    assert_refused(sockq_recording_create(path_of(f, "fifo")), EINVAL);
    assert_refused(sockq_recording_open("/dev/zero"), EINVAL);
    assert_refused(sockq_recording_create("/dev/full"), EINVAL);
    put_link(f, "link", "target");
    assert_refused(sockq_recording_create(path_of(f, "link")), ELOOP);
    assert_refused(open(path_of(f, "target"), O_RDONLY), ENOENT);
    umask(0);
    int fd = sockq_recording_create(path_of(f, "new"));
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 0);
    assert_refused(sockq_recording_create(path_of(f, "new")), EWOULDBLOCK);
    close(fd);
    fd = sockq_recording_create(path_of(f, "new"));
    assert_true(fd >= 0);
    close(fd);
}

/* Write bytes into a file of the tree as it is. */
static void overwrite(const struct fixture *f, const char *name, off_t at, const void *bytes,
                      size_t size)
{
    int fd = open(path_of(f, name), O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, at), size);
    close(fd);
}

/* What was there when it was listed may be something else when it is loaded. */
static void changed_between_list_and_load(void **state)
{
    struct fixture *f = *state;
    struct image image = lone_snapshot(f), other;
    struct sockq_recording recording;
    struct sockq_file file;
    uint32_t block;

    /* One of another size, sound by itself. */
    put_text(f, "loadavg", "1.00 and more text than before\n");
    collect_all(f);
    append(f, "other");
    other = image_of(f, "other");
    assert_true(other.size > image.size);
    assert_int_equal(sockq_file_open(&file, (size_t)16 << 20, false), 0);
    for (int change = 0; change < 4; change++) {
        static const enum sockq_flaw flaws[] = {SOCKQ_FLAW_NONE, SOCKQ_FLAW_FOREIGN, SOCKQ_FLAW_SUM,
                                                SOCKQ_FLAW_SUM};
        assert_int_equal(list_bytes(f, image.bytes, image.size, &recording), 0);
        assert_int_equal(recording.count, 1);
        if (change == 1)
            overwrite(f, "bytes", 0, "X", 1);
        if (change == 2)
            assert_int_equal(truncate(path_of(f, "bytes"), (off_t)image.size - 1), 0);
        if (change == 3)
            overwrite(f, "bytes", 0, other.bytes, other.size);
        const int result = sockq_recording_load(&recording, 0, &file, &block);
        assert_int_equal(result, change ? -1 : 0);
        assert_int_equal(recording.flaw, flaws[change]);
        if (change)
            assert_int_equal(errno, EBADMSG);
        sockq_recording_close(&recording);
    }
    sockq_file_close(&file);
    free(image.bytes);
    free(other.bytes);
}

/* More snapshots than there is room for at first; and what can hold none. */
static void many_snapshots(void **state)
{
    enum { MANY = 20 };
    struct fixture *f = *state;
    struct sockq_recording recording;
    int ends[2];

    put_table(f, SOCKQ_UDP, BYTES(""));
    collect_all(f);
    for (int i = 0; i < MANY; i++)
        append(f, "r");
    open_recording(f, "r", &recording);
    assert_int_equal(recording.count, MANY);
    sockq_recording_close(&recording);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(sockq_recording_list(&recording, ends[0]), -1);
    assert_int_equal(errno, ESPIPE);
    sockq_recording_close(&recording);
    close(ends[1]);
    assert_string_equal(sockq_flaw_text((enum sockq_flaw)SOCKQ_FLAWS), "unknown flaw");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(what_is_written_is_read),
        FIXTURE_TEST(a_recording_of_a_recording),
        FIXTURE_TEST(every_truncation),
        FIXTURE_TEST(every_byte_flipped),
        FIXTURE_TEST(damage_in_the_middle),
        FIXTURE_TEST(append_behind_half_a_snapshot),
        FIXTURE_TEST(no_room_for_a_snapshot),
        FIXTURE_TEST(other_files),
        FIXTURE_TEST(opening),
        FIXTURE_TEST(changed_between_list_and_load),
        FIXTURE_TEST(many_snapshots),
    };

    return cmocka_run_group_tests_name("recording", tests, NULL, NULL);
}
