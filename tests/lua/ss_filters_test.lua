--- Filters of the ss view over live sockets, which the kernel compares as well, by rules of its own, against the
-- real ss: sockets of every family in a namespace of their own.
--
--   luajit tests/lua/ss_filters_test.lua     from the root of the tree, after scripts/build
--   … --inside                               in the namespace that it makes
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local check = require "check"
local plans = require "ss_plans"
local posix = require "posix"

plans.inside(arg)
local without_own = plans.without_own

local TRIES = 4

local PREDICATES = {
  "sport = 5001", "sport != 22", "sport < 1024", "sport >= 5003", "dport = 5001", "dport ne 0", "dport gt 5000",
  "dport <= 53", "sport = *", "dport > *", "sport = ssh", "dport = domain", "src 127.0.0.1", "src 127.0.0.1:5001",
  "dst 127/8", "src 10.9.9.1", "dst 10.9.9.77:9", "src 10.9.9.0/24", "src 0.0.0.0", "src 0/0", "dst 0.0.0.0:*",
  "src [::1]", "src [::1]:5001", "src [::]", "dst [::]", "src [::/0]", "src [::ffff:127.0.0.1]",
  "src [::ffff:0:0/96]", "dst [::ffff:127.0.0.0/104]", "dst ::/1", "src inet:127.0.0.1", "src inet6:[::1]",
  "src inet6:*", "src inet:*:5001", "autobound", "dev 0", "dev 1", "dev != 1", "dev 2", "dev 3", "fwmark 42",
  "fwmark 0", "fwmark != 0x2a", "fwmark 0x2/0xf", "fwmark 8/0x18", "src unix:*", "src unix:@*", "src unix:*.socket",
  "src unix:", "dst unix:*", "src unix:*a name", "dst unix:/x", "src link:*", "src link:0x1234", "src link:arp:1",
  "src netlink:*", "src netlink:genl",
}

local counts = { filters = 0, differing = 0, rows = 0 }

local function view_of(words)
  local output, stderr = require "sockq.output", io.stderr
  local pieces = {}
  require("sockq.set").open(nil)
  output.captor = { write = function(text) pieces[#pieces + 1] = text end }
  rawset(io, "stderr", { write = function() end })
  local ok, status = pcall(require("sockq.views.ss").run, words)
  output.captor = nil
  rawset(io, "stderr", stderr)
  return ok and status or tostring(status), table.concat(pieces)
end

local function compare_filter(filter)
  local words = { "-anH", "-tuwxM0" }
  for word in filter:gmatch "%S+" do words[#words + 1] = word end
  local want, want_status, got, status
  for _ = 1, TRIES do
    want_status, want = posix.run({ "ss", unpack(words) }, { env = { LC_ALL = "C" }, timeout = 60 })
    status, got = view_of(words)
    want, got = without_own(want), without_own(got)
    if want == got and status == want_status then break end
  end
  counts.filters, counts.rows = counts.filters + 1, counts.rows + select(2, want:gsub("\n", ""))
  local why = status ~= want_status and ("status %s, ss has %s"):format(status, want_status) or plans.difference(want, got)
  if why then counts.differing = counts.differing + 1 end
  check.ok("ss " .. table.concat(words, " "), not why, why)
end

-- What is run once takes less time than LuaJIT's work on it.
jit.off()
for i, one in ipairs(PREDICATES) do
  compare_filter(one)
  compare_filter("not " .. one)
  local other = PREDICATES[i * 7 % 45 + 1]
  -- The kernel takes no condition on hosts of other families, and ss reads /proc in its place.
  if not (one .. other):find "%l:" then
    compare_filter(("%s %s %s"):format(one, ({ "and", "or", "" })[i % 3 + 1], other))
    compare_filter(("sport > 50 or %s and not ( %s or dport = 53 )"):format(other, one))
  end
end
jit.on()
io.stdout:write(("ss, live filters: %d compared, %d differing\n"):format(counts.filters, counts.differing))
check.ok("filters let sockets through", counts.rows > 1000, counts.rows)

check.finish()
