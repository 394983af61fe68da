-- Keys: the one way from what a caller gives to group, sort, select, distinct, agg or columns to
-- functions of a row. A key is a field's name, an expression, NAME=EXPR, or a function; several
-- stand in one text with commas, or in a list.
--
-- An item: name, value(row), fields (the set of fields that it says it reads), descending (sort), and
-- what is known of its values: type, unit, doc, values, domain, identifies, field (the entry of a lone
-- field).

local aggregate = require("sockq.aggregate")
local hint = require("sockq.hint")

local keys = {}

--- Compile an expression over a schema.
---@param text string
---@param schema table
---@param want string  "compile" (a condition) or "compile_value"
---@return table|nil compiled, string|nil message, table|nil problem
function keys.compile(text, schema, want)
  -- Loaded when the first expression comes: many queries have none.
  local loaded, expr = pcall(require, "sockq.expr")
  if not loaded then
    return nil, "an expression needs LPeg; install it (Debian: lua-lpeg), or use a function"
  end
  local compiled, problem = expr[want](text, require("sockq.catalog").of(schema))
  if not compiled then
    return nil, expr.explain_error(problem), problem
  end
  return compiled
end

-- A list's parts between commas outside of brackets and quotes: { text, at }, at: where it begins.
local function split(text)
  local parts, depth, quote, start, i = {}, 0, nil, 1, 1
  while i <= #text do
    local c = text:sub(i, i)
    if quote then
      if c == "\\" then
        i = i + 1
      elseif c == quote then
        quote = nil
      end
    elseif c == '"' or c == "'" then
      quote = c
    elseif c == "(" then
      depth = depth + 1
    elseif c == ")" then
      depth = depth - 1
    elseif c == "," and depth <= 0 then
      parts[#parts + 1] = { text = text:sub(start, i - 1), at = start }
      start = i + 1
    end
    i = i + 1
  end
  parts[#parts + 1] = { text = text:sub(start), at = start }
  return parts
end

local function trim(text)
  return (text:match("^%s*(.-)%s*$"))
end

--- The item of a lone field.
---@param entry table  of a schema
function keys.from_entry(entry)
  local name = entry.name
  return {
    name = name,
    value = function(row)
      return row[name]
    end,
    type = entry.type, unit = entry.unit, doc = entry.doc, values = entry.values, also = entry.also,
    domain = entry.domain, identifies = entry.identifies, role = entry.role, field = entry,
    fields = { [name] = true },
  }
end

-- Move a problem of a part to where it is in the whole text.
local function shift(problem, part, whole)
  if problem and problem.line == 1 then
    problem.column, problem.text = problem.column + part.at - 1, whole
  end
  return problem
end

local function located(problem, message)
  return problem and require("sockq.expr").explain_error(problem) or message
end

-- An item of one part: { text, at } of the whole text.
local function from_part(part, whole, schema, options)
  local text, name = trim(part.text), nil
  local at = part.at + #part.text:match("^%s*")
  if text == "" then
    local problem = { message = "a name or an expression is missing; take out the comma", text = whole, line = 1, column = at }
    return nil, located(problem, "a name is missing"), problem
  end
  local descending
  if options.descending and text:sub(1, 1) == "-" then
    descending, text, at = true, trim(text:sub(2)), at + 1
  end
  local entry = schema.by_name[text]
  if not entry then
    local named, rest = text:match("^([%a_][%w_]*)%s*=%s*([^=%s].*)$")
    if named then
      name, at, text = named, at + #text - #rest, rest
      entry = schema.by_name[text]
    end
  end
  local item
  if entry then
    item = keys.from_entry(entry)
  elseif options.columns and (text == "*" or text == "timer_text") then
    item = { name = name or text, is_timer = text ~= "*", fields = {} }
    name = nil
  elseif options.aliases and options.aliases[text] then
    item = {}
    for key, value in pairs(options.aliases[text]) do
      item[key] = value
    end
  else
    local compiled, wrong, problem = keys.compile(text, schema, "compile_value")
    if not compiled then
      problem = shift(problem, { at = at }, whole)
      return nil, located(problem, wrong), problem
    end
    item = { name = text, value = compiled.value, type = compiled.type, fields = compiled.fields }
  end
  item.name, item.descending = name or item.name, descending
  return item
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
  local item, wrong, problem
  if type(given.get) == "function" then
    local fields = {}
    for _, name in ipairs(given.needs or {}) do
      fields[name] = true
    end
    item = { name = place, value = given.get, fields = fields }
  elseif type(given.expr or given.field) == "string" then
    local text = given.expr or given.field
    item, wrong, problem = from_part({ text = text, at = 1 }, text, schema, options)
  else
    return nil, "a key is a field's name, an expression, a function, or a table with get, expr or field"
  end
  if not item then
    return nil, wrong, problem
  end
  item.name = given.name or item.name
  item.descending = item.descending or given.descending
  item.doc, item.unit, item.type = given.doc or item.doc, given.unit or item.unit, given.type or item.type
  return item
end

local function add_text(list, text, schema, options)
  for _, part in ipairs(split(text)) do
    local item, wrong, problem = from_part(part, text, schema, options)
    if not item then
      return wrong, problem
    end
    list[#list + 1] = item
  end
end

--- The items of what a caller gave.
---@param given string|function|table  as said above; a list may hold any of them
---@param schema table
---@param options? { descending: boolean, aliases: table<string, table>, columns: boolean }  a leading
---   - means descending; items that a name stands for besides the schema's fields; * and timer_text
---   are items too: { name, is_timer }
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
    local item, wrong, problem
    if type(one) == "string" then
      wrong, problem = add_text(list, one, schema, options)
    elseif type(one) == "function" then
      item = { name = #given == 1 and "key" or "key" .. i, value = one, fields = {} }
    else
      if type(one) ~= "table" then
        return nil, ("key %d is a %s; a name, an expression or a function is expected"):format(i, type(one))
      end
      item, wrong, problem = from_table(one, schema, options, "key" .. i)
    end
    if wrong then
      return nil, wrong, problem
    end
    list[#list + 1] = item
  end
  return list
end

local function type_of_result(entry, argument)
  return entry.type == "argument" and argument and argument.type or entry.type
end

local function wrong_argument(entry, name, argument)
  local type_of = argument.type
  if entry.argument == "number" and type_of and type_of ~= "number" and type_of ~= "integer" and type_of ~= "any" then
    return ("%s takes numbers; %s is a %s"):format(name, argument.name, type_of)
  elseif entry.argument == "ordered" and (type_of == "list" or type_of == "boolean") then
    return ("%s takes numbers or text; %s is a %s"):format(name, argument.name, type_of)
  end
  return nil
end

-- One aggregate: "count", "max(expires)", "worst=max(expires)", "histogram(expires, 10)".
local function aggregate_of(part, whole, schema)
  local text = trim(part.text)
  local at = part.at + #part.text:match("^%s*")
  local function problem_at(column, message)
    local problem = { message = message, text = whole, line = 1, column = column }
    return nil, located(problem, message), problem
  end
  local label, call = text:match("^([%a_][%w_]*)%s*=%s*([^=%s].*)$")
  if label then
    at, text = at + #text - #call, call
  end
  local name, inside = text:match("^([%a_][%w_.]*)%s*%((.*)%)$")
  name = name or text:match("^[%a_][%w_.]*$")
  if not name then
    return problem_at(at, 'an aggregate is expected, such as count, max(expires) or p99(recv_q)')
  end
  local entry = aggregate.find(name)
  if not entry then
    return problem_at(at, ("there is no aggregate %s; %s"):format(name, hint.remedy(name, aggregate.names())))
  end
  local arguments = inside and trim(inside) ~= "" and split(inside) or {}
  if #arguments == 0 and not entry.optional then
    return problem_at(at, ("%s needs an argument; write %s(FIELD)"):format(name, name))
  elseif #arguments > (entry.extra and 2 or 1) then
    return problem_at(at, ("%s has %d arguments; it takes %d"):format(name, #arguments, entry.extra and 2 or 1))
  end
  local item = { name = label or text, make = entry.make, doc = entry.doc, fields = {}, role = "value" }
  if arguments[1] then
    local inside_at = at + text:find("(", 1, true)
    local argument, wrong, problem = from_part({ text = arguments[1].text, at = inside_at + arguments[1].at - 1 }, whole,
      schema, {})
    if not argument then
      return nil, wrong, problem
    end
    wrong = wrong_argument(entry, name, argument)
    if wrong then
      return problem_at(at, wrong .. "; choose another aggregate or field")
    end
    item.argument, item.fields = argument.value, argument.fields
    item.type = type_of_result(entry, argument)
    item.unit = entry.type ~= "integer" and argument.unit or nil
    -- A sum of ports is nonsense; the greatest port is still a port.
    item.identifies = entry.type == "argument" and name ~= "sum" and argument.identifies or nil
  else
    item.type = entry.type
  end
  if arguments[2] then
    item.width = tonumber(trim(arguments[2].text))
    if not item.width or item.width <= 0 then
      return problem_at(at, ("the width %s is no number above 0; write histogram(expires, 10)"):format(trim(arguments[2].text)))
    end
  end
  return item
end

--- The items of an agg text or list: name, make, argument, width, type, unit, doc, fields.
---@param given string|string[]
---@return table[]|nil items, string|nil message, table|nil problem
function keys.aggregates(given, schema)
  if type(given) == "string" then
    given = { given }
  elseif type(given) ~= "table" then
    return nil, ("a text such as 'count, max(expires)' is expected, not a %s"):format(type(given))
  end
  local list = {}
  for i, text in ipairs(given) do
    if type(text) ~= "string" then
      return nil, ("aggregate %d is a %s; a text is expected"):format(i, type(text))
    end
    for _, part in ipairs(split(text)) do
      local item, wrong, problem = aggregate_of(part, text, schema)
      if not item then
        return nil, wrong, problem
      end
      list[#list + 1] = item
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
  end
  return names
end

return keys
