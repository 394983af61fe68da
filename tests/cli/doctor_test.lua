--- The report doctor: each check at its thresholds, by hand; what is missing is unknown and never ok; each
-- command shows the rows that its check is about.
--
--   luajit tests/cli/doctor_test.lua --sockq PATH

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/../lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local proc_files = require "proc_files"
local program = require "program"
local rows = require "rows"

local IPV4 = "sys/net/ipv4/"
local CHECKS = { "close_wait", "accept_queue", "syn_backlog", "time_wait", "local_ports", "orphans", "tcp_memory",
  "retransmissions", "closed_windows", "udp_drops", "owners", "descriptors", "conntrack", "keepalive", "packet_backlog" }

local QUIET = "00000437 00000000 00000000\n"

-- A healthy server: a listener of the process "web", and a client with keepalive.
local function healthy(changes)
  local files = proc_files.all { ["net/softnet_stat"] = QUIET }
  files["net/tcp"] = rows.file("tcp", { rows.tcp { lport = 80, state = 10, inode = 10 },
    rows.tcp { laddr = "0200000A", lport = 80, raddr = "0300000A", rport = 5000, state = 1, timer = 2, when = 500,
      inode = 11 } })
  files["net/udp"] = rows.file("udp", { rows.datagram { lport = 53, inode = 12 } })
  for fd = 10, 12 do files["7/fd/" .. fd] = { link = ("socket:[%d]"):format(fd) } end
  files["7/cmdline"] = "web\0"
  for path, text in pairs(changes or {}) do
    -- More rows come behind those that are there.
    if type(text) == "table" and text.rows then text = files[path] .. table.concat(text.rows, "\n") .. "\n" end
    files[path] = text or nil
  end
  return files
end

-- What a doctor's table says: { [check] = { verdict, evidence, command } }, and the order.
local function examine(files, words)
  local dir = type(files) == "string" and files or program.tree(files)
  local status, out, err = program.run { "--proc", dir, "doctor", "-f", "tsv", unpack(words or {}) }
  local said, order = {}, {}
  for verdict, name, evidence, command in out:gmatch("(%l+)\t([%l_]+)\t([^\t\n]*)\t([^\t\n]*)\n") do
    if name ~= "check" then
      said[name] = { verdict = verdict, evidence = evidence, command = command }
      order[#order + 1] = verdict .. " " .. name
    end
  end
  return said, order, status, err
end

do
  local said, order, status, err = examine(healthy())
  check.equal("healthy: status", status, 0)
  check.equal("healthy: no message", err, "")
  local want = {}
  for i, name in ipairs(CHECKS) do want[i] = "ok " .. name end
  check.equal("healthy", table.concat(order, "\n"), table.concat(want, "\n"))
  check.equal("healthy: evidence", said.retransmissions.evidence,
    "sending again: 0 sockets; so far 500 of 200000 segments (0.25 %)")
end

-- Rows of one kind.
local function many(count, make)
  local list = {}
  for i = 1, count do list[i] = make(i) end
  return { rows = list }
end

local function close_wait(count)
  return many(count, function(i)
    return rows.tcp { lport = 80, raddr = "0300000A", rport = i, state = 8, rx = 1, timer = 2, when = 5, inode = 11 }
  end)
end

local function waiting(count, port)
  return { rows = { rows.tcp { lport = port or 81, state = 10, rx = count, inode = 10 } } }
end

local function requests(count)
  return many(count, function(i)
    return rows.tcp { lport = 80, raddr = "0400000A", rport = i, state = 3, timer = 1, when = 50 }
  end)
end

local function time_wait(count)
  return many(count, function(i)
    return rows.tcp { lport = 80, raddr = "0400000A", rport = i, state = 6, timer = 3, when = 50 }
  end)
end

local function outgoing(count)
  return many(count, function(i)
    return rows.tcp { laddr = "0200000A", lport = 33000 + i, raddr = "0400000A", rport = 443, state = 1, timer = 2,
      when = 5, inode = 11 }
  end)
end

local function resending(count)
  return many(count, function(i)
    return rows.tcp { lport = 80, raddr = "0400000A", rport = i, state = 1, timer = 1, when = 50, retrans = 1, inode = 11 }
  end)
end

local function probing(count, probes)
  return many(count, function(i)
    return rows.tcp { lport = 80, raddr = "0900000A", rport = i, state = 1, timer = 4, when = 50, probes = probes, inode = 11 }
  end)
end

local function idle(count, address)
  return many(count, function(i)
    return rows.tcp { laddr = "0200000A", lport = 80, raddr = address, rport = i, state = 1, inode = 11 }
  end)
end

local function sockstat(orphans, pages)
  return ("sockets: used 9\nTCP: inuse 2 orphan %d tw 0 alloc 2 mem %d\nUDP: inuse 1 mem 2\n"):format(orphans, pages)
end

local function ports_of(count)
  return { ["net/tcp"] = outgoing(count), [IPV4 .. "ip_local_port_range"] = "33001\t33100\n" }
end

-- check, what differs from the healthy server, verdict, a piece of the evidence
local CASES = {
  { "close_wait", { ["net/tcp"] = close_wait(9) }, "ok", "9 sockets, 9 of web" },
  { "close_wait", { ["net/tcp"] = close_wait(10) }, "look", "10 sockets, 10 of web" },
  { "close_wait", { ["net/tcp"] = close_wait(99) }, "look" },
  { "close_wait", { ["net/tcp"] = close_wait(100) }, "bad" },
  { "accept_queue", { ["net/tcp"] = waiting(127) },
    "ok", "127 wait for web on port 81; so far 0 found a full queue, 0 were dropped" },
  { "accept_queue", { ["net/tcp"] = waiting(128) }, "look" },
  { "accept_queue", { ["net/tcp"] = waiting(4096) }, "bad", "no queue is longer than somaxconn 4096" },
  { "accept_queue", { ["net/netstat"] = proc_files.netstat { ListenOverflows = 1, ListenDrops = 3 } }, "look",
    "nothing waits; so far 1 found a full queue, 3 were dropped" },
  { "accept_queue", { ["net/tcp"] = waiting(128), ["net/netstat"] = proc_files.netstat { ListenOverflows = 1 } }, "bad" },
  { "syn_backlog", { ["net/tcp"] = requests(24), [IPV4 .. "tcp_max_syn_backlog"] = "100\n" },
    "ok", "24 of 100 (24.0 %) on port 80" },
  { "syn_backlog", { ["net/tcp"] = requests(25), [IPV4 .. "tcp_max_syn_backlog"] = "100\n" }, "look" },
  { "syn_backlog", { ["net/tcp"] = requests(75), [IPV4 .. "tcp_max_syn_backlog"] = "100\n" }, "bad" },
  { "syn_backlog", { ["net/netstat"] = proc_files.netstat { TCPReqQFullDrop = 1 } }, "look", "so far 1 dropped, 0 answered" },
  { "syn_backlog", { ["net/netstat"] = proc_files.netstat { TCPReqQFullDoCookies = 7 } }, "look", "7 answered by cookies" },
  { "time_wait", { ["net/tcp"] = time_wait(49), [IPV4 .. "tcp_max_tw_buckets"] = "100\n" }, "ok", "49 of 100 (49.0 %)" },
  { "time_wait", { ["net/tcp"] = time_wait(50), [IPV4 .. "tcp_max_tw_buckets"] = "100\n" }, "look" },
  { "time_wait", { ["net/tcp"] = time_wait(90), [IPV4 .. "tcp_max_tw_buckets"] = "100\n" }, "bad" },
  { "time_wait", { ["net/netstat"] = proc_files.netstat { TCPTimeWaitOverflow = 1 } }, "look" },
  { "time_wait", { [IPV4 .. "tcp_max_tw_buckets"] = "0\n" }, "unknown" },
  { "local_ports", ports_of(69), "ok", "69 of 100 (69.0 %) from 10.0.0.2 to 10.0.0.4 port 443, 0 in TIME_WAIT" },
  { "local_ports", ports_of(70), "look" },
  { "local_ports", ports_of(90), "bad" },
  { "local_ports", { [IPV4 .. "ip_local_reserved_ports"] = "32768-60999\n" }, "bad", "the whole range is reserved" },
  { "orphans", { ["net/sockstat"] = sockstat(24, 5), [IPV4 .. "tcp_max_orphans"] = "100\n" }, "ok", "24 of 100 (24.0 %)" },
  { "orphans", { ["net/sockstat"] = sockstat(25, 5), [IPV4 .. "tcp_max_orphans"] = "100\n" }, "look" },
  { "orphans", { ["net/sockstat"] = sockstat(50, 5), [IPV4 .. "tcp_max_orphans"] = "100\n" }, "bad" },
  { "tcp_memory", { ["net/sockstat"] = sockstat(0, 100), [IPV4 .. "tcp_mem"] = "100\t200\t400\n" }, "ok",
    "100 of 400 (25.0 %) pages; so far short 0 times" },
  { "tcp_memory", { ["net/sockstat"] = sockstat(0, 101), [IPV4 .. "tcp_mem"] = "100\t200\t400\n" }, "look" },
  { "tcp_memory", { ["net/sockstat"] = sockstat(0, 201), [IPV4 .. "tcp_mem"] = "100\t200\t400\n" }, "bad" },
  { "tcp_memory", { ["net/netstat"] = proc_files.netstat { TCPMemoryPressures = 2 } }, "look", "short 2 times" },
  { "retransmissions", { ["net/snmp"] = proc_files.snmp { RetransSegs = 1999 } }, "ok", "1999 of 200000 segments (1.00 %)" },
  { "retransmissions", { ["net/snmp"] = proc_files.snmp { RetransSegs = 2000 } }, "look" },
  { "retransmissions", { ["net/snmp"] = proc_files.snmp { RetransSegs = 10000 } }, "bad", "(5.00 %)" },
  { "retransmissions", { ["net/snmp"] = proc_files.snmp { RetransSegs = 900, OutSegs = 999 } },
    "unknown", "999 segments so far are too few" },
  { "retransmissions", { ["net/tcp"] = resending(9) }, "ok", "sending again: 9 sockets" },
  { "retransmissions", { ["net/tcp"] = resending(10) }, "look" },
  { "retransmissions", { ["net/tcp"] = resending(100) }, "bad" },
  { "closed_windows", { ["net/tcp"] = probing(1, 0) }, "look", "1 socket to peers that take nothing more, 0 without an answer" },
  { "closed_windows", { ["net/tcp"] = probing(9, 1) }, "look" },
  { "closed_windows", { ["net/tcp"] = probing(10, 1) }, "bad", "10 without an answer" },
  { "closed_windows", { ["net/tcp"] = probing(100, 0) }, "bad" },
  { "udp_drops", { ["net/udp"] = { rows = { rows.datagram { lport = 54, inode = 12, tail = " 2 0000000000000000 17" } } } },
    "look", "1 socket dropped 17; so far 0 of 90000 were lost" },
  { "udp_drops", { ["net/snmp"] = proc_files.snmp(nil, { RcvbufErrors = 5 }) },
    "look", "no socket dropped any; so far 5 of 90005" },
  { "udp_drops", { ["net/snmp"] = proc_files.snmp(nil, { RcvbufErrors = 900, MemErrors = 100 }) },
    "bad", "1000 of 91000 were lost" },
  { "udp_drops", { ["net/snmp6"] = "Udp6InDatagrams 10000\nUdp6RcvbufErrors 2000\n" }, "bad", "2000 of 102000" },
  { "owners", { ["7/fd/11"] = false }, "look", "1 of 2 sockets without a known process: no process has it" },
  { "owners", { ["7/fd/11"] = false, ["7/fd/10"] = false }, "unknown", "2 of 2 sockets" },
  { "descriptors", { ["sys/fs/file-nr"] = "69\t0\t100\n" }, "ok", "69 of 100 (69.0 %)" },
  { "descriptors", { ["sys/fs/file-nr"] = "70\t0\t100\n" }, "look" },
  { "descriptors", { ["sys/fs/file-nr"] = "90\t0\t100\n" }, "bad" },
  { "descriptors", { ["sys/fs/file-nr"] = "9000\t0\t9223372036854775807\n" }, "ok" },
  { "conntrack", { ["sys/net/netfilter/nf_conntrack_count"] = "69\n", ["sys/net/netfilter/nf_conntrack_max"] = "100\n" }, "ok" },
  { "conntrack", { ["sys/net/netfilter/nf_conntrack_count"] = "70\n", ["sys/net/netfilter/nf_conntrack_max"] = "100\n" },
    "look" },
  { "conntrack", { ["sys/net/netfilter/nf_conntrack_count"] = "90\n", ["sys/net/netfilter/nf_conntrack_max"] = "100\n" }, "bad",
    "90 of 100 (90.0 %)" },
  { "keepalive", { ["net/tcp"] = idle(9, "0400000A") }, "ok", "9 of 10 connections that lead out are idle" },
  { "keepalive", { ["net/tcp"] = idle(10, "0400000A") }, "look", "10 of 11" },
  { "keepalive", { ["net/tcp"] = idle(10, "0100007F") }, "ok", "0 of 1" },
  { "packet_backlog", { ["net/softnet_stat"] = "00002710 00000000 00000000\n" }, "ok", "0 of 10000 packets dropped (0.00 %)" },
  { "packet_backlog", { ["net/softnet_stat"] = "00002710 00000009 00000000\n" }, "look", "9 of 10000 packets dropped (0.09 %)" },
  { "packet_backlog", { ["net/softnet_stat"] = "00002710 0000000a 00000000\n" }, "bad" },
}
for i, case in ipairs(CASES) do
  local name, changes, verdict, piece = unpack(case)
  local title = ("%s %d"):format(name, i)
  local said = examine(healthy(changes))
  check.equal(title .. ": verdict", said[name] and said[name].verdict, verdict)
  if piece then check.contains(title .. ": evidence", said[name] and said[name].evidence, piece) end
end

-- What is missing is unknown, and never ok

local NEEDS = {
  ["net/snmp"] = "retransmissions udp_drops",
  ["net/netstat"] = "accept_queue syn_backlog time_wait tcp_memory",
  ["net/sockstat"] = "orphans tcp_memory",
  ["net/softnet_stat"] = "packet_backlog",
  ["net/tcp"] = "close_wait accept_queue syn_backlog time_wait local_ports retransmissions closed_windows owners keepalive",
  ["net/udp"] = "udp_drops",
  [IPV4 .. "tcp_max_syn_backlog"] = "syn_backlog",
  [IPV4 .. "tcp_max_tw_buckets"] = "time_wait",
  [IPV4 .. "tcp_max_orphans"] = "orphans",
  [IPV4 .. "tcp_mem"] = "tcp_memory",
  [IPV4 .. "ip_local_port_range"] = "local_ports",
  ["sys/fs/file-nr"] = "descriptors",
  ["sys/net/netfilter/nf_conntrack_count"] = "conntrack",
  ["sys/net/netfilter/nf_conntrack_max"] = "conntrack",
}
local function unknown_ones(files)
  local said = examine(files)
  local list = {}
  for _, name in ipairs(CHECKS) do
    local verdict = said[name] and said[name].verdict
    if verdict == "unknown" then list[#list + 1] = name
    elseif verdict ~= "ok" then check.fail("unknown or ok: " .. name, tostring(verdict)) end
  end
  return table.concat(list, " ")
end
for path in pairs(healthy()) do
  if not path:find("^7/") then
    local files = healthy { [path] = false }
    check.equal(path .. " missing", unknown_ones(files), NEEDS[path] or "")
    -- one that cannot be read is no better
    files[path] = { folder = true }
    local said, _, status, err = examine(files)
    check.equal(path .. " unreadable: status", status, 3)
    check.contains(path .. " unreadable: message", err, path)
    for name in (NEEDS[path] or ""):gmatch("%S+") do
      check.equal(path .. " unreadable: " .. name, said[name] and said[name].verdict, "unknown")
    end
  end
end
check.equal("nothing there", unknown_ones {}, table.concat(CHECKS, " "))
check.equal("only tables", unknown_ones { ["net/tcp"] = rows.file("tcp", {}), ["net/udp"] = rows.file("udp", {}) },
  "accept_queue syn_backlog time_wait local_ports orphans tcp_memory retransmissions udp_drops descriptors conntrack "
  .. "packet_backlog")

-- Verdicts as arguments, order, status

do
  local files = healthy { ["net/tcp"] = close_wait(100), ["sys/fs/file-nr"] = "70\t0\t100\n",
    [IPV4 .. "tcp_mem"] = false }
  local dir = program.tree(files)
  local _, order = examine(dir)
  check.equal("the worst first", table.concat(order, ", ", 1, 4),
    "bad close_wait, look descriptors, unknown tcp_memory, ok accept_queue")
  local _, bad, status = examine(dir, { "bad" })
  check.equal("bad alone", table.concat(bad, ", ") .. status, "bad close_wait0")
  local _, two = examine(dir, { "look", "bad" })
  check.equal("two verdicts", table.concat(two, ", "), "bad close_wait, look descriptors")
  check.equal("nothing bad: status", select(3, examine(healthy(), { "bad" })), 1)
  check.equal("nothing bad: -q", (program.run { "--proc", program.tree(healthy()), "doctor", "bad", "-q" }), 1)
  check.equal("something bad: -q", (program.run { "--proc", dir, "doctor", "bad", "-q" }), 0)
  program.refuses("a verdict that is none", { "--proc", dir, "doctor", "worse" },
    { err = { "doctor: ", "bad, look, unknown, ok" } })
  local got, out, err = program.run { "--proc", dir, "doctor" }
  check.equal("table: status", got .. err, "0")
  check.equal("table: the sum", program.lines(out)[1], "15 checks: 1 bad, 1 worth a look, 1 unknown, 12 ok")
  local steps = program.next_steps(out)
  check.equal("table: what to do", steps[1].command, "sockq CLOSE_WAIT -g program,remote_addr")
  check.contains("table: why", steps[1].why, "close_wait: the peer has closed, the program has not")
  check.equal("table: and then", steps[2].command, "sockq --from all -g program")
  check.equal("table: nothing of what is well", #steps, 2)
  for _, format in ipairs { "json", "ndjson", "csv", "records", "lua", "prometheus" } do
    local made, text, wrong = program.run { "--proc", dir, "doctor", "-f", format }
    check.equal(format .. ": status", made .. wrong, "0")
    check.contains(format .. ": evidence", text, "100 sockets, 100 of web")
  end
end

-- Each command runs, and shows rows where the evidence has some

do
  local files = healthy { ["net/udp"] = { rows = { rows.datagram { lport = 54, inode = 12, tail = " 2 0000000000000000 17" } } },
    ["7/fd/11"] = false }
  local list = {}
  for _, more in ipairs { close_wait(3), waiting(5), requests(2), time_wait(2), outgoing(2), resending(2), probing(2, 1),
      idle(12, "0400000A"), { rows = { rows.tcp { lport = 80, raddr = "0400000A", state = 4, rx = 0, tx = 5, inode = 0 } } } } do
    for _, row in ipairs(more.rows) do list[#list + 1] = row end
  end
  files["net/tcp"] = files["net/tcp"] .. table.concat(list, "\n") .. "\n"
  local dir = program.tree(files)
  for name, one in pairs(examine(dir)) do
    local line = one.command:gsub("^sockq", function() return posix.quote(program.path) .. " --proc " .. posix.quote(dir) end)
    local status, out, err = posix.run({ "sh", "-c", line }, { env = program.environment(), timeout = 60 })
    check.equal(name .. ": its command: status and message", status .. err, "0")
    check.ok(name .. ": its command shows rows", #program.lines(out) >= 2, out)
  end
end

-- Recordings: all of it is there; and of one with some sockets only nothing is concluded

do
  local dir = program.tree(healthy { ["net/tcp"] = close_wait(100), ["sys/fs/file-nr"] = "70\t0\t100\n" })
  for _, condition in ipairs { "", "LISTEN" } do
    local file = ("%s/recording%s"):format(dir, condition)
    local status, _, err = program.run { "--proc", dir, "record", file, condition ~= "" and condition or nil }
    check.equal("record " .. condition, status .. err, "0")
    local _, out = program.run { "--proc", dir, "doctor", "-f", "tsv" }
    local _, again, wrong = program.run { "--read", file, "doctor", "-f", "tsv" }
    check.equal("from a recording: no message", wrong, "")
    if condition == "" then
      check.equal("from a recording", again, out)
    else
      for _, name in ipairs { "close_wait", "accept_queue", "retransmissions", "udp_drops", "keepalive" } do
        check.contains("of some sockets: " .. name, again,
          "unknown\t" .. name .. "\tthe recording has only sockets that met a condition\t")
      end
      check.contains("of some sockets: what needs none", again, "look\tdescriptors\t70 of 100 (70.0 %)\t")
    end
  end
end

-- This machine

do
  local status, out, err = program.run { "doctor", "-f", "tsv" }
  check.ok("live: status", status == 0, err)
  check.equal("live: checks", #program.lines(out), #CHECKS + 1)
  for name, file in pairs { orphans = "tcp_max_orphans", time_wait = "tcp_max_tw_buckets" } do
    local limit = posix.read_file("/proc/sys/net/ipv4/" .. file)
    if limit then check.contains("live: " .. name, out, (" of %d ("):format(tonumber(limit))) end
  end
  check.ok("live: retransmissions", out:find("sending again: %d+ socket"), out)
end

-- Sockets in trouble, of this kernel's

do
  local argv = { "unshare", "-n", "--", "python3", here .. "/../lib/trouble.py", program.path, "doctor", "-f", "tsv" }
  if posix.geteuid() ~= 0 then table.insert(argv, 2, "-r") end
  local status, out, err = posix.run(argv, { timeout = 60, env = program.environment() })
  if status ~= 0 and out == "" then
    program.skip_part("sockets in trouble", "no network namespace or no python3 here: " .. (err:match("[^\n]*\n?$") or ""))
  else
    for _, line in ipairs {
      "look\tclose_wait\t12 sockets, 12 of python3\t",
      "look\taccept_queue\t2 wait for python3 on port 5001; so far ",
      "look\tlocal_ports\t16 of 20 (80.0 %) from 127.0.0.1 to 127.0.0.1 port 5000, 0 in TIME_WAIT\t",
      "look\tclosed_windows\t1 socket to peers that take nothing more, ",
      "bad\tudp_drops\t1 socket dropped ",
      "ok\ttime_wait\t0 of ",
    } do
      check.contains("in trouble", out, line)
    end
    check.ok("in trouble: the queue was full", out:find("so far [1-9]%d* found a full queue, [1-9]"), out)
    check.ok("in trouble: datagrams were lost", out:find("so far ([1-9]%d*) of %1 were lost"), out)
  end
end

posix.cleanup()
check.finish()
