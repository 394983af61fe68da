-- Records: the rows that group, select and join make. A record is a table with a metatable of its
-- schema's; it reads like a socket row: row.NAME, row:fields(), row:keep(), tostring(row).
--
-- A schema describes the fields of rows: { list = { entry, … }, by_name = { [name] = entry } }; the
-- field registry is one. An entry has name, type, and where they are known unit, doc, values (its
-- closed set of words), identifies (a number that is a name), role ("key" or "value" of a group).

local escape = require("sockq.escape")
local fields = require("sockq.fields")
local hint = require("sockq.hint")

local record = {}

local methods = {}

local metatable_of = debug.getmetatable
-- The metatables of records: a script's table does not become one by having a schema.
local known = setmetatable({}, { __mode = "k" })

--- The schema of a record.
---@param row sockq.Record
---@return table
local function schema_of(row)
  return metatable_of(row).schema
end
record.schema_of = schema_of

--- The record itself: unlike a cursor it stays valid.
---@return sockq.Record
function methods.keep(self)
  return self
end

--- Walk the fields that this record knows: for name, value in row:fields().
---@return fun(): string|nil, any
function methods.fields(self)
  local list, i = schema_of(self).list, 0
  return function()
    while true do
      i = i + 1
      local entry = list[i]
      if not entry then
        return nil
      end
      local value = self[entry.name]
      if value ~= nil then
        return entry.name, value
      end
    end
  end
end

local function unknown(schema, name, level)
  error(("this row has no field %q; %s"):format(tostring(name), hint.remedy(name, hint.keys(schema.by_name))), level)
end

local function text_of(self)
  local parts = {}
  for name, value in methods.fields(self) do
    local text = type(value) == "number" and ("%.14g"):format(value) or tostring(value)
    parts[#parts + 1] = escape.text(name) .. "=" .. escape.text(text)
  end
  return table.concat(parts, " ")
end

local function not_writable(schema)
  return function(_, name)
    if schema.by_name[name] or methods[name] then
      error(("a row cannot be written: field %q"):format(tostring(name)), 2)
    end
    unknown(schema, name, 3)
  end
end

--- A schema of some entries.
---@param entries table[]
---@return table|nil schema, string|nil message  # nil if two have one name
function record.schema(entries)
  local schema = { list = entries, by_name = {} }
  for _, entry in ipairs(entries) do
    local name = entry.name
    if schema.by_name[name] then
      return nil, ("there are two columns %s; give one a name of its own: NAME=%s"):format(name, name)
    elseif methods[name] then
      return nil, ("a column cannot be called %s; give it another name: NAME=%s"):format(name, name)
    end
    schema.by_name[name] = entry
  end
  schema.metatable = {
    schema = schema,
    __index = function(_, name)
      if schema.by_name[name] then
        return nil
      end
      return methods[name] or unknown(schema, name, 3)
    end,
    __newindex = not_writable(schema),
    __tostring = text_of,
    __metatable = "sockq.record",
  }
  known[schema.metatable] = true
  return schema
end

--- A schema for rows of two sides: { side = "left" or "right", row = its name there } an entry.
--- A record of it is { left row, right row or nil }.
---@param entries table[]  each with side (1 or 2) and of, the field's name on that side
function record.pair_schema(entries)
  local schema, wrong = record.schema(entries)
  if not schema then
    return nil, wrong
  end
  local sides, names = {}, {}
  for _, entry in ipairs(entries) do
    sides[entry.name], names[entry.name] = entry.side, entry.of
  end
  -- What the kernel's text said, of the side whose field it is, as socket rows tell it.
  local function raw(self, name)
    if metatable_of(self) ~= schema.metatable then
      error("row.raw: this is no row of these columns; call it with a colon: row:raw()", 2)
    end
    local row = rawget(self, sides[name] or sides.timer_code or 1)
    return row and row:raw(names[name] or name)
  end
  schema.metatable.__index = function(self, name)
    local side = sides[name]
    if side then
      local row = rawget(self, side)
      if row then
        return (row[names[name]])
      end
      return nil
    end
    return methods[name] or name == "raw" and raw or unknown(schema, name, 3)
  end
  return schema
end

--- A record of a schema; the table becomes the record.
---@param values table<string, any>
function record.new(schema, values)
  return setmetatable(values, schema.metatable)
end

--- True if a value is a record.
function record.is(value)
  return type(value) == "table" and known[metatable_of(value)] == true
end

local TYPES = { string = "string", number = "number", boolean = "boolean", table = "list" }

-- What numbers are called that are names: as the fields of sockets, or a port of any kind.
local function is_identity(name)
  local field = fields.by_name[name]
  return field and field.identifies or name:find("port$") ~= nil
end

--- The schema of plain tables: every key that is a string, in the order given or by name.
---@param rows table[]
---@param names string[]?
---@return table|nil schema, string|nil message
function record.schema_of_tables(rows, names)
  local types = {}
  for i, row in ipairs(rows) do
    if type(row) ~= "table" then
      return nil, ("row %d is a %s; a table of fields is expected"):format(i, type(row))
    end
    for name, value in pairs(row) do
      if type(name) == "string" then
        local found = TYPES[type(value)] or "any"
        types[name] = (types[name] or found) == found and found or "any"
      end
    end
  end
  local entries = {}
  for _, name in ipairs(names or hint.keys(types)) do
    entries[#entries + 1] = { name = name, type = types[name] or "string",
      identifies = types[name] == "number" and is_identity(name) or nil }
  end
  return record.schema(entries)
end

return record
