--- vsock sockets in the ss view, beside the real ss: a library tells both of made-up ones.
---
---   luajit tests/cli/ss_vsock_test.lua --sockq PATH

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/../lib/?.lua;" .. package.path

local check = require "check"
local plans = require "ss_plans"
local posix = require "posix"
local program = require "program"

local missing = plans.missing()
if missing then check.skip(missing) end
-- tests/bad/vsock.c
local LIBRARY = program.path:match("^(.*)/[^/]+$") .. "/tests/libmade_vsock.so"
if not posix.exists(LIBRARY) then check.skip(LIBRARY .. " is not there") end

local LINES = {
  "--vsock", "--vsock -a", "--vsock -l", "--vsock -an", "--vsock -aH", "--vsock -aoemi", "--vsock -ap", "-f vsock -a",
  "-f vsock -aO", "-A v_str -a", "-A v_dgr -a", "-A v_str,v_dgr -l", "-A vsock", "--vsock state established",
  "--vsock state fin-wait-1 state listening", "--vsock -a src vsock:3", "--vsock -a src vsock:3:1024",
  "--vsock -a dst vsock:2", "--vsock -a sport = 1024", "--vsock -a sport > 60000", "--vsock -a dport < 1000",
  "--vsock -a autobound", "--vsock -a not autobound", "--vsock -a src vsock:*:22",
  "--vsock -a sport = vsock:22 or dport = 1024", "--vsock -a src 2", "--vsock -t -an sport = 1024",
  "--vsock -a fwmark 0", "--vsock -a dev 0", "--vsock -a cgroup /", "--vsock -a src vsock:x",
  "--vsock -a src vsock:4000000000:4000000000", "--vsock -a not src vsock:4", "--vsock -a dst vsock:*:*",
  "--vsock -a src :22", "-a src vsock:3:5", "-an src vsock:9 or sport = 22",
  "--vsock -ap not ( sport < 1024 or dport = 6 )",
}

local function run(words, env)
  env.LD_PRELOAD, env.LC_ALL = LIBRARY, "C"
  local status, out, err = posix.run(words, { env = env, timeout = 60 })
  return status, out, err:gsub("[^\n]*\n *^\n$", "")
end

local rows = 0
for _, line in ipairs(LINES) do
  local words = {}
  for word in line:gmatch "%S+" do words[#words + 1] = word end
  local status, out, err = run({ "ss", unpack(words) }, {})
  local got_status, got, got_err = run({ program.path, "ss", unpack(words) }, program.environment())
  check.equal(line .. ": exit status", got_status, status)
  check.ok(line .. ": standard output", got == out, plans.difference(out, got))
  check.equal(line .. ": standard error", got_err, err)
  rows = rows + select(2, out:gsub("v_%l%l%l ", ""))
end
check.ok("rows of vsock were compared", rows > 40, rows)
check.finish()
