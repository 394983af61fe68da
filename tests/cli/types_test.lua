--- doc/types: what editors and luacheck are told of sockq is whole, and says what the program has.
--
--   luajit tests/cli/types_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local TYPES, PRESET = "doc/types/sockq.lua", "doc/types/sockq.luacheckrc"
local DIR = posix.tmpdir("sockq-types")
local text = assert(posix.read_file(TYPES))

local function lua(chunk)
  local status, out, err = program.run { "--trust", "-e", chunk }
  check.equal("the program answers", status .. err, "0")
  return program.lines(out)
end

-- It is Lua, and does nothing but define

check.ok("it is Lua", loadstring(text))
do
  local environment = {}
  local chunk = assert(loadstring(text))
  setfenv(chunk, environment)
  local module = chunk()
  local names = {}
  for name in pairs(environment) do names[#names + 1] = name end
  check.equal("it defines one global", table.concat(names, " "), "sockq")
  check.equal("require gives the same", module, environment.sockq)
end

-- What it names is defined

local defined = {}
for line in (text .. "\n"):gmatch("([^\n]*)\n") do
  local name = line:match("^%-%-%-@class ([%w_.]+)") or line:match("^%-%-%-@alias ([%w_.]+)")
  if name then
    check.ok("defined once: " .. name, not defined[name])
    defined[name] = true
  end
end
local references = 0
for rest in text:gmatch("\n%-%-%-@%a+ ([^\n]*)") do
  -- The type stands before the meaning, which two blanks begin.
  for name in rest:gsub("  .*", ""):gmatch("sockq%.[%a][%w_.]*") do
    references = references + 1
    check.ok("is defined: " .. name, defined[name], rest)
  end
end
check.ok("references", references > 60, references .. " of them")

-- It has what the program has

local function has(what, piece)
  check.ok(TYPES .. " has " .. what, text:find(piece, 1, true), "no " .. piece)
end

local fields = lua [[for _, f in ipairs(sockq.fields) do print(f.name) for _, a in ipairs(f.alias or {}) do print(a) end end]]
check.ok("fields", #fields > 50, #fields .. " of them")
for _, name in ipairs(fields) do
  check.ok(TYPES .. " has the field " .. name, text:find("\n---@field " .. name .. "%?? %S"), "it has not")
end
local words = lua [[for name in pairs(sockq) do print(name) end]]
for _, name in ipairs(words) do
  check.ok(TYPES .. " has sockq." .. name, text:find("\nfunction sockq." .. name .. "(", 1, true)
    or text:find("\nsockq." .. name .. " = nil", 1, true), "it has not")
end
local verbs = lua [[
  for name, value in pairs(getmetatable(sockq.tcp())) do
    if type(value) == "function" and not name:find("^_") and not name:find("^try_") then print(name) end
  end]]
check.ok("verbs", #verbs > 15, #verbs .. " of them")
for _, name in ipairs(verbs) do has("query:" .. name, "\nfunction Query:" .. name .. "(") end
for _, state in ipairs(lua [[for _, name in ipairs(require("sockq.state").names) do print(name) end]]) do
  has("the state " .. state, ('"%s"'):format(state))
end
for kind, class in pairs { timers = "Timer", views = "View", formats = "Format", reports = "Report" } do
  for _, key in ipairs(lua(("for key in pairs(require('sockq.plugin').contracts.%s) do print(key) end"):format(kind))) do
    local block = text:match("\n%-%-%-@class sockq%." .. class .. "Plugin\n(.-)\n\n") or ""
    check.ok(("%s of %s"):format(key, kind), ("\n" .. block):find("\n---@field " .. key .. "%?? %S"), block)
  end
end

-- The preset of luacheck

if not program.has("luacheck") then
  program.skip_part(PRESET, "no luacheck")
else
  local function luacheck(name, code, want)
    local path = DIR .. "/script.lua"
    posix.write_file(path, code)
    local status, out = posix.run({ "luacheck", "--no-color", "--no-cache", "--config", PRESET, path }, { timeout = 60 })
    check.equal(name .. ": status", status, want and 1 or 0)
    if want then check.contains(name, out, want) end
  end
  luacheck("a good script", "print(arg[1], #arg, sockq.tcp():count(), sockq.version, sockq.rows({}):count())\n")
  luacheck("a misspelt word", "print(sockq.tcpp())\n", "accessing undefined field 'tcpp' of global 'sockq'")
  luacheck("a misspelt global", "print(sokcq)\n", "accessing undefined variable 'sokcq'")
  luacheck("an assignment", "sockq.tcp = nil\n", "setting read-only field 'tcp' of global 'sockq'")
  local examples = {}
  for path in program.shell("find examples -name '*.lua'"):gmatch("[^\n]+") do examples[#examples + 1] = path end
  local status, out = posix.run({ "luacheck", "--no-color", "--no-cache", "--max-line-length", "130", "--config", PRESET,
    unpack(examples) }, { timeout = 60 })
  check.ok("examples", #examples > 5)
  check.ok("the examples pass", status == 0, out)
end

posix.cleanup()
check.finish()
