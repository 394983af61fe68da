--- What scripts/bench makes of its samples: medians, ratios, goals, bytes a row, and the plot.
--
--   luajit tests/lua/bench_test.lua        from the root of the tree
local check = require "check"
local posix = require "posix"

local FLOOR, SOCKQ = "read, and one readlink a descriptor", "sockq netstat -tanpo"

-- A sample: wall in ms, processor twice that.
local lines = {}
local function sample(group, label, floor, goal, wall, kib, status)
  lines[#lines + 1] = table.concat({ 1, group, label, floor, goal, wall * 1e6, wall * 1e6, wall * 1e6, kib, status or 0 }, "\t")
end
for i, size in ipairs { 1000, 100000, 500000 } do
  local group = "listings_" .. size
  lines[#lines + 1] = ("rows\t%s\t%d"):format(group, size)
  for _, wall in ipairs { 30, 10, 20 } do sample(group, FLOOR, FLOOR, "", wall * 10 ^ i, 1024) end
  for _, wall in ipairs { 26, 24, 99 } do sample(group, SOCKQ, FLOOR, "1.25", wall * 10 ^ i, 2048) end
  sample(group, "sockq -t -g program", FLOOR, "", (8 + 2 * i - 2) * 10 ^ i, 1)
  sample(group, "netstat -tanpo", FLOOR, "1.25", 40 * 10 ^ i, 3072, 124)
  sample("memory_of_" .. group, "sockq -e ''", "", "", 1, 4096)
  sample("memory_of_" .. group, SOCKQ, "", "", 1, 4096 + math.floor(size * 100 / 1024))
  sample("memory_of_" .. group, "sockq -t", "", "", 1, 4096 + math.floor(size * 200 / 1024))
end
sample("start", "luajit", "luajit", "", 1, 1)
sample("start", "a", "luajit", "5ms", 5, 1)
sample("start", "b", "luajit", "5ms", 7, 1)
sample("start", "c", "luajit", "5ms", 1, 1, 1)
sample("million", "sockq -t -A count, of no rows", "", "", 5, 1)
sample("million", "sockq -t -A count", "", "", 35, 1)
sample("million", "sockq -t 'recv_q > 0' -A count", "", "", 55, 1)
sample("million", "sockq -t -g state", "", "", 36, 1)

local dir = posix.tmpdir("sockq-bench")
posix.write_file(dir .. "/samples", table.concat(lines, "\n") .. "\n")
local function report(...)
  local words = { "luajit", "tests/bench/report.lua", ... }
  words[#words + 1] = dir .. "/samples"
  local status, out, err = posix.run(words, { env = { LD_PRELOAD = false } })
  check.equal(table.concat(words, " ", 3, #words - 1) .. ": status", status .. err, "0")
  return out
end

check.equal("table", report("table", "listings_100000"),
  "| command | ms | to its floor | goal | processor ms | MiB |\n|---|--:|--:|---|--:|--:|\n"
    .. "| `read, and one readlink a descriptor` | 2000.0 | floor |  | 4000.0 | 1 |\n"
    .. "| `sockq netstat -tanpo` | 2600.0 | 1.30 | **missed:** 1.25 | 5200.0 | 2 |\n"
    .. "| `sockq -t -g program` | 1000.0 | 0.50 |  | 2000.0 | 0 |\n"
    .. "| `netstat -tanpo` (exit status 124) | 4000.0 | 2.00 | **missed:** 1.25 | 8000.0 | 3 |\n")
check.equal("steady", report("steady"), "`sockq netstat -tanpo`: 1.30 of its floor at 100000 sockets, 1.30 at 500000 "
  .. "(goal: no worse, met).\n`sockq -t -g program`: 0.50 of its floor at 100000 sockets, 0.60 at 500000 "
  .. "(goal: no worse, missed).\n")
check.ok("goals in ms: met", report("table", "start"):find("| `a` | 5.0 | 5.00 | met: 5 ms more |", 1, true))
check.ok("goals in ms: missed", report("table", "start"):find("| `b` | 7.0 | 7.00 | **missed:** 5 ms more |", 1, true))
check.ok("what failed has met nothing",
  report("table", "start"):find("| `c` (exit status 1) | 1.0 | 1.00 | **missed:** 5 ms more |", 1, true))
check.ok("table: goals are for much", not report("table", "listings_1000"):find("missed"))
check.contains("memory: met", report("memory", "listings_500000"), "| `sockq netstat -tanpo` | 51.7 | 100 | met: 160 |\n")
check.contains("memory: missed", report("memory", "listings_500000"), "| `sockq -t` | 99.4 | 200 | **missed:** 160 |\n")
check.contains("memory: what is there once", report("memory", "listings_500000"), "| `sockq -e ''` | 4.0 |  |  |\n")
check.equal("rows", report("rows", "1000000"),
  "A row, wall clock less that of no rows: reading and scanning 30.0 ns (goal: 40, met); "
    .. "to filter 20.0 ns (goal: 10, missed) more; to group by state 1.0 ns (goal: 10, met) more.\n")

local svg = report("plot")
local status, out, err = posix.run({ "python3", "-I", "-c", [[
import sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.read())
name = "{http://www.w3.org/2000/svg}"
lines = [e for e in root.iter(name + "polyline")]
points = [[tuple(map(float, p.split(","))) for p in e.get("points").split()] for e in lines]
print([len(p) for p in points if p])
inside = all(0 <= x <= 760 and 0 <= y <= 460 for p in points for x, y in p)
rising = all(a[0] < b[0] and a[1] > b[1] for p in points for a, b in zip(p, p[1:]))
above = all(f[1] > s[1] for f, s in zip(points[0], points[1]))
print(inside, rising, above)]] }, { stdin = svg })
check.equal("plot: a point a size and curve, growing, sockq above the floor", status .. err .. out,
  "0[3, 3, 3]\nTrue True True\n")

posix.cleanup()
check.finish()
