--- ss's listing over live sockets, which sock_diag tells of, against the real ss: sockets of every family
-- in a namespace of their own, each with each option that adds pieces.
--
--   luajit tests/lua/ss_live_test.lua        from the root of the tree, after scripts/build
--   … --inside                               in the namespace that it makes
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local plans = require "ss_plans"

plans.inside(arg)
local masked, without_own = plans.masked, plans.without_own

local TRIES = 4
local exact, counted = 0, 0

local function compare(letters, netlink, show, words)
  local want, got, why
  for _ = 1, TRIES do
    want = without_own(plans.real(nil, letters, netlink, words))
    got = without_own(plans.print(nil, plans.plan(letters, netlink, show)))
    if want == got then
      exact = exact + 1
      break
    end
    why = plans.difference(masked(want), masked(got))
    if not why then break end
  end
  counted = counted + 1
  check.ok(("ss -a%s %s"):format(letters, table.concat(words or {}, " ")), want == got or not why, why)
end

for _, letters in ipairs { "tn", "t", "tno", "tni", "tnm", "tnim", "tnimO", "tnp", "tnpo", "tnioH", "ti", "tio", "un", "u", "unm",
  "uni", "unp", "unmi", "tne", "tnemi", "une", "x", "xem", "xp", "0", "0n", "0e", "0b", "0emO", "tuwx0e",
  "wn", "wni", "Mn", "Mnm", "Mni", "tuwn", "tuwMni", "tnT", "xT", "0T", "unTpe" } do
  compare(letters)
end
for _, letters in ipairs { "", "n", "e", "em" } do compare(letters, true) end
compare("tn", nil, { "cgroup" }, { "--cgroup" })
compare("tn", nil, { "tos" }, { "--tos" })
compare("un", nil, { "tos" }, { "--tos" })
compare("tn", nil, { "inet_sockopt" }, { "--inet-sockopt" })
compare("tuwnO", nil, { "inet_sockopt" }, { "--inet-sockopt" })

check.ok("most listings are equal byte for byte", exact > counted / 2, ("%d of %d"):format(exact, counted))
check.finish()
