-- Columns: from what a view, a script or the default table says of them to what is laid out.
--
-- A column is a field's name, or a table: title, width (at least that many bytes; sized to the rows
-- if nil), align ("left" or "right"), get(row) → text, number or nil, or field = its name; shrink:
-- the width to which a narrow terminal may shorten it. unknown: the text for nil, "-" if not given.

local fields = require("sockq.fields")
local nearest = require("sockq.nearest")

local columns = {}

local KEYS = { title = "string", width = "number", align = "string", get = "function", field = "string",
  shrink = "number", unknown = "string", needs = "table" }

local function check_keys(column, where)
  for key, value in pairs(column) do
    local expected = KEYS[key]
    if not expected then
      local names = {}
      for name in pairs(KEYS) do
        names[#names + 1] = name
      end
      table.sort(names)
      local near = nearest(tostring(key), names)
      return ("%s: %q means nothing in a column; %s"):format(where, tostring(key),
        near and "did you mean " .. near .. "?" or "known are " .. table.concat(names, ", "))
    elseif type(value) ~= expected then
      return ("%s: %s is a %s; a %s is expected"):format(where, key, type(value), expected)
    end
  end
  return nil
end

local function from_field(name, where)
  local field = fields.by_name[name]
  if not field then
    local near = nearest(tostring(name), fields.names())
    return nil, ("%s: there is no field %s; %s"):format(where, tostring(name),
      near and "did you mean " .. near .. "?" or "sockq fields lists them")
  end
  return {
    title = name,
    align = (field.type == "integer" or field.type == "number") and "right" or "left",
    get = function(row)
      return row[name]
    end,
    fields = { field.name },
  }
end

--- Make a list of columns whole.
---@param list (string|table)[]
---@param where string  what to call the list in messages
---@return table[]|nil columns, string|nil message
function columns.resolve(list, where)
  local resolved = {}
  for i, given in ipairs(list) do
    local place = ("%s: column %d"):format(where, i)
    local column = type(given) == "string" and { field = given } or given
    if type(column) ~= "table" then
      return nil, ("%s is a %s; a field's name or a table is expected"):format(place, type(column))
    end
    local wrong = check_keys(column, place)
    if wrong then
      return nil, wrong
    end
    local base = { fields = column.needs or {} }
    if column.field then
      base, wrong = from_field(column.field, place)
      if not base then
        return nil, wrong
      end
    elseif not column.get then
      return nil, place .. " has neither field nor get"
    end
    resolved[i] = {
      title = column.title or base.title or "",
      align = column.align or base.align or "left",
      width = column.width,
      get = column.get or base.get,
      shrink = column.shrink,
      unknown = column.unknown or "-",
      fields = base.fields,
    }
  end
  return resolved
end

--- The fields that columns read, as far as they say.
---@return string[]
function columns.needs(list)
  local names = {}
  for _, column in ipairs(list) do
    for _, name in ipairs(column.fields) do
      names[#names + 1] = name
    end
  end
  return names
end

return columns
