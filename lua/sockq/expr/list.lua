--- Comma lists of expressions: keys, sort orders, columns, aggregates.
--
--   "state, net=subnet(remote_addr, 24)"    "-count, remote_addr"    "count, worst=max(expires)"
--
-- Commas within brackets and quotes do not separate. What is wrong is told at its place in the list.
local aggregates = require "sockq.expr.aggregates"
local check = require "sockq.expr.check"
local compile = require "sockq.expr.compile"
local nearest = require "sockq.nearest"
local parse = require "sockq.expr.parse"

local quote, raise = parse.quote, parse.raise
local sformat = string.format

local list = {}

-- What rows of a result answer by themselves.
local taken = { keep = true, fields = true, raw = true }

-- Types whose values are no keys and have no order.
local compound = { list = "list", histogram = "histogram" }

---@param compiled table  from compile.tree()
---@return table?  # the entry of the catalog, if the expression is a lone field
local function lone_field(compiled)
  return compiled.tree.kind == "field" and compiled.tree.field or nil
end

---@param tree table
---@param text string  the list
---@param catalog table
---@param want string
---@return table  # type, field, fields, code, and value or predicate
local function expression(tree, text, catalog, want)
  local compiled = compile.tree(tree, text, catalog, want)
  return {
    [want == "truth" and "predicate" or "value"] = compiled.func, type = compiled.type,
    class = compiled.tree.class, field = lone_field(compiled), fields = compiled.fields,
    code = compiled.code,
  }
end

--- The width of a histogram's steps, the same for every row.
local function width_of(name, node, text, catalog)
  local width = check.constant((check.tree(node, text, catalog, "value")))
  if type(width) ~= "number" or not (width > 0 and width < math.huge) then
    raise(node.pos, sformat("argument 2 of %s is no number above 0; write one, as in %s(expires, 10)", name, name))
  end
  return width
end

--- An aggregate has what stands between its brackets.
local function check_arity(name, entry, tree)
  if #tree >= entry.min and #tree <= entry.max then return end
  if tree.kind == "name" then raise(tree.pos, sformat("%s needs an argument; write %s", name, entry.example)) end
  raise(tree.pos, sformat("%s has %d argument%s; write %s", name, #tree, #tree == 1 and "" or "s", entry.example))
end

---@param first table  the compiled argument
local function check_class(name, entry, node, first)
  local class = first.class
  if class == "any" then return end
  if entry.classes and not entry.classes[class] then
    local remedy = class == "boolean" and "count(CONDITION) counts rows"
      or entry.classes.string and "give it a number or a text" or "give it a number"
    raise(node.pos, sformat("%s of a %s; %s", name, class, remedy))
  elseif compound[class] and not entry.compound or class == "nil" then
    raise(node.pos, sformat("%s of %s; give it a number or a text", name,
      class == "nil" and "what is never known" or "a " .. class))
  end
end

---@param allowed table|boolean  names that there are, true: all
local function find_aggregate(node, allowed, catalog)
  local entry, percentile = aggregates.find(node.name)
  if entry and (allowed == true or allowed[entry.name] or allowed[node.name]) then return entry, percentile end
  local names = {}
  for _, name in ipairs(aggregates.names()) do
    if allowed == true or allowed[name] then names[#names + 1] = name end
  end
  local near = nearest(node.name, names)
  if not entry and node.name:find "^p%d[%d.]*$" then
    raise(node.pos, sformat("there is no percentile %s; they go from p0 to p100", node.name))
  end
  if not near and node.kind == "name" and catalog.fields[node.name] then
    raise(node.pos, sformat("%s is a field; name an aggregate of it, as in max(%s)", node.name, node.name))
  end
  raise(node.pos, sformat("unknown aggregate %s; %s", quote(node.name), near and "did you mean " .. near .. "?"
    or "there are " .. table.concat(names, ", ")))
end

--- An item that is an aggregate.
local function aggregate(item, text, catalog, allowed)
  local tree = item.tree
  if tree.kind ~= "name" and tree.kind ~= "call" then
    raise(item.pos, "an aggregate stands alone, as in max(expires); compute with its result in a column")
  end
  local entry, percentile = find_aggregate(tree, allowed, catalog)
  local name = tree.name
  check_arity(name, entry, tree)
  item.aggregate, item.percentile = percentile and "percentile" or entry.name, percentile
  item.width = tree[2] and width_of(name, tree[2], text, catalog)
  item.fields = {}
  if tree[1] then
    local node = tree[1]
    item.argument = expression(node, text, catalog, entry.want or "value")
    check_class(name, entry, node, item.argument)
    item.fields = item.argument.fields
  end
  item.type = entry.returns == "same" and item.argument.type or entry.returns
  item.tree = nil
end

--- An item that is a value.
local function value(item, text, catalog, options)
  local written = check.written(catalog, item.text)
  local tree = written and { kind = "written", pos = item.pos, field = written } or item.tree
  for key, part in pairs(expression(tree, text, catalog, "value")) do item[key] = part end
  if item.type == "nil" then raise(item.pos, "nil is no value; name a field") end
  if (options.keys or options.descending) and compound[item.class] then
    raise(item.pos, sformat("%s is a %s, which %s; name something else", item.name, item.class,
      options.keys and "is no key" or "has no order"))
  end
  item.class, item.tree = nil, nil
end

--- The name that an item has or is given, once in a list.
local function settle_name(item, seen, options)
  local name = item.name
  item.named = name ~= nil
  if name and taken[name] then
    raise(item.name_pos, sformat("%s is a word of rows themselves; choose another name", name))
  end
  item.name = name or item.text:gsub("%s*[\n\r]%s*", " ")
  if options.descending then return end
  if seen[item.name] then
    raise(item.name_pos or item.pos, sformat("%s stands here twice; leave one out or write NAME=EXPR", quote(item.name)))
  end
  seen[item.name] = true
end

--- Parse and compile a list. Only below parse.protect().
---@param text string
---@param catalog table  see sockq.expr
---@param options table  see sockq.expr.list()
---@return table[]
function list.compile(text, catalog, options)
  local items = parse.list(text, { names = not options.descending, descending = options.descending })
  local seen = {}
  for _, item in ipairs(items) do
    settle_name(item, seen, options)
    if options.aggregates then
      aggregate(item, text, catalog, options.aggregates)
    else
      value(item, text, catalog, options)
    end
    item.kind, item.name_pos = nil, nil
    if not options.descending then item.descending = nil end
  end
  return items
end

return list
