--- ss's listing over captured and random trees, against the real ss: each table with each option that adds
-- columns or pieces, and what ends a text, without sockq's command line.
--
--   luajit tests/lua/ss_listing_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;tests/differential/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local plans = require "ss_plans"
local posix = require "posix"
local random_tree = require "tree"
local rows = require "rows"

local missing = plans.missing()
if missing then check.skip(missing) end
check.at_end(posix.cleanup)

local function compare(name, tree, letters, netlink)
  local want, got = plans.real(tree, letters, netlink), plans.print(tree, plans.plan(letters, netlink))
  check.ok(("%s: ss -a%s%s"):format(name, letters, netlink and " -f netlink" or ""), want == got,
    want ~= got and plans.difference(want, got) or nil)
end

local LISTS = { "tn", "t", "tno", "tni", "tnoi", "tnp", "tnpo", "tnH", "un", "u", "wn", "w", "tuwn", "0n", "0", "0e", "0p",
  "tuw0np", "tuwH" }

for _, name in ipairs { "mixed-1", "mixed-2", "centos7-seed" } do
  local tree = posix.realpath("tests/data/captures/" .. name .. "/proc")
  for _, letters in ipairs(LISTS) do compare(name, tree, letters) end
end

-- Random trees of the test of netstat: inodes of 64 bits, old links, names of all kinds

for seed = 1, 5 do
  local tree = posix.tmpdir("sockq-ss") .. "/proc"
  random_tree.make(tree, seed)
  for _, letters in ipairs { "tuw", "tnoe", "tnoei", "x", "tuwxnpe", "t0p", "uwp" } do
    compare("tree " .. seed, tree, letters)
  end
end

-- Small trees

local function tree_of(files)
  local tree = posix.tmpdir("sockq-ss")
  posix.mkdir(tree .. "/net")
  for path, text in pairs(files) do
    if path:find("^%d+/") then posix.mkdirs(tree .. "/" .. path:match("^%d+")) end
    posix.write_file(tree .. "/" .. path, text)
  end
  return tree
end

local V6 = rows.file("tcp6", { rows.tcp { laddr = ("0"):rep(32), lport = 6, state = 10, inode = 6 } })
local function tcp(port, more)
  return rows.tcp { lport = port, state = 10, inode = port, timer = 0, tail = more }
end

local TAIL = " 1 00000000deadbeef 100 4 30 10 -1"
for name, text in pairs {
  ["a tail of later kernels"] = rows.file("tcp", { tcp(1, TAIL .. " 5 x"), tcp(2, TAIL .. "    "), tcp(3, TAIL) }),
  ["pointers"] = rows.file("tcp", { tcp(1, " 1 (null) 100 4 30 10 -1"), tcp(2, " 1 ffffffffffffffff 300 4 31 10 5") }),
  ["a line of 254 bytes"] = rows.file("tcp", { tcp(1) .. (" "):rep(254 - #tcp(1)), tcp(2) }),
  ["a line of 255 bytes"] = rows.file("tcp", { tcp(1), tcp(2) .. (" "):rep(255 - #tcp(2)), tcp(3) }),
  ["no last line feed"] = rows.file("tcp", { tcp(1), tcp(2) }):sub(1, -2),
  ["an empty line"] = rows.file("tcp", { tcp(1), "", tcp(3) }),
  ["no rows"] = rows.file("tcp", {}),
  ["no text"] = "",
} do
  local tree = tree_of { ["net/tcp"] = text, ["net/tcp6"] = V6 }
  for _, letters in ipairs { "tn", "tnei", "tunw" } do compare(name, tree, letters) end
end
compare("no table of IPv4", tree_of { ["net/tcp6"] = V6, ["net/udp6"] = rows.file("udp6", {}) }, "tun")

-- Ports that are ephemeral have no names, in the tree's own range.
local named = rows.file("tcp", { tcp(22), tcp(80), tcp(3306), tcp(8080), tcp(40000) })
compare("no range", tree_of { ["net/tcp"] = named }, "t")
local ranged = tree_of { ["net/tcp"] = named }
posix.mkdirs(ranged .. "/sys/net/ipv4")
posix.write_file(ranged .. "/sys/net/ipv4/ip_local_port_range", "70\t90\n")
require("sockq.ss.range").forget()
compare("a range", ranged, "t")
require("sockq.ss.range").forget()

-- Unix rows are sorted in lots.
local many = {}
for i = 1, 4000 do
  many[i] = rows.unix { kind = ({ 1, 2, 5 })[i % 3 + 1], inode = (i * 7919) % 100003, state = i % 5,
    path = i % 4 == 0 and "/p" .. i or nil }
end
compare("lots", tree_of { ["net/unix"] = rows.file("unix", many) }, "x")

-- Threads: their descriptors and names are those of ROOT/TID.
local threaded = tree_of { ["net/tcp"] = rows.file("tcp", { tcp(7001), tcp(7002), tcp(7003) }),
  ["5/stat"] = "5 (first) S 1", ["7/stat"] = "7 (a) b) S 1" }
for _, path in ipairs { "5/fd", "5/task/5", "5/task/6", "5/task/7", "5/task/x", "7/fd", "9/fd" } do
  posix.mkdirs(threaded .. "/" .. path)
end
for _, link in ipairs { { "5/fd/3", 7001 }, { "5/fd/4", 7002 }, { "7/fd/3", 7001 }, { "9/fd/8", 7001 }, { "9/fd/3", 7003 } } do
  posix.symlink(("socket:[%d]"):format(link[2]), threaded .. "/" .. link[1])
end
for _, letters in ipairs { "tnT", "tnpT", "tnp", "tnTo" } do compare("threads", threaded, letters) end

-- Netlink: names of processes by port id.
local function netlink(pointer, protocol, id, groups, dump)
  return ("%s %-3d %-10s %08x %-8d %-8d %-5s %-8d %-8d %-8d"):format(pointer, protocol, id, groups, 5, 70000, dump, 2, 0, 99)
end
local nl = tree_of {
  ["net/netlink"] = rows.file("netlink", {
    netlink("0000000000000000", 0, "0", 0, "0"), netlink("00000000deadbeef", 15, "77", 1, "1"),
    netlink("ffff8800", 16, "78", 0xffffffff, "0"), netlink("0", 99, "4294967295", 0, "0"), netlink("0", 4, "4000000000", 0, "0"),
    netlink("0", 17, "79", 0, "0") }),
  ["77/stat"] = "77 (udevd) S 1", ["79/stat"] = "79 (a)b) S 1",
}
for _, letters in ipairs { "", "n", "e", "p", "H" } do compare("netlink", nl, letters, true) end

check.finish()
