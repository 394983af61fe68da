--- The collector is small and suspicious: its rights and system calls in every mode, and what both
--- processes say when the other one ends or turns hostile.
--
--   luajit tests/cli/collector_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local spawn = require "spawn"

check.at_end(spawn.cleanup)
check.at_end(posix.cleanup)

local CAPTURE = posix.realpath("tests/data/captures/mixed-1/proc")
local DIR = posix.tmpdir("sockq-collector")
local OUT, ERR = DIR .. "/out", DIR .. "/err"
local WAIT = "io.write('ready\\n') io.flush() io.read()"
local is_root = posix.geteuid() == 0

local function start(words, opts)
  opts = opts or {}
  local argv = { program.path }
  for _, word in ipairs(words) do argv[#argv + 1] = word end
  local child = spawn.start(argv, { stdin = "pipe", stdout = OUT, stderr = ERR, terminal = opts.terminal,
    env = program.environment(opts.env) })
  check.ok(table.concat(words, " ") .. ": it started", spawn.wait_for_text(OUT, opts.ready or "ready"), posix.read_file(ERR))
  return child
end

local function status_of(pid, name)
  return (posix.read_file("/proc/" .. pid .. "/status") or ""):match("\n" .. name .. ":%s+([^\n]*)")
end

local function nothing_is_left(name, child)
  check.ok(name .. ": no orphan is left", spawn.wait_for(5, function() return #child:session() == 0 end))
  child:finish()
end

-- What CAP_… of linux/capability.h each mode keeps at most.
local DAC_READ_SEARCH, KILL, NET_ADMIN, SYS_PTRACE = 2, 5, 12, 19
local LIVE = { [DAC_READ_SEARCH] = true, [KILL] = true, [SYS_PTRACE] = true }
local MARKS = { [DAC_READ_SEARCH] = true, [KILL] = true, [SYS_PTRACE] = true, [NET_ADMIN] = true }
local has_ptrace = bit.band(tonumber(status_of("self", "CapEff"):sub(-8), 16), 2 ^ SYS_PTRACE) ~= 0

-- A view of a user's in place of ss.
posix.mkdirs(DIR .. "/views")
posix.write_file(DIR .. "/views/ss.lua", ("return { doc = 'waits', run = function() %s end }\n"):format(WAIT))

for title, mode in pairs {
  ["ss"] = { { "ss", "-E", "-t" }, LIVE, ready = "" },
  ["ss -e"] = { { "ss", "-E", "-te" }, MARKS, ready = "" },
  ["ss -e, which a plug-in stands in for"] = { { "--path", DIR, "ss", "-te" }, LIVE },
  ["live"] = { { "-e", WAIT }, LIVE },
  ["mark"] = { { "--watch=0.2", "--format", "csv", "-c", "local_port,mark" }, MARKS, ready = "local_port" },
  ["mark, with a plug-in about"] = { { "--path", DIR, "--watch=0.2", "-f", "csv", "-c", "local_port,mark" }, LIVE,
    ready = "local_port" },
  ["mark, in a script"] = { { "-e", WAIT .. " -- mark" }, LIVE },
  ["--proc"] = { { "--proc", CAPTURE, "-e", WAIT }, {} },
  ["--netns all"] = { { "--netns", "all", "-e", WAIT }, LIVE },
  ["--netns PID"] = { { "--netns", tostring(posix.getpid()), "-e", WAIT }, LIVE },
  ["--watch"] = { { "--watch=0.2", "--format", "csv" }, LIVE, ready = "proto" },
  ["under sudo"] = { { "-e", WAIT }, { [DAC_READ_SEARCH] = true, [SYS_PTRACE] = true },
    env = { SUDO_UID = "12345", SUDO_GID = "23456" } },
} do
  local child = start(mode[1], mode)
  -- The list is set once the interpreter is on its way.
  local listed = spawn.wait_for(5, function() return status_of(child.pid, "Seccomp") == "2" end)
  check.ok(title .. ": the collector has a list of system calls", listed, status_of(child.pid, "Seccomp"))
  check.equal(title .. ": no new privileges", status_of(child.pid, "NoNewPrivs"), "1")
  if not has_ptrace and mode[2] ~= LIVE then
    program.skip_part(title .. ": capabilities", "this machine has none to keep")
  elseif has_ptrace then
    for _, set in ipairs { "CapPrm", "CapEff" } do
      local text = status_of(child.pid, set)
      for number = 0, 63 do
        local digit = tonumber(text:sub(16 - math.floor(number / 4), 16 - math.floor(number / 4)), 16)
        local has = math.floor(digit / 2 ^ (number % 4)) % 2 == 1
        if has and not mode[2][number] then
          check.ok(("%s: %s has no capability that reading does not need"):format(title, set), false, "number " .. number)
        end
      end
      check.ok(title .. ": " .. set .. " was looked at", #text == 16)
      check.equal(title .. ": " .. set .. ": CAP_NET_ADMIN", bit.band(tonumber(text:sub(-8), 16), 2 ^ NET_ADMIN) ~= 0,
        mode[2] == MARKS)
    end
  end
  for _, thread in ipairs(posix.list("/proc/" .. child.pid .. "/task")) do
    check.equal(title .. ": the list holds for every thread",
      (posix.read_file(("/proc/%d/task/%s/status"):format(child.pid, thread)) or ""):match("\nSeccomp:%s+(%d)"), "2")
  end
  child:finish()
end

-- Rows come the same with the list: every mode once.
for _, words in ipairs {
  { "--from", "tcp,udp,unix,netlink,packet,raw", "-c", "proto,inode,pid,program,user,exe,started,cgroup,netns" },
  { "--netns", "all", "-c", "proto,inode,netns" }, { "doctor" }, { "peers" }, { "--proc", CAPTURE, "netstat", "-anp" },
  { "-f", "json" }, { "--watch=0.1", "--times", "3", "-f", "csv" },
} do
  local status, _, err = program.run(words)
  check.ok(table.concat(words, " ") .. ": status", status == 0 or status == 1, status .. ": " .. err)
  check.ok(table.concat(words, " ") .. ": no call is missing", not err:find("not implemented", 1, true), err)
end

-- The collector's end

for number, says in pairs { [11] = "signal 11 (Segmentation fault)", [7] = "signal 7 (Bus error)", [6] = "signal 6 (Aborted)",
  [31] = "it tried a system call that it never needs" } do
  if program.sanitized and number ~= 31 then
    program.skip_part("signal " .. number, "the sanitizer answers it")
  else
    for _, words in ipairs { { "-e", (WAIT:gsub("io%.read%(%)", "while true do end")) }, { "-e", WAIT } } do
      local child = start(words)
      local interpreter = spawn.child_of(child.pid)
      -- Its handlers are set at once, but not before the interpreter says something.
      child:kill(number, child.pid)
      local title = ("the collector dies by signal %d: "):format(number)
      check.equal(title .. "status", child:wait(5), 3)
      check.contains(title .. "message", posix.read_file(ERR), "sockq: collector: ")
      check.contains(title .. "message", posix.read_file(ERR), says)
      check.ok(title .. "the interpreter is gone", spawn.wait_for(5, function() return spawn.is_gone(interpreter) end))
      nothing_is_left(title, child)
    end
  end
end

-- The interpreter's end by any signal: how is told, or the same signal ends the program.
for number, want in pairs { [4] = "signal 4", [6] = "signal 6", [7] = "signal 7", [8] = "signal 8", [9] = 137, [10] = "signal 10",
  [11] = "signal 11", [15] = 143 } do
  if not (program.sanitized and type(want) == "string") then
    local child = start { "-e", WAIT }
    local title = ("the interpreter dies by signal %d: "):format(number)
    child:kill(number, spawn.child_of(child.pid))
    check.equal(title .. "status", child:wait(5), type(want) == "number" and want or 3)
    local err = posix.read_file(ERR)
    local line = "^sockq: [^\n]*signal " .. number .. "[^\n]*\n$"
    if number ~= 15 then check.ok(title .. "one line says how", err:match(line), err) end
    nothing_is_left(title, child)
  end
end

-- A hostile interpreter: native code sends what no interpreter of ours would. --trust stands in for it.
local HOSTILE = [[
  local ffi = require "ffi"
  ffi.cdef "ssize_t send(int, const void *, size_t, int); int close(int); int usleep(unsigned);"
  local C = ffi.C
  local function each(run) for fd = 3, 20 do run(fd) end end
  %s
  io.read()]]
for title, case in pairs {
  ["a datagram of one byte"] = { "each(function(fd) C.send(fd, 'x', 1, 0x4000) end) C.usleep(5e6)", 3 },
  ["a datagram of 64 KiB"] = { "each(function(fd) C.send(fd, ('x'):rep(65536), 65536, 0x4000) end) C.usleep(5e6)", 3 },
  ["zeros as long as a request"] = { "each(function(fd) C.send(fd, ffi.new('char[48]'), 48, 0x4000) end) C.usleep(5e6)", 3 },
  ["a flood of them"] = { "each(function(fd) for _ = 1, 1e5 do if C.send(fd, ffi.new('char[48]'), 48, 0x4000) < 0 then"
    .. " break end end end) C.usleep(5e6)", 3 },
} do
  local began = spawn.now()
  local status, out, err = program.run({ "--trust", "-e", HOSTILE:format(case[1]) }, { timeout = 20 })
  check.equal("a hostile interpreter sends " .. title .. ": the collector ends it, status", status .. out, tostring(case[2]))
  check.contains("a hostile interpreter sends " .. title .. ": message", err,
    "sockq: collector: the interpreter asked for what it never needs, and was ended\n")
  check.ok("a hostile interpreter sends " .. title .. ": soon", spawn.now() - began < 4)
end
do
  -- It closes everything: a collection then says that the collector is gone.
  local status, _, err = program.run { "--trust", "-e", HOSTILE:format("each(C.close) print(sockq.tcp():count())") }
  check.equal("the collector is gone: status", status, 3)
  check.contains("the collector is gone: message", err, "the collector has ended")
end

-- Row sets that a script keeps have a limit, and a message that names the line.
do
  local status, _, err = program.run({ "--trust", "--proc", CAPTURE, "-e",
    "local keep = {}\nfor i = 1, 5000 do keep[i] = sockq.tcp():first() end print(#keep)" }, { timeout = 60 })
  check.equal("5000 kept row sets: status", status, 2)
  check.contains("5000 kept row sets: message", err, "too many row sets are kept; keep fewer rows")
end

if not is_root then program.skip_part("capabilities of root's collector", "this is not root") end
check.finish()
