--- The reports of what the kernel does: ports, queues, retrans, timers. Against python3, which reads
-- the same trees by itself (tests/lib/reports_oracle.py), and against texts written down by hand.
--
--   luajit tests/cli/reports_kernel_test.lua --sockq PATH [--seed N]

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/../lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local proc_files = require "proc_files"
local program = require "program"
local rows = require "rows"

local ORACLE = here .. "/../lib/reports_oracle.py"
local REPORTS = { "ports", "queues", "retrans", "timers" }
local FORMATS = { "json", "ndjson", "csv", "tsv" }
local OTHERS = { "table", "records", "lua", "prometheus" }

local seed = 1
for i, word in ipairs(arg) do
  if word == "--seed" then seed = tonumber(arg[i + 1]) end
end
math.randomseed(seed)
io.stdout:write("seed ", seed, "\n")

local function one_of(list) return list[math.random(#list)] end

local V4 = { "0100007F", "0200000A", "0300000A", "07640A0A" }
local V6 = { "0000000000000000FFFF00000200000A", "00000000000000000000000001000000",
  "B80D0120000000000000000002000000" }

-- A row that a kernel could print, of any state and timer.
local function random_row(i)
  local addresses = math.random(4) == 1 and V6 or V4
  local f = { slot = i, laddr = one_of(addresses), raddr = one_of(addresses), lport = math.random(40000, 40039),
    rport = one_of { 443, 5432, 80 }, inode = math.random(3) == 1 and 0 or 1000 + i, state = one_of { 1, 1, 1, 2, 3, 4, 5, 6, 6,
    7, 8, 9, 10, 11 }, tx = 0, rx = 0, timer = 0 }
  if f.state == 10 then
    f.rport, f.raddr, f.lport = 0, ("0"):rep(#f.laddr), one_of { 22, 80, 40001 }
    f.rx = one_of { 0, 0, 5, 129 }
  elseif f.state == 6 then
    f.timer, f.when, f.inode = 3, math.random(0, 6000), 0
  elseif f.state == 3 then
    f.inode, f.timer, f.retrans = math.random(3) == 1 and f.inode or nil, 1, math.random(0, 5)
    f.when = math.random(0, 100 * 2 ^ f.retrans)
    if f.inode then f.tail = " 1 0000000000000000 100 0 0 10 -1" end
  else
    f.rx, f.tx = one_of { 0, 0, 1, 77, 70000 }, one_of { 0, 1, 17, 90000 }
    local rto = math.random(20, 40)
    local kind = math.random(5)
    if kind == 1 then
      f.timer, f.retrans = 1, math.random(0, 9)
      if math.random(6) == 1 then f.retrans = math.random(10, 14) end
      if f.state == 2 then rto, f.retrans = 100, math.random(0, 6) end
      rto = math.min(12000, rto * 2 ^ f.retrans)
      f.when = math.random(0, rto)
    elseif kind == 2 then f.timer, f.probes, f.when = 4, math.random(0, 14), math.random(0, 12000)
    elseif kind == 3 then f.timer, f.probes, f.when = 2, math.random(0, 9), math.random(0, 7500)
    end
    f.tail = (" 1 0000000000000000 %d 4 30 10 -1"):format(rto)
  end
  return rows.tcp(f), addresses == V6, f
end

local function random_tree()
  local files = proc_files.all {
    ["sys/net/ipv4/ip_local_port_range"] = "40000\t40049\n", ["sys/net/ipv4/ip_local_reserved_ports"] = "40010-40019,8080\n",
    ["sys/net/ipv4/tcp_retries2"] = one_of { "15\n", "8\n", "5\n" },
    ["sys/net/ipv4/tcp_orphan_retries"] = one_of { "0\n", "3\n" },
  }
  local v4, v6, udp = {}, {}, {}
  for i = 1, 400 do
    local row, is_v6, f = random_row(i)
    table.insert(is_v6 and v6 or v4, row)
    if f.inode and f.inode > 0 and math.random(2) == 1 then
      local pid = 100 + math.random(5)
      files[("%d/fd/%d"):format(pid, i)] = { link = ("socket:[%d]"):format(f.inode) }
      files[pid .. "/cmdline"] = ("prog%d\0-x\0"):format(pid)
    end
  end
  for i = 1, 40 do
    udp[i] = rows.datagram { slot = i, lport = 5000 + i, inode = 9000 + i, rx = one_of { 0, 2304 }, tx = one_of { 0, 768 } }
  end
  files["net/tcp"], files["net/tcp6"], files["net/udp"] = rows.file("tcp", v4), rows.file("tcp6", v6), rows.file("udp", udp)
  return program.tree(files)
end

-- Against python3

local has_python = program.has("python3")
if not has_python then program.skip_part("all answers", "no python3") end
for round = 1, has_python and 12 or 0 do
  local dir = random_tree()
  for _, name in ipairs(REPORTS) do
    local words = { "--proc", dir, name, "--json" }
    if name == "ports" then words[5] = "10000" end
    local status, out, err = program.run(words)
    local title = ("round %d: %s"):format(round, name)
    check.equal(title .. ": status", status, 0)
    check.equal(title .. ": no message", err, "")
    posix.write_file(dir .. "/answer", out)
    local told, text, why = posix.run({ "python3", ORACLE, name, dir, dir .. "/answer" }, { timeout = 60 })
    check.equal(title .. ": oracle", told .. why, "0")
    local compared = tonumber(text:match("compared (%d+) rows"))
    check.ok(title .. ": rows were compared", compared and compared > 20, text)
    if name == "retrans" then
      check.ok(title .. ": times were compared", (tonumber(text:match("(%d+) times")) or 0) > 10, text)
    end
    check.equal(title, (text:gsub("compared [^\n]*\n", "")), "")
  end
end

-- Every format tells the same

local dir = random_tree()
for _, name in ipairs(REPORTS) do
  local status, lines = program.run { "--proc", dir, name, "--json" }
  local _, count = lines:gsub("\n[{]", "")
  check.equal(name .. ": json: status", status, 0)
  for _, format in ipairs(FORMATS) do
    local got, out, err = program.run { "--proc", dir, name, "-f", format }
    local title = ("%s: %s"):format(name, format)
    check.equal(title .. ": status", got, 0)
    check.equal(title .. ": no message", err, "")
    local _, feeds = out:gsub("\n", "")
    check.equal(title .. ": rows", feeds, count + (format == "json" and 2 or format == "ndjson" and 0 or 1))
  end
  for _, format in ipairs(OTHERS) do
    local got, out, err = program.run { "--proc", dir, name, "-f", format }
    check.equal(("%s: %s: status and message"):format(name, format), got .. err, "0")
    check.ok(("%s: %s: says something"):format(name, format), #out > 100, out)
  end
  local got, out, err = program.run { "--proc", dir, name }
  check.equal(name .. ": table: status", got, 0)
  check.equal(name .. ": table: no message", err, "")
  check.ok(name .. ": what to do next", out:find("\nnext: sockq "), out)
  for _, step in ipairs(program.next_steps(out)) do
    local options = step.command:find("^sockq help") and "" or " --proc " .. posix.quote(dir)
    local line = posix.quote(program.path) .. options .. step.command:sub(6)
    local ran, _, wrong = posix.run({ "sh", "-c", line }, { env = program.environment(), timeout = 60 })
    check.ok(name .. ": " .. step.command, ran <= 1 and wrong == "", wrong)
  end
  -- Nothing there: no row, status 1, and no time or number is made up.
  local empty = program.tree {}
  for _, words in ipairs { {}, { "--json" }, { "-q" } } do
    local without, said, wrong = program.run { "--proc", empty, name, unpack(words) }
    check.equal(name .. ": an empty tree: status", without, 1)
    check.equal(name .. ": an empty tree: no message", wrong, "")
    check.ok(name .. ": an empty tree: no number", not said:find("%d%.?%d* ports") and not said:find("nan"), said)
  end
  check.equal(name .. ": -q says nothing", select(2, program.run { "--proc", dir, name, "-q" }), "")
  program.refuses(name .. ": an argument too many", { "--proc", dir, name, "5", "6" }, { err = { name .. ": " } })
  -- This machine
  local live, text, wrong = program.run { name }
  check.ok(name .. ": live: status", live <= 1, wrong)
  check.ok(name .. ": live: says something", #text > 10, text)
end

-- By hand

-- A tree in which 10.0.0.2 has `count` connections to 10.0.0.3:5432, `waits` of them in TIME_WAIT.
local function tree_of_ports(count, waits, changes)
  local list = { rows.tcp { lport = 22, state = 10, inode = 5 } }
  for i = 1, count do
    local gone = i <= waits
    list[#list + 1] = rows.tcp { laddr = "0200000A", raddr = "0300000A", lport = 40000 + i, rport = 5432,
      state = gone and 6 or 1, timer = gone and 3 or 0, when = gone and 100 or 0, inode = gone and 0 or 100 + i }
  end
  local files = proc_files.all { ["sys/net/ipv4/ip_local_port_range"] = "40001\t40100\n" }
  for path, text in pairs(changes or {}) do files[path] = text or nil end
  files["net/tcp"] = rows.file("tcp", list)
  return program.tree(files)
end

--- The lines of a report.
local function lines_of(words)
  local _, out, err = program.run(words)
  check.equal(table.concat(words, " ", 3) .. ": no message", err, "")
  -- What to do next, without the tree and the blanks that align it.
  out = out:gsub("\nnext: .*$", function(steps)
    return (steps:gsub("sockq %-%-proc %S+", "sockq"):gsub(" +", " "):gsub("\n ", "\n"))
  end)
  return program.lines(out), out
end

do
  local _, out = lines_of { "--proc", tree_of_ports(95, 60), "ports" }
  out = out:gsub("connect%(%) is about to fail with \"Cannot assign requested address\"", "LINE")
  check.equal("ports: 95 of 100", out, [[
the kernel chooses from ports 40001 to 40100, none of them reserved: 100 for each source, destination and port
10.0.0.2 to 10.0.0.3:5432 has 95 of 100 ports (95.0 %), 60 in TIME_WAIT: LINE

source    destination  port  used   of  percent  time_wait
10.0.0.2  10.0.0.3     5432    95  100       95         60

remedy: keep connections open and use them again (a pool, HTTP keep-alive)
remedy: sysctl net.ipv4.tcp_tw_reuse=1 (it is 2, for loopback only): a new connection may replace one in TIME_WAIT
remedy: more addresses, ours or theirs: each pair has the range to itself
remedy: a wider net.ipv4.ip_local_port_range

next: sockq -t 10.0.0.3:5432 -g program,state # who holds the ports of the first line
sockq -t 10.0.0.3:5432 TIME_WAIT -s expires -L 5 # when the next ones are free
]])
  local list = lines_of { "--proc", tree_of_ports(70, 0), "ports" }
  check.contains("ports: 70 of 100", list[2], "has 70 of 100 ports (70.0 %), 0 in TIME_WAIT: most are taken")
  _, out = lines_of { "--proc", tree_of_ports(70, 0), "ports" }
  check.ok("ports: no reuse without TIME_WAIT", out:find("remedy: ") and not out:find("tcp_tw_reuse=1"), out)
  _, out = lines_of { "--proc", tree_of_ports(69, 0), "ports" }
  check.contains("ports: 69 of 100", out, "(69.0 %), 0 in TIME_WAIT: nobody is near the end")
  check.ok("ports: then no remedies", not out:find("remedy"), out)
  -- reserved ports are not given out, and those that hold them are no outgoing connections of the range
  local RESERVED = "sys/net/ipv4/ip_local_reserved_ports"
  list = lines_of { "--proc", tree_of_ports(95, 0, { [RESERVED] = "40001-40010,9\n" }), "ports" }
  check.contains("ports: reserved", list[1], "ports 40001 to 40100, 10 of them reserved: 90 for each")
  check.contains("ports: of those left", list[2], "has 85 of 90 ports (94.4 %)")
  list = lines_of { "--proc", tree_of_ports(95, 0, { [RESERVED] = false }), "ports" }
  check.contains("ports: reserved ones not known", list[1], "how many of them are reserved is not known: 100 for each")
  list = lines_of { "--proc", tree_of_ports(95, 0, { [RESERVED] = "40001-40100\n" }), "ports" }
  check.contains("ports: all reserved", list[1], "100 of them reserved: 0 for each")
  list = lines_of { "--proc", tree_of_ports(95, 0, { ["sys/net/ipv4/ip_local_port_range"] = false }), "ports" }
  check.contains("ports: no range", list[1], "the range is not known")
  check.equal("ports: no range: a row", (list[4]:gsub(" +", " ")), "10.0.0.2 10.0.0.3 5432 95 - - 0")
end

do
  local files = proc_files.all {
    ["net/netstat"] = proc_files.netstat { ListenOverflows = 12 },
    ["net/tcp"] = rows.file("tcp", {
      rows.tcp { lport = 80, state = 10, rx = 129, inode = 10 },
      rows.tcp { lport = 80, raddr = "0300000A", rport = 1, state = 8, rx = 1, inode = 11 },
      rows.tcp { lport = 80, raddr = "0300000A", rport = 2, state = 1, rx = 3 * 1024, inode = 12 },
      rows.tcp { lport = 80, raddr = "0300000A", rport = 3, state = 1, tx = 2 ^ 21, timer = 4, when = 50, probes = 2,
        inode = 13 },
      rows.tcp { lport = 80, raddr = "0300000A", rport = 4, state = 2, tx = 1, timer = 1, when = 50, inode = 14 },
    }),
    ["7/fd/3"] = { link = "socket:[10]" }, ["7/fd/4"] = { link = "socket:[12]" }, ["7/cmdline"] = "web\0",
  }
  local _, out = lines_of { "--proc", program.tree(files), "queues" }
  check.equal("queues", out, [[
unread: 3.0 KiB on 1 sockets: our side is slow
unsent: 2.0 MiB on 1 sockets: the peer or the network is slow
closed windows: 1
129 connections wait for accept(); a queue's limit is the listen() backlog, at most somaxconn (4096); full so far: 12 times

Unread data, by program
program  proto  sockets  bytes  most
web      tcp          1   3072  3072

Unsent data, by program
program  proto  sockets  peers    bytes     most  retransmitting
-        tcp          1      1  2097152  2097152               0

Closed windows
program  local_addr  local_port  remote_addr  remote_port  state         send_q  probes  next
-        127.0.0.1           80  10.0.0.3               3  ESTABLISHED  2097152       2  0.50

Connections that wait for accept()
program  local_addr  local_port  waiting
web      127.0.0.1           80      129

next: sockq 'recv_q > 0 and not LISTEN' -s -recv_q -L 20 # the sockets with the most unread data
sockq retrans # who sends again, and until when
sockq 'LISTEN and recv_q > 0' # the listeners, with their processes
]])
end

do
  local function resend(rport, raddr, f)
    f.laddr, f.raddr, f.lport, f.rport, f.state, f.timer, f.inode = "0200000A", raddr, 40000, rport, f.state or 1, f.timer or 1,
      f.inode or 50
    f.tail = f.tail or " 1 0000000000000000 80 4 30 10 -1"
    return rows.tcp(f)
  end
  local files = proc_files.all {
    ["sys/net/ipv4/tcp_retries2"] = "3\n",
    ["net/tcp"] = rows.file("tcp", {
      resend(1, "0300000A", { retrans = 2, when = 30 }), resend(2, "0300000A", { retrans = 2, when = 20 }),
      resend(3, "0400000A", { retrans = 0, when = 20 }), resend(4, "0400000A", { retrans = 0, timer = 2, when = 20 }),
    }),
  }
  local list = lines_of { "--proc", program.tree(files), "retrans" }
  check.equal("retrans: how many", list[1], "2 send data again")
  check.equal("retrans: to whom", list[2], "all that send again are connected to 10.0.0.3: look at that host and the way to it")
  check.equal("retrans: settings", list[3], "the kernel gives up by tcp_retries2 3 (data: 3.0 s or more), "
    .. "tcp_orphan_retries 0 (8 until the longest timeout), tcp_syn_retries 6, tcp_synack_retries 5, "
    .. "tcp_keepalive_probes 9, tcp_keepalive_intvl 75 s")
  check.equal("retrans: the first to go is first", (table.concat(list, "\n", 5, 8):gsub(" +", " ")), [[
kind state program local_addr local_port remote_addr remote_port tries next gives_up latest send_q setting
resend ESTABLISHED - 10.0.0.2 40000 10.0.0.3 2 2 0.20 5 5.06 0 tcp_retries2
resend ESTABLISHED - 10.0.0.2 40000 10.0.0.3 1 2 0.30 5.10 5.16 0 tcp_retries2
]])
  files["sys/net/ipv4/tcp_retries2"] = nil
  files["net/tcp"] = files["net/tcp"] .. resend(5, "0500000A", { retrans = 1, when = 20 }) .. "\n"
    .. resend(6, "0300000A", { retrans = 1, when = 20, state = 2 }) .. "\n"
  list = lines_of { "--proc", program.tree(files), "retrans" }
  check.equal("retrans: both kinds", list[1], "3 send data again, 1 gets no answer to its SYN")
  check.contains("retrans: most to one", list[2], "3 of 4 that send again are connected to 10.0.0.3: look there first")
  check.contains("retrans: what is not known", list[3], "; not known here, so no time is told where they decide: tcp_retries2")
  check.equal("retrans: no time", (list[7]:gsub(" +", " ")),
    "resend ESTABLISHED - 10.0.0.2 40000 10.0.0.3 1 2 0.30 - - 0 tcp_retries2")
end

posix.cleanup()
check.finish()
