--- The names and types of an expression's tree: everything that can be wrong before a row is seen.
--
-- check.tree() turns each name node into what the catalog says it is, a field, a constant or the
-- condition that a bare word stands for, and gives each node `type` (as declared: "integer") and
-- `class` (what can be done with it: "number"). New kinds of nodes:
--   field    name (as written), field (the catalog's entry)
-- A call node gets `helper`. A node that stands for a word of the catalog keeps it as `word`.
local parse = require "sockq.expr.parse"
local nearest = require "sockq.nearest"

local check = {}

local concat, sort = table.concat, table.sort
local huge = math.huge
local sformat = string.format
local quote, raise = parse.quote, parse.raise

-- Declared type -> what can be done with its values. A type that is not here is itself a class:
-- it can be unknown, be an argument, and equal a value of the same type.
local classes = { integer = "number" }

local operations = {
  ["+"] = function(a, b) return a + b end, ["-"] = function(a, b) return a - b end,
  ["*"] = function(a, b) return a * b end, ["/"] = function(a, b) return a / b end,
  ["%"] = function(a, b) return a % b end,
}

--- The value of a node that is the same for every row: a literal, or computed from literal numbers.
---@param node table  checked
---@return string|number|nil
function check.constant(node)
  if node.kind == "string" or node.kind == "number" then return node.value end
  if node.kind == "negate" then
    local value = check.constant(node[1])
    return value and -value
  elseif node.kind ~= "arithmetic" then
    return nil
  end
  local value = check.constant(node[1])
  for i = 2, #node do
    local right = check.constant(node[i])
    if not value or not right then return nil end
    value = operations[node.ops[i - 1]](value, right)
  end
  return value
end

--- The field whose name is no word but a piece of an expression, as in rows of a group.
---@param catalog table
---@param text string
---@return table?  # the catalog's entry; blanks do not matter
function check.written(catalog, text)
  return catalog.written and catalog.written[text:gsub("%s+", "")]
end

local ordered = { ["<"] = true, ["<="] = true, [">"] = true, [">="] = true }
local has_order = { number = true, string = true }

---@param type string
---@return string
local function class_of(type) return classes[type] or type end

---@param node table
---@param type string
---@return table node
local function typed(node, type)
  node.type, node.class = type, class_of(type)
  return node
end

---@param class string
---@return string  # "a number", "an address", "unknown" for a literal nil
local function a(class)
  if class == "nil" then return "unknown" end
  if class == "any" then return "of any type" end
  return (class:find "^[aeiou]" and "an " or "a ") .. class
end

--- A node in words, for messages.
---@param node table
---@return string
local function describe(node)
  if node.word then return node.word end
  if node.kind == "field" then return node.name end
  if node.kind == "string" then return quote(node.value) end
  if node.kind == "number" then return sformat("%.14g", node.value) end
  if node.kind == "boolean" then return tostring(node.value) end
  if node.kind == "nil" then return "nil" end
  if node.kind == "call" then return node.name .. "()" end
  if node.kind == "not" then return "not " .. describe(node[1]) end
  return node.kind == "compare" and "the comparison" or "the other side"
end

---@param ... table?  parts of a catalog
---@return string[]  # their keys, sorted
local function keys(...)
  local list = {}
  for i = 1, select("#", ...) do
    for key in pairs(select(i, ...) or {}) do list[#list + 1] = key end
  end
  sort(list)
  return list
end

--- A word that the catalog does not have.
---@param state table
---@param node table
local function unknown_name(state, node)
  local catalog = state.catalog
  local names = keys(catalog.fields, catalog.predicates, catalog.helpers, catalog.constants)
  local meant = catalog.synonyms and catalog.synonyms[node.name:lower()]
  if meant and catalog.fields[meant:match "^[%w_]+"] then
    raise(node.pos, sformat("unknown name %s; did you mean %s?", quote(node.name), meant))
  end
  -- ss writes TIME-WAIT, which reads as a subtraction here.
  local dashed = state.text:match("^%a+%-[%a%d%-]+", node.pos)
  local found = dashed and nearest(dashed:gsub("%-", "_"), names) or nearest(node.name, names)
  raise(node.pos, sformat("unknown name %s; %s", quote(node.name),
    found and "did you mean " .. found .. "?"
    or sformat("write %s if it is text, sockq fields lists the names", quote(node.name))))
end

local check_node

--- Check the children of a node from i to j.
local function check_children(state, node, i, j, want)
  for k = i, j do node[k] = check_node(state, node[k], want) end
end

local checks = {}

for kind in pairs { number = 1, string = 1, boolean = 1, ["nil"] = 1 } do
  checks[kind] = function(_, node) return typed(node, kind) end
end

--- A copy of a tree that points at the word which stands for it.
---@param tree table
---@param pos integer
---@return table
local function copy(tree, pos)
  local made = {}
  for key, value in pairs(tree) do
    made[key] = key ~= "ops" and type(value) == "table" and copy(value, pos) or value
  end
  made.pos, made.last = pos, nil
  return made
end

local conditions = { compare = true, ["and"] = true, ["or"] = true, ["not"] = true }

--- The condition that a bare word like LISTEN stands for.
---@param state table
---@param node table
---@param definition string|table  an expression or its tree
---@return table
local function expand(state, node, definition)
  local name, pos = node.name, node.pos
  if state.open[name] then raise(pos, sformat("%s is defined by itself", name)) end
  state.open[name] = true
  local tree, problem = parse.protect(function()
    if type(definition) == "string" then definition = parse.tree(definition) end
    return check_node(state, copy(definition, pos), "truth")
  end)
  state.open[name] = nil
  if not tree then raise(pos, sformat("in %s: %s", name, problem.message)) end
  if not conditions[tree.kind] then
    tree = typed({ kind = "and", pos = pos, ops = {}, tree }, "boolean")
  end
  tree.word = name
  return tree
end

--- A field in the place of a node.
local function to_field(state, node, name, field)
  state.fields[field.name] = true
  return typed({ kind = "field", pos = node.pos, name = name, field = field }, field.type)
end

-- Not out of a text: a whole item of a list that is written as a field's name is.
function checks.written(state, node) return to_field(state, node, node.field.name, node.field) end

function checks.name(state, node)
  local catalog, name = state.catalog, node.name
  local field = catalog.fields[name]
  if field then return to_field(state, node, name, field) end
  local value = catalog.constants and catalog.constants[name]
  if value then
    return typed({ kind = "number", pos = node.pos, value = value, word = name }, "number")
  end
  local definition = catalog.predicates and catalog.predicates[name]
  if definition then return expand(state, node, definition) end
  if catalog.helpers and catalog.helpers[name] then
    raise(node.pos, sformat("%s is a function; write %s(...)", name, name))
  end
  unknown_name(state, node)
end

---@param helper table
---@return string  # "2 arguments", "1 to 3 arguments"
local function arity(helper)
  local low, high = helper.min or 0, helper.max or huge
  if high == huge then return sformat("at least %d argument%s", low, low == 1 and "" or "s") end
  if low == high then return sformat("%d argument%s", low, low == 1 and "" or "s") end
  return sformat("%d to %d arguments", low, high)
end

function checks.call(state, node)
  local name, catalog = node.name, state.catalog
  -- Rows of a group have fields that are called as what they hold: max(expires).
  local field = node.last and check.written(catalog, state.text:sub(node.pos, node.last))
  if field then return to_field(state, node, field.name, field) end
  local helper = catalog.helpers and catalog.helpers[name]
  if not helper then
    local known = catalog.fields[name] or catalog.constants and catalog.constants[name]
      or catalog.predicates and catalog.predicates[name]
    if known then raise(node.pos, sformat("%s is no function; write it without brackets", name)) end
    local found = nearest(name, keys(catalog.helpers))
    raise(node.pos, sformat("unknown function %s; %s", quote(name), found
      and "did you mean " .. found .. "?" or "there are " .. concat(keys(catalog.helpers), ", ")))
  end
  if #node < (helper.min or 0) or #node > (helper.max or huge) then
    raise(node.pos, sformat("%s has %d argument%s; it takes %s", name, #node,
      #node == 1 and "" or "s", arity(helper)))
  end
  check_children(state, node, 1, #node, "value")
  local types = helper.types or {}
  for i = 1, #node do
    local argument, wanted = node[i], class_of(types[i] or types[#types] or "any")
    if argument.class == "nil" or wanted ~= "any" and argument.class ~= "any"
      and argument.class ~= wanted then
      raise(argument.pos, sformat("argument %d of %s is %s; give it %s", i, name,
        a(argument.class), wanted == "any" and "a value" or a(wanted)))
    end
    -- Only a row tells: compile.lua asks it.
    argument.must_be = argument.class == "any" and wanted ~= "any" and wanted or nil
    argument.constant = check.constant(argument)
    local problem = argument.constant ~= nil and helper.check and helper.check(i, argument.constant)
    if problem then raise(argument.pos, problem) end
  end
  node.helper = helper
  return typed(node, helper.returns or "any")
end

checks["not"] = function(state, node)
  check_children(state, node, 1, 1, "truth")
  return typed(node, "boolean")
end

checks["and"] = function(state, node, want)
  check_children(state, node, 1, #node - 1, "truth")
  check_children(state, node, #node, #node, want)
  return typed(node, want == "truth" and "boolean" or node[#node].type)
end

checks["or"] = function(state, node, want)
  check_children(state, node, 1, #node, want)
  if want == "truth" then return typed(node, "boolean") end
  local first
  for i = 1, #node do
    local child = node[i]
    if child.class ~= "nil" then
      first = first or child
      if child.class ~= first.class then
        raise(child.pos, sformat("or chooses between %s and %s; give both sides one type",
          a(first.class), a(child.class)))
      end
    end
  end
  return typed(node, first and first.type or "nil")
end

--- Operands must be of certain classes.
---@param node table
---@param op string
---@param allowed table
---@param what string
local function require_class(node, op, allowed, what)
  if not allowed[node.class] then
    raise(node.pos, sformat("%s is %s; %s takes %s", describe(node), a(node.class), op, what))
  end
end

function checks.negate(state, node)
  check_children(state, node, 1, 1, "value")
  require_class(node[1], "-", { number = true }, "a number")
  return typed(node, "number")
end

function checks.arithmetic(state, node)
  check_children(state, node, 1, #node, "value")
  for i = 1, #node do
    require_class(node[i], node.ops[i] or node.ops[i - 1], { number = true }, "numbers")
  end
  return typed(node, "number")
end

function checks.concat(state, node)
  check_children(state, node, 1, #node, "value")
  for i = 1, #node do require_class(node[i], "..", has_order, "strings and numbers") end
  return typed(node, "string")
end

--- Two classes that never compare.
---@param left table
---@param right table
---@param op string
local function mismatch(left, right, op)
  local guilty = left.kind ~= "field" and right.kind == "field" and left or right
  local other = guilty == right and left or right
  local remedy = sformat("compare %s with %s", other.kind == "field" and other.name
    or a(other.class), a(other.class))
  if left.kind == "not" then
    guilty, remedy = left, sformat("not binds tighter than %s, write not (a %s b)", op, op)
  elseif guilty.word and guilty.class == "boolean" then
    remedy = sformat("%s is a condition by itself: write %s alone, or quote it", guilty.word,
      guilty.word)
  elseif guilty.kind == "string" and other.class == "number" and tonumber(guilty.value) then
    remedy = "write " .. sformat("%.14g", tonumber(guilty.value)) .. " without quotes"
  elseif guilty.kind == "number" and other.class == "string" then
    remedy = sformat('write "%s"', describe(guilty))
  end
  raise(guilty.pos, sformat("%s is %s, %s %s; %s", describe(left), a(left.class),
    describe(right), a(right.class), remedy))
end

--- A literal that is compared with a field of known words becomes the field's own spelling.
---@param field table  a node
---@param literal table  a node
local function canonize(field, literal)
  local entry = field.field
  if field.kind ~= "field" or literal.kind ~= "string" or not entry.canonical then return end
  local text, canonical = literal.value, entry.canonical
  local word = canonical(text) or canonical(text:upper()) or canonical(text:lower())
  if not word then
    if entry.explain then raise(literal.pos, entry.explain(text, field.name)) end
    local values = keys(entry.values)
    local found = nearest(text, values)
    raise(literal.pos, sformat("%s is no %s; %s", quote(text), field.name,
      found and "did you mean " .. quote(found) .. "?" or "it is one of " .. concat(values, ", ")))
  end
  literal.value = word
end

function checks.compare(state, node)
  check_children(state, node, 1, 2, "value")
  local left, right, op = node[1], node[2], node.ops[1]
  typed(node, "boolean")
  if left.kind == "nil" or right.kind == "nil" then
    if ordered[op] then
      raise((left.kind == "nil" and left or right).pos,
        "nil has no order; == nil and ~= nil ask whether a value is unknown")
    end
    return node
  end
  local any = left.class == "any" and left or right.class == "any" and right
  if left.class ~= right.class and not any then mismatch(left, right, op) end
  local unordered = any or not has_order[left.class] and left
  if ordered[op] and unordered then
    raise(unordered.pos, sformat("%s is %s, which has no order; use == or ~=", describe(unordered),
      a(unordered.class)))
  end
  if not ordered[op] then
    canonize(left, right)
    canonize(right, left)
  end
  return node
end

local combines = { negate = true, arithmetic = true, concat = true }

--- A value that no row has a part in.
local function is_constant(node)
  if not combines[node.kind] then return node.kind == "number" or node.kind == "string" end
  for i = 1, #node do
    if not is_constant(node[i]) then return false end
  end
  return true
end

function check_node(state, node, want)
  local checked = checks[node.kind](state, node, want)
  if want == "truth" and is_constant(checked) then
    raise(checked.pos, sformat("%s is no condition; compare a field with it",
      combines[checked.kind] and "this value" or describe(checked)))
  end
  return checked
end

--- Resolve the names of a tree and check its types. Only below parse.protect().
---@param tree table  from parse.tree(); changed in place
---@param text string  what it was parsed from
---@param catalog table  see sockq.expr
---@param want string  "truth" for a condition, "value" for anything else
---@return table  # the tree
---@return table  # the fields that it reads: { canonical name = true }
function check.tree(tree, text, catalog, want)
  local state = { text = text, catalog = catalog, fields = {}, open = {} }
  return check_node(state, tree, want), state.fields
end

return check
