--- The command line: every option, wrong use, errors in scripts and expressions, exit statuses, and
--- what the program file itself is made of.
--
--   luajit tests/cli/usage_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"
local spawn = require "spawn"

local run, refuses = program.run, program.refuses

local TREE = posix.realpath("tests/data/captures/mixed-1/proc")
local DIR = posix.tmpdir("sockq-usage")

local function file(name, text)
  local path = DIR .. "/" .. name
  posix.write_file(path, text)
  return path
end

--- Rows of a captured table: its lines but the header.
local function rows_in(...)
  local count = 0
  for _, name in ipairs { ... } do
    count = count + #program.lines(posix.read_file(TREE .. "/net/" .. name) or "\n") - 1
  end
  return count
end

-- A run over the capture: its rows without the header, and the first word of each.
local function list(words)
  local all = { "--proc", TREE }
  for _, word in ipairs(words) do all[#all + 1] = word end
  local status, out, err = run(all)
  local lines = program.lines(out)
  return { status = status, lines = lines, out = out, err = err, count = #lines - 1 }
end

local function protos(result)
  local seen, names = {}, {}
  for i = 2, #result.lines do
    local name = result.lines[i]:match("^%S+")
    if not seen[name] then names[#names + 1] = name end
    seen[name] = true
  end
  table.sort(names)
  return table.concat(names, " ")
end

local function lists(name, words, count, wanted_protos)
  local result = list(words)
  check.equal(name .. ": status", result.status, 0)
  check.equal(name .. ": nothing on stderr", result.err, "")
  check.equal(name .. ": rows", result.count, count)
  check.equal(name .. ": protocols", protos(result), wanted_protos)
  return result
end

-- Each option once

local all = lists("default", {}, rows_in("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6"),
  "raw raw6 tcp tcp6 udp udp6 udplite udplite6")
check.contains("header", all.lines[1], "proto")
for _, option in ipairs { "-t", "--tcp" } do lists(option, { option }, rows_in("tcp", "tcp6"), "tcp tcp6") end
for _, option in ipairs { "-u", "--udp" } do
  lists(option, { option }, rows_in("udp", "udp6", "udplite", "udplite6"), "udp udp6 udplite udplite6")
end
for _, option in ipairs { "-w", "--raw" } do lists(option, { option }, rows_in("raw", "raw6"), "raw raw6") end
for _, option in ipairs { "-x", "--unix" } do lists(option, { option }, rows_in("unix"), "unix") end
for _, option in ipairs { "-4", "--ipv4" } do
  lists(option, { option }, rows_in("tcp", "udp", "udplite", "raw"), "raw tcp udp udplite")
end
for _, option in ipairs { "-6", "--ipv6" } do
  lists(option, { option }, rows_in("tcp6", "udp6", "udplite6", "raw6"), "raw6 tcp6 udp6 udplite6")
end
lists("-46", { "-46" }, all.count, protos(all))
lists("-tw4", { "-tw4" }, rows_in("tcp", "raw"), "raw tcp")
lists("--from", { "--from", "tcp6,unix" }, rows_in("tcp6", "unix"), "tcp6 unix")
lists("--from=", { "--from=udp" }, rows_in("udp", "udp6"), "udp udp6")
for _, option in ipairs { "-a", "--all", "-n", "--numeric", "-p", "--programs", "-o", "--timers", "-antpo" } do
  local result = list { option }
  local want = option == "-antpo" and list { "-t" } or all
  check.equal(option .. " changes nothing", result.out, want.out)
  check.equal(option .. ": status", result.status, 0)
end
do
  local count = 0
  for _, name in ipairs { "tcp", "tcp6" } do
    for line in io.lines(TREE .. "/net/" .. name) do
      if line:match("^%s*%d+: %x+:%x+ %x+:%x+ (%x%x)") == "0A" then count = count + 1 end
    end
  end
  for _, option in ipairs { "-l", "--listening" } do
    local result = lists(option, { "-t", option }, count, "tcp tcp6")
    for i = 2, #result.lines do check.contains(option .. ": state", result.lines[i], " LISTEN ") end
  end
end
do
  local result = list { "--no-header" }
  check.equal("--no-header", result.out, all.out:gsub("^[^\n]*\n", "", 1))
  local abbreviated = list { "--no-h" }
  check.equal("a unique prefix of a long option", abbreviated.out, result.out)
end
for name, piece in pairs { netstat = " (", ss = "timer:(", human = "listen", explain = "no timer: " } do
  local result = list { "--timer", name, "tcp" }
  check.equal("--timer " .. name .. ": status", result.status, 0)
  if name ~= "human" then check.contains("--timer " .. name, result.out, piece) end
end
check.equal("--timer human is the default", list({ "--timer", "human" }).out, all.out)
check.equal("--path of nothing", list({ "--path", DIR }).out, all.out)
for _, option in ipairs { "-V", "--version" } do
  local status, out, err = run { option }
  check.equal(option .. ": status", status, 0)
  check.ok(option, out:find("^sockq %d+%.%d+%.%d+\n$"), out)
  check.equal(option .. ": stderr", err, "")
end
do
  local status, out = run { "help", "options" }
  check.equal("help options: status", status, 0)
  for _, name in ipairs { "--tcp", "--udp", "--raw", "--unix", "--ipv4", "--ipv6", "--listening", "--from", "--all",
    "--numeric", "--programs", "--timers", "--timer", "--no-header", "--proc", "--path", "--execute", "--help",
    "--version" } do
    check.contains("help options", out, name)
  end
end
do
  local status, out, err = run { "-e", "print(...)  print(arg[0], arg[1], #arg)", "a", "-t" }
  check.equal("-e: status", status, 0)
  check.equal("-e: arguments", out, "a\t-t\n-e\ta\t2\n")
  check.equal("-e: stderr", err, "")
  status, out = run { "--execute=print(1)" }
  check.equal("--execute", status .. out, "01\n")
  status, out = run({ "-", "x", "y" }, { stdin = "print(..., #arg, sockq.version ~= nil)" })
  check.equal("-: a script on stdin", status .. out, "0x\t2\ttrue\n")
  local path = file("args.lua", "#!/usr/bin/env sockq\nprint(arg[0] == ..., select('#', ...))\nprint(arg[1])")
  status, out = run { path, "--tcp", "-V" }
  check.equal("a script gets options after its name", status .. out, "0false\t2\n--tcp\n")
  status, out = run { "--proc", TREE, file("count.lua", "print(sockq.tcp():count())") }
  check.equal("options before the script are sockq's", status .. out, "0" .. rows_in("tcp", "tcp6") .. "\n")
end
do
  -- a script that is a program of its own
  local path = file("own", "#!" .. program.path .. "\nprint(#arg, ...)\n")
  posix.chmod(path, tonumber("755", 8))
  local status, out, err = posix.run({ path, "-t", "x" }, { env = program.environment() })
  check.equal("#!PROGRAM", status .. out .. err, "02\t-t\tx\n")
  path = file("own.lua", "#!/usr/bin/env sockq\nprint(arg[0]:match('[^/]*$'), sockq.tcp ~= nil)\n")
  posix.chmod(path, tonumber("755", 8))
  posix.symlink(program.path, DIR .. "/sockq")
  status, out, err = posix.run({ path }, { env = program.environment { PATH = DIR .. ":/usr/bin:/bin" } })
  check.equal("#!/usr/bin/env sockq", status .. out .. err, "0own.lua\ttrue\n")
  status, out, err = run { "-e", "print 'before' os.exit(3)" }
  check.equal("os.exit writes what was printed", status .. out .. err, "3before\n")
end
do
  -- on a terminal of 100 columns and more every line of this capture fits
  for _, columns in ipairs { 100, 120, 160 } do
    local child = spawn.start({ program.path, "--proc", TREE }, { terminal = columns, env = program.environment() })
    local status = child:wait(10)
    local screen = child:screen()
    check.contains("a terminal: colours", screen, "\27[")
    local lines, longest = program.lines((screen:gsub("\27%[%d*m", ""))), 0
    for _, line in ipairs(lines) do longest = math.max(longest, #line) end
    check.equal("a terminal: status", status, 0)
    check.equal("a terminal: rows", #lines, #all.lines)
    check.ok("a terminal: " .. columns .. " columns", longest <= columns, tostring(longest))
    child:finish()
  end
end
do
  local status, out = run { "fields" }
  check.equal("fields: status", status, 0)
  check.contains("fields", out, "local_port (lport)")
  status, out = run { "list", "timers" }
  check.equal("list: status", status, 0)
  check.equal("list: names", out:gsub("(%S+)[^\n]*", "%1"), "explain\nhuman\nnetstat\nss\n")
  status, out = run { "show", "timer", "netstat" }
  check.equal("show: status", status, 0)
  check.equal("show", out, posix.read_file("lua/sockq/timers/netstat.lua"))
end

-- Exit statuses

check.equal("0: rows were found", list({ "state == 'LISTEN'" }).status, 0)
do
  local none = list { "local_port == 65533" }
  check.equal("1: none were found", none.status, 1)
  check.equal("1: prints nothing", none.out .. none.err, "")
  check.equal("2: wrong usage", list({ "--nosuch" }).status, 2)
  check.equal("2: a script's error", list({ "-e", "error 'x'" }).status, 2)
  local damaged = program.tree { ["net/tcp"] = rows.file("tcp", { rows.tcp { state = 10, inode = 9 }, "damaged" }) }
  local status, out = run { "--proc", damaged }
  check.equal("3: data could not be read whole", status, 3)
  check.equal("3: what was read is printed", #program.lines(out), 2)
  check.equal("3: also where no row matches", (run { "--proc", damaged, "local_port == 1" }), 3)
  check.equal("3: also after a script", (run { "--proc", damaged, "-e", "sockq.tcp():count()" }), 3)
  check.equal("0: netstat's own status", (run { "--proc", damaged, "netstat", "-tn" }), 0)
  check.equal("3: netstat's own status for wrong usage", (run { "--proc", damaged, "netstat", "-q" }), 3)
  check.equal("0: a script that ends well", (run { "-e", "" }), 0)
  check.equal("a script's own status", (run { "-e", "os.exit(7)" }), 7)
end

-- Wrong use: one line each

refuses("no such option", { "--tpc" }, { err = "--tpc: no such option; did you mean --tcp?" })
refuses("no such long option", { "--colour" }, { err = { "--colour: no such option", "; " } })
refuses("no such letter", { "-Q" }, { err = "-Q: no such option; sockq help options lists them" })
refuses("no such letter in a bundle", { "-tQn" }, { err = "-Q: no such option; sockq help options lists them" })
refuses("an argument too few", { "--proc" }, { err = { "--proc: this option needs an argument; " } })
refuses("an argument too few, short", { "-e" }, { err = { "-e: this option needs an argument; " } })
refuses("an argument too many", { "--tcp=1" },
  { err = { "--tcp=1: this option takes no argument; did you mean --tcp?" } })
refuses("short for several", { "--ipv" }, { err = "--ipv: short for several options; give one of --ipv4, --ipv6" })
refuses("a control byte in an option", { "--\27[31m" }, { err = { "--\\x1b[31m: no such option" } })
refuses("no such table", { "--from", "tpc" }, { err = { "tpc", "; did you mean tcp?" } })
refuses("no such table among several", { "--from", "udp,tcpp6" }, { err = { "tcpp6", "; did you mean tcp6?" } })
refuses("no such table, far from all", { "--from", "qqqqqq" }, { err = { "qqqqqq", "; known are all, dccp, " } })
refuses("no table", { "--from", "" }, { err = "--from: its argument is empty; give TABLE,...: sockq help from" })
refuses("no such timer", { "--timer", "netsat" },
  { err = "--timer netsat: there is no such timer; did you mean netstat?" })
refuses("no such timer, far from all", { "--timer", "qq" },
  { err = "--timer qq: there is no such timer; known are explain, human, netstat, ss" })
refuses("--proc of nothing", { "--proc", DIR .. "/none" },
  { err = ("--proc %s/none: No such file or directory; give a folder that holds net/tcp and its like"):format(DIR) })
refuses("--proc of a file", { "--proc", file("plain", "") },
  { err = { "--proc " .. DIR .. "/plain: Not a directory; give a folder" } })
refuses("script not found", { DIR .. "/none.lua" },
  { err = ("%s/none.lua: No such file or directory; give the name of a Lua file"):format(DIR) })
posix.mkdir(DIR .. "/folder.lua")
refuses("a folder as script", { DIR .. "/folder.lua" },
  { err = ("%s/folder.lua: not a regular file; give the name of a Lua file"):format(DIR) })
os.execute("mkfifo " .. DIR .. "/fifo.lua")
refuses("a FIFO as script", { DIR .. "/fifo.lua" },
  { err = ("%s/fifo.lua: not a regular file; give the name of a Lua file"):format(DIR) })
refuses("a script of more than 1 MiB", { file("large.lua", ("-- x\n"):rep(220000)) },
  { err = { "large.lua: larger than 1 MiB; " } })
refuses("list without a kind", { "list" }, { err = { "list: a kind is missing; known are formats, reports, timers, views" } })
refuses("list of no kind", { "list", "timrs" }, { err = "list: timrs is no kind of plug-in; did you mean timers?" })
refuses("show without a name", { "show", "timer" }, { err = { "show: the form is sockq show KIND NAME" } })
refuses("show of no kind", { "show", "tmer", "x" }, { err = "show: tmer is no kind of plug-in; did you mean timer?" })
refuses("show of no name", { "show", "timer", "humn" },
  { err = "show: humn: there is no such timer; did you mean human?" })
refuses("fields with words", { "fields", "x" }, { err = { "fields: x: " } })

-- Expressions: where in the text

refuses("unknown field", { "stat == 'LISTEN'" }, { err = 'EXPR:1:1: unknown name "stat"; did you mean state?' })
refuses("unknown field, second line", { "tcp and\n  pidd == 1" }, { err = 'EXPR:2:3: unknown name "pidd"; did you mean pid?' })
refuses("assignment", { "pid = 7" }, { err = 'EXPR:1:5: unexpected "="; write ==' })
refuses("unknown state", { "state == 'LISTN'" }, { err = { "EXPR:1:", "; did you mean" } })
refuses("unfinished", { "pid ==" }, { err = { "EXPR:1:7: " } })
refuses("second of two", { "tcp", "pidd" }, { err = { "EXPR:1:1: ", "pidd" } })
refuses("a control byte", { "\27[2J" }, { err = { "EXPR:1:1: " } })
refuses("in a script's where", { "-e", "\nsockq.tcp():where('pidd == 1')" },
  { err = { "-e:2: EXPR:1:1: ", "did you mean pid?" } })

-- Scripts: file and line

--- calls: where the error was raised in a function, the lines of the calls and their names.
local function script_errors(name, text, line, what, calls)
  local function refuses_as(place, words, stdin)
    local more = calls and {}
    for i, call in ipairs(calls or {}) do more[i] = ("at %s:%s"):format(place, call) end
    refuses(("%s, %s"):format(name, place), words, { err = { ("sockq: %s:%d: "):format(place, line), what }, more = more,
      opts = { stdin = stdin } })
  end
  local path = file(name .. ".lua", text)
  refuses_as(path, { path })
  refuses_as("-e", { "-e", text })
  refuses_as("stdin", { "-" }, text)
end

script_errors("syntax", "local a = 1\n\nlocal = 2\n", 3, "expected near '='")
script_errors("unfinished", "for s in sockq.tcp():rows() do\n  print(s)", 2, "'end' expected")
script_errors("after #!", "#!/usr/bin/env sockq\nlocal x =\n= 1\n", 3, "unexpected symbol near '='")
script_errors("error", "\nlocal function f()\n  error('it broke')\nend\nf()\n", 3, "it broke", { "3 in f", "5 in main chunk" })
script_errors("nil", "local t\n\n\nprint(t.x)\n", 4, "attempt to index local 't'")
script_errors("module", "\nrequire 'no.such.module'\n", 2, "no.such.module")
script_errors("no such function", "\nlocal q = sockq.tcpp()\n", 2, "sockq has no tcpp; did you mean tcp?")
refuses("compiled Lua", { file("compiled.lua", "\27LJ\2\8") }, { err = { DIR .. "/compiled.lua: ", "; give Lua source text" } })
refuses("compiled Lua on stdin", { "-" }, { err = { "sockq: stdin: " }, opts = { stdin = string.dump(function() end) } })
do
  local text = "local t = setmetatable({}, { __tostring = function() return 'own text' end })\nerror(t)\n"
  refuses("an error object with a text", { "-e", text }, { err = "own text" })
  refuses("an error object without a text", { "-e", "error {}" }, { err = { "a script raised a table as its error" } })
  refuses("a message with control bytes", { "-e", "error('\\27[31m\\nx\\155y\\0z')" },
    { err = { "-e:1: \\x1b[31m\\nx\\x9by\\x00z" } })
  refuses("what was printed before stays", { "-e", "print 'before' error 'x'" }, { err = "-e:1: x", out = "before\n" })
  -- a script as a name without folders, and as a path without .lua
  posix.write_file(DIR .. "/plain", "print 'plain'")
  local status, out = run({ "./plain" }, { cwd = DIR })
  check.equal("a script by its path", status .. out, "0plain\n")
  status, out = run({ "count.lua" }, { cwd = DIR, env = { SOCKQ_PATH = DIR } })
  check.equal("a script of the current folder", status .. (out:match("^%d+") and "ok" or out), "0ok")
end
do
  -- lua/ is in the program, and still an error in it names its file and line
  local status, _, err = run { "--trust", "-e", "require('sockq.query').new(7)" }
  check.equal("an error in lua/: status", status, 2)
  check.ok("an error in lua/: file and line", err:find("^sockq: lua/sockq/[%w_/]+%.lua:%d+: "), err)
end

-- The program file

if program.sanitized then
  program.skip_part("libraries", "the program is built with sanitizers")
elseif not program.has("ldd") then
  program.skip_part("libraries", "no ldd")
else
  local text = program.shell("ldd " .. posix.quote(program.path))
  local others = {}
  for line in text:gmatch("[^\n]+") do
    local name = line:match("^%s*(%S+)")
    if not (name:find("^linux%-vdso") or name:find("^linux%-gate") or name:find("^libc%.so")
      or name:find("^libm%.so") or name:find("^libmnl%.so") or name:find("ld%-linux") or name:find("^/lib.*/ld")) then
      others[#others + 1] = name
    end
  end
  check.contains("ldd: libc", text, "libc.so")
  check.equal("ldd: libc, libm and libmnl alone", table.concat(others, " "), "")
end
if not program.has("nm") then
  program.skip_part("exported symbols", "no nm")
else
  local text = program.shell("nm -D --defined-only " .. posix.quote(program.path))
  for _, name in ipairs { "lua_pushinteger", "lua_pcall", "lua_newuserdata", "luaL_checklstring", "luaL_register",
    "luaL_newstate", "lua_gettop", "luaL_loadbufferx", "luaopen_base", "luaJIT_setmode", "lua_upvalueid" } do
    check.contains("exports " .. name, text, " " .. name .. "\n")
  end
end
if not program.has("cc") then
  program.skip_part("C modules", "no cc")
else
  local source = file("tiny.c", [[
    typedef struct lua_State lua_State;
    void lua_pushnumber(lua_State *L, double n);
    double luaL_checknumber(lua_State *L, int index);
    void lua_pushcclosure(lua_State *L, int (*function)(lua_State *), int n);
    static int twice(lua_State *L) { lua_pushnumber(L, 2 * luaL_checknumber(L, 1)); return 1; }
    int luaopen_tiny(lua_State *L) { lua_pushcclosure(L, twice, 0); return 1; }
  ]])
  local built = os.execute(("cc -shared -fPIC -o %s/tiny.so %s"):format(posix.quote(DIR), posix.quote(source)))
  check.ok("cc", built == 0 or built == true)
  local status, out, err = run { "--trust", "-e", ("package.cpath = %q print(require('tiny')(21))"):format(DIR .. "/?.so") }
  check.equal("a C module loads: status", status, 0)
  check.equal("a C module loads", out, "42\n")
  check.equal("a C module loads: stderr", err, "")
end
do
  local status, out = run { "--trust", "-e",
    "print(require('lpeg').match(require('lpeg').P'a', 'a'), require('cjson').encode{1})" }
  check.equal("LPeg and lua-cjson are linked in", status .. out, "02\t[1]\n")
end

spawn.cleanup()
posix.cleanup()
check.finish()
