--- Queries: where, rows, list, count, first, each; iteration of every kind; memory over many
--- collections; and that narrowing what is collected never loses a row.
--
--   luajit tests/lua/query_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local posix = require "posix"
local rows = require "rows"
local sockq = require "sockq"
local state = require "sockq.state"
local tables = require "sockq.tables"
local tree = require "tree_of"

local CAPTURE = "tests/data/captures/mixed-1/proc"

local function key(row) return row.table .. ":" .. row.line end

--- Which rows an iteration gives, as one text.
local function keys(list)
  local names = {}
  for i, row in ipairs(list) do names[i] = key(row) end
  return table.concat(names, " ")
end

--- Begin a loop over the rows, and leave it at the first.
local function leave(query)
  local first
  for row in query:rows() do
    first = row
    if first then break end
  end
  return first
end

local function filtered(list, accept)
  local some = {}
  for _, row in ipairs(list) do
    if accept(row) then some[#some + 1] = row end
  end
  return some
end

-- The ways to ask

do
  sockq.open(CAPTURE)
  local all = sockq.tcp():list()
  check.equal("rows of tcp and tcp6", #all, 48)
  local function above(row) return row.local_port > 1000 end
  local want = keys(filtered(all, above))
  check.ok("some rows match, some do not", #want > 0 and #filtered(all, above) < #all)
  for name, predicate in pairs { ["a function"] = above, ["an expression"] = "local_port > 1000" } do
    local query = sockq.tcp():where(predicate)
    check.equal(name .. ": list", keys(query:list()), want)
    local looped = {}
    for row in query:rows() do looped[#looped + 1] = row end
    check.equal(name .. ": rows", keys(looped), want)
    local visited = {}
    check.equal(name .. ": each", query:each(function(row) visited[#visited + 1] = row:keep() end), nil)
    check.equal(name .. ": each", keys(visited), want)
    check.equal(name .. ": count", query:count(), #looped)
    check.equal(name .. ": first", key(query:first()), want:match("^%S+"))
    check.equal(name .. ": again", keys(query:list()), want)
  end
  check.equal("nothing matches: list", #sockq.tcp():where("false"):list(), 0)
  check.equal("nothing matches: count", sockq.tcp():where(function() return false end):count(), 0)
  check.equal("nothing matches: first", sockq.tcp():where("local_port == 65534"):first(), nil)
  check.equal("nothing matches: rows", sockq.tcp():where("false"):rows()(), nil)
  for name, value in pairs { number = 0, text = "", ["a table"] = {} } do
    check.equal("what is not false is true: " .. name, sockq.tcp():where(function() return value end):count(), 48)
  end
  check.equal("nil is false", sockq.tcp():where(function() end):count(), 0)
  local calls = 0
  sockq.tcp():each(function()
    calls = calls + 1
    return calls == 5
  end)
  check.equal("each() stops", calls, 5)
end

-- Several conditions, lazy and immutable

do
  local all = sockq.inet():list()
  local base = sockq.inet()
  local one = base:where("tcp")
  local two = one:where(function(row) return row.remote_port ~= 0 end)
  local three = two:where("local_port > 1000")
  check.equal("one condition", keys(one:list()), keys(filtered(all, function(r) return r.table:find("^tcp") end)))
  check.equal("three conditions", keys(three:list()), keys(filtered(all, function(r)
    return r.table:find("^tcp") and r.remote_port ~= 0 and r.local_port > 1000
  end)))
  check.equal("the first is as it was", base:count(), #all)
  check.ok("the second is as it was", one:count() > two:count() and two:count() > three:count())
  local order = {}
  sockq.tcp():where(function(r) order[#order + 1] = "a" .. r.line return r.line < 4 end)
    :where(function(r) order[#order + 1] = "b" .. r.line return true end):count()
  check.equal("conditions in their order, the second only for what passes",
    table.concat(order, " "):sub(1, 26), "a2 b2 a3 b3 a4 a5 a6 a7 a8")
  check.equal("tostring of a query", tostring(base), "sockq query")
  local reads = 0
  sockq.tcp():where(function() reads = reads + 1 end)
  check.equal("a query that nobody asks reads nothing", reads, 0)
end

-- Wrong use, at the caller's line

local function wrong_at_3(name, pieces, text)
  local ok, err = pcall(assert(loadstring("local sockq = ...\n\n" .. text, "=caller")), sockq)
  check.equal(name .. ": an error", ok, false)
  check.equal(name .. ": where", tostring(err):sub(1, 10), "caller:3: ")
  for _, piece in ipairs(pieces) do check.contains(name, tostring(err), piece) end
end

wrong_at_3("where of a number", { "a function or an expression is expected, not a number" }, "sockq.tcp():where(7)")
wrong_at_3("where of nothing", { "not a nil" }, "sockq.tcp():where()")
wrong_at_3("where with a dot", { "call it with a colon" }, "sockq.tcp().where('tcp')")
wrong_at_3("an unknown field", { "EXPR:1:1:", "did you mean pid?" }, "sockq.tcp():where('pidd == 1')")
wrong_at_3("a wrong expression", { "EXPR:1:5:" }, "sockq.tcp():where('pid = 1')")
wrong_at_3("an unknown table", { "there is no table tpc; did you mean tcp?" }, "sockq.from('tpc')")
wrong_at_3("no table", { "from: no table is named" }, "sockq.from('')")
wrong_at_3("a predicate that raises", { "boom" }, "sockq.tcp():where(function() error('boom') end):count()")
wrong_at_3("a predicate that raises, list", { "boom" }, "sockq.tcp():where(function() error('boom') end):list()")
wrong_at_3("a predicate that raises, first", { "boom" }, "sockq.tcp():where(function() error('boom') end):first()")
wrong_at_3("an unknown field in a predicate", { "did you mean state?" },
  "sockq.tcp():where(function(row) return row.stat end):count()")
wrong_at_3("no such capture", { "sockq.open: /nonexistent: No such file or directory" }, "sockq.open('/nonexistent')")
for _, name in ipairs { "rows", "list", "count", "first", "print", "each" } do
  wrong_at_3(name .. " with a dot", { "" }, ("local x = sockq.tcp().%s()"):format(name))
end
check.equal("after all these errors", sockq.tcp():count(), 48)

-- Which tables

do
  local all = sockq.all():list()
  local groups = {
    tcp = { "tcp", "tcp6" }, udp = { "udp", "udp6" }, udplite = { "udplite", "udplite6" }, raw = { "raw", "raw6" },
    unix = { "unix" }, icmp = {}, sctp = {}, netlink = {}, packet = {},
    inet = { "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6" },
  }
  for name, names in pairs(groups) do
    local member = {}
    for _, file in ipairs(names) do member[file] = true end
    local want = keys(filtered(all, function(row) return member[row.table] end))
    check.equal("sockq." .. name .. "()", keys(sockq[name]():list()), want)
    check.equal("sockq.from " .. name, keys(sockq.from(name):list()), want)
  end
  check.equal("sockq.from several, once each, in the tables' order", keys(sockq.from("unix,tcp,tcp6,tcp"):list()),
    keys(filtered(all, function(row) return row.table:find("^tcp") or row.table == "unix" end)))
  check.equal("sockq.from one table", sockq.from("tcp6"):count(), 24)
end

-- Iterations within, beside and after each other

do
  local count = 0
  for a in sockq.tcp():where("LISTEN"):rows() do
    for b in sockq.tcp():rows() do
      if b.local_port == a.local_port then count = count + 1 end
    end
    check.equal("a nested count", sockq.unix():count(), 24)
    check.ok("the outer row is still there", a.state == "LISTEN")
  end
  check.ok("nested loops", count >= sockq.tcp():where("LISTEN"):count())
  local left, right = sockq.tcp():rows(), sockq.from("tcp,tcp6"):rows()
  for i = 1, 48 do
    local a, b = left(), right()
    check.equal("two iterations side by side, " .. i, key(a), key(b))
  end
  check.equal("both end", tostring(left()) .. tostring(right()), "nilnil")
  check.equal("and stay ended", left(), nil)
  local broken = {}
  for i = 1, 30 do
    for row in sockq.tcp():rows() do
      broken[i] = row
      if row.line == i % 20 + 2 then break end
    end
  end
  for i, row in ipairs(broken) do check.equal("a row from a loop that was left", row.line, i % 20 + 2) end
  local in_predicate = sockq.tcp():where(function(row)
    return sockq.tcp():where(function(other) return other.line == row.line and other.table == row.table end):count() == 1
  end):count()
  check.equal("a query in a predicate", in_predicate, 48)
  local wrapped = coroutine.wrap(function()
    for row in sockq.tcp():rows() do coroutine.yield(row) end
  end)
  check.equal("rows in a coroutine", key(wrapped()) .. " " .. key(wrapped()), "tcp:2 tcp:3")
  local resumed = {}
  local thread = coroutine.wrap(function()
    sockq.tcp():each(function(row)
      resumed[#resumed + 1] = row.line
      if #resumed < 3 then coroutine.yield() end
      return #resumed == 5
    end)
  end)
  for _ = 1, 3 do thread() end
  check.equal("yielding from each()", table.concat(resumed, " "), "2 3 4 5 6")
end

-- A thousand collections leave nothing behind

do
  local function resident()
    return tonumber(posix.read_file("/proc/self/statm"):match("^%d+ (%d+)")) * 4
  end
  local function some(n)
    for i = 1, n do
      sockq.tcp():count()
      sockq.tcp():first()
      sockq.tcp():where("LISTEN"):list()
      leave(sockq.tcp())
      sockq.tcp():where(function(row) return row.pid == 1 and i end):count()
    end
  end
  some(100)
  collectgarbage()
  collectgarbage()
  local before, before_lua = resident(), collectgarbage("count")
  some(1000)
  collectgarbage()
  collectgarbage()
  local after, after_lua = resident(), collectgarbage("count")
  check.ok("Lua's memory after 5000 collections", after_lua < before_lua + 1024,
    ("%.0f -> %.0f KiB"):format(before_lua, after_lua))
  -- A sanitizer keeps freed memory for a while.
  local slack = os.getenv("SOCKQ_TEST_PRELOAD") and 2 ^ 20 or 16384
  check.ok("memory after 5000 collections", after < before + slack, ("%d -> %d KiB"):format(before, after))
end
do
  -- rows of a large table that nobody keeps
  local large = tree.make { ["net/tcp"] = rows.many_tcp(50000) }
  sockq.open(large)
  local before
  for i = 1, 40 do
    check.equal("a large table", #sockq.tcp():where("LISTEN"):list(), 500)
    leave(sockq.tcp())
    if i == 10 then before = tonumber(posix.read_file("/proc/self/statm"):match("^%d+ (%d+)")) * 4 end
  end
  local after = tonumber(posix.read_file("/proc/self/statm"):match("^%d+ (%d+)")) * 4
  -- One such table is 6.4 MB; the collector of garbage may keep some of them for a while.
  local slack = os.getenv("SOCKQ_TEST_PRELOAD") and 2 ^ 20 or 65536
  check.ok("memory after large tables", after < before + slack, ("%d -> %d KiB"):format(before, after))
end

-- Narrowing by state and protocol loses nothing: an expression against a function of the row

local function every_state()
  local function list(make, laddr, last)
    local all = {}
    for code = 0, last do
      all[#all + 1] = make { laddr = laddr, lport = code + 1, state = code, inode = code + 1 }
      all[#all + 1] = make { laddr = laddr, lport = code + 1, state = code, timer = 3, inode = 0 }
    end
    return all
  end
  local six, files = ("0"):rep(32), {}
  for _, name in ipairs { "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6" } do
    files["net/" .. name] = rows.file(name,
      list(name:find("^tcp") and rows.tcp or rows.datagram, name:find("6") and six or nil, name:find("tcp") and 70 or 15))
  end
  local unix = {}
  for code = 0, 6 do
    unix[#unix + 1] = rows.unix { state = code, inode = 100 + code }
    unix[#unix + 1] = rows.unix { state = code, inode = 200 + code, flags = 0x10000, kind = 5 }
  end
  files["net/unix"] = rows.file("unix", unix)
  local eps, assocs = {}, {}
  for code = 0, 13 do
    eps[#eps + 1] = ("f f 2 %d 29 5000 0 %d 127.0.0.1"):format(code, 300 + code)
    assocs[#assocs + 1] = ("f f 2 %d 3 9 17 0 0 0 %d 1 2 127.0.0.1 <-> *10.0.0.2 \t5000 1 1 10 0 0 0"):format(code, 400 + code)
  end
  files["net/sctp/eps"], files["net/sctp/assocs"] = rows.file("sctp/eps", eps), rows.file("sctp/assocs", assocs)
  files["net/netlink"] = rows.file("netlink", { "0 0 4242 00000001 0 0 0 2 0 51" })
  files["net/packet"] = rows.file("packet", { "0 3 3 0003 0 1 0 1000 61" })
  return tree.make(files)
end

local TREES = { every_state(), CAPTURE, "tests/data/captures/mixed-2/proc", "tests/data/captures/centos7-seed/proc" }

--- Words of expressions and what they mean, told by functions.
local atoms = {}
for _, name in ipairs(state.names) do
  local function is(row) return row.state == name end
  atoms[("state == %q"):format(name)] = is
  atoms[name] = is
  atoms[("%q == state"):format(name:lower())] = is
end
for alias, name in pairs(state.aliases) do
  atoms[("state == %q"):format(alias)] = function(row) return row.state == name end
  if alias:find("^[%w_]+$") then atoms[alias] = function(row) return row.state == name end end
end
for _, name in ipairs { "tcp", "udp", "udplite", "raw", "icmp" } do
  atoms[name] = function(row) return row.proto == name or row.proto == name .. "6" end
  atoms[name .. "6"] = function(row) return row.proto == name .. "6" end
end
for _, name in ipairs { "unix", "netlink", "packet", "sctp" } do atoms[name] = function(row) return row.proto == name end end
for _, entry in pairs(tables.list) do
  atoms[("proto == %q"):format(entry.proto)] = function(row) return row.proto == entry.proto end
  atoms[("%q == proto"):format(entry.proto:upper())] = function(row) return row.proto == entry.proto end
end
atoms["false"] = function() return false end
atoms["local_port == 5"] = function(row) return row.local_port == 5 end

local words = {}
for word in pairs(atoms) do words[#words + 1] = word end
table.sort(words)

--- Conditions made of two or three words, the same in every run.
local conditions = {}
for i, a in ipairs(words) do
  local b, c = words[i * 7 % #words + 1], words[i * 13 % #words + 1]
  local f, g, h = atoms[a], atoms[b], atoms[c]
  conditions[#conditions + 1] = { a, f }
  conditions[#conditions + 1] = { ("not (%s)"):format(a), function(r) return not f(r) end }
  conditions[#conditions + 1] = { ("%s and %s"):format(a, b), function(r) return f(r) and g(r) end }
  conditions[#conditions + 1] = { ("(%s) or (%s)"):format(a, b), function(r) return f(r) or g(r) end }
  conditions[#conditions + 1] = { ("(%s or %s) and not (%s)"):format(a, b, c),
    function(r) return (f(r) or g(r)) and not h(r) end }
  conditions[#conditions + 1] = { ("not (%s and %s) or %s"):format(a, b, c),
    function(r) return not (f(r) and g(r)) or h(r) end }
  conditions[#conditions + 1] = { ("(%s and %s) or (%s and %s)"):format(a, b, c, b),
    function(r) return f(r) and g(r) or h(r) and g(r) end }
end

for _, where in ipairs(TREES) do
  sockq.open(where)
  local all = sockq.all():list()
  for _, condition in ipairs(conditions) do
    local want = keys(filtered(all, condition[2]))
    check.equal(where:match("[^/]*/?[^/]*$") .. ": " .. condition[1], keys(sockq.all():where(condition[1]):list()), want)
  end
  for i = 1, #words do
    local a, b = words[i], words[i * 11 % #words + 1]
    check.equal(("%s, then %s"):format(a, b), keys(sockq.all():where(a):where(b):list()),
      keys(filtered(all, function(r) return atoms[a](r) and atoms[b](r) end)))
    check.equal(a .. ": count", sockq.all():where(a):count(), #filtered(all, atoms[a]))
    local first = sockq.all():where(a):first()
    check.equal(a .. ": first", first and key(first), (filtered(all, atoms[a])[1] and key(filtered(all, atoms[a])[1])))
  end
end

posix.cleanup()
check.finish()
