-- Columns: from what a view, a script or the command line says of them to what is laid out.
--
-- A column is a field's name, an expression, NAME=EXPR (several in one text with commas; * stands for
-- every field but those of sock_diag alone, if it comes first), or a table: title, width (at least that many bytes; sized to the
-- rows if nil), align ("left" or "right"), get(row) → text, number or nil, or field = its name; name:
-- what it is called where keys are (the title if nil); shrink: the width to which a narrow terminal
-- may shorten it (15 if nil, of a field that is no number); unknown: the text for nil, "-" if not
-- given; identifies: true of numbers that are names. timer = NAME instead of get: the text of a timer
-- plug-in; timer = true: of the one that the listing or --timer chooses.

local escape = require("sockq.escape")
local hint = require("sockq.hint")
local fields = require("sockq.fields")
local keys = require("sockq.keys")
local timer = require("sockq.timer")

local columns = {}

--- The keys of a column, with their types.
columns.keys = { name = "string", title = "string", width = "number", align = "string", get = "function",
  field = "string", shrink = "number", unknown = "string", needs = "table", timer = "string or boolean",
  type = "string", unit = "string", doc = "string", identifies = "boolean" }

local function check_keys(column, where)
  for key, value in pairs(column) do
    local expected = columns.keys[key]
    if not expected then
      return ("%s: %q means nothing in a column; %s"):format(where, tostring(key),
        hint.remedy(key, hint.keys(columns.keys)))
    elseif not expected:find(type(value), 1, true) then
      return ("%s: %s is a %s; a %s is expected"):format(where, key, type(value), expected)
    elseif key == "align" and value ~= "left" and value ~= "right" then
      return ('%s: align is %q; "left" or "right" is expected'):format(where, value)
    end
  end
  return nil
end

local function remedy(name, schema)
  if schema == fields then
    return fields.remedy(name)
  end
  return hint.remedy(name, hint.keys(schema.by_name))
end

local function find_field(name, where, schema)
  local field = schema.by_name[name]
  if not field then
    return nil, ("%s: there is no field %s; %s"):format(where, tostring(name), remedy(name, schema))
  end
  return field
end

local NUMERIC = { integer = true, number = true }
-- How far a narrow terminal may shorten what is no number.
local SHRINK = 15

-- A column of an item of keys.lua.
local function from_item(item)
  local names = {}
  for name in pairs(item.fields) do
    names[#names + 1] = name
  end
  return {
    name = item.name, title = item.name, type = item.type, unit = item.unit, doc = item.doc, role = item.role,
    values = item.domain or item.values, identifies = item.identifies, empty = item.empty,
    align = NUMERIC[item.type] and "right" or "left", shrink = not NUMERIC[item.type] and SHRINK or nil,
    get = item.value, fields = names,
  }
end

local function from_field(name, where, schema)
  local field, wrong = find_field(name, where, schema)
  if not field then
    return nil, wrong
  end
  local column = from_item(keys.from_entry(field))
  -- A short form is shown as it was asked for.
  column.name, column.title = name, name
  return column
end

local function from_timer(name, where)
  local format, wrong = timer.formatter(name)
  if not format then
    return nil, where .. ": " .. wrong
  end
  return {
    title = "timer",
    name = "timer_text",
    type = "string",
    doc = ("the timer as %s writes it"):format(name),
    get = function(row)
      local text = format(row)
      return text ~= "" and text or nil
    end,
    fields = {},
    is_function = true,
  }
end

-- Where a column's values come from: a field, a timer, or its own get.
local function source_of(column, where, timer_name, schema)
  if column.field then
    return from_field(column.field, where, schema)
  elseif column.timer then
    return from_timer(column.timer == true and timer_name or column.timer, where)
  elseif not column.get then
    return nil, where .. " has neither field, timer nor get"
  end
  for _, name in ipairs(column.needs or {}) do
    local field, wrong = find_field(name, where .. ": needs", schema)
    if not field then
      return nil, wrong
    end
  end
  return { fields = column.needs or {}, is_function = true }
end

-- A column as a table says it.
local function from_table(column, where, timer_name, schema)
  local wrong = check_keys(column, where)
  if wrong then
    return nil, wrong
  end
  local base
  base, wrong = source_of(column, where, timer_name, schema)
  if not base then
    return nil, wrong
  end
  local whole = {}
  for key, value in pairs(base) do
    whole[key] = value
  end
  for _, key in ipairs({ "name", "title", "width", "align", "get", "shrink", "unknown", "type", "unit", "doc",
    "identifies" }) do
    if column[key] ~= nil then
      whole[key] = column[key]
    end
  end
  whole.title = whole.title or whole.name or ""
  whole.name = column.name or base.name or (whole.title ~= "" and whole.title) or where
  whole.align = whole.align or "left"
  whole.unknown = whole.unknown and escape.text(whole.unknown) or "-"
  return whole
end

-- The columns of a text: names and expressions; * first stands for every field but those of sock_diag alone.
local function add_text(list, text, place, timer_name, schema)
  local star = text:match("^%s*%*%s*,?")
  if star then
    for _, entry in ipairs(schema.list) do
      if entry.from ~= "diag" then
        list[#list + 1] = from_table({ field = entry.name }, place, timer_name, schema)
      end
    end
    text = (" "):rep(#star) .. text:sub(#star + 1)
    if not text:find("%S") then
      return nil
    end
  elseif schema.by_name[text] then
    local column, wrong = from_table({ field = text }, place, timer_name, schema)
    list[#list + 1] = column
    return wrong
  end
  if text:find("^[%a_][%w_]*$") then
    local _, wrong = find_field(text, place, schema)
    return wrong
  end
  local items, wrong, problem = keys.items(text, schema)
  if not items then
    return problem and wrong or ("%s: %s"):format(place, wrong), problem
  end
  for _, item in ipairs(items) do
    local column = from_item(item)
    column.unknown = "-"
    list[#list + 1] = column
  end
end

--- Make a list of columns whole.
---@param given string|(string|table)[]
---@param where string       what to call the list in messages
---@param timer_name string  the timer plug-in of columns with timer = true
---@param schema? table      of the rows; nil: sockets
---@return table[]|nil columns, string|nil message, table|nil problem
function columns.resolve(given, where, timer_name, schema)
  schema = schema or fields
  local resolved = {}
  local is_text = type(given) == "string"
  for i, one in ipairs(is_text and { given } or given) do
    local place = is_text and where or ("%s: column %d"):format(where, i)
    local column, wrong, problem
    if type(one) == "string" then
      wrong, problem = add_text(resolved, one, place, timer_name, schema)
    elseif type(one) == "table" then
      column, wrong = from_table(one, place, timer_name, schema)
      resolved[#resolved + 1] = column
    else
      wrong = ("%s is a %s; a field's name or a table is expected"):format(place, type(one))
    end
    if wrong then
      return nil, wrong, problem
    end
  end
  return resolved
end

--- Whether columns may read other fields than they say.
---@return boolean
function columns.read_any(list)
  for _, column in ipairs(list) do
    if column.is_function then
      return true
    end
  end
  return false
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
