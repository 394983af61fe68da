--- Programs in the background, each in a session of its own: start, signal, watch, wait.
--
--   local child = spawn.start({ "sleep", "9" }, { stdout = "/tmp/out" })
--   child:kill(spawn.SIGINT)             -- the whole process group
--   local status = child:wait(2)         -- nil: still running
--   child:finish()                       -- whatever is left of its session is killed

local ffi = require "ffi"
local posix = require "posix"
local C = ffi.C

ffi.cdef [[
  int fork(void);
  int setsid(void);
  int chdir(const char *path);
  int execvp(const char *file, char *const argv[]);
  void _exit(int status);
  int waitpid(int pid, int *status, int options);
  int kill(int pid, int number);
  int usleep(unsigned int us);
  int open(const char *path, int flags, ...);
  int close(int fd);
  int dup2(int from, int to);
  int pipe(int fds[2]);
  int setenv(const char *name, const char *value, int overwrite);
  int unsetenv(const char *name);
  void (*signal(int number, void (*handler)(int)))(int);
  ssize_t readlink(const char *path, char *buffer, size_t size);
  ssize_t read(int fd, void *buffer, size_t size);
  ssize_t write(int fd, const void *bytes, size_t size);
  int fcntl(int fd, int command, ...);
  int ioctl(int fd, unsigned long request, ...);
  int posix_openpt(int flags);
  int grantpt(int fd);
  int unlockpt(int fd);
  char *ptsname(int fd);
  struct sockq_test_winsize { unsigned short rows, columns, x, y; };
  struct sockq_test_timespec { long sec; long nsec; };
  int clock_gettime(int clock, struct sockq_test_timespec *now);
]]

local spawn = { SIGINT = 2, SIGKILL = 9, SIGTERM = 15, SIGSTOP = 19, SIGCONT = 18 }

local O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_NOCTTY, O_TRUNC, O_NONBLOCK = 0, 1, 2, 64, 256, 512, 2048
local F_GETFL, F_SETFL, TIOCSWINSZ = 3, 4, 0x5414
local WNOHANG, STEP_US = 1, 5000

local Child = {}
Child.__index = Child
local running = {}

--- Seconds of a clock that only moves forward.
---@return number
function spawn.now()
  local t = ffi.new("struct sockq_test_timespec")
  C.clock_gettime(1, t)
  return tonumber(t.sec) + tonumber(t.nsec) / 1e9
end

function spawn.sleep(seconds)
  C.usleep(seconds * 1e6)
end

--- Wait until a condition holds.
---@param seconds number  at most
---@param condition fun(): any
---@return any  # its value; nil or false if it never held
function spawn.wait_for(seconds, condition)
  local stop = spawn.now() + seconds
  while true do
    local value = condition()
    if value or spawn.now() > stop then return value end
    C.usleep(STEP_US)
  end
end

local function redirect(fd, what, flags)
  if what == "closed" then
    C.close(fd)
    return
  end
  local opened = C.open(what, flags, ffi.cast("int", tonumber("644", 8)))
  if opened < 0 then C._exit(126) end
  if opened ~= fd then
    C.dup2(opened, fd)
    C.close(opened)
  end
end

-- In the child: nothing here may raise.
local function become(argv, opts, stdin, terminal)
  C.setsid()
  for _, number in ipairs { 2, 3, 13, 15 } do C.signal(number, nil) end
  for name, value in pairs(opts.env or {}) do
    if value then C.setenv(name, value, 1) else C.unsetenv(name) end
  end
  if opts.cwd and C.chdir(opts.cwd) ~= 0 then C._exit(126) end
  if terminal then
    -- The first terminal that the leader of a session opens becomes its controlling one.
    for fd = 0, 2 do redirect(fd, terminal, O_RDWR) end
  elseif stdin then
    C.close(stdin[1])
    C.dup2(stdin[0], 0)
    C.close(stdin[0])
  else
    redirect(0, opts.stdin or "/dev/null", O_RDONLY)
  end
  if not terminal or opts.stdout then redirect(1, opts.stdout or "/dev/null", O_WRONLY + O_CREAT + O_TRUNC) end
  if not terminal or opts.stderr then redirect(2, opts.stderr or "/dev/null", O_WRONLY + O_CREAT + O_TRUNC) end
  local words = ffi.new("const char *[?]", #argv + 1)
  for i, word in ipairs(argv) do words[i - 1] = word end
  C.execvp(argv[1], ffi.cast("char *const *", words))
  C._exit(127)
end

-- What an earlier program wrote must not be taken for this one's.
local function empty(path)
  if not path or path == "closed" then return end
  local fd = C.open(path, O_WRONLY + O_TRUNC + O_NONBLOCK)
  if fd >= 0 then C.close(fd) end
end

local function open_terminal(columns)
  local master = C.posix_openpt(O_RDWR + O_NOCTTY)
  if master < 0 or C.grantpt(master) ~= 0 or C.unlockpt(master) ~= 0 then error("no pseudo terminal", 3) end
  C.ioctl(master, TIOCSWINSZ, ffi.new("struct sockq_test_winsize", 50, columns))
  C.fcntl(master, F_SETFL, ffi.cast("int", C.fcntl(master, F_GETFL) + O_NONBLOCK))
  return master, ffi.string(C.ptsname(master))
end

--- Start a program.
---@param argv string[]
---@param opts? table  stdin = path, "closed" or "pipe" (kept open until close_stdin); stdout, stderr
---   = path or "closed"; env as for posix.run; cwd; terminal = columns: a terminal of its own, as
---   far as stdout and stderr say nothing else
function spawn.start(argv, opts)
  opts = opts or {}
  io.stdout:flush()
  io.stderr:flush()
  empty(opts.stdout)
  empty(opts.stderr)
  local stdin
  if opts.stdin == "pipe" then
    stdin = ffi.new("int[2]")
    assert(C.pipe(stdin) == 0)
  end
  local master, terminal
  if opts.terminal then master, terminal = open_terminal(opts.terminal) end
  local pid = C.fork()
  assert(pid >= 0, "fork failed")
  if pid == 0 then
    if master then C.close(master) end
    become(argv, opts, stdin, terminal)
  end
  local child = setmetatable({ pid = pid, opts = opts, master = master, text = "" }, Child)
  if stdin then
    C.close(stdin[0])
    child.stdin = stdin[1]
  end
  running[pid] = child
  return child
end

function Child:close_stdin()
  if self.stdin then C.close(self.stdin) end
  self.stdin = nil
end

--- Send a line to its stdin pipe.
function Child:type_line()
  C.write(self.stdin, "\n", 1)
end

--- Type on its terminal.
---@param text string
function Child:type(text)
  C.write(self.master, text, #text)
end

--- What it wrote to its terminal so far, line feeds as programs write them.
---@return string
function Child:screen()
  local buffer = ffi.new("char[4096]")
  while true do
    local n = C.read(self.master, buffer, 4096)
    if n <= 0 then break end
    self.text = self.text .. ffi.string(buffer, n)
  end
  return (self.text:gsub("\r\n", "\n"))
end

--- Send a signal to the process group, or to one process.
---@param number integer
---@param pid? integer
function Child:kill(number, pid)
  C.kill(pid or -self.pid, number)
end

--- Send a signal to any process, or to a process group by a negative number.
---@param number integer
---@param pid integer
function spawn.kill(number, pid)
  C.kill(pid, number)
end

--- Wait for the program that was started.
---@param seconds number  at most
---@return integer?  # exit status, 128 + N after signal N; nil if it still runs
function Child:wait(seconds)
  if self.status then return self.status end
  local status = ffi.new("int[1]")
  local ended = spawn.wait_for(seconds, function() return C.waitpid(self.pid, status, WNOHANG) == self.pid end)
  if not ended then return nil end
  local raw = status[0]
  local signal = raw % 128
  self.status = signal ~= 0 and 128 + signal or math.floor(raw / 256) % 256
  return self.status
end

local function read_stat(pid)
  local text = posix.read_file("/proc/" .. pid .. "/stat")
  local name, state, parent, _, session = (text or ""):match("^%d+ %((.*)%) (%S) (%d+) (%d+) (%d+)")
  if not state then return nil end
  return { pid = tonumber(pid), name = name, state = state, parent = tonumber(parent), session = tonumber(session) }
end

local function each_process(accept)
  local found = {}
  for _, name in ipairs(posix.list("/proc")) do
    local stat = name:find("^%d+$") and read_stat(name)
    if stat and accept(stat) then found[#found + 1] = stat end
  end
  return found
end

--- Processes of its session that are there. A dead one counts as long as its parent is one of them:
--- init reaps the others when it gets to it.
---@return { pid: integer, state: string, parent: integer }[]
function Child:session()
  local ours = each_process(function(stat) return stat.session == self.pid and stat.pid ~= self.pid end)
  local there, left = {}, {}
  for _, stat in ipairs(ours) do there[stat.pid] = true end
  for _, stat in ipairs(ours) do
    if stat.state ~= "Z" or there[stat.parent] then left[#left + 1] = stat end
  end
  return left
end

-- What sockq calls its process that looks names up.
local NAMES = "sockq-names"

--- The one child process of a process, nil if it has none or several; sockq's process for names is
--- not meant.
---@param pid integer
---@return integer?
function spawn.child_of(pid)
  local function is_child(stat) return stat.parent == pid and stat.name ~= NAMES end
  local list = each_process(is_child)
  -- The process for names has its own name soon after it was started.
  if #list == 2 then spawn.wait_for(2, function()
    list = each_process(is_child)
    return #list ~= 2
  end) end
  return #list == 1 and list[1].pid or nil
end

--- sockq's process that looks names up, by the pid of its parent.
---@param pid integer
---@return integer?
function spawn.names_of(pid)
  local list = each_process(function(stat) return stat.parent == pid and stat.name == NAMES end)
  return list[1] and list[1].pid
end

--- True once a process is gone or dead.
---@param pid integer
function spawn.is_gone(pid)
  local stat = read_stat(pid)
  return not stat or stat.state == "Z" or stat.state == "X"
end

--- Text of a symbolic link.
---@param path string
---@return string?
function spawn.readlink(path)
  local buffer = ffi.new("char[4096]")
  local n = C.readlink(path, buffer, 4096)
  return n >= 0 and ffi.string(buffer, n) or nil
end

--- Wait until a file holds a text.
---@param path string
---@param piece string  taken literally
---@param seconds? number
---@return boolean
function spawn.wait_for_text(path, piece, seconds)
  return spawn.wait_for(seconds or 20, function()
    local text = posix.read_file(path)
    return text and text:find(piece, 1, true) ~= nil
  end)
end

--- Kill what is left of its session and wait for the program.
function Child:finish()
  self:close_stdin()
  if not self.status then
    C.kill(-self.pid, spawn.SIGKILL)
    self:wait(5)
  end
  for _, stat in ipairs(self:session()) do C.kill(stat.pid, spawn.SIGKILL) end
  if self.master then C.close(self.master) end
  self.master = nil
  running[self.pid] = nil
end

--- finish() for everything that was started.
function spawn.cleanup()
  for _, child in pairs(running) do child:finish() end
end

return spawn
