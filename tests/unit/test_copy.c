/*
 * Copying row sets: what a question leaves of one, and that nothing else comes along.
 */
#define _GNU_SOURCE
#include "../../src/collector.h"
#include "recorded.h"

static const struct sockq_question owners_alone = {.flags = SOCKQ_WITH_OWNERS};

/* A client over the tree's only snapshot. */
static void replay(struct fixture *f, struct sockq_client *client)
{
    struct sockq_recording recording;
    int fd;

    append(f, "r");
    fd = sockq_recording_open(path_of(f, "r"));
    assert_true(fd >= 0);
    assert_int_equal(sockq_recording_list(&recording, fd), 0);
    assert_int_equal(sockq_client_replay(client, &recording, recording.count - 1), 0);
    sockq_recording_close(&recording);
}

static const struct sockq_set *ask(struct sockq_client *client, uint64_t tables, uint64_t states,
                                   uint32_t flags)
{
    const struct sockq_question question = {.tables = tables, .states = states, .flags = flags};
    uint32_t block = 0;

    assert_int_equal(sockq_client_collect(client, &question, &block), 0);
    return sockq_client_set(client, block);
}

static uint64_t bit_of(enum sockq_table table)
{
    return (uint64_t)1 << table;
}

static void questions(void **state)
{
    struct fixture *f = *state;
    struct sockq_client client;
    const struct sockq_set *set;

    make_tree(f);
    collect_all(f);
    replay(f, &client);
    set = ask(&client, bit_of(SOCKQ_TCP) | bit_of(SOCKQ_UNIX), 0, 0);
    assert_int_equal(sockq_set_rows(set), 4);
    assert_int_equal(set->tables[SOCKQ_TCP].rows, 2);
    assert_int_equal(set->tables[SOCKQ_UNIX].first_row, 2);
    assert_int_equal(set->tables[SOCKQ_UDP].status, SOCKQ_TABLE_UNREAD);
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_INCOMPLETE);
    /* The line "nonsense" of tcp; in unix it goes on a name. */
    assert_int_equal(set->problem_count, 1);
    assert_int_equal(set->owners.done, 0);
    assert_int_equal(set->facts, 0);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(sockq_set_row(client.map, set, i)->owner, 0);
    set = ask(&client, bit_of(SOCKQ_UNIX), 0, SOCKQ_WITH_OWNERS);
    assert_int_equal(sockq_set_status(set), SOCKQ_SET_COMPLETE);
    assert_int_equal(set->problem_count, 0);
    assert_int_equal(set->owners.done, 1);
    const struct sockq_owner *owner =
        sockq_set_at(client.map, set, sockq_set_row(client.map, set, 0)->owner, sizeof(*owner));
    assert_non_null(owner);
    const struct sockq_process *process =
        sockq_set_at(client.map, set, owner->process, sizeof(*process));
    assert_non_null(process);
    assert_int_equal(process->pid, 5);
    /* Not asked for. */
    assert_int_equal(process->cgroup, 0);
    /* States choose among inet rows alone. */
    set = ask(&client, bit_of(SOCKQ_TCP) | bit_of(SOCKQ_TCP6) | bit_of(SOCKQ_UNIX),
              (uint64_t)1 << SOCKQ_LISTEN, 0);
    assert_int_equal(set->tables[SOCKQ_TCP].rows, 0);
    assert_int_equal(set->tables[SOCKQ_TCP6].rows, 2);
    assert_int_equal(set->tables[SOCKQ_UNIX].rows, 2);
    sockq_client_close(&client);
}

/* The first process that owns the first unix row; the answer to a question with these flags. */
static const struct sockq_process *recorded_process(struct sockq_client *client, uint32_t flags,
                                                    const struct sockq_set **set)
{
    *set = ask(client, bit_of(SOCKQ_UNIX), 0, flags);
    const struct sockq_owner *owner =
        sockq_set_at(client->map, *set, sockq_set_row(client->map, *set, 0)->owner, sizeof(*owner));
    assert_non_null(owner);
    const struct sockq_process *process =
        sockq_set_at(client->map, *set, owner->process, sizeof(*process));
    assert_non_null(process);
    return process;
}

static void assert_text(const struct sockq_client *client, const struct sockq_set *set,
                        const char *expected, uint64_t offset, uint32_t length)
{
    assert_int_equal(length, strlen(expected));
    const char *text = sockq_set_at(client->map, set, offset, length);
    assert_non_null(text);
    assert_memory_equal(text, expected, length);
}

/* What a process is comes along if it is asked for, each thing by itself. */
static void what_a_recorded_process_is(void **state)
{
    struct fixture *f = *state;
    struct sockq_client client;
    const struct sockq_set *set;

    make_tree(f);
    collect_all(f);
    replay(f, &client);
    const struct sockq_process *process = recorded_process(&client, SOCKQ_WITH_COMM, &set);
    assert_text(&client, set, "sshd", process->comm, process->comm_len);
    assert_int_equal(process->exe + process->exe_len + process->started + process->flags, 0);
    assert_int_equal(set->owners.boot_time, 0);
    process = recorded_process(&client, SOCKQ_WITH_EXE, &set);
    assert_text(&client, set, "/usr/sbin/sshd", process->exe, process->exe_len);
    assert_int_equal(process->comm + process->comm_len + process->started + process->flags, 0);
    process = recorded_process(&client, SOCKQ_WITH_STARTED, &set);
    assert_int_equal(process->started, 1234);
    assert_int_equal(process->flags, SOCKQ_PROCESS_STARTED);
    assert_int_equal(set->owners.boot_time, 1795671544);
    assert_int_equal(process->comm + process->exe, 0);
    sockq_client_close(&client);
}

static void owners_of_recorded_rows(void **state)
{
    struct fixture *f = *state;
    struct sockq_client client;
    uint32_t block = 0;
    unsigned count = 0;

    make_tree(f);
    collect_all(f);
    replay(f, &client);
    assert_int_equal(sockq_client_collect(&client, &owners_alone, &block), 0);
    const struct sockq_set *set = sockq_client_set(&client, block);
    assert_int_equal(sockq_set_rows(set), 0);
    uint64_t at = set->owners.holders;
    for (const struct sockq_holder *holder; at; at = holder->next, count++) {
        holder = sockq_set_at(client.map, set, at, sizeof(*holder));
        assert_non_null(holder);
        assert_true(holder->inode == 1600 || holder->inode == 15600);
        assert_non_null(sockq_set_at(client.map, set, holder->owner, sizeof(struct sockq_owner)));
    }
    /* Inode 999 is no row's. */
    assert_int_equal(count, 2);
    sockq_client_close(&client);
}

static void tables_that_were_not_recorded(void **state)
{
    struct fixture *f = *state;
    struct sockq_recording recording;
    struct sockq_client client;
    struct sockq_source source;
    struct sockq_selection some = {.question = {.tables = bit_of(SOCKQ_TCP) | bit_of(SOCKQ_UDP)}};

    make_tree(f);
    assert_int_equal(unlink(path_of(f, "net/udp")), 0);
    collect_all(f);
    source = (struct sockq_source){.set = f->w.set, .base = f->file.map};
    assert_int_equal(sockq_recording_list(&recording, sockq_recording_create(path_of(f, "r"))), 0);
    assert_int_equal(sockq_recording_append(&recording, &source, &some), 0);
    assert_int_equal(sockq_client_replay(&client, &recording, 0), 0);
    sockq_recording_close(&recording);
    const struct sockq_set *set =
        ask(&client, everything.tables, 0, SOCKQ_WITH_OWNERS | SOCKQ_WITH_FACTS);
    assert_int_equal(sockq_set_rows(set), 2);
    for (int i = 0; i < SOCKQ_TABLES; i++) {
        assert_int_equal(set->tables[i].status,
                         i == SOCKQ_TCP ? SOCKQ_TABLE_COMPLETE : SOCKQ_TABLE_MISSING);
        assert_int_equal(set->tables[i].error, i == SOCKQ_TCP ? 0 : ENOENT);
    }
    assert_int_equal(set->owners.error, ENODATA);
    sockq_client_close(&client);
}

/* A few of many rows make a small snapshot: nothing of the others is in it. */
static void a_selection_is_small(void **state)
{
    enum { ROWS = 20000, SHOWN = 10 };
    struct fixture *f = *state;
    char *text = malloc(ROWS * 160), *p = text, path[64];
    uint64_t rows[SHOWN];
    struct sockq_recording recording;
    struct sockq_source source;
    struct sockq_selection some = {.question = everything, .rows = rows, .count = SHOWN};
    struct sockq_client client;

    assert_non_null(text);
    for (int i = 0; i < ROWS; i++)
        p += sprintf(p,
                     "   0: 0100007F:%04X 0200007F:0016 01 00000002:00000001 00:00000000 00000003  "
                     "1000        4 %d 1 00000000db745801 20 4 30 10 -1\n",
                     i, 1000 + i);
    put_table(f, SOCKQ_TCP, text, (size_t)(p - text));
    free(text);
    for (int pid = 1; pid <= 40; pid++)
        for (int fd = 0; fd < 10; fd++) {
            char target[32];
            snprintf(path, sizeof(path), "%d/fd/%d", pid, fd);
            snprintf(target, sizeof(target), "socket:[%d]", 1000 + pid * 100 + fd);
            put_link(f, path, target);
            snprintf(path, sizeof(path), "%d/cmdline", pid);
            put_text(f, path, "/usr/bin/a-program --with --some --arguments");
        }
    collect_all(f);
    for (uint64_t i = 0; i < SHOWN; i++)
        rows[i] = 100 + i;
    source = (struct sockq_source){.set = f->w.set, .base = f->file.map};
    assert_int_equal(sockq_recording_list(&recording, sockq_recording_create(path_of(f, "r"))), 0);
    assert_int_equal(sockq_recording_append(&recording, &source, &some), 0);
    assert_true(recording.size < 4096);
    assert_int_equal(sockq_client_replay(&client, &recording, 0), 0);
    const struct sockq_set *set = ask(&client, bit_of(SOCKQ_TCP), 0, SOCKQ_WITH_OWNERS);
    assert_int_equal(sockq_set_rows(set), SHOWN);
    for (uint64_t i = 0; i < SHOWN; i++) {
        const struct sockq_row *row = sockq_set_row(client.map, set, i);
        assert_int_equal(row->inode, 1100 + i);
        const struct sockq_owner *owner = sockq_set_at(client.map, set, row->owner, sizeof(*owner));
        assert_non_null(owner);
        assert_int_equal(owner->fd, i);
    }
    sockq_client_close(&client);
    /* Rows that do not ascend, and one that does not exist. */
    rows[1] = rows[0];
    assert_int_equal(sockq_recording_append(&recording, &source, &some), -1);
    assert_int_equal(errno, EINVAL);
    rows[1] = 101;
    rows[SHOWN - 1] = ROWS;
    assert_int_equal(sockq_recording_append(&recording, &source, &some), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(recording.count, 1);
    some.count = 0;
    assert_int_equal(sockq_recording_append(&recording, &source, &some), 0);
    assert_int_equal(recording.list[1].rows, 0);
    sockq_recording_close(&recording);
}

/* A copy that does not fit leaves no block behind. */
static void no_memory_for_a_copy(void **state)
{
    struct fixture *f = *state;
    struct sockq_selection all = {.question = everything};
    struct sockq_file small;
    struct sockq_writer w;
    enum sockq_flaw flaw;

    make_tree(f);
    collect_all(f);
    struct sockq_source source = {.set = f->w.set, .base = f->file.map};
    assert_int_equal(sockq_file_open(&small, 4 * SOCKQ_BLOCK_SIZE, false), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sockq_copy(&w, &small, &source, &all, &flaw), 0);
        assert_int_equal(sockq_copy(&w, &small, &source, &all, &flaw), -1);
        assert_int_equal(errno, ENOSPC);
        assert_int_equal(flaw, SOCKQ_FLAW_NONE);
        sockq_file_release(&small, small.sets.blocks[0]);
        assert_int_equal(small.sets.count, 0);
    }
    sockq_file_close(&small);
}

/* A tree of which each part takes many pages. */
static void make_large_tree(struct fixture *f)
{
    enum { MANY = 500 };
    static char text[MANY * 500];
    char path[64], target[64];
    size_t eps = 0, tcp = 0, un = 0;

    for (int i = 0; i < MANY; i++)
        eps += (size_t)snprintf(text + eps, sizeof(text) - eps,
                                "ffff8880 ffff8881 2 10 22 2905 0 %d 10.0.0.1 10.0.0.2 10.0.0.3 "
                                "10.0.0.4 10.0.0.5\n",
                                7000 + i);
    put_table(f, SOCKQ_SCTP_EPS, text, eps);
    for (int i = 0; i < MANY; i++)
        tcp += (size_t)snprintf(text + tcp, sizeof(text) - tcp,
                                "no row\nnone either\nnor this\nnor that\n"
                                "0: 0100007F:0050 0200007F:%04X 01 0:0 00:0 0 0 0 %d 1 0\n",
                                i + 1, i + 1);
    put_table(f, SOCKQ_TCP, text, tcp);
    for (int i = 0; i < MANY; i++)
        un += (size_t)snprintf(text + un, sizeof(text) - un,
                               "d2a1b5c8: 00000002 00000000 00010000 0001 01 %d /%0100d\n",
                               20000 + i, i);
    put_table(f, SOCKQ_UNIX, text, un);
    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "%d/fd/3", 100 + i);
        snprintf(target, sizeof(target), "socket:[%d]", i + 1);
        put_link(f, path, target);
        snprintf(path, sizeof(path), "%d/ns/net", 100 + i);
        snprintf(target, sizeof(target), "net:[%d]", 1000 + i);
        put_link(f, path, target);
        snprintf(path, sizeof(path), "%d/cmdline", 100 + i);
        put_text(f, path, "/usr/bin/program-with-a-long-name-and-arguments --of-which-this-is-one");
        snprintf(path, sizeof(path), "%d/comm", 100 + i);
        put_text(f, path, "program\n");
    }
    put_link(f, "self/ns/net", "net:[1000]");
    memset(text, '7', 150000);
    put_bytes(f, "net/softnet_stat", text, 150000);
    put_bytes(f, "net/sockstat", text, 150000);
    put_text(f, "loadavg", "1.00\n");
}

/* Wherever the room ends: an error says so, and all that was taken is given back. */
static void room_for_a_part_of_a_copy(void **state)
{
    /* Pages that are asked for at once. */
    enum { STEP = 8 };
    struct fixture *f = *state;
    const struct sockq_selection parts[] = {
        {.question = everything},
        {.question = {.tables = everything.tables, .flags = SOCKQ_WITH_PEERS | SOCKQ_WITH_OWNERS}},
        {.question = owners_alone},
    };
    struct sockq_question question = everything;
    struct sockq_file small;
    struct sockq_writer w;
    enum sockq_flaw flaw;

    make_large_tree(f);
    question.flags |= SOCKQ_WITH_PEERS;
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &f->proc, &question), 0);
    sockq_collect_run(&f->w, &f->proc, &question, never_stop, NULL);
    const struct sockq_source source = {.set = f->w.set, .base = f->file.map};
    for (size_t i = 0; i < COUNT(parts); i++) {
        unsigned failed = 0;
        assert_int_equal(sockq_file_open(&small, (size_t)64 << 20, false), 0);
        small.used_most = 1;
        while (sockq_copy(&w, &small, &source, &parts[i], &flaw) < 0) {
            assert_int_equal(errno, EDQUOT);
            assert_int_equal(flaw, SOCKQ_FLAW_NONE);
            assert_int_equal(small.used, 0);
            assert_int_equal(small.sets.count, 0);
            small.used_most += STEP;
            failed++;
        }
        assert_in_range(failed, 3, 200);
        assert_in_range(small.used, small.used_most - STEP, small.used_most);
        if (i == 0)
            assert_int_equal(sockq_set_rows(w.set), sockq_set_rows(f->w.set));
        sockq_file_close(&small);
    }
}

/* What a set came to is what its copy comes to, as far as it is asked for. */
static void how_a_set_ended(void **state)
{
    static const struct {
        uint32_t status;
        uint32_t table; /* that of tcp */
        uint32_t copied;
    } cases[] = {
        {SOCKQ_SET_COMPLETE, SOCKQ_TABLE_COMPLETE, SOCKQ_SET_COMPLETE},
        {SOCKQ_SET_INCOMPLETE, SOCKQ_TABLE_COMPLETE, SOCKQ_SET_COMPLETE},
        {SOCKQ_SET_INCOMPLETE, SOCKQ_TABLE_FAILED, SOCKQ_SET_INCOMPLETE},
        {SOCKQ_SET_CANCELLED, SOCKQ_TABLE_COMPLETE, SOCKQ_SET_CANCELLED},
        {SOCKQ_SET_FAILED, SOCKQ_TABLE_COMPLETE, SOCKQ_SET_FAILED},
    };
    const struct sockq_question question = {.tables = (uint64_t)1 << SOCKQ_TCP};
    const struct sockq_selection all = {.question = question};
    struct fixture *f = *state;
    struct sockq_file copies;
    struct sockq_writer w;
    enum sockq_flaw flaw;

    put_table(f, SOCKQ_TCP, good_of(SOCKQ_TCP), strlen(good_of(SOCKQ_TCP)));
    assert_int_equal(sockq_collect_begin(&f->w, &f->file, &f->proc, &question), 0);
    sockq_collect_run(&f->w, &f->proc, &question, never_stop, NULL);
    assert_int_equal(sockq_file_open(&copies, (size_t)16 << 20, false), 0);
    const struct sockq_source source = {.set = f->w.set, .base = f->file.map};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const bool failed = cases[i].status == SOCKQ_SET_FAILED;
        f->w.set->status = cases[i].status;
        f->w.set->error = failed ? ENOBUFS : 0;
        f->w.set->tables[SOCKQ_TCP].status = cases[i].table;
        assert_int_equal(sockq_copy(&w, &copies, &source, &all, &flaw), 0);
        assert_int_equal(sockq_set_status(w.set), cases[i].copied);
        assert_int_equal(w.set->error, failed ? ENOBUFS : 0);
        assert_int_equal(sockq_set_rows(w.set), 1);
        sockq_file_release(&copies, w.block);
    }
    sockq_file_close(&copies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(questions),
        FIXTURE_TEST(what_a_recorded_process_is),
        FIXTURE_TEST(owners_of_recorded_rows),
        FIXTURE_TEST(tables_that_were_not_recorded),
        FIXTURE_TEST(a_selection_is_small),
        FIXTURE_TEST(no_memory_for_a_copy),
        FIXTURE_TEST(room_for_a_part_of_a_copy),
        FIXTURE_TEST(how_a_set_ended),
    };

    return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
