--- ss's columns against the real ss: random tables on terminals of every width, and a table that is so
--- long that it is printed in instalments.
--
--   luajit tests/lua/ss_layout_test.lua [--seed N]        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local core = require "sockq.core"
local plans = require "ss_plans"
local posix = require "posix"
local rows = require "rows"

local missing = plans.missing()
if missing then check.skip(missing) end
check.at_end(posix.cleanup)

local seed = arg[1] == "--seed" and tonumber(arg[2]) or 1
math.randomseed(seed)
local random = math.random

-- A tree of one tcp table.
local function tree_of(list)
  local tree = posix.tmpdir("sockq-ss")
  posix.mkdir(tree .. "/net")
  posix.write_file(tree .. "/net/tcp", rows.file("tcp", list))
  return tree
end

local QUEUES = { 0, 0, 0, 5, 70000, 0x7fffffff }

local function random_row()
  local function addr() return ("%02X%02X%02X%02X"):format(random(0, 255), random(0, 255), random(0, 255), random(0, 255)) end
  return rows.tcp {
    laddr = random(3) == 1 and "00000000" or addr(), raddr = random(3) == 1 and "00000000" or addr(),
    lport = random(0, 65535), rport = random(4) == 1 and 0 or random(65535),
    state = random(11), tx = QUEUES[random(#QUEUES)], rx = QUEUES[random(#QUEUES)],
    timer = random(0, 5), when = random(0, 100000), inode = random(0, 99999),
  }
end

local function on_terminals(tree, letters, widths)
  local terminal_width = core.terminal_width
  local _, out = posix.run({ "python3", "tests/lib/on_terminal.py", "ss", "-a" .. letters },
    { env = { PROC_ROOT = tree, LC_ALL = "C" }, stdin = table.concat(widths, "\n") .. "\n", timeout = 60 })
  local at = 1
  for _, width in ipairs(widths) do
    local size, from = out:match("^(%d+)\n()", at)
    local want = out:sub(from, from + size - 1)
    at = from + size
    core.terminal_width = function() return width > 0 and width or nil end
    local got = plans.print(tree, plans.plan(letters))
    check.ok(("ss -a%s, %d columns"):format(letters, width), want == got, want ~= got and plans.difference(want, got) or nil)
  end
  core.terminal_width = terminal_width
end

-- Some widths of all, others in each tree.
local LETTERS = { "tn", "tno", "tnH", "tuno", "tunoH", "tuwn" }
for i, letters in ipairs(LETTERS) do
  local list = {}
  for n = 1, random(0, 4) + (i % 2) do list[n] = random_row() end
  local widths = { 0, 1 }
  for width = 1 + i + random(0, 5), 150, 17 do widths[#widths + 1] = width end
  on_terminals(tree_of(list), letters, widths)
end
on_terminals(tree_of({}), "tn", { 0, 10, 60 })

-- Instalments: the columns grow wider on the way.

local LONG = 90000
local parts = {}
for i = 1, LONG do
  local wide = i > 60000
  parts[i] = rows.tcp { laddr = wide and "C8C8C8C8" or "01000001", raddr = "0100007F", lport = wide and 40000 or 9, rport = 1,
    state = i > 75000 and 4 or 1, timer = i % 3, when = i, inode = i }
end
local long = tree_of(parts)
for _, letters in ipairs { "tno" } do
  local want, got = plans.real(long, letters), plans.print(long, plans.plan(letters))
  local _, lengths = want:gsub("\n", "\n")
  check.ok(("ss -a%s of %d rows"):format(letters, LONG), want == got and lengths == LONG + 1,
    want ~= got and plans.difference(want, got) or nil)
  local widest = {}
  for line in want:gmatch("[^\n]+") do widest[#line] = true end
  local count = 0
  for _ in pairs(widest) do count = count + 1 end
  check.ok("which has lines of several widths", count > 1)
end

check.finish()
