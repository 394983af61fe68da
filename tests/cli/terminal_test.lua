--- The terminal that a live view takes: keys, sizes, and that it is given back at every way out.
--
--   luajit tests/cli/terminal_test.lua --sockq PATH       from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local spawn = require "spawn"
local tmux = require "tmux"

if not tmux.is_there() then check.skip("tmux is not installed") end
check.at_end(posix.cleanup)
check.at_end(spawn.cleanup)
check.at_end(tmux.cleanup)

local DIR = posix.tmpdir("sockq-terminal")
local PID, MODES, AFTER = DIR .. "/pid", DIR .. "/modes", DIR .. "/after"

-- A view that, when it is watched, says what keys it got, and ends as the key says.
posix.mkdir(DIR .. "/views")
posix.write_file(DIR .. "/views/keys.lua", [[
local core = require "sockq.core"
local function run()
local last = "none"
while true do
  local columns, rows = core.terminal_size(1)
  core.paint(("\27[H%dx%d <%s>\27[K"):format(columns, rows, last))
  last = core.poll_key(20) or "nothing"
  if last == "q" or last == "interrupt" or last == "hangup" then break end
  if last == "e" then error "boom" end
  if last == "x" then os.exit(7) end
  if last == "l" then core.paint "\27[Hlooping" while true do end end
end
core.give_back_terminal()
print("left by " .. last)
io.stdout:flush()
os.exit(0)
end
return { doc = "keys", run = run }
]])

local screen = tmux.start({ "bash", "--norc", "--noprofile" }, { columns = 60, rows = 20,
  env = program.environment { PS1 = "$ ", HISTFILE = false } })
check.ok("a shell", (screen:wait_for("$")))

local function child()
  return tonumber(posix.read_file(PID) or "")
end

local function start(redirect)
  os.remove(AFTER)
  os.remove(PID)
  screen:type(("clear; echo main screen; stty -g >%s; "):format(MODES))
  screen:type(("sh -c 'echo $$ >%s; exec \"$0\" --trust --path %s --watch keys' %s %s; "):format(PID, DIR, program.path,
    redirect or ""))
  screen:type(("echo status=$?; stty -g >%s\r"):format(AFTER))
  return screen:wait_for("<none>")
end

-- The modes are as before, the main screen is back, with the cursor.
local function is_clean(name, piece)
  local back = spawn.wait_for(10, function()
    return screen:ask("#{alternate_on}") == "0" and screen:text():find("main screen", 1, true)
  end)
  check.ok(name .. ": the main screen is back", back, screen:text())
  check.equal(name .. ": with a cursor", screen:ask("#{cursor_flag}"), "1")
  check.equal(name .. ": and lines wrap", screen:ask("#{wrap_flag}"), "1")
  if piece then
    check.ok(name .. ": what it said", screen:wait_for(piece), screen:text())
  end
  -- Ctrl-C ends the shell's list as well.
  screen:type(("\rstty -g >%s\r"):format(AFTER))
  local before, after = posix.read_file(MODES), nil
  spawn.wait_for(10, function()
    after = posix.read_file(AFTER)
    return after == before
  end)
  check.equal(name .. ": the modes are as before", after, before)
end

-- Keys and sizes

do
  check.ok("it starts", start())
  check.equal("the alternate screen", screen:ask("#{alternate_on}"), "1")
  check.equal("no cursor there", screen:ask("#{cursor_flag}"), "0")
  check.contains("the size", screen:text(), "60x20 ")
  for key, name in pairs { Up = "up", Down = "down", Left = "left", Right = "right", PPage = "pageup", NPage = "pagedown",
    Home = "home", End = "end", Escape = "escape", F5 = "unknown", F1 = "unknown", ["C-Up"] = "unknown", a = "a",
    Space = " ", ["M-x"] = "unknown" } do
    screen:press(key)
    check.ok("the key " .. key, screen:wait_for("<" .. name .. ">"), screen:text())
  end
  screen:resize(50, 10)
  check.ok("a new size wakes it", screen:wait_for("50x10 <resize>"), screen:text())
  screen:resize(60, 20)
  check.ok("and the next", screen:wait_for("60x20 <resize>"), screen:text())
  screen:type("\27[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23;24;25;26;27;28;29m")
  check.ok("a sequence without end in sight is one key", screen:wait_for("<unknown>") or screen:wait_for("<m>", 1),
    screen:text())
  screen:press("q")
  is_clean("q", "left by q")
  check.ok("q: status", screen:wait_for("status=0"), screen:text())
end

-- Every way out

local function leaves(name, key, piece)
  check.ok(name .. ": it starts", start())
  screen:press(key)
  is_clean(name, piece)
end

leaves("Ctrl-C", "C-c", "left by interrupt")
leaves("an error", "e", "status=2")
leaves("os.exit", "x", "status=7")
leaves("Ctrl-\\", "C-\\", "status=131")
do
  check.ok("Ctrl-C in a loop: it starts", start())
  screen:press("l")
  check.ok("Ctrl-C in a loop: it loops", screen:wait_for("looping"))
  screen:press("C-c")
  is_clean("Ctrl-C in a loop")
end

-- A sanitizer has a handler of its own for SIGSEGV.
for _, number in ipairs { spawn.SIGKILL, spawn.SIGTERM, 1, not program.sanitized and 11 or nil } do
  local name = "signal " .. number .. " to the interpreter"
  check.ok(name .. ": it starts", start())
  spawn.kill(number, assert(spawn.child_of(child())))
  is_clean(name, number == 11 and "ended by signal 11" or "status=" .. 128 + number)
end
for _, number in ipairs { spawn.SIGTERM, 1 } do
  for _, who in ipairs { "the collector", "both" } do
    local name = ("signal %d to %s"):format(number, who)
    check.ok(name .. ": it starts", start())
    spawn.kill(number, who == "both" and -child() or child())
    is_clean(name, "status=" .. 128 + number)
  end
end

-- Stopped and continued

for _, who in ipairs { "Ctrl-Z", "SIGTSTP to the collector" } do
  check.ok(who .. ": it starts", start())
  if who == "Ctrl-Z" then screen:press("C-z") else spawn.kill(20, child()) end
  is_clean(who, "status=148")
  screen:type("fg; echo again=$?\r")
  check.ok(who .. ": it goes on", screen:wait_for("60x20 <resize>"), screen:text())
  check.equal(who .. ": on the alternate screen", screen:ask("#{alternate_on}"), "1")
  screen:press("a")
  check.ok(who .. ": keys come at once", screen:wait_for("<a>"), screen:text())
  screen:press("q")
  is_clean(who .. ", then q", "again=0")
end

-- No terminal to read from

check.ok("keys come from the terminal that is painted", start("</dev/null"))
screen:press("a")
check.ok("from there", screen:wait_for("<a>"), screen:text())
screen:press("q")
is_clean("standard input is none", "left by q")
do
  local status, out, err = program.run { "--trust", "-e", "print(require('sockq.core').take_terminal())" }
  check.equal("no terminal at all", status .. out .. err, "0nil\tInappropriate ioctl for device\n")
end

check.finish()
