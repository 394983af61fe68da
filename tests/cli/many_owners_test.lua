--- Every owner of 20,000 sockets of 40 processes, against a join that python3 makes by itself.
---
---   luajit tests/cli/many_owners_test.lua --sockq PATH

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/../lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local status, out, err = posix.run({ "/usr/bin/env", "python3", here .. "/../lib/many_owners.py", program.path, "40", "501" },
  { env = program.environment(), timeout = 120 })
if status == 77 then
  io.stdout:write(out)
  os.exit(77)
end
check.equal("the join: exit status", status, 0)
check.equal("the join: standard error", err, "")
for _, cpus in ipairs { "all CPUs", "one CPU" } do
  local sockets, owners, shared = out:match(cpus .. ": (%d+) sockets, (%d+) owners, (%d+) sockets of several")
  check.ok(cpus .. ": 20,000 sockets", tonumber(sockets) and tonumber(sockets) >= 20000, out)
  check.ok(cpus .. ": more owners than sockets", tonumber(owners) and tonumber(owners) > tonumber(sockets) + 10000, owners)
  check.ok(cpus .. ": sockets of several processes", tonumber(shared) and tonumber(shared) >= 4900, shared)
end

check.finish()
