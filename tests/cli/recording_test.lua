--- Recordings: what is recorded reads as what it was recorded from; which snapshot --at means; the
--- files that sockq record makes, and those that it leaves alone.
--
--   luajit tests/cli/recording_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local recordings = require "recordings"
local rows = require "rows"
local spawn = require "spawn"

local run, refuses = program.run, program.refuses

local DIR = posix.tmpdir("sockq-recording")
local CAPTURES = posix.realpath("tests/data/captures")
local TREE = CAPTURES .. "/mixed-1/proc"

check.at_end(spawn.cleanup)
check.at_end(posix.cleanup)

local function with(first, words)
  local all = { unpack(first) }
  for _, word in ipairs(words) do all[#all + 1] = word end
  return all
end

local function record(path, words, tree)
  local status, out, err = run(with({ "--proc", tree or TREE, "record", path }, words or {}))
  check.equal("record " .. path .. ": nothing on stdout", out, "")
  return status, err
end

-- A recording reads as the tree that it was made from

local QUESTIONS = {
  { "netstat", "-antpo" }, { "netstat", "-an" }, { "netstat", "-anoe" }, { "netstat", "-l" }, { "netstat", "-anxp" },
  { "netstat", "-nx" }, { "netstat", "-anwpo" }, { "netstat", "-antpoe", "--sctp" }, { "netstat", "-6tn" }, {},
  { "--json" }, { "--json", "-x", "-t", "-c", "*" }, { "--csv", "-w" }, { "--ndjson", "-u" }, { "LISTEN" },
  { "pid == nil", "-c", "local_port,owner_why" }, { "-g", "program" }, { "-c", "cgroup,host,netns,owners", "--json" },
  { "-e", "for s in sockq.all():rows() do print(s, s.owners and #s.owners, s.fd) end" },
  { "-e", "local f = sockq.facts() print(f.sysctl['net.ipv4.tcp_fin_timeout'], f.sockstat.TCP.tw, f.uptime)" },
  { "--from", "sctp,netlink,packet,icmp", "-c", "*" },
}

local odd = program.tree {
  ["net/tcp"] = rows.file("tcp", { rows.tcp { lport = 1, state = 10, inode = 1001 }, "bad", rows.tcp { lport = 2 } }),
  ["net/unix"] = rows.file("unix", { rows.unix { inode = 12, path = "@a\27[31m\255\nb" } }),
  ["net/sctp/eps"] = rows.file("sctp/eps", { "ffff8880 ffff8881 2   10  22   2905      0 1700 10.0.0.1 ::1 " }),
  ["net/netlink"] = rows.file("netlink",
    { "0000000000000000 0   4242       00000001 7        8        0     2        3        51" }),
  ["net/packet"] = rows.file("packet", { "0000000000000000 3      3    0003   0     1 9      1000   61" }),
  ["sys/kernel/hostname"] = "odd\n", ["sys/net/ipv4/tcp_fin_timeout"] = "61\n", ["net/sockstat"] = "TCP: inuse 1 tw 7\n",
  ["7/fd/3"] = { link = "socket:[1001]" }, ["7/fd/4"] = { link = "socket:[12]" }, ["8/fd/1"] = { link = "socket:[1001]" },
  ["7/cmdline"] = "/bin/a\27b\0c\0", ["8/comm"] = "kernel\n", ["7/cgroup"] = "0::/x\n", ["7/fd/9"] = "a file",
}
local trees = { odd }
for _, name in ipairs { "centos7-seed", "mixed-1", "mixed-2" } do trees[#trees + 1] = CAPTURES .. "/" .. name .. "/proc" end
for i, tree in ipairs(trees) do
  local path = ("%s/whole-%d"):format(DIR, i)
  local recorded, record_err = record(path, {}, tree)
  check.equal(tree .. ": record", recorded, tree == odd and 3 or 0)
  local plain = tree:gsub("%p", "%%%0")
  for _, words in ipairs(QUESTIONS) do
    local name = ("%s: %s"):format(tree, table.concat(words, " "))
    local status, out, err = run(with({ "--proc", tree }, words))
    local status2, out2, err2 = run(with({ "--read", path }, words))
    check.equal(name .. ": status", status2, status)
    check.equal(name, out2, out)
    err = err:gsub(plain .. "/net", path .. ": /proc/net"):gsub("No such file or directory", "not recorded")
      :gsub(plain, path)
    check.equal(name .. ": stderr", err2, err)
  end
  if tree ~= odd then check.equal(tree .. ": record says nothing", record_err, "") end
end
do
  -- The views that stand for netstat print the captured machine's own answer.
  local _, out = run({ "--read", DIR .. "/whole-2", "netstat", "-antpo" })
  check.equal("netstat's own output", out, posix.read_file(CAPTURES .. "/centos7-seed/expected/netstat-antpo.txt"))
end

-- Conditions: a small file, and only those rows

do
  local path = DIR .. "/listening"
  check.equal("record -t LISTEN: status", record(path, { "-t", "LISTEN" }), 0)
  local _, direct = run({ "--proc", TREE, "-t", "LISTEN", "--json" })
  local direct_listening = direct
  local _, out = run({ "--read", path, "--json" })
  check.equal("record -t LISTEN", out, direct)
  check.ok("a few sockets make a few KiB", #posix.read_file(path) < 6000, #posix.read_file(path))
  local status, nothing, err = run({ "--read", path, "-x" })
  check.equal("a table that was not recorded: status", status, 3)
  check.equal("a table that was not recorded: rows", nothing, "")
  check.equal("a table that was not recorded", err,
    ("sockq: %s: /proc/net/unix: not recorded; this kernel or capture has no such sockets\n"):format(path))
  local words = { "-4", "-l", "-tu", "inode", "local_port > 20" }
  local tight = DIR .. "/tight"
  check.equal("record with many conditions", record(tight, words), 0)
  _, direct = run(with({ "--proc", TREE, "--csv" }, words))
  _, out = run({ "--read", tight, "--csv", "-tu" })
  check.equal("many conditions", out, direct)
  check.equal("none matches: status", record(DIR .. "/none", { "local_port == 1 and local_port == 2" }), 1)
  status, out = run({ "--read", DIR .. "/none", "--no-header" })
  check.equal("none matches: an empty snapshot", status .. out, "1")
  check.equal("no table can match: status", record(DIR .. "/none", { "LISTEN and CLOSE_WAIT", "-t" }), 1)
  -- A snapshot of a file goes into the same file again.
  posix.write_file(DIR .. "/itself", posix.read_file(path))
  status = run { "--read", DIR .. "/itself", "record", DIR .. "/itself", "inode" }
  check.equal("a file into itself: status", status, 0)
  check.equal("a file into itself", posix.read_file(DIR .. "/itself"):sub(1, #posix.read_file(path)), posix.read_file(path))
  _, out = run { "--read", DIR .. "/itself", "--json" }
  check.equal("a file into itself: the last one", out, direct_listening)
  -- A recording of a recording keeps time and host.
  status = run({ "--read", DIR .. "/whole-1", "record", DIR .. "/again", "tcp" })
  check.equal("a recording of a recording: status", status, 3)
  _, out = run({ "--read", DIR .. "/again", "-c", "host,local_port", "--tsv" })
  check.equal("a recording of a recording", out, "host\tlocal_port\nodd\t1\nodd\t2\n")
end

-- --at

local SIX = DIR .. "/six"
local function at(time) return os.time(time) end
for i = 1, 6 do
  local tree = program.tree { ["net/tcp"] = rows.file("tcp", { rows.tcp { lport = i, state = 10, inode = 1000 + i } }) }
  check.equal("snapshot " .. i, record(SIX, {}, tree), 0)
end
-- Two days: 23:30:00.5 and 23:50, then 00:10, 14:05, 14:05:30.25, 14:07.
recordings.set_times(SIX, {
  at { year = 2026, month = 11, day = 25, hour = 23, min = 30 } + 0.5,
  at { year = 2026, month = 11, day = 25, hour = 23, min = 50 },
  at { year = 2026, month = 11, day = 26, hour = 0, min = 10 }, at { year = 2026, month = 11, day = 26, hour = 14, min = 5 },
  at { year = 2026, month = 11, day = 26, hour = 14, min = 5, sec = 30 } + 0.25,
  at { year = 2026, month = 11, day = 26, hour = 14, min = 7 },
})

local PORT = { "--no-header", "-c", "local_port" }
for time, port in pairs {
  ["1"] = 1, ["-1"] = 6, ["6"] = 6, ["-6"] = 1, ["3"] = 3, ["14:05"] = 4, ["14:05:29"] = 4, ["14:05:30"] = 5, ["14:06"] = 5,
  ["14:07"] = 6, ["15:00"] = 6, ["00:10"] = 3, ["00:09"] = 2, ["9:30"] = 3, ["23:45"] = 1, ["23:30"] = 1, ["23:59:59"] = 2,
  ["2026-11-25T23:40"] = 1, ["2026-11-26 14:05:30"] = 5, ["2026-11-26T00:00:00"] = 2, ["2030-01-01T00:00"] = 6,
  ["-0s"] = 6, ["-89s"] = 5, ["-90s"] = 5, ["-1.6m"] = 4, ["-2m"] = 4, ["90s"] = 5, ["2m"] = 4, ["-14h"] = 2, ["-0.5d"] = 3,
} do
  local status, out, err = run(with({ "--read", SIX, "--at", time }, PORT))
  check.equal("--at " .. time, status .. out .. err, ("0%d\n"):format(port))
  status, out, err = run(with({ "--read", SIX .. "@" .. time }, PORT))
  check.equal("--read FILE@" .. time, status .. out .. err, ("0%d\n"):format(port))
end
for _, time in ipairs { "0", "7", "-7", "99999999999999999999" } do
  refuses("--at " .. time, { "--read", SIX, "--at", time },
    { err = ("--at %s: %s has no such snapshot; 1 is its first, 6 its last"):format(time, SIX) })
end
for _, time in ipairs { "yesterday", "24:00", "14:60", "14:05:60", "14:5", "14:05:3", "14:", "2026-02-31T10:00", "2026-11-26",
  "2026-13-01T10:00", "2026-11-26T25:00", "2026-11-26T14:05:", "--1", "-5x", "-s", "1.5", "nan", "0x1" } do
  refuses("--at " .. time, { "--read", SIX, "--at=" .. time }, { err = { "--at " .. time .. ": no number and no time; give" } })
end
for time, name in pairs { ["2026-11-25T23:29:59"] = "a date", ["-15h"] = "an age" } do
  refuses("--at before the first, " .. name, { "--read", SIX, "--at", time },
    { err = ("--at %s: %s begins later, 2026-11-25 23:30:00; give a later time, or 1"):format(time, SIX) })
end
refuses("--at alone", { "--at", "3" },
  { err = "--at: it chooses a snapshot of a recording, which --read FILE names; leave it out" })
refuses("--read and --proc", { "--read", SIX, "--proc", TREE },
  { err = "--proc: --read names another place to read from; leave it out" })
refuses("--read and --watch", { "--read", SIX, "--watch" }, { err = "--watch: a recording does not change; leave it out" })
refuses("two recordings", { "--read", SIX, "--read", SIX }, { err = { "compare two by sockq diff A B" } })
do
  local named = DIR .. "/a@14:05"
  check.equal("a file with @ in its name", record(named), 0)
  check.equal("a file with @ in its name is that file", run({ "--read", named, "LISTEN" }), 0)
end

-- sockq snapshots

do
  local status, out, err = run { "snapshots", SIX }
  check.equal("snapshots: status", status .. err, "0")
  check.equal("snapshots", (out:gsub(" +", " "):gsub(" %d+\n", "\n")), [[
index time sockets bytes
 1 2026-11-25 23:30:00 1
 2 2026-11-25 23:50:00 1
 3 2026-11-26 00:10:00 1
 4 2026-11-26 14:05:00 1
 5 2026-11-26 14:05:30 1
 6 2026-11-26 14:07:00 1
]])
  status, out = run { "snapshots", SIX, "--ndjson", "-L", "1" }
  check.equal("snapshots, ndjson", status .. out,
    ('0{"index":1,"time":"2026-11-25 23:30:00","unixtime":%.1f,"sockets":1,"bytes":%d}\n'):format(
      at { year = 2026, month = 11, day = 25, hour = 23, min = 30 } + 0.5, #posix.read_file(SIX) / 6))
  refuses("snapshots of nothing", { "snapshots" },
    { err = "snapshots: a recording is missing; sockq snapshots FILE is the form" })
  refuses("snapshots of two", { "snapshots", SIX, "x" }, { err = { "snapshots: x: one recording is enough; sockq snapshots" } })
  refuses("snapshots of text", { "snapshots", program.path }, { err = { ": not a recording of sockq; give a file" } })
  posix.write_file(DIR .. "/cut", posix.read_file(SIX):sub(1, -2))
  status, out, err = run { "snapshots", DIR .. "/cut", "--csv", "--no-header" }
  check.equal("snapshots of half a file", status .. #program.lines(out), "35")
  check.contains("snapshots of half a file", err, "half a snapshot")
end

-- Reports: a second look is a later snapshot

do
  local DRAIN = { "--read", SIX, "--at", "4", "drain" }
  local status, out, err = run(with(DRAIN, { "look=20" }))
  check.equal("a second look, nothing to look at", status .. err, "1")
  check.contains("a second look, nothing to look at", out, "TIME_WAIT")
  local tw = DIR .. "/tw"
  for i = 1, 3 do
    local list = {}
    for k = i, i + 3 do
      list[#list + 1] = rows.tcp { lport = k, state = 6, raddr = "0200000A", rport = 80, timer = 3, when = 6000 - 10 * i }
    end
    record(tw, {}, program.tree { ["net/tcp"] = rows.file("tcp", list) })
  end
  recordings.set_times(tw, { 1000000000, 1000000009.96, 1000000030.5 })
  for look, passed in pairs { ["5"] = "9.96 s: 4; new: 4", ["10"] = "9.96 s: 4; new: 4", ["11"] = "30.5 s: 4; new: 4" } do
    status, out = run { "--read", tw, "--at", "1", "drain", "look=" .. look }
    check.equal("a second look: status", status, 0)
    check.contains("a second look after " .. look, out, "after " .. passed)
  end
  refuses("no later snapshot", { "--read", tw, "--at", "1", "drain", "look=40" },
    { err = { "drain: " .. tw .. " has no snapshot 40 s after the one of ", "; choose an earlier one by --at" } })
  status, out = run { "--read", tw, "--at", "1", "drain" }
  check.equal("one look: status", status, 0)
  check.contains("a later one can be looked at", out, ("sockq --read %s --at 1 drain look=10"):format(tw))
  status, out = run { "--read", tw, "drain" }
  check.ok("behind the last one nothing can", status == 0 and not out:find("look=", 1, true), out)
end

-- Scripts

do
  local status, out, err = run { "--read", SIX, "-e", [[
    for i, s in ipairs(sockq.recording():snapshots()) do
      s:open()
      print(s.index, os.date("%T", s.time), s.rows, s.size > 1000, sockq.tcp():first().local_port)
    end
    print(sockq.open_recording(nil, "14:06"), sockq.tcp():first().local_port)
    print(pcall(function() return (sockq.recording("other")) end))
    print(pcall(function() return (sockq.open_recording(nil, "never")) end))]] }
  check.equal("a script over all snapshots: status", status, 0)
  check.equal("a script over all snapshots: stderr", err, "")
  local want = ""
  for i, time in ipairs { "23:30:00", "23:50:00", "00:10:00", "14:05:00", "14:05:30", "14:07:00" } do
    want = want .. ("%d\t%s\t1\ttrue\t%d\n"):format(i, time, i)
  end
  want = want .. "snapshot 5 of 2026-11-26 14:05:30, 1 sockets\t5\n"
  check.equal("a script over all snapshots", out:sub(1, #want), want)
  check.contains("another recording", out, "false\t-e:6: sockq.recording: other: the program reads " .. SIX)
  check.contains("a wrong time", out, "false\t-e:7: sockq.open_recording: never: no number and no time")
  refuses("no recording", { "-e", "sockq.recording()" },
    { err = "-e:1: sockq.recording: the program reads no recording; give one by --read FILE" })
end

-- Files that are none

local function file(name, text)
  posix.write_file(DIR .. "/" .. name, text)
  return DIR .. "/" .. name
end

do
  local made = "; give a file that sockq record made"
  local whole = posix.read_file(SIX)
  local size = #whole / 6
  refuses("a missing file", { "--read", DIR .. "/nothing" },
    { err = "--read " .. DIR .. "/nothing: No such file or directory" .. made })
  refuses("a folder", { "--read", DIR }, { err = ("--read %s: Is a directory"):format(DIR) .. made })
  local text = file("text", "hello\n")
  refuses("text", { "--read", text }, { err = ("--read %s: not a recording of sockq"):format(text) .. made })
  local empty = file("empty", "")
  refuses("an empty file", { "--read", empty }, { err = ("--read %s: no whole snapshot is in it"):format(empty) .. made })
  local half = file("half", whole:sub(1, size - 1))
  refuses("half a snapshot alone", { "--read", half },
    { err = ("--read %s: no whole snapshot is in it"):format(half) .. made, status = 3 })
  local damaged = file("damaged", whole:sub(1, size - 1) .. "\1" .. whole:sub(size + 1))
  refuses("a damaged snapshot", { "--read", damaged, "--at", "1" }, { status = 3, err =
    ("--read %s: byte 0: damaged: the bytes are not those that were written; the other snapshots may be whole"):format(damaged) })
  check.equal("the next one is whole", run({ "--read", damaged, "--at", "2" }), 0)
  local middle = file("middle", whole:sub(1, size) .. "X" .. whole:sub(size + 2))
  refuses("damage between snapshots", { "--read", middle }, { status = 3,
    err = ("--read %s: byte %d: damaged: no snapshot begins here; nothing is read"):format(middle, size) })
  for cut = 1, size - 1, 97 do
    local path = file("cut", whole:sub(1, #whole - cut))
    local status, out, err = run(with({ "--read", path }, PORT))
    check.equal("cut off: status", status, 3)
    check.equal("cut off: the last whole snapshot", out, "5\n")
    check.equal("cut off: message", err, ("sockq: %s: byte %d: half a snapshot, from a write that was cut off; "
      .. "what is before it is read\n"):format(path, 5 * size))
  end
  local status, out, err = run { "--read", DIR .. "/cut", "netstat", "-nlt" }
  check.equal("cut off, netstat: its status", status, 0)
  check.equal("cut off, netstat: its rows", #program.lines(out), 3)
  check.contains("cut off, netstat: message", err, "half a snapshot")
  -- Left alone by record
  for name, path in pairs { text = text, damage = middle } do
    local before = posix.read_file(path)
    status, err = record(path)
    check.equal("record into " .. name .. ": status", status, name == "text" and 2 or 3)
    check.contains("record into " .. name, err, "sockq: record " .. path .. ": ")
    check.equal("record into " .. name .. ": untouched", posix.read_file(path), before)
  end
  posix.symlink(SIX, DIR .. "/link")
  refuses("record into a link", { "record", DIR .. "/link" },
    { err = { "record " .. DIR .. "/link: a symbolic link; give the name" } })
  refuses("record into a device", { "record", "/dev/full" }, { err = { "record /dev/full: not a regular file; give the name" } })
  refuses("record into a folder", { "record", DIR }, { err = { "Is a directory" } })
  refuses("record without a file", { "record" }, { err = { "record: a file is missing; sockq record FILE" } })
  check.equal("reading through a link", run({ "--read", DIR .. "/link", "LISTEN" }), 0)
  -- Half a snapshot is taken away, and the file is whole again
  status, err = record(DIR .. "/cut")
  check.equal("record behind half a snapshot: status", status, 0)
  check.contains("record behind half a snapshot", err, "half a snapshot, from a write that was cut off; it is taken away")
  status, out, err = run { "--read", DIR .. "/cut", "-t", "--json" }
  local _, direct = run { "--proc", TREE, "-t", "--json" }
  check.equal("whole again", status .. err .. out, "0" .. direct)
  -- Wrong words leave the file as it is
  local before = posix.read_file(SIX)
  refuses("a wrong expression", { "record", SIX, "LISTN" }, { err = { 'EXPR:1:1: unknown name "LISTN"; did you mean LISTEN?' } })
  for option, pieces in pairs { ["--every=0"] = "--every: 0 is no number of seconds", ["--every=x"] = "--every: x is no",
    ["--times=3"] = "--times: without --every there is one snapshot", ["--json"] = "--json: the command record does not take it",
    ["--sort=pid"] = "--sort: the command record does not take it" } do
    refuses("record " .. option, { "record", SIX, option }, { err = { pieces } })
  end
  refuses("--times 0", { "record", SIX, "--every", "1", "--times", "0" }, { err = { "--times: 0 snapshots are none" } })
  check.equal("wrong words leave the file as it is", posix.read_file(SIX), before)
end

-- --every, --times, the end by Ctrl-C, a full disk

local function count_in(path)
  local _, out, err = run { "--read", path, "-e", "print(#sockq.recording():snapshots())" }
  check.equal(path .. ": whole", err, "")
  return tonumber(out)
end

do
  local path = DIR .. "/series"
  local began = spawn.now()
  local status, out, err = run { "--proc", TREE, "record", path, "--every", "0.2", "--times", "4", "LISTEN" }
  local took = spawn.now() - began
  check.equal("--every --times: status", status .. out .. err, "0")
  check.equal("--every --times: snapshots", count_in(path), 4)
  check.ok("--every: three intervals", took >= 0.6 and took < 3, took)
  record(path)
  check.equal("one more is appended", count_in(path), 5)
end
for _, way in ipairs { "group", "interpreter", "collector" } do
  local path, err = DIR .. "/until-" .. way, DIR .. "/err"
  local child = spawn.start({ program.path, "--proc", TREE, "record", path, "--every", "0.05" },
    { stderr = err, stdout = DIR .. "/out", env = program.environment() })
  check.ok("Ctrl-C: it records", spawn.wait_for(10, function() return #(posix.read_file(path) or "") > 50000 end))
  child:kill(spawn.SIGINT, way == "collector" and child.pid or way == "interpreter" and spawn.child_of(child.pid) or nil)
  check.equal("Ctrl-C, " .. way .. ": status", child:wait(5), 0)
  check.equal("Ctrl-C, " .. way .. ": says nothing", posix.read_file(err), "")
  check.ok("Ctrl-C, " .. way .. ": a whole file", count_in(path) > 1)
  child:finish()
end
do
  -- Another process has the file.
  local path = DIR .. "/shared"
  local child = spawn.start({ program.path, "--proc", TREE, "record", path, "--every", "60" }, { env = program.environment() })
  check.ok("it records", spawn.wait_for(10, function() return #(posix.read_file(path) or "") > 1000 end))
  refuses("two at a time", { "record", path }, { err = { "another process is recording into it; give the name" } })
  check.equal("reading meanwhile", count_in(path), 1)
  child:finish()
end
if program.sanitized or not program.has("prlimit") then
  program.skip_part("a full disk", "it takes prlimit, and a program that starts under a limit")
else
  -- Recordings one behind the other are one. sockq itself needs 4 MiB: the file is larger, and may
  -- not grow by a whole snapshot.
  local path = DIR .. "/full"
  local whole = posix.read_file(SIX):rep(math.ceil(8 * 2 ^ 20 / #posix.read_file(SIX)))
  local snapshots = count_in(SIX) * #whole / #posix.read_file(SIX)
  for _, room in ipairs { 0, 1, 2000, 8000 } do
    posix.write_file(path, whole)
    local status, out, err = posix.run({ "prlimit", "--fsize=" .. #whole + room, program.path, "--proc", TREE, "record",
      path }, { env = program.environment(), timeout = 60 })
    check.equal("a full disk: status", status .. out, "3")
    check.equal("a full disk", err,
      ("sockq: record %s: File too large; the %d snapshots before are whole\n"):format(path, snapshots))
    check.ok("a full disk: cut back", posix.read_file(path) == whole)
  end
end
do
  -- On a terminal a line a snapshot.
  local path, out = DIR .. "/terminal", DIR .. "/out"
  local child = spawn.start({ program.path, "--proc", TREE, "record", path, "-t" }, { terminal = 80, stdout = out,
    env = program.environment() })
  check.equal("on a terminal: status", child:wait(10), 0)
  check.equal("on a terminal: stdout", posix.read_file(out), "")
  check.contains("on a terminal: a line", child:screen(), path .. ": snapshot 1, 48 sockets, ")
  child:finish()
end

-- Privileges: whose rights a file is opened with, and what the interpreter keeps of it

local function is_mapped(uid)
  for first, count in (posix.read_file("/proc/self/uid_map") or ""):gmatch("(%d+)%s+%d+%s+(%d+)") do
    if uid >= tonumber(first) and uid < tonumber(first) + tonumber(count) then return true end
  end
  return false
end

local function descriptors(pid)
  local list = {}
  for _, name in ipairs(posix.list("/proc/" .. pid .. "/fd")) do
    local target = spawn.readlink(("/proc/%s/fd/%s"):format(pid, name)) or "?"
    list[#list + 1] = tonumber(name) <= 2 and name or target:match("^%a+:") or target
  end
  table.sort(list)
  return table.concat(list, " ")
end

--- The interpreter of a run that waits: its descriptors, and the run.
local function waiting(words, opts)
  local out = DIR .. "/out"
  local child = spawn.start(with({ program.path }, words), { stdin = "pipe", stdout = out, stderr = DIR .. "/err",
    env = program.environment(opts) })
  check.ok("it waits", spawn.wait_for_text(out, "ready"), posix.read_file(DIR .. "/err"))
  return descriptors(spawn.child_of(child.pid)), child
end

local WAIT = "n = sockq.tcp():count() io.write('ready') io.flush() io.read()"

if posix.geteuid() ~= 0 or not is_mapped(65534) then
  program.skip_part("whose rights recordings are opened with", "it takes root")
else
  local secret = DIR .. "/secret"
  check.equal("root's recording", record(secret, { "-t" }), 0)
  check.equal("root's recording is root's alone", program.shell("stat -c '%a %u' " .. secret), "600 0\n")
  local _, direct = run { "--proc", TREE, "-t", "--csv" }
  local status, out, err = run { "--read", secret, "--csv" }
  check.equal("root reads it without privileges", status .. err .. out, "0" .. direct)
  local fds, child = waiting { "--read", secret, "-e", WAIT }
  -- The listing of a recording holds no second descriptor: what the command line named, and that is all.
  check.equal("root: descriptors", (fds:gsub(secret:gsub("%p", "%%%0"), "FILE")), "FILE 0 1 2 socket: socket:")
  child:finish()
  fds, child = waiting { "-e", WAIT }
  check.equal("root, without a recording: descriptors", fds, "0 1 2 socket: socket:")
  child:finish()
  local sudo = { SUDO_UID = "65534", SUDO_GID = "65534" }
  refuses("sudo: the user may not read it", { "--read", secret },
    { err = { "--read " .. secret .. ": Permission denied; give a file" }, opts = { env = sudo } })
  refuses("sudo: the user may not write it", { "record", secret },
    { err = { "record " .. secret .. ": Permission denied; give the name" }, opts = { env = sudo } })
  refuses("sudo: the user may not read it, diff", { "diff", secret },
    { err = { "diff " .. secret .. ": Permission denied; give a file" }, opts = { env = sudo } })
  posix.mkdir(DIR .. "/theirs")
  program.shell("chown 65534:65534 " .. DIR .. "/theirs")
  local theirs = DIR .. "/theirs/r"
  status, out, err = run({ "record", theirs, "LISTEN" }, { env = sudo })
  check.equal("sudo: a recording of the user's own", out, "")
  check.ok("sudo: a recording of the user's own: status", status <= 1, status .. err)
  check.equal("sudo: it is the user's", program.shell("stat -c '%a %u' " .. theirs), "600 65534\n")
  check.ok("sudo: and they read it", run({ "--read", theirs }, { env = sudo }) <= 1)
end

check.finish()
