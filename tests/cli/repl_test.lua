--- The interactive mode: sockq -i, on a terminal and with lines from a pipe.
--
--   luajit tests/cli/repl_test.lua --sockq PATH [--seed N]        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"
local spawn = require "spawn"
local tmux = require "tmux"

local ENTER, UP, TAB, INTERRUPT, END, STOP = "\r", "\27[A", "\t", "\3", "\4", "\26"
local CAPTURE = posix.realpath("tests/data/captures/mixed-1/proc")
local DIR = posix.tmpdir("sockq-repl")
check.at_end(posix.cleanup)
check.at_end(tmux.cleanup)
check.at_end(spawn.cleanup)
posix.chmod(DIR, tonumber("777", 8)) -- root's interpreter is nobody

-- Lines from a pipe

--- Run a session over lines, with more words before them.
local function session(text, words)
  local argv = { "--proc", CAPTURE, "-i" }
  for _, word in ipairs(words or {}) do argv[#argv + 1] = word end
  return program.run(argv, { stdin = text })
end

--- What lines print, and that nothing is wrong with them.
local function prints(name, text, want, words)
  local status, out, err = session(text, words)
  check.equal(name .. ": stderr", err, "")
  check.equal(name .. ": status", status, 0)
  check.equal(name, out, want)
end

--- As a command line prints it, with the count of rows behind it.
local function as_command(name, line, argv, words)
  local all = { "--proc", CAPTURE }
  for _, word in ipairs(argv) do all[#all + 1] = word end
  local _, out = program.run(all)
  local count = select(2, out:gsub("\n", "")) - 1
  prints(name, line .. "\n", out .. ("%d row%s\n"):format(count, count == 1 and "" or "s"), words)
end

as_command("an expression", "LISTEN", { "LISTEN" })
as_command("an expression with blanks around it", "  LISTEN and recv_q > 0  ", { "LISTEN and recv_q > 0" })
as_command("a port", ":443", { ":443" })
as_command("a network", "10.0.0.0/8", { "10.0.0.0/8" })
as_command("several expressions", "LISTEN :443", { "LISTEN", ":443" })
as_command("options behind an expression", 'state == "LISTEN" -s -recv_q -L 3', { "LISTEN", "-s", "-recv_q", "-L", "3" })
as_command("options behind several", "LISTEN :443 -c pid,program", { "LISTEN", ":443", "-c", "pid,program" })
as_command("options alone", "-t -g state", { "-t", "-g", "state" })
as_command("a list of groups", "CLOSE_WAIT or ESTAB -g program -A count",
  { "CLOSE_WAIT or ESTAB", "-g", "program", "-A", "count" })
as_command("a quoted argument", "-t -A 'n=count, max(recv_q)'", { "-t", "-A", "n=count, max(recv_q)" })
as_command("the session's tables", "true", { "-u" }, { "-u" })
as_command("a line's tables take the place of the session's", "-t", { "-t" }, { "-u" })
as_command("the session's family", "-t", { "-t", "-6" }, { "-6" })
as_command("the session's columns", "LISTEN", { "LISTEN", "-c", "pid" }, { "-c", "pid" })
as_command("a query", 'sockq.tcp():group("state")', { "-e", 'sockq.tcp():group("state"):print()' })
as_command("rows", 'sockq.tcp():where("LISTEN"):list()', { "-t", "LISTEN" })
as_command("a row", 'sockq.tcp():where("LISTEN"):first()', { "-t", "LISTEN", "-L", "1" })
as_command("words are the first query", "", { "LISTEN" }, { "LISTEN" })

do
  -- what the options say of output holds for the session, or for a line
  local _, csv = program.run { "--proc", CAPTURE, "--csv", "LISTEN" }
  local _, json = program.run { "--proc", CAPTURE, "--json", "LISTEN" }
  local _, table_of = program.run { "--proc", CAPTURE, "LISTEN" }
  prints("the session's format", "LISTEN\n", csv, { "--csv" })
  prints("a line's format in place of the session's", "LISTEN --json\nLISTEN\n", json .. csv, { "--csv" })
  prints("a line's format", "LISTEN --csv\nLISTEN\n", csv .. table_of .. "6 rows\n")
  local _, bare = program.run { "--proc", CAPTURE, "--no-header", "LISTEN" }
  prints("no header, no count", "LISTEN\n", bare, { "--no-header" })
  local _, netstat = program.run { "--proc", CAPTURE, "netstat", "-tn" }
  prints("a view with options of its own", "netstat -tn\n", netstat)
  prints("a view in a session of another format", "netstat -tn\n", netstat, { "-f", "json" })
  local _, timers = program.run { "list", "timers" }
  prints("a command", "list timers\n", timers, { "-f", "json", "-t" })
  posix.mkdirs(DIR .. "/plug/reports")
  posix.mkdirs(DIR .. "/plug/views")
  posix.write_file(DIR .. "/plug/reports/retrans.lua", [[return { help = "h", args = { { name = "least", type = "count",
    default = 1, doc = "d" } }, run = function(args, report)
    report:text("at least " .. args.least)
    report:rows { rows = report:query("tcp,udp"):where("LISTEN"), columns = { "local_port" } } end }]])
  posix.write_file(DIR .. "/plug/views/ports.lua", [[return { doc = "d", columns = { "local_port" }, where = "LISTEN" }]])
  local plug = { "--path", DIR .. "/plug" }
  local function of_report(words)
    return (select(2, program.run { "--proc", CAPTURE, "--path", DIR .. "/plug", unpack(words) }))
  end
  prints("a report's name alone is the report, a field or not", "retrans\n", of_report { "retrans" }, plug)
  prints("a field that is a report's name, in an expression", "retrans > 1000\n", "no rows\n", plug)
  prints("a report with arguments and a format", "retrans 7 --csv\n", of_report { "retrans", "7", "--csv" }, plug)
  prints("a report in a session of tables", "retrans\n", of_report { "retrans", "-6" }, { "-6", unpack(plug) })
  prints("a view of columns", "ports\n", of_report { "ports" }, plug)
end

-- Lua

prints("values", "1 + 1\n= 2^10\n= 'x\\n', nil, true\n", "2\n1024\n\"x\\n\"\nnil\ntrue\n")
prints("constants of expressions", "60 * MiB\nscope('10.1.2.3')\n", "62914560\n\"private\"\n")
prints("tables", "= { 1, 2, a = { b = 'c' }, ['d e'] = 1/3 }\n= {}\n",
  '{ 1, 2, a = { b = "c" }, ["d e"] = 0.3333333333333333 }\n{}\n')
prints("a table in itself", "t = {} t.t = t\nt\n", "{ t = { … } }\n")
prints("globals stay, locals do not", "x = 5\nlocal y = 6 print(y)\nx\nprint(_G.y)\n", "6\n5\nnil\n")
prints("several lines", "for i = 1, 2 do\n  print(i)\nend\n= {\n1,\n}\nx = [[a\nb]]\nx\n", '1\n2\n{ 1 }\n"a\\nb"\n')
prints("a function", "function f(a)\nreturn a * 2\nend\nf(21)\n", "42\n")
prints("calls without results", "print('a')\nmath.max(1, 2)\n", "a\n2\n")
prints("a comment", "-- nothing\n", "")
do
  local _, listeners = program.run { "--proc", CAPTURE, "LISTEN" }
  prints("the last query", "LISTEN\n_:count()\n_:where('recv_q > 0'):count()\n", listeners .. "6 rows\n6\n3\n")
  prints("what print() printed is not told again", "_ = sockq.tcp():where('LISTEN')\n_:print()\n", (select(2,
    program.run { "--proc", CAPTURE, "-t", "LISTEN" })))
end
prints("nothing", "\n\n   \n", "")
prints("a last line without a line feed", "= 1", "1\n")
for _, word in ipairs { "quit", "exit", "quit()", " exit " } do prints(word, "= 1\n" .. word .. "\n= 2\n", "1\n") end

do
  local status, out = session("?\n?help\n?expires\n?group\n?LISTEN\n?verbs\n?netstat\n")
  check.equal("help: status", status, 0)
  for _, piece in ipairs { "A line is one of\n", "sockq help TOPIC", "expires, a field\n", "query:group(", "LISTEN, a state",
    "distinct", "netstat, a view" } do
    check.contains("help", out, piece)
  end
end

-- Wrong lines: each says what is wrong, and the session goes on

local function refuses(line, want, words)
  local status, out, err = session(line .. "\n= 'next'\n", words)
  check.equal(line .. ": status", status, 2)
  check.equal(line .. ": the next line", out, '"next"\n')
  check.equal(line, err, "sockq: " .. want .. "\n")
end

refuses("stat == 1", 'EXPR:1:1: unknown name "stat"; did you mean state?\n  stat == 1\n  ^')
refuses("recv_q > and", 'EXPR:1:10: unexpected "and"; expected a field, a value, not, - or (\n  recv_q > and\n           ^')
refuses('state = "LISTEN"', 'EXPR:1:7: unexpected "="; write ==\n  state = "LISTEN"\n        ^')
refuses("netsta", "netsta: neither an expression nor a name; did you mean netstat?")
refuses("netsta -tan", "netsta: neither an expression nor a name; did you mean netstat?")
refuses("LISTEN --jsn", "--jsn: no such option; did you mean --json?")
refuses("LISTEN -g programm", '--group:1:1: unknown name "programm"; did you mean program?\n  programm\n  ^')
refuses("LISTEN -c 'a", "a ' is not closed; close it")
refuses("LISTEN --proc /", "--proc: it is for the start of the session; leave it out here")
refuses("-t --timeout 0.001", "--timeout: it is for the start of the session; leave it out here")
refuses("-t --max-memory 1M", "--max-memory: it is for the start of the session; leave it out here")
refuses("-t --data x=/nonexistent", "--data: it is for the start of the session; leave it out here")
refuses("LISTEN --json --csv", "--csv: json is asked for as well; choose one format")
refuses("prnt(1)", "session:1: there is no global prnt; did you mean print?")
refuses("x = = 1", "session:1: unexpected symbol near '='")
refuses("y = nil + 1", "session:1: attempt to perform arithmetic on a nil value")
refuses("error('said')", "session:1: said")
refuses("error({})", "a script raised a table as its error")
refuses("sockq.tpc()", "session:1: sockq has no tpc; did you mean tcp?")
refuses("sockq.tcp():were('LISTEN')", "session:1: a query has no verb were; did you mean where?")
refuses("list timer names", "list: names: the command takes one kind; options stand before its name")
refuses("?expirs", "?expirs: there is no help about expirs; did you mean expires?")
do
  local status, out, err = session("for i = 1, 2 do\n")
  check.equal("a chunk without its end", status .. out .. err, "2sockq: session:1: 'end' expected near '<eof>'\n")
  status, out, err = session("= {\n")
  check.equal("a table without its end", status .. out .. err, "2sockq: session:1: unexpected symbol near '<eof>'\n")
  status, out, err = session("\27[31mx\n= '\27[31m'\n")
  check.ok("control bytes do not reach the terminal", not (out .. err):find("\27", 1, true), out .. err)
  check.equal("control bytes: status", status, 2)
end

-- The session's own command line

for _, case in ipairs {
  { { "-i", "netstat", "-tan" }, "-i: a session asks for its lines itself; start sockq -i alone, and type netstat -tan there" },
  { { "-i", "list" }, "-i: a session asks for its lines itself; start sockq -i alone, and type list there" },
  { { "-i", "-e", "print(1)" }, "-i: a session asks for its lines itself; start sockq -i alone, and type it there" },
  { { "-i", "-" }, "-i: a session asks for its lines itself; start sockq -i alone, and type its lines there" },
  { { "-i", "x.lua" }, '-i: a session asks for its lines itself; start sockq -i alone, and dofile("x.lua") there runs it' },
  { { "-i", "--watch" }, "--watch: it belongs to a line of the session; leave it out here" },
  { { "-i", "-q" }, "--quiet: it belongs to a line of the session; leave it out here" },
  { { "-i", "-f", "tabel" }, "-f tabel: there is no such format; did you mean table?" },
} do
  program.refuses(table.concat(case[1], " "), case[1], { err = case[2] })
end
do
  local status, _, err = session("= 1\n", { "stat == 1" })
  check.equal("a first query that is wrong: status", status, 2)
  check.contains("a first query that is wrong", err, "did you mean state?")
  status = session("sockq.from('nonesuch')\n= 1\n")
  check.equal("a wrong line in a session: status", status, 2)
end

if not tmux.is_there() then
  program.skip_part("a session on a terminal", "tmux is not installed")
  check.finish()
end

-- On a terminal

local function start(words, opts)
  opts = opts or {}
  local env = program.environment { LC_ALL = "C.UTF-8", XDG_STATE_HOME = DIR .. "/state" }
  for name, value in pairs(opts.env or {}) do env[name] = value end
  local argv = { "sh", "-c", ([[trap : INT; stty -a >%s/before; "$0" "$@"; echo status=$?; stty -a >%s/after; cat]]):format(
    DIR, DIR), program.path, "--proc", opts.proc or CAPTURE, "-i" }
  for _, word in ipairs(words or {}) do argv[#argv + 1] = word end
  posix.write_file(DIR .. "/after", "")
  local screen = tmux.start(argv, { columns = opts.columns or 100, rows = opts.rows or 24, env = env })
  check.ok("a session starts", screen:ends_with("sockq>"), screen:text())
  return screen
end

-- The terminal's settings at some time; its size is no setting.
local function settings(when) return (posix.read_file(DIR .. "/" .. when):gsub("rows %d+; columns %d+", "")) end

local function is_over(name, screen, status)
  local ended, text = screen:wait_for("status=")
  check.ok(name .. ": it ends", ended, text)
  check.equal(name .. ": status", text:match("status=(%d+)"), tostring(status or 0))
  spawn.wait_for(10, function() return posix.read_file(DIR .. "/after") ~= "" end)
  check.equal(name .. ": the terminal is as it was", settings "after", settings "before")
  screen:finish()
end

local function types(screen, name, keys, want)
  screen:bytes(keys)
  local shown, text = screen:wait_for(want)
  check.ok(name, shown, text)
end

do
  local screen = start(nil, { env = { XDG_STATE_HOME = false, HOME = DIR } })
  check.ok("a greeting", screen:wait_for(": an expression lists sockets, ? helps, Ctrl-D leaves\n"), screen:text())
  types(screen, "an expression", "LISTEN and recv_q > 0\r", "\n3 rows\nsockq>\n")
  types(screen, "rows that do not fit", "true\r", "\n83 rows; the first 19 are shown, _:print() prints all\nsockq>\n")
  local _, above = screen:text():gsub("\n%l+6? +%d", "")
  check.equal("they fill the screen", above, 19)
  screen:resize(100, 12)
  types(screen, "a smaller screen", "true\r", "\n83 rows; the first 7 are shown, _:print() prints all\nsockq>\n")
  screen:resize(100, 24)
  types(screen, "history", UP .. UP .. UP .. "\5 and recv_q > 100\r", "sockq> LISTEN and recv_q > 0 and recv_q > 100\n")
  types(screen, "its rows", "", "\n2 rows\nsockq>\n")
  types(screen, "an error below its place", "LISTEN and recv_q = 0\r",
    "\n  LISTEN and recv_q = 0\n                    ^\nsockq>\n")
  types(screen, "several lines", "for i = 1, 2 do\r", "\n   ...\n")
  types(screen, "their end", "print(i * 7)\rend\r", "\n7\n14\nsockq>\n")
  types(screen, "several lines given up", "for i = 1, 2 do\r", "do\n   ...\n")
  types(screen, "Ctrl-C in them", INTERRUPT, "   ... ^C\nsockq>\n")
  types(screen, "then a line", "= 'a line'\r", '\n"a line"\nsockq>\n')
  types(screen, "Ctrl-D", END, "status=0")
  is_over("Ctrl-D", screen)
  check.equal("what was typed is kept", posix.read_file(DIR .. "/.local/state/sockq/history"),
    "LISTEN and recv_q > 0\ntrue\ntrue\nLISTEN and recv_q > 0 and recv_q > 100\nLISTEN and recv_q = 0\nfor i = 1, 2 do\n"
    .. "print(i * 7)\nend\nfor i = 1, 2 do\n= 'a line'\n")
  screen = start(nil, { env = { XDG_STATE_HOME = false, HOME = DIR } })
  types(screen, "a line of the session before", UP .. ENTER, "sockq> = 'a line'\n\"a line\"\n")
  types(screen, "quit", "quit\r", "status=0")
  is_over("quit", screen)
end

-- Completion: what is typed, Tab, and what the line or the list below it is then

do
  local screen = start(nil, { env = { SOCKQ_PATH = DIR .. "/plug" } })
  local function completes(typed, line, listed)
    screen:bytes("\21\12", typed, TAB)
    local want = line and "sockq> " .. line
    local shown, text = screen:wait_for(function(text)
      local lines = program.lines((text:gsub("%s+$", "\n")))
      if listed then
        return text:find(listed) and lines[#lines] == want
      end
      return #lines == 1 and lines[1] == want
    end, 5)
    check.ok(("Tab behind %q"):format(typed), shown, text)
  end
  completes("stat", "state")
  completes("recv_q > 0 and loc", "recv_q > 0 and local_")
  completes("LIS", "LISTEN")
  completes("lis", "lis", "LISTEN +list +listen\n")
  completes("not lis", "not LISTEN")
  completes("close_w", "CLOSE_WAIT")
  completes("not est", "not ESTABLISHED")
  completes("udpl", "udplite")
  completes("with", "within(")
  completes("recv_q > 2 * Ki", "recv_q > 2 * KiB")
  completes('state == "tim', 'state == "TIME_WAIT')
  completes('timer == "keep', 'timer == "keepalive')
  completes("sockq.tc", "sockq.tcp(")
  completes("sockq.tcp():gr", "sockq.tcp():group(")
  completes("_:cou", "_:count(")
  completes('sockq.tcp():group("rem', 'sockq.tcp():group("remote_')
  completes('sockq.tcp():where("close_w', 'sockq.tcp():where("CLOSE_WAIT')
  completes([[sockq.tcp():where("state == 'syn_s]], [[sockq.tcp():where("state == 'SYN_SENT]])
  completes('sockq.tcp():agg("hist', 'sockq.tcp():agg("histogram(')
  completes('sockq.from("netl', 'sockq.from("netlink')
  completes('_:print{ format = "nd', '_:print{ format = "ndjson')
  completes('_:print{ timer = "exp', '_:print{ timer = "explain')
  completes("nets", "netstat")
  completes("retr", "retrans")
  completes("LISTEN --js", "LISTEN --json")
  completes("LISTEN -g prog", "LISTEN -g program")
  completes("LISTEN -f nd", "LISTEN -f ndjson")
  completes("LISTEN --timer hum", "LISTEN --timer human")
  completes("list form", "list formats")
  completes("show timer ex", "show timer explain")
  completes("?expi", "?expires")
  completes("?histo", "?histogram(")
  completes("tostr", "tostring")
  completes("local_", "local_", "local_addr +local_addrs +local_port\n")
  completes("LISTEN -f ", "LISTEN -f", "bars +json +ndjson")
  completes("nosuchword", "nosuchword")
  completes("nosuchword:", "nosuchword:")
  completes("closi", "CLOSING")
  screen:bytes("\21", END)
  is_over("completion", screen)
end

-- Ctrl-C ends what runs, and the next line works

do
  local large = program.tree { ["net/tcp"] = rows.many_tcp(200000) }
  -- The sandbox has nothing that sleeps.
  local screen = start({ "--trust" }, { proc = large })
  local function stops(name, line, delay)
    screen:bytes("\12", line, ENTER)
    check.ok(name .. ": it runs", screen:wait_for("\nready\n"), screen:text())
    spawn.sleep(delay)
    screen:bytes(INTERRUPT)
    local shown, text = screen:wait_for("sockq: interrupted\nsockq>\n", 5)
    check.ok(name .. ": it ends", shown, text)
    types(screen, name .. ": the next query", "sockq.tcp():count()\r", "\n200000\nsockq>\n")
    types(screen, name .. ": the next expression", "local_port == 3\r", "\n4 rows\nsockq>\n")
  end
  types(screen, "a function that says ready", "function ready() print('ready') return true end\r", "end\nsockq>\n")
  types(screen, "counting", "sockq.tcp():count()\r", "\n200000\nsockq>\n")
  for i = 1, 8 do
    stops("a query, " .. i, "ready() while true do sockq.tcp():where('recv_q == 7 and uid == 1'):count() end", 0.01 * i * i)
    stops("a sort, " .. i, "ready() while true do sockq.tcp():sort('-local_port'):list() end", 0.02 * i)
    stops("a walk that is left, " .. i,
      "ready() while true do for r in sockq.tcp():rows() do local _ = r.state break end end", 0.01 * i)
  end
  stops("a compiled loop", "ready() local x = 0 while true do x = x + 1 end", 0.1)
  stops("a loop in a predicate", "ready() sockq.tcp():where(function() while true do end end):count()", 0.05)
  stops("an error that is caught", "ready() while true do pcall(function() while true do end end) end", 0.05)
  stops("a coroutine", "ready() coroutine.wrap(function() while true do end end)()", 0.05)
  stops("sleep", "ready() require('sockq.core').sleep(100) while true do end", 0.05)
  for i = 1, 5 do
    types(screen, "a line right behind Ctrl-C", ("%s= 'behind %d'\r"):format(INTERRUPT, i),
      ("sockq> = 'behind %d'\n\"behind %d\"\nsockq>\n"):format(i, i))
  end
  screen:bytes("\12")
  types(screen, "Ctrl-C at the prompt", INTERRUPT, "sockq> ^C\nsockq>\n")
  types(screen, "and again", INTERRUPT, "sockq> ^C\nsockq> ^C\nsockq>\n")
  screen:bytes(END)
  is_over("interrupts", screen)
end

do
  -- what cannot be stopped, a second Ctrl-C ends
  local screen = start()
  types(screen, "a pattern that takes for ever",
    "print('ready') string.find(('a'):rep(200), ('.-'):rep(30) .. 'b')\r", "\nready\n")
  spawn.sleep(0.05)
  screen:bytes(INTERRUPT)
  check.ok("it is not ended by time", not screen:wait_for("status=", 1.5), screen:text())
  screen:bytes(INTERRUPT)
  is_over("a second Ctrl-C", screen, 130)
end

-- Ctrl-Z while a query runs, and at the prompt

do
  posix.write_file(DIR .. "/profile", "PS1='shell> '\n")
  local screen = tmux.start({ "bash", "--noprofile", "--rcfile", DIR .. "/profile" }, { columns = 100,
    env = program.environment { LC_ALL = "C.UTF-8", XDG_STATE_HOME = DIR .. "/state" } })
  check.ok("a shell", screen:ends_with("shell>"), screen:text())
  types(screen, "a session below it", ("%s --proc %s -i\r"):format(program.path, CAPTURE), "\nsockq>\n")
  for i = 1, 3 do
    types(screen, "Ctrl-Z", "a line " .. i, "sockq> a line " .. i .. "\n")
    types(screen, "Ctrl-Z: the shell", STOP, "Stopped")
    types(screen, "Ctrl-Z: fg", "clear; fg\r", "sockq> a line " .. i .. "\n")
    types(screen, "Ctrl-Z: its line", "\21= 'line " .. i .. "'\r", ('\n"line %d"\nsockq>\n'):format(i))
  end
  screen:bytes("quit\r")
  check.ok("Ctrl-Z: the end", screen:ends_with("shell>"), screen:text())
  screen:finish()
end

-- Garbage keys: whatever is typed, the session answers afterwards

do
  local seed = os.time()
  for i, word in ipairs(arg) do
    if word == "--seed" then seed = tonumber(arg[i + 1]) end
  end
  math.randomseed(seed)
  -- Without the lines of the sessions before: keys may call one up that nothing ends but a second Ctrl-C.
  local screen = start(nil, { env = { XDG_STATE_HOME = DIR .. "/garbage" } })
  local is_there
  for round = 1, 12 do
    local bytes = {}
    for i = 1, 150 do
      local byte
      -- Not what ends or stops the session, nor what starts another program in vi's commands.
      repeat byte = math.random(0, 255) until byte ~= 3 and byte ~= 4 and byte ~= 26 and byte ~= 28 and byte ~= 19
      bytes[i] = string.char(byte)
    end
    screen:bytes(table.concat(bytes))
    screen:bytes("\7\21\11\r\r\21\11")
    -- A search, a quoted key or an open chunk may be left.
    screen:bytes(INTERRUPT)
    spawn.wait_for(5, function() return screen:text():find("sockq>%s*$") end)
    screen:bytes(INTERRUPT)
    -- When sockq ends, its shell stays: tmux 3.3 itself ends at some of what is echoed.
    is_there = tonumber(screen:ask("#{pane_pid}"))
    if not is_there then
      program.skip_part(("garbage of seed %d, from round %d on"):format(seed, round), "tmux has ended")
      break
    end
    types(screen, ("garbage of seed %d, round %d"):format(seed, round), "\21= 'alive " .. round .. "'\r",
      ('\n"alive %d"\nsockq>\n'):format(round))
  end
  if is_there then
    screen:bytes(END)
    is_over("garbage", screen)
  end
end

-- Ends that are not the session's own

for _, case in ipairs { { "SIGTERM", 15 }, { "SIGHUP", 1 } } do
  local screen = start()
  types(screen, case[1] .. ": a line", "some text", "sockq> some text\n")
  local shell = tonumber(screen:ask("#{pane_pid}"))
  spawn.kill(case[2], spawn.child_of(shell))
  is_over(case[1], screen, 128 + case[2])
end

-- Where the history cannot be written, one note, and the session goes on

do
  posix.write_file(DIR .. "/no-folder", "")
  local screen = start(nil, { env = { XDG_STATE_HOME = DIR .. "/no-folder" } })
  check.ok("no history: a note", screen:wait_for("/no-folder/sockq/history: Not a directory; what is typed is not kept\n"),
    screen:text())
  types(screen, "no history: a line", "= 'a line'\r", '\n"a line"\nsockq>\n')
  types(screen, "no history: it is there all the same", UP .. ENTER, "sockq> = 'a line'\n\"a line\"\nsockq> = 'a line'\n")
  check.ok("no history: one note", not screen:text():find("is typed.*is typed"), screen:text())
  screen:bytes(END)
  is_over("no history", screen)
end

-- A terminal that cannot be edited on

do
  local screen = start(nil, { env = { TERM = "dumb" } })
  types(screen, "TERM=dumb", "LISTEN and recv_q > 0\r", "\n3 rows\nsockq>\n")
  types(screen, "TERM=dumb: Ctrl-C at the prompt", INTERRUPT, "sockq> ^C\nsockq>\n")
  types(screen, "TERM=dumb: a loop", "while true do end\r", "end\n")
  spawn.sleep(0.1)
  types(screen, "TERM=dumb: Ctrl-C", INTERRUPT, "interrupted\nsockq>\n")
  types(screen, "TERM=dumb: a line", "= 'a line'\r", '\n"a line"\nsockq>\n')
  screen:bytes(END)
  is_over("TERM=dumb", screen)
end

check.finish()
