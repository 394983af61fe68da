-- Rows as Lua sees them: userdata that read the row's struct through the FFI.
--
-- A row from rows(), list(), first() or keep() is the script's own and keeps its row set alive. In
-- a predicate, key or column the engine lends a cursor: one userdata that it moves over the rows.

local ffi = require("ffi")
local core = require("sockq.core")
local escape = require("sockq.escape")
local fields = require("sockq.fields")
local hint = require("sockq.hint")
local peer = require("sockq.peer")
local schema = require("sockq.schema")

local cast, handle_type = ffi.cast, schema.row_handle
local number_type, row_type = ffi.typeof("intptr_t"), ffi.typeof("const struct sockq_row *")
local tonumber = tonumber
local metatable = core.row_metatable

local row = {}
local methods = {}
local getters, raws = fields.getters, fields.raws

local function stale(level)
  error("this row was lent for one call and is no longer valid; keep it by row:keep()", level)
end

local function unknown(name, names, level)
  error(("a row has no field %q; %s"):format(tostring(name), hint.remedy(name, names, fields.LISTED)), level)
end

function metatable.__index(userdata, name)
  local get = getters[name]
  if get then
    local handle = cast(handle_type, userdata)
    local pointer = handle.row
    if pointer == nil then
      stale(3)
    end
    -- In parentheses, so that it is no tail call: LuaJIT takes 15 of them for a loop in a trace, and
    -- a line of output reads more fields than that.
    return (get(pointer, handle.set, userdata))
  end
  local method = methods[name]
  if method then
    return method
  end
  local names = fields.names()
  for method_name in pairs(methods) do
    names[#names + 1] = method_name
  end
  unknown(name, names, 3)
end

function metatable.__newindex(_, name)
  if getters[name] then
    error(("a row cannot be written: field %q is what the kernel said"):format(name), 2)
  end
  unknown(name, fields.names(), 3)
end

local function endpoint(self, addr, port)
  local text = self[addr]
  if not text then
    return nil
  end
  local number = self[port]
  local form = text:find(":", 1, true) and "[%s]:%s" or "%s:%s"
  return form:format(text, number == 0 and "*" or number)
end

function metatable.__tostring(userdata)
  if cast(handle_type, userdata).row == nil then
    return "sockq row (no longer valid)"
  end
  local parts = { userdata.proto }
  local function add(text)
    if text then
      parts[#parts + 1] = text
    end
  end
  add(userdata.state)
  add(endpoint(userdata, "local_addr", "local_port"))
  if userdata.remote_addr then
    add("-> " .. endpoint(userdata, "remote_addr", "remote_port"))
  end
  add(userdata.path and escape.text(userdata.path))
  add(userdata.type)
  if userdata.timer and userdata.timer ~= "off" then
    add(("%s %.2fs"):format(userdata.timer, userdata.expires))
  end
  add(userdata.inode and "inode " .. ("%.0f"):format(userdata.inode))
  return table.concat(parts, " ")
end

--- Rows are equal if they are the same row of one look at the tables.
function metatable.__eq(one, other)
  return cast(handle_type, one).row == cast(handle_type, other).row
end

metatable.__metatable = "sockq.row"

-- A row's handle, for a method: what else comes with a dot for a colon must not be cast.
local function handle_of(self, name)
  if type(self) ~= "userdata" or getmetatable(self) ~= "sockq.row" then
    error(("row.%s: this is no row; call it with a colon: row:%s()"):format(name, name), 3)
  end
  local handle = cast(handle_type, self)
  if handle.row == nil then
    stale(4)
  end
  return handle
end

--- What the kernel's text said, also where it means nothing for this row (a TIME_WAIT row's
--- retrans of 0). For views that imitate a program which prints it.
---@param name string  retrans, probes, when, uid, inode, refs or state_code
---@return number
function methods.raw(self, name)
  local handle = handle_of(self, "raw")
  local get = raws[name]
  if not get then
    error(("row:raw(%q): only numbers that the kernel prints have a raw form"):format(tostring(name)), 2)
  end
  return (get(handle.row, handle.set))
end

--- A row of one's own from a cursor; of a row that is one's own, the row itself or its like.
---@return sockq.Row
function methods.keep(self)
  local handle = handle_of(self, "keep")
  local environment = debug.getfenv(self)
  environment.kept = true
  local kept = core.new_row(environment[2])
  cast(handle_type, kept).row = handle.row
  return kept
end

--- The row at the other end of a TCP or UDP connection, if both ends are in tables that are read: over
--- the loopback, or between network namespaces. Without needs{"peer_pid"} or an expression over it the
--- tables are looked at once more at the first call, and what has ended meanwhile has no other end. A
--- socket that is connected to itself is its own.
---@return sockq.Row|nil
function methods.peer(self)
  local handle = handle_of(self, "peer")
  local pointer, _, of = peer.of(handle.row, handle.set, self)
  return pointer and row.fresh(debug.getfenv(of)[2], pointer) or nil
end

--- Walk the fields that this row knows, in the registry's order: for name, value in row:fields().
--- Owners are read if they have not been.
---@return fun(): string|nil, any
function methods.fields(self)
  handle_of(self, "fields")
  local i = 0
  return function()
    while true do
      i = i + 1
      local field = fields.list[i]
      if not field then
        return nil
      end
      local value = self[field.name]
      if value ~= nil then
        return field.name, value
      end
    end
  end
end

--- Whether rows have a method of a name.
---@param name string
function row.has_method(name)
  return methods[name] ~= nil
end

--- Where a row stands in memory, as a number; it stays there as long as its set is held.
---@param userdata sockq.Row
---@return number
function row.address(userdata)
  return tonumber(cast(number_type, cast(handle_type, userdata).row))
end

--- The row at such a place, for a handle.
---@param place number
---@return ffi.cdata*
function row.at(place)
  return cast(row_type, cast(number_type, place))
end

--- A cursor over a set, and its handle to move it by.
---@return sockq.Row cursor, ffi.cdata* handle
function row.cursor(set)
  local userdata = core.new_row(set)
  return userdata, cast(handle_type, userdata)
end

--- A row of the caller's own.
---@param pointer ffi.cdata*  sockq_row in the set
function row.fresh(set, pointer)
  debug.getfenv(set).kept = true
  local userdata = core.new_row(set)
  cast(handle_type, userdata).row = pointer
  return userdata
end

return row
