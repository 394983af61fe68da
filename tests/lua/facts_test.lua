--- sockq.facts(): what /proc says besides sockets. Against values written down by hand, and against
--- python3 reading the same files in another way, of a made tree and of this machine.
--
--   tests/luajit luajit tests/lua/facts_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local posix = require "posix"
local proc_files = require "proc_files"
local set = require "sockq.set"
local sockq = require "sockq"
local tree = require "tree_of"

--- Facts of a tree, and the messages that reading them gave.
local function read(files)
  local dir = tree.make(files)
  sockq.open(dir)
  local before = #sockq.messages
  set.incomplete = false
  local facts = sockq.facts()
  local told = {}
  for i = before + 1, #sockq.messages do
    local message = sockq.messages[i]
    told[#told + 1] = message:sub(1, #dir) == dir and "TREE" .. message:sub(#dir + 1) or message
  end
  table.sort(told)
  return facts, told, dir
end

-- What stands in a whole tree

do
  local facts, told = read(proc_files.all())
  check.equal("no message", table.concat(told, "\n"), "")
  check.equal("complete", set.incomplete, false)
  check.equal("a number", facts.sysctl["net.ipv4.tcp_retries2"], 15)
  check.equal("a zero", facts.sysctl["net.ipv4.tcp_orphan_retries"], 0)
  check.equal("several numbers are text", facts.sysctl["net.ipv4.tcp_mem"], "190000\t250000\t380000")
  check.equal("an empty list is text", facts.sysctl["net.ipv4.ip_local_reserved_ports"], "")
  check.equal("fs", facts.sysctl["fs.nr_open"], 1048576)
  check.equal("netfilter", facts.sysctl["net.netfilter.nf_conntrack_max"], 262144)
  check.equal("numbers", table.concat(facts.numbers(facts.sysctl["net.ipv4.tcp_mem"]), " "), "190000 250000 380000")
  check.equal("numbers of one", facts.numbers(facts.sysctl["net.ipv4.tcp_retries2"])[1], 15)
  check.equal("numbers of nothing", facts.numbers(nil), nil)
  check.equal("numbers of words", facts.numbers("1 two"), nil)
  check.equal("snmp", facts.snmp.Tcp.ActiveOpens, 180)
  check.equal("snmp: below zero", facts.snmp.Tcp.MaxConn, -1)
  check.equal("snmp: the last column", facts.snmp.Udp.MemErrors, 0)
  check.equal("snmp: the last of tcp", facts.snmp.Tcp.OutRsts, 7)
  check.equal("snmp: columns that come and go", facts.snmp.IcmpMsg.OutType3, 7)
  check.equal("netstat", facts.netstat.TcpExt.TW, 150)
  check.equal("netstat: 2^53 - 1", facts.netstat.IpExt.InOctets, 9007199254740991)
  check.equal("snmp6", facts.snmp6.Ip6InReceives, 4711)
  check.equal("sockstat", facts.sockstat.TCP.tw, 3)
  check.equal("sockstat: memory", facts.sockstat.TCP.mem, 5)
  check.equal("sockstat: lower case", facts.sockstat.sockets.used, 320)
  check.equal("sockstat6", facts.sockstat6.TCP6.inuse, 5)
  check.equal("softnet: sums", facts.softnet.processed, 0x437 + 0xffffffff)
  check.equal("softnet: dropped", facts.softnet.dropped, 2)
  check.equal("softnet: squeezed", facts.softnet.squeezed, 11)
  check.equal("file handles", facts.file_nr.allocated, 2528)
  check.equal("file handles: limit", facts.file_nr.max, 1048576)
  check.equal("uptime", facts.uptime, 864000.55)
  check.equal("load", table.concat(facts.loadavg, " "), "0.52 0.41 0.37")
  -- what a kernel lacks
  check.equal("a setting that is absent", facts.sysctl["net.ipv4.tcp_rto_max_ms"], nil)
  check.equal("a counter that is absent", facts.snmp.Tcp.Nonesuch, nil)
  check.equal("a group that is absent", facts.snmp.UdpLite.InErrors, nil)
  check.raises("a setting that is not read", "did you mean net.ipv4.tcp_retries2?", function()
    return facts.sysctl["net.ipv4.tcp_retry2"]
  end)
  check.raises("a fact that is none", "did you mean snmp?", function() return facts.snnp end)
  check.raises("a missing group cannot be filled", "cannot be written", function() facts.snmp.UdpLite.x = 1 end)
end

-- Nothing there: everything nil, no message

do
  local facts, told = read {}
  check.equal("empty tree: no message", table.concat(told, "\n"), "")
  for _, name in ipairs { "softnet", "file_nr", "uptime", "loadavg", "ports" } do
    check.equal("empty tree: " .. name, facts[name], nil)
  end
  check.equal("empty tree: a setting", facts.sysctl["net.ipv4.tcp_retries2"], nil)
  check.equal("empty tree: snmp", facts.snmp.Tcp.OutSegs, nil)
  check.equal("empty tree: snmp6", facts.snmp6.Udp6RcvbufErrors, nil)
  check.equal("empty tree: sockstat", facts.sockstat.TCP.mem, nil)
  check.equal("empty tree: complete", set.incomplete, false)
end

-- Each file alone is missed, and no other

for path in pairs(proc_files.all()) do
  local facts, told = read(proc_files.all { [path] = false })
  check.equal(path .. " missing: no message", #told, 0)
  local name = path:match("^sys/(.+)$")
  if name then
    check.equal(path .. " missing", facts.sysctl[name:gsub("/", ".")], nil)
  end
  check.equal(path .. " missing: file_nr", facts.file_nr == nil, path == "sys/fs/file-nr")
  check.equal(path .. " missing: ports", facts.ports == nil, path == "sys/net/ipv4/ip_local_port_range")
  check.equal(path .. " missing: uptime", facts.uptime == nil, path == "uptime")
  check.equal(path .. " missing: snmp", facts.snmp.Tcp.OutSegs == nil, path == "net/snmp")
  check.equal(path .. " missing: netstat", facts.netstat.TcpExt.TW == nil, path == "net/netstat")
end

-- Ports that the kernel chooses from

local PORTS = {
  { "32768\t60999\n", "\n", 28232 },
  { "32768\t60999\n", "8080,9148\n", 28232 },
  { "32768\t60999\n", "40000\n", 28231 },
  { "32768\t60999\n", "32760-32770,60999-65535,40000,40000-40009\n", 28232 - 3 - 1 - 10 },
  { "1024\t65535\n", "8080,9148-9200,65535\n", 64512 - 1 - 53 - 1 },
  { "5000\t5000\n", "\n", 1 },
  { "5000\t5000\n", "5000\n", 0 },
  { "32768\t60999\n", nil, 28232 },
  { "32768\t60999\n", "1-\n", 28232, "not a list of ports" },
  { "32768\t60999\n", "40000,40001,,\n", 28230 },
  { "60999\t32768\n", "\n", nil },
  { "32768\n", "\n", nil },
  { "0\t70000\n", "\n", nil },
  { "a\tb\n", "\n", nil },
}
for i, case in ipairs(PORTS) do
  local facts, told = read(proc_files.all {
    ["sys/net/ipv4/ip_local_port_range"] = case[1], ["sys/net/ipv4/ip_local_reserved_ports"] = case[2] or false })
  local name = "ports " .. i
  check.equal(name .. ": message", #told, case[4] and 1 or 0)
  local ports = facts.ports
  if not case[3] then
    check.equal(name, ports, nil)
  elseif check.ok(name, ports ~= nil) then
    check.equal(name .. ": count", ports.count, case[3])
    check.equal(name .. ": reserved known", ports.reserved ~= nil, case[2] ~= nil and not case[4])
    local counted = 0
    for port in pairs(ports.ephemeral) do
      counted = counted + 1
      if port < ports.low or port > ports.high then check.fail(name, port .. " is out of range") end
    end
    check.equal(name .. ": each counted", counted, case[3])
  end
end
do
  local ports = read(proc_files.all { ["sys/net/ipv4/ip_local_reserved_ports"] = "8080,40000-40002\n" }).ports
  check.equal("reserved: first", table.concat(ports.reserved[1], "-"), "8080-8080")
  check.equal("reserved: second", table.concat(ports.reserved[2], "-"), "40000-40002")
  check.equal("low end", ports.ephemeral[32768], true)
  check.equal("high end", ports.ephemeral[60999], true)
  check.equal("above", ports.ephemeral[61000], nil)
  check.equal("a reserved one", ports.ephemeral[40001], nil)
  check.equal("beside it", ports.ephemeral[40003], true)
end

-- Damaged files: the line is named, the rest is read, and nothing is taken that is not sure

local OTHER = "the numbers are not those of the names in the line before; skipped"
local DAMAGED = {
  { "net/snmp", "Tcp: A B\nTcp: 1\nUdp: A\nUdp: 5\n", "TREE/net/snmp:2: " .. OTHER,
    function(f) return f.snmp.Tcp.A == nil and f.snmp.Udp.A == 5 end },
  { "net/snmp", "Tcp: A B\nTcp: 1 2 3\n", "TREE/net/snmp:2: " .. OTHER,
    function(f) return f.snmp.Tcp.A == nil end },
  { "net/snmp", "Tcp: A B\nUdp: 1 2\n", "TREE/net/snmp:2: " .. OTHER,
    function(f) return f.snmp.Tcp.A == nil and f.snmp.Udp.A == nil end },
  { "net/snmp", "Tcp: A B\nTcp: 1 x\n", "TREE/net/snmp:2: " .. OTHER,
    function(f) return f.snmp.Tcp.A == nil end },
  { "net/netstat", "TcpExt: A B\n", "TREE/net/netstat:1: the line with the numbers of the group TcpExt is missing; skipped",
    function(f) return f.netstat.TcpExt.A == nil end },
  { "net/netstat", "garbage\nIpExt: A\nIpExt: 4", "TREE/net/netstat:1: no group stands before a colon; skipped",
    function(f) return f.netstat.IpExt.A == 4 end },
  { "net/sockstat", "TCP: inuse 1 orphan\nUDP: inuse 4 mem 2\n", "TREE/net/sockstat:1: not a group of names and numbers; skipped",
    function(f) return f.sockstat.TCP.inuse == nil and f.sockstat.UDP.mem == 2 end },
  { "net/sockstat6", "\27[31m\n", "TREE/net/sockstat6:1: not a group of names and numbers; skipped",
    function(f) return f.sockstat6.TCP6.inuse == nil end },
  { "net/snmp6", "A 1\nB\nC 3\n", "TREE/net/snmp6:2: not a name and a number; skipped",
    function(f) return f.snmp6.A == 1 and f.snmp6.B == nil and f.snmp6.C == 3 end },
  { "net/softnet_stat", "zz\n", "TREE/net/softnet_stat:1: not three hexadecimal numbers; skipped",
    function(f) return f.softnet == nil end },
  { "uptime", "soon\n", "TREE/uptime:1: not a number; skipped", function(f) return f.uptime == nil end },
  { "loadavg", "0.1 0.2\n", "TREE/loadavg:1: not 3 numbers; skipped", function(f) return f.loadavg == nil end },
  { "uptime", "", "TREE/uptime:1: not a number; skipped", function(f) return f.uptime == nil end },
  { "sys/net/ipv4/tcp_retries2", "many\n", nil, function(f) return f.sysctl["net.ipv4.tcp_retries2"] == "many" end },
  { "net/snmp", { folder = true }, "TREE/net/snmp: not a regular file; what it says is unknown",
    function(f) return f.snmp.Tcp.OutSegs == nil end },
  { "net/netstat", { fifo = true }, "TREE/net/netstat: not a regular file; what it says is unknown",
    function(f) return f.netstat.TcpExt.TW == nil end },
  { "net/snmp", { link = "/proc/net/snmp" }, "TREE/net/snmp: Invalid cross-device link; what it says is unknown",
    function(f) return f.snmp.Tcp.OutSegs == nil end },
  { "net/snmp", ("x"):rep(262145), "TREE/net/snmp: File too large; what it says is unknown",
    function(f) return f.snmp.Tcp.OutSegs == nil end },
}
for i, case in ipairs(DAMAGED) do
  local name = ("damaged %d: %s"):format(i, case[1])
  local facts, told = read(proc_files.all { [case[1]] = case[2] })
  check.equal(name .. ": message", table.concat(told, "\n"), case[3] or "")
  check.ok(name .. ": the rest", case[4](facts))
  check.equal(name .. ": incomplete", set.incomplete, case[3] ~= nil)
end

-- Another reader of the same files

local PYTHON = [[
import sys, os, re
root = sys.argv[1]
def text(path):
    try:
        return open(os.path.join(root, path)).read()
    except OSError:
        return None
for name in ("snmp", "netstat"):
    lines = (text("net/" + name) or "").splitlines()
    for head, row in zip(lines[::2], lines[1::2]):
        for key, value in list(zip(head.split(), row.split()))[1:]:
            print(f"{name}.{head.split(':')[0]}.{key}={int(value)}")
for line in (text("net/snmp6") or "").splitlines():
    key, value = line.split()
    print(f"snmp6.{key}={int(value)}")
for name in ("sockstat", "sockstat6"):
    for line in (text("net/" + name) or "").splitlines():
        group, rest = line.split(":")
        words = rest.split()
        for key, value in zip(words[::2], words[1::2]):
            print(f"{name}.{group}.{key}={int(value)}")
for folder, _, files in os.walk(os.path.join(root, "sys")) if len(sys.argv) < 3 else ():
    for file in files:
        path = os.path.relpath(os.path.join(folder, file), os.path.join(root, "sys"))
        print(f"sysctl.{path.replace('/', '.')}=" + open(os.path.join(folder, file)).read().rstrip("\n"))
]]

--- The same lines from what sockq has.
local function dump(facts, with_settings)
  local list = {}
  for _, name in ipairs { "snmp", "netstat", "sockstat", "sockstat6" } do
    for group, values in pairs(facts[name]) do
      for key, value in pairs(values) do list[#list + 1] = ("%s.%s.%s=%.0f"):format(name, group, key, value) end
    end
  end
  for key, value in pairs(facts.snmp6) do list[#list + 1] = ("snmp6.%s=%.0f"):format(key, value) end
  for name, value in pairs(with_settings and facts.sysctl or {}) do
    list[#list + 1] = ("sysctl.%s=%s"):format(name, value)
  end
  table.sort(list)
  return list
end

local function python(root, live)
  local _, out = posix.run({ "python3", "-c", PYTHON, root, live }, { timeout = 60 })
  local list = {}
  for line in out:gmatch("[^\n]+") do list[#list + 1] = line end
  table.sort(list)
  return list
end

if posix.run({ "python3", "-c", "0" }) ~= 0 then
  io.stderr:write("NOT CHECKED: the other reader: no python3\n")
else
  local facts, _, dir = read(proc_files.all())
  local want = python(dir)
  check.ok("python3 read the tree", #want > 80, #want)
  check.equal("as python3 reads the tree", table.concat(dump(facts, true), "\n"), table.concat(want, "\n"))

  -- This machine: names are the same, and counters lie between those read before and after.
  sockq.open(nil)
  local before = python("/proc", "live")
  facts = sockq.facts()
  local after = python("/proc", "live")
  local names, got = {}, dump(facts)
  for i, line in ipairs(got) do names[i] = line:match("^[^=]+") end
  local function names_of(list)
    local some = {}
    for i, line in ipairs(list) do some[i] = line:match("^[^=]+") end
    return table.concat(some, "\n")
  end
  check.ok("live: counters are there", #got > 150, #got)
  check.equal("live: the names", table.concat(names, "\n"), names_of(before))
  local between = 0
  for i, line in ipairs(got) do
    local low, value, high = tonumber(before[i]:match("=(.+)")), tonumber(line:match("=(.+)")), tonumber(after[i]:match("=(.+)"))
    -- counters of snmp and netstat grow; what sockstat counts goes up and down
    if line:find("^sock") or value >= low and value <= high or value == low then between = between + 1
    else check.fail("live: " .. names[i], ("%s, %s, %s"):format(low, value, high)) end
  end
  check.equal("live: between two readings", between, #got)
  for name in pairs(require("sockq.facts").settings) do
    if name ~= "fs.file-nr" and name ~= "net.netfilter.nf_conntrack_count" then
      local text = posix.read_file("/proc/sys/" .. name:gsub("%.", "/"))
      check.equal("live: " .. name, facts.sysctl[name] and tostring(facts.sysctl[name]), text and (text:gsub("\n$", "")))
    end
  end
  local now = tonumber(posix.read_file("/proc/uptime"):match("^%S+"))
  check.ok("live: uptime", now - facts.uptime >= 0 and now - facts.uptime < 30, facts.uptime)
end

-- Row sets are given back: many readings need no more memory than one

do
  sockq.open(nil)
  for _ = 1, 300 do sockq.facts() end
  check.pass()
end

posix.cleanup()
check.finish()
