-- What is told of an error in a script or plug-in: the message, the calls of the user's own code that
-- led there, and the row that was at hand.

local core = require("sockq.core")
local hint = require("sockq.hint")

local trace = {}

local MOST_FRAMES = 10

-- Of the user: no file of this program, no C.
local function is_users(info)
  return info.what ~= "C" and not (info.source:sub(1, 1) == "@" and core.embedded(info.source:sub(2)))
end

local function is_row(value)
  local kind = type(value)
  if kind == "userdata" then
    return getmetatable(value) == "sockq.row"
  elseif kind == "table" then
    local metatable = getmetatable(value)
    return type(metatable) == "table" and type(metatable.schema) == "table"
  end
  return false
end

-- The row that the call at a level works on: its first argument that is a row, or the row of its
-- innermost loop that has one. Rows kept in other variables are not at hand.
local function row_at(level)
  local parameters = debug.getinfo(level + 1, "u").nparams or 0
  local row, in_loop
  local i = 1
  while true do
    local name, value = debug.getlocal(level + 1, i)
    if not name then
      return row
    elseif name == "(for control)" then
      in_loop = true
    elseif is_row(value) and (in_loop or i <= parameters and not row) then
      row, in_loop = value, false
    end
    i = i + 1
  end
end

local function name_of(info)
  if info.what == "main" then
    return "main chunk"
  elseif info.name then
    return info.name
  end
  return ("the function of line %d"):format(info.linedefined)
end

local function collect()
  local frames, row, more = {}, nil, 0
  local level = 3
  while true do
    local info = debug.getinfo(level, "Sln")
    if not info then
      return frames, row, more
    elseif is_users(info) then
      if #frames < MOST_FRAMES then
        frames[#frames + 1] = ("at %s:%d in %s"):format(info.source:sub(2), info.currentline, name_of(info))
      else
        more = more + 1
      end
      row = row or row_at(level)
    end
    level = level + 1
  end
end

-- Functions of Lua's libraries by their bare names: { find = "string.find", … }.
local function library_functions(only)
  local names = {}
  for _, library in ipairs(only or { "string", "table", "math", "io", "os", "bit", "coroutine", "debug" }) do
    for name in pairs(_G[library]) do
      names[name] = names[name] or library .. "." .. name
    end
  end
  return names
end

-- The nearest function where one that is called does not exist.
local function with_remedy(message)
  local kind, name = message:match("attempt to call (%l+) '([%w_]+)' %(a nil value%)$")
  if kind ~= "field" and kind ~= "method" then
    return message
  end
  local names = library_functions(kind == "method" and { "string" } or nil)
  local near = require("sockq.nearest")(name, hint.keys(names))
  return near and ("%s; did you mean %s?"):format(message, kind == "method" and near or names[near]) or message
end

local function text_of(err)
  if type(err) == "string" then
    return with_remedy(err)
  end
  local metatable = getmetatable(err)
  local has_text = type(metatable) == "table" and metatable.__tostring
  return has_text and tostring(err) or ("a script raised a %s as its error"):format(type(err))
end

local Failure = {}
Failure.__index = Failure

function Failure:__tostring()
  return self.message
end

--- A message handler for xpcall: what it returns has message, one line, and lines, what more there is
--- to tell: none where the message's own place says all.
---@param err any
---@return { message: string, lines: string[] }
function trace.handler(err)
  local failure = setmetatable({ message = text_of(err), lines = {} }, Failure)
  local frames, row, more = collect()
  if #frames > 1 or row then
    failure.lines = frames
    if more > 0 then
      failure.lines[#frames + 1] = ("… and %d more"):format(more)
    end
    local known, text = pcall(tostring, row)
    if row and known then
      failure.lines[#failure.lines + 1] = "row: " .. text
    end
  end
  return failure
end

--- The same of any error value: one that no handler saw has its text alone.
---@return { message: string, lines: string[] }
function trace.of(err)
  if getmetatable(err) == Failure then
    return err
  end
  return setmetatable({ message = text_of(err), lines = {} }, Failure)
end

return trace
