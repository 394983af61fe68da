--- The same query over both sources gives the same rows and fields: live sockets of every state,
-- field by field, read from /proc and by sock_diag. And what the kernel is told to leave out are
-- rows that do not match: each condition gives the same rows over both.
--
--   sockets -- sockq --trust tests/live/sources.lua

package.path = (arg[0]:match("^(.*)/") or ".") .. "/../lib/?.lua;" .. package.path

local check = require "check"
local fields = require "sockq.fields"
local schema = require "sockq.schema"
local set = require "sockq.set"
local tables = require "sockq.tables"

local C = schema.C
local FLAGS = tonumber(C.SOCKQ_WITH_INFO) + tonumber(C.SOCKQ_WITH_MEMORY) + tonumber(C.SOCKQ_WITH_DETAILS)
local TRIES = 5

--- Fields in which the two differ by their nature, and what is compared of them instead.
local function seconds(slack)
  return function(proc, diag)
    return proc == nil or diag == nil or math.abs(proc - diag) <= slack
  end
end
local function unknown_to()
  return true
end
local function is_request(row)
  return row.state == "SYN_RECV" and not row.inode
end
local DIFFERENT = {
  expires = seconds(0.5), -- the clock runs
  timer_text = unknown_to, when = unknown_to, line = unknown_to, refs = unknown_to,
  rto = seconds(0.011), ato = seconds(0.011), -- /proc has hundredths
  -- Of a request /proc counts the timeouts and tells whose listener it is, sock_diag counts the answers.
  retrans = function(proc, diag, row) return is_request(row) or proc == diag end,
  uid = function(proc, diag, row) return is_request(row) and diag == nil or proc == diag end,
  user = function(proc, diag, row) return is_request(row) and diag == nil or proc == diag end,
  -- /proc tells the limit of a listener's TCP Fast Open instead of a threshold.
  ssthresh = function(proc, diag, row) return row.state == "LISTEN" or proc == diag end,
  -- An infinite threshold is none.
  cwnd = function(proc, diag, row) return row.state == "LISTEN" or proc == diag end,
}

local function read(source)
  local by_key, count = {}, 0
  local collected = set.collect(tables.mask(tables.join { "tcp", "udp", "udplite", "unix", "netlink", "packet" }), 0, FLAGS,
    nil, C["SOCKQ_SOURCE_" .. source])
  for row in set.iterate(collected) do
    -- sockq's own, of each look another; and a connection that waits for accept(2), which unix_diag tells
    -- of as one of the listener's.
    if not (row.proto == "netlink" and row.protocol == "sock_diag" or row.proto == "unix" and not row.inode) then
      local key = table.concat({ row.proto, row.state or "-", row.local_addr or row.path or "-", row.local_port or "-",
        row.remote_addr or "-", row.remote_port or "-", row.inode or 0 }, " ")
      check.ok("one row of " .. key .. " by " .. source, not by_key[key])
      by_key[key] = row
      count = count + 1
    end
  end
  return by_key, count
end

local function changed(one, other)
  for key in pairs(one) do
    if not other[key] then return key end
  end
end

local before, proc, diag, change, count
for _ = 1, TRIES do
  before = read "PROC"
  diag, count = read "DIAG"
  proc = read "PROC"
  change = changed(before, proc) or changed(proc, before)
  if not change then break end
end
check.equal("the tables hold still", change, nil)
check.equal("only by /proc", changed(proc, diag), nil)
check.equal("only by sock_diag", changed(diag, proc), nil)
check.ok("all kinds of them", count > 200, tostring(count))

local compared = 0
for key, one in pairs(proc) do
  local other, earlier = diag[key], before[key]
  for _, field in ipairs(other and fields.list or {}) do
    local name = field.name
    local from_proc, from_diag = one[name], other[name]
    -- What only one of them knows is not the other's mistake; which it is the registry says.
    local is_its_own = field.from == "diag" or field.diag and from_proc == nil or field.from == "proc" and from_diag == nil
    if not is_its_own and type(from_proc) ~= "table" then
      local agree = DIFFERENT[name] or function(a, b) return a == b end
      -- Timers run off between two looks: what sock_diag tells was so before, or is so now.
      local same = agree(from_proc, from_diag, one) or earlier and agree(earlier[name], from_diag, earlier)
      check.ok(key .. ": " .. name, same, ("%s by /proc, %s by sock_diag"):format(tostring(from_proc), tostring(from_diag)))
      compared = compared + 1
    end
  end
end

-- Conditions that the kernel is told of.
local CONDITIONS = { "local_port == 443", "remote_port >= 1024 and remote_port < 40000", ":80", "127.0.0.1", "10.0.0.0/8",
  "::1", "local_port > 1000 and state == 'LISTEN'", "not (local_port == 443)", "family == 'inet6' and local_port > 1",
  "within(local_addr, '127.0.0.0/8') or within(remote_addr, '::1')", "remote_addr == '127.0.0.1'",
  "local_port < 1000 or local_port > 50000", "local_port == 22.5", "local_port > 70000", "remote_port == 0" }
local ports = {}
for _, row in pairs(proc) do
  if row.local_port and row.local_port > 0 then ports[#ports + 1] = row.local_port end
end
table.sort(ports)
for i = 1, math.min(#ports, 12) do
  local low, high = ports[math.ceil(i * #ports / 12)], ports[math.ceil((13 - i) * #ports / 12)]
  CONDITIONS[#CONDITIONS + 1] = (":%d"):format(low)
  CONDITIONS[#CONDITIONS + 1] = ("local_port >= %d and remote_port <= %d"):format(math.min(low, high), math.max(low, high))
  CONDITIONS[#CONDITIONS + 1] = ("127.0.0.1:%d"):format(low)
end

local query, parse = require("sockq.query"), require("sockq.expr")
local function rows_of(condition, source)
  local list = {}
  local q = query.new(tables.join { "tcp", "udp", "udplite" }, nil, source):where(assert(parse.argument(condition)))
  for _, row in ipairs(q:list()) do
    list[#list + 1] = ("%s %s:%d %s:%d %s"):format(row.proto, row.local_addr, row.local_port, row.remote_addr, row.remote_port,
      row.state)
  end
  table.sort(list)
  return table.concat(list, "\n")
end

local met = 0
for _, condition in ipairs(CONDITIONS) do
  local by_proc, by_diag, again
  for _ = 1, TRIES do
    by_proc, by_diag, again = rows_of(condition, "proc"), rows_of(condition, "diag"), rows_of(condition, "proc")
    if by_proc == again then break end
  end
  check.equal(condition, by_diag, by_proc)
  met = met + (by_proc ~= "" and 1 or 0)
end
check.ok("most conditions are met by some", met > #CONDITIONS / 2, tostring(met))
check.ok("most fields of them", compared > 30 * count, tostring(compared))
print(("both sources: %d rows and %d fields of them compared, %d conditions"):format(count, compared, #CONDITIONS))
check.finish()
