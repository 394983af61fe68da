--- Sockets as they are closed: --follow, sockq.events().
---
---   luajit tests/cli/follow_test.lua --sockq PATH

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/../lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local status, out, err = posix.run({ "/usr/bin/env", "python3", here .. "/../lib/follow.py", program.path },
  { env = program.environment(), timeout = 60 })
if status == 77 then
  io.stdout:write(out)
  os.exit(77)
end
check.equal("the kernel: standard error", err, "")
check.equal("the kernel: exit status", status, 0)
for _, line in ipairs { "300 sockets, each once", "100 sockets with their bytes", "rows at once; Ctrl-C ends it",
  "lost sockets are counted", "200 sockets between other questions" } do
  check.ok(line, out:find(line, 1, true), out)
end

local REFUSED = {
  { "captured tree", "--proc", here, "leave --proc out" },
  { "other tables", "-x", "not of unix" },
  { "no table is left", "proto == \"raw\"", "tcp and udp sockets alone" },
  { "a look again", "--watch", "leave it out" },
  { "listening", "-l", "leave it out" },
  { "/proc", "--source", "proc", "leave --source proc out" },
  { "a script", "-e", "x = 1", "leave it out" },
}
for _, case in ipairs(REFUSED) do
  local words = { program.path, "--follow", unpack(case, 2, #case - 1) }
  status, out, err = posix.run(words, { env = program.environment(), timeout = 20 })
  check.equal(case[1] .. ": exit status", status, 2)
  check.equal(case[1] .. ": standard output", out, "")
  check.ok(case[1] .. ": message", err:find(case[#case], 1, true), err)
end

check.finish()
