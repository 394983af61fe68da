-- Keys: the one way from what a caller gives to group, sort, select, distinct, agg or columns to
-- functions of a row. A key is a field's name, an expression, NAME=EXPR, or a function; several
-- stand in one text with commas, or in a list.
--
-- An item: name, value(row), key(row) (where it is cheaper and tells values apart as well), fields (the
-- set of fields that it says it reads), descending (sort), and
-- what is known of its values: type, unit, doc, values, domain, identifies, empty (an aggregate's value
-- of no rows), field (the entry of a lone field).

local hint = require("sockq.hint")

local keys = {}

-- Loaded when the first expression comes: many queries have none.
local function load_expr()
  local loaded, expr = pcall(require, "sockq.expr")
  if not loaded then
    return nil, "an expression needs LPeg; install it (Debian: lua-lpeg), or use a function"
  end
  return expr, require("sockq.catalog")
end

--- Compile a condition over the rows of a schema.
---@param text string|table  also what expr.argument made of a word
---@param schema table
---@return table|nil compiled, string|nil message, table|nil problem
function keys.condition(text, schema)
  local expr, catalog = load_expr()
  if not expr then
    return nil, catalog
  end
  local compiled, problem = expr.compile(text, catalog.of(schema))
  if not compiled then
    return nil, expr.explain_error(problem), problem
  end
  return compiled
end

-- The items of a comma list, as sockq.expr.list gives them.
local function parse(text, schema, options)
  local expr, catalog = load_expr()
  if not expr then
    return nil, catalog
  end
  local items, problem = expr.list(text, catalog.of(schema), options)
  if not items then
    return nil, expr.explain_error(problem), problem
  end
  return items
end

--- The item of a lone field.
---@param entry table  of a schema
---@param name string? what to call it, the field's name if nil
function keys.from_entry(entry, name)
  local field, hidden = entry.name, entry.key and entry.name .. "#"
  return {
    name = name or field,
    key = hidden and function(row)
      return row[hidden]
    end,
    value = function(row)
      return row[field]
    end,
    type = entry.type, unit = entry.unit, doc = entry.doc, values = entry.values, also = entry.also,
    domain = entry.domain, identifies = entry.identifies, role = entry.role, empty = entry.empty, field = entry,
    fields = { [field] = true },
  }
end

-- Most lists are names of fields: no parser is needed for them.
local function plain_names(text, schema, options)
  local items = {}
  for part in (text .. ","):gmatch("([^,]*),") do
    local minus, name = part:match("^%s*(%-?)([%a_][%w_]*)%s*$")
    local entry = name and schema.by_name[name]
    local alias = name and options.aliases and options.aliases[name]
    if not (entry or alias) or (minus == "-" and not options.descending) then
      return nil
    end
    local item = entry and keys.from_entry(entry)
    if not item then
      item = {}
      for key, value in pairs(alias) do
        item[key] = value
      end
    end
    item.descending = minus == "-"
    items[#items + 1] = item
  end
  return items
end

-- An item of a parsed list, with what its schema says of a lone field.
local function from_parsed(parsed)
  local entry = parsed.field and parsed.field.entry
  local item = entry and keys.from_entry(entry, parsed.name) or { name = parsed.name, type = parsed.type }
  item.value, item.fields, item.descending = parsed.value, parsed.fields, parsed.descending
  return item
end

local function from_text(text, schema, options)
  local items = plain_names(text, schema, options)
  if items then
    return items
  end
  local parsed, wrong, problem = parse(text, schema, { descending = options.descending, keys = options.keys })
  if not parsed then
    return nil, wrong, problem
  end
  items = {}
  for i, one in ipairs(parsed) do
    items[i] = from_parsed(one)
  end
  return items
end

local NAMES = { "name", "get", "expr", "field", "descending", "doc", "unit", "type", "needs" }
local KNOWN = {}
for _, name in ipairs(NAMES) do
  KNOWN[name] = true
end

-- { name =, get = function or expr = text or field = name, descending = }
local function from_table(given, schema, options, place)
  for key in pairs(given) do
    if not KNOWN[key] then
      return nil, ("%q means nothing in a key; %s"):format(tostring(key), hint.remedy(key, NAMES))
    end
  end
  local item
  if type(given.get) == "function" then
    item = { name = place, value = given.get, fields = {}, is_function = true }
    for _, name in ipairs(given.needs or {}) do
      item.fields[name] = true
    end
  elseif given.field and schema.by_name[given.field] then
    item = keys.from_entry(schema.by_name[given.field])
  elseif type(given.expr or given.field) == "string" then
    local items, wrong, problem = from_text(given.expr or given.field, schema, options)
    if not items then
      return nil, wrong, problem
    end
    item = items[1]
  else
    return nil, "a key is a field's name, an expression, a function, or a table with get, expr or field"
  end
  item.name = given.name or item.name
  item.descending = item.descending or given.descending
  item.doc, item.unit, item.type = given.doc or item.doc, given.unit or item.unit, given.type or item.type
  return item
end

--- The items of what a caller gave.
---@param given string|function|table  as said above; a list may hold any of them
---@param schema table
---@param options? { descending: boolean, keys: boolean, aliases: table<string, table> }  descending: a
---   leading - turns the order round; keys: a list is no key; aliases: items that a name stands for
---   besides the schema's fields
---@return table[]|nil items, string|nil message, table|nil problem
function keys.items(given, schema, options)
  options = options or {}
  local list = {}
  if type(given) == "string" or type(given) == "function" or (type(given) == "table" and #given == 0) then
    given = { given }
  elseif type(given) ~= "table" then
    return nil, ("a field's name, an expression, a function or a list of them is expected, not a %s"):format(type(given))
  end
  for i, one in ipairs(given) do
    local items, wrong, problem
    if type(one) == "string" then
      items, wrong, problem = from_text(one, schema, options)
    elseif type(one) == "function" then
      items = { { name = #given == 1 and "key" or "key" .. i, value = one, fields = {}, is_function = true } }
    elseif type(one) == "table" then
      local item
      item, wrong, problem = from_table(one, schema, options, "key" .. i)
      items = { item }
    else
      return nil, ("key %d is a %s; a name, an expression or a function is expected"):format(i, type(one))
    end
    if wrong then
      return nil, wrong, problem
    end
    for _, item in ipairs(items) do
      list[#list + 1] = item
    end
  end
  return list
end

local COUNT = { { name = "count", aggregate = "count", type = "integer", fields = {}, doc = "how many rows", role = "value",
  empty = 0 } }

-- Those that are 0 where no row is: of others nothing is known then.
local COUNTS = { count = true, distinct = true }

-- The item of an aggregate, with what its argument's field says.
local function from_aggregate(parsed)
  local argument = parsed.argument
  local entry = argument and argument.field and argument.field.entry
  local keeps = entry and parsed.type == argument.type and parsed.aggregate ~= "sum"
  return {
    name = parsed.name, aggregate = parsed.aggregate, percentile = parsed.percentile, width = parsed.width,
    argument = argument and (argument.value or argument.predicate), type = parsed.type, fields = parsed.fields,
    doc = parsed.text == "count" and COUNT[1].doc or parsed.text, role = "value", empty = COUNTS[parsed.aggregate] and 0 or nil,
    unit = entry and parsed.type ~= "integer" and entry.unit or keeps and entry.unit or nil,
    -- A sum of ports is nonsense; the greatest port is still a port.
    identifies = keeps and entry.identifies or nil,
  }
end

--- The items of an agg text or list: name, aggregate, percentile, width, argument, type, unit, fields.
---@param given string|string[]
---@return table[]|nil items, string|nil message, table|nil problem
function keys.aggregates(given, schema)
  if given == "count" then
    return COUNT
  elseif type(given) == "string" then
    given = { given }
  elseif type(given) ~= "table" then
    return nil, ("a text such as 'count, max(expires)' is expected, not a %s"):format(type(given))
  end
  local list = {}
  for i, text in ipairs(given) do
    if type(text) ~= "string" then
      return nil, ("aggregate %d is a %s; a text is expected"):format(i, type(text))
    end
    local parsed, wrong, problem = parse(text, schema, { aggregates = true })
    if not parsed then
      return nil, wrong, problem
    end
    for _, one in ipairs(parsed) do
      list[#list + 1] = from_aggregate(one)
    end
  end
  return list
end

--- The schema entries of items: what the records made from them hold.
---@param items table[]
---@param role string?  "key" or "value"
function keys.entries(items, role)
  local entries = {}
  for _, item in ipairs(items) do
    entries[#entries + 1] = {
      name = item.name, type = item.type or "any", unit = item.unit, doc = item.doc, values = item.values,
      also = item.also, domain = item.domain, identifies = item.identifies, role = role or item.role,
      empty = item.empty,
    }
  end
  return entries
end

--- The fields that items say they read.
---@return table<string, boolean>
function keys.fields(items)
  local names = {}
  for _, item in ipairs(items) do
    for name in pairs(item.fields) do
      names[name] = true
    end
    -- No field: it may read any.
    names["*"] = names["*"] or item.is_function
  end
  return names
end

return keys
