--- Recordings that are wrong: each is read by several commands, and gives what it holds or one message
--- with its name and what to do, and status 2 or 3. tests/unit/test_damage.c changes every word of one,
--- tests/unit/test_recording.c cuts one at every byte; here the whole program meets the same.
--
--   luajit tests/cli/bad_recordings_test.lua --sockq PATH [--seed N]        from the root of the tree
package.path = "tests/bad/?.lua;tests/lib/?.lua;" .. package.path

local bad = require "bad"
local check = require "check"
local ffi = require "ffi"
local posix = require "posix"
local program = require "program"
local recordings = require "recordings"
local rows = require "rows"
local spawn = require "spawn"

local seed = 1
for i, word in ipairs(arg) do
  if word == "--seed" then seed = tonumber(arg[i + 1]) end
end
math.randomseed(seed)

local DIR = posix.tmpdir("sockq-recordings")
check.at_end(function()
  spawn.cleanup()
  posix.cleanup()
end)

local TREE = program.tree {
  ["net/tcp"] = rows.file("tcp", { rows.tcp { lport = 22, state = 10, inode = 1001 },
    rows.tcp { lport = 80, state = 1, raddr = "0200000A", rport = 5, inode = 1002, timer = 1, when = 70, retrans = 3 } }),
  ["net/udp"] = rows.file("udp", { rows.datagram { lport = 53, inode = 1003 } }),
  ["net/unix"] = rows.file("unix", { rows.unix { inode = 1004, path = "@a" }, rows.unix { inode = 1005, path = "/run/x" } }),
  ["net/sctp/assocs"] = rows.file("sctp/assocs", { bad.good("sctp/assocs", 1) }),
  ["7/fd/3"] = { link = "socket:[1001]" }, ["7/fd/4"] = { link = "socket:[1001]" }, ["8/fd/4"] = { link = "socket:[1004]" },
  ["7/cmdline"] = "/bin/seven\0-x\0", ["8/cmdline"] = "eight\0",
}

local function run(words) return program.run(words, { timeout = bad.TIME }) end

local GOOD = DIR .. "/good"
check.equal("a recording is made", (run { "--proc", TREE, "record", GOOD }), 0)
local BYTES = assert(posix.read_file(GOOD))

--- What a recording is read by.
local COMMANDS = {
  { "ndjson", function(path) return { "--read", path, "--from", "all", "-f", "ndjson" } end },
  { "count", function(path) return { "--read", path, "-A", "count" } end },
  { "netstat", function(path) return { "--read", path, "netstat", "-anpe" } end },
  { "owners", function(path) return { "--read", path, "-c", "local_port,owners,owner_why", "-f", "records" } end },
  { "group", function(path) return { "--read", path, "-x", "-g", "program,path" } end },
  { "diff", function(path) return { "diff", path, GOOD } end },
  { "diff, the other way round", function(path) return { "diff", GOOD, path } end },
  { "snapshots", function(path) return { "snapshots", path } end },
}
local turn, tried, runs = 0, {}, 0

--- Give a file to ndjson and to the next one of the other commands.
---@param judge fun(name: string, path: string, command: string, status: integer, out: string, err: string)
local function give(kind, name, path, judge, all)
  tried[kind] = (tried[kind] or 0) + 1
  turn = turn % (#COMMANDS - 1) + 1
  for i, command in ipairs(COMMANDS) do
    if all or i == 1 or i == turn + 1 then
      local status, out, err = run(command[2](path))
      runs = runs + 1
      local title = ("%s, %s, %s"):format(kind, name, command[1])
      check.ok(title .. ": ends by itself", status <= 3, status .. err)
      check.ok(title .. ": no control byte on stderr", not err:find("[%z\1-\9\11-\31\127]"), check.show(err))
      judge(title, path, command[1], status, out, err)
    end
  end
end

--- One message, with the file and a remedy, and nothing else. A list of snapshots looks at their heads alone.
local function is_refused(title, path, command, status, out, err)
  if command == "snapshots" and status == 0 and err == "" then
    check.ok(title .. ": they are listed", #program.lines(out) > 0)
    return
  end
  check.ok(title .. ": status", status == 2 or status == 3, status)
  check.equal(title .. ": nothing on stdout", out, "")
  check.ok(title .. ": one message", err:find("^sockq: [^\n]+; [^\n]+\n$") and err:find(path, 1, true), check.show(err))
end

local right = {}
for _, command in ipairs(COMMANDS) do
  local status, out, err = run(command[2](GOOD))
  check.ok("the sound one, " .. command[1], status <= 1 and err == "", status .. err)
  right[command[1]] = status .. out:gsub("%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d", "TIME")
end

--- All as from the sound one, without a word.
local function is_right(title, _, command, status, out, err)
  check.equal(title .. ": nothing is told", err, "")
  if command ~= "snapshots" then
    check.equal(title .. ": as the sound one", status .. out:gsub("%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d", "TIME"), right[command])
  end
end

--- Whatever was changed is refused, or it means something: then rows, and messages that name the file.
local function is_either(title, path, command, status, out, err)
  if status == 2 or out == "" and err ~= "" then
    is_refused(title, path, command, status, out, err)
  else
    for _, line in ipairs(program.lines(err)) do
      check.ok(title .. ": what is told", line:find("^sockq: ") or line:find("^warning, got bogus ")
        or line:find("^netstat: no support") or line:find("^%(No"), line)
    end
    check.ok(title .. ": a status for it", status < 3 or err ~= "", status)
  end
end

local function file(bytes)
  local path = DIR .. "/given"
  posix.write_file(path, bytes)
  return path
end

-- Bytes that are none

local function random(size)
  local parts = {}
  for i = 1, size do parts[i] = string.char(math.random(0, 255)) end
  return table.concat(parts)
end

for i, size in ipairs { 1, 7, 8, 55, 56, 57, 1000, #BYTES, 70000 } do
  give("random bytes", size .. " bytes", file(random(size)), is_refused)
  if size > 8 then give("random bytes", size .. " bytes with the magic", file("sockqrec" .. random(size - 8)), is_refused) end
  if i > 5 then give("random bytes", size .. " bytes with the first 24", file(BYTES:sub(1, 24) .. random(size)), is_refused) end
end
give("no recording", "empty", file(""), is_refused, true)
give("no recording", "text", file(("hello\n"):rep(1000)), is_refused, true)
give("no recording", "zeros", file(("\0"):rep(100000)), is_refused)
for at = 1, #BYTES - 1, math.ceil(#BYTES / 60) do
  give("truncated", "at byte " .. at, file(BYTES:sub(1, at)), is_refused)
end
for _, at in ipairs { 1, 8, 24, 55, 56, #BYTES - 1 } do
  give("truncated", "at byte " .. at, file(BYTES:sub(1, at)), is_refused, true)
end
for _ = 1, 30 do
  local at = math.random(#BYTES)
  local byte = string.char((BYTES:byte(at) + math.random(255)) % 256)
  give("one byte changed", "byte " .. at, file(BYTES:sub(1, at - 1) .. byte .. BYTES:sub(at + 1)), is_refused)
end

-- Fields, with sums that are right

local buffer = ffi.new("uint8_t[?]", #BYTES + 8)

--- The recording with some words changed; sums made right again unless told otherwise.
local function changed(change, stale)
  ffi.copy(buffer, BYTES, #BYTES)
  change(buffer)
  if not stale then recordings.sum_again(buffer, #BYTES) end
  return ffi.string(buffer, #BYTES)
end

-- src/recording.h: the frame, then the row set's header up to its lists (src/row.h).
local FRAME = 56
local FIELDS = { { 0, 8, "magic" }, { 8, 4, "version" }, { 12, 4, "byte_order" }, { 16, 4, "row_size" }, { 20, 4, "header_size" },
  { 24, 8, "size" }, { 48, 8, "reserved" }, { FRAME, 8, "set magic" }, { FRAME + 8, 4, "set version" },
  { FRAME + 12, 4, "set byte_order" }, { FRAME + 16, 4, "set row_size" }, { FRAME + 20, 4, "set block_size" },
  { FRAME + 24, 4, "user_hz" }, { FRAME + 28, 4, "live" }, { FRAME + 32, 8, "realtime_ns" }, { FRAME + 48, 8, "netns" },
  { FRAME + 56, 8, "namespaces" }, { FRAME + 208, 8, "tables" }, { FRAME + 224, 4, "flags" }, { FRAME + 312, 8, "rows" },
  { FRAME + 320, 8, "arena" }, { FRAME + 328, 4, "status" }, { FRAME + 336, 8, "problems" }, { FRAME + 352, 8, "facts" } }
local function word(bytes, at, size) return ffi.cast(size == 8 and "uint64_t *" or "uint32_t *", bytes + at) end
do
  ffi.copy(buffer, BYTES, #BYTES)
  check.equal("the layout is as told here: rows", tonumber(word(buffer, FRAME + 312, 8)[0]), 6)
  check.equal("the layout is as told here: size", tonumber(word(buffer, 24, 8)[0]), #BYTES)
end
for _, field in ipairs(FIELDS) do
  local at, size, name = unpack(field)
  local most = size == 8 and 0xffffffffffffffffULL or 0xffffffff
  for _, to in ipairs { function() return 0 end, function() return 1 end, function() return most end,
    function(old) return old + 1 end, function(old) return old - 1 end } do
    local function change(bytes) word(bytes, at, size)[0] = to(word(bytes, at, size)[0]) end
    local text = changed(change)
    if text ~= BYTES then
      give("a field of the head", name, file(text), is_either)
      give("a field of the head, sums as they were", name, file(changed(change, true)), is_refused)
    end
  end
end

--- Bytes in the other order: the frame by its fields, all behind it by words.
do
  local text = changed(function(bytes)
    local function swap(at, size)
      for i = 0, size / 2 - 1 do bytes[at + i], bytes[at + size - 1 - i] = bytes[at + size - 1 - i], bytes[at + i] end
    end
    for at = 8, 20, 4 do swap(at, 4) end
    for at = 24, 48, 8 do swap(at, 8) end
    for at = FRAME, #BYTES - 8, 8 do swap(at, 8) end
  end, true)
  give("the other byte order", "all of it", file(text), function(title, path, command, status, out, err)
    is_refused(title, path, command, status, out, err)
    check.contains(title .. ": told as such", err, "a recording of a machine of the other byte order")
  end, true)
  give("another version", "the next one", file(changed(function(bytes) word(bytes, 8, 4)[0] = word(bytes, 8, 4)[0] + 1 end)),
    function(title, path, command, status, out, err)
      is_refused(title, path, command, status, out, err)
      check.contains(title .. ": told as such", err, "a recording in a format of another version")
    end, true)
end

-- Offsets: of rows (src/row.h: table at byte 84, owner at 88, a name at 104, its length at 112; addresses at 104 and 112)

do
  ffi.copy(buffer, BYTES, #BYTES)
  local head = FRAME + tonumber(word(buffer, 20, 4)[0]) - 0
  local count, arena = tonumber(word(buffer, FRAME + 312, 8)[0]), tonumber(word(buffer, FRAME + 320, 8)[0])
  local start = #BYTES - arena - count * 128
  check.equal("the rows begin behind the head", start, head)
  local function row_at(i) return start + i * 128 end
  local owner = tonumber(word(buffer, row_at(0) + 88, 8)[0])
  local process = tonumber(word(buffer, start + count * 128 + owner + 8, 8)[0])
  local wrong = { 1, 4, 12, owner + 4, owner + 8, process, process + 8, arena - 8, arena - 1, arena, arena + 8, arena * 2,
    0x7fffffffffffffffULL, 0x8000000000000000ULL, 0xffffffffffffffffULL, 0xfffffffffffffff8ULL }
  -- By table number: tcp 0, unix 12, sctp assocs 3.
  local by_table = {}
  for i = 0, count - 1 do by_table[buffer[row_at(i) + 84]] = by_table[buffer[row_at(i) + 84]] or i end
  local places = { owner = row_at(0) + 88, name = row_at(by_table[12]) + 104, ["local addresses"] = row_at(by_table[3]) + 104,
    ["remote addresses"] = row_at(by_table[3]) + 112, ["the next owner"] = start + count * 128 + owner,
    ["an owner's process"] = start + count * 128 + owner + 8, ["a process's name"] = start + count * 128 + process,
    ["a process's arguments"] = start + count * 128 + process + 8 }
  for name, at in pairs(places) do
    for _, value in ipairs(wrong) do
      local text = changed(function(bytes) word(bytes, at, 8)[0] = value end)
      give("an offset", ("%s to %s"):format(name, tostring(value)), file(text), is_either)
    end
  end
  local function chain(name, change) give("a chain or text shared", name, file(changed(change)), is_either, true) end
  chain("owners in a circle", function(bytes) word(bytes, places["the next owner"], 8)[0] = owner end)
  chain("a process as its own name", function(bytes) word(bytes, places["a process's name"], 8)[0] = process end)
  chain("addresses of one another", function(bytes)
    word(bytes, places["remote addresses"], 8)[0] = word(bytes, places["local addresses"], 8)[0]
  end)
  chain("two names that overlap", function(bytes)
    word(bytes, row_at(by_table[12] + 1) + 104, 8)[0] = word(bytes, places.name, 8)[0]
  end)
  chain("a name over all the arena", function(bytes)
    word(bytes, places.name, 8)[0] = 8
    word(bytes, places.name + 8, 4)[0] = arena - 8
  end)
  for _, length in ipairs { arena, 0x7fffffff, 0xffffffff } do
    chain("a name of " .. length .. " bytes", function(bytes) word(bytes, places.name + 8, 4)[0] = length end)
  end
  for name, number in pairs { ["2^32-1"] = 0xffffffffULL, ["2^64-1"] = 0xffffffffffffffffULL, ["2^57"] = 2ULL ^ 57 } do
    for field, at in pairs { rows = FRAME + 312, arena = FRAME + 320 } do
      local path = file(changed(function(bytes)
        word(bytes, at, 8)[0] = number
        local all = word(bytes, FRAME + 312, 8)[0] * 128 + word(bytes, FRAME + 320, 8)[0] + (start + 0ULL)
        word(bytes, 24, 8)[0] = all
      end))
      give("counts", field .. " of " .. name, path, is_refused, true)
    end
  end
end

-- Files

local function in_place(kind, make, judge)
  local path = DIR .. "/place"
  make(path)
  give(kind, "it", path, judge or is_refused, true)
  posix.run { "rm", "-rf", path }
end

in_place("a FIFO", function(path) posix.run { "mkfifo", path } end)
in_place("a folder", function(path) posix.mkdir(path) end)
in_place("a link to /dev/zero", function(path) posix.symlink("/dev/zero", path) end)
in_place("a link to itself", function(path) posix.symlink("place", path) end)
in_place("a missing file", function() end)
in_place("a socket", function(path)
  posix.run { "python3", "-c", "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])", path }
end)
in_place("compressed", function(path) posix.run { "sh", "-c", ("gzip -c %s >%s"):format(GOOD, path) } end)
in_place("two in one", function(path) posix.write_file(path, BYTES .. BYTES) end, is_right)
in_place("one and something compressed", function(path)
  posix.run { "sh", "-c", ("(cat %s; gzip -c %s) >%s"):format(GOOD, GOOD, path) }
end)
in_place("1 TiB of nothing behind one", function(path)
  posix.write_file(path, BYTES)
  posix.run { "truncate", "-s", "1T", path }
end)
in_place("1 TiB of nothing", function(path) posix.run { "truncate", "-s", "1T", path } end)
if posix.geteuid() == 0 then
  posix.chmod(DIR, tonumber("755", 8))
  local path = file(BYTES)
  posix.chmod(path, 0)
  for _, command in ipairs(COMMANDS) do
    local argv = { unpack(bad.AS_NOBODY) }
    argv[#argv + 1] = program.path
    for _, text in ipairs(command[2](path)) do argv[#argv + 1] = text end
    posix.chmod(GOOD, tonumber("644", 8))
    local status, out, err = posix.run(argv, { env = program.environment(), timeout = bad.TIME })
    is_refused("may not be read, " .. command[1], path, command[1], status, out, err)
  end
  posix.chmod(path, tonumber("644", 8))
  tried["may not be read"] = 1
end

do
  -- A snapshot that says it is as large as its file, 64 GiB of nothing, with sums that are right but for those.
  local path = file(changed(function(bytes)
    word(bytes, FRAME + 320, 8)[0] = 2ULL ^ 36
    word(bytes, 24, 8)[0] = 2ULL ^ 36 + word(bytes, FRAME + 312, 8)[0] * 128 + FRAME + word(bytes, 20, 4)[0]
  end))
  posix.run { "truncate", "-s", tostring(2 ^ 36 + 4096), path }
  local start = spawn.now()
  give("a snapshot of 64 GiB", "it", path, is_refused)
  check.ok("a snapshot of 64 GiB: at once", spawn.now() - start < 20, spawn.now() - start)
  tried["a snapshot of 64 GiB"] = 1
  -- Many snapshots.
  local many = DIR .. "/many"
  posix.write_file(many, BYTES:rep(3000))
  local status, out, err = run { "snapshots", many }
  check.equal("3,000 snapshots", status .. err, "0")
  check.ok("3,000 snapshots: all are listed", #program.lines(out) >= 3000, #program.lines(out))
  give("3,000 snapshots", "it", many, is_right, true)
  local tree_status, _, tree_err, few = bad.measured(TREE, { "-t", "-f", "ndjson" })
  check.equal("memory of the tree itself", tree_status .. tree_err, "0")
  local words = { "--read", many, "-t", "-f", "ndjson" }
  local note = DIR .. "/usage"
  status = posix.run({ "python3", "-I", "-c", bad.MEASURE, note, program.path, unpack(words) },
    { env = program.environment(), timeout = bad.TIME })
  local kib = tonumber((posix.read_file(note) or ""):match("^%d+")) or 2 ^ 40
  check.equal("3,000 snapshots: memory is that of one, status", status, 0)
  check.ok("3,000 snapshots: memory is that of one", program.sanitized or kib < few + 8192, ("%d, %d KiB"):format(few, kib))
end

-- A file that changes while it is read

do
  local path = DIR .. "/changing"
  posix.write_file(path, BYTES:rep(200))
  local child = spawn.start({ "sh", "-c", ([[cd %s; cp changing whole; until [ -e stop ]; do truncate -s 100000 changing
    truncate -s 3000 changing; truncate -s 0 changing; cat whole >changing; done]]):format(posix.quote(DIR)) })
  local whole, other = 0, 0
  for round = 1, 40 do
    local command = COMMANDS[(round - 1) % #COMMANDS + 1]
    local status, _, err = run(command[2](path))
    runs = runs + 1
    local title = ("changing while it is read, round %d, %s"):format(round, command[1])
    check.ok(title .. ": ends by itself", status <= 3, status .. err)
    -- netstat has no status for what is told.
    local is_told = err:find("^sockq: [^\n]*changing") and (status >= 2 or command[1] == "netstat")
    check.ok(title .. ": right, or told", is_told or (status <= 1 and err == ""), status .. err)
    if is_told then other = other + 1 else whole = whole + 1 end
  end
  posix.write_file(DIR .. "/stop", "")
  check.ok("the one that changes it ends", child:wait(20))
  child:finish()
  tried["changing while it is read"] = 40
  print(("changing while it is read: %d whole, %d told"):format(whole, other))
end

-- Appending to one that is damaged

do
  local damaged = { text = ("hello\n"):rep(100), ["another version"] = changed(function(bytes) word(bytes, 8, 4)[0] = 9 end),
    ["damage behind one"] = BYTES .. ("x"):rep(5000), ["a byte of the head"] = BYTES:sub(1, 100) .. "\255" .. BYTES:sub(102),
    ["the other byte order"] = changed(function(bytes) word(bytes, 12, 4)[0] = 0x04030201 end) }
  for name, text in pairs(damaged) do
    local path = file(text)
    local status, out, err = run { "--proc", TREE, "record", path }
    is_refused("record into " .. name, path, "record", status, out, err)
    check.ok("record into " .. name .. ": it stays as it is", posix.read_file(path) == text)
    tried["appending"] = (tried["appending"] or 0) + 1
  end
  local path = file(BYTES .. BYTES:sub(1, 700))
  local status, _, err = run { "--proc", TREE, "record", path }
  check.equal("record behind half a snapshot: status", status, 0)
  check.contains("record behind half a snapshot: told", err, "half a snapshot, from a write that was cut off; it is taken away")
  give("appending", "half a snapshot", path, is_right, true)
end

local kinds, inputs = {}, 0
for kind, count in pairs(tried) do
  kinds[#kinds + 1] = ("%s %d"):format(kind, count)
  inputs = inputs + count
end
table.sort(kinds)
print(("bad recordings: %d, read %d times (%s)"):format(inputs, runs, table.concat(kinds, ", ")))
check.finish()
