--- sockq diff: which sockets opened, closed and changed between two recordings, or since one.
--
--   luajit tests/cli/diff_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"

local run, refuses = program.run, program.refuses
local DIR = posix.tmpdir("sockq-diff")
check.at_end(posix.cleanup)

local REMOTE = "0200000A" -- 10.0.0.2

local function connection(f)
  f.raddr, f.rport, f.state = f.raddr or REMOTE, f.rport or 443, f.state or 1
  return rows.tcp(f)
end

local function tree(tcp, more)
  local files = { ["net/tcp"] = rows.file("tcp", tcp) }
  for path, content in pairs(more or {}) do files[path] = content end
  return program.tree(files)
end

local function record(name, root, words)
  local all = { "--proc", root, "record", DIR .. "/" .. name }
  for _, word in ipairs(words or {}) do all[#all + 1] = word end
  local status, out, err = run(all)
  check.equal("record " .. name, status .. out .. err, "0")
  return DIR .. "/" .. name
end

local BEFORE = tree({
  rows.tcp { lport = 22, state = 10, inode = 100 },
  connection { lport = 1, inode = 101, timer = 2, when = 500 }, connection { lport = 2, inode = 102 },
  connection { lport = 3, inode = 103, rx = 5 }, connection { lport = 4, inode = 104, timer = 1, when = 10, retrans = 1 },
  connection { lport = 5, inode = 105 }, connection { lport = 6, state = 3 }, connection { lport = 7, inode = 107 },
  connection { lport = 8, state = 6, timer = 3, when = 900 },
}, {
  ["net/unix"] = rows.file("unix", { rows.unix { inode = 201, path = "/run/a" }, rows.unix { inode = 202 } }),
  ["net/udp"] = rows.file("udp", { rows.datagram { lport = 53, inode = 301 } }),
  ["7/fd/3"] = { link = "socket:[102]" }, ["7/cmdline"] = "old\0",
})
local AFTER = tree({
  rows.tcp { lport = 22, state = 10, inode = 100 },
  connection { lport = 1, inode = 101, timer = 2, when = 400 }, connection { lport = 2, inode = 102 },
  connection { lport = 3, inode = 103, rx = 7, tx = 9 }, connection { lport = 4, inode = 104, timer = 1, when = 90, retrans = 2 },
  connection { lport = 5, state = 6, timer = 3, when = 900 }, connection { lport = 6, inode = 106 },
  connection { lport = 7, inode = 117 }, connection { lport = 9, inode = 109, state = 2 },
}, {
  ["net/unix"] = rows.file("unix", { rows.unix { inode = 201, path = "/run/a", flags = 0x10000 }, rows.unix { inode = 203 } }),
  ["net/udp"] = rows.file("udp", { rows.datagram { lport = 53, inode = 301 } }),
  ["8/fd/3"] = { link = "socket:[102]" }, ["8/cmdline"] = "new\0",
})
local A, B = record("a", BEFORE), record("b", AFTER)

--- "change PORT or INODE: changes" of each row, sorted.
local CHUNK = { "--tsv", "--no-header", "-c", "change,local_port,inode,changes" }
local function told(words)
  local all = { unpack(words) }
  for _, word in ipairs(CHUNK) do all[#all + 1] = word end
  local status, out, err = run(all)
  local list = program.lines(out)
  table.sort(list)
  return table.concat(list, "\n"), status, err
end

local WANT = {
  "changed\t2\t102\tpid: 7 -> 8, program: old -> new",
  "changed\t3\t103\trecv_q: 5 -> 7, send_q: 0 -> 9",
  "changed\t4\t104\tretrans: 1 -> 2",
  "changed\t5\t\tstate: ESTABLISHED -> TIME_WAIT, timer: off -> timewait",
  "changed\t6\t106\tstate: SYN_RECV -> ESTABLISHED",
  "changed\t\t201\tstate: UNCONN -> LISTEN",
  "closed\t7\t107\t", "closed\t8\t\t", "closed\t\t202\t",
  "opened\t7\t117\t", "opened\t9\t109\t", "opened\t\t203\t",
}
table.sort(WANT)

do
  local text, status, err = told { "diff", A, B }
  check.equal("two recordings", text, table.concat(WANT, "\n"))
  check.equal("two recordings: status", status, 0)
  check.equal("two recordings: stderr", err, "")
  text, status = told { "--proc", AFTER, "diff", A }
  check.equal("a recording and now", text, table.concat(WANT, "\n"))
  check.equal("a recording and now: status", status, 0)
  text, status = told { "diff", A, A }
  check.equal("nothing differs", status .. text, "1")
  text, status = told { "--proc", BEFORE, "diff", A }
  check.equal("nothing differs from now", status .. text, "1")
  -- The other way round what closed has opened.
  local back = told { "diff", B, A }
  check.contains("backwards: opened", back, "opened\t8\t\t")
  check.contains("backwards: closed", back, "closed\t9\t109\t")
  check.contains("backwards: changed", back, "changed\t3\t103\trecv_q: 7 -> 5, send_q: 9 -> 0")
  -- Two snapshots of one file.
  posix.write_file(DIR .. "/ab", posix.read_file(A) .. posix.read_file(B))
  text, status = told { "diff", DIR .. "/ab@1", DIR .. "/ab" }
  check.equal("FILE@TIME", status .. text, "0" .. table.concat(WANT, "\n"))
  text, status = told { "diff", DIR .. "/ab@-1", B }
  check.equal("FILE@-1", status .. text, "1")
end

-- Only some sockets

do
  local text = told { "diff", A, B, "-x" }
  check.equal("-x", text, "changed\t\t201\tstate: UNCONN -> LISTEN\nclosed\t\t202\t\nopened\t\t203\t")
  text = told { "diff", A, B, "-l", "-x" }
  check.equal("-l: as it was or is", text, "changed\t\t201\tstate: UNCONN -> LISTEN")
  local status
  text, status = told { "diff", A, B, "-u" }
  check.equal("-u: nothing differs", status .. text, "1")
  -- A recording of some sockets is compared with those alone, and with what became of them.
  local some = record("some", BEFORE, { "-t", "local_port < 6", "recv_q > 0 or local_port == 2 or local_port == 5" })
  text = told { "--proc", AFTER, "diff", some }
  check.equal("a recording of some", text, table.concat({
    "changed\t2\t102\tpid: 7 -> 8, program: old -> new", "changed\t3\t103\trecv_q: 5 -> 7, send_q: 0 -> 9",
    "changed\t5\t\tstate: ESTABLISHED -> TIME_WAIT, timer: off -> timewait" }, "\n"))
  text = told { "diff", B, some }
  check.equal("some is the later one", text, table.concat({
    "changed\t2\t102\tpid: 8 -> 7, program: new -> old", "changed\t3\t103\trecv_q: 7 -> 5, send_q: 9 -> 0",
    "changed\t5\t105\tstate: TIME_WAIT -> ESTABLISHED, timer: timewait -> off" }, "\n"))
  -- The same sockets a moment later: those that no longer meet the conditions are no news.
  text, status = told { "--proc", BEFORE, "diff", some }
  check.equal("some and the same now", status .. text, "1")
end

-- Formats, verbs, statuses

do
  local status, out = run { "diff", A, B, "-t" }
  check.equal("table: status", status, 0)
  local lines = program.lines(out)
  check.equal("table: columns", (lines[1]:gsub(" +", " ")), "change proto local remote state pid/program changes")
  check.equal("table: opened comes first", (lines[2]:gsub(" +", " ")), "opened tcp 127.0.0.1:7 10.0.0.2:443 ESTABLISHED - -")
  check.contains("table: was and is", out, "  8/new        pid: 7 -> 8, program: old -> new\n")
  status, out = run { "diff", A, B, "-g", "change,proto", "--csv" }
  check.equal("group", status .. out, "0change,proto,count\r\nchanged,tcp,5\r\nclosed,tcp,2\r\nopened,tcp,2\r\nchanged,unix,1\r\n"
    .. "closed,unix,1\r\nopened,unix,1\r\n")
  status, out = run { "diff", A, B, "-q" }
  check.equal("-q: differs", status .. out, "0")
  status, out = run { "diff", A, A, "-q" }
  check.equal("-q: the same", status .. out, "1")
  status, out = run { "diff", A, A, "--json" }
  check.equal("json of nothing", status .. out:gsub("%s", ""), "1[]")
  if program.has("python3") then
    local _, json = run { "diff", A, B, "--json" }
    status, out = posix.run({ "python3", "-c", [[import json, sys
for row in json.load(sys.stdin):
    if row["local_port"] == 3: print(*map(str, row["changes"]))]] }, { stdin = json })
    check.equal("json, read by python", status .. out,
      "0{'field': 'recv_q', 'is': 7, 'was': 5} {'field': 'send_q', 'is': 9, 'was': 0}\n")
  else
    program.skip_part("json, read by another program", "no python3")
  end
  local whole = posix.read_file(A)
  posix.write_file(DIR .. "/half", whole .. whole:sub(1, 500))
  local _, half_status, err = told { "diff", DIR .. "/half", B }
  check.equal("half a snapshot: status", half_status, 3)
  check.contains("half a snapshot", err, ("sockq: %s/half: byte %d: half a snapshot"):format(DIR, #whole))
  posix.write_file(DIR .. "/damaged", whole:sub(1, -2) .. "\1")
  refuses("a damaged recording", { "diff", A, DIR .. "/damaged" },
    { status = 3, err = { "diff " .. DIR .. "/damaged: byte 0: damaged" } })
  local other = tree({}, { ["sys/kernel/hostname"] = "other\n" })
  local named = tree({ rows.tcp { lport = 1, inode = 1 } }, { ["sys/kernel/hostname"] = "one\n" })
  posix.write_file(other .. "/net/tcp", rows.file("tcp", { rows.tcp { lport = 1, inode = 1 } }))
  _, status, err = told { "--proc", other, "diff", record("one", named) }
  check.equal("two machines: status", status, 1)
  check.equal("two machines", err, ("sockq: diff: %s/one is of the machine one, the other of other; "
    .. "sockets are compared by address and inode all the same\n"):format(DIR))
end

-- Wrong use

local FORM = "sockq diff A [B] is the form; A and B are recordings, FILE or FILE@TIME"
refuses("no recording", { "diff" }, { err = "diff: a recording is missing; " .. FORM })
refuses("three", { "diff", A, B, "LISTEN" }, { err = "diff: LISTEN: two recordings are enough; " .. FORM })
refuses("a missing file", { "diff", A, DIR .. "/no" },
  { err = { "diff " .. DIR .. "/no: No such file or directory; give a file" } })
refuses("a missing file with a time", { "diff", DIR .. "/no@3" }, { err = { "diff " .. DIR .. "/no@3: No such file" } })
refuses("no such snapshot", { "diff", A .. "@3" }, { err = { "diff 3: " .. A .. " has no such snapshot; 1 is its only one" } })
refuses("--read", { "--read", A, "diff", A }, { err = { "--read: diff names its recordings itself" } })
refuses("--proc with B", { "--proc", AFTER, "diff", A, B }, { err = { "--proc: B is a recording already" } })
refuses("a wrong column", { "diff", A, B, "-c", "chnge" }, { err = { "-c: there is no field chnge; did you mean change?" } })
refuses("--timer", { "diff", A, B, "--timer", "ss" }, { err = { "--timer: the command diff does not take it" } })

check.finish()
