--- Sockets as they are closed, as ss -E shows them: sockq ss -E.
---
---   luajit tests/cli/ss_events_test.lua --sockq PATH

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/../lib/?.lua;" .. package.path

local check = require "check"
local plans = require "ss_plans"
local posix = require "posix"
local program = require "program"

local missing = plans.missing()
if missing then check.skip(missing) end
local status, out, err = posix.run({ "/usr/bin/env", "python3", here .. "/../lib/ss_events.py", program.path },
  { env = program.environment(), timeout = 240 })
if status == 77 then check.skip(out) end
check.equal("beside ss: standard error", err, "")
check.equal("beside ss: exit status", status, 0)
for _, line in ipairs { "33 listings, ", "ends on Ctrl-C as ss does", "rows at once, into a pipe too", "7 that end at once" } do
  check.ok(line, out:find(line, 1, true), out)
end

local REFUSED = {
  { "a captured tree", "leave --proc out", "--proc", here, "ss", "-E" },
  { "another namespace", "ip netns exec", "--netns", "all", "ss", "-Et" },
}
for _, case in ipairs(REFUSED) do
  status, out, err = program.run({ unpack(case, 3) }, { timeout = 20 })
  check.equal(case[1] .. ": exit status", status, 255)
  check.equal(case[1] .. ": standard output", out, "")
  check.ok(case[1] .. ": message", err:find("^sockq: ss: %-E: ") and err:find(case[2], 1, true), err)
end
check.finish()
