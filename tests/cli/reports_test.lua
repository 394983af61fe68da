--- The built-in reports: what each says of every capture, against tests/lib/socket_reports.py, in every
--- format; that the commands it names work; wrong arguments; trees with nothing to tell.
--
--   luajit tests/cli/reports_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local cjson = require "cjson"
local posix = require "posix"
local program = require "program"
local rows = require "rows"

local run = program.run

local CAPTURES = { "centos7-seed", "mixed-1", "mixed-2" }
local REPORTS = { "states", "peers", "leaks", "drain", "dying", "listen", "exposed" }
local EMPTY = program.tree { ["net/tcp"] = rows.file("tcp", {}) }

local function tree_of(capture) return ("tests/data/captures/%s/proc"):format(capture) end

local function python(words, stdin)
  local argv = { "python3", unpack(words) }
  local status, out, err = posix.run(argv, { stdin = stdin, timeout = 60 })
  check.equal(words[1] .. ": status", status .. err, "0")
  return out
end

--- Rows of JSON without what is unknown.
local function known(list)
  for _, row in ipairs(list) do
    for key, value in pairs(row) do
      if value == cjson.null then row[key] = nil end
    end
  end
  return list
end

local function show(value)
  if type(value) ~= "table" then return tostring(value) end
  return table.concat(value, ",")
end

local function same_rows(name, got, want)
  check.equal(name .. ": rows", #got, #want)
  for i, row in ipairs(want) do
    local other, keys = got[i] or {}, {}
    for key in pairs(row) do keys[key] = true end
    for key in pairs(other) do keys[key] = true end
    for key in pairs(keys) do
      check.equal(("%s: row %d: %s"):format(name, i, key), show(other[key]), show(row[key]))
    end
  end
end

local function json_of(words)
  local status, out, err = run(words)
  return status, known(cjson.decode(out == "" and "[]" or out)), err
end

-- Every report over every capture

--- csv and tsv: the same rows as text.
local function same_text_rows(name, text, options, want)
  local list = known(cjson.decode(python({ "-c", ([[
import csv, io, json, sys
text = sys.stdin.buffer.read().decode()
print(json.dumps(list(csv.DictReader(io.StringIO(text, newline=""), %s))))
]]):format(options) }, text)))
  check.equal(name .. ": rows", #list, #want)
  for i, row in ipairs(want) do
    for key, value in pairs(list[i] or {}) do
      local expected = row[key]
      if type(expected) == "number" then
        check.equal(("%s: row %d: %s"):format(name, i, key), tonumber(value), expected)
      elseif expected == nil or type(expected) == "string" and not expected:find("[%c\127-\255\\]") then
        check.equal(("%s: row %d: %s"):format(name, i, key), value, expected or "")
      end
    end
  end
end

local function check_formats(name, tree, report, want)
  local status, out, err = run { "--proc", tree, "--ndjson", report }
  check.equal(name .. ", ndjson: status", status .. err, #want > 0 and "0" or "1")
  local list = {}
  for i, line in ipairs(program.lines(out)) do list[i] = cjson.decode(line) end
  same_rows(name .. ", ndjson", known(list), want)
  status, out = run { "--proc", tree, "--csv", report }
  check.equal(name .. ", csv: status", status, #want > 0 and 0 or 1)
  same_text_rows(name .. ", csv", out, "delimiter=','", want)
  status, out = run { "--proc", tree, "--tsv", report }
  check.equal(name .. ", tsv: status", status, #want > 0 and 0 or 1)
  same_text_rows(name .. ", tsv", out, "delimiter='\\t', quoting=csv.QUOTE_NONE", want)
  local _, formats = run { "list", "formats" }
  local count = 0
  for format in formats:gmatch("(%S+)[^\n]*\n") do
    count = count + 1
    status, out, err = run { "--proc", tree, "-f", format, report }
    check.equal(("%s, %s: status"):format(name, format), status .. err, #want > 0 and "0" or "1")
    check.ok(("%s, %s: no control bytes"):format(name, format), not out:find("[%z\1-\8\11\12\14-\31]"), out)
  end
  check.ok("formats", count >= 5, formats)
end

--- The commands that a report names, as they stand there, run by a shell.
local BIN = posix.tmpdir("sockq-reports")
posix.symlink(program.path, BIN .. "/sockq")
local seen = {}
local function check_next(name, out)
  local count = 0
  for command in out:gmatch("\n[next: ][next: ][next: ][next: ][next: ] (sockq [^\n]-) +# [^\n]+") do
    count = count + 1
    -- Looking again and again takes its time; that is tested elsewhere.
    local short = command:gsub("look=%d+", "look=0"):gsub(" %-%-watch=%d+", "")
    if not seen[short] then
      seen[short] = true
      local status, _, err = posix.run({ "sh", "-c", short }, { timeout = 60,
        env = program.environment { PATH = BIN .. ":" .. os.getenv("PATH") } })
      check.ok(("%s: %s"):format(name, short), (status == 0 or status == 1) and err == "", status .. " " .. err)
    end
  end
  return count
end

local compared = 0
for _, capture in ipairs(CAPTURES) do
  local tree = tree_of(capture)
  local _, owners = run { "--proc", tree, "-t", "-u", "-w", "-c", "inode,pid,program", "--json" }
  for _, report in ipairs(REPORTS) do
    local name = ("%s of %s"):format(report, capture)
    local want = known(cjson.decode(python({ "tests/lib/socket_reports.py", tree, report }, owners)))
    local status, got, err = json_of { "--proc", tree, "-f", "json", report }
    compared = compared + #want
    check.equal(name .. ": status", status .. err, #want > 0 and "0" or "1")
    same_rows(name, got, want)
    check_formats(name, tree, report, want)
    local out
    status, out, err = run { "--proc", tree, report }
    check.equal(name .. ", for people: status", status .. err, #want > 0 and "0" or "1")
    check.ok(name .. ": what to do next", #want == 0 or check_next(name, out) > 0, out)
  end
end
check.ok("enough rows were compared", compared > 200, compared .. " rows")

-- Nothing to tell

local NOTHING = {
  states = "sockets: 0", peers = "there is no socket with a peer",
  leaks = "no socket is in CLOSE_WAIT: no program forgets to close", drain = "no socket is in TIME_WAIT",
  dying = "no socket is being closed", listen = "no socket listens",
  exposed = "nothing listens on an address that other machines can reach",
}
for report, text in pairs(NOTHING) do
  local status, out, err = run { "--proc", EMPTY, report }
  check.equal(report .. " of nothing: status", status .. err, "1")
  check.equal(report .. " of nothing", program.lines(out)[1], text)
  check.ok(report .. " of nothing: nothing to do", not out:find("next:"), out)
  status, out = run { "--proc", EMPTY, "-q", report }
  check.equal(report .. " of nothing, -q", status .. out, "1")
end

-- Arguments

for _, report in ipairs(REPORTS) do
  program.refuses(report .. ": an argument that it has not", { "--proc", EMPTY, report, "tpo=3" },
    { err = { report .. ": there is no argument tpo; " } })
  program.refuses(report .. ": a wrong expression", { "--proc", EMPTY, report, "LISTN" },
    { err = { 'EXPR:1:1: unknown name "LISTN"; did you mean LISTEN?' } })
  program.refuses(report .. ": other tables", { "--proc", EMPTY, "-x", report },
    { err = { report .. ": the report looks at tcp" } })
  local _, out = run { "list", "reports" }
  check.ok(report .. ": is listed with its question", out:find("\n?" .. report .. " +[^\n]+%? %[built in%]\n"), out)
end
for _, report in ipairs { "peers", "leaks", "drain", "dying" } do
  program.refuses(report .. ": a wrong count", { "--proc", EMPTY, report, "top=x" },
    { err = report .. ": top: x is no count; give a whole number from 0" })
end
do
  local tree = tree_of("mixed-1")
  local status, got = json_of { "--proc", tree, "-f", "json", "peers", "top=2", "remote_scope == 'loopback'" }
  check.equal("peers of some", status .. #got, "02")
  for i, row in ipairs(got) do check.equal("peers of some: row " .. i, row.remote_scope, "loopback") end
  status, got = json_of { "--proc", tree, "-4", "-f", "json", "listen", "LISTEN", "local_port < 1000" }
  check.equal("listen of some: status", status, 0)
  for i, row in ipairs(got) do
    check.ok("listen of some: row " .. i, row.proto == "tcp" and row.local_port < 1000, show { row.proto, row.local_port })
  end
  status, got = json_of { "--proc", tree, "-6", "-f", "json", "states" }
  local sum = 0
  for _, row in ipairs(got) do sum = sum + (row.tcp or 0) + (row.udp or 0) + (row.raw or 0) + (row.udplite or 0) end
  check.equal("states of IPv6", status .. sum, "00")
end

-- A second look: the same captured tree again is nothing new

do
  local tree = program.tree {
    ["net/tcp"] = rows.file("tcp", {
      rows.tcp { lport = 80, raddr = "0200000A", rport = 1001, state = 6, timer = 3, when = 1000 },
      rows.tcp { lport = 80, raddr = "0200000A", rport = 1002, state = 6, timer = 3, when = 3000 },
      rows.tcp { lport = 80, raddr = "0300000A", rport = 1003, state = 8, rx = 1, inode = 70 },
      rows.tcp { lport = 80, raddr = "0300000A", rport = 1004, state = 8, rx = 0, inode = 71 },
      rows.tcp { lport = 80, raddr = "0300000A", rport = 1005, state = 8, rx = 11, inode = 72 },
    }),
    ["sys/net/ipv4/tcp_max_tw_buckets"] = "2\n", ["sys/net/ipv4/tcp_max_orphans"] = "77\n",
  }
  local _, out, err = run { "--proc", tree, "drain", "look=50ms" }
  check.equal("drain with a second look: stderr", err, "")
  check.contains("drain: how many", out, "sockets in TIME_WAIT: 2; the last is gone in 30.0 s\n")
  check.contains("drain: a full table", out, "the kernel keeps at most 2 (tcp_max_tw_buckets): the table is all but full")
  check.contains("drain: a second look", out, "after 0.05 s: 2; new: 0 (0.0 a second), gone: 0 (0.0 a second)\n")
  _, out = run { "--proc", tree, "leaks", "look=50ms" }
  check.contains("leaks: how many", out, "sockets in CLOSE_WAIT: 3; /proc does not say since when\n")
  check.contains("leaks: verdict", out, "of 1 the program has read the end and keeps the socket open; on 2 it has not")
  check.contains("leaks: a second look", out, "after 0.05 s there are 3; 3 of the first are still there\n")
  local file = posix.tmpdir("sockq-recorded") .. "/r"
  run { "--proc", tree, "record", file }
  for _, report in ipairs { "drain", "leaks" } do
    program.refuses(report .. ": a second look at a recording", { "--read", file, report, "look=1" },
      { err = { report .. ": " .. file .. " has no snapshot 1 s after the one of ", "; choose an earlier one by --at" } })
  end
  _, out = run { "--proc", tree, "leaks", "recv_q == 0" }
  check.contains("leaks: all have seen the end", out, "all programs have read the end and keep the socket open")
  _, out = run { "--proc", tree, "leaks", "recv_q > 0" }
  check.contains("leaks: none has", out, "no program has read the end yet")
  _, out = run { "--proc", tree, "dying" }
  check.contains("dying: orphans", out,
    "of these no process has any more: 0; beyond 77 (tcp_max_orphans) the kernel resets them\n")
end

posix.cleanup()
check.finish()
