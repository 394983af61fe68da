--- A forged unix row is found and marked, and never takes another socket's owner: names that forge rows of
--- /proc/net/unix, compared with what sock_diag says, one by one, all at once, and while sockets come and go
--- by the thousand. tests/lib/forged_rows.py binds and compares, in a network namespace of its own.
--
--   luajit tests/cli/forged_rows_test.lua --sockq PATH        from the root of the tree

package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local sockq = program.path
check.at_end(posix.cleanup)

if posix.geteuid() ~= 0 or not (program.has "unshare" and program.has "python3") then
  check.skip("a network namespace of one's own takes root, unshare and python3")
end
if posix.run({ "unshare", "-n", "true" }, { timeout = 20 }) ~= 0 then
  check.skip("network namespaces cannot be made here")
end

local folder = posix.tmpdir("sockq-forged")
local status, out, err = posix.run({ "unshare", "-n", "python3", "tests/lib/forged_rows.py", sockq, folder },
  { timeout = 240 })
for line in out:gmatch("[^\n]+") do
  local name, why = line:match("^FAIL ([^:]*:?[^:]*): (.*)$")
  if line:find("^ok ") then
    check.pass()
  elseif name then
    check.fail(name, why)
  else
    io.stdout:write((line:gsub("^count ", "")), "\n")
  end
end
check.equal("forged_rows.py ends well", status, 0)
check.equal("forged_rows.py has no complaints", err, "")
check.finish()
