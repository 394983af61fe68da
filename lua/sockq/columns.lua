-- Columns: from what a view, a script or the default table says of them to what is laid out.
--
-- A column is a field's name, or a table: title, width (at least that many bytes; sized to the rows
-- if nil), align ("left" or "right"), get(row) → text, number or nil, or field = its name; shrink:
-- the width to which a narrow terminal may shorten it. unknown: the text for nil, "-" if not given.
-- timer = NAME instead of get: the text of a timer plug-in; timer = true: of the one that the listing
-- or --timer chooses.

local fields = require("sockq.fields")
local hint = require("sockq.hint")
local timer = require("sockq.timer")

local columns = {}

local KEYS = { title = "string", width = "number", align = "string", get = "function", field = "string",
  shrink = "number", unknown = "string", needs = "table", timer = "string or boolean" }

local function check_keys(column, where)
  for key, value in pairs(column) do
    local expected = KEYS[key]
    if not expected then
      return ("%s: %q means nothing in a column; %s"):format(where, tostring(key),
        hint.remedy(key, hint.keys(KEYS)))
    elseif not expected:find(type(value), 1, true) then
      return ("%s: %s is a %s; a %s is expected"):format(where, key, type(value), expected)
    elseif key == "align" and value ~= "left" and value ~= "right" then
      return ('%s: align is %q; "left" or "right" is expected'):format(where, value)
    end
  end
  return nil
end

local function find_field(name, where)
  local field = fields.by_name[name]
  if not field then
    return nil, ("%s: there is no field %s; %s"):format(where, tostring(name), fields.remedy(name))
  end
  return field
end

local function from_field(name, where)
  local field, wrong = find_field(name, where)
  if not field then
    return nil, wrong
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

local function from_timer(name, where)
  local format, wrong = timer.formatter(name)
  if not format then
    return nil, where .. ": " .. wrong
  end
  return {
    title = "timer",
    get = function(row)
      local text = format(row)
      return text ~= "" and text or nil
    end,
    fields = {},
  }
end

-- Where a column's values come from: a field, a timer, or its own get.
local function source_of(column, where, timer_name)
  if column.field then
    return from_field(column.field, where)
  elseif column.timer then
    return from_timer(column.timer == true and timer_name or column.timer, where)
  elseif not column.get then
    return nil, where .. " has neither field, timer nor get"
  end
  for _, name in ipairs(column.needs or {}) do
    local field, wrong = find_field(name, where .. ": needs")
    if not field then
      return nil, wrong
    end
  end
  return { fields = column.needs or {} }
end

--- Make a list of columns whole.
---@param list (string|table)[]
---@param where string  what to call the list in messages
---@param timer_name string  the timer plug-in of columns with timer = true
---@return table[]|nil columns, string|nil message
function columns.resolve(list, where, timer_name)
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
    local base
    base, wrong = source_of(column, place, timer_name)
    if not base then
      return nil, wrong
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
