--- The program under test, for the tests of tests/cli: where it is, and running it.
--
--   luajit tests/cli/X_test.lua --sockq PATH
--
--   local program = require "program"
--   local status, out, err = program.run({ "--proc", tree, "LISTEN" })

local check = require "check"
local posix = require "posix"

local program = {}

--- No variable of the caller's reaches the program but these.
local ENVIRONMENT = {
  LC_ALL = "C", LUA_PATH = false, LUA_CPATH = false, LUA_INIT = false, SOCKQ_PATH = false,
  XDG_CONFIG_HOME = false, HOME = "/nonexistent", SUDO_UID = false, SUDO_GID = false,
}

local function path_of(words)
  for i, word in ipairs(words) do
    if word == "--sockq" then return words[i + 1] end
  end
end

local given = path_of(arg or {})
if not given then
  io.stderr:write("usage: luajit ", arg and arg[0] or "TEST", " --sockq PATH\n")
  os.exit(2)
end

--- Absolute path of the program.
program.path = assert(posix.realpath(given), given .. ": no such file")

--- Run it and wait, at most `timeout` seconds (default 60).
---@param words string[]  its arguments
---@param opts? table     as for posix.run
---@return integer status
---@return string stdout
---@return string stderr
function program.run(words, opts)
  opts = opts or {}
  local env = {}
  for name, value in pairs(ENVIRONMENT) do env[name] = value end
  for name, value in pairs(opts.env or {}) do env[name] = value end
  local argv = { program.path }
  for i = 1, #words do argv[i + 1] = words[i] end
  return posix.run(argv, {
    env = env, stdin = opts.stdin, cwd = opts.cwd, timeout = opts.timeout or 60,
  })
end

--- The environment of run(), for other ways to start it.
---@param extra? table<string, string|false>
function program.environment(extra)
  local env = {}
  for name, value in pairs(ENVIRONMENT) do env[name] = value end
  for name, value in pairs(extra or {}) do env[name] = value end
  return env
end

--- Output of a shell command, "" if it fails.
---@param command string
---@return string
function program.shell(command)
  local pipe = assert(io.popen(command .. " 2>/dev/null"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

--- Whether a tool is installed.
---@param name string
---@return boolean
function program.has(name)
  return program.shell("command -v " .. posix.quote(name)) ~= ""
end

--- Whether the program was built with sanitizers: they map terabytes and need their runtime.
program.sanitized = program.shell("grep -c __asan_init " .. posix.quote(program.path)):match("^[1-9]") ~= nil

--- Whether the program counts what runs of it, for scripts/coverage.
program.counted = program.shell("grep -c __llvm_profile_runtime " .. posix.quote(program.path)):match("^[1-9]") ~= nil

--- Say that a part was not checked, and why; the rest of the file goes on.
---@param what string
---@param why string
function program.skip_part(what, why)
  io.stderr:write("NOT CHECKED: ", what, ": ", why, "\n")
end

-- What is wrong with an expression is marked below the message: its line, and a caret at the column.
local function check_mark(name, message, rest, more)
  if more then
    local lines = {}
    for i, line in ipairs(more) do lines[i] = "  " .. line .. "\n" end
    check.equal(name .. ": the calls and the row", rest, table.concat(lines))
    return
  end
  local column = message:match("^sockq: [%w-]+:%d+:(%d+): ")
  if not column then
    check.equal(name .. ": one line", rest, "")
    return
  end
  local text, blanks = rest:match("^  ([^\n]*)\n  ( *)^\n$")
  check.ok(name .. ": the place is marked", text, rest)
  -- Of a long line a window is shown.
  check.ok(name .. ": the mark is at the column", text and (#blanks + 1 == tonumber(column) or #blanks == 36), rest)
end

--- A message of the program on stderr: one line "sockq: WHERE: WHAT; REMEDY" (and for an expression its
--- text with a mark), nothing on stdout.
---@param name string
---@param words string[]
---@param want { status: integer?, err: string, opts: table?, out: string?, more: string[]? }  err: the
---   whole message without "sockq: " and the line feed, or a list of pieces that it must hold; more: the
---   lines below it, without their indent, that tell the calls and the row of an error in Lua
function program.refuses(name, words, want)
  local status, out, err = program.run(words, want.opts)
  check.equal(name .. ": status", status, want.status or 2)
  check.equal(name .. ": nothing on stdout", out, want.out or "")
  local message, rest = err:match("^([^\n]*\n)(.*)$")
  check_mark(name, message or "", rest or "", want.more)
  if type(want.err) == "string" then
    check.equal(name .. ": message", message, "sockq: " .. want.err .. "\n")
    return
  end
  check.ok(name .. ": one line", message and message:match("^sockq: [^\n]+\n$"), err)
  for _, piece in ipairs(want.err) do check.contains(name .. ": message", message, piece) end
end

--- Lines of a text, without their line feeds.
---@param text string
---@return string[]
function program.lines(text)
  local list = {}
  for line in text:gmatch("([^\n]*)\n") do list[#list + 1] = line end
  return list
end

--- What a report tells to do next: its commands as typed without --proc DIR, and the reasons.
---@param text string  what it printed
---@return { command: string, why: string }[]
function program.next_steps(text)
  local list = {}
  for line in (text:match("\n(next: .*)$") or ""):gmatch("[^\n]+") do
    local command, why = line:match("^[next: ]+(sockq .-) +# (.*)$")
    list[#list + 1] = { command = (command:gsub("^sockq %-%-proc %S+", "sockq")), why = why }
  end
  return list
end

--- Make a folder that stands for /proc: see tree_of.lua.
program.tree = require("tree_of").make

return program
