/*
 * require "sockq.core" as Lua sees it, with a program around it and without: what is refused and in
 * which words, what is told where the world fails.
 *
 * Linked with the options in test_binding.link, so that the calls come here first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/lua/lua.h"
#include "../../src/recording.h"
#include "helper.h"

static struct {
    const char *call; /* that fails, NULL: none */
    int error, passes;
    bool lost; /* the process that looks names up ends at the next question */
    pid_t foreground;
} world;

static bool fails(const char *call)
{
    if (!world.call || strcmp(world.call, call) != 0 || world.passes-- > 0)
        return false;
    errno = world.error;
    return true;
}

int __real_luaL_loadbufferx(lua_State *L, const char *text, size_t size, const char *name,
                            const char *mode);
int __wrap_luaL_loadbufferx(lua_State *L, const char *text, size_t size, const char *name,
                            const char *mode);
int __wrap_luaL_loadbufferx(lua_State *L, const char *text, size_t size, const char *name,
                            const char *mode)
{
    if (fails("load")) {
        lua_pushliteral(L, "not enough memory");
        return LUA_ERRMEM;
    }
    /* As of a LuaJIT whose bytecode is another. */
    if (mode && strcmp(mode, "b") == 0 && fails("bytecode")) {
        lua_pushliteral(L, "cannot load incompatible bytecode");
        return LUA_ERRSYNTAX;
    }
    return __real_luaL_loadbufferx(L, text, size, name, mode);
}

int __real_sockq_options_parse(struct sockq_options *options, int argc, char **argv,
                               sockq_name_kind kind_of, void *context);
int __wrap_sockq_options_parse(struct sockq_options *options, int argc, char **argv,
                               sockq_name_kind kind_of, void *context);
int __wrap_sockq_options_parse(struct sockq_options *options, int argc, char **argv,
                               sockq_name_kind kind_of, void *context)
{
    return fails("options") ? -1
                            : __real_sockq_options_parse(options, argc, argv, kind_of, context);
}

int __real_sockq_texts_read_plugins(struct sockq_texts *texts);
int __wrap_sockq_texts_read_plugins(struct sockq_texts *texts);
int __wrap_sockq_texts_read_plugins(struct sockq_texts *texts)
{
    return fails("plugins") ? -1 : __real_sockq_texts_read_plugins(texts);
}

/* Entries of one batch each: port 7 in the first, port 9 in the second. */
static void answer_list(const struct names_question *question, struct names_answer *answer)
{
    static const char *const entries[] = {"\7\0\4echo", "\11\0\7discard"};
    const char *entry = entries[question->from > 0];

    answer->length = question->from > 0 ? 10 : 7;
    memcpy(answer->text, entry, answer->length);
    answer->status = question->from > 0 ? NAMES_LAST : NAMES_SOME;
    answer->next = question->from > 0 ? 0 : 1;
}

void __wrap_names_resolve(const struct names_question *question, struct names_answer *answer);
void __wrap_names_resolve(const struct names_question *question, struct names_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    answer->kind = question->kind;
    if (question->kind == NAMES_SERVICES || question->kind == NAMES_ALIASES) {
        answer_list(question, answer);
        return;
    }
    if (question->kind == NAMES_USER && question->number == 404)
        return;
    answer->status = NAMES_FOUND;
    answer->length = 4;
    memcpy(answer->text, "name", 4);
}

int __wrap_names_ask(struct names_client *client, struct names_question *question,
                     struct names_answer *answer, bool (*stops)(void *), void *context);
int __wrap_names_ask(struct names_client *client, struct names_question *question,
                     struct names_answer *answer, bool (*stops)(void *), void *context)
{
    assert_false(stops(context));
    client->lost = client->lost || world.lost;
    if (client->lost || fails("ask"))
        return -1;
    __wrap_names_resolve(question, answer);
    return 0;
}

int __real_sockq_client_collect(struct sockq_client *client, const struct sockq_question *question,
                                uint32_t *block);
int __wrap_sockq_client_collect(struct sockq_client *client, const struct sockq_question *question,
                                uint32_t *block);
int __wrap_sockq_client_collect(struct sockq_client *client, const struct sockq_question *question,
                                uint32_t *block)
{
    return fails("collect") ? -1 : __real_sockq_client_collect(client, question, block);
}

int __real_sockq_client_wait(struct sockq_client *client, uint32_t block, uint64_t seen,
                             int timeout_ms);
int __wrap_sockq_client_wait(struct sockq_client *client, uint32_t block, uint64_t seen,
                             int timeout_ms);
int __wrap_sockq_client_wait(struct sockq_client *client, uint32_t block, uint64_t seen,
                             int timeout_ms)
{
    return fails("wait") ? -1 : __real_sockq_client_wait(client, block, seen, timeout_ms);
}

int __real_sockq_recording_list(struct sockq_recording *recording, int fd);
int __wrap_sockq_recording_list(struct sockq_recording *recording, int fd);
int __wrap_sockq_recording_list(struct sockq_recording *recording, int fd)
{
    const int result = __real_sockq_recording_list(recording, fd);

    return fails("list") ? -1 : result;
}

pid_t __wrap_tcgetpgrp(int fd);
pid_t __wrap_tcgetpgrp(int fd)
{
    (void)fd;
    return world.foreground;
}

/* What runs: with which program around it, which call failing, and what must come of it. */
struct binding_case {
    const char *name;
    const char *chunk; /* asserts what it expects */
    bool program;
    const char *call;
    int error;
    int passes;
};

static struct sockq_program program;
static struct sockq_options options;
static struct sockq_data data_files[2];
static struct sockq_data_list data;
static struct sockq_ss ss;
static struct sockq_named_list named;
static struct netns_choice netns;
static struct netns_names netns_names;
static struct names_client names;
static struct sockq_locks locks;
static struct sockq_texts texts;

static void make_program(struct fixture *f)
{
    static char blue[] = "blue", word[] = "red";
    static struct netns_name name = {.inode = 1, .name = blue};
    static struct sockq_ss_cgroup cgroups[] = {{.path = blue, .id = 7},
                                               {.path = word, .error = EINVAL}};
    static struct sockq_ss_device device = {.name = "eth0", .index = 3};
    static char bytes[] = "a,b\n", path[] = "r", why[] = "larger than 64 MiB";

    (void)f;
    options = (struct sockq_options){.mode = SOCKQ_MODE_QUERY};
    data_files[0] = (struct sockq_data){.word = "x=f", .bytes = bytes, .size = 4};
    data_files[1] = (struct sockq_data){.word = "y=g", .error = why};
    data = (struct sockq_data_list){.list = data_files, .count = 2};
    ss = (struct sockq_ss){.filter = "f",
                           .error = EFBIG,
                           .cgroups = cgroups,
                           .cgroup_count = 2,
                           .devices = &device,
                           .device_count = 1};
    named = (struct sockq_named_list){.count = 1};
    named.list[0] = (struct sockq_named){.word = "r", .path = path, .fd = -1, .error = EISDIR};
    netns = (struct netns_choice){.asked = true, .refusal = NETNS_NO_NAME, .word = word};
    netns.error = ENOENT;
    netns_names = (struct netns_names){.list = &name, .count = 1};
    names = (struct names_client){.socket = -1};
    locks = (struct sockq_locks){.memory = 1 << 20};
    program = (struct sockq_program){.options = &options,
                                     .texts = &texts,
                                     .named = &named,
                                     .data = &data,
                                     .ss = &ss,
                                     .names = &names,
                                     .netns = &netns,
                                     .netns_names = &netns_names,
                                     .locks = &locks,
                                     .euid = 1000,
                                     .sandboxed = true};
}

/* raises(part, func, …): the call raises an error that holds this part. */
static const char before[] =
    "function raises(part, func, ...)\n"
    "  local ok, why = pcall(func, ...)\n"
    "  if ok or not tostring(why):find(part, 1, true) then\n"
    "    error('expected ' .. part .. ', got ' .. tostring(why), 2)\n"
    "  end\n"
    "end\n"
    "function same(want, ...)\n"
    "  local got = {}\n"
    "  for i = 1, select('#', ...) do got[i] = tostring((select(i, ...))) end\n"
    "  got = table.concat(got, ' ')\n"
    "  if got ~= want then error('expected ' .. want .. ', got ' .. got, 2) end\n"
    "end\n";

static lua_State *new_state(const struct fixture *f)
{
    lua_State *L = luaL_newstate();

    assert_non_null(L);
    luaL_openlibs(L);
    luaopen_sockq_core(L);
    lua_setglobal(L, "core");
    lua_pushcfunction(L, sockq_lua_searcher);
    lua_setglobal(L, "search");
    lua_pushstring(L, f->path);
    lua_setglobal(L, "folder");
    assert_int_equal(luaL_dostring(L, before), 0);
    return L;
}

static void one_case(void **state)
{
    struct fixture *f = *state;
    const struct binding_case *one = f->given;

    memset(&world, 0, sizeof(world));
    world.call = one->call;
    world.error = one->error;
    world.passes = one->passes;
    make_program(f);
    sockq_lua_program = one->program ? &program : NULL;
    put_table(f, SOCKQ_TCP, good_of(SOCKQ_TCP), strlen(good_of(SOCKQ_TCP)));
    lua_State *L = new_state(f);
    if (luaL_dostring(L, one->chunk) != 0)
        fail_msg("%s", lua_tostring(L, -1));
    lua_close(L);
    sockq_lua_program = NULL;
}

#define COLLECT                                                                                    \
    "local client = assert(core.connect(folder)) "                                                 \
    "local set = client:collect(1, 0, 0) "

static const struct binding_case cases[] = {
    {"no program",
     "same('nil', core.command_line() or 'nil') same('false', core.sandboxed()) "
     "same('', core.refuses_lua()) same('', core.netns()) same('0', #core.netns_names()) "
     "same('0', #core.data()) raises('no such file', core.data_text, 1) "
     "same('nil no file was named', core.ss_filter()) "
     "same('nil No such file or directory', core.ss_cgroup('blue')) "
     "same('', core.ss_device('eth0')) same('', core.memory()) same('1', select('#', "
     "core.memory()))",
     false, NULL, 0, 0},
    {"a program",
     "local line = core.command_line() same('query 1000', line.mode, line.euid) "
     "same('true', core.sandboxed()) same('blue', unpack(core.netns_names())) "
     "local n = core.netns() same('false false no name red', n.by_view, n.several, n.refused, "
     "n.word) "
     "same('x=f nil y=g larger than 64 MiB', core.data()[1].word, core.data()[1].error, "
     "     core.data()[2].word, core.data()[2].error) "
     "same('a,b\\n', core.data_text(1)) same('nil', core.data_text(2)) "
     "raises('no such file', core.data_text, 0) raises('no such file', core.data_text, 3) "
     "same('nil File too large', core.ss_filter()) "
     "same('nil Invalid argument', core.ss_cgroup('red')) "
     "same('nil No such file or directory', core.ss_cgroup('green')) "
     "same('8', #core.ss_cgroup('blue')) same('3', core.ss_device('eth0')) "
     "same('', core.ss_device('lo')) same(' 1048576', core.memory()) same('0', #core.texts())",
     true, NULL, 0, 0},
    {"modules",
     "raises('no such embedded module', function() error(search(('x'):rep(200))) end) "
     "same(\"\\n\\tno embedded file 'lua/no/such.lua'\", search('no.such')) "
     "same('function', type(search('sockq.expr.init') == nil or search('sockq.nearest'))) "
     "same('nil', core.compiled('no such', '') or 'nil') "
     "local name = 'lua/sockq/nearest.lua' local text = core.embedded(name) "
     "same('function', type(core.compiled(name, text))) "
     "same('nil', core.compiled(name, text .. ' ') or 'nil') "
     "same('nil', core.compiled(name, (text:gsub('^.', '!'))) or 'nil') "
     "same('', core.embedded('no such')) "
     "raises('src/row.h', core.compiled, 'src/row.h', core.embedded('src/row.h'))",
     false, NULL, 0, 0},
    {"a LuaJIT with other bytecode",
     "local name = 'lua/sockq/nearest.lua' "
     "same('function', type(core.compiled(name, core.embedded(name)))) "
     "same('function', type(search('sockq.nearest')))",
     false, "bytecode", 0, 0},
    {"words",
     "same('query', core.parse_words({}).mode) same('name', core.parse_words({ 'x' }, 'x').mode) "
     "same('query', core.parse_words({ 'y' }, 'x').mode) "
     "same('--no-such', core.parse_words({ '--no-such' }).bad) "
     "raises('string expected', core.parse_words, { {} }) raises('table', core.parse_words)",
     false, NULL, 0, 0},
    {"no memory for words", "raises('not enough memory', core.parse_words, { 'x' })", false,
     "options", ENOMEM, 0},
    {"no memory for plug-ins", "raises('not enough memory', core.texts)", false, "plugins", ENOMEM,
     0},
    {"a LuaJIT that reads neither", "raises('', search, 'sockq.nearest')", false, "load", 0, 0},
    {"options of ss",
     "local shorts, longs = core.ss_options() assert(shorts:find('N:', 1, true)) "
     "local by = {} for _, o in ipairs(longs) do by[o[1]] = o end "
     "same('true N false nil', by.net[2], by.net.letter, by.vsock[2], by.vsock.letter)",
     false, NULL, 0, 0},
    {"words of a view",
     "local line = core.parse_words({ 'netstat', '--csv' }, 'netstat', true) "
     "same('netstat --csv', unpack(line.words)) "
     "same('netstat', unpack(core.parse_words({ 'netstat', '--csv' }, 'netstat').words)) "
     "same('2 true', #core.parse_words({ '-s', 'a', '-s', 'b', '--csv' }).given.sort, "
     "     core.parse_words({ '--csv' }).given.csv)",
     false, NULL, 0, 0},
    {"numbers of names",
     "same('name', core.user(0)) same('name', core.user(2 ^ 32 - 1)) same('', core.user(404)) "
     "for _, n in ipairs { -1, 2 ^ 32, 0 / 0 } do "
     "  raises('a number of 32 bits', core.user, n) raises('a number of 32 bits', core.device, n) "
     "end "
     "raises('number expected', core.user, 'x') same('name', core.device(1))",
     false, NULL, 0, 0},
    {"addresses of hosts",
     "same('name name name', core.host4('127.0.0.1'), core.network4('10.0.0.0'), "
     "core.host6('::1')) "
     "raises('no IPv4 address', core.host4, '::1') raises('no IPv4 address', core.network4, '1.2') "
     "raises('no IPv6 address', core.host6, '127.0.0.1')",
     false, NULL, 0, 0},
    {"services in two batches",
     "local list = core.services('tcp') same('echo discard', list[7], list[9]) "
     "raises('invalid option', core.services, 'icmp') "
     "same('7 9 9 9', core.port('echo'), core.port('discard'), core.port('discard', 'tcp'), "
     "     core.port('discard', 'udp')) "
     "same('', core.port('ech')) same('', core.port('Echo')) same('', core.port('echo', 'sctp'))",
     false, NULL, 0, 0},
    {"services that are not answered",
     "same('nil', next(core.services('tcp'))) same('', core.port('echo'))", true, "ask", EINTR, 0},
    {"services of which a part is not answered",
     "local list = core.services('tcp') same('echo nil', list[7], list[9])", true, "ask", EINTR, 1},
    {"a name that is not answered now", "same('', core.user(1)) same('', core.user(1))", true,
     "ask", EINTR, 0},
    {"the size of a terminal that is none",
     "same('', core.terminal_size(99)) same('', core.terminal_width(99)) "
     "same('false', core.is_terminal(99)) same('nil Inappropriate ioctl for device', "
     "core.take_terminal()) core.give_back_terminal()",
     false, NULL, 0, 0},
    {"a key that is waited for too long",
     "for _, s in ipairs { -1, 2e9, 0 / 0 } do raises('seconds from 0 to 1e9', core.poll_key, s) "
     "end "
     "same('', core.poll_key(0)) same('', core.poll_key(0.001)) same('false', "
     "core.take_interrupt())",
     false, NULL, 0, 0},
    {"buffers and texts of errno",
     "for _, n in ipairs { -1, 2 ^ 31 } do raises('a size in bytes', core.new_buffer, n) end "
     "same('userdata', type(core.new_buffer(0))) same('Permission denied', "
     "core.strerror(core.EACCES)) "
     "same('false nil', core.interrupted(), core.timed_out())",
     false, NULL, 0, 0},
    {"getopt",
     "local given, words = core.getopt('x', { 'a', '-v', '--long=1', 'b', '-n', '2' }, 'vn:', "
     "  { { 'long', true, 1 }, { 'longer', false, 2 } }) "
     "same('v nil long 1 n 2', given[1][1], given[1][2], given[2][1], given[2][2], given[3][1], "
     "     given[3][2]) same('a b', unpack(words)) "
     "given, words = core.getopt('x', { '-q', '-v' }, 'v', {}, true) "
     "same('1 ? 1', #given, given[1][1], #words)",
     false, NULL, 0, 0},
    {"a row set",
     COLLECT
     "local rows, final repeat rows, final = set:wait(rows or 0) until final same('1', rows) "
     "set:passed(1) set:cancel() set:release() set:release() "
     "raises('the row set was released', set.wait, set, 0) "
     "raises('not a struct sockq_narrow', client.collect, client, 1, 0, 0, 0, 'x')",
     false, NULL, 0, 0},
    {"no tree", "same('nil No such file or directory 2', core.connect(folder .. '/no'))", false,
     NULL, 0, 0},
    {"the collector has ended",
     COLLECT "assert(not set) "
             "same('nil the collector has ended', select(1, client:collect(1, 0, 0)), "
             "     (select(2, client:collect(1, 0, 0))))",
     false, "collect", EPIPE, 0},
    {"no proc", COLLECT "same(\"nil /proc is not the kernel's 19\", client:collect(1, 0, 0))",
     false, "collect", ENODEV, 0},
    {"events of another",
     COLLECT "same('nil a later sockq.events() took the place of this one 116', "
             "client:collect(1, 0, 0))",
     false, "collect", ESTALE, 0},
    {"too many sets",
     COLLECT "same('nil too many row sets are kept; keep fewer rows 122', client:collect(1, 0, 0))",
     false, "collect", EDQUOT, 0},
    {"another failure", COLLECT "same('nil Cannot allocate memory 12', client:collect(1, 0, 0))",
     false, "collect", ENOMEM, 0},
    {"a wait that fails", COLLECT "same('nil the collector has ended 32', set:wait(0))", false,
     "wait", EPIPE, 0},
    {"a recording",
     COLLECT
     "repeat local _, final = set:wait(0) until final "
     "local path = folder .. '/r' local r, time = assert(core.recording(path, true)) "
     "same('nil 0', time, #r:snapshots()) "
     "for _, n in ipairs { 0, 1, -1 } do raises('there is no such snapshot', r.client, r, n) end "
     "for _, n in ipairs { -1, 1e15, 'x', 0 / 0 } do "
     "  raises('indexes of rows', r.append, r, set, { n }) end "
     "assert(r:append(set, { 0 }, 'port 22') > 0) assert(r:append(set) > 0) "
     "same('2 1', #r:snapshots(), r:snapshots()[1].rows) same('', r:cut()) "
     "same('userdata', type(r:client(1))) raises('no such snapshot', r.client, r, 3) "
     "set:release() raises('the row set was released', r.append, r, set)",
     false, NULL, 0, 0},
    {"files that are no recordings",
     "local file = io.open(folder .. '/none', 'w') file:write('none') file:close() "
     "local _, why, at, damaged = core.recording(folder .. '/none') "
     "same('0 false', at, damaged) assert(why) "
     "same('nil not a regular file', core.recording('/dev/null')) "
     "os.execute('ln -s none ' .. folder .. '/link') "
     "same('nil a symbolic link', core.recording(folder .. '/link', true)) "
     "same('nil No such file or directory', core.recording(folder .. '/no'))",
     false, NULL, 0, 0},
    {"a recording that another process has",
     "local path = folder .. '/r' local r = assert(core.recording(path, true)) "
     "same('nil another process is recording into it', core.recording(path, true))",
     false, NULL, 0, 0},
    {"a recording that says no more than that it is bad",
     "io.open(folder .. '/r', 'w'):close() same('nil Bad message', core.recording(folder .. '/r'))",
     false, "list", EBADMSG, 0},
    {"a recording of the command line, once",
     "same('nil Is a directory', core.recording('r')) "
     "same('nil Device or resource busy', core.recording('r')) "
     "raises('other: no recording of the command line', core.recording, 'other') "
     "raises('r: no recording of the command line', core.recording, 'r', true)",
     true, NULL, 0, 0},
};

/* Lua runs in it as a user's would: what is told once. @return what it wrote */
static const char *said_by(struct fixture *f, const char *chunk, int *status)
{
    static char said[4096];
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (dup2(ends[1], STDERR_FILENO) < 0)
            _exit(99);
        lua_State *L = new_state(f);
        _exit(luaL_dostring(L, chunk) == 0 ? 0 : 98);
    }
    close(ends[1]);
    size_t have = 0;
    ssize_t n;
    while ((n = read(ends[0], said + have, sizeof(said) - 1 - have)) > 0)
        have += (size_t)n;
    said[have] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, status, 0), pid);
    return said;
}

static void names_that_end_are_told_once(void **state)
{
    struct fixture *f = *state;
    int status;

    memset(&world, 0, sizeof(world));
    make_program(f);
    sockq_lua_program = &program;
    world.lost = true;
    const char *said = said_by(f, "same('', core.user(1)) same('', core.user(1))", &status);
    sockq_lua_program = NULL;
    assert_int_equal(status, 0);
    assert_string_equal(
        said, "sockq: names: the process that looks up names has ended; numbers are shown\n");
}

static void a_line_that_long_work_shows(void **state)
{
    struct fixture *f = *state;
    int status;

    memset(&world, 0, sizeof(world));
    world.foreground = getpgrp();
    const char *said =
        said_by(f, "core.show_line('1') core.erase_line() core.erase_line()", &status);
    assert_int_equal(status, 0);
    assert_string_equal(said, "\r1\033[K\r\033[K");
    /* It has its place on one line, however long it is. */
    said = said_by(f, "core.show_line(('x'):rep(2000))", &status);
    assert_int_equal(strlen(said), 511);
    assert_string_equal(said + 508, "\033[K");
    /* What ends the process erases it first; what somebody handles does not. */
    said = said_by(f,
                   "core.show_line('1') core.show_line('2') core.sleep(0) "
                   "require('ffi').cdef'int raise(int n);' require('ffi').C.raise(15)",
                   &status);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    assert_string_equal(said, "\r1\033[K\r2\033[K\r\033[K");
    signal(SIGPIPE, SIG_IGN);
    said = said_by(f,
                   "core.show_line('1') "
                   "require('ffi').cdef'int raise(int n);' require('ffi').C.raise(13)",
                   &status);
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(status, 0);
    /* Without a terminal there is no background; in it nothing is shown. */
    world.foreground = -1;
    assert_string_equal(said_by(f, "core.show_line('1')", &status), "\r1\033[K");
    world.foreground = 1;
    assert_string_equal(said_by(f, "core.show_line('1')", &status), "");
}

/* Lua's memory ends at one allocation after the other: an error each time, and nothing is lost. */
static struct {
    lua_Alloc allocate;
    void *data;
    long left;
} memory;

static void *allocate(void *context, void *at, size_t old_size, size_t size)
{
    (void)context;
    if (size > old_size && memory.left-- <= 0)
        return NULL;
    return memory.allocate(memory.data, at, old_size, size);
}

static int call_global(lua_State *L)
{
    lua_getglobal(L, "run");
    lua_call(L, 0, 0);
    return 0;
}

static void memory_that_ends(void **state)
{
    static const char *const chunks[] = {
        "function run() core.parse_words({ '--csv', '--where', 'x', 'y' }) end",
        "function run() core.texts() core.options() core.data() core.netns() end",
        "function run() core.services('tcp') core.user(1) core.new_buffer(100) end",
    };
    struct fixture *f = *state;
    int failed = 0;

    memset(&world, 0, sizeof(world));
    make_program(f);
    for (size_t i = 0; i < COUNT(chunks); i++) {
        sockq_lua_program = i > 0 ? &program : NULL;
        bool works = false;
        for (long left = 0; left < 2000 && !works; left++) {
            lua_State *L = new_state(f);
            assert_int_equal(luaL_dostring(L, chunks[i]), 0);
            memory.allocate = lua_getallocf(L, &memory.data);
            memory.left = left;
            lua_setallocf(L, allocate, NULL);
            works = lua_cpcall(L, call_global, NULL) == 0;
            lua_setallocf(L, memory.allocate, memory.data);
            if (!works)
                assert_string_equal(lua_tostring(L, -1), "not enough memory");
            failed += !works;
            lua_close(L);
        }
        assert_true(works);
    }
    assert_true(failed > 20);
    sockq_lua_program = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(names_that_end_are_told_once),
        FIXTURE_TEST(a_line_that_long_work_shows),
        FIXTURE_TEST(memory_that_ends),
    };

    return run_cases("binding", cases, sizeof(cases[0]), COUNT(cases), one_case) +
           cmocka_run_group_tests_name("binding, a process", tests, NULL, NULL);
}
