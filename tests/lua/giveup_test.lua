--- When the kernel gives a connection up: by hand from the kernel's rules, and against this kernel, in
--- a network namespace with short settings, until it did (about 10 s).
--
--   tests/luajit luajit tests/lua/giveup_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local giveup = require "sockq.giveup"
local posix = require "posix"
local proc_files = require "proc_files"
local rows = require "rows"
local sockq = require "sockq"
local tree = require "tree_of"

local IPV4 = "sys/net/ipv4/"

local function near(name, got, want)
  if want == nil then return check.equal(name, got, nil) end
  return check.ok(name, got and math.abs(got - want) < 0.015, ("got  %s\nwant %s"):format(tostring(got), want))
end

-- ip-sysctl.rst: 15 retries stand for 924.6 s; tcp_timer.c: 8 for more than 100 s

near("model 15", giveup.model(15), 924.6)
near("model 8", giveup.model(8), 102.2)
near("model 3", giveup.model(3), 3)
near("model 0", giveup.model(0), 0.2)
near("model 9", giveup.model(9), 204.6)
near("model 10", giveup.model(10), 324.6)
near("model 5, 10 s at most", giveup.model(5, 10), 12.6)
-- ilog2(10 / 0.2) is 5: 63 × 0.2 s, then 10 s each
near("model 6, 10 s at most", giveup.model(6, 10), 22.6)

-- One row: tail: "REFS POINTER RTO ATO QACK CWND SSTHRESH"; when and rto in ticks of 1/100 s.
local function full(rto) return (" 2 0000000000000000 %d 4 30 10 -1"):format(rto) end
local SETTINGS = { ["net/snmp"] = false }

-- name, row, settings that differ, kind, tries, earliest, latest (nil: as earliest; false: none), setting
local CASES = {
  -- 0.2 s doubles: after the 2nd timeout 0.8 s runs, 0.3 s of it are left. At its end 0.4 + 0.8 = 1.2 s
  -- have passed since the first retransmission, less than 3.0: then 1.6 (2.8), 3.2 (6.0).
  { "data, 3 retries", { state = 1, timer = 1, when = 30, retrans = 2, inode = 9, tail = full(80) },
    { tcp_retries2 = 3 }, "resend", 2, 0.3 + 1.6 + 3.2, nil, "tcp_retries2" },
  -- 0.22 s: 0.44 + 0.88 + 1.76 = 3.08, one timeout less
  { "data, 3 retries, slower", { state = 1, timer = 1, when = 30, retrans = 2, inode = 9, tail = full(88) },
    { tcp_retries2 = 3 }, "resend", 2, 0.3 + 1.76, nil, "tcp_retries2" },
  -- 15 retries from 0.2 s: 0.4 … 102.4 are 204.4 (9 timeouts), then 120 s each: 924.4 < 924.6 ≤ 1044.4.
  -- The timeout is printed rounded down: 0.2016 s would already do (926.1), so two times are possible.
  { "data, from the start", { state = 1, timer = 1, when = 40, retrans = 1, inode = 9, tail = full(40) },
    {}, "resend", 1, 0.4 + 204 + 6 * 120, 0.4 + 204 + 7 * 120, "tcp_retries2" },
  -- 1 s: 2 + … + 64 = 126 (6), 120 s each: 126 + 7 × 120 = 966
  { "data, 1 s", { state = 8, timer = 1, when = 200, retrans = 1, inode = 9, tail = full(200) },
    {}, "resend", 1, 966, nil, "tcp_retries2" },
  -- no timeout yet: 1 + 966; a loss probe may come first, then a whole timeout
  { "data, 1 s, in flight", { state = 1, timer = 1, when = 100, retrans = 0, inode = 9, tail = full(100) },
    {}, "resend", 0, 967, 968, "tcp_retries2" },
  { "data, the last timeout runs", { state = 1, timer = 1, when = 7, retrans = 4, inode = 9, tail = full(320) },
    { tcp_retries2 = 3 }, "resend", 4, 0.07, nil, "tcp_retries2" },
  -- At 120 s since an unknown time: 12 timeouts are 0.4 … 102.4 and 3 × 120 (564.4) at least: 3 more make
  -- 924.4, so 4; at most 924.6 + 120, which is over
  { "data, at the longest timeout", { state = 1, timer = 1, when = 6000, retrans = 12, inode = 9, tail = full(12000) },
    {}, "resend", 12, 60, 60 + 4 * 120, "tcp_retries2" },
  { "data, 10 s at most", { state = 1, timer = 1, when = 500, retrans = 4, inode = 9, tail = full(640) },
    -- 12.6 s: 0.8 1.6 3.2 6.4 are 12.0, then 10
    { tcp_retries2 = 5, tcp_rto_max_ms = 10000 }, "resend", 4, 5 + 10, nil, "tcp_retries2" },
  { "data, no setting", { state = 1, timer = 1, when = 30, retrans = 2, inode = 9, tail = full(80) },
    { tcp_retries2 = false }, "resend", 2, false, false, "tcp_retries2" },
  { "data, not accepted yet: no orphan", { state = 1, timer = 1, when = 30, retrans = 2, inode = 0, tail = full(80) },
    { tcp_retries2 = 3, tcp_orphan_retries = 1 }, "resend", 2, 0.3 + 1.6 + 3.2, nil, "tcp_retries2" },
  -- an orphan: 2 retries are 1.4 s: 1.2 < 1.4 ≤ 2.8
  { "orphan", { state = 4, timer = 1, when = 30, retrans = 2, inode = 0, tail = full(80) },
    { tcp_orphan_retries = 2 }, "resend", 2, 0.3 + 1.6, nil, "tcp_orphan_retries" },
  { "orphan, 0 is 8", { state = 9, timer = 1, when = 80, retrans = 2, inode = 0, tail = full(80) },
    -- 102.2 s: 1.2 + 1.6 + … + 51.2 are 102.0; then 102.4
    {}, "resend", 2, 0.8 + 100.8, 0.8 + 100.8 + 102.4, "tcp_orphan_retries" },
  { "orphan, 0 at the longest timeout is 0", { state = 11, timer = 1, when = 4000, retrans = 9, inode = 0, tail = full(12000) },
    {}, "resend", 9, 40, nil, "tcp_orphan_retries" },
  { "FIN_WAIT1 with a process", { state = 4, timer = 1, when = 30, retrans = 2, inode = 9, tail = full(80) },
    { tcp_retries2 = 3, tcp_orphan_retries = 1 }, "resend", 2, 0.3 + 1.6 + 3.2, nil, "tcp_retries2" },
  { "orphan, no setting", { state = 4, timer = 1, when = 30, retrans = 2, inode = 0, tail = full(80) },
    { tcp_orphan_retries = false }, "resend", 2, false, false, "tcp_orphan_retries" },
  -- 1 3 7 15 31 63 127
  { "syn, first", { state = 2, timer = 1, when = 100, retrans = 0, inode = 9, tail = full(100) },
    {}, "syn", 0, 127, nil, "tcp_syn_retries" },
  { "syn, third", { state = 2, timer = 1, when = 150, retrans = 2, inode = 9, tail = full(400) },
    {}, "syn", 2, 1.5 + 8 + 16 + 32 + 64, nil, "tcp_syn_retries" },
  { "syn, last", { state = 2, timer = 1, when = 6000, retrans = 6, inode = 9, tail = full(6400) },
    {}, "syn", 6, 60, nil, "tcp_syn_retries" },
  -- 1 2 3 4 5 7 11 19 35 67 131
  { "syn, linear", { state = 2, timer = 1, when = 100, retrans = 0, inode = 9, tail = full(100) },
    { tcp_syn_linear_timeouts = 4 }, "syn", 0, 131, nil, "tcp_syn_retries" },
  { "syn, linear, sixth", { state = 2, timer = 1, when = 200, retrans = 5, inode = 9, tail = full(200) },
    { tcp_syn_linear_timeouts = 4 }, "syn", 5, 2 + 4 + 8 + 16 + 32 + 64, nil, "tcp_syn_retries" },
  -- 5 timeouts are allowed, but 3 s are over at the third
  { "syn, linear, one retry", { state = 2, timer = 1, when = 100, retrans = 0, inode = 9, tail = full(100) },
    { tcp_syn_linear_timeouts = 4, tcp_syn_retries = 1 }, "syn", 0, 3, nil, "tcp_syn_retries" },
  { "syn, no setting", { state = 2, timer = 1, when = 100, retrans = 0, inode = 9, tail = full(100) },
    { tcp_syn_retries = false }, "syn", 0, false, false, "tcp_syn_retries" },
  { "syn-ack", { state = 3, timer = 1, when = 50, retrans = 0, inode = 0, tail = " 0 0000000000000000" },
    {}, "syn-ack", 0, 0.5 + 2 + 4 + 8 + 16 + 32, nil, "tcp_synack_retries" },
  { "syn-ack, last", { state = 3, timer = 1, when = 3100, retrans = 5, inode = 0, tail = " 0 0000000000000000" },
    {}, "syn-ack", 5, 31, nil, "tcp_synack_retries" },
  { "syn-ack, fast open has one more", { state = 3, timer = 1, when = 3100, retrans = 5, inode = 9, tail = full(100) },
    {}, "syn-ack", 5, 31 + 64, nil, "tcp_synack_retries" },
  { "syn-ack, no setting", { state = 3, timer = 1, when = 50, retrans = 0, inode = 0, tail = " 0 0000000000000000" },
    { tcp_synack_retries = false }, "syn-ack", 0, false, false, "tcp_synack_retries" },
  { "probe, answered", { state = 1, timer = 4, when = 500, probes = 0, inode = 9, tail = full(20) },
    {}, "probe", 0, false, false, "tcp_retries2" },
  -- One unanswered, backoff 1: 0.4 s run. Two more (0.8, 1.6), and the end of the last. The backoff may be
  -- 3 by older answers: 1.6 s each
  { "probe", { state = 1, timer = 4, when = 40, probes = 1, inode = 9, tail = full(20) },
    { tcp_retries2 = 3 }, "probe", 1, 0.4 + 0.8 + 1.6, 0.4 + 1.6 + 1.6, "tcp_retries2" },
  { "probe, the wait tells the backoff", { state = 1, timer = 4, when = 150, probes = 1, inode = 9, tail = full(20) },
    { tcp_retries2 = 3 }, "probe", 1, 1.5 + 1.6 + 1.6, nil, "tcp_retries2" },
  -- 0.2 s were 0.204: 1.63 s are the wait after three
  { "probe, the wait is rounded down", { state = 1, timer = 4, when = 163, probes = 1, inode = 9, tail = full(20) },
    { tcp_retries2 = 3 }, "probe", 1, 1.63 + 1.6 + 1.6, nil, "tcp_retries2" },
  { "probe, last", { state = 1, timer = 4, when = 9000, probes = 15, inode = 9, tail = full(20) },
    {}, "probe", 15, 90, nil, "tcp_retries2" },
  { "probe, orphan", { state = 4, timer = 4, when = 40, probes = 1, inode = 0, tail = full(20) },
    { tcp_orphan_retries = 2, tcp_retries2 = 3 }, "probe", 1, 0.4 + 0.8, 0.4 + 1.6, "tcp_orphan_retries" },
  { "keepalive, idle", { state = 1, timer = 2, when = 360000, probes = 0, inode = 9, tail = full(20) },
    {}, "keepalive", 0, 3600 + 9 * 75, nil, "tcp_keepalive_probes" },
  { "keepalive, 3 unanswered", { state = 1, timer = 2, when = 5000, probes = 3, inode = 9, tail = full(20) },
    {}, "keepalive", 3, 50 + 6 * 75, nil, "tcp_keepalive_probes" },
  { "keepalive, an interval of its own", { state = 1, timer = 2, when = 30000, probes = 3, inode = 9, tail = full(20) },
    {}, "keepalive", 3, false, false, "tcp_keepalive_probes" },
  { "keepalive, a count of its own", { state = 1, timer = 2, when = 500, probes = 10, inode = 9, tail = full(20) },
    {}, "keepalive", 10, false, false, "tcp_keepalive_probes" },
  { "keepalive, no setting", { state = 1, timer = 2, when = 5000, probes = 3, inode = 9, tail = full(20) },
    { tcp_keepalive_intvl = false }, "keepalive", 3, false, false, "tcp_keepalive_probes" },
  { "FIN_WAIT2 orphan", { state = 5, timer = 2, when = 400, inode = 0, tail = full(20) }, {}, nil, 0, false, false },
  { "TIME_WAIT", { state = 6, timer = 3, when = 400, inode = 0 }, {}, nil, 0, false, false },
  { "no timer", { state = 1, timer = 0, inode = 9, tail = full(20) }, {}, nil, 0, false, false },
  { "listener", { state = 10, timer = 0, inode = 9, tail = full(100) }, {}, nil, 0, false, false },
  -- rows that no kernel prints must not hang or raise
  { "absurd counts", { state = 1, timer = 1, when = 30, retrans = 2 ^ 32 - 1, inode = 9, tail = full(12000) },
    {}, "resend", 2 ^ 32 - 1, 0.3, nil, "tcp_retries2" },
  { "no timeout", { state = 1, timer = 1, when = 30, retrans = 2, inode = 9, tail = full(0) },
    {}, "resend", 2, false, false, "tcp_retries2" },
  { "cut columns", { state = 1, timer = 1, when = 30, retrans = 2, inode = 9, tail = "" },
    {}, "resend", 2, false, false, "tcp_retries2" },
  { "cut columns, probe", { state = 1, timer = 4, when = 30, probes = 2, inode = 9, tail = "" },
    {}, "probe", 2, false, false, "tcp_retries2" },
  { "absurd setting", { state = 1, timer = 1, when = 30, retrans = 2, inode = 9, tail = full(80) },
    { tcp_retries2 = -5 }, "resend", 2, false, false, "tcp_retries2" },
}

for _, case in ipairs(CASES) do
  local name, row, settings, kind, tries, earliest, latest, setting = unpack(case, 1, 8)
  local changes = {}
  for key, value in pairs(settings) do changes[IPV4 .. key] = value and value .. "\n" end
  for key, value in pairs(SETTINGS) do changes[key] = value end
  local files = proc_files.all(changes)
  row.lport, row.raddr, row.rport = 40000, "0200007F", 80
  files["net/tcp"] = rows.file("tcp", { rows.tcp(row) })
  sockq.open(tree.make(files))
  local got = { giveup.of(sockq.tcp():first(), giveup.settings(sockq.facts())) }
  check.equal(name .. ": kind", got[1], kind)
  check.equal(name .. ": tries", got[2], tries)
  near(name .. ": earliest", got[3], earliest or nil)
  if latest == nil then latest = earliest end
  if latest then
    -- The timeout was rounded down by up to 0.01 s, which doubles with it.
    check.ok(name .. ": latest", got[4] and got[4] > latest - 0.015 and got[4] < latest * 1.03 + 0.015,
      ("got  %s\nwant %s"):format(tostring(got[4]), latest))
  else
    check.equal(name .. ": latest", got[4], nil)
  end
  check.equal(name .. ": setting", got[5], setting)
end

-- Without any setting every kind is still told, and no time

do
  sockq.open(tree.make {})
  local settings = giveup.settings(sockq.facts())
  for _, case in ipairs(CASES) do
    local row = case[2]
    sockq.open(tree.make { ["net/tcp"] = rows.file("tcp", { rows.tcp(row) }) })
    local kind, _, earliest, latest = giveup.of(sockq.tcp():first(), settings)
    check.equal("nothing known: " .. case[1], kind, case[4])
    check.ok("nothing known: no time: " .. case[1], earliest == nil and latest == nil)
  end
  sockq.open(tree.make { ["net/udp"] = rows.file("udp", { rows.datagram { lport = 53, inode = 4 } }) })
  check.equal("udp has no such timers", (giveup.of(sockq.udp():first(), settings)), nil)
end

-- This kernel

--- Let connections die and compare what is said at every look with what happened.
local function live(title, words, wanted)
  local dir = posix.tmpdir("sockq-giveup")
  local argv = { "unshare", "-n", "--", "python3", "tests/lib/giveup.py", dir }
  if posix.geteuid() ~= 0 then table.insert(argv, 2, "-r") end
  for _, word in ipairs(words) do argv[#argv + 1] = word end
  local status, _, err = posix.run(argv, { timeout = 60 })
  local ends = posix.read_file(dir .. "/ends")
  if status ~= 0 or not ends then
    io.stderr:write("NOT CHECKED: ", title, ": no network namespace or no python3 here: ", err:match("[^\n]*\n?$"), "\n")
    return
  end
  local ended = {}
  for kind, port, seen, gone in ends:gmatch("(%S+) (%d+) (%S+) (%S+)\n") do
    ended[tonumber(port)] = { kind = kind, seen = tonumber(seen), gone = tonumber(gone), looks = 0 }
  end
  for number, at in posix.read_file(dir .. "/trees"):gmatch("(%d+) (%S+)\n") do
    at = tonumber(at)
    sockq.open(dir .. "/" .. number)
    local settings = giveup.settings(sockq.facts())
    for row in sockq.tcp():rows() do
      local fate = row.remote_port ~= 0 and ended[row.local_port]
      if fate and fate.gone > 0 then
        local kind, tries, earliest, latest = giveup.of(row, settings)
        -- Between two timers, or before the first answer is missing, there is nothing to say.
        if earliest then
          fate.looks = fate.looks + 1
          -- What is read is up to a look old, and timers may be late on a busy machine.
          if at + earliest > fate.gone + 0.3 or at + latest < fate.seen - 0.3 then
            check.fail(("%s: %s"):format(title, fate.kind), ("at %.2f s before its end: %s after %d: in %.2f to %.2f s")
              :format(fate.gone - at, kind, tries, earliest, latest))
          end
        end
      end
    end
  end
  local names = {}
  for _, fate in pairs(ended) do
    names[#names + 1] = fate.kind
    check.ok(("%s: %s ended"):format(title, fate.kind), fate.gone > 0)
    check.ok(("%s: %s was foretold"):format(title, fate.kind), fate.looks >= 3, fate.looks)
  end
  table.sort(names)
  check.ok(title .. ": kinds", #names >= wanted, table.concat(names, " "))
end

-- Waits that double from the first SYN, and those that do so after four of one length.
do
  live("short settings", { "tcp_retries2=3", "tcp_orphan_retries=2", "tcp_syn_retries=2", "tcp_synack_retries=2",
    "tcp_keepalive_time=1", "tcp_keepalive_intvl=1", "tcp_keepalive_probes=3", "tcp_syn_linear_timeouts=0" }, 5)
  live("linear SYN timeouts", { "tcp_retries2=4", "tcp_orphan_retries=0", "tcp_syn_retries=1", "tcp_synack_retries=1",
    "tcp_keepalive_time=1", "tcp_keepalive_intvl=1", "tcp_keepalive_probes=2", "tcp_rto_max_ms=1000",
    "tcp_syn_linear_timeouts=4" }, 5)
end

posix.cleanup()
check.finish()
