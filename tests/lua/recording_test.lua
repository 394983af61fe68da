--- Recordings in a stock luajit: opening them, choosing and walking snapshots, rows that outlive the
--- switch to another one, many snapshots, and what is wrong with files.
--
--   luajit tests/lua/recording_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local core = require "sockq.core"
local posix = require "posix"
local recordings = require "recordings"
local rows = require "rows"
local set = require "sockq.set"
local sockq = require "sockq"
local tree = require "tree_of"

local DIR = posix.tmpdir("sockq-recording")
check.at_end(posix.cleanup)

--- Append what sockq reads now to a file, as `sockq record` does; indexes: of the rows.
local handles = {}
local function append(path, indexes, filter)
  local handle = handles[path] or assert(core.recording(path, true))
  handles[path] = handle
  local collected = set.collect(2 ^ 15 - 1, 0, 3)
  local seen, final = 0, false
  while not final do seen, final = set.wait(collected, seen) end
  local size = assert(handle:append(collected, indexes, filter))
  set.release(collected)
  return size
end

local FILE = DIR .. "/r"
local COUNT = 40
for i = 1, COUNT do
  sockq.open(tree.make { ["net/tcp"] = rows.file("tcp", {
    rows.tcp { lport = i, state = 10, inode = 1000 + i }, rows.tcp { lport = 7000 + i, state = 1, raddr = "0200000A", rport = 9,
      inode = 2000 + i } }), ["9/fd/3"] = { link = ("socket:[%d]"):format(1000 + i) }, ["9/cmdline"] = "program-" .. i })
  append(FILE)
end
local times = {}
for i = 1, COUNT do times[i] = 1000000000 + i * 10 end
recordings.set_times(FILE, times)

-- Walking

local recording = sockq.recording(FILE)
local list = recording:snapshots()
check.equal("snapshots", #list, COUNT)
check.equal("a snapshot's time", list[3].time, 1000000030)
check.equal("a snapshot's rows", list[3].rows, 2)
check.equal("a snapshot as text", tostring(list[3]):gsub("%d%d:%d%d", "T"), "snapshot 3 of 2001-09-09 T:10, 2 sockets")
local kept = {}
for i, snapshot in ipairs(list) do
  snapshot:open()
  kept[i] = sockq.tcp():where(function(row) return row.state == "LISTEN" end):first()
  check.equal("snapshot " .. i, sockq.tcp():count(), 2)
end
collectgarbage()
collectgarbage()
for i, row in ipairs(kept) do
  -- Its owner was not asked for: it is read late, from the snapshot that the row is of.
  check.equal("a row that was kept " .. i, ("%d %s %d"):format(row.local_port, row.program, row.fd),
    ("%d program-%d 3"):format(i, i))
end
while kept[1] do table.remove(kept) end

-- Opened again and again: what is no longer used goes

for _ = 1, 300 do
  for _, i in ipairs { 1, 20, 40 } do
    list[i]:open()
    if sockq.tcp():where("LISTEN"):first().local_port ~= i then check.fail("opened again and again") end
  end
end
local maps = 0
for _ in (posix.read_file("/proc/self/maps") or ""):gmatch("\n") do maps = maps + 1 end
check.ok("900 snapshots do not stay mapped", maps < 600, maps)

-- Choosing

for at, port in pairs { [1] = 1, [-1] = 40, ["-2"] = 39, ["-100s"] = 30, ["-1m"] = 34 } do
  check.equal("at " .. at, tostring(sockq.open_recording(FILE, at).index), tostring(port))
  check.equal("rows at " .. at, sockq.tcp():first().local_port, port)
end
check.equal("the last", sockq.open_recording(FILE).index, COUNT)
check.equal("live fields", tostring(sockq.tcp():first().dev), "nil")
check.equal("facts that were not recorded", sockq.facts().uptime, nil)

-- Back to a tree

local other = tree.make { ["net/tcp"] = rows.file("tcp", { rows.tcp { lport = 99, state = 10 } }) }
sockq.open(other)
check.equal("a tree again", sockq.tcp():first().local_port, 99)
posix.write_file(other .. "/net/tcp", "bad\n")
sockq.tcp():count()
check.contains("a tree's messages", sockq.messages[#sockq.messages], other .. "/net/tcp:1: ")

-- What is wrong with a file

local function wrong(name, piece, path, at)
  check.raises(name, piece, function() return (sockq.open_recording(path, at)) end)
end
wrong("a missing file", "recording_test.lua:", DIR .. "/no")
wrong("a missing file", "sockq.open_recording: " .. DIR .. "/no: No such file or directory; give a file that sockq record made",
  DIR .. "/no")
wrong("no name", "sockq.recording: a file's name is expected, not a nil", nil)
wrong("a wrong snapshot", "sockq.open_recording: 41: " .. FILE .. " has no such snapshot; 1 is its first, 40 its last", FILE, 41)
wrong("a wrong time", "sockq.open_recording: soon: no number and no time; give a number", FILE, "soon")
posix.write_file(DIR .. "/text", "hello, world\n")
wrong("text", DIR .. "/text: not a recording of sockq", DIR .. "/text")
local whole = posix.read_file(FILE)
posix.write_file(DIR .. "/half", whole:sub(1, -10))
local messages = #sockq.messages
check.equal("half a snapshot", sockq.open_recording(DIR .. "/half").index, COUNT - 1)
check.contains("half a snapshot: message", sockq.messages[messages + 1], "half a snapshot, from a write that was cut off")
local damaged = whole:sub(1, 3000) .. string.char((whole:byte(3001) + 1) % 256) .. whole:sub(3002)
posix.write_file(DIR .. "/damaged", damaged)
local ok = pcall(function()
  for _, snapshot in ipairs(sockq.recording(DIR .. "/damaged"):snapshots()) do
    snapshot:open()
    sockq.tcp():count()
  end
end)
check.equal("a damaged snapshot is an error", ok, false)

-- The primitives: wrong use raises, and crashes nothing

sockq.open(tree.make { ["net/tcp"] = rows.file("tcp", { rows.tcp { lport = 1, inode = 1 }, rows.tcp { lport = 2, inode = 2 } }) })
local handle = core.recording(DIR .. "/primitive", true)
local collected = set.collect(1, 0, 0)
local seen, final = 0, false
while not final do seen, final = set.wait(collected, seen) end
for _, indexes in ipairs { { 2 }, { 1, 0 }, { 0, 0 }, { 1e14 } } do
  local size, what = handle:append(collected, indexes)
  check.ok("rows that are none", size == nil and type(what) == "string", tostring(size))
end
for _, indexes in ipairs { { -1 }, { 0 / 0 }, { 2 ^ 60 }, { "x" }, { {} }, { 0, false } } do
  check.raises("what is no index", "indexes of rows are expected", handle.append, handle, collected, indexes)
end
check.ok("one row", handle:append(collected, { 1 }) > 1000)
check.equal("one row: in the list", handle:snapshots()[1].rows, 1)
check.raises("rows that are no list", "table expected", handle.append, handle, collected, 7)
check.raises("no set", "sockq.set expected", handle.append, handle, handle)
check.raises("no recording", "sockq.recording expected", handle.append, collected, collected)
check.raises("no snapshot", "there is no such snapshot", handle.client, handle, 1000)
check.raises("snapshot 0", "there is no such snapshot", handle.client, handle, 0)
collected:release()
check.raises("a released set", "the row set was released", handle.append, handle, collected)

check.finish()
