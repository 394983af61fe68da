/*
 * sockq: start. Parse the early flags, set up the two halves, hand over to lua/sockq/cli.lua.
 *
 * The map of this folder; arrows of use point down the page:
 *
 *   main.c              the two processes: the parent collects, the child interprets
 *   interpret.c         the child's steps before Lua; start.h: what main.c hands it
 *   options.{h,c}       the command line's options: one table for parser and help
 *   text.{h,c}          script and plug-in files, read before or after privileges are dropped
 *   named.{h,c}         recordings that the command line names, opened likewise
 *   data.{h,c}          files that scripts may read, read likewise
 *   ss.{h,c}            what an ss command line names, read or looked up likewise
 *   supervise.{h,c}     the parent's part: signals, stops, the end of both
 *   terminal.{h,c}      taking the terminal and giving it back
 *   limit.{h,c}         what --timeout and --max-memory say
 *   privilege.{h,c}     who asks, and giving up what is not needed
 *   sandbox/            locks below Lua, sandbox.h: landlock.c no files, limits.c little memory,
 *                       seccomp.c few system calls, environment.c few variables; report.c
 *                       reads back what is in force; collector.{h,c}: the system calls of the
 *                       processes that run no Lua; load.{h,c} hands them over
 *   lua/                the binding, the only files besides main.c that know Lua
 *     run.c             the interpreter: LuaJIT, the last lock, lua/sockq/cli.lua
 *     module.c          require "sockq.core"; embedded files
 *     client.c          clients, row sets and rows as userdata (their payloads: handle.h)
 *     recording.c       recordings as userdata
 *     names.c           users, services, hosts
 *     netns.c           what --netns names
 *     getopt.c          getopt_long for views that stand in for another program
 *     ss.c              what an ss command line names
 *     system.c          clocks, sleep, memory for output
 *     terminal.c        the live view's terminal: size, keys, painting
 *     locks.c           what is in force, as the kernel tells it
 *     progress.c        the line that long work shows
 *     interrupt.c       Ctrl-C and --timeout, in compiled loops too
 *     limits.c          what is told where memory or the C stack is used up
 *     editor.{h,c}      require "sockq.editor": line editing, in the program only
 *     keys.c            its keys and signals
 *     history.{h,c}     the file of what was typed
 *     open.c            the module file for a stock luajit
 *     lua.h             what these files share
 *   buffer.{h,c}        text on its way out: what formats fill
 *   figures.{h,c}       numbers as text, for listings that Lua lays out
 *   character.{h,c}     which characters may be shown
 *   names/              users, services, hosts by the C library, names.h: serve.c looks them up,
 *                       resolve.c, ask.c the side that asks, check.c what may be said
 *   collector.{h,c}     the collector's protocol, both sides
 *   collect.{h,c}       a question → sources → a row set
 *   source/             one file a kernel table format
 *     table.c           the reader that all tables share; source.h: its types
 *     lines.{h,c}       the text of one table, line by line
 *     open.c            their files, that of the next one opened ahead
 *     feed.{h,c}        their text, that of the next one read ahead by a thread
 *     recent.{h,c}      rows that come twice
 *     inodes.{h,c}      inodes that come twice
 *     again.{h,c}       rows that a first look lost
 *     cgroups.{h,c}     paths of cgroups by their ids
 *     proc_inet.c       tcp, udp, udplite, raw, icmp and their IPv6 twins
 *     proc_unix.c  proc_netlink.c  proc_packet.c  proc_sctp.c
 *     rest.{h,c}        what ss shows of their lines besides
 *     unix_rows.{h,c}   which unix rows are text of a name; unix_diag.{h,c}: names as sock_diag
 *                       tells them
 *     sock_diag.{h,c}   tables by netlink: diag_inet.c, diag_unix.c, diag_netlink.c,
 *                       diag_packet.c, diag_vsock.c, diag_tipc.c, diag_xdp.c;
 *                       diag_bytecode.{h,c} what the kernel is to leave out; diag_events.{h,c}
 *                       sockets as they are closed
 *   owner/              socket inode → process, owner.h: pass.{h,c} lists and starts threads,
 *                       proc_fd.c walks, process.{h,c} names, index.{h,c} joins,
 *                       later.{h,c} looks again, pile.{h,c}
 *   netns/              network namespaces, netns.h: choice.c what --netns names, hold.c threads in
 *                       them, members.c processes in them, list.c what is read, names.c
 *   peers.{h,c}         which rows are the two ends of one connection
 *   facts.{h,c}         settings and counters of the network, files of /proc that are no tables
 *   recording.{h,c}     files of row sets: reading one with suspicion, appending to one
 *   copy.{h,c}          rows of one row set into another, every value checked; copier.{h,c}
 *   rowset.{h,c}        the row sets in it: rows, arena, commit
 *   memory.{h,c}        the memory file: its blocks, and which set has them
 *   problem.{h,c}       words for what is wrong with a line
 *   diag.{h,c}          messages to stderr before and beside Lua
 *   thread.{h,c}        threads of the collector
 *   hash.{h,c}          hash tables whose keys strangers choose
 *   proc.{h,c}          opening files below /proc or a captured tree
 *   scan.h              hexadecimal, decimal and blanks
 *   row.h               the row schema, shared with LuaJIT
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lua/lua.h"
#include "sandbox/collector.h"
#include "sandbox/load.h"
#include "start.h"

/* What hardly fails but for a limit of memory, files or processes, or a filter of system calls. */
static int fail_limit(const char *where)
{
    const bool forbidden = errno == ENOSYS || errno == EPERM;
    char what[128];

    snprintf(what, sizeof(what), "%s; %s", strerror(errno),
             forbidden ? "allow the call in this container's seccomp filter"
                       : "raise the limit: ulimit -a lists them");
    return start_fail(where, what);
}

static int fail_tree(const char *path, int error, const char *remedy)
{
    char where[PATH_MAX + 16], what[128];

    snprintf(what, sizeof(what), "%s; %s", strerror(error), remedy);
    snprintf(where, sizeof(where), "--proc %s", path);
    return start_fail(where, what);
}

static enum sockq_name kind_of_name(const char *word, const struct sockq_options *options,
                                    void *context)
{
    static const struct {
        const char *folder;
        bool is_plugin;
        enum sockq_name kind;
    } places[] = {{"commands", false, SOCKQ_NAME_OTHER},
                  {"views", true, SOCKQ_NAME_VIEW},
                  {"reports", true, SOCKQ_NAME_OTHER}};
    struct start *start = context;
    char path[128];

    if (strlen(word) > 64 || strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(word))
        return SOCKQ_NAME_NONE;
    start->texts.path = sockq_options_argument(options, "path");
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        snprintf(path, sizeof(path), "lua/sockq/%s/%s.lua", places[i].folder, word);
        if (sockq_embedded_find(path))
            return places[i].kind;
        if (places[i].is_plugin && sockq_texts_has_plugin(&start->texts, places[i].folder, word))
            return places[i].kind;
    }
    return SOCKQ_NAME_NONE;
}

static uint64_t inode_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* All that the collector does with rights that it does not keep. */
static int confine_collector(struct start *start)
{
    const struct sockq_invoker *invoker = &start->invoker;
    const struct sockq_collecting collecting = {
        .live = start->proc.live, .children = {start->supervised.child, start->supervised.names}};
    bool live = start->proc.live, enters = netns_enters(&start->netns);

    if (sockq_collector_confine(invoker, live, start->marks, enters) < 0 ||
        netns_hold(&start->netns, sockq_capabilities_drop) < 0)
        return -1;
    if (enters && sockq_collector_confine_more(invoker, live, start->marks) < 0)
        return -1;
    /* Where the kernel lacks it, what was given up has to do. */
    return sockq_seccomp_collector(&collecting) == 0 || sockq_seccomp_is_missing(errno) ? 0 : -1;
}

static int collect(struct start *start, pid_t child)
{
    int result = -1;

    start->proc.own_inodes[0] = inode_of(start->sockets[0]);
    start->proc.own_inodes[1] = inode_of(start->sockets[1]);
    start->proc.own_children[0] = child;
    close(start->sockets[1]);
    start->supervised.child = child;
    start->supervised.timeout = start->limits.timeout;
    start->supervised.what = sockq_options_what(&start->options);
    start->supervised.has_screen = sockq_options_has(&start->options, "watch");
    sockq_supervise(&start->supervised);
    if (confine_collector(start) == 0)
        result = sockq_collector_serve(start->sockets[0], &start->file, &start->proc);
    if (result == 0) {
        int status = sockq_supervise_end();
        return status < 0 ? start_fail("waitpid", strerror(errno)) : status;
    }
    int saved = errno;
    sockq_supervise_kill();
    return start_fail("collector",
                      saved == EPROTO
                          ? "the interpreter asked for what it never needs, and was ended"
                          : strerror(saved));
}

/* Whether a view that is built in runs, and nothing of a user's in it. */
static bool is_own_view(const struct start *start)
{
    const struct sockq_options *options = &start->options;
    char path[128];

    if (options->mode != SOCKQ_MODE_NAME)
        return false;
    snprintf(path, sizeof(path), "lua/sockq/views/%s.lua", options->words[0]);
    return sockq_embedded_find(path) &&
           !sockq_texts_has_plugin(&start->texts, "views", options->words[0]) &&
           !sockq_texts_has_plugin(&start->texts, "timers", "netstat") &&
           !sockq_options_has(options, "timer");
}

/* A query that names what CAP_NET_ADMIN alone is told, or reads as if. */
static bool asks_marks(const struct sockq_options *options)
{
    static const char *const names[] = {"mark", "md5_keys", "tls_", "filter_len"};
    bool asks = false;

    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
        for (int i = 0; i < options->word_count; i++)
            asks = asks || strstr(options->words[i], names[k]);
        for (int i = 0; i < options->given_count; i++)
            asks = asks ||
                   (options->given[i].argument && strstr(options->given[i].argument, names[k]));
    }
    return asks;
}

/* No Lua of a user's comes near them. */
static bool wants_marks(struct start *start)
{
    const struct sockq_options *options = &start->options;

    if (options->mode == SOCKQ_MODE_NAME)
        return start->own_view && start->ss.marks;
    start->texts.path = sockq_options_argument(options, "path");
    return options->mode == SOCKQ_MODE_QUERY && asks_marks(options) &&
           !sockq_options_has(options, "interactive") && !sockq_options_has(options, "timer") &&
           !sockq_texts_has_any(&start->texts);
}

/* netstat -n shows no names. */
static bool shows_names(const struct start *start)
{
    return !start->own_view || strcmp(start->options.words[0], "netstat") != 0 ||
           !sockq_options_numeric(&start->options);
}

/* The file of the one namespace that ss -N names, as long as it can be entered; else -1. */
static int view_netns(const struct start *start)
{
    return start->ss.netns && start->netns.count == 1 && !start->netns.secure
               ? start->netns.list[0].fd
               : -1;
}

/* A process of its own: name service needs files and sockets. Without it there are numbers. */
static void start_names(struct start *start, pid_t parent)
{
    const struct names_service service = {.invoker = &start->invoker,
                                          .socket = start->names[0],
                                          .parent = parent,
                                          .hosts = !start->sandboxed || start->own_view,
                                          .named = start->ss.hosts,
                                          .named_count = start->ss.named_count,
                                          .is_told = start->ss.filter != NULL,
                                          .netns = view_netns(start)};
    if (start->names[0] < 0)
        return;
    start->supervised.names = names_start(&service, start->file.map, start->file.size);
    start->proc.own_children[1] = start->supervised.names;
    for (int i = 0; i < 2; i++) {
        start->proc.own_inodes[2 + i] = inode_of(start->names[i]);
        close(start->names[i]);
    }
}

struct listing {
    struct sockq_ss *ss;
    int result;
};

static void list_devices(void *context)
{
    struct listing *listing = context;

    listing->result = sockq_ss_list_devices(listing->ss);
}

/* ss -N: a name in the folder of ip-netns(8); the view says what is wrong with it. */
static int choose_view_netns(struct start *start)
{
    char *path = NULL;
    int result;

    if (asprintf(&path, NETNS_FOLDER "/%s", start->ss.netns) < 0)
        return -1;
    if (!start->proc_path) {
        struct listing listing = {.ss = &start->ss};
        result = netns_choose(&start->netns, &start->proc, path);
        free(path);
        if (result == 0 && view_netns(start) >= 0 &&
            netns_visit(view_netns(start), list_devices, &listing) < 0)
            return -1;
        return result == 0 ? listing.result : result;
    }
    /* A captured tree is that of one namespace, but ss looks for the name all the same. */
    result = open(path, O_RDONLY | O_CLOEXEC);
    if (result < 0) {
        start->netns.asked = true;
        start->netns.refusal = NETNS_NO_FILE;
        start->netns.error = errno;
        start->netns.word = path;
        return 0;
    }
    close(result);
    free(path);
    return 0;
}

/* Whether it ends by itself, and soon. */
static bool looks_once(const struct start *start)
{
    static const char *const on[] = {"watch", "wait", "interactive", "follow", "every"};
    const struct sockq_options *options = &start->options;

    for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++)
        if (sockq_options_has(options, on[i]))
            return false;
    return options->mode == SOCKQ_MODE_QUERY || options->mode == SOCKQ_MODE_NAME;
}

/* Those which ss has not: the pairs to the other processes, and that of another namespace. */
static unsigned count_sockets(const struct start *start)
{
    const struct netns_chosen *chosen = start->netns.count == 1 ? start->netns.list : NULL;
    const unsigned pairs = start->names[0] >= 0 ? 4 : 2;
    uint64_t own = 0;

    if (start->proc_path || start->proc.fd < 0)
        return 0;
    if (!start->ss.netns || !chosen)
        return pairs;
    const bool is_own = netns_inode(&start->proc, 0, &own) == 0 && own == chosen->id;
    return (is_own ? pairs : 0) + (chosen->diag.fd >= 0);
}

/* What is wrong with a word is for cli.lua to say. */
static int choose_netns(struct start *start)
{
    const struct sockq_options *options = &start->options;
    int result = 0;

    start->netns.unlike = start->invoker.privileged && !start->invoker.is_root;
    start->netns.secure = start->invoker.secure;
    start->netns.keeps = looks_once(start);
    for (int i = 0; i < options->given_count && result == 0; i++) {
        const struct sockq_given *given = &options->given[i];
        if (strcmp(given->option->name, "netns") == 0)
            result = netns_choose(&start->netns, &start->proc, given->argument);
    }
    if (result == 0 && start->ss.netns)
        result = choose_view_netns(start);
    if (result == 0)
        result = netns_choose_rest(&start->netns, &start->proc);
    start->proc.netns = &start->netns;
    return result;
}

static struct sockq_posed posed;

/* What a word names depends on the files that there are. */
static int parse(struct start *start, int argc, char **argv)
{
    if (sockq_invoker_pose(&start->invoker, &posed) < 0)
        return -1;
    int result = sockq_options_parse(&start->options, argc, argv, kind_of_name, start);
    if (result == 0)
        start->own_view = is_own_view(start);
    if (result == 0 && start->options.mode == SOCKQ_MODE_NAME &&
        strcmp(start->options.words[0], "ss") == 0)
        result = sockq_ss_find(&start->ss, &start->options);
    if (result == 0)
        start->marks = wants_marks(start);
    return sockq_invoker_unpose(&posed) < 0 ? -1 : result;
}

/* Whether a captured tree is there is for those to know who can see it. */
static int open_proc(struct start *start)
{
    if (!start->proc_path)
        return sockq_proc_open(&start->proc, NULL);
    if (sockq_invoker_pose(&start->invoker, &posed) < 0)
        return -1;
    int result = sockq_proc_open(&start->proc, start->proc_path), saved = errno;
    if (sockq_invoker_unpose(&posed) < 0)
        return -1;
    errno = saved;
    return result;
}

static int prepare(struct start *start, int argc, char **argv)
{
    const char *missing = sockq_privilege_calls();

    if (missing)
        return fail_limit(missing);
    sockq_terminal_find(&start->supervised.terminal);
    sockq_invoker_find(&start->invoker);
    start->euid = geteuid();
    start->texts.secure = start->invoker.secure;
    start->texts.privileged = start->invoker.privileged;
    start->texts.uid = start->invoker.is_root ? 0 : start->invoker.uid;
    start->texts.gid = start->invoker.is_root ? 0 : start->invoker.gid;
    if (parse(start, argc, argv) < 0)
        return start_fail("start", strerror(errno));
    start->sandboxed =
        (start->invoker.privileged || sockq_options_has(&start->options, "sandbox")) &&
        !sockq_options_has(&start->options, "trust");
    if (sockq_limits_find(&start->limits, &start->options, start->sandboxed) < 0)
        return EXIT_USAGE;
    start->proc_path = sockq_options_argument(&start->options, "proc");
    /* A recording answers by itself: nothing of this machine may get among what it says. */
    bool collects = start->proc_path || !sockq_options_has(&start->options, "read");
    if (collects && open_proc(start) < 0) {
        if (start->proc_path) {
            (void)fail_tree(start->proc_path, errno,
                            "give a folder that holds net/tcp and its like");
            return EXIT_USAGE;
        }
        return start_fail("/proc",
                          errno == ENODEV
                              ? "not the kernel's; mount it, or give a captured tree by --proc DIR"
                              : strerror(errno));
    }
    if (collects && choose_netns(start) < 0)
        return fail_limit("--netns");
    /* A file size limit must not kill sockq over its sparse memory file. */
    signal(SIGXFSZ, SIG_IGN);
    if (collects && sockq_file_open(&start->file, sockq_collector_memory(), true) < 0)
        return fail_limit("shared memory");
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, start->sockets) < 0)
        return fail_limit("socketpair");
    /* Where descriptors are short there are numbers, and who asks for a name is told. */
    if (shows_names(start))
        (void)socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, start->names);
    start->ss.own_sockets = count_sockets(start);
    return 0;
}

int main(int argc, char **argv)
{
    sigset_t none;
    static struct start start = {.proc = {.fd = -1}, .names = {-1, -1}};

    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_RDONLY : O_RDWR) < 0)
            return EXIT_DATA;
    start.umask = umask(077);
    /* Nothing that somebody left open, or blocked, is for any of the processes. */
    sockq_descriptors_close(-1, -1);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    /* Ignored, as some leave it, the children's statuses would be lost. */
    signal(SIGCHLD, SIG_DFL);
    int status = prepare(&start, argc, argv);
    if (status)
        return status;
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        return fail_limit("fork");
    if (child == 0)
        _exit(start_interpret(&start, parent));
    start_names(&start, parent);
    _exit(collect(&start, child));
}
