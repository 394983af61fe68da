--- Inputs that are wrong, by number: what a case is made of, and how it is checked.
--
-- A case runs the program over a tree that it makes: as ndjson with every field, and as the netstat
-- view where that lists the table. The table of a case holds a good row before and one behind what is
-- wrong, and both must always be there.

local check = require "check"
local json = require "json"
local posix = require "posix"
require "spawn"
local program = require "program"
local rows = require "rows"

local bad = { COUNT = 122, rows = rows, check = check, posix = posix, program = program, json = json }

--- No run may take longer, in seconds, whatever the machine does beside it.
bad.TIME = 60

--- Runs a program as nobody, where the caller is root.
bad.AS_NOBODY = { "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all" }

local cases = {}
local now = "before the first case"

--- Define the case of a number.
---@param number integer
---@param title string
---@param run function
function bad.case(number, title, run)
  assert(not cases[number], "number " .. number .. " stands twice")
  cases[number] = { title = title, run = run }
end

local function name_of(what) return now .. ": " .. what end

function bad.ok(what, condition, detail) return check.ok(name_of(what), condition, detail) end
function bad.equal(what, got, want) return check.equal(name_of(what), got, want) end
function bad.contains(what, text, piece) return check.contains(name_of(what), text, piece) end

--- Say that a part of a case was not checked, and why.
function bad.not_checked(what, why) program.skip_part(name_of(what), why) end

local missing = {}

--- Run every case in turn; a number without one is a failure.
---@param only? integer
function bad.run(only)
  local tried = 0
  for number = 1, bad.COUNT do
    local case = cases[number]
    now = ("bad input %d, %s"):format(number, case and case.title or "")
    if not case then
      missing[#missing + 1] = number
      check.fail("bad input " .. number .. " has no test")
    elseif not only or only == number then
      local passed, failed = check.counts()
      local done, why = pcall(case.run)
      if not done then check.fail(name_of("the test itself"), tostring(why)) end
      local passed_now, failed_now = check.counts()
      if passed_now + failed_now == passed + failed then check.fail(name_of("something is checked")) end
      tried = tried + (failed_now == failed and passed_now > passed and 1 or 0)
      posix.cleanup()
    end
  end
  print(("bad inputs: %d of %d"):format(tried, bad.COUNT))
end

-- Running

--- Make trees in memory as long as a function runs, where it can be done: of many small files.
function bad.in_memory(run)
  local C = require("ffi").C
  local before = os.getenv("TMPDIR")
  if C.access("/dev/shm", 2) == 0 then C.setenv("TMPDIR", "/dev/shm", 1) end
  local done, why = pcall(run)
  if before then C.setenv("TMPDIR", before, 1) else C.unsetenv("TMPDIR") end
  assert(done, why)
end

--- Run the program over a tree; never a signal, never the time's end.
---@param opts? { through: string[]? }  a program with its arguments that runs it
---@return integer status, string out, string err
function bad.over(tree, words, opts)
  local all = { "--proc", tree }
  for _, word in ipairs(words) do all[#all + 1] = word end
  local status, out, err
  if opts and opts.through then
    local argv = { unpack(opts.through) }
    argv[#argv + 1] = program.path
    for _, word in ipairs(all) do argv[#argv + 1] = word end
    status, out, err = posix.run(argv, { env = program.environment(), timeout = bad.TIME })
  else
    status, out, err = program.run(all, { timeout = bad.TIME })
  end
  local told = table.concat(words, " ")
  if status > 3 and not (status == 255 and words[1] == "netstat") then
    check.fail(name_of("ends by itself, " .. told), ("status %d\n%s"):format(status, err:sub(1, 2000)))
  end
  bad.ok("no control byte on stderr, " .. told, not err:find("[%z\1-\9\11-\31\127]"), check.show(err))
  return status, out, err
end

--- Every row with every field, by the format for programs.
---@return table[] rows, integer status, string err
function bad.ndjson(tree, from, opts)
  local status, out, err = bad.over(tree, { "--from", from, "-f", "ndjson", "-c", "*" }, opts)
  local list = {}
  for _, line in ipairs(program.lines(out)) do
    local done, row = pcall(json.decode, line)
    if bad.ok("ndjson is JSON", done, tostring(row) .. "\n" .. check.show(line)) then list[#list + 1] = row end
  end
  return list, status, err
end

--- How netstat is asked for a table; nil where it lists none.
local NETSTAT = {
  tcp = "-4tane", tcp6 = "-6tane", udp = "-4uane", udp6 = "-6uane", udplite = "-4Uane", udplite6 = "-6Uane",
  raw = "-4wane", raw6 = "-6wane", unix = "-xan", ["sctp/eps"] = "-Slne", ["sctp/assocs"] = "-Sne",
}
-- What its warnings call one.
local BOGUS = { tcp = "tcp", udp = "udp", raw = "raw", unix = "unix", ["sctp/eps"] = "sctp eps",
  ["sctp/assocs"] = "sctp assoc" }

--- The rows of the netstat view, without its headers.
---@return string[] lines, integer status, string err
function bad.netstat(tree, from, opts)
  local status, out, err = bad.over(tree, { "netstat", NETSTAT[from] }, opts)
  local lines = program.lines(out)
  bad.ok("netstat prints its headers", #lines >= 2 and lines[1]:find("^Active "), out)
  table.remove(lines, 1)
  table.remove(lines, 1)
  return lines, status, err
end

local without_netstat = false
for _, word in ipairs(arg) do without_netstat = without_netstat or word == "--no-netstat" end

function bad.lists(from) return NETSTAT[from] ~= nil and not without_netstat end

--- netstat's warning of a line of a table.
function bad.bogus(from)
  return ("warning, got bogus %s line.\n"):format(BOGUS[from:gsub("^(%l+)6$", "%1"):gsub("lite", "")] or BOGUS[from])
end

-- Tables

--- Good rows, by table: the first with the inode 90001, the second with 90002.
function bad.good(from, i)
  local inode, zeros = 90000 + i, ("0"):rep(32)
  if from:find("^tcp") then
    return rows.tcp { laddr = from == "tcp6" and zeros or nil, lport = i, state = 10, inode = inode }
  elseif from == "unix" then
    return rows.unix { inode = inode }
  elseif from == "netlink" then
    return ("0000000000000000 0   %-10d 00000001 0        0        0     2        0        %d"):format(4000 + i, inode)
  elseif from == "packet" then
    return ("0000000000000000 3      3    0003   1     1 0      1000   %d"):format(inode)
  elseif from == "sctp/eps" then
    return ("ffff0000 ffff0000 2   10  1    %d     0 %d 127.0.0.1 "):format(i, inode)
  elseif from == "sctp/assocs" then
    return ("ffff0000 ffff0000 2   1   3  1    9 0 0 0 %d %d 2  127.0.0.1 <-> *10.0.0.2 \t5000 1 1 1 0 0 0"):format(
      inode, i)
  end
  return rows.datagram { laddr = from:find("6$") and zeros or nil, lport = i, inode = inode }
end

--- The text of a table: its header, a good row, `lines`, another good row.
function bad.text(from, lines)
  if type(lines) == "string" then lines = { lines } end
  local all = { rows.headers[from], bad.good(from, 1) }
  for _, line in ipairs(lines) do all[#all + 1] = line end
  all[#all + 1] = bad.good(from, 2)
  return table.concat(all, "\n") .. "\n"
end

--- A tree whose only table is this text.
function bad.tree(from, text, more)
  local files = { ["net/" .. from] = text }
  for path, content in pairs(more or {}) do files[path] = content end
  return program.tree(files)
end

--- The inodes of rows, in their order: "90001 - 90002".
function bad.inodes(list)
  local words = {}
  for i, row in ipairs(list) do words[i] = row.inode == json.null and "-" or ("%.0f"):format(row.inode) end
  return table.concat(words, " ")
end

-- The inodes in lines of the netstat view, in their order; those of others are left out.
local function good_in(lines)
  local words = {}
  for _, line in ipairs(lines) do words[#words + 1] = line:match(" (9000[12]) ") end
  return table.concat(words, " ")
end

--- What is reported of a tree's table, a message a line: { { line, words }, … }; line 0: the file.
function bad.told(tree, from, list)
  local lines = {}
  for i, entry in ipairs(list) do
    lines[i] = ("sockq: %s/net/%s%s: %s\n"):format(tree, from, entry[1] > 0 and ":" .. entry[1] or "", entry[2])
  end
  return table.concat(lines)
end

--- A text of which both good rows are delivered and nothing else, each bad line named with its number.
---@param told table[]  as for bad.told
---@param warned? integer  how often netstat warns, as often as told if not given
function bad.refused_text(from, text, told, warned, more)
  local tree = bad.tree(from, text, more)
  local list, status, err = bad.ndjson(tree, from)
  bad.equal("the good rows alone", bad.inodes(list), "90001 90002")
  bad.equal("what is told", err, bad.told(tree, from, told))
  bad.equal("status", status, #told > 0 and 3 or 0)
  if bad.lists(from) then
    local lines, netstat_status, netstat_err = bad.netstat(tree, from)
    bad.equal("netstat, the good rows", good_in(lines), "90001 90002")
    bad.equal("netstat, no row more", #lines, 2)
    bad.equal("netstat, what is told", netstat_err, bad.bogus(from):rep(warned or #told))
    bad.equal("netstat, status", netstat_status, 0)
  end
  return tree
end

--- One line that is refused for a reason.
function bad.refused(from, line, reason)
  return bad.refused_text(from, bad.text(from, line), { { 3, reason .. "; skipped" } })
end

--- A text of which the rows between the good ones are delivered, without a word.
---@param want table[]  of each, fields and their values; json.null: unknown
---@param shown? (string|false)[]  of each, what netstat's line of it holds; false: netstat shows none
function bad.accepted_text(from, text, want, shown, more)
  local tree = bad.tree(from, text, more)
  local list, status, err = bad.ndjson(tree, from)
  bad.equal("nothing is told", err, "")
  bad.equal("status", status, 0)
  if not bad.equal("how many rows", #list, #want + 2) then return tree, list end
  bad.equal("the good row before", list[1].inode, 90001)
  bad.equal("the good row behind", list[#list].inode, 90002)
  for i, fields in ipairs(want) do
    for field, value in pairs(fields) do bad.equal(("row %d, %s"):format(i, field), list[i + 1][field], value) end
  end
  if bad.lists(from) then
    local lines, netstat_status, netstat_err = bad.netstat(tree, from)
    bad.equal("netstat, the good rows", good_in(lines), "90001 90002")
    bad.equal("netstat, how many rows", #lines, #want + 2)
    for i, piece in ipairs(shown or {}) do
      if piece then bad.contains("netstat, row " .. i, lines[i + 1], piece) end
    end
    bad.equal("netstat, what is told", netstat_err, "")
    bad.equal("netstat, status", netstat_status, 0)
  end
  return tree, list
end

--- One line that is delivered with these fields.
function bad.accepted(from, line, fields, shown)
  return bad.accepted_text(from, bad.text(from, line), { fields }, { shown or false })
end

-- A tcp row from its columns, each of which may be given as text.
local COLUMNS = { "slot", "locals", "remotes", "state", "queues", "timer", "retrans", "uid", "probes", "inode" }
local USUAL = {
  slot = "0:", locals = "0100007F:0050", remotes = "0200000A:1F90", state = "01", queues = "00000005:00000007",
  timer = "01:00000169", retrans = "00000003", uid = "1000", probes = "0", inode = "90009",
  tail = "1 0000000000000000 20 4 30 10 -1",
}

--- A row of tcp, or another inet table by its tail, whose columns are those of an ordinary row but for these.
---@param with table<string, string>
---@return string
function bad.row(with)
  local words = {}
  for i, column in ipairs(COLUMNS) do words[i] = with[column] or USUAL[column] end
  local line = table.concat(words, " ") .. " " .. (with.tail or USUAL.tail)
  return line:match("^(.-) *$")
end

--- Python that runs a program and notes its memory. A process takes over the peak of the one that made it:
--- from a small one it tells of the program.
bad.MEASURE = [[
import resource, subprocess, sys, time
start = time.monotonic()
status = subprocess.call(sys.argv[2:])
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
open(sys.argv[1], "w").write("%d %f" % (most, time.monotonic() - start))
sys.exit(status if status >= 0 else 128 - status)
]]

--- Run the program over a tree and have the most memory that one of its processes took.
---@return integer status, string out, string err, integer kib, number seconds
function bad.measured(tree, words)
  local note = posix.tmpdir("sockq-bad") .. "/usage"
  local status, out, err = bad.over(tree, words, { through = { "python3", "-I", "-c", bad.MEASURE, note } })
  local kib, seconds = (posix.read_file(note) or ""):match("^(%d+) (%S+)$")
  bad.ok("it was measured", kib, err)
  return status, out, err, tonumber(kib) or 2 ^ 40, tonumber(seconds) or 1e9
end

return bad
