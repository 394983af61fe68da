--- Closed stdin, stdout and stderr in every combination, /dev/full for stdout and stderr, and a full disk
--- for a recording: right output, or one message and status 3; nothing stays, no JSON line is half
--- printed with status 0.
--
--   luajit tests/fault/streams_test.lua --sockq PATH --library PATH
package.path = "tests/fault/?.lua;tests/lib/?.lua;" .. package.path

local check = require "check"
local commands = require "commands"
local posix = require "posix"
local program = require "program"
local runner = require "runner"

local FULL = "sockq: standard output: No space left on device\n"

for _, command in ipairs(commands.captured(posix.tmpdir("sockq-fault"))) do
  local right = runner.run { words = command.words }
  for closed = 1, 7 do
    local streams, names = {}, {}
    for fd = 0, 2 do
      if runner.has_bit(closed, fd) then
        streams[fd] = "closed"
        names[#names + 1] = tostring(fd)
      end
    end
    local name = ("%s: closed %s"):format(command.name, table.concat(names, " "))
    local result = runner.run { words = command.words, streams = streams }
    check.equal(name .. ": status", result.status, right.status)
    check.equal(name .. ": stdout", result.out, streams[1] and "" or right.out)
    check.equal(name .. ": stderr", result.err, "")
    check.ok(name .. ": no process stays", not result.hung and result.left == 0)
  end
  local result = runner.run { words = command.words, streams = { [1] = "/dev/full" } }
  check.equal(command.name .. ": a full disk for stdout: one message and status 3", result.status .. result.err,
    right.out == "" and "0" or "3" .. FULL)
  result = runner.run { words = command.words, streams = { [2] = "/dev/full" } }
  check.equal(command.name .. ": a full disk for stderr", result.status .. result.out, right.status .. right.out)
  result = runner.run { words = command.words, streams = { [1] = "/dev/full", [2] = "/dev/full" } }
  check.equal(command.name .. ": a full disk for both", result.status, right.out == "" and 0 or 3)
end

-- A recording on a file system of two pages: what does not fit is told, and what is there reads well.
local dir = posix.tmpdir("sockq-full")
local tree = posix.realpath("tests/data/captures/mixed-1/proc")
local script = ([[mount -t tmpfs -o size=8k none %s || exit 99
%s --proc %s record %s/made; echo "status $?"
%s --read %s/made -t --csv; echo "read $?"]]):format(dir, program.path, tree, dir, program.path, dir)
local _, out, err = posix.run({ "unshare", "-m", "sh", "-c", script }, { env = program.environment(), timeout = 60 })
if out == "" then
  program.skip_part("a full disk for a recording", "no mount namespace: " .. err)
else
  check.contains("record on a full disk: status 3", out, "status 3\n")
  check.contains("record on a full disk: a message", err, "No space left on device")
  check.ok("record on a full disk: no row of half a snapshot", not out:find("\n%a+,%d"), out)
end
check.finish()
