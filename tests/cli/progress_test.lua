--- The line that long work shows: when it comes, what it says, and that it is gone behind it.
--
--   luajit tests/cli/progress_test.lua --sockq PATH       from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"
local spawn = require "spawn"
local tmux = require "tmux"

check.at_end(spawn.cleanup)
check.at_end(posix.cleanup)
check.at_end(tmux.cleanup)

local DIR = posix.tmpdir("sockq-progress")
local OUT, ERR = DIR .. "/out", DIR .. "/err"
local ERASE = "\r\27[K"

-- A table that takes a while and no room: rows, then lines of nothing but holes, then rows.
local FIRST, HOLES, HOLE, LAST = 300, 16, 32 * 2 ^ 20, 1200
local TREE = program.tree { ["net/tcp"] = rows.many_tcp(FIRST) }
do
  local file = assert(io.open(TREE .. "/net/tcp", "r+"))
  local at = file:seek("end")
  for _ = 1, HOLES do
    at = at + HOLE
    file:seek("set", at - 1)
    file:write("\n")
  end
  -- those that follow the first ones
  local all, from = rows.many_tcp(FIRST + LAST), 0
  for _ = 0, FIRST do from = all:find("\n", from + 1, true) end
  file:write(all:sub(from + 1))
  assert(file:close())
end
local ALL = FIRST + LAST

local function start(words, opts)
  local argv = { program.path, "--proc", TREE }
  for _, word in ipairs(words) do argv[#argv + 1] = word end
  opts.env = program.environment { TERM = opts.term or "xterm", NO_COLOR = "1", LC_ALL = "C.UTF-8" }
  return spawn.start(argv, opts)
end

-- Stop a collector in the middle of its table.
local function stop_reading(pid)
  local reading = spawn.wait_for(20, function()
    for _, fd in ipairs(posix.list("/proc/" .. pid .. "/fd")) do
      local link = spawn.readlink("/proc/" .. pid .. "/fd/" .. fd)
      -- Behind the first rows, which are then there to be counted.
      local info = link and link == TREE .. "/net/tcp" and posix.read_file("/proc/" .. pid .. "/fdinfo/" .. fd) or ""
      if (tonumber(info:match("pos:%s*(%d+)")) or 0) > HOLE then return true end
    end
  end)
  spawn.kill(spawn.SIGSTOP, pid)
  return reading
end

local function stopped(name, words, opts)
  local child = start(words, opts)
  check.ok(name .. ": the collector reads", stop_reading(child.pid))
  return child
end

local function shows(name, child, pattern)
  local found = spawn.wait_for(10, function() return child:screen():find(pattern) end)
  check.ok(name .. ": the line", found, check.show(child.text))
end

local function goes_on(name, child, status)
  child:kill(spawn.SIGCONT, child.pid)
  spawn.wait_for(60, function()
    child:screen()
    return child:wait(0)
  end)
  check.equal(name .. ": status", child:wait(0), status)
  return child:screen()
end

-- What stands on the screen once all is written: of each line what came behind the last erasure.
local function settled(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    lines[#lines + 1] = line:gsub("^.*\r\27%[K", ""):gsub("^.*\r", "")
  end
  return table.concat(lines, "\n")
end

local COUNTS = { "-g", "state", "-f", "tsv" }
local started = spawn.now()
local plain = start(COUNTS, { stdout = OUT, stderr = ERR })
check.equal("without a terminal: status", plain:wait(60), 3)
local seconds = spawn.now() - started
local TABLE, MESSAGES = posix.read_file(OUT), posix.read_file(ERR)
check.equal("without a terminal: the groups", TABLE, ("state\tcount\nESTABLISHED\t%d\nLISTEN\t%d\n"):format(
  ALL * 99 / 100, ALL / 100))
check.equal("without a terminal: the messages", #program.lines(MESSAGES), 11)
print(("# reading takes %.2f s"):format(seconds))

do
  local name = "standard error is a terminal"
  local child = stopped(name, COUNTS, { terminal = 80, stdout = OUT })
  shows(name, child, "\rsockq: 300 sockets read")
  local before = child:screen()
  check.ok(name .. ": not before a second", not before:find("[^\r]sockq"), check.show(before))
  local text = goes_on(name, child, 3)
  check.equal(name .. ": standard output", posix.read_file(OUT), TABLE)
  check.ok(name .. ": in place, each with the rest of the line erased", text:find("^\rsockq: [^\r\n]*\27%[K\r"),
    check.show(text:sub(1, 200)))
  check.contains(name .. ": erased before the first message", text, "\27[K" .. ERASE .. MESSAGES:sub(1, 40))
  check.equal(name .. ": the messages alone are left", settled(text), MESSAGES)
  child:finish()
end

do
  local name = "both are a terminal"
  local child = stopped(name, COUNTS, { terminal = 80 })
  shows(name, child, "\rsockq: 300 sockets read")
  local text = goes_on(name, child, 3)
  check.ok(name .. ": no line behind the first output", not text:match("state\tcount.*"):find("\r"), check.show(text))
  check.equal(name .. ": what is left", settled(text), MESSAGES .. TABLE)
  child:finish()
end

do
  local name = "the netstat view"
  local child = start({ "netstat", "-tan" }, { terminal = 80 })
  stop_reading(child.pid)
  local headed = spawn.wait_for(10, function() return child:screen():find("ESTABLISHED", 1, true) end)
  check.ok(name .. ": rows stream", headed, check.show(child.text))
  spawn.sleep(1.6)
  local text = goes_on(name, child, 0)
  check.ok(name .. ": no line among rows", not text:match("Active.*"):find("\r"), check.show(text:sub(-300)))
  child:finish()
end

do
  local name = "a narrow terminal"
  local child = stopped(name, COUNTS, { terminal = 12, stdout = OUT })
  shows(name, child, "\rsockq: 300 \27%[K")
  goes_on(name, child, 3)
  child:finish()
end

do
  local name = "no line"
  for what, words in pairs {
    ["on a dumb terminal"] = COUNTS, ["--wait"] = { "--wait", "--times=1", unpack(COUNTS) },
  } do
    local child = stopped(name .. " " .. what, words, { terminal = 80, stdout = OUT,
      term = words == COUNTS and "dumb" or nil })
    spawn.sleep(1.6)
    check.equal(name .. " " .. what, goes_on(name .. " " .. what, child, 3), MESSAGES)
    child:finish()
  end
  local child = stopped("no terminal", COUNTS, { stdout = OUT, stderr = ERR })
  spawn.sleep(1.6)
  child:kill(spawn.SIGCONT, child.pid)
  check.equal("no terminal, and slow: status", child:wait(60), 3)
  check.equal("no terminal, and slow: standard error as before", posix.read_file(ERR), MESSAGES)
  child:finish()
end

do
  local name = "-q"
  local child = stopped(name, { "-q", "state == 'CLOSING'" }, { terminal = 80, stdout = OUT })
  shows(name, child, "\rsockq: ")
  check.equal(name .. ": what is left", settled(goes_on(name, child, 3)), MESSAGES)
  child:finish()
end

do
  local name = "a script"
  local code = "for s in sockq.tcp():rows() do if s.line % 100 == 2 then print(s.inode) end end"
  local child = stopped(name, { "-e", code }, { terminal = 80 })
  shows(name, child, "\rsockq: 300 sockets read")
  local text = goes_on(name, child, 3)
  local kept = settled(text)
  check.equal(name .. ": its own lines are whole", #program.lines(kept), 11 + ALL / 100)
  check.ok(name .. ": nothing of the line is left", not kept:find("sockets read", 1, true), check.show(kept))
  child:finish()
end

for _, way in ipairs { "query", "script", "twice" } do
  local name = "Ctrl-C, " .. way
  local words = way == "query" and COUNTS or way == "script" and { "-e", "print(sockq.tcp():count())" }
    or { "-e", "pcall(function() sockq.tcp():count() end) while true do pcall(function() sockq.tcp():count() end) end" }
  local child = stopped(name, words, { terminal = 80, stdout = OUT })
  shows(name, child, "\rsockq: 300 sockets read")
  child:type("\3")
  if way == "twice" then
    spawn.sleep(0.1)
    child:type("\3")
  end
  spawn.sleep(0.2)
  child:kill(spawn.SIGCONT, child.pid)
  check.equal(name .. ": status", child:wait(20), 130)
  local text = child:screen():gsub("%^C", "")
  local left = settled(text)
  check.ok(name .. ": nothing of the line is left", not left:find("sockets read", 1, true), check.show(text))
  check.ok(name .. ": erased", text:find(ERASE, 1, true), check.show(text))
  child:finish()
end

do
  local name = "a reader that ends"
  local pipe = DIR .. "/pipe"
  posix.run { "mkfifo", pipe }
  local child = spawn.start({ "sh", "-c", 'exec "$0" --proc "$1" -f csv -c "$3" >"$2"',
    program.path, TREE, pipe, ("local_addr,"):rep(30) .. "inode" }, { terminal = 80,
    env = program.environment { TERM = "xterm" } })
  local reader = assert(io.open(pipe, "r"))
  check.ok(name .. ": the collector reads", stop_reading(child.pid))
  shows(name, child, "\rsockq: 300 sockets read")
  reader:close()
  child:kill(spawn.SIGCONT, child.pid)
  check.equal(name .. ": status", child:wait(60), 141)
  check.equal(name .. ": what is left", settled(child:screen()), "")
  child:finish()
end

if tmux.is_there() then
  local screen = tmux.start({ "bash", "--norc", "--noprofile" }, { columns = 70, rows = 12,
    env = program.environment { PS1 = "$ ", HISTFILE = false, LC_ALL = "C.UTF-8" } })
  check.ok("tmux: a shell", (screen:wait_for("$")))
  screen:type(("clear; %s --proc %s -g state 2>&1 >/dev/tty | cat >/dev/null; echo piped\r"):format(program.path, TREE))
  check.ok("tmux: nothing when standard error is a pipe", screen:wait_for("\npiped", 60))
  check.ok("tmux: only the groups", not screen:text():find("sockets read"), screen:text())
  screen:type(("clear; %s --proc %s -g state 2>/dev/tty & sleep 0.1; kill -STOP $!; sleep 1.5; kill -CONT $!; wait; "
    .. "echo done\r"):format(program.path, TREE))
  check.ok("tmux: a job in the background", screen:wait_for("\ndone", 60))
  check.ok("tmux: does not show it", not screen:text():find("sockets read"), screen:text())
else
  program.skip_part("the line in tmux", "tmux is not installed")
end

check.finish()
