--- Line editing on a terminal: require "sockq.editor", the module below sockq -i.
--
--   luajit tests/cli/editor_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local spawn = require "spawn"
local tmux = require "tmux"

if not tmux.is_there() then check.skip("tmux is not installed") end

local ENTER, UP, LEFT, INTERRUPT, END, STOP = "\r", "\27[A", "\27[D", "\3", "\4", "\26"
local DIR = posix.tmpdir("sockq-editor")
check.at_end(posix.cleanup)
check.at_end(tmux.cleanup)
check.at_end(spawn.cleanup)

-- Lines are shown as they were read; "loop" runs until it is stopped.
local SCRIPT = DIR .. "/lines.lua"
posix.chmod(DIR, tonumber("777", 8)) -- root's interpreter is nobody
posix.write_file(SCRIPT, [[
local core, editor = require "sockq.core", require("sockq.editor").open()
if not editor then print "no editor" return end
if ... then print("history: " .. tostring(require("sockq.editor").kept())) end
local function complete(text, cursor)
  local word = text:sub(1, cursor):match("[%w_]*$")
  if word == "st" then return nil, "ate", nil end
  if word == "close" then return 5, "CLOSE_WAIT", nil end
  if word == "li" then return nil, nil, "list\r\nlisten" end
  if word == "err" then error "an error in a completion" end
  if word == "again" then editor:read("nested> ", complete) end
  if word == "endless" then return nil, ("x"):rep(100000), nil end
end
while true do
  local line, why = editor:read("line> ", complete)
  print("<" .. (line and (#line < 200 and line or #line) or "nil, " .. why) .. ">")
  if line then print(editor:add(line)) end
  if line == "loop" then
    print(select(3, core.session_call(tostring, function() io.write "ready\n" io.flush() while true do end end)))
  elseif line == "fill" then print(("filled\n"):rep(200))
  elseif line == "gc" then collectgarbage() collectgarbage()
  elseif line == "quit" or why == "end" then break end
end
editor:close()
editor:close()
print(select(2, pcall(editor.read, editor, "line> ", complete)))
]])

--- The program below a shell that looks at the terminal's settings before and after.
local function start(opts, words)
  opts = opts or {}
  local env = program.environment { LC_ALL = "C.UTF-8" }
  for name, value in pairs(opts.env or {}) do env[name] = value end
  local argv = { "sh", "-c", ([[trap : INT; stty -a >%s/before; "$0" "$@"; echo status=$?; stty -a >%s/after; cat]]):format(
    DIR, DIR), program.path, "--trust", SCRIPT }
  for _, word in ipairs(words or {}) do argv[#argv + 1] = word end
  posix.write_file(DIR .. "/after", "")
  local terminal = tmux.start(argv, { columns = opts.columns, rows = opts.rows, env = env })
  check.ok("it starts", terminal:ends_with("line>"), terminal:text())
  return terminal
end

-- The terminal's settings at some time; its size is no setting.
local function settings(when) return (posix.read_file(DIR .. "/" .. when):gsub("rows %d+; columns %d+", "")) end

local function is_restored(name, terminal, status)
  local ended, text = terminal:wait_for("status=")
  check.ok(name .. ": it ends", ended, text)
  check.equal(name .. ": status", text:match("status=(%d+)"), tostring(status))
  spawn.wait_for(10, function() return posix.read_file(DIR .. "/after") ~= "" end)
  check.equal(name .. ": the terminal is as it was", settings "after", settings "before")
  terminal:finish()
end

-- Editing

do
  local terminal = start()
  local function types(name, keys, want)
    terminal:bytes(keys, ENTER)
    local shown, text = terminal:wait_for("\n<" .. want .. ">\n")
    check.ok(name, shown, text)
  end
  types("a line", "LISTEN and x", "LISTEN and x")
  types("letters beyond ASCII", "é日本", "é日本")
  types("what is no UTF-8 is passed over", "a\xffb\xc3(c", "ab(c")
  types("the cursor moves", "bc\27[D\27[Da", "abc")
  types("Home, End", "b\1a\5c", "abc")
  types("Delete", "xabcd\1\27[3~", "abcd")
  types("Ctrl-U", "all of this\21rest", "rest")
  types("the line before", "\27[A", "rest")
  types("the line before that", "\27[A\27[A", "abcd")
  types("search backwards", "\18LIST", "LISTEN and x")
  types("completion", "st\t", "state")
  types("completion in the middle", "stx\27[D\t", "statex")
  types("completion that replaces", "a == close\t", "a == CLOSE_WAIT")
  types("an error in a completion is none in the line", "err\tx", "errx")
  types("reading while reading is refused", "again\tx", "againx")
  terminal:bytes("x li\t")
  check.ok("a list below the line", terminal:wait_for("\nline> x li\nlist\nlisten\nline> x li\n"), terminal:text())
  terminal:bytes("\21one two\27[D\27[D\27[D li\t")
  check.ok("a list with the cursor in the middle", terminal:wait_for("\nline> one  litwo\nlist\nlisten\nline> one  litwo\n"),
    terminal:text())
  types("and there it still is", "X", "one  liXtwo")
  types("a completion of many characters", "endless\tY", "100008")
  types("collected garbage", "gc", "gc")
  types("a line of many rows", ("x"):rep(1000), "1000")
  terminal:bytes("\21\4")
  check.ok("Ctrl-D", terminal:wait_for("<nil, end>"), terminal:text())
  check.ok("a closed editor says so", terminal:wait_for("the editor was closed"), terminal:text())
  is_restored("the end", terminal, 0)
end

-- Ways out: each leaves the terminal as it was

local function interpreter_of(terminal)
  local shell = tonumber(terminal:ask("#{pane_pid}"))
  local collector = spawn.wait_for(10, function() return spawn.child_of(shell) end)
  return spawn.child_of(collector), collector
end

local NUMBERS = { SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGKILL = 9, SIGTERM = 15 }

for _, case in ipairs {
  { "SIGTERM", "collector" }, { "SIGTERM", "interpreter" }, { "SIGHUP", "collector" }, { "SIGHUP", "interpreter" },
  { "SIGQUIT", "collector" }, { "SIGKILL", "interpreter" },
} do
  local name, which = case[1], case[2]
  local title = ("%s to the %s"):format(name, which)
  local terminal = start()
  terminal:bytes("some text\1")
  check.ok(title .. ": text", terminal:ends_with("line> some text"))
  local interpreter, collector = interpreter_of(terminal)
  spawn.kill(NUMBERS[name], which == "interpreter" and interpreter or collector)
  is_restored(title, terminal, 128 + NUMBERS[name])
end

do
  local terminal = start()
  -- Ctrl-C discards what was typed and not read yet.
  terminal:bytes("(1 +", LEFT, LEFT)
  check.ok("a line to give up", terminal:wait_for("line> (1 +") and spawn.wait_for(10, function()
    return terminal:ask("#{cursor_x}") == "8"
  end), terminal:text())
  terminal:bytes(INTERRUPT)
  check.ok("Ctrl-C gives the line up", terminal:wait_for("\nline> (1 +^C\n<nil, interrupted>\nline>\n"), terminal:text())
  terminal:bytes(("y"):rep(200), "\1")
  check.ok("several rows to give up", terminal:wait_for(("y"):rep(46)) and spawn.wait_for(10, function()
    return terminal:ask("#{cursor_x}") == "6"
  end), terminal:text())
  terminal:bytes(INTERRUPT)
  check.ok("Ctrl-C at the beginning of several rows", terminal:wait_for("yyy^C\n<nil, interrupted>\nline>\n"), terminal:text())
  for i = 1, 20 do
    terminal:bytes("loop", ENTER)
    check.ok("Ctrl-C, a loop, " .. i .. ": runs", terminal:ends_with("ready"), terminal:text())
    terminal:bytes(INTERRUPT)
    check.ok("Ctrl-C, a loop, " .. i .. ": ended", terminal:wait_for("interrupted\nline>\n"), terminal:text())
    terminal:bytes("clear", ENTER, "\12")
    check.ok("Ctrl-L", terminal:wait_for(function(text) return text:find("^line>%s*$") end), terminal:text())
  end
  terminal:bytes("quit", ENTER)
  is_restored("after many interrupts", terminal, 0)
end

do
  -- a second Ctrl-C ends what cannot be stopped
  local terminal = start()
  terminal:bytes("loop", ENTER)
  terminal:ends_with("ready")
  local interpreter = interpreter_of(terminal)
  spawn.kill(NUMBERS.SIGTERM, interpreter)
  is_restored("SIGTERM in a loop", terminal, 143)
end

-- Stop and go on

do
  posix.write_file(DIR .. "/profile", "PS1='shell> '\n")
  local terminal = tmux.start({ "bash", "--noprofile", "--rcfile", DIR .. "/profile" },
    { env = program.environment { LC_ALL = "C.UTF-8" } })
  check.ok("a shell", terminal:ends_with("shell>"), terminal:text())
  terminal:bytes(("stty -a >%s/before; %s --trust %s"):format(DIR, program.path, SCRIPT), ENTER)
  check.ok("Ctrl-Z: it starts", terminal:ends_with("line>"), terminal:text())
  for i = 1, 5 do
    terminal:bytes("text " .. i)
    check.ok("Ctrl-Z: a line", terminal:ends_with("line> text " .. i), terminal:text())
    terminal:bytes(STOP)
    check.ok("Ctrl-Z: the shell", terminal:ends_with("shell>"), terminal:text())
    check.contains("Ctrl-Z: stopped", terminal:text(), "Stopped")
    terminal:bytes(("stty -a >%s/after; echo $?"):format(DIR), ENTER)
    check.ok("Ctrl-Z: a command", terminal:wait_for("\n0\nshell>\n"), terminal:text())
    check.equal("Ctrl-Z: the terminal is as it was", settings "after", settings "before")
    terminal:bytes("fg", ENTER)
    check.ok("Ctrl-Z: the line is there again", terminal:ends_with("line> text " .. i), terminal:text())
    terminal:bytes("\21loop", ENTER)
    check.ok("Ctrl-Z, a loop: it runs", terminal:ends_with("ready"), terminal:text())
    terminal:bytes(STOP)
    check.ok("Ctrl-Z, a loop: the shell", terminal:ends_with("shell>"), terminal:text())
    terminal:bytes("clear; fg", ENTER)
    check.ok("Ctrl-Z, a loop: on", terminal:wait_for(SCRIPT), terminal:text())
    terminal:bytes(INTERRUPT)
    check.ok("Ctrl-Z, a loop: ended", terminal:wait_for("interrupted\nline>\n"), terminal:text())
  end
  terminal:bytes("quit", ENTER)
  check.ok("Ctrl-Z: the end", terminal:ends_with("shell>"), terminal:text())
  terminal:finish()
end

-- Resize

do
  local terminal = start { columns = 60, rows = 24 }
  -- Without blanks: where one is in the last column, libedit does not let the terminal wrap the line.
  local line = "one-two-three-four-five-six-seven-eight-nine-ten-eleven-twelve"
  -- At the bottom, as tmux moves what stands above an empty bottom out of the program's reach.
  terminal:bytes("fill", ENTER)
  terminal:ends_with("line>")
  terminal:bytes(line)
  check.ok("a line of two rows", terminal:wait_for("\nn-twelve\n"), terminal:text())
  local tty = terminal:ask("#{pane_tty}")
  for _, columns in ipairs { 30, 20, 47, 80, 8, 25, 60 } do
    terminal:resize(columns, 24)
    -- tmux tells the program a little later; the key comes behind that.
    local told = spawn.wait_for(10, function()
      return program.shell("stty -F " .. tty .. " size") == ("24 %d\n"):format(columns)
    end)
    check.ok(("%d columns: the terminal says so"):format(columns), told)
    line = line .. "+"
    terminal:bytes("+")
    local want = "filledline>" .. line:gsub(" ", "")
    local shown, text = terminal:wait_for(function(text)
      text = text:gsub("[ \n]", "")
      return text:sub(-#want) == want and select(2, text:gsub(">", "")) == 1
    end, 5)
    check.ok(("%d columns: one line, and nothing else"):format(columns), shown, text)
  end
  terminal:bytes(" x", ENTER)
  check.ok("a line after resizing", terminal:wait_for("x>\ntrue"), terminal:text())
  terminal:bytes(END)
  is_restored("after resizing", terminal, 0)
end

-- Without a terminal to edit on

do
  local status, out = program.run({ "--trust", SCRIPT }, { stdin = "a\n", env = { TERM = "xterm" } })
  check.equal("no terminal", status .. out, "0no editor\n")
  for _, term in ipairs { "dumb", "" } do
    local terminal = tmux.start({ "sh", "-c", '"$0" "$@"; cat', program.path, "--trust", SCRIPT },
      { env = program.environment { TERM = term } })
    check.ok("TERM=" .. term, terminal:wait_for("no editor\n"), terminal:text())
    terminal:finish()
  end
  local terminal = start { env = { TERM = "no-such-terminal" } }
  terminal:bytes("a line", ENTER)
  check.ok("an unknown terminal", terminal:wait_for("<a line>"), terminal:text())
  terminal:bytes(END)
  is_restored("an unknown terminal", terminal, 0)
  terminal = start { env = { LC_ALL = "C" } }
  terminal:bytes("a\xc3\xa9b\xff", ENTER)
  check.ok("no letters beyond ASCII in the locale C", terminal:wait_for("<ab>"), terminal:text())
  terminal:bytes(END)
  is_restored("the locale C", terminal, 0)
end

-- History

do
  local folder = DIR .. "/state/sockq"
  local path = folder .. "/history"
  local KEEPS = { env = { XDG_STATE_HOME = DIR .. "/state" } }
  local function session(name, typed)
    local terminal = start(KEEPS, { "history" })
    check.ok(name .. ": loaded", terminal:wait_for("history: true"), terminal:text())
    terminal:bytes(typed)
    terminal:bytes(END)
    is_restored(name, terminal, 0)
  end
  local function mode(what) return program.shell("stat -c %a " .. posix.quote(what)) end
  session("history, new", "first\rsecond é\rsecond é\r")
  check.equal("history: folders", mode(DIR .. "/state") .. mode(folder), "700\n700\n")
  check.equal("history: file", mode(path), "600\n")
  check.equal("history: lines", posix.read_file(path), "first\nsecond é\nsecond é\n")
  local terminal = start(KEEPS, { "history" })
  terminal:bytes(UP, UP, ENTER)
  check.ok("history: a line of the session before", terminal:wait_for("<first>"), terminal:text())
  terminal:bytes(END)
  is_restored("history, again", terminal, 0)
  -- bounded
  local lines = {}
  for i = 1, 5000 do lines[i] = "line " .. i end
  posix.write_file(path, table.concat(lines, "\n") .. "\n")
  session("history, long", "last\r")
  local kept = program.lines(posix.read_file(path))
  check.equal("history is cut: lines", #kept, 2001)
  check.equal("history is cut: from, to", kept[1] .. kept[2001], "line 3001last")
  -- any bytes
  local bytes = {}
  for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
  posix.write_file(path, "the first\n" .. table.concat(bytes) .. "\n" .. ("long "):rep(100000) .. "\nend of it\nno line feed")
  terminal = start(KEEPS, { "history" })
  terminal:bytes(UP, ENTER)
  check.ok("history of any bytes", terminal:wait_for("<end of it>"), terminal:text())
  terminal:bytes(UP, UP, UP)
  check.ok("history of any bytes: what is no text is left out", terminal:ends_with("line> the first"), terminal:text())
  terminal:bytes(ENTER, END)
  is_restored("history of any bytes", terminal, 0)
  for name, make in pairs {
    ["a folder"] = function() posix.mkdir(path) end,
    ["a pipe"] = function() os.execute("mkfifo " .. path) end,
  } do
    os.remove(path)
    make()
    terminal = start(KEEPS, { "history" })
    check.ok("history that is " .. name, terminal:wait_for("history: nil"), terminal:text())
    terminal:bytes("a line\r", END)
    check.ok("history that is " .. name .. ": it goes on", terminal:wait_for("<a line>"), terminal:text())
    is_restored("history that is " .. name, terminal, 0)
  end
end

check.finish()
