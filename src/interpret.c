#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "diag.h"
#include "names/names.h"
#include "sandbox/sandbox.h"
#include "start.h"

/* The rows of a snapshot lie in sparse memory, 1 GiB of addresses or more (collector.c). */
static const uint64_t RECORDINGS_SPACE = (uint64_t)512 << 30;

/* More than the program and its libraries have. */
static const uint64_t PROGRAM_SPACE = (uint64_t)256 << 20;

int start_fail(const char *where, const char *what)
{
    sockq_complain(where, what);
    return EXIT_DATA;
}

static int read_texts(struct start *start)
{
    const struct sockq_options *options = &start->options;
    bool checks = options->mode == SOCKQ_MODE_NAME && strcmp(options->words[0], "check") == 0;
    int first = checks ? 1 : 0, end = options->mode == SOCKQ_MODE_SCRIPT ? 1 : options->word_count;

    start->texts.path = sockq_options_argument(options, "path");
    for (int i = first; (checks || options->mode == SOCKQ_MODE_SCRIPT) && i < end; i++)
        if (sockq_texts_read_script(&start->texts, options->words[i]) < 0)
            return -1;
    return sockq_texts_read_plugins(&start->texts);
}

static bool is_command(const struct start *start, const char *name)
{
    return start->options.mode == SOCKQ_MODE_NAME && strcmp(start->options.words[0], name) == 0;
}

/* What the command line names, with the rights of who named it. */
static int open_files(struct start *start)
{
    if (sockq_options_has(&start->options, "interactive"))
        sockq_editor_open_history(start->invoker.secure, start->invoker.privileged);
    if (read_texts(start) < 0 || sockq_named_open(&start->named, &start->options) < 0)
        return -1;
    if (is_command(start, "ss") && sockq_ss_open(&start->ss, &start->options) < 0)
        return -1;
    if (start->ss.filter && start->names[1] >= 0)
        names_tell(start->names[1], start->ss.hosts + start->ss.named_count,
                   start->ss.host_count - start->ss.named_count);
    return sockq_data_read(&start->data, &start->options);
}

/* All else that is opened or looked up before the sandbox closes. */
static int open_rest(struct start *start, struct sockq_program *program)
{
    const struct sockq_options *options = &start->options;
    const bool interactive = sockq_options_has(options, "interactive");
    const bool watches = interactive || sockq_options_has(options, "watch");
    struct sockq_proc live = {.fd = -1};

    program->keys = watches ? sockq_terminal_keys() : -1;
    if (interactive)
        sockq_editor_prepare();
    if (is_command(start, "completion") || start->netns.refusal == NETNS_NO_NAME) {
        if (sockq_proc_open(&live, NULL) == 0 && netns_names_read(&start->netns_names, &live) < 0)
            return -1;
        sockq_proc_close(&live);
        program->netns_names = &start->netns_names;
    }
    program->calls = (struct sockq_calls){.terminal = watches,
                                          .recordings = start->named.count > 0,
                                          .appends = is_command(start, "record")};
    if ((sockq_options_has(options, "version") && sockq_options_has(options, "verbose")) ||
        sockq_options_has(options, "self")) {
        program->calls.reports = true;
        sockq_proofs_open(&program->proofs, getppid());
    }
    if (!start->sandboxed) {
        (void)umask(start->umask);
        return 0;
    }
    sockq_environment_blank();
    return 0;
}

/* With a buffer of its own choice glibc ignores the size; without one it asks what kind of file
 * there is, which nobody answers in the sandbox. */
static void buffer_streams(void)
{
    static char in[4096], out[64 << 10];
    const bool shows = isatty(STDOUT_FILENO);

    setvbuf(stdin, in, isatty(STDIN_FILENO) ? _IOLBF : _IOFBF, sizeof(in));
    setvbuf(stdout, out, shows ? _IOLBF : _IOFBF, shows ? BUFSIZ : sizeof(out));
}

/* The steps before Lua, each of which must hold; fails with a message. */
static int confine(struct start *start, struct sockq_program *program, pid_t parent)
{
    const struct sockq_invoker *invoker = &start->invoker;

    sockq_descriptors_close(start->sockets[1], start->names[1]);
    /* Root's own files are read as root, a sudo user's with the user's rights. */
    if (invoker->is_root && open_files(start) < 0)
        return start_fail("start", strerror(errno));
    if (sockq_interpreter_confine(invoker, parent) < 0) {
        /* Without a parent there is nothing to do, and what ended it has been told. */
        return errno == ESRCH ? EXIT_DATA
                              : start_fail("privileges could not be dropped", strerror(errno));
    }
    if ((!invoker->is_root && open_files(start) < 0) || open_rest(start, program) < 0)
        return start_fail("start", strerror(errno));
    buffer_streams();
    start->locks.wanted = start->sandboxed;
    start->locks.memory = start->limits.memory;
    if (sockq_limits_stack() < 0)
        return start_fail("limits could not be set", strerror(errno));
    if (!start->sandboxed) {
        sockq_landlock_look(&start->locks);
        return sockq_limits_memory(start->locks.memory) < 0
                   ? start_fail("--max-memory", strerror(errno))
                   : 0;
    }
    const bool reads = program->calls.recordings || program->calls.appends;
    if (sockq_limits_space(start->locks.memory, reads ? RECORDINGS_SPACE : 0,
                           start->file.size + PROGRAM_SPACE) < 0)
        return start_fail("limits could not be set", strerror(errno));
    sockq_landlock_lock(&start->locks);
    if (sockq_limits_lock(start->locks.memory) < 0)
        return start_fail("limits could not be set", strerror(errno));
    return 0;
}

int start_interpret(struct start *start, pid_t parent)
{
    struct names_client names = {.socket = start->names[1]};
    struct sockq_program program = {.socket = start->sockets[1],
                                    .map = start->file.map,
                                    .options = &start->options,
                                    .texts = &start->texts,
                                    .named = &start->named,
                                    .data = &start->data,
                                    .ss = &start->ss,
                                    .names = &names,
                                    .terminal = &start->supervised.terminal,
                                    .proc_path = start->proc_path,
                                    .netns = &start->netns,
                                    .locks = &start->locks,
                                    .sandboxed = start->sandboxed,
                                    .privileged = start->invoker.privileged,
                                    .euid = start->euid};

    int status = confine(start, &program, parent);
    if (status)
        return status;
    sockq_lua_program = &program;
    status = sockq_lua_run(&start->limits);
    fflush(stdout);
    if (sockq_lua_interrupted() && !sockq_lua_timed_out()) {
        signal(SIGINT, SIG_DFL);
        raise(SIGINT);
    }
    return status;
}
