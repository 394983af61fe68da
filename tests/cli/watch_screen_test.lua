--- The live view on a terminal: marks, countdown, scrolling, resizing, keys, and a clean way out.
--
--   luajit tests/cli/watch_screen_test.lua --sockq PATH   from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"
local spawn = require "spawn"
local tmux = require "tmux"

if not tmux.is_there() then check.skip("tmux is not installed") end
check.at_end(posix.cleanup)
check.at_end(spawn.cleanup)
check.at_end(tmux.cleanup)

local DIR = posix.tmpdir("sockq-screen")
local MODES, AFTER = DIR .. "/modes", DIR .. "/after"

local LISTENER = rows.tcp { lport = 80, state = 10, inode = 1 }
local function connection(port, more)
  local fields = { lport = 80, raddr = "0100007F", rport = port, state = 1, inode = port }
  for name, value in pairs(more or {}) do fields[name] = value end
  return rows.tcp(fields)
end

local TREE = program.tree { ["net/tcp"] = rows.file("tcp", {}) }
local function show(list)
  posix.write_file(TREE .. "/next", rows.file("tcp", list))
  assert(os.rename(TREE .. "/next", TREE .. "/net/tcp"))
end

local screen = tmux.start({ "bash", "--norc", "--noprofile" }, { columns = 70, rows = 12,
  env = program.environment { PS1 = "$ ", HISTFILE = false, LC_ALL = "C.UTF-8", NO_COLOR = false } })
check.ok("a shell", (screen:wait_for("$")))

-- Start it below a line of the main screen.
local function start(words)
  os.remove(AFTER)
  screen:type(("clear; stty -g >%s; echo the main screen; %s --proc %s %s; echo status=$?\r"):format(MODES,
    program.path, TREE, words))
  return screen:wait_for(function(text) return text:find("sockq", 1, true) and text:find("every ", 1, true) end)
end

-- What stands below the head line, until it is what is wanted or the time is over.
local function shows(name, want, seconds)
  local got
  spawn.wait_for(seconds or 10, function()
    got = screen:text():gsub("^[^\n]*\n", "", 1):gsub("\n+$", "\n")
    return got == want
  end)
  check.equal(name, got, want)
end

local function ends(name, key, status)
  screen:press(key)
  check.ok(name .. ": the main screen is back, with the status", screen:wait_for("\nstatus=" .. status), screen:text())
  check.ok(name .. ": as it was", screen:text():find("^the main screen\n"), screen:text())
  check.equal(name .. ": with a cursor", screen:ask("#{alternate_on} #{cursor_flag} #{wrap_flag}"), "0 1 1")
  screen:type(("stty -g >%s\r"):format(AFTER))
  local before, after = posix.read_file(MODES), nil
  spawn.wait_for(10, function()
    after = posix.read_file(AFTER)
    return after == before
  end)
  check.equal(name .. ": the modes of the terminal", after, before)
end

local COLUMNS = "-c remote_port,state,recv_q"

-- New, changed and gone rows

do
  show { LISTENER, connection(1000) }
  check.ok("marks: it starts", start("--watch=1 " .. COLUMNS))
  check.contains("the alternate screen", screen:ask("#{alternate_on}"), "1")
  local HEAD = "  remote_port  state        recv_q\n"
  shows("the first look has no marks", HEAD .. "            0  LISTEN            0\n"
    .. "         1000  ESTABLISHED       0\n\n\n\n\n\n\n\nq leaves\n")
  show { connection(1000, { rx = 5 }), connection(1001) }
  shows("new, changed and gone", HEAD .. "-           0  LISTEN            0\n"
    .. "~        1000  ESTABLISHED       5\n+        1001  ESTABLISHED       0\n\n\n\n\n\n\nq leaves\n")
  shows("each of them once", HEAD .. "         1000  ESTABLISHED       5\n"
    .. "         1001  ESTABLISHED       0\n\n\n\n\n\n\n\nq leaves\n")
  check.ok("the head line", screen:text():match("^sockq %-c remote_port~%S+ +every 1 s  %d%d:%d%d:%d%d  2 rows\n"),
    screen:text())
  show {}
  shows("gone ones stand where they stood", HEAD .. "-        1000  ESTABLISHED       5\n"
    .. "-        1001  ESTABLISHED       0\n\n\n\n\n\n\n\nq leaves\n")
  shows("no rows", "  no rows\n\n\n\n\n\n\n\n\n\nq leaves\n")
  ends("q", "q", 1)
end
do
  -- colours, and none
  show { LISTENER }
  for _, way in ipairs { { "--color=auto", true }, { "--color=never", false } } do
    show { LISTENER }
    start("--watch=0.5 " .. way[1] .. " " .. COLUMNS)
    shows(way[1] .. ": a row", "  remote_port  state   recv_q\n            0  LISTEN       0\n\n\n\n\n\n\n\n\nq leaves\n")
    check.equal(way[1] .. ": attributes", screen:text(true):find("\27[", 1, true) ~= nil, way[2])
    if way[2] then
      show { connection(9), LISTENER }
      local green = spawn.wait_for(5, function() return screen:text(true):find("+ +\27%[32m9") end)
      check.ok("a new row is green", green, screen:text(true))
    end
    ends(way[1] .. ": Ctrl-C", "C-c", 0)
  end
end

-- Counters

do
  show { LISTENER, connection(1), connection(2) }
  start("--watch=1 -g state")
  shows("a group", "  state        count\n  ESTABLISHED      2\n  LISTEN           1\n\n\n\n\n\n\n\nq leaves\n")
  show { LISTENER, connection(1), connection(2), connection(3), connection(4), connection(5) }
  shows("more of it", "  state        count\n~ ESTABLISHED      5 +3\n  LISTEN           1\n\n\n\n\n\n\n\nq leaves\n")
  show { LISTENER, connection(1) }
  shows("fewer", "  state        count\n~ ESTABLISHED      1 -4\n  LISTEN           1\n\n\n\n\n\n\n\nq leaves\n")
  ends("a group: q", "q", 0)
end

-- The countdown runs between two looks

do
  show { connection(1, { state = 6, inode = 0, timer = 3, when = 6000 }) }
  start("--watch=60 -c remote_port,expires")
  local function runs(name, pattern)
    local function left() return tonumber(screen:text():match(pattern)) end
    local first = spawn.wait_for(5, left)
    check.ok(name .. ": what is left", first and first > 30 and first <= 60, screen:text())
    local began = spawn.now()
    local less = spawn.wait_for(5, function()
      local now = left()
      return now and now <= first - 2 and now
    end)
    local took = spawn.now() - began
    check.ok(name .. ": it runs", less, screen:text())
    check.ok(name .. ": as time does", took > 0.5 and math.abs(first - less - took) < 1.5,
      ("%s in %s"):format(first - less, took))
  end
  runs("countdown", "\n +1 +(%d+)\n")
  ends("countdown: q", "q", 0)
  start("--watch=60 netstat -nto")
  screen:resize(140, 12)
  runs("netstat", "timewait %((%d+)%.00/0/0%)")
  screen:resize(70, 12)
  ends("netstat: q", "q", 0)
end

-- Text: line by line

do
  show { LISTENER, connection(1) }
  screen:resize(74, 12)
  start("--watch=1 netstat -nta")
  local HEAD = "  Active Internet connections (servers and established)\n"
    .. "  Proto Recv-Q Send-Q Local Address           Foreign Address         Stat\n"
  local function line(mark, recv_q, remote) return ("%s tcp   %6d      0 127.0.0.1:80            %-23s "):format(mark,
    recv_q, remote) end
  shows("netstat", HEAD .. line(" ", 0, "0.0.0.0:*") .. "LIST\n" .. line(" ", 0, "127.0.0.1:1") .. "ESTA\n\n\n\n\n\n\nq leaves\n")
  show { connection(1, { rx = 7 }), connection(2) }
  shows("netstat: marks", HEAD .. line("-", 0, "0.0.0.0:*") .. "LIST\n" .. line("~", 7, "127.0.0.1:1") .. "ESTA\n"
    .. line("+", 0, "127.0.0.1:2") .. "ESTA\n\n\n\n\n\nq leaves\n")
  ends("netstat: Ctrl-C", "C-c", 0)
  screen:resize(70, 12)
end

-- More rows than lines; sizes; keys that mean nothing

do
  local list = {}
  for port = 1, 30 do list[port] = connection(port) end
  show(list)
  start("--watch=60 -c remote_port")
  local function page(from, to, foot)
    local lines = { "  remote_port" }
    for port = from, to do lines[#lines + 1] = ("%13d"):format(port) end
    return table.concat(lines, "\n") .. "\n" .. foot .. "\n"
  end
  shows("as many as there is room for", page(1, 9, "… 21 more"))
  screen:press("Down")
  shows("down, under the header", page(2, 10, "… 20 more"))
  screen:press("NPage")
  shows("a page down", page(11, 19, "… 11 more"))
  screen:press("PPage")
  shows("a page up", page(2, 10, "… 20 more"))
  screen:press("End")
  shows("the end", page(22, 30, "q leaves"))
  screen:press("Down")
  screen:press("Up")
  shows("no further than the end", page(21, 29, "… 1 more"))
  screen:press("Home")
  shows("the start", page(1, 9, "… 21 more"))
  screen:type("\27[200~x\27[?;;;~\27OZ\195\169\1\2\4\27")
  screen:press("F7", "z")
  screen:resize(40, 7)
  shows("keys that mean nothing, and a smaller size", page(1, 4, "… 26 more"))
  screen:resize(5, 3)
  shows("hardly any room", "  rem\n… 30\n")
  screen:resize(3, 1)
  check.ok("no room", spawn.wait_for(5, function() return #screen:text():gsub("%s", "") <= 3 end), screen:text())
  screen:resize(70, 12)
  shows("room again", page(1, 9, "… 21 more"))
  ends("many rows: q", "q", 0)
end

-- Names that want to move the cursor

do
  local unix = program.tree { ["net/unix"] = rows.file("unix", {
    rows.unix { inode = 5, path = "/a\27[31mb\27[2J" }, rows.unix { inode = 6, path = "@\228\184\173\230\150\135" } }) }
  screen:type(("clear; echo the main screen; %s --proc %s --watch=60 -x -c inode,path; echo status=$?\r"):format(
    program.path, unix))
  screen:wait_for("inode")
  shows("names are escaped, wide characters have their width", "  inode  path\n      5  /a\\x1b[31mb\\x1b[2J\n"
    .. "      6  @中文\n\n\n\n\n\n\n\nq leaves\n")
  screen:press("q")
  screen:wait_for("status=0")
end

-- What is wrong stays out of the picture

do
  posix.write_file(TREE .. "/net/tcp", rows.file("tcp", { LISTENER, "nonsense" }))
  start("--watch=0.5 " .. COLUMNS)
  check.ok("bad rows: in the foot line", screen:wait_for("/net/tcp:3: "), screen:text())
  check.ok("bad rows: the picture is whole", screen:text():find("\n            0  LISTEN       0\n", 1, true), screen:text())
  ends("bad rows", "q", 3)
  check.ok("bad rows: told behind it", screen:text():gsub("\n", ""):find("net/tcp:3: ", 1, true), screen:text())
  show { LISTENER }
  screen:type(("clear; echo the main screen; %s --proc %s --watch stat==1; echo status=$?\r"):format(program.path, TREE))
  check.ok("a wrong expression", screen:wait_for("status=2"), screen:text())
  check.contains("a wrong expression: what", screen:text(), "the main screen\nsockq: EXPR:1:")
end

-- --times, kill -9 and a terminal that can nothing

do
  start("--watch=0.2 --times 3 " .. COLUMNS)
  check.ok("--times", screen:wait_for("status=0", 5), screen:text())
  check.contains("--times: the main screen", screen:text(), "the main screen\n")
  start("--watch=5 " .. COLUMNS)
  local parent = tonumber((program.shell(("pgrep -o -f -- '^%s --proc %s'"):format(program.path, TREE))))
  spawn.kill(spawn.SIGKILL, assert(spawn.child_of(parent)))
  check.ok("kill -9 of the interpreter", screen:wait_for("status=137"), screen:text())
  check.contains("kill -9: the main screen", screen:text(), "the main screen\n")
  check.equal("kill -9: with a cursor", screen:ask("#{alternate_on} #{cursor_flag} #{wrap_flag}"), "0 1 1")
  screen:type(("clear; TERM=dumb %s --proc %s --watch=0.1 --times 2 -c state; echo status=$?\r"):format(program.path, TREE))
  check.ok("TERM=dumb", screen:wait_for("status=0"), screen:text())
  check.ok("TERM=dumb: blocks", screen:text():find("state\nLISTEN\n\n%d+%-%d+%-%S+\nstate\nLISTEN\nstatus=0"), screen:text())
  screen:resize(100, 12)
  screen:type(("clear; %s --proc %s --watch=0.1 --times 2 --ndjson -c state; echo status=$?\r"):format(program.path, TREE))
  check.ok("a format for machines", screen:wait_for("status=0"), screen:text())
  check.contains("a format for machines: events", screen:text(), '"state":"LISTEN"}')
end

check.finish()
