--- What the caller leaves behind for sockq: open descriptors, blocked and ignored signals. None of it
--- reaches a process of sockq's.
--
--   luajit tests/cli/inherited_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local spawn = require "spawn"

local DIR = posix.tmpdir("sockq-inherited")
local OUT = DIR .. "/out"
local SOCKQ = program.path
posix.chmod(DIR, tonumber("755", 8))
check.at_end(posix.cleanup)
check.at_end(spawn.cleanup)

-- Signals

for name, code in pairs {
  blocked = "signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())",
  ignored = "[signal.signal(n, signal.SIG_IGN) for n in (signal.SIGALRM, signal.SIGPROF, signal.SIGVTALRM)]",
} do
  local status, _, err = posix.run({ "python3", "-c", ([[
import os, signal, sys
%s
os.execv(sys.argv[1], sys.argv[1:])]]):format(code), SOCKQ, "--timeout", "0.6", "-e", "while true do end" },
    { env = program.environment(), timeout = 20 })
  check.equal("--timeout holds where all signals were " .. name, status, 2)
  check.contains("--timeout where signals were " .. name .. ": the line", err, "-e:1: stopped after 0.6 s")
end

-- Descriptors

local function descriptors(pid)
  local list = {}
  for _, number in ipairs(posix.list(("/proc/%s/fd"):format(pid))) do
    list[#list + 1] = spawn.readlink(("/proc/%s/fd/%s"):format(pid, number)) or "?"
  end
  return table.concat(list, " ")
end

local function children(pid)
  local list = {}
  for child in (posix.read_file(("/proc/%s/task/%s/children"):format(pid, pid)) or ""):gmatch("%d+") do
    list[#list + 1] = child
  end
  return list
end

do
  local left = DIR .. "/left-open"
  posix.write_file(left, "a secret")
  local child = spawn.start({ "sh", "-c", 'exec 7<"$1" 9<"$1"; exec "$0" -', SOCKQ, left },
    { stdin = "pipe", stdout = OUT, stderr = OUT, env = program.environment() })
  local all = spawn.wait_for(10, function()
    local list = children(child.pid)
    return #list == 2 and not descriptors(list[1]):find(left, 1, true) and not descriptors(list[2]):find(left, 1, true)
      and list
  end)
  check.ok("descriptors that the caller left open are closed in the children", all)
  local collector = descriptors(child.pid)
  check.ok("no descriptor is left but what the collector needs", collector:find("socket:") and not collector:find(left, 1, true),
    collector)
  child:finish()
end

check.finish()
