--- Runs of the program under the library of this folder: each with a plan, several at once, all that
--- they print read, all that they leave behind found.
--
--   local runner = require "runner"
--   runner.each(jobs, function(job, result) … end)
--
-- A job: words, the program's arguments; plan, fields of struct fault_plan by name; at_meeting(plan,
-- pid), called while the program waits at a call (action "MEET"); streams, as { [2] = "closed" } or a
-- path, for stdin, stdout, stderr; env; limit, seconds.
-- A result: status (128 + N after signal N), out, err, plan; hung; left, processes that it left behind.

local ffi = require "ffi"
local bit = require "bit"
local check = require "check"
local posix = require "posix"
local program = require "program"
require "spawn"
local C = ffi.C

local runner = {}

local function argument(name)
  for i, word in ipairs(arg) do
    if word == name then return arg[i + 1] end
  end
  error("usage: luajit TEST --sockq PATH --library PATH [--all]", 0)
end

runner.library = assert(posix.realpath(argument "--library"))

local header = posix.read_file("tests/fault/fault.h")
ffi.cdef((header:gsub("\n#[^\n]*", "\n")))
ffi.cdef [[
  struct sockq_test_pollfd { int fd; short events; short revents; };
  int poll(struct sockq_test_pollfd *list, unsigned long count, int timeout_ms);
  void *mmap(void *at, size_t size, int protection, int flags, int fd, long offset);
  int execve(const char *path, char *const argv[], char *const envp[]);
  int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
  int pipe2(int fds[2], int flags);
]]

--- Kinds of calls by their names in fault.h, such as "MALLOC".
runner.kinds = {}
for name in header:match("enum fault_kind (%b{})"):gmatch("FAULT_(%u+)") do
  if name ~= "KINDS" then runner.kinds[#runner.kinds + 1] = name end
end

local PLAN_SIZE = ffi.sizeof("struct fault_plan")
local PR_SET_CHILD_SUBREAPER, WNOHANG, SIGKILL, O_CLOEXEC = 36, 1, 9, 0x80000
local AT_ONCE, LIMIT, LEFT_SECONDS, BUFFER = 2, 20, 2, 65536

-- What is orphaned comes to this process, so that nothing that is left behind is overlooked.
assert(C.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)

local DIR = posix.tmpdir("sockq-fault")
check.at_end(posix.cleanup)

local function new_slot(number)
  local path = ("%s/plan-%d"):format(DIR, number)
  posix.write_file(path, ("\0"):rep(PLAN_SIZE))
  local fd = C.open(path, 2)
  local at = C.mmap(nil, PLAN_SIZE, 3, 1, fd, 0)
  assert(fd >= 0 and at ~= ffi.cast("void *", -1), "the plan cannot be mapped")
  C.close(fd)
  return { path = path, plan = ffi.cast("struct fault_plan *", at) }
end

local function words_of(list)
  local words = ffi.new("const char *[?]", #list + 1)
  for i, word in ipairs(list) do words[i - 1] = word end
  return ffi.cast("char *const *", words), words
end

local function environment(job, slot)
  local list = {}
  local env = program.environment(job.env)
  env.PATH, env.LD_PRELOAD, env.SOCKQ_TEST_FAULT = os.getenv("PATH"), runner.library, slot.path
  if program.sanitized then
    -- A crash must look like one; what is lost at the end of a failed run is no leak to look for.
    env.ASAN_OPTIONS = "verify_asan_link_order=0:detect_leaks=0:abort_on_error=1:allocator_may_return_null=1"
    env.UBSAN_OPTIONS = "abort_on_error=1:print_stacktrace=1"
  end
  for name, value in pairs(env) do
    if value then list[#list + 1] = name .. "=" .. value end
  end
  return list
end

local function pipe()
  local fds = ffi.new("int[2]")
  assert(C.pipe2(fds, O_CLOEXEC) == 0, "no pipe")
  return fds[0], fds[1]
end

-- In the child: nothing here may raise.
local function become(slot, job, ends, argv, envp)
  C.setsid()
  for _, number in ipairs { 2, 3, 13, 15 } do C.signal(number, nil) end
  for fd = 0, 2 do
    local how = (job.streams or {})[fd]
    if how == "closed" then
      C.close(fd)
    elseif how then
      local opened = C.open(how, fd == 0 and 0 or 1)
      if opened < 0 then C._exit(126) end
      C.dup2(opened, fd)
      C.close(opened)
    elseif ends[fd] then
      C.dup2(ends[fd], fd)
    end
  end
  C.execve(slot.path_of_program, argv, envp)
  C._exit(127)
end

local function set_plan(slot, plan)
  ffi.fill(slot.plan, PLAN_SIZE)
  for name, value in pairs(plan or {}) do
    if name == "action" or name == "kind" then value = C["FAULT_" .. value] end
    slot.plan[name] = value
  end
end

local now = require("spawn").now

local function begin(slot, job)
  set_plan(slot, job.plan)
  local list = { program.path }
  for _, word in ipairs(job.words) do list[#list + 1] = word end
  local argv, keep_argv = words_of(list)
  local envp, keep_envp = words_of(environment(job, slot))
  slot.keep = { list, keep_argv, keep_envp }
  slot.path_of_program = program.path
  local null = C.open("/dev/null", 0)
  local out, out_end = pipe()
  local err, err_end = pipe()
  io.stdout:flush()
  local pid = C.fork()
  assert(pid >= 0, "fork failed")
  if pid == 0 then become(slot, job, { [0] = null, out_end, err_end }, argv, envp) end
  C.close(null)
  C.close(out_end)
  C.close(err_end)
  slot.job, slot.pid, slot.open = job, pid, { [out] = "out", [err] = "err" }
  slot.text = { out = {}, err = {} }
  slot.stop, slot.hung = now() + (job.limit or LIMIT), false
end

local status = ffi.new("int[1]")

-- Reap the program and what it left; how many processes those were.
local function reap(slot)
  while C.waitpid(slot.pid, status, slot.hung and 0 or WNOHANG) == 0 do
    if now() > slot.stop then
      slot.hung = true
      C.kill(-slot.pid, SIGKILL)
    end
    C.usleep(50)
  end
  local raw, left, stop = status[0], 0, now() + LEFT_SECONDS
  while true do
    local pid = C.waitpid(-slot.pid, status, WNOHANG)
    if pid < 0 then break end
    if pid == 0 and now() > stop then
      left = left + 1
      stop = now() + LEFT_SECONDS
      C.kill(-slot.pid, SIGKILL)
    end
    if pid == 0 then C.usleep(100) end
  end
  local signal = raw % 128
  return signal ~= 0 and 128 + signal or math.floor(raw / 256) % 256, left
end

local function finish(slot, each)
  local code, left = reap(slot)
  local job = slot.job
  slot.job = nil
  each(job, { status = code, out = table.concat(slot.text.out), err = table.concat(slot.text.err),
    plan = slot.plan, hung = slot.hung, left = left })
end

local bytes = ffi.new("char[?]", BUFFER)

local function read_some(slot, fd)
  local n = tonumber(C.read(fd, bytes, BUFFER))
  if n > 0 then
    table.insert(slot.text[slot.open[fd]], ffi.string(bytes, n))
  elseif n == 0 then
    C.close(fd)
    slot.open[fd] = nil
  end
end

local list = ffi.new("struct sockq_test_pollfd[?]", 2 * AT_ONCE)

-- Wait until one of the running programs wrote, ended or waits at a call.
local function look(slots)
  local count, waits = 0, -1
  local owner = {}
  for _, slot in ipairs(slots) do
    for fd in pairs(slot.job and slot.open or {}) do
      list[count].fd, list[count].events, owner[count] = fd, 1, slot
      count = count + 1
    end
    if slot.job and slot.job.at_meeting and slot.plan.waiting ~= 2 then waits = 0 end
  end
  C.poll(list, count, waits == 0 and 0 or 200)
  for i = 0, count - 1 do
    if list[i].revents ~= 0 then read_some(owner[i], list[i].fd) end
  end
  for _, slot in ipairs(slots) do
    if slot.job and slot.plan.waiting == 1 then
      slot.job.at_meeting(slot.plan, slot.pid)
      slot.plan.waiting = 2
    end
    if slot.job and now() > slot.stop then
      slot.hung = true
      C.kill(-slot.pid, SIGKILL)
    end
  end
end

local slots = {}
for i = 1, AT_ONCE do slots[i] = new_slot(i) end

--- Run jobs, two at once; their results come in any order.
---@param jobs table[]
---@param each fun(job: table, result: table)  result.plan is valid during the call only
function runner.each(jobs, each)
  local next_job, running = 1, 0
  repeat
    for _, slot in ipairs(slots) do
      if not slot.job and jobs[next_job] then
        begin(slot, jobs[next_job])
        next_job, running = next_job + 1, running + 1
      end
    end
    if running > 0 then look(slots) end
    for _, slot in ipairs(slots) do
      if slot.job and not next(slot.open) then
        finish(slot, each)
        running = running - 1
      end
    end
  until running == 0 and not jobs[next_job]
end

--- Run one.
---@param job table
---@return table  # its result
function runner.run(job)
  local result
  runner.each({ job }, function(_, got)
    result = got
    result.plan = ffi.new("struct fault_plan", got.plan[0])
  end)
  return result
end

--- Bits of a number, so that a test can go through all combinations of three streams.
function runner.has_bit(number, place)
  return bit.band(number, bit.lshift(1, place)) ~= 0
end

return runner
