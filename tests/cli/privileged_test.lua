--- A setuid sockq, one with file capabilities, and sudo: no oracle for files of root's, deaf to the
--- environment, and scripts with no more rights than their user has.
--
--   luajit tests/cli/privileged_test.lua --sockq PATH
--
-- What is tried stands in tests/lib/privileged.py; the copies lie on a file system of its own.

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/../lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

check.at_end(posix.cleanup)

if program.sanitized then check.skip("the sanitizers' runtime reads the environment of a setuid program") end

local folder = posix.tmpdir("sockq-privileged")
local status, out, err = posix.run({ "/usr/bin/env", "python3", here .. "/../lib/privileged.py", program.path, folder },
  { env = program.environment(), timeout = 200 })
local tried, all = 0, nil
for line in out:gmatch("[^\n]+") do
  local verdict, name = line:match("^(%S+) (.*)$")
  if verdict == "ok" or verdict == "bad" then
    tried = tried + 1
    check.ok(name:sub(1, 100), verdict == "ok", name)
  elseif verdict == "skipped" then
    if name:find("^everything") then check.skip(name) end
    program.skip_part("privileges", name)
  elseif line == "done" then
    all = true
  end
end
check.equal("the helper: standard error", err, "")
check.equal("the helper: exit status", status, 0)
check.ok("all was tried", all and tried >= 100, out:sub(-400))
print(("privileged: %d tries"):format(tried))
check.finish()
