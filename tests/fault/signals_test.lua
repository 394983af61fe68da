--- SIGINT, SIGTERM, SIGPIPE, SIGSTOP and SIGCONT at any moment: the library holds each process in front
--- of one call after the other while the signal is sent, to one process or to the group. The end is the
--- signal's, or the output is the right one; no process stays, no line is half printed.
--
--   luajit tests/fault/signals_test.lua --sockq PATH --library PATH [--every N]
package.path = "tests/fault/?.lua;tests/lib/?.lua;" .. package.path

local check = require "check"
local commands = require "commands"
local posix = require "posix"
local runner = require "runner"
local spawn = require "spawn"
local verdict = require "verdict"

local EVERY = 1
for i, word in ipairs(arg) do
  if word == "--every" then EVERY = tonumber(arg[i + 1]) end
end

-- So many moments a process and signal.
local MOMENTS = 24
local SIGNALS = { SIGINT = 2, SIGPIPE = 13, SIGTERM = 15, SIGSTOP = 19 }

local function sender(number, target)
  return function(plan, pid)
    local to = target == "group" and -pid or plan.pids[target]
    spawn.kill(number, to)
    if number == SIGNALS.SIGSTOP then
      spawn.sleep(0.002)
      spawn.kill(spawn.SIGCONT, to)
    end
  end
end

local tried = 0

local function judge(job, result, right)
  if result.plan.waiting == 0 then return end
  tried = tried + 1
  local died = job.number ~= SIGNALS.SIGSTOP and result.status == 128 + job.number
  local word, why = verdict.of(result, right)
  local whole = result.out == "" or result.out:sub(-1) == "\n"
  local fine = word ~= "wrong" or (died and not result.hung and result.left == 0 and whole)
  check.ok(job.name, fine, ("%s\nstatus %d\nstdout %s\nstderr %s"):format(tostring(why), result.status,
    check.show(result.out), check.show(result.err)))
end

local function try(command)
  local seen = runner.run { words = command.words }
  local right = { status = seen.status, out = seen.out, lines = seen.out, numbers = true, names = command.names }
  local jobs = {}
  for role = 0, math.min(seen.plan.roles, 2) - 1 do
    local step = math.max(1, math.floor(seen.plan.calls[role] / MOMENTS)) * EVERY
    for nth = 1, seen.plan.calls[role], step do
      for name, number in pairs(SIGNALS) do
        for _, target in ipairs { "group", role } do
          jobs[#jobs + 1] = { words = command.words, number = number, at_meeting = sender(number, target),
            plan = { action = "MEET", role = role, nth = nth },
            name = ("%s: %s to %s, before call %d of process %d"):format(command.name, name, tostring(target), nth, role) }
        end
      end
    end
  end
  runner.each(jobs, function(job, result) judge(job, result, right) end)
end

for _, command in ipairs(commands.captured(posix.tmpdir("sockq-fault"))) do
  if command.name == "-g state" or command.name == "a script" or command.first then try(command) end
end
print(("signals sent: %d"):format(tried))
check.finish()
