--- The examples: each says its question, how to run it and what it prints; each is run that way.
--
--   luajit tests/cli/examples_test.lua --sockq PATH [--update]     from the root of the tree
--
-- --update writes what a command printed into the head of its example.
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local LEAST, MOST_LINES = 30, 40
local update = false
for _, word in ipairs(arg) do update = update or word == "--update" end

check.at_end(posix.cleanup)

-- The commands say "sockq": it is the program under test.
local BIN = posix.tmpdir("sockq-examples")
posix.symlink(program.path, BIN .. "/sockq")
local ENVIRONMENT = program.environment { PATH = BIN .. ":" .. os.getenv("PATH") }

local function files()
  local list = {}
  for path in program.shell("find examples -type f -name '*.lua' | LC_ALL=C sort"):gmatch("[^\n]+") do list[#list + 1] = path end
  return list
end

--- What the head of an example says.
---@param text string
---@return table head  # question, command, output (the lines behind "--> "), first and last of them
local function head_of(text)
  local head, number = { output = {} }, 0
  for line in text:gmatch("([^\n]*)\n") do
    number = number + 1
    head.question = head.question or line:match("^%-%- Q: (.+)$")
    if not head.command and line:match("^%-%- sockq ") then head.command, head.at = line:match("^%-%- (.+)$"), number end
    local shown = line:match("^%-%-> ?(.*)$")
    if shown then
      head.output[#head.output + 1] = shown
      head.contiguous = number == (head.at or 0) + #head.output
    end
  end
  head.lines = number
  return head
end

--- The text with other lines behind its command.
local function with_output(text, head, out)
  local lines, number = {}, 0
  for line in text:gmatch("([^\n]*)\n") do
    number = number + 1
    if not line:match("^%-%->") then lines[#lines + 1] = line end
    if number == head.at then
      for _, shown in ipairs(program.lines(out)) do lines[#lines + 1] = shown == "" and "-->" or "--> " .. shown end
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

local function is_executable(path)
  return program.shell("test -x " .. posix.quote(path) .. " && echo yes") ~= ""
end

local function check_form(path, text, head)
  local plugin = path:match("^examples/plugins/%a+/([%w_-]+)%.lua$")
  check.ok(path .. ": a question in one line", head.question and head.question:match("%?$"))
  check.ok(path .. ": its output stands behind the command", head.contiguous, "no line begins with -->")
  check.ok(path .. ": lines", head.lines <= MOST_LINES, head.lines .. " lines")
  check.ok(path .. ": says which tree", head.command:find(" --proc tests/data/captures/%S+ ")
    or head.command:find(" --read tests/data/recordings/%S+ "), head.command)
  if plugin then
    check.ok(path .. ": says its name", head.command:find(" " .. plugin .. " ", 1, true), head.command)
  else
    check.equal(path .. ": first line", text:match("^[^\n]*"), "#!/usr/bin/env sockq")
    check.ok(path .. ": may be executed", is_executable(path))
    check.ok(path .. ": says its path", head.command:find(path, 1, true), head.command)
  end
end

local count = 0
for _, path in ipairs(files()) do
  local text = posix.read_file(path)
  local head = head_of(text)
  if check.ok(path .. ": says how to run it", head.command, "no line begins with -- sockq") then
    count = count + 1
    local status, out, err = posix.run({ "sh", "-c", head.command }, { env = ENVIRONMENT, timeout = 60 })
    if update then
      posix.write_file(path, with_output(text, head, out))
      text = posix.read_file(path)
      head = head_of(text)
    end
    check_form(path, text, head)
    check.equal(path .. ": status", status, 0)
    check.equal(path .. ": stderr", err, "")
    local printed = program.lines(out)
    check.equal(path .. ": lines of output", #printed, #head.output)
    for i, line in ipairs(head.output) do check.equal(("%s: output, line %d"):format(path, i), printed[i], line) end
  end
end

-- The page of examples: its one-liners are run by docs_test.lua; its table names every file and its question.
local page = posix.read_file("examples/README.md")
for _, path in ipairs(files()) do
  local question = posix.read_file(path):match("%-%- Q: ([^\n]+)")
  local name = path:match("^examples/(.+)$")
  check.contains("examples/README.md: " .. path, page, ("| %s | [%s](%s) |"):format(question, name, name))
end
for _ in page:gmatch("\n```sh\n") do count = count + 1 end
check.ok("at least " .. LEAST .. " examples", count >= LEAST, count .. " examples")

check.finish()
