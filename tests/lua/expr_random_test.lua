--- Random expressions against a small interpreter of their own, and what LuaJIT compiles.
--
--   luajit tests/lua/expr_random_test.lua [SEED]    from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local expr = require "sockq.expr"
local jit_util = require "jit.util"

-- What runs once is not worth compiling.
local compiles = jit.status()
jit.off()

local seed = tonumber(arg[1]) or os.time() % 1000000
math.randomseed(seed)
print("seed " .. seed)

local random = math.random
local ROUNDS = 3000

local function pick(list) return list[random(#list)] end

local catalog = {
  fields = {
    state = { name = "state", type = "string" }, proto = { name = "proto", type = "string" },
    program = { name = "program", type = "string" }, pid = { name = "pid", type = "integer" },
    recv_q = { name = "recv_q", type = "integer" }, expires = { name = "expires", type = "number" },
    orphan = { name = "orphan", type = "boolean" }, bound = { name = "bound", type = "boolean" },
  },
  predicates = { LISTEN = 'state == "LISTEN"', tcp = 'proto == "tcp" or proto == "tcp6"' },
  helpers = {
    -- Unknown for some arguments.
    half = { min = 1, max = 1, types = { "number" }, returns = "number",
      call = function(n) if n % 2 == 0 then return n / 2 end end },
    -- math.min of a NaN depends on whether LuaJIT has compiled it.
    least = { min = 2, max = 2, types = { "number" }, returns = "number",
      call = function(a, b) return a < b and a or b end },
    twice = { min = 1, max = 1, types = { "string" }, returns = "string",
      call = function(text) return text .. text end },
    longer = { min = 2, max = 2, types = { "string", "number" }, returns = "boolean",
      call = function(text, n) return #text > n end },
  },
}

--- A tree of this test's own: { operator, operands … }. `kind` is number, string, boolean (as a
--- value) or condition (anything that may stand between and, or, not).
local grow

local fields_of = {
  number = { "pid", "recv_q", "expires" }, string = { "state", "proto", "program" },
  boolean = { "orphan", "bound" },
}
local WORDS = { "LISTEN", "TIME_WAIT", "tcp", "tcp6", "nginx", "", "\n\0\"'\\", "\255z" }
local NUMBERS = { 0, 1, 2, 3, 7, 10, 255, 0.5, 2.25, 1e3, 4294967296 }

local function leaf(kind)
  if random(3) > 1 then return { "field", pick(fields_of[kind]) } end
  if kind == "number" then return { "literal", pick(NUMBERS) } end
  if kind == "string" then return { "literal", pick(WORDS) } end
  return { "literal", random(2) == 1 }
end

local makers = {
  number = {
    function(d)
      return { pick { "+", "-", "*", "/", "%" }, grow("number", d), grow("number", d) }
    end,
    function(d) return { "negate", grow("number", d) } end,
    function(d) return { "half", grow("number", d) } end,
    function(d) return { "least", grow("number", d), grow("number", d) } end,
    function(d) return { "first", grow("number", d), grow("number", d) } end,
    function(d) return { "guard", grow("condition", d), grow("number", d) } end,
  },
  string = {
    function(d) return { "..", grow("string", d), grow(pick { "string", "number" }, d) } end,
    function(d) return { "twice", grow("string", d) } end,
    function(d) return { "first", grow("string", d), grow("string", d) } end,
    function(d)
      return { "first", { "guard", grow("condition", d), grow("string", d) }, grow("string", d) }
    end,
  },
  boolean = {
    function(d)
      local kind = pick { "number", "string" }
      return { pick { "==", "~=", "<", "<=", ">", ">=" }, grow(kind, d), grow(kind, d) }
    end,
    function(d) return { pick { "==", "~=" }, grow("boolean", d), grow("boolean", d) } end,
    function(d)
      return { pick { "unknown", "known" }, grow(pick { "number", "string", "boolean" }, d) }
    end,
    function(d) return { "not", grow("condition", d) } end,
    function(d) return { "longer", grow("string", d), grow("number", d) } end,
    function(d) return { "and", grow("condition", d), grow("boolean", d) } end,
    function(d) return { "or", grow("boolean", d), grow("boolean", d) } end,
    function() return { "word", pick { "LISTEN", "tcp" } } end,
    function() return { "==", { "field", "state" }, { "literal", pick(WORDS) } } end,
  },
  condition = {
    function(d) return { pick { "and", "or" }, grow("condition", d), grow("condition", d) } end,
    function(d) return { "not", grow("condition", d) } end,
    function(d) return grow("boolean", d) end,
    function(d) return grow(pick { "number", "string" }, d) end,
  },
}

function grow(kind, depth)
  if depth <= 0 then return leaf(kind == "condition" and pick { "number", "boolean" } or kind) end
  return pick(makers[kind])(depth - random(2))
end

--- How a tree is written: rank of its operator, then text. Brackets where Lua needs them, and some.
local ranks = { ["or"] = 1, first = 1, ["and"] = 2, guard = 2, ["=="] = 3, ["~="] = 3, ["<"] = 3,
  ["<="] = 3, [">"] = 3, [">="] = 3, unknown = 3, known = 3, [".."] = 4, ["+"] = 5, ["-"] = 5,
  ["*"] = 6, ["/"] = 6, ["%"] = 6, ["not"] = 7, negate = 7 }
local spelling = { first = "or", guard = "and" }
local written_as = { ["~="] = { "~=", "!=" } }

local function write_literal(value)
  if type(value) == "boolean" then return tostring(value) end
  if type(value) == "number" then
    if value == math.floor(value) and random(3) == 1 then return ("0x%x"):format(value) end
    return (pick { "%.17g", "%.2f", "%.16e" }):format(value)
  end
  local mark = pick { '"', "'" }
  return mark .. value:gsub(".", function(c)
    if c:find '[\\"\'%c\128-\255]' or random(8) == 1 then
      return (pick { "\\%03d", "\\x%02x" }):format(c:byte())
    end
  end) .. mark
end

local write

--- A child, in brackets when it binds less tightly than `rank`.
local function write_child(node, rank)
  local text, own = write(node)
  if own < rank or random(12) == 1 then
    return "(" .. pick { "", " " } .. text .. ")"
  end
  return text
end

function write(node)
  local op = node[1]
  local rank = ranks[op]
  if op == "literal" then return write_literal(node[2]), 9 end
  if op == "field" or op == "word" then return node[2], 9 end
  if op == "unknown" or op == "known" then
    local sign, child = op == "unknown" and " == " or " ~= ", write_child(node[2], 4)
    return random(2) == 1 and child .. sign .. "nil" or "nil" .. sign .. child, 3
  end
  if op == "not" then return "not " .. write_child(node[2], 7), 7 end
  if op == "negate" then return pick { "-", "- " } .. write_child(node[2], 7), 7 end
  if not rank then
    local arguments = {}
    for i = 2, #node do arguments[i - 1] = write_child(node[i], 1) end
    return op .. pick { "(", " ( " } .. table.concat(arguments, pick { ",", " , " }) .. ")", 9
  end
  local right_rank = (op == "and" or op == "or" or op == "..") and rank or rank + 1
  return write_child(node[2], rank == 3 and 4 or rank) .. " " .. pick(written_as[op] or
    { spelling[op] or op }) .. pick { " ", "\n", "  " } .. write_child(node[3], right_rank), rank
end

--- The interpreter: what a tree is worth for a row. It notes the fields that it reads in `seen`.
local run

local function holds(node, row, seen)
  local result = run(node, row, seen)
  return result ~= nil and result ~= false
end

local operations = {
  ["+"] = function(a, b) return a + b end, ["-"] = function(a, b) return a - b end,
  ["*"] = function(a, b) return a * b end, ["/"] = function(a, b) return a / b end,
  ["%"] = function(a, b) return a % b end, [".."] = function(a, b) return a .. b end,
  ["=="] = function(a, b) return a == b end, ["~="] = function(a, b) return a ~= b end,
  ["<"] = function(a, b) return a < b end, ["<="] = function(a, b) return a <= b end,
  [">"] = function(a, b) return b < a end, [">="] = function(a, b) return b <= a end,
  negate = function(a) return -a end,
}
for name, helper in pairs(catalog.helpers) do operations[name] = helper.call end

local special = {
  literal = function(node) return node[2] end,
  field = function(node, row, seen)
    seen[node[2]] = true
    return row[node[2]]
  end,
  word = function(node, row, seen)
    if node[2] == "LISTEN" then
      seen.state = true
      return row.state == "LISTEN"
    end
    seen.proto = true
    return row.proto == "tcp" or row.proto == "tcp6"
  end,
  ["not"] = function(node, row, seen) return not holds(node[2], row, seen) end,
  ["and"] = function(node, row, seen)
    return holds(node[2], row, seen) and holds(node[3], row, seen)
  end,
  ["or"] = function(node, row, seen)
    return holds(node[2], row, seen) or holds(node[3], row, seen)
  end,
  guard = function(node, row, seen)
    if holds(node[2], row, seen) then return run(node[3], row, seen) end
  end,
  first = function(node, row, seen)
    local result = run(node[2], row, seen)
    if result ~= nil then return result end
    return run(node[3], row, seen)
  end,
  unknown = function(node, row, seen) return run(node[2], row, seen) == nil end,
  known = function(node, row, seen) return run(node[2], row, seen) ~= nil end,
}

function run(node, row, seen)
  local op = node[1]
  if special[op] then return special[op](node, row, seen) end
  local a = run(node[2], row, seen)
  local b = node[3] and run(node[3], row, seen)
  if a == nil or node[3] and b == nil then
    if ranks[op] == 3 then return false end
    return nil
  end
  return operations[op](a, b)
end

local function any_row()
  local row = {}
  for kind, names in pairs(fields_of) do
    for _, name in ipairs(names) do
      local value
      if kind == "number" then value = pick(NUMBERS) end
      if kind == "string" then value = pick(WORDS) end
      if kind == "boolean" then value = random(2) == 1 end
      if random(3) > 1 then row[name] = value end
    end
  end
  return row
end

--- A row that notes what is read.
local function watched(row)
  local seen = {}
  return setmetatable({}, { __index = function(_, name)
    seen[name] = true
    return row[name]
  end }), seen
end

--- First difference between the compiled function and the interpreter, or nil.
local function difference(tree, compiled, of_value)
  for _ = 1, 12 do
    local row = any_row()
    local proxy, seen = watched(row)
    local want_seen = {}
    local want = (of_value and run or holds)(tree, row, want_seen)
    local got = (compiled.value or compiled.predicate)(proxy)
    if got ~= want and (got == got or want == want) then
      return ("got %s, want %s"):format(check.show(got), check.show(want))
    end
    for name in pairs(seen) do
      if not want_seen[name] then return name .. " is read for nothing" end
      if not compiled.fields[name] then return name .. " is missing in fields" end
    end
    local narrow = compiled.narrow or {}
    if got and (narrow.states and not narrow.states[row.state]
      or narrow.protos and not narrow.protos[row.proto]) then
      return "a matching row would not have been collected"
    end
  end
end

--- True if a number or text stands in a tree: alone as a condition it is refused.
local function has_literal(node)
  if node[1] == "literal" then return type(node[2]) ~= "boolean" end
  for i = 2, #node do
    if type(node[i]) == "table" and has_literal(node[i]) then return true end
  end
  return false
end

local narrowed, refused = 0, 0
for i = 1, ROUNDS do
  local kind = pick { "condition", "condition", "number", "string", "boolean" }
  local tree = grow(kind, random(0, 9))
  local text = write(tree)
  local of_value = kind ~= "condition"
  local compiled, err = (of_value and expr.compile_value or expr.compile)(text, catalog)
  local name = ("%s %d of seed %d"):format(kind, i, seed)
  if compiled then
    local wrong = difference(tree, compiled, of_value)
    check.ok(name, not wrong, text .. "\n" .. tostring(wrong) .. "\n" .. compiled.code)
    if compiled.narrow and next(compiled.narrow) then narrowed = narrowed + 1 end
  elseif err.message:find("is no condition", 1, true) then
    refused = refused + 1
    check.ok(name, has_literal(tree), text .. "\n" .. expr.explain_error(err))
  else
    check.fail(name, text .. "\n" .. expr.explain_error(err))
  end
end
check.ok("most of them are compiled", refused < ROUNDS / 2, tostring(refused))
check.ok("some of them narrow the collection", narrowed > ROUNDS / 100, tostring(narrowed))

--- What LuaJIT says about the functions while `work` runs: those it recorded, those it gave up.
local function trace(work)
  local recorded, aborted = {}, {}
  local function generated(func)
    local info = func and jit_util.funcinfo(func)
    return info and info.source == "=expr"
  end
  local function on_trace(what, _, func, _, code)
    if what == "abort" and generated(func) then aborted[#aborted + 1] = tostring(code) end
  end
  local function on_record(_, func)
    if generated(func) then recorded[func] = true end
  end
  jit.flush()
  jit.attach(on_trace, "trace")
  jit.attach(on_record, "record")
  work()
  jit.attach(on_trace)
  jit.attach(on_record)
  return recorded, table.concat(aborted, " ")
end

if compiles then
  jit.on()
  local rows = {}
  for i = 1, 1000 do rows[i] = any_row() end
  for _, text in ipairs {
    "LISTEN", "tcp and pid == nil", "recv_q > 0 and (pid < 8 or expires > 1) and not orphan",
    "recv_q + expires * 2 - pid % 3 > 4", "(pid or recv_q or -1) >= 2 and bound ~= true",
    "half(pid) == 1 or longer(program, recv_q)", "program < 'o' and program ~= state",
    "(recv_q > 1 and 'stuck' or state) .. '' ~= proto", "least(pid, 3) .. ':' .. recv_q == '3:1'",
    "not (LISTEN or tcp and pid) or (orphan and bound) == bound",
  } do
    local predicate = expr.compile(text, catalog).predicate
    local count = 0
    local recorded, aborted = trace(function()
      for i = 1, 100000 do
        if predicate(rows[i % 1000 + 1]) then count = count + 1 end
      end
    end)
    check.ok("compiled: " .. text, recorded[predicate], "never recorded")
    check.equal("no abort: " .. text, aborted, "")
    local want = 0
    for i = 1, 1000 do
      if predicate(rows[i]) then want = want + 1 end
    end
    check.equal("the trace counts the same: " .. text, count, want * 100)
  end
else
  print("the JIT compiler is off: no traces to check")
end

check.finish()
