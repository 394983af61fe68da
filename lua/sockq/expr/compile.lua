--- A checked tree to one Lua function.
--
-- An unknown value is nil. A comparison with it is false, anything computed from it is unknown, and
-- as a condition it is false; `== nil` and `~= nil` ask for it. `and`, `or` and `not` over
-- conditions are true or false, never unknown. Elsewhere `or` is the first known of its operands
-- and `and` its last, or unknown when one before it does not hold: `retrans or 0`,
-- `recv_q > 0 and "stuck" or "idle"`.
--
-- The text is flat, its jumps are gotos, and all locals stand at its top: no closure, table or
-- vararg, so that LuaJIT compiles it. A field is read where it is first needed, and again only
-- behind the meeting of two paths one of which has not read it. Only literals that this file prints
-- and names out of the catalog get into the text.
local parse = require "sockq.expr.parse"
local check = require "sockq.expr.check"

local concat = table.concat
local huge, max = math.huge, math.max
local load = load
local sformat = string.format

-- LuaJIT reads 200 levels of brackets; a value that is nested deeper than this goes into a local.
local MAX_BRACKETS = 30

--- One line of the function.
---@param gen table
local function emit(gen, format, ...)
  gen.lines[#gen.lines + 1] = "  " .. sformat(format, ...)
end

---@param gen table
---@return table label
local function new_label(gen)
  gen.labels = gen.labels + 1
  return { name = "l" .. gen.labels }
end

--- The fields that are read on both of two paths.
---@param one? table  nil: this path does not exist yet
---@param other table
---@return table
local function both(one, other)
  local common = {}
  for name in pairs(one or other) do common[name] = other[name] end
  return common
end

--- Jump to a label when a condition holds.
---@param gen table
---@param label table
---@param condition string
local function jump_if(gen, label, condition)
  label.have = both(label.have, gen.have)
  emit(gen, "if %s then goto %s end", condition, label.name)
end

--- Put a label that is reached by its jumps and from the line above.
---@param gen table
---@param label table
local function place(gen, label)
  if not label.have then return end
  gen.have = both(label.have, gen.have)
  emit(gen, "::%s::", label.name)
end

--- A local for a result in between; it is free again when gen.temps goes back below it.
---@param gen table
---@return string
local function new_temp(gen)
  gen.temps = gen.temps + 1
  if gen.temps > gen.most_temps then gen.most_temps = gen.temps end
  return "t" .. gen.temps
end

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat "
  .. "return then true until while"):gmatch "%l+" do
  keywords[word] = true
end

---@param name string
---@return boolean  # it can stand behind a dot
local function is_name(name) return name:find "^[%a_][%w_]*$" and not keywords[name] or false end

local function print_string(value)
  return (sformat("%q", value):gsub("\\\n", "\\n"))
end

--- The local that holds a field, read if it is not yet on this path.
---@param gen table
---@param name string
---@return string
local function read(gen, name)
  local variable = gen.declared[name]
  if not variable then
    variable = is_name(name) and "f_" .. name or "g_" .. #gen.locals
    gen.declared[name] = variable
    gen.locals[#gen.locals + 1] = variable
  end
  if not gen.have[name] then
    gen.have[name] = true
    emit(gen, is_name(name) and "%s = row.%s" or "%s = row[%s]", variable,
      is_name(name) and name or print_string(name))
  end
  return variable
end

--- Remember that a local may be nil.
---@param checks table  list and set of such locals
---@param variable string
local function may_be_nil(checks, variable)
  if not checks[variable] then
    checks[variable] = true
    checks[#checks + 1] = variable
  end
end

--- Remember what another value needs too.
---@param checks table
---@param more table
local function add(checks, more)
  for i = 1, #more do may_be_nil(checks, more[i]) end
end

--- The condition under which a value is known.
---@param checks table
---@return string?  # nil: always
local function known(checks)
  return checks[1] and concat(checks, " ~= nil and ") .. " ~= nil"
end

---@param value number
---@return string
local function print_number(value)
  if value ~= value then return "(0/0)" end
  if value == huge then return "1e999" end
  if value < 0 or 1 / value < 0 then return "(-" .. print_number(-value) .. ")" end
  return sformat("%.17g", value)
end

local compare, jump, value

--- Store a value, nil when it is not known.
---@param gen table
---@param variable string
---@param text string
---@param checks table
local function store(gen, variable, text, checks)
  if known(checks) then
    emit(gen, "if %s then %s = %s else %s = nil end", known(checks), variable, text, variable)
  else
    emit(gen, "%s = %s", variable, text)
  end
end

--- How each kind of node is computed: (gen, node, checks) to a Lua expression that may be evaluated
--- when all of `checks` are not nil, and the depth of its brackets.
local values = {}

function values.number(_, node) return print_number(node.value), 0 end

function values.string(_, node) return print_string(node.value), 0 end

function values.boolean(_, node) return tostring(node.value), 0 end

values["nil"] = function(_, _, checks)
  may_be_nil(checks, "nil")
  return "nil", 0
end

function values.field(gen, node, checks)
  local variable = read(gen, node.field.name)
  may_be_nil(checks, variable)
  return variable, 0
end

function values.negate(gen, node, checks)
  local text, depth = value(gen, node[1], checks)
  return "(-" .. text .. ")", depth + 1
end

--- A run of operands with their operators between them.
local function run(gen, node, checks)
  local pieces, deepest = {}, 0
  for i = 1, #node do
    local text, depth = value(gen, node[i], checks)
    deepest = max(deepest, depth)
    pieces[#pieces + 1] = text
    pieces[#pieces + 1] = node.ops[i]
  end
  return "(" .. concat(pieces, " ") .. ")", deepest + 1
end

values.arithmetic, values.concat = run, run

-- Values of any type on their way to a function that takes one: unknown if they are of another.
local only = {
  number = function(given) return type(given) == "number" and given or nil end,
  string = function(given) return type(given) == "string" and given or nil end,
}

--- An argument of a function.
local function argument_of(gen, node, checks)
  local class = node.must_be
  if not only[class] then return value(gen, node, checks) end
  local mark, own = gen.temps, {}
  local text = value(gen, node, own)
  gen.temps = mark
  local name, temp = "only_" .. class, new_temp(gen)
  if not gen.helpers[name] then
    gen.helpers[name] = only[class]
    gen.upvalues[#gen.upvalues + 1] = name
  end
  store(gen, temp, sformat("%s(%s)", name, text), own)
  may_be_nil(checks, temp)
  return temp
end

function values.call(gen, node, checks)
  local mark, arguments, own = gen.temps, {}, {}
  local helper, name = node.helper, "h_" .. node.name
  local special = helper.specialize and helper.specialize(node, gen.sockets)
  local given = node
  if special then
    given, name = special.arguments or {}, sformat("h%d_%s", #gen.upvalues + 1, node.name)
    if special.row then arguments[1] = "row" end
  end
  for i = 1, #given do arguments[#arguments + 1] = argument_of(gen, given[i], own) end
  gen.temps = mark
  if not gen.helpers[name] then
    gen.helpers[name] = (special or helper).call
    gen.upvalues[#gen.upvalues + 1] = name
  end
  local temp = new_temp(gen)
  store(gen, temp, sformat("%s(%s)", name, concat(arguments, ", ")), own)
  may_be_nil(checks, temp)
  return temp, 0
end

function values.compare(gen, node)
  local text, depth = compare(gen, node)
  return "(" .. text .. ")", depth + 1
end

--- A condition as true or false.
local function truth(gen, node)
  local temp, done = new_temp(gen), new_label(gen)
  emit(gen, "%s = false", temp)
  jump(gen, node, false, done)
  emit(gen, "%s = true", temp)
  place(gen, done)
  return temp, 0
end

values["not"] = truth

values["and"] = function(gen, node, checks)
  if node.class == "boolean" then return truth(gen, node) end
  local temp, done = new_temp(gen), new_label(gen)
  local mark, own = gen.temps, {}
  emit(gen, "%s = nil", temp)
  for i = 1, #node - 1 do jump(gen, node[i], false, done) end
  local text = value(gen, node[#node], own)
  store(gen, temp, text, own)
  gen.temps = mark
  place(gen, done)
  may_be_nil(checks, temp)
  return temp, 0
end

values["or"] = function(gen, node, checks)
  if node.class == "boolean" then return truth(gen, node) end
  local temp, done = new_temp(gen), new_label(gen)
  local mark = gen.temps
  local nilable = true
  for i = 1, #node do
    local own = {}
    local text = value(gen, node[i], own)
    gen.temps = mark
    nilable = known(own)
    store(gen, temp, text, own)
    if not nilable then break end
    if i < #node then jump_if(gen, done, temp .. " ~= nil") end
  end
  place(gen, done)
  if nilable then may_be_nil(checks, temp) end
  return temp, 0
end

function value(gen, node, checks)
  local mark, own = gen.temps, {}
  local text, depth = values[node.kind](gen, node, own)
  if depth > MAX_BRACKETS then
    gen.temps = mark
    local temp = new_temp(gen)
    store(gen, temp, text, own)
    if known(own) then may_be_nil(checks, temp) end
    return temp, 0
  end
  add(checks, own)
  return text, depth
end

--- A comparison of a field with a text, if the field has a function for it.
---@return string?  # a Lua condition
local function compare_special(gen, node, op)
  local field, literal = node[1], node[2]
  if field.kind == "string" then field, literal = literal, field end
  local make = gen.sockets and field.kind == "field" and field.field.comparison
  if not make or literal.kind ~= "string" or op ~= "==" and op ~= "~=" then return nil end
  local name = sformat("c%d_%s", #gen.upvalues + 1, field.field.name)
  gen.helpers[name] = make(field.field.name, op, literal.value)
  gen.upvalues[#gen.upvalues + 1] = name
  return name .. "(row)"
end

--- A comparison as a Lua condition that is false when an operand is unknown.
---@return string
---@return integer  # the depth of its brackets
function compare(gen, node)
  local op, left_checks, right_checks = node.ops[1], {}, {}
  local special = compare_special(gen, node, op)
  if special then return special, 0 end
  local left, left_depth = value(gen, node[1], left_checks)
  local right, right_depth = value(gen, node[2], right_checks)
  if node[1].kind == "nil" or node[2].kind == "nil" then
    local asked = known(node[1].kind == "nil" and right_checks or left_checks)
    if op == "==" then return asked and "not (" .. asked .. ")" or "false", 1 end
    return asked or "true", 0
  end
  -- A lone local is never equal to a value that is known.
  local lone = left_checks[left] and #right_checks == 0
    or right_checks[right] and #left_checks == 0
  local comparison = sformat("%s %s %s", left, op, right)
  local depth = max(left_depth, right_depth)
  if op == "==" and lone then return comparison, depth end
  add(left_checks, right_checks)
  local both_known = known(left_checks)
  return both_known and both_known .. " and " .. comparison or comparison, depth
end

--- A node as a Lua condition.
local function condition(gen, node)
  if node.kind == "compare" then return (compare(gen, node)) end
  local checks = {}
  local text = value(gen, node, checks)
  if node.class == "boolean" then return text end
  local when = known(checks) or "true"
  return node.class == "any" and sformat("%s and %s ~= false", when, text) or when
end

--- Jump to a label if a condition is `sense`, else fall through.
---@param gen table
---@param node table
---@param sense boolean
---@param label table
function jump(gen, node, sense, label)
  if node.kind == "not" then return jump(gen, node[1], not sense, label) end
  if node.kind ~= "and" and node.kind ~= "or" then
    local mark = gen.temps
    local text = condition(gen, node)
    gen.temps = mark
    return jump_if(gen, label, sense and text or "not (" .. text .. ")")
  end
  -- Each operand of `and` that fails, or of `or` that holds, decides.
  local decides = node.kind == "or"
  local out = sense == decides and label or new_label(gen)
  for i = 1, #node - 1 do jump(gen, node[i], decides, out) end
  jump(gen, node[#node], sense, label)
  if out ~= label then place(gen, out) end
end

--- The Lua text of a tree.
---@param tree table  from check.tree()
---@param want string  "truth" or "value"
---@param sockets? boolean  the rows are of sockets
---@return string
---@return table  # what its globals are: the helpers
local function generate(tree, want, sockets)
  local gen = {
    sockets = sockets,
    lines = {}, have = {}, declared = {}, locals = {}, temps = 0, most_temps = 0, labels = 0,
    helpers = {}, upvalues = {},
  }
  if want == "truth" then
    local no = new_label(gen)
    jump(gen, tree, false, no)
    emit(gen, "do return true end")
    place(gen, no)
    emit(gen, "return false")
  else
    local checks = {}
    local text = value(gen, tree, checks)
    if known(checks) then emit(gen, "if %s then return %s end", known(checks), text) end
    emit(gen, "return %s", known(checks) and "nil" or text)
  end

  for i = 1, gen.most_temps do gen.locals[#gen.locals + 1] = "t" .. i end
  local head = {}
  local upvalues = concat(gen.upvalues, ", ")
  if upvalues ~= "" then head[1] = sformat("local %s = %s\n", upvalues, upvalues) end
  head[#head + 1] = "return function(row)\n"
  if gen.locals[1] then
    head[#head + 1] = sformat("  local %s\n", concat(gen.locals, ", "))
  end
  return concat(head) .. concat(gen.lines, "\n") .. "\nend\n", gen.helpers
end

local compile = {}

--- Compile a tree. Only below parse.protect().
---@param tree table  from parse.tree(); changed in place
---@param text string  what it was parsed from
---@param catalog table  see sockq.expr
---@param want string  "truth" for a predicate, "value" for what a key or a column shows
---@return table  # func, code (Lua text), fields (set), type, tree (checked)
function compile.tree(tree, text, catalog, want)
  local checked, fields = check.tree(tree, text, catalog, want)
  local code, helpers = generate(checked, want, catalog.sockets)
  local chunk, why = load(code, "=expr", "t", helpers)
  if not chunk then
    -- The text is ours, so this is one of LuaJIT's limits on the size of a function.
    parse.raise(1, sformat("too much for one function (%s); split the expression",
      why:gsub("^expr:%d+: ", ""):gsub(" near .*", "")))
  end
  return { func = chunk(), code = code, fields = fields, type = checked.type, tree = checked }
end

--- Compile an expression. Only below parse.protect().
---@param text string
function compile.text(text, catalog, want)
  return compile.tree(parse.tree(text), text, catalog, want)
end

return compile
