--- Recordings of which any bytes were changed and the sums made right again, as a stranger can make
--- them: an error of ours when they are opened, or rows that Lua can read to the last field. A crash
--- ends this test.
--
--   luajit tests/lua/recording_random_test.lua [--seed N] [--count N]     from the root of the tree
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local core = require "sockq.core"
local ffi = require "ffi"
local posix = require "posix"
local recordings = require "recordings"
local rows = require "rows"
local set = require "sockq.set"
local sockq = require "sockq"
local tree = require "tree_of"

local seed, count = os.time(), 2000
for i, word in ipairs(arg or {}) do
  if word == "--seed" then seed = tonumber(arg[i + 1]) elseif word == "--count" then count = tonumber(arg[i + 1]) end
end
print("seed " .. seed)
math.randomseed(seed)

local DIR = posix.tmpdir("sockq-random")
check.at_end(posix.cleanup)

sockq.open(tree.make {
  ["net/tcp"] = rows.file("tcp", { rows.tcp { lport = 22, state = 10, inode = 1001 }, "bad",
    rows.tcp { lport = 2, state = 1, raddr = "0200000A", rport = 5, inode = 1002, timer = 1, when = 70, retrans = 3 },
    rows.tcp { lport = 3, state = 6, raddr = "0200000A", rport = 6, timer = 3, when = 700 } }),
  ["net/tcp6"] = rows.file("tcp6", { rows.tcp { laddr = ("0"):rep(32), lport = 80, state = 10, inode = 1003 } }),
  ["net/udp"] = rows.file("udp", { rows.datagram { lport = 53, inode = 1004 } }),
  ["net/unix"] = rows.file("unix", { rows.unix { inode = 12, path = "@a" }, rows.unix { inode = 13, path = "/run/x" } }),
  ["net/sctp/eps"] = rows.file("sctp/eps", { "ffff8880 ffff8881 2   10  22   2905      0 1700 10.0.0.1 ::1 " }),
  ["net/sctp/assocs"] = rows.file("sctp/assocs", { "ffff8880 ffff8881 2   1   3  0       7      100      200    1000 1800 "
    .. "2905  3905  10.0.0.1 10.0.0.9 <-> *10.0.0.2 \t    7500    10    10   10    0    0        0        1        0" }),
  ["net/netlink"] = rows.file("netlink",
    { "0000000000000000 0   4242       00000001 7        8        0     2        3        51" }),
  ["net/packet"] = rows.file("packet", { "0000000000000000 3      3    0003   0     1 9      1000   61" }),
  ["net/snmp"] = "Tcp: ActiveOpens PassiveOpens\nTcp: 5 6\n", ["uptime"] = "7.0 5.0\n", ["loadavg"] = "1.0 2.0 3.0 1/2 3\n",
  ["7/fd/3"] = { link = "socket:[1001]" }, ["7/fd/4"] = { link = "socket:[12]" }, ["8/fd/1"] = { link = "socket:[1001]" },
  ["7/cmdline"] = "/bin/a\0b\0c\0", ["8/comm"] = "kernel\n", ["7/cgroup"] = "0::/x\n", ["8/fd/2"] = { link = "socket:[1700]" },
})
local PATH = DIR .. "/r"
do
  local handle = assert(core.recording(PATH, true))
  local collected = set.collect(2 ^ 15 - 1, 0, 7)
  local seen, final = 0, false
  while not final do seen, final = set.wait(collected, seen) end
  assert(handle:append(collected, nil, "tcp\nudp"))
end
collectgarbage()
collectgarbage()
local ORIGINAL = assert(posix.read_file(PATH))
local SIZE = #ORIGINAL
local bytes = ffi.new("uint8_t[?]", SIZE)
local words = ffi.cast("uint64_t *", bytes)

--- Read all that there is.
local function read_all()
  local fields = 0
  for row in sockq.all():rows() do
    for _, field in ipairs(sockq.fields) do
      local value = row[field.name]
      fields = fields + (value ~= nil and 1 or 0)
    end
    tostring(row)
    for _, name in ipairs { "retrans", "probes", "when", "uid", "inode", "refs", "state_code" } do row:raw(name) end
  end
  sockq.facts()
  local _ = sockq.tcp():where("LISTEN"):count() + sockq.unix():where("pid"):count()
  return fields
end

local FLIPS = { 0, 1, 8, 0x7f, 0x80, 0xff }
local function change()
  local kind = math.random(4)
  if kind == 1 then
    bytes[math.random(0, SIZE - 1)] = FLIPS[math.random(#FLIPS)]
  elseif kind == 2 then
    bytes[math.random(0, SIZE - 1)] = math.random(0, 255)
  elseif kind == 3 then
    -- An offset, as there are many.
    words[math.random(0, SIZE / 8 - 1)] = math.random(0, SIZE / 8) * 8
  else
    local from, to = math.random(0, SIZE / 8 - 1), math.random(0, SIZE / 8 - 1)
    words[to] = words[from]
  end
end

local opened, refused = 0, 0
for i = 1, count do
  ffi.copy(bytes, ORIGINAL, SIZE)
  for _ = 1, math.random(3) do change() end
  recordings.sum_again(bytes, SIZE)
  posix.write_file(PATH, ffi.string(bytes, SIZE))
  local ok, wrong = pcall(sockq.open_recording, PATH)
  if ok then
    opened = opened + 1
    ok, wrong = pcall(read_all)
    if not ok then check.fail("change " .. i .. " of seed " .. seed, tostring(wrong)) end
  else
    refused = refused + 1
    if not tostring(wrong):find("sockq.open_recording: " .. PATH .. ": ", 1, true) then
      check.fail("change " .. i .. " of seed " .. seed .. ": not our error", tostring(wrong))
    end
  end
  for n = #sockq.messages, 1, -1 do sockq.messages[n] = nil end
end
print(("%d opened, %d refused"):format(opened, refused))
check.ok("some were opened", opened > count / 20, opened)
check.ok("some were refused", refused > count / 20, refused)
check.finish()
