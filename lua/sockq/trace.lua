-- What is told of an error in a script or plug-in: the message, the calls of the user's own code that
-- led there, and the row that was at hand.

local complaint = require("sockq.complaint")
local core = require("sockq.core")
local hint = require("sockq.hint")
local record = require("sockq.record")

local trace = {}

local MOST_FRAMES = 10

--- Names of chunks that are the user's besides files: -e, standard input.
trace.chunks = { ["=-e"] = true, ["=stdin"] = true }

-- Of the user: no file of this program, no code that it generates, no C.
local function is_users(info)
  if info.source:sub(1, 1) == "@" then
    return not core.embedded(info.source:sub(2))
  end
  return trace.chunks[info.source]
end

local function is_row(value)
  return type(value) == "userdata" and getmetatable(value) == "sockq.row" or record.is(value)
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

-- What a function is called by its caller; a name in sockq's own code says nothing.
local function name_of(info, caller)
  if info.what == "main" then
    return "main chunk"
  elseif info.name and caller and is_users(caller) then
    return info.name
  end
  return ("the function of line %d"):format(info.linedefined)
end

-- The calls, innermost first, the text of the row of the innermost that has one (a cursor does not stay
-- valid), and how many calls are left out.
local function collect()
  local frames, row, more = {}, nil, 0
  local level = 3
  while true do
    local info = debug.getinfo(level, "Sln")
    if not info then
      local known, text = pcall(tostring, row)
      return frames, row and known and text or nil, more
    elseif is_users(info) then
      if #frames < MOST_FRAMES then
        frames[#frames + 1] = ("at %s:%d in %s"):format(info.source:sub(2), info.currentline,
          name_of(info, debug.getinfo(level + 1, "S")))
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
  local message = complaint.message(err)
  return message == err and with_remedy(message) or message
end

-- There is hardly room for calls where the stack ends, and its last frame may be half made: LuaJIT crashes
-- over a name for it.
local function is_overflow(err)
  return type(err) == "string" and err:find("stack overflow", 1, true) ~= nil
end

-- What note() saw last.
local noted = {}

--- A message handler for xpcall where an error is only passed on, behind a clean-up: it returns the
--- error as it is, and remembers the calls that led to it.
function trace.note(err)
  if is_overflow(err) then
    noted = {}
  elseif err == nil or not rawequal(noted.err, err) then
    local frames, row, more = collect()
    noted = { err = err, frames = frames, row = row, more = more, is_part = coroutine.running() ~= nil }
  end
  return err
end

-- The calls that led to an error. What note() saw of it is nearer to the error; in a coroutine it is
-- only the part in there.
local function calls_of(err)
  if is_overflow(err) then
    return {}, nil, 0
  end
  local frames, row, more = collect()
  if err == nil or not rawequal(noted.err, err) then
    return frames, row, more
  end
  local all = noted.frames
  for _, frame in ipairs(noted.is_part and frames or {}) do
    all[#all + 1] = frame
  end
  return all, noted.row or row, noted.is_part and noted.more + more or noted.more
end

--- A message handler for xpcall: the error as a complaint, which tells the calls, if there are
--- several, and the row, if one was at hand.
---@param err any
---@return table  # of complaint.lua: message, lines
function trace.handler(err)
  if complaint.is(err) then
    return err
  elseif core.interrupted() then
    -- Ctrl-C is no mistake to look for.
    return complaint.new(text_of(err), {})
  end
  local frames, row, more = calls_of(err)
  noted = {}
  local lines = #frames > 1 and frames or {}
  if more > 0 then
    lines[#lines + 1] = ("… and %d more"):format(more)
  end
  if row then
    lines[#lines + 1] = "row: " .. row
  end
  return complaint.new(text_of(err), lines)
end

return trace
