--- The verbs of queries: what each gives at its edges. Answers over whole captures are compared with other
--- programs' by tests/cli/queries_test.lua.
--
--   tests/luajit luajit tests/lua/verbs_test.lua      from the root of the tree
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path

local check = require "check"
local sockq = require "sockq"

sockq.open("tests/data/captures/mixed-1/proc")

-- A small world: fruit, number, maybe.
local ROWS = {
  { fruit = "fig", n = 3, maybe = 10 }, { fruit = "apple", n = 1 }, { fruit = "fig", n = 2, maybe = 30 },
  { fruit = "plum", n = 2 }, { n = 9, maybe = 20 }, { fruit = "apple", n = 5, maybe = 20 },
}
local NAMES = { "fruit", "n", "maybe" }
local function world() return sockq.rows(ROWS, NAMES) end

--- A query's rows in one line: columns by commas, rows by blanks, - for unknown.
local function text(query)
  local lines = {}
  for row in query:rows() do
    local cells = {}
    for i, entry in ipairs(query:schema().list) do
      local value = row[entry.name]
      cells[i] = value == nil and "-" or tostring(value)
    end
    lines[#lines + 1] = table.concat(cells, ",")
  end
  return table.concat(lines, " ")
end

local function same(name, query, want) check.equal(name, text(query), want) end

-- group and agg
same("a group's default is count", world():group("fruit"), "fig,2 apple,2 plum,1 -,1")
same("count names its column", world():group("fruit"):count("many"):sort("-many, fruit"):limit(2), "apple,2 fig,2")
same("aggregates leave unknown out", world():group("fruit"):agg("sum(maybe), avg(n), min(n), max(n)"),
  "fig,40,2.5,2,3 apple,20,3,1,5 plum,-,2,2,2 -,20,9,9,9")
same("agg twice", world():group("fruit"):agg("count"):agg("first(maybe)"):limit(2), "fig,2,10 apple,2,20")
same("agg without group", world():agg("count, distinct(fruit), p50(n), p100(n), p0(n)"), "6,3,2,9,1")
same("agg over nothing", world():where("n > 100"):agg("count, sum(n), max(fruit), p50(n)"), "0,-,-,-")
same("group over nothing", world():where("n > 100"):group("fruit"), "")
same("count of a condition", world():agg("c=count(n > 2), d=count(maybe)"), "3,4")
same("two keys", world():group("fruit, big=n>2"):sort("fruit, big"):select("fruit, count"),
  "apple,1 apple,1 fig,1 fig,1 plum,1 -,1")
same("min and max of text", world():agg("min(fruit), max(fruit)"), "apple,plum")
same("a function as key", world():group(function(row) return row.n % 2 end):sort("key"), "0,2 1,4")
same("having", world():group("fruit"):where("count > 1"):sort("fruit"), "apple,2 fig,2")
same("a group of groups", world():group("fruit"):group("count"):agg("n=count"):sort("count"), "1,2 2,2")
check.equal("groups are counted by count behind select", world():group("fruit"):select("fruit"):count(), 4)

-- histogram
local function histogram(agg)
  local parts = {}
  for i, bucket in ipairs(world():agg("h=" .. agg):first().h) do
    parts[i] = ("%g-%g:%d"):format(bucket.from, bucket.to, bucket.count)
  end
  return table.concat(parts, " ")
end
check.equal("histogram by width", histogram("histogram(n, 2)"), "0-2:1 2-4:3 4-6:1 6-8:0 8-10:1")
check.equal("histogram by powers of two", histogram("histogram(n)"), "1-2:1 2-4:3 4-8:1 8-16:1")
check.equal("histogram of negative values", histogram("histogram(0 - n)"), "-16--8:1 -8--4:1 -4--2:3 -2--1:1")

-- sort
same("unknown last", world():sort("maybe"):select("maybe, n"), "10,3 20,9 20,5 30,2 -,1 -,2")
same("unknown last descending too", world():sort("-maybe"):select("maybe, n"), "30,2 20,9 20,5 10,3 -,1 -,2")
same("equal rows keep their order", world():sort("n"):select("n, fruit"), "1,apple 2,fig 2,plum 3,fig 5,apple 9,-")
same("several keys", world():sort("-fruit, n"):select("fruit, n"), "plum,2 fig,2 fig,3 apple,1 apple,5 -,9")
same("conditions order false first", world():sort({ { expr = "n > 2", name = "big" }, "n" }):select("n"), "1 2 2 3 5 9")
for limit = 0, 7 do
  local whole, want = world():sort("-n, fruit"):list(), {}
  for i = 1, math.min(limit, #whole) do want[i] = tostring(whole[i]) end
  local got = {}
  for i, row in ipairs(world():sort("-n, fruit"):limit(limit):list()) do got[i] = tostring(row) end
  check.equal("sort and limit " .. limit, table.concat(got, "|"), table.concat(want, "|"))
end

-- More rows than sort with a limit gathers at once, with ties, against table.sort.
local many, seed = {}, 7
for i = 1, 20000 do
  seed = (seed * 16807) % 2147483647
  many[i] = { k = seed % 1000, t = ("%03d"):format(seed % 7), at = i }
end
for _, keys in ipairs { "k", "-k", "t, -k", "-t, k" } do
  local sorted = { unpack(many, 1, 0) }
  for i, row in ipairs(many) do sorted[i] = row end
  local first, second = keys:match("^(%-?%w+), (%-?%w+)$")
  local function less(a, b)
    for _, key in ipairs { first or keys, second or "at", "at" } do
      local name = key:match("%w+")
      if a[name] ~= b[name] then
        if key:sub(1, 1) == "-" then return a[name] > b[name] end
        return a[name] < b[name]
      end
    end
    return false
  end
  table.sort(sorted, less)
  for _, limit in ipairs { 1, 100, 6000 } do
    local wrong
    for i, row in ipairs(sockq.rows(many):sort(keys):limit(limit):list()) do
      if row.at ~= sorted[i].at then wrong = wrong or i end
    end
    check.equal(("sort by %s, limit %d of 20000"):format(keys, limit), wrong, nil)
  end
end

-- limit, select, distinct
same("limit behind where", world():where("n > 1"):limit(2):select("n"), "3 2")
same("where behind limit", world():limit(3):where("n > 1"):select("n"), "3 2")
same("limit 0", world():limit(0), "")
same("select computes", world():select("double=n*2, fruit"):limit(2), "6,fig 2,apple")
same("distinct keeps the first", world():distinct("fruit"):select("fruit, n"), "fig,3 apple,1 plum,2 -,9")
same("distinct of columns", world():select("maybe"):distinct(), "10 - 30 20")
same("distinct by an expression", world():distinct("n > 2"):select("n"), "3 1")

-- join
local prices = { { fruit = "fig", price = 4 }, { fruit = "fig", price = 5 }, { fruit = "kiwi", price = 1 } }
same("inner join", world():join(prices, "fruit"):select("n, price"), "3,4 3,5 2,4 2,5")
same("left join", world():join(prices, "fruit", { how = "left" }):select("n, price"), "3,4 3,5 1,- 2,4 2,5 2,- 9,- 5,-")
same("semi join keeps the fields", world():join(prices, "fruit", { how = "semi" }), "fig,3,10 fig,2,30")
same("anti join: unknown equals nothing", world():join(prices, "fruit", { how = "anti" }):select("n"), "1 2 9 5")
same("a key of another name", world():join({ { num = 2, word = "two" } }, "num=n"):select("fruit, word"), "fig,two plum,two")
same("names that are taken", world():join(prices, "fruit"):limit(1):select("fruit, other_fruit"), "fig,fig")
same("a prefix", world():join(prices, "fruit", { prefix = "p_" }):limit(1):select("p_fruit"), "fig")
same("join, then group", world():join(prices, "fruit"):group("fruit"):agg("sum(price)"), "fig,18")

-- Sockets: lent rows behind sort, kept rows, joins of two readings, owners on both sides.
local by_inode, before = 0, -1
sockq.tcp():sort("inode"):each(function(row)
  by_inode = by_inode + 1
  if row.inode then
    check.ok("sockets in order", row.inode >= before)
    before = row.inode
  end
end)
check.equal("sort loses none", by_inode, sockq.tcp():count())
local lent
sockq.tcp():sort("-local_port"):limit(3):each(function(row) lent = row end)
check.raises("a row lent behind sort is found out", "no longer valid", function() return lent.state end)
local kept = sockq.tcp():sort("-local_port"):limit(3):list()
collectgarbage()
check.ok("kept rows stay", kept[1].local_port >= kept[2].local_port and kept[2].local_port >= kept[3].local_port)
local pairs_query = sockq.tcp():join(sockq.tcp(), "local_port=remote_port, remote_port=local_port",
  { how = "inner" }):where("program ~= nil and other_program ~= nil")
for row in pairs_query:rows() do
  check.equal("ends of a pair", row.local_port .. row.remote_port, row.other_remote_port .. row.other_local_port)
end
check.equal("a group's state knows its words", sockq.tcp():group("state"):where("state == 'estab'"):count(), 1)
check.equal("first stops", sockq.tcp():sort("local_port"):first().local_port,
  sockq.tcp():agg("m=min(local_port)"):first().m)
local shown = {}
for name, value in sockq.tcp():group("state"):sort("-count"):first():fields() do shown[#shown + 1] = name .. "=" .. value end
check.ok("fields() of a group", shown[1]:find("^state=") and shown[2]:find("^count="), table.concat(shown, " "))

-- A column of plain tables that holds values of several types
local mixed = sockq.rows { { a = 1 }, { a = "x" }, { a = {} }, {} }
check.equal("equal to a number", mixed:where("a == 1"):count(), 1)
check.equal("equal to a text", mixed:where("a == 'x'"):count(), 1)
check.equal("only numbers are negative or not", mixed:where("abs(a) == 1 or lower(a) == 'x'"):count(), 2)
check.raises("it has no order", "a is of any type, which has no order", function() mixed:where("a > 1") end)

-- Computed fields
sockq.field { name = "waiting", expr = "recv_q + send_q", unit = "bytes" }
check.equal("a computed field", sockq.tcp():where("waiting > 0"):count(), sockq.tcp():where("recv_q + send_q > 0"):count())
sockq.field { name = "even", type = "boolean", needs = { "local_port" }, get = function(s) return s.local_port % 2 == 0 end }
check.equal("a computed condition", sockq.tcp():where("even"):count(), sockq.tcp():where("local_port % 2 == 0"):count())
check.raises("a field of the kernel's is not replaced", "there is a field state already", sockq.field,
  { name = "state", expr = "1" })
sockq.field { name = "liar", type = "number", get = function() return "text" end }
check.raises("a computed value of another type", "field liar: get returned a string; its type says number",
  function() sockq.tcp():where("liar > 5"):count() end)
check.raises("no value", "either expr or get", sockq.field, { name = "x" })

-- What is wrong is said at the caller's line, with the nearest name.
local function wrong(name, piece, func)
  check.raises(name, piece, func)
  local _, why = pcall(func)
  check.contains(name .. ": at our line", tostring(why), "verbs_test.lua:")
end
wrong("no such field", 'EXPR:1:1: unknown name "stat"; did you mean state?', function() sockq.tcp():group("stat") end)
wrong("place in a list", 'EXPR:1:8: unknown name "prot"', function() sockq.tcp():group("state, prot") end)
wrong("no such aggregate", "did you mean count?", function() sockq.tcp():agg("cont") end)
wrong("sum of text", "sum of a string", function() sockq.tcp():agg("sum(state)") end)
wrong("no number", "limit: x is no number of rows", function() sockq.tcp():limit("x") end)
wrong("two columns of one name", "there are two columns state", function() sockq.tcp():select("state, state") end)
wrong("behind group only its fields", 'did you mean count?', function() sockq.tcp():group("state"):where("cont > 1") end)
wrong("distinct of sockets", "keys are needed", function() sockq.tcp():distinct() end)
wrong("how to join", "did you mean left?", function() world():join(prices, "fruit", { how = "lefft" }) end)
wrong("an option of join", "known are how, prefix, names", function() world():join(prices, "fruit", { hwo = "left" }) end)
wrong("a key that the other side lacks", "the right side has no field n", function() world():join(prices, "n") end)
wrong("a list has no order", "has no order", function() sockq.tcp():sort("owners") end)
wrong("a misspelt verb", "did you mean group?", function() sockq.tcp():gruop("state") end)
check.raises("keys of two types", "in one row and", function()
  sockq.rows({ { a = 1 }, { a = "x" } }):sort({ { name = "a", get = function(row) return row.a end } }):list()
end)
check.raises("a record is not written", "cannot be written", function() world():select("fruit"):list()[5].fruit = 1 end)
check.raises("a record has no such field", "did you mean fruit?", function() return world():first().friut end)

check.finish()
