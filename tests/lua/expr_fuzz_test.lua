--- Random bytes and random text that is nearly right, through every way into expressions: an answer in
--- our own words, or functions that run over the captures' rows without raising.
--
--   luajit tests/lua/expr_fuzz_test.lua [SEED [SECONDS]]    from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local aggregates = require "sockq.expr.aggregates"
local catalog = require "sockq.catalog"
local check = require "check"
local escape = require "sockq.escape"
local expr = require "sockq.expr"
local fields = require "sockq.fields"
local helpers = require "sockq.expr.helpers"
local sockq = require "sockq"

-- Each text runs over few rows: compiling it for the processor would take most of the time.
jit.off()

local seed = tonumber(arg[1]) or os.time() % 1000000
local SECONDS = tonumber(arg[2]) or 4
math.randomseed(seed)
print("seed " .. seed)

local random = math.random
local function pick(list) return list[random(#list)] end

-- Rows of every kind.
local rows = {}
for _, capture in ipairs { "mixed-1", "mixed-2", "centos7-seed" } do
  sockq.open("tests/data/captures/" .. capture .. "/proc")
  local seen = {}
  for row in sockq.all():rows() do
    local kind = row.proto .. (row.state or "") .. (row.timer or "")
    seen[kind] = (seen[kind] or 0) + 1
    if seen[kind] <= 2 then rows[#rows + 1] = row end
  end
end
check.ok("rows of every kind", #rows > 60, #rows .. " of them")

local grouped = { list = {}, by_name = {} }
for _, entry in ipairs {
  { name = "state", type = "string", values = fields.by_name.state.values }, { name = "count", type = "integer" },
  { name = "max(expires)", type = "number" }, { name = "p99.9(recv_q)", type = "number" }, { name = "any" },
  { name = "subnet(remote_addr,24)", type = "string" }, { name = "steps", type = "histogram" },
} do
  grouped.list[#grouped.list + 1], grouped.by_name[entry.name] = entry, entry
end
local groups = {
  { state = "LISTEN", count = 7, ["max(expires)"] = 1.5, ["p99.9(recv_q)"] = 0, any = "text",
    ["subnet(remote_addr,24)"] = "10.1.2.0/24", steps = {} },
  { count = 0, any = 7 }, {},
}

local ways = {
  { "sockets", catalog.of(fields), rows },
  { "groups", catalog.of(grouped), groups },
}

-- What texts are made of.

local function keys(map)
  local list = {}
  for key in pairs(map) do list[#list + 1] = key end
  table.sort(list)
  return list
end

local NAMES = {}
for _, way in ipairs(ways) do
  for _, part in ipairs { "fields", "predicates", "helpers", "constants" } do
    for _, name in ipairs(keys(way[2][part])) do NAMES[#NAMES + 1] = name end
  end
end
for _, name in ipairs(aggregates.names()) do NAMES[#NAMES + 1] = name end

local CORPUS = {
  "LISTEN", "CLOSE_WAIT and recv_q > 0", "tcp and not (pid == nil)", "wait=60-expires, -recv_q, state",
  "count, worst=max(expires), p99.9(recv_q), histogram(recv_q, 4*KiB)", "count(LISTEN), first(owners)",
  "state == 'time-wait' or timer ~= \"unkn-5\"", "(retrans or 0) + (probes or 0) * 2 % 3 >= -1",
  'within(remote_addr, "10.0.0.0/8") and scope(local_addr) == "public"', 'remote_addr == "2001:db8::1"',
  'state, net=subnet(remote_addr, 24, 48), bucket(expires, 10)', 'match(cmdline, "^%a+ [-%w]*$") or lower(program) == "x"',
  'service(local_port, proto) == "http" and floor(expires) == abs(-2)', "recv_q > 0 and 'stuck' or 'idle'",
  "max(expires) > 1 and p99.9(recv_q) ~= 5", "local_port .. ':' .. remote_port ~= ':'", "owners ~= nil", "nil == pid",
  ":3000", ":ssh", "10.0.0.0/8", "10.1.2.3:443", "[fe80::1]:22", "fe80::/10", "::1", "-count, subnet(remote_addr,24)",
  "not not true == (LISTEN and pid)", "lower(any) == 'x' or abs(any) == 7",
  "1e3 < 0x10 and .5 >= 5.", "'\\065\\x41\\z  \\n' == \"\\\"\"", "min(pid, max(fd, 3)) == uid",
}
for _, helper in ipairs(helpers.list) do CORPUS[#CORPUS + 1] = helper.example[1] .. " == nil" end
for _, entry in ipairs(aggregates.list) do CORPUS[#CORPUS + 1] = entry.example end

local MARKS = { "(", ")", ",", "==", "~=", "!=", "<", "<=", ">", ">=", "..", ".", "+", "-", "*", "/", "%", "=", "!", "&&",
  "||", "&", "|", ":", "[", "]", "{", "}", "#", "^", "~", "'", '"', "\\", " ", " ", "\n", "\t", "\0", "\255", "ü", "日",
  "and", "or", "not", "nil", "true", "false", "function", "end", "goto", "--", "[[", "0", "7", "1e999", "0x", "1..2", "0/0" }
local TEXTS = { "LISTEN", "10.0.0.0/8", "10.0.0.0/33", "::1", "fe80::/10", "^%a+", "[", "%", "(", "a.b", "", "tcp", "x y" }

local function token()
  local kind = random(10)
  if kind <= 4 then return pick(NAMES) end
  if kind <= 8 then return pick(MARKS) end
  if kind == 9 then return ("%q"):format(pick(TEXTS)) end
  return tostring(random(3) == 1 and random(0, 70000) or random() * 100)
end

local function random_bytes()
  local parts = {}
  for i = 1, random(0, 40) do parts[i] = string.char(random(0, 255)) end
  return table.concat(parts)
end

local function random_tokens()
  local parts, blank = {}, pick { "", " " }
  for i = 1, random(1, 20) do parts[i] = token() end
  return table.concat(parts, blank)
end

--- A text that is right with a few bytes wrong.
local function mutated()
  local text = pick(CORPUS)
  for _ = 1, random(0, 3) do
    local at, kind = random(0, #text), random(5)
    local before, behind = text:sub(1, at), text:sub(at + 1)
    if kind == 1 then behind = behind:sub(2)
    elseif kind == 2 then before = before .. string.char(random(0, 255))
    elseif kind == 3 then before = before .. token()
    elseif kind == 4 then before = before:sub(1, random(0, #before))
    else behind = behind .. " " .. pick(CORPUS) end
    text = before .. behind
  end
  return text
end

--- Two texts that are right, joined within.
local function spliced()
  local a, b = pick(CORPUS), pick(CORPUS)
  local joined = pick { " and ", " or ", ", ", " == ", " .. ", " + ", "" }
  if random(2) == 1 then return a .. joined .. b end
  return a:sub(1, random(0, #a)) .. joined .. b:sub(random(1, #b))
end

--- Nested by rules: mostly right.
local function grown(depth)
  if depth <= 0 then return random(2) == 1 and pick(NAMES) or token() end
  local kind = random(7)
  if kind == 1 then return "(" .. grown(depth - 1) .. ")" end
  if kind == 2 then return pick { "not ", "-", "- " } .. grown(depth - 1) end
  if kind == 3 then
    local helper = pick(helpers.list)
    local arguments = {}
    for i = 1, random(helper.min, helper.max) do
      arguments[i] = helper.types[i] == "string" and random(2) == 1 and ("%q"):format(pick(TEXTS)) or grown(depth - 2)
    end
    return helper.name .. "(" .. table.concat(arguments, ", ") .. ")"
  end
  return grown(depth - 1) .. " " .. pick { "and", "or", "==", "~=", "<", "+", "*", "%", "..", "/" } .. " " .. grown(depth - 2)
end

local makers = { random_bytes, random_tokens, mutated, mutated, spliced, function() return grown(random(1, 6)) end }

-- What may come back.

-- Words that only Lua's own messages have.
local FOREIGN = { "%.lua:%d", "attempt to", "bad argument", "stack traceback", "stack overflow", "string expected",
  "number expected", "malformed pattern", "invalid capture", "nil value", "table:", "function:", "userdata", "cdata",
  "near '", "[Ss]yntax error" }

--- What is wrong with a problem, nil if nothing is.
local function fault(problem, text)
  if type(problem) ~= "table" or type(problem.message) ~= "string" then return "no problem came back" end
  local said, marked = expr.explain_error(problem), expr.point_at_error(problem)
  -- What the user wrote is no message of ours.
  local own = said:gsub('".-"', '""')
  for _, words in ipairs(FOREIGN) do
    if own:find(words) then return "Lua's words: " .. said end
  end
  if said:find "%c" or escape.bytes(said) ~= said then return "not one clean line: " .. said end
  if #said > 600 then return "too long: " .. said end
  if not problem.message:find "; " then return "no remedy: " .. said end
  if problem.message:find "%.$" or problem.message:find "; .*; " and #problem.message < 20 then return "form: " .. said end
  local line = 0
  for this in (text .. "\n"):gmatch "([^\n]*)\n" do
    line = line + 1
    if line == problem.line and (problem.column < 1 or problem.column > #this + 1) then return "column: " .. said end
  end
  if problem.line < 1 or problem.line > line then return "line: " .. said end
  local shown, caret = marked:match "^([^\n]*)\n( *)%^$"
  if not shown or #caret > 36 or escape.bytes(shown) ~= shown then return "marked: " .. marked end
end

local TYPES = { string = "string", integer = "number", number = "number", boolean = "boolean", list = "table",
  histogram = "table" }

--- Run a function over rows, nil if it behaves.
local function run(func, kind, over)
  for _, row in ipairs(over) do
    local ok, value = pcall(func, row)
    if not ok then return "raised " .. tostring(value) end
    if kind == "condition" and type(value) ~= "boolean" then return "a condition is " .. tostring(value) end
    local expected = TYPES[kind]
    if value ~= nil and expected and type(value) ~= expected then
      return ("is a %s, not a %s"):format(type(value), kind)
    end
  end
end

--- Every way into expressions: (text, catalog, rows) → compiled or not, what is wrong.
local entries = {
  compile = function(text, words, over)
    local compiled, problem = expr.compile(text, words)
    if not compiled then return false, fault(problem, text) end
    return true, run(compiled.predicate, "condition", over)
  end,
  compile_value = function(text, words, over)
    local compiled, problem = expr.compile_value(text, words)
    if not compiled then return false, fault(problem, text) end
    return true, run(compiled.value, compiled.type, over)
  end,
  argument = function(text, words, over)
    local made, problem = expr.argument(text)
    if not made then return false, fault(problem, text) end
    if made == text then return false end
    local compiled, why = expr.compile(made, words)
    if not compiled then return false, words.sockets and "it does not compile: " .. why.message or nil end
    return true, run(compiled.predicate, "condition", over)
  end,
}
for name, options in pairs { list = {}, keys = { keys = true }, sort = { descending = true } } do
  entries["list, " .. name] = function(text, words, over)
    local items, problem = expr.list(text, words, options)
    if not items then return false, fault(problem, text) end
    for _, item in ipairs(items) do
      local wrong = run(item.value, item.type, over)
      if wrong then return true, wrong end
    end
    return true
  end
end
entries["list, aggregates"] = function(text, words, over)
  local items, problem = expr.list(text, words, { aggregates = true })
  if not items then return false, fault(problem, text) end
  for _, item in ipairs(items) do
    local argument = item.argument
    local wrong = argument and run(argument.value or argument.predicate, argument.value and argument.type or "condition",
      over)
    if wrong then return true, wrong end
  end
  return true
end

local names = keys(entries)
local count, compiled, wrong = 0, {}, nil
local stop = os.clock() + SECONDS
while os.clock() < stop and not wrong do
  for _ = 1, 50 do
    local text, way = pick(makers)(), pick(ways)
    local name = pick(names)
    local ok, made, why = pcall(entries[name], text, way[2], way[3])
    count = count + 1
    if not ok or why then
      wrong = ("%s over %s of %s\n%s"):format(name, way[1], check.show(text), tostring(ok and why or made))
      break
    end
    if made then compiled[name] = (compiled[name] or 0) + 1 end
  end
end
check.equal("every text gets an answer in our words, or runs", wrong, nil)
print(count .. " texts")
check.ok("many of them", count > 500 * SECONDS, count .. " of them")
for _, name in ipairs(names) do
  check.ok(name .. ": some compile", (compiled[name] or 0) > 10, tostring(compiled[name]))
end

check.finish()
