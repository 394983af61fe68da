--- Every call that can fail fails in turn, over ten commands and a few that are like them: the output is
--- right, or a message and status 2 or 3 say that it is not. Never a crash, a hang, half a line, or
--- status 0 with rows missing.
--
--   luajit tests/fault/fault_test.lua --sockq PATH --library PATH [--every N] [--malloc N] [--only NAME] [--kind KIND]
--
-- --every N: of the calls of a kind only each N-th; --malloc N: of malloc's, which are thousands; 1: really
-- all, also those that every command makes alike, which take minutes.
package.path = "tests/fault/?.lua;tests/lib/?.lua;" .. package.path

local check = require "check"
local commands = require "commands"
local posix = require "posix"
local runner = require "runner"
local verdict = require "verdict"

local given = {}
for i, word in ipairs(arg) do
  local name = word:match("^%-%-(%a+)$")
  if name then given[name] = arg[i + 1] end
end
local EVERY = tonumber(given.every or 1)
-- The coverage of src/ counts more of them than CI (scripts/coverage).
local MALLOC_EVERY = tonumber(os.getenv("SOCKQ_TEST_EVERY") or given.malloc or EVERY)
-- Of commands that differ from others in a few calls only, where not all are tried.
local RARELY = 8

-- linux/errno.h.
local EPERM, EIO, EINTR, EAGAIN, ENOMEM, EACCES, EINVAL, EMFILE, ENOSPC, ENOSYS, ENOBUFS =
  1, 5, 4, 11, 12, 13, 22, 24, 28, 38, 105

-- What a call of each kind fails with; last: with this also all calls behind it; same: every command
-- makes the same calls, so that all but the first try the first error alone.
local ERRORS = {
  MALLOC = { ENOMEM, last = ENOMEM }, MMAP = { ENOMEM, last = ENOMEM }, MADVISE = { ENOMEM, EINVAL },
  OPEN = { EMFILE, EACCES, EINTR, last = EMFILE }, READ = { EIO, EINTR, last = EIO }, GETDENTS = { EIO, ENOMEM },
  READLINK = { ENOMEM, EACCES }, STAT = { ENOMEM, EACCES }, FORK = { EAGAIN }, MEMFD = { EMFILE, EINVAL, ENOSPC },
  WRITE = { EIO, ENOSPC, last = ENOSPC }, FCNTL = { EMFILE, EPERM }, SOCKET = { EMFILE }, SEND = { ENOBUFS, EINTR },
  RECV = { ENOMEM, EINTR }, POLL = { EINTR, ENOMEM }, THREAD = { EAGAIN }, SETNS = { EPERM },
  PRIVILEGE = { EPERM, EINVAL, EAGAIN, same = true }, LIMIT = { EPERM, EINVAL, same = true },
  SIGNAL = { EINVAL }, CLOSE = { ENOSYS }, WAIT = { EINTR }, SLEEP = { EINTR },
  OTHER = { ENOSYS, EPERM },
}

local function add(jobs, command, plan, name)
  jobs[#jobs + 1] = { command = command, words = command.words, env = command.env, plan = plan,
    name = name }
end

-- A job for each call of a kind that a run made, and each way to fail.
local function add_calls(jobs, command, role, kind, count)
  local how = ERRORS[kind]
  -- Thousands are libseccomp's while it makes a filter, the same for every command.
  local step = kind == "MALLOC" and count > 600 and (command.first and 25 or 150) or 1
  step = how.same and not command.first and 9 or step
  local every = kind == "MALLOC" and MALLOC_EVERY or EVERY
  step = every == 1 and 1 or command.rare and step * RARELY or step
  for nth = 1, count, every * step do
    for i = 1, how.same and not command.first and 1 or #how do
      local number = how[i]
      add(jobs, command, { action = "FAIL", role = role, kind = kind, nth = nth, error = number },
        ("%s %d of process %d, error %d"):format(kind, nth, role, number))
    end
    if how.last then
      add(jobs, command, { action = "LAST", role = role, kind = kind, nth = nth, error = how.last },
        ("%s from %d on of process %d, error %d"):format(kind, nth, role, how.last))
    end
  end
end

local counts = { right = 0, numbers = 0, said = 0, wrong = 0 }
local by_kind = {}

-- netstat and ss keep silent about what they may not read.
local function is_stand_in(words)
  for _, word in ipairs(words) do
    if word == "netstat" or word == "ss" then return true end
  end
end

local function judge(job, result, right)
  if result.plan.fired == 0 then return end
  right.refused = job.plan.error == EACCES and is_stand_in(job.words)
  local word, why = verdict.of(result, right)
  local what = require("ffi").string(result.plan.what)
  counts[word] = counts[word] + 1
  by_kind[job.plan.kind] = (by_kind[job.plan.kind] or 0) + 1
  if word == "wrong" then
    check.fail(("%s: %s (%s)"):format(job.command.name, job.name, what),
      ("%s\nstatus %d\nstdout %s\nstderr %s"):format(why, result.status, check.show(result.out), check.show(result.err)))
  elseif given.verbose then
    print(job.command.name, job.name, what, word, result.status, result.err)
  end
end

local function try(command)
  local seen = runner.run { words = command.words, env = command.env }
  local again = runner.run { words = command.words, env = command.env }
  check.equal(command.name .. ": what it prints is the same twice", again.out, seen.out)
  check.ok(command.name .. ": it works", seen.status == 0 and seen.left == 0 and seen.err == "", seen.err)
  local lines = command.may and runner.run({ words = command.may }).out or seen.out
  local right = { status = seen.status, out = seen.out, lines = lines, numbers = command.numbers,
    names = command.names }
  local jobs = {}
  for role = 0, seen.plan.roles - 1 do
    for i, kind in ipairs(runner.kinds) do
      if not given.kind or given.kind == kind then
        add_calls(jobs, command, role, kind, seen.plan.counts[role][i - 1])
      end
    end
  end
  runner.each(jobs, function(job, result) judge(job, result, right) end)
end

for _, command in ipairs(commands.captured(posix.tmpdir("sockq-fault"))) do
  if not given.only or given.only == command.name then try(command) end
end

local list = {}
for _, kind in ipairs(runner.kinds) do
  if by_kind[kind] then list[#list + 1] = ("%s %d"):format(kind:lower(), by_kind[kind]) end
end
print(table.concat(list, ", "))
print(("faults injected: %d; right output: %d; right but for numbers where names failed: %d; message and status: %d; wrong: %d")
  :format(counts.right + counts.numbers + counts.said + counts.wrong, counts.right, counts.numbers, counts.said, counts.wrong))
check.ok("every call that can fail fails in turn: right output, or a message and status 2 or 3", counts.wrong == 0)
check.finish()
