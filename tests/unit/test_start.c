/*
 * The program from its first step to its end, each step failing in turn: what is told, with which
 * status, and that what can be done without is.
 *
 * Linked with the options in test_start.link, so that the steps come here first.
 */
#define main sockq_main
#include "../../src/main.c"
#undef main

#include <sys/mman.h>
#include <sys/wait.h>

#include "helper.h"

enum { WORDS_MOST = 8 };

/* What a case does not name is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

/* A command line, which step of it fails, and what comes of it. */
struct start_case {
    const char *name;
    const char *words[WORDS_MOST]; /* "TREE": a captured tree */
    const char *call;
    int error, passes;
    int status;
    const char *told; /* a part of standard error; NULL: nothing is told */
    const char *line; /* a part of standard output; NULL: nothing is printed */
    bool root;        /* root runs it */
    bool enters;      /* a namespace is entered */
    bool no_input;    /* standard input is closed */
    bool no_errors;   /* standard error is */
    bool sudo;        /* a user with sudo does */
    bool has_netns;   /* every name of a namespace is one */
    bool raises_table;
    const char *raises; /* instead of Lua's begin */
};

static const struct start_case *current;
static int passes;

static bool fails(const char *call)
{
    if (!current || !current->call || strcmp(current->call, call) != 0 || passes-- > 0)
        return false;
    errno = current->error;
    return true;
}

#define FAILING(type, name, parameters, arguments)                                                 \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fails(#name) ? -1 : __real_##name arguments;                                        \
    }

FAILING(int, sockq_invoker_pose, (const struct sockq_invoker *a, struct sockq_posed *b), (a, b))
FAILING(int, sockq_invoker_unpose, (const struct sockq_posed *a), (a))
FAILING(int, sockq_options_parse,
        (struct sockq_options * a, int b, char **c, sockq_name_kind d, void *e), (a, b, c, d, e))
FAILING(int, sockq_ss_find, (struct sockq_ss * a, const struct sockq_options *b), (a, b))
FAILING(int, sockq_ss_open, (struct sockq_ss * a, const struct sockq_options *b), (a, b))
FAILING(int, sockq_proc_open, (struct sockq_proc * a, const char *b), (a, b))
FAILING(int, netns_choose, (struct netns_choice * a, const struct sockq_proc *b, const char *c),
        (a, b, c))
FAILING(int, netns_choose_rest, (struct netns_choice * a, const struct sockq_proc *b), (a, b))
FAILING(int, netns_hold, (struct netns_choice * a, int (*b)(void)), (a, b))
FAILING(int, netns_names_read, (struct netns_names * a, const struct sockq_proc *b), (a, b))
FAILING(int, sockq_file_open, (struct sockq_file * a, uint64_t b, bool c), (a, b, c))
FAILING(int, socketpair, (int a, int b, int c, int d[2]), (a, b, c, d))
FAILING(int, sockq_collector_confine, (const struct sockq_invoker *a, bool b, bool c, bool d),
        (a, b, c, d))
FAILING(int, sockq_collector_confine_more, (const struct sockq_invoker *a, bool b, bool c),
        (a, b, c))
FAILING(int, sockq_seccomp_collector, (const struct sockq_collecting *a), (a))
FAILING(int, sockq_collector_serve, (int a, struct sockq_file *b, struct sockq_proc *c), (a, b, c))
FAILING(int, sockq_supervise_end, (void), ())
FAILING(int, sockq_texts_read_script, (struct sockq_texts * a, const char *b), (a, b))
FAILING(int, sockq_texts_read_plugins, (struct sockq_texts * a), (a))
FAILING(int, sockq_named_open, (struct sockq_named_list * a, const struct sockq_options *b), (a, b))
FAILING(int, sockq_data_read, (struct sockq_data_list * a, const struct sockq_options *b), (a, b))
FAILING(int, sockq_interpreter_confine, (const struct sockq_invoker *a, pid_t b), (a, b))
FAILING(int, sockq_limits_stack, (void), ())
FAILING(int, sockq_limits_memory, (uint64_t a), (a))
FAILING(int, sockq_limits_space, (uint64_t a, uint64_t b, uint64_t c), (a, b, c))
FAILING(int, sockq_limits_lock, (uint64_t a), (a))
FAILING(int, sockq_seccomp_no_typing, (void), ())
FAILING(int, sockq_seccomp_lock, (const struct sockq_calls *a), (a))
FAILING(pid_t, fork, (void), ())
FAILING(ssize_t, sockq_proof_read, (int a, char *b, size_t c), (a, b, c))

/* Of a socket: of files that are read it is another matter. */
int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st)
{
    const int result = __real_fstat(fd, st);

    return result == 0 && S_ISSOCK(st->st_mode) && fails("fstat") ? -1 : result;
}

/* What is raised before any Lua of sockq's own could handle it. */
int __real_sockq_lua_searcher(lua_State *L);
int __wrap_sockq_lua_searcher(lua_State *L);
int __wrap_sockq_lua_searcher(lua_State *L)
{
    if (!current->raises && !current->raises_table)
        return __real_sockq_lua_searcher(L);
    if (current->raises)
        lua_pushstring(L, current->raises);
    else
        lua_newtable(L);
    return lua_error(L);
}

void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return size == (size_t)sysconf(_SC_PAGESIZE) && fd < 0 && fails("mmap")
               ? MAP_FAILED
               : __real_mmap(at, size, protection, flags, fd, offset);
}

const char *__real_sockq_privilege_calls(void);
const char *__wrap_sockq_privilege_calls(void);
const char *__wrap_sockq_privilege_calls(void)
{
    return fails("sockq_privilege_calls") ? "capset" : __real_sockq_privilege_calls();
}

void __wrap_sockq_invoker_find(struct sockq_invoker *invoker);
void __wrap_sockq_invoker_find(struct sockq_invoker *invoker)
{
    const bool privileged = current->root || current->sudo;

    *invoker = (struct sockq_invoker){.uid = privileged ? 65534 : getuid(),
                                      .gid = privileged ? 65534 : getgid(),
                                      .privileged = privileged,
                                      .is_root = current->root};
}

bool __wrap_netns_enters(const struct netns_choice *choice);
bool __wrap_netns_enters(const struct netns_choice *choice)
{
    (void)choice;
    return current->enters;
}

lua_State *__real_luaL_newstate(void);
lua_State *__wrap_luaL_newstate(void);
lua_State *__wrap_luaL_newstate(void)
{
    return fails("luaL_newstate") ? NULL : __real_luaL_newstate();
}

/* The compiler may take either. */
int __wrap_asprintf(char **text, const char *format, ...);
int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list list;

    if (fails("asprintf"))
        return -1;
    va_start(list, format);
    int length = vasprintf(text, format, list);
    va_end(list);
    return length;
}

int __wrap___asprintf_chk(char **text, int flag, const char *format, ...);
int __wrap___asprintf_chk(char **text, int flag, const char *format, ...)
{
    va_list list;

    (void)flag;
    if (fails("asprintf"))
        return -1;
    va_start(list, format);
    int length = vasprintf(text, format, list);
    va_end(list);
    return length;
}

int __real_mprotect(void *at, size_t size, int protection);
int __wrap_mprotect(void *at, size_t size, int protection);
int __wrap_mprotect(void *at, size_t size, int protection)
{
    return protection & PROT_EXEC && fails("mprotect") ? -1 : __real_mprotect(at, size, protection);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list list;

    va_start(list, flags);
    unsigned mode = flags & O_CREAT ? va_arg(list, unsigned) : 0;
    va_end(list);
    if (current && current->has_netns && strncmp(path, NETNS_FOLDER, sizeof(NETNS_FOLDER) - 1) == 0)
        path = "/dev/null";
    return fails("open") ? -1 : __real_open(path, flags, mode);
}

/* The compiler may take this one. */
int __wrap___open_2(const char *path, int flags);
int __wrap___open_2(const char *path, int flags)
{
    return __wrap_open(path, flags);
}

#define NETSTAT "netstat", "-nt"
#define OVER_TREE "--proc", "TREE"
#define ROW "127.0.0.1:5432"
#define START(error) "sockq: start: " error "\n"
#define NO_MEMORY "Cannot allocate memory"
#define NOT_PERMITTED "Operation not permitted"

static const struct start_case cases[] = {
    {"all is well", {OVER_TREE, NETSTAT}, .line = ROW},
    {"all is well for root", {OVER_TREE, NETSTAT}, .line = ROW, .root = true},
    {"in the sandbox", {OVER_TREE, "--sandbox", NETSTAT}, .line = ROW},
    {"a call that gives up rights is forbidden",
     {OVER_TREE, NETSTAT},
     "sockq_privilege_calls",
     ENOSYS,
     .status = 3,
     .told = "sockq: capset: Function not implemented; allow the call in this container's seccomp"},
    {"posing for what words name",
     {OVER_TREE, NETSTAT},
     "sockq_invoker_pose",
     EPERM,
     .status = 3,
     .told = START(NOT_PERMITTED)},
    {"posing for the tree",
     {OVER_TREE, NETSTAT},
     "sockq_invoker_pose",
     EPERM,
     1,
     2,
     .told = NOT_PERMITTED "; give a folder that holds net/tcp"},
    {"the end of posing for words",
     {OVER_TREE, NETSTAT},
     "sockq_invoker_unpose",
     EPERM,
     .status = 3,
     .told = START(NOT_PERMITTED)},
    {"the end of posing for the tree",
     {OVER_TREE, NETSTAT},
     "sockq_invoker_unpose",
     EPERM,
     1,
     2,
     .told = NOT_PERMITTED},
    {"words",
     {OVER_TREE, NETSTAT},
     "sockq_options_parse",
     ENOMEM,
     .status = 3,
     .told = START(NO_MEMORY)},
    {"what ss names",
     {OVER_TREE, "ss", "-t"},
     "sockq_ss_find",
     ENOMEM,
     .status = 3,
     .told = START(NO_MEMORY)},
    {"a word that is too long for a name",
     {OVER_TREE, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
     .status = 2,
     .told = "sockq: "},
    {"a time that is none",
     {OVER_TREE, "--timeout", "x", NETSTAT},
     .status = 2,
     .told = "sockq: --timeout x: not a time"},
    {"no /proc",
     {NETSTAT},
     "sockq_proc_open",
     ENODEV,
     .status = 3,
     .told = "sockq: /proc: not the kernel's; mount it"},
    {"a /proc that cannot be opened",
     {NETSTAT},
     "sockq_proc_open",
     EACCES,
     .status = 3,
     .told = "sockq: /proc: Permission denied\n"},
    {"no tree",
     {"--proc", "/no/such/tree", NETSTAT},
     .status = 2,
     .told = "sockq: --proc /no/such/tree: No such file or directory; give a folder"},
    {"a namespace",
     {OVER_TREE, "--netns", "1", NETSTAT},
     "netns_choose",
     ENOMEM,
     .status = 3,
     .told = "sockq: --netns: " NO_MEMORY "; raise the limit"},
    {"all namespaces",
     {OVER_TREE, NETSTAT},
     "netns_choose_rest",
     ENOMEM,
     .status = 3,
     .told = "sockq: --netns: " NO_MEMORY "; raise the limit"},
    {"a namespace of ss",
     {OVER_TREE, "ss", "-tN", "no-such-name"},
     .status = 1,
     .told = "Cannot open network namespace \"no-such-name\""},
    {"a namespace of ss without memory",
     {OVER_TREE, "ss", "-tN", "blue"},
     "asprintf",
     ENOMEM,
     .status = 3,
     .told = "sockq: --netns: "},
    {"memory for rows",
     {OVER_TREE, NETSTAT},
     "sockq_file_open",
     EMFILE,
     .status = 3,
     .told = "sockq: shared memory: Too many open files; raise the limit: ulimit -a lists them"},
    {"the first sockets",
     {OVER_TREE, NETSTAT},
     "socketpair",
     EMFILE,
     .status = 3,
     .told = "sockq: socketpair: Too many open files"},
    {"sockets for names",
     {OVER_TREE, "netstat", "-t"},
     "socketpair",
     EMFILE,
     1,
     .told = "sockq: names: the process that looks up names has ended; numbers are shown\n",
     .line = "5432"},
    {"the interpreter",
     {OVER_TREE, NETSTAT},
     "fork",
     EAGAIN,
     .status = 3,
     .told = "sockq: fork: Resource temporarily unavailable; raise the limit"},
    {"the process for names",
     {OVER_TREE, "netstat", "-t"},
     "fork",
     EAGAIN,
     1,
     .told = "sockq: names: the process that looks up names has ended; numbers are shown\n",
     .line = "5432"},
    {"the null device", {OVER_TREE, NETSTAT}, "open", EMFILE, .status = 3, .no_input = true},
    {"closed input", {OVER_TREE, NETSTAT}, .line = ROW, .no_input = true},
    {"rights that the collector gives up",
     {OVER_TREE, NETSTAT},
     "sockq_collector_confine",
     EPERM,
     .status = 3,
     .told = "sockq: collector: " NOT_PERMITTED},
    {"threads in namespaces",
     {OVER_TREE, NETSTAT},
     "netns_hold",
     EAGAIN,
     .status = 3,
     .told = "sockq: collector: Resource temporarily unavailable"},
    {"rights that are given up in them",
     {OVER_TREE, NETSTAT},
     "sockq_collector_confine_more",
     EPERM,
     .status = 3,
     .told = "sockq: collector: " NOT_PERMITTED,
     .enters = true},
    {"namespaces", {OVER_TREE, NETSTAT}, .line = ROW, .enters = true},
    {"no filters for the collector here",
     {OVER_TREE, NETSTAT},
     "sockq_seccomp_collector",
     ENOSYS,
     .line = ROW},
    {"no memory for the collector's filter",
     {OVER_TREE, NETSTAT},
     "sockq_seccomp_collector",
     ENOMEM,
     .status = 3,
     .told = "sockq: collector: " NO_MEMORY},
    {"an interpreter that asks for something else",
     {OVER_TREE, NETSTAT},
     "sockq_collector_serve",
     EPROTO,
     .status = 3,
     .told = "sockq: collector: the interpreter asked for what it never needs, and was ended\n"},
    {"the collector",
     {OVER_TREE, NETSTAT},
     "sockq_collector_serve",
     ENOMEM,
     .status = 3,
     .told = "sockq: collector: " NO_MEMORY},
    {"the interpreter's end",
     {OVER_TREE, NETSTAT},
     "sockq_supervise_end",
     ECHILD,
     .status = 3,
     .told = "sockq: waitpid: No child processes",
     .line = ROW},
    {"inodes of its own", {OVER_TREE, NETSTAT}, "fstat", EIO, .line = ROW},
    {"a script",
     {OVER_TREE, "TREE/a.lua"},
     "sockq_texts_read_script",
     ENOMEM,
     .status = 3,
     .told = START(NO_MEMORY)},
    {"a script of root's",
     {OVER_TREE, "TREE/a.lua"},
     "sockq_texts_read_script",
     ENOMEM,
     .status = 3,
     .told = START(NO_MEMORY),
     .root = true},
    {"a script that runs", {OVER_TREE, "TREE/a.lua"}, .line = "it ran"},
    {"a script that is checked",
     {"check", "TREE/a.lua"},
     "sockq_texts_read_script",
     ENOMEM,
     .status = 3,
     .told = START(NO_MEMORY)},
    {"plug-ins",
     {OVER_TREE, NETSTAT},
     "sockq_texts_read_plugins",
     ENOMEM,
     .status = 3,
     .told = START(NO_MEMORY)},
    {"a plug-in that changes timers", {OVER_TREE, "--path", "TREE/plugins", NETSTAT}, .line = ROW},
    {"recordings",
     {OVER_TREE, NETSTAT},
     "sockq_named_open",
     ENOMEM,
     .status = 3,
     .told = START(NO_MEMORY)},
    {"filters of ss",
     {OVER_TREE, "ss", "-t"},
     "sockq_ss_open",
     ENOMEM,
     .status = 3,
     .told = START(NO_MEMORY)},
    {"data",
     {OVER_TREE, NETSTAT},
     "sockq_data_read",
     ENOMEM,
     .status = 3,
     .told = START(NO_MEMORY)},
    {"names of namespaces",
     {"completion", "bash"},
     "netns_names_read",
     ENOMEM,
     .status = 3,
     .told = START(NO_MEMORY)},
    {"names of namespaces without /proc",
     {"completion", "bash"},
     "sockq_proc_open",
     ENODEV,
     1,
     .line = "complete"},
    {"closed output of messages", {OVER_TREE, NETSTAT}, .line = ROW, .no_errors = true},
    {"a recording",
     {"--read", "TREE/none", "--sandbox", NETSTAT},
     .status = 2,
     .told = "No such file or directory"},
    {"a word that names nothing", {OVER_TREE, "no-such-name"}, .status = 2, .told = "sockq: "},
    {"a view of the user's", {OVER_TREE, "--path", "TREE/plugins", "mine"}, .line = "5432"},
    {"a view of the user's in the place of sockq's",
     {OVER_TREE, "--path", "TREE/others", "netstat"},
     .line = "5432"},
    {"timers of the user's", {OVER_TREE, "--timer", "netstat", NETSTAT}, .line = ROW},
    {"memory for rows that is forbidden",
     {OVER_TREE, NETSTAT},
     "sockq_file_open",
     EPERM,
     .status = 3,
     .told = "sockq: shared memory: " NOT_PERMITTED "; allow the call in this"},
    {"a namespace of ss that is not there",
     {"ss", "-tN", "no-such-name"},
     .status = 1,
     .told = "Cannot open network namespace \"no-such-name\""},
    {"a namespace of ss that is there",
     {OVER_TREE, "ss", "-tnN", "blue"},
     .line = ROW,
     .has_netns = true},
    {"a namespace and more",
     {OVER_TREE, "--netns", "1", "--sandbox", NETSTAT},
     "netns_choose",
     ENOMEM,
     .status = 3,
     .told = "sockq: --netns: " NO_MEMORY},
    {"options of one letter", {OVER_TREE, "-t", "--csv"}, .line = "5432"},
    {"sudo", {OVER_TREE, NETSTAT}, .line = ROW, .sudo = true},
    {"a version", {"--version"}, .line = "sockq "},
    {"an error of no text",
     {OVER_TREE, NETSTAT},
     .status = 2,
     .raises_table = true,
     .told = "sockq: error: an error that is no text\n"},
    {"an error",
     {OVER_TREE, NETSTAT},
     .status = 2,
     .raises = "no such thing",
     .told = "sockq: error: no such thing\\x0astack traceback:"},
    {"the end of Lua's memory",
     {OVER_TREE, NETSTAT},
     .status = 2,
     .raises = "not enough memory",
     .told = "sockq: not enough memory; give more by --max-memory\n"},
    {"a limit of Lua's memory",
     {OVER_TREE, NETSTAT},
     .status = 2,
     .raises = "a.lua:1: not enough memory, the limit is 1 MiB",
     .told = "sockq: a.lua:1: not enough memory, the limit is 1 MiB\n"},
    {"a page", {OVER_TREE, NETSTAT}, "mmap", ENOMEM, .line = ROW},
    {"what is in force without filters",
     {"--version", "-v", "--sandbox"},
     "sockq_seccomp_lock",
     ENOSYS,
     .told = "sockq: sandbox: ",
     .line = "Function not implemented"},
    {"what is in force cannot be read",
     {"--version", "-v"},
     "sockq_proof_read",
     EIO,
     .line = "sockq "},
    {"rights that the interpreter gives up",
     {OVER_TREE, NETSTAT},
     "sockq_interpreter_confine",
     EPERM,
     .status = 3,
     .told = "sockq: privileges could not be dropped: " NOT_PERMITTED},
    {"a parent that is gone",
     {OVER_TREE, NETSTAT},
     "sockq_interpreter_confine",
     ESRCH,
     .status = 3},
    {"the stack",
     {OVER_TREE, NETSTAT},
     "sockq_limits_stack",
     EPERM,
     .status = 3,
     .told = "sockq: limits could not be set: " NOT_PERMITTED},
    {"memory",
     {OVER_TREE, "--max-memory", "64M", NETSTAT},
     "sockq_limits_memory",
     EPERM,
     .status = 3,
     .told = "sockq: --max-memory: " NOT_PERMITTED},
    {"addresses",
     {OVER_TREE, "--sandbox", NETSTAT},
     "sockq_limits_space",
     EPERM,
     .status = 3,
     .told = "sockq: limits could not be set: " NOT_PERMITTED},
    {"limits of the sandbox",
     {OVER_TREE, "--sandbox", NETSTAT},
     "sockq_limits_lock",
     EPERM,
     .status = 3,
     .told = "sockq: limits could not be set: " NOT_PERMITTED},
    {"the filter of the sandbox",
     {OVER_TREE, "--sandbox", NETSTAT},
     "sockq_seccomp_lock",
     ENOSYS,
     .told = "sockq: sandbox: this kernel has no seccomp filters, or forbids them",
     .line = ROW},
    {"the filter of root's sandbox",
     {OVER_TREE, NETSTAT},
     "sockq_seccomp_lock",
     ENOSYS,
     .line = ROW,
     .root = true},
    {"a script of root's without a filter",
     {OVER_TREE, "TREE/a.lua"},
     "sockq_seccomp_lock",
     ENOSYS,
     .status = 2,
     .told = "the sandbox has no seccomp here (Function not implemented)",
     .root = true},
    {"the filter that a trusted script has",
     {OVER_TREE, "--trust", "TREE/a.lua"},
     "sockq_seccomp_no_typing",
     ENOSYS,
     .told = "sockq: --trust: the script can type into this",
     .line = "it ran",
     .root = true},
    {"a trusted script", {OVER_TREE, "--trust", "TREE/a.lua"}, .line = "it ran", .root = true},
    {"LuaJIT",
     {OVER_TREE, NETSTAT},
     "luaL_newstate",
     ENOMEM,
     .status = 3,
     .told = "sockq: start: no memory or no random numbers for LuaJIT"},
    {"memory that may be executed",
     {OVER_TREE, NETSTAT},
     "mprotect",
     EACCES,
     .told = "sockq: start: this system allows no memory that is written and then executed",
     .line = ROW},
    {"what is in force", {"--version", "-v"}, .line = "limit"},
    {"what is in force in the sandbox", {"--version", "-v", "--sandbox"}, .line = "limit"},
    {"what is in force, of root", {"doctor", "--self"}, .line = "limit", .root = true},
};

/* In the child: the command line, as main has it. */
static int run(const struct fixture *f, const struct start_case *one)
{
    static char words[WORDS_MOST][160];
    char *argv[WORDS_MOST + 2] = {"sockq"};
    int argc = 1;

    for (int i = 0; i < WORDS_MOST && one->words[i]; i++) {
        if (strncmp(one->words[i], "TREE", 4) == 0)
            snprintf(words[i], sizeof(words[i]), "%s%s", f->path, one->words[i] + 4);
        else
            snprintf(words[i], sizeof(words[i]), "%s", one->words[i]);
        argv[argc++] = words[i];
    }
    alarm(60);
    passes = one->passes;
    current = one;
    return sockq_main(argc, argv);
}

/* All that comes from a pipe. */
static void hear(int fd, char *text, size_t size)
{
    size_t have = 0;
    ssize_t n;

    while ((n = read(fd, text + have, size - 1 - have)) > 0)
        have += (size_t)n;
    text[have] = '\0';
    close(fd);
}

static void make_tree(struct fixture *f)
{
    put_table(f, SOCKQ_TCP, good_of(SOCKQ_TCP), strlen(good_of(SOCKQ_TCP)));
    put_text(f, "a.lua", "print('it ran')\n");
    put_text(f, "plugins/timers/netstat.lua",
             "return { doc = 'none', format = function() return 'none' end }\n");
    put_text(f, "plugins/views/mine.lua",
             "return { doc = 'mine', from = 'tcp', columns = { 'local_port' } }\n");
    put_text(f, "others/views/netstat.lua",
             "return { doc = 'mine', from = 'tcp', columns = { 'local_port' } }\n");
    /* Root's interpreter is somebody else. */
    assert_int_equal(chmod(f->path, 0755), 0);
}

static void one_case(void **state)
{
    struct fixture *f = *state;
    const struct start_case *one = f->given;
    static char out[1 << 16], err[1 << 14];
    int outs[2], errs[2], status;

    make_tree(f);
    assert_int_equal(pipe(outs) || pipe(errs), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (dup2(outs[1], STDOUT_FILENO) < 0 || dup2(errs[1], STDERR_FILENO) < 0)
            _exit(99);
        if (one->no_input)
            close(STDIN_FILENO);
        if (one->no_errors)
            close(STDERR_FILENO);
        _exit(run(f, one));
    }
    close(outs[1]);
    close(errs[1]);
    hear(outs[0], out, sizeof(out));
    hear(errs[0], err, sizeof(err));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != one->status)
        fail_msg("status %x, told was: %s", (unsigned)status, err);
    if (one->told ? !strstr(err, one->told) : *err != '\0')
        fail_msg("told was: %s", err);
    if (one->line ? !strstr(out, one->line) : *out != '\0')
        fail_msg("printed was: %s", out);
}

int main(void)
{
    setenv("HOME", "/nowhere", 1);
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("SOCKQ_PATH");
    return run_cases("start", cases, sizeof(cases[0]), COUNT(cases), one_case);
}
