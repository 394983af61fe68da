--- Comma lists of expressions: names, places, aggregates, and what is wrong with them.
--
--   luajit tests/lua/expr_list_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local aggregates = require "sockq.expr.aggregates"
local check = require "check"
local expr = require "sockq.expr"

local function field(name, type) return { name = name, type = type } end

local catalog = {
  fields = {
    state = field("state", "string"), program = field("program", "string"), pid = field("pid", "integer"),
    local_port = field("local_port", "integer"), recv_q = field("recv_q", "integer"),
    expires = field("expires", "number"), owners = field("owners", "list"), bound = field("bound", "boolean"),
    ["max(expires)"] = field("max(expires)", "number"), ["p99.9(rto)"] = field("p99.9(rto)", "number"),
    ["recv_q + 1"] = field("recv_q + 1", "integer"), ["end"] = field("end", "integer"),
  },
  predicates = { LISTEN = 'state == "LISTEN"' },
  helpers = {
    lower = { min = 1, max = 1, types = { "string" }, returns = "string", call = string.lower },
    max = { min = 2, max = 2, types = { "number" }, returns = "number", call = math.max },
    least = { min = 2, max = 2, types = { "number" }, returns = "number", call = math.min },
  },
}
catalog.fields.lport = catalog.fields.local_port
catalog.written = {
  ["max(expires)"] = catalog.fields["max(expires)"], ["p99.9(rto)"] = catalog.fields["p99.9(rto)"],
  ["recv_q+1"] = catalog.fields["recv_q + 1"], ["end"] = catalog.fields["end"],
}

local row = { state = "LISTEN", program = "Nginx", pid = 7, local_port = 80, recv_q = 3, bound = true,
  ["max(expires)"] = 9, ["p99.9(rto)"] = 0.5, ["recv_q + 1"] = 44, ["end"] = 5 }

--- A list in one line: "name=value" for each item, and what it is marked with.
local function shown(text, options)
  local items, problem = expr.list(text, catalog, options)
  if not items then return (expr.explain_error(problem):gsub("^EXPR:", "")) end
  local out = {}
  for i, item in ipairs(items) do
    local parts = { (item.descending and "-" or "") .. item.name }
    if item.value then
      parts[#parts + 1] = tostring(item.value(row))
    else
      local argument = item.argument
      parts[#parts + 1] = item.aggregate
      parts[#parts + 1] = item.percentile
      parts[#parts + 1] = argument and tostring((argument.value or argument.predicate)(row))
      parts[#parts + 1] = item.width
    end
    parts[#parts + 1] = item.type
    out[i] = table.concat(parts, " ")
  end
  return table.concat(out, ", ")
end

local KEYS, SORT, AGGREGATES = { keys = true }, { descending = true }, { aggregates = true }
local cases = {
  -- list, options, what comes out
  { "state", nil, "state LISTEN string" },
  { " state,pid , local_port ", nil, "state LISTEN string, pid 7 integer, local_port 80 integer" },
  { "lport", KEYS, "lport 80 integer" },
  { "name=lower(program),wait=60 - pid", nil, "name nginx string, wait 53 number" },
  { "a = least(pid, 5), b='x,y', \"(,\"", nil, "a 5 number, b x,y string, \"(,\" (, string" },
  { "is=LISTEN, pid == 7, pid==8", nil, "is true boolean, pid == 7 true boolean, pid==8 false boolean" },
  { "-pid", nil, "-pid -7 number" }, { "\n pid\n,\tbound\n", nil, "pid 7 integer, bound true boolean" },
  { "owners", nil, "owners nil list" }, { "pid=pid", nil, "pid 7 integer" },
  { "-pid,state", SORT, "-pid 7 integer, state LISTEN string" },
  { "- pid + 1, -(-pid), --pid", SORT, "-pid + 1 8 number, -(-pid) -7 number, --pid -7 number" },
  { "-pid, -pid", SORT, "-pid 7 integer, -pid 7 integer" },
  -- names that are pieces of expressions
  { "max( expires ), recv_q+1, recv_q + 2, end", nil,
    "max( expires ) 9 number, recv_q+1 44 integer, recv_q + 2 5 number, end 5 integer" },
  { "-max(expires), max(expires) + p99.9(rto)", SORT, "-max(expires) 9 number, max(expires) + p99.9(rto) 9.5 number" },
  -- aggregates
  { "count", AGGREGATES, "count count integer" }, { "n=count()", AGGREGATES, "n count integer" },
  { "count(LISTEN), count(pid)", AGGREGATES, "count(LISTEN) count true integer, count(pid) count true integer" },
  { "sum(recv_q), sum(expires), avg(pid)", AGGREGATES,
    "sum(recv_q) sum 3 integer, sum(expires) sum nil number, avg(pid) avg 7 number" },
  { "worst=max(pid), min(program)", AGGREGATES, "worst max 7 integer, min(program) min Nginx string" },
  { "first(bound), first(owners), distinct(lower(program))", AGGREGATES,
    "first(bound) first true boolean, first(owners) first nil list, "
      .. "distinct(lower(program)) distinct nginx integer" },
  { "p0(pid), p50 ( pid ), p99.9(pid), t=p100(pid + 1)", AGGREGATES,
    "p0(pid) percentile 0 7 number, p50 ( pid ) percentile 50 7 number, p99.9(pid) percentile 99.9 7 number, "
      .. "t percentile 100 8 number" },
  { "histogram(recv_q), histogram(recv_q,0.5)", AGGREGATES,
    "histogram(recv_q) histogram 3 histogram, histogram(recv_q,0.5) histogram 3 0.5 histogram" },
  { "count, max(pid)", { aggregates = { count = true, max = true } }, "count count integer, max(pid) max 7 integer" },
  { "p50(pid)", { aggregates = { pNN = true } }, "p50(pid) percentile 50 7 number" },
  -- what is wrong, and where
  { "", nil, "1:1: the expression ends here; expected a field" },
  { "pid,", nil, "1:5: the expression ends here" }, { "pid,,state", nil, '1:5: unexpected ","' },
  { ",pid", nil, '1:1: unexpected ","' }, { "a=", nil, "1:3: the expression ends here" },
  { "pid state", nil, '1:5: unexpected "state"; expected an operator such as and, "," or the end' },
  { "(pid,state)", nil, '1:5: unexpected ","; expected an operator or ")"' },
  { "pid,\n  progam", nil, '2:3: unknown name "progam"; did you mean program?' },
  { "pid, a=lower(pid)", nil, "1:14: argument 1 of lower is a number" },
  { "pid,pid", nil, '1:5: "pid" stands here twice; leave one out or write NAME=EXPR' },
  { "a=pid,a=state", nil, '1:7: "a" stands here twice' }, { "nil", nil, "1:1: nil is no value" },
  { "pid\n + 1", nil, "pid + 1 8 number" }, { "pid\n+ 1, pid \n\t+ 1", nil, "stands here twice; leave one out" },
  { "keep=pid", nil, "1:1: keep is a word of rows themselves" },
  { "pid, 'x", nil, "1:6: unfinished string" }, { "and=pid", nil, '1:1: unexpected "and"' },
  { "pid, owners", KEYS, "1:6: owners is a list, which is no key" },
  { "-owners", SORT, "1:2: owners is a list, which has no order" },
  { "n=pid", SORT, '1:2: unexpected "="; write ==' },
  { "pid", AGGREGATES, "1:1: pid is a field; name an aggregate of it, as in max(pid)" },
  { "count, cuont", AGGREGATES, '1:8: unknown aggregate "cuont"; did you mean count?' },
  { "pNN(pid)", AGGREGATES, '1:1: unknown aggregate "pNN"' }, { "p99x(pid)", AGGREGATES, "did you mean p99?" },
  { "lower(program)", AGGREGATES, '1:1: unknown aggregate "lower"; there are count, sum, avg' },
  { "max(pid)", { aggregates = { count = true } }, '1:1: unknown aggregate "max"; there are count' },
  { "max(pid) + 1", AGGREGATES, "1:1: an aggregate stands alone" }, { "5", AGGREGATES, "1:1: an aggregate stands" },
  { "count, max", AGGREGATES, "1:8: max needs an argument; write worst=max(retrans)" },
  { "sum()", AGGREGATES, "1:1: sum has 0 arguments; write sum(send_q)" },
  { "sum(pid, 5)", AGGREGATES, "1:1: sum has 2 arguments" },
  { "p101(pid)", AGGREGATES, "1:1: there is no percentile p101; they go from p0 to p100" },
  { "count(pid, pid)", AGGREGATES, "1:1: count has 2 arguments" },
  { "count(5)", AGGREGATES, "1:7: 5 is no condition" },
  { "sum(state)", AGGREGATES, "1:5: sum of a string; give it a number" },
  { "sum(LISTEN)", AGGREGATES, "1:5: sum of a boolean; count(CONDITION) counts rows" },
  { "max(bound)", AGGREGATES, "1:5: max of a boolean; count(CONDITION)" },
  { "max(owners)", AGGREGATES, "1:5: max of a list; give it a number or a text" },
  { "distinct(owners)", AGGREGATES, "1:10: distinct of a list" },
  { "first(nil)", AGGREGATES, "1:7: first of what is never known" },
  { "histogram(pid, 0)", AGGREGATES, "1:16: argument 2 of histogram is no number above 0" },
  { "histogram(pid, pid)", AGGREGATES, "1:16: argument 2 of histogram" },
  { "histogram(pid, 1e999)", AGGREGATES, "1:16: argument 2 of histogram" },
  { "avg(pid), max(pidd)", AGGREGATES, '1:15: unknown name "pidd"; did you mean pid?' },
  { ("pid,"):rep(20000) .. "pid", nil, "1:1: 80003 bytes, more than" },
}
for _, case in ipairs(cases) do
  local got = shown(case[1], case[2])
  if case[3]:find "^%d+:%d+: " or case[3]:find "^did" or case[3]:find "^stands" then
    check.contains(case[1]:sub(1, 40), got, case[3])
    check.ok(case[1]:sub(1, 40) .. ": one line", not got:find "%c", got)
  else
    check.equal(case[1], got, case[3])
  end
end

-- What an item tells of itself.
local items = expr.list("lport, w=60-expires", catalog)
check.equal("a lone field", items[1].field, catalog.fields.local_port)
check.ok("its canonical name is what is read", items[1].fields.local_port)
check.equal("no name given", items[1].named, false)
check.equal("no lone field", items[2].field, nil)
check.equal("a name given", items[2].named, true)
check.equal("text", items[2].text, "60-expires")
check.equal("place of the expression", items[2].pos, 10)
check.ok("fields", items[2].fields.expires and not items[2].fields.local_port)
check.equal("nothing descends where it is not asked", items[1].descending, nil)
items = expr.list("count, max(lport), count(LISTEN)", catalog, AGGREGATES)
check.equal("count reads no field", next(items[1].fields), nil)
check.equal("the field of an argument", items[2].argument.field, catalog.fields.local_port)
check.ok("fields of an argument", items[2].fields.local_port)
check.ok("fields of a condition", items[3].fields.state)
check.raises("a list is text", "not a table", expr.list, {}, catalog)

-- Every aggregate of the reference, as its example has it.
for _, entry in ipairs(aggregates.list) do
  local got = shown(entry.example:gsub("%((%l[%l_]*)", function(name)
    return "(" .. (catalog.fields[name] and name or "recv_q")
  end), AGGREGATES)
  check.ok(entry.name .. ": its example compiles", not got:find "^%d+:", got)
end

check.finish()
