--- No output forges or commands a terminal: formats, reports, the netstat view, messages, plug-ins, the watch
--- screen and the session over strings of every dangerous class hold no control byte, valid UTF-8, nothing
--- that turns the direction or hides, and as many lines as over harmless ones. tests/lib/forge_outputs.py
--- makes the strings and judges.
--
--   luajit tests/cli/forge_test.lua --sockq PATH        from the root of the tree

package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

check.at_end(posix.cleanup)
if not program.has "python3" then check.skip("python3 is not installed") end

local status, out, err = posix.run({ "python3", "tests/lib/forge_outputs.py", program.path, posix.tmpdir("sockq-forge") },
  { timeout = 400 })
local held = 0
for line in out:gmatch("[^\n]+") do
  local name, why = line:match("^FAIL (.-): (.*)$")
  if line:find("^ok ") then
    held = held + 1
    check.pass()
  elseif name then
    check.fail(name, why)
  else
    io.stdout:write((line:gsub("^count ", "")), "\n")
  end
end
check.ok("at least 400 outputs are judged", held >= 400, tostring(held))
check.equal("forge_outputs.py ends well", status, 0)
check.equal("forge_outputs.py has no complaints", err, "")
check.finish()
