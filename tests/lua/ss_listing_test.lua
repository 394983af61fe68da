--- ss's listing over captured trees, against the real ss: each table with each option that adds columns
-- or pieces, without sockq's command line.
--
--   luajit tests/lua/ss_listing_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local plans = require "ss_plans"
local posix = require "posix"

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

check.finish()
