--- What the kernel is told to leave out: the bounds of ports and addresses that conditions give; and
--- that --source and { source = … } choose where rows are from.
---
---   luajit tests/lua/narrow_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local sockq = require "sockq"
local C = require("sockq.schema").C
local catalog = require("sockq.catalog").of(require "sockq.fields")
local expr = require "sockq.expr"
local narrow = require "sockq.narrow"
local origin = require "sockq.origin"

--- Bounds of ports and addresses, which the kernel can be told.
local function ends(text)
  local demand, list = expr.compile(text, catalog).narrow, {}
  for _, key in ipairs { "local_port", "remote_port", "either_port", "local_addr", "remote_addr", "either_addr" } do
    local value = demand[key]
    list[#list + 1] = value and ("%s %s"):format(key, type(value) == "table" and table.concat(value, "-") or value)
  end
  return table.concat(list, ", ")
end
for _, case in ipairs {
  { "local_port == 443", "local_port 443-443" }, { "443 == local_port", "local_port 443-443" },
  { "local_port > 80 and local_port <= 90", "local_port 81-90" }, { "10 > remote_port", "remote_port 0-9" },
  { "local_port >= 79.5 and remote_port < 79.5", "local_port 80-65535, remote_port 0-79" },
  { "local_port == 80.5", "" }, { "local_port == 70000", "" }, { "local_port ~= 80", "" }, { "not (local_port == 80)", "" },
  { "local_port == 80 or local_port == 443", "local_port 80-443" },
  { "local_port == 80 or remote_port == 80", "either_port 80-80" },
  { "local_port == 80 or remote_port == 80 or pid == 1", "" }, { "local_port == 80 or pid == 1", "" },
  { "local_port == 5 and local_port == 6", "local_port 5-5" },
  { 'within(local_addr, "10.0.0.0/8") or within(remote_addr, "10.0.0.0/8")', "either_addr 10.0.0.0/8" },
  { 'within(local_addr, "10.0.0.0/8") or within(remote_addr, "11.0.0.0/8")', "" },
  { 'remote_addr == "::1" and local_port == 22', "local_port 22-22, remote_addr ::1" },
  { '(local_port == 1 or remote_port == 1) and (local_port == 2 or remote_port == 2)', "either_port 1-1" },
  { "local_port == remote_port", "" }, { 'local_addr < "::1"', "" },
} do
  check.equal(case[1] .. ", ends", ends(case[1]), case[2])
end

--- The struct that goes to the kernel.
local function kernel(...)
  local query = sockq.tcp()
  for _, condition in ipairs { ... } do query = query:where(condition) end
  return narrow.kernel(query)
end
local made = kernel("local_port == 443", 'within(remote_addr, "10.1.2.3/8")')
check.equal("what it has", made.has, C.SOCKQ_NARROW_LOCAL_PORT + C.SOCKQ_NARROW_REMOTE_ADDR)
check.equal("a port", made.local_port.low * 100000 + made.local_port.high, 44300443)
check.equal("a prefix", made.remote_addr.bits, 8)
check.equal("its family", made.remote_addr.family, C.SOCKQ_AF_INET)
check.equal("its bytes", made.remote_addr.bytes[0] * 256 + made.remote_addr.bytes[1], 10 * 256)
check.equal("an address of IPv6", kernel('local_addr == "::1"').local_addr.bits, 128)
check.equal("nothing", kernel("pid == 1"), nil)
check.equal("a function", kernel(function(row) return row.local_port == 1 end), nil)
check.equal("the other end may be any row", kernel("local_port == 1 and peer_pid == 1"), nil)

--- Which source a query reads.
local SOURCES = { [0] = "auto", "proc", "diag" }
for _, case in ipairs {
  { "rows in a script", sockq.tcp(), "proc" },
  { "a field that both know", sockq.tcp():where("local_port == 1"), "proc" },
  { "a function", sockq.tcp():where(function() return true end), "proc" },
  { "asked for", sockq.tcp { source = "diag" }, "diag" },
  { "asked for the text", sockq.from("tcp", { source = "proc" }), "proc" },
} do
  check.equal(case[1], SOURCES[origin.of(case[2])], case[3])
end
check.equal("all fields are known", SOURCES[origin.of(sockq.tcp():where("local_port == 1"), true)], "auto")
check.equal("functions may read any", SOURCES[origin.of(sockq.tcp():where(function() return true end), true)], "proc")
check.equal("so may keys", SOURCES[origin.of(sockq.tcp():group(function() return 1 end), true)], "proc")
origin.default = "diag"
check.equal("--source", SOURCES[origin.of(sockq.tcp())], "diag")
check.equal("the query's own goes before it", SOURCES[origin.of(sockq.tcp { source = "proc" })], "proc")
origin.default = "auto"

for _, case in ipairs {
  { function() return sockq.tcp { source = "dag" } end, 'tcp: "dag" is no source; did you mean diag?' },
  { function() return sockq.udp { sauce = "diag" } end, "udp: sauce means nothing here; the option is source" },
  { function() return sockq.from("tcp", 5) end, "from: { source = … } is expected, not a number" },
} do
  local _, message = pcall(case[1])
  check.equal("refused: " .. case[2], tostring(message):gsub("^[^:]+:%d+: ", ""), case[2])
end

check.finish()
