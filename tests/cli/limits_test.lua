--- Within the limits of the machine sockq runs, or says why not in one line: few descriptors, little memory,
--- a /proc that hides, containers, user namespaces, filters of system calls, odd surroundings.
--
--   luajit tests/cli/limits_test.lua --sockq PATH
--
-- What is tried, and what is expected, stands in tests/lib/limits.py.

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/../lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

check.at_end(posix.cleanup)

local folder = posix.tmpdir("sockq-limits")
posix.chmod(folder, tonumber("777", 8))
local status, out, err = posix.run({ "/usr/bin/env", "python3", here .. "/../lib/limits.py", program.path, folder,
  program.sanitized and "sanitized" or program.counted and "counted" or nil }, { env = program.environment(), timeout = 280 })
local tried, all = 0, nil
for line in out:gmatch("[^\n]+") do
  local verdict, name = line:match("^(%S+) (.*)$")
  if verdict == "ok" or verdict == "bad" then
    tried = tried + 1
    check.ok("runs, or says why not in one line: " .. name:match("^[^:]*"), verdict == "ok", name)
  elseif verdict == "skipped" then
    if name:find("^everything") then check.skip(name) end
    program.skip_part("limits", name)
  elseif line == "done" then
    all = true
  end
end
check.equal("the helper: standard error", err, "")
check.equal("the helper: exit status", status, 0)
check.ok("all situations were tried", all and tried >= 120, out:sub(-400))
print(("limits: %d situations tried"):format(tried))
check.finish()
