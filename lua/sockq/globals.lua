-- The global names of scripts and plug-ins: reading one that nobody defined is an error with the
-- nearest name, at the line that reads it, instead of a nil that fails somewhere else.
--
-- It is the environment of the script's or plug-in's own chunk, in front of _G. What a script assigns
-- goes to _G, where modules find it as in any Lua; modules that a script requires, in C or in Lua, keep
-- _G itself, because many read globals that may be missing (utf8, bit32). Asking whether a global is
-- there stays possible: _G.NAME and rawget(_G, NAME) give nil.
--
-- In the sandbox (sandbox.lua) the script, or the session, has a table of its own in the place of _G, and
-- each plug-in has another.

local fields = require("sockq.fields")
local hint = require("sockq.hint")
local jutil = require("jit.util")
local nearest = require("sockq.nearest")
local sandbox = require("sockq.sandbox")

local band, rshift = bit.band, bit.rshift

local globals = {}

-- The names of the module sockq, as far as it is loaded: this file is below it.
local function sockq_words()
  local loaded = package.loaded.sockq
  return type(loaded) == "table" and loaded or {}
end

--- What to do about a global that is not there.
---@param name string
---@param all table  the globals that are
---@return string
local function remedy(name, all)
  local words = sockq_words()
  if rawget(words, name) ~= nil then
    return ("write sockq.%s"):format(name)
  elseif fields.by_name[name] then
    return ("it is a field of a row; write row.%s"):format(name)
  end
  local near = nearest(name, hint.keys(all))
  local near_word = not near and nearest(name, hint.keys(words))
  if near or near_word then
    return ("did you mean %s?"):format(near or "sockq." .. near_word)
  end
  return ("define it, as in local %s = …"):format(name)
end

-- What a message tells of a global that is missing.
local function missing(name, all)
  name = tostring(name)
  local reason = all ~= _G and sandbox.reason(name)
  if reason then
    return ("there is no global %s: %s"):format(name, reason)
  end
  return ("there is no global %s; %s"):format(name, remedy(name, all))
end

local function module()
  if sandbox.is_on then
    return sandbox.module()
  end
  return require("sockq")
end

-- The environment of chunks whose globals are those of a table.
local function in_front_of(all)
  return setmetatable({}, {
    __index = function(_, name)
      local value = all[name]
      if value == nil and name == "sockq" then
        -- In plug-ins too, also where no script has been started.
        all.sockq = module()
        return all.sockq
      elseif value == nil then
        error(missing(name, all), 2)
      end
      return value
    end,
    __newindex = function(_, name, value)
      all[name] = value
    end,
    __metatable = "sockq.globals",
  })
end

-- The globals of the script or session.
local own, environment

--- The table of the script's or session's globals.
---@return table
function globals.table()
  own = own or sandbox.is_on and sandbox.globals() or _G
  return own
end

--- Give the script or session a global.
---@param name string
---@param value any  in the sandbox it gets what it may hold of it
function globals.define(name, value)
  rawset(globals.table(), name, sandbox.export(value))
end

--- Give the script or session the global sockq.
function globals.define_sockq()
  if rawget(globals.table(), "sockq") == nil then
    rawset(globals.table(), "sockq", module())
  end
end

--- Give a chunk the strict globals.
---@param chunk function
---@param apart? boolean  a plug-in's: in the sandbox the globals are its own
---@return function chunk
function globals.strict(chunk, apart)
  if apart and sandbox.is_on then
    return setfenv(chunk, in_front_of(sandbox.globals()))
  end
  environment = environment or in_front_of(globals.table())
  return setfenv(chunk, environment)
end

-- Reading the code of functions: LuaJIT's numbers of the instructions that touch globals and fields
-- differ between its versions, so they are taken from functions that have them.

local function opcode(instruction)
  return band(instruction, 0xff)
end

local function first_opcode(text)
  return opcode((jutil.funcbc(assert(loadstring(text)), 1)))
end

local GGET = first_opcode("local x = a")
local GSET = opcode((jutil.funcbc(assert(loadstring("a = 1")), 2)))
local TGETS = opcode((jutil.funcbc(assert(loadstring("local t, x; x = t.a")), 2)))
local TSETS = opcode((jutil.funcbc(assert(loadstring("local t, x; t.a = x")), 2)))
-- All tests and comparisons have smaller numbers.
local MOV = opcode((jutil.funcbc(assert(loadstring("local a, b; b = a")), 2)))

-- Every instruction of a function and of those in it: visit(code, instruction, place in it).
local function walk(code, visit)
  local info = jutil.funcinfo(code)
  for at = 1, info.bytecodes - 1 do
    visit(code, (jutil.funcbc(code, at)), at)
  end
  for i = 1, info.gcconsts do
    local constant = jutil.funck(code, -i)
    if type(constant) == "proto" then
      walk(constant, visit)
    end
  end
end

-- The text constant of an instruction's operand.
local function constant(code, number)
  return jutil.funck(code, -1 - number)
end

local function line_of(code, at)
  return jutil.funcinfo(code, at).currentline
end

-- The member that the instruction behind this one reads of what this one fetched, nil if it reads
-- none, or only to see whether it is there: table.unpack or unpack.
local function member_read(code, instruction, at)
  local following, behind = jutil.funcbc(code, at + 1), jutil.funcbc(code, at + 2)
  local register = band(rshift(instruction, 8), 0xff)
  if not behind or opcode(following) ~= TGETS or rshift(following, 24) ~= register or opcode(behind) < MOV then
    return nil
  end
  return constant(code, band(rshift(following, 16), 0xff))
end

local LIBRARIES = { "sockq", "string", "table", "math", "io", "os", "bit", "coroutine", "debug", "package" }
for _, name in ipairs(LIBRARIES) do
  LIBRARIES[name] = true
end

-- What is wrong with a member of sockq or of one of Lua's libraries.
local function missing_member(library, name)
  local members = library == "sockq" and sockq_words() or rawget(_G, library)
  if not name or not LIBRARIES[library] or rawget(members, name) ~= nil then
    return nil
  end
  return ("%s has no %s; %s"):format(library, name, hint.remedy(name, hint.keys(members)))
end

--- What a chunk that is not run reads and nobody defines: global names, and members of sockq and of
--- Lua's libraries. What the chunk itself assigns counts as defined.
---@param chunk function
---@return { line: integer, message: string }[]  # in the order of the lines
function globals.misspelt(chunk)
  local reads, assigned, found = {}, {}, {}
  walk(chunk, function(code, instruction, at)
    local number = opcode(instruction)
    if number == GSET then
      assigned[constant(code, rshift(instruction, 16))] = true
    elseif number == TSETS then
      assigned["." .. constant(code, band(rshift(instruction, 16), 0xff))] = true
    elseif number == GGET then
      reads[#reads + 1] = { name = constant(code, rshift(instruction, 16)), line = line_of(code, at),
        member = member_read(code, instruction, at) }
    end
  end)
  for _, read in ipairs(reads) do
    local is_there, message = assigned[read.name] or rawget(_G, read.name) ~= nil, nil
    local whole = not assigned[read.name] and sandbox.refusal(read.name)
    local part = not whole and not assigned[read.name] and read.member and sandbox.refusal(read.name, read.member)
    if whole then
      message = read.name .. ": " .. whole
    elseif part then
      message = ("%s.%s: %s"):format(read.name, read.member, part)
    elseif not is_there then
      message = missing(read.name, _G)
    elseif not assigned[read.name] and not (read.member and assigned["." .. read.member]) then
      message = missing_member(read.name, read.member)
    end
    found[#found + 1] = message and { line = read.line, message = message }
  end
  table.sort(found, function(a, b)
    if a.line ~= b.line then
      return a.line < b.line
    end
    return a.message < b.message
  end)
  return found
end

return globals
