--- The two processes: interrupts, ends, privileges, limits, and that rows arrive while a table is
--- still being read.
--
--   luajit tests/cli/process_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"
local spawn = require "spawn"

--- Whether this user namespace has a user of that number; a rootless container may have root alone.
local function is_mapped(uid)
  for first, count in (posix.read_file("/proc/self/uid_map") or ""):gmatch("(%d+)%s+%d+%s+(%d+)") do
    if uid >= tonumber(first) and uid < tonumber(first) + tonumber(count) then return true end
  end
  return false
end

local is_root = posix.geteuid() == 0 and is_mapped(65534)
local SOCKQ, CAPTURE = program.path, posix.realpath("tests/data/captures/mixed-1/proc")
local DIR = posix.tmpdir("sockq-process")
local OUT, ERR = DIR .. "/out", DIR .. "/err"

check.at_end(spawn.cleanup)
check.at_end(posix.cleanup)

local ROWS = 200000
local LARGE = program.tree { ["net/tcp"] = rows.many_tcp(ROWS) }
local LARGE_SIZE = #posix.read_file(LARGE .. "/net/tcp")

local function start(words, opts)
  opts = opts or {}
  local argv = { SOCKQ }
  for _, word in ipairs(words) do argv[#argv + 1] = word end
  return spawn.start(argv, {
    stdin = opts.stdin, stdout = opts.stdout or OUT, stderr = opts.stderr or ERR, terminal = opts.terminal,
    env = program.environment(opts.env),
  })
end

-- A script that says "ready" when it gets to `code`.
local function ready(code) return "io.write('ready\\n') io.flush() " .. code end

local function nothing_is_left(name, child)
  local left = spawn.wait_for(5, function() return #child:session() == 0 end)
  check.ok(name .. ": no process is left", left, check.show(#child:session()))
  child:finish()
end

-- Interrupts: by the terminal, by a signal to the group, by one to each process alone

local function interrupt(child, way)
  if way == "terminal" then child:type("\3")
  elseif way == "group" then child:kill(spawn.SIGINT)
  elseif way == "collector" then child:kill(spawn.SIGINT, child.pid)
  else child:kill(spawn.SIGINT, assert(spawn.wait_for(10, function() return spawn.child_of(child.pid) end), "no interpreter")) end
end

--- A script that runs until it is stopped. within: seconds; opts: see start().
local function stops(name, words, ways, within, opts)
  for _, way in ipairs(ways) do
    local title = ("interrupt, %s, %s"):format(name, way)
    local all = opts or {}
    all.terminal = way == "terminal" and 80 or nil
    posix.write_file(OUT, "")
    local child = start(words, all)
    if all.wait ~= false then
      check.ok(title .. ": it started", spawn.wait_for_text(all.stdout or OUT, "ready"),
        posix.read_file(ERR))
    end
    -- Time to compile the loop: without it the test is easier, not wrong.
    spawn.sleep(0.05)
    local began = spawn.now()
    interrupt(child, way)
    local status = child:wait(10)
    local took = spawn.now() - began
    check.equal(title .. ": ended by SIGINT", status, 130)
    check.ok(title .. ": soon", took < within, ("%.2f s"):format(took))
    local err = posix.read_file(ERR)
    check.ok(title .. ": at most a line", err == "" or err:match("^sockq: [^\n]+\n$"), err)
    nothing_is_left(title, child)
  end
end

local EVERY = { "terminal", "group", "interpreter", "collector" }
local ONE = { "interpreter" }
local AT_ONCE, SOON = 1, 2

stops("empty loop", { "-e", ready "while true do end" }, EVERY, AT_ONCE)
stops("compiled loop", { "-e", ready "local x = 0 while true do x = x + 1 end" }, EVERY, AT_ONCE)
stops("compiled loop with a call", { "-e", ready "local s = 0 local function f(x) s = s + x end for i = 1, 1e15 do f(i) end" },
  ONE, AT_ONCE)
stops("loop in a coroutine", { "-e", ready "coroutine.wrap(function() while true do end end)()" }, ONE, AT_ONCE)
stops("loop that is not compiled", { "--trust", "-e", "jit.off() " .. ready "while true do end" }, ONE, AT_ONCE)
stops("predicate over a large table", { "--proc", LARGE, "-e", ready [[
  while true do sockq.tcp():where(function(s) return s.local_port == 70000 end):count() end]] }, EVERY, SOON)
stops("expression over a large table",
  { "--proc", LARGE, "-e", ready "while true do sockq.tcp():where('local_port == 7 and uid == 1'):count() end" },
  { "terminal", "interpreter" }, SOON)
stops("loop in a predicate", { "--proc", LARGE, "-e",
  "sockq.tcp():where(function() " .. ready "while true do end" .. " end):count()" }, ONE, AT_ONCE)
stops("list of a large table", { "--proc", LARGE, "-e", ready "while true do sockq.tcp():list() end" }, ONE, SOON)
stops("rows of a large table", { "--proc", LARGE, "-e", ready "while true do for _ in sockq.tcp():rows() do end end" }, ONE, SOON)
stops("sorting", { "-e", ready [[
  local t = {} for i = 1, 1e6 do t[i] = (i * 7919) % 1000003 end
  while true do table.sort(t, function(a, b) return a > b end) end]] }, ONE, SOON)
stops("string.rep", { "-e", ready "while true do local s = ('x'):rep(1e8) end" }, { "terminal", "interpreter" }, SOON)
stops("pattern bomb", { "-e", ready "string.find(('a'):rep(200), ('.-'):rep(30) .. 'b')" }, { "terminal", "collector" }, SOON)
stops("errors that are caught", { "-e", ready "while true do pcall(function() while true do end end) end" },
  { "terminal", "group" }, SOON)
stops("errors that are caught by xpcall",
  { "-e", ready "while true do xpcall(function() while true do end end, function() end) end" }, ONE, SOON)
stops("a finalizer", { "--trust", "-e", "local p = newproxy(true) getmetatable(p).__gc = function() "
  .. ready "while true do end" .. " end p = nil collectgarbage()" }, ONE, SOON)
stops("waiting on stdin", { "-e", ready "io.read()" }, { "group", "interpreter" }, AT_ONCE, { stdin = "pipe" })
stops("waiting on the terminal", { "-e", ready "io.read()" }, { "terminal" }, AT_ONCE)
stops("waiting for a script", { "-" }, { "group", "interpreter", "terminal" }, AT_ONCE, { stdin = "pipe", wait = false })
stops("netstat -c", { "--proc", CAPTURE, "netstat", "-ntc" }, { "terminal", "interpreter" }, SOON, { wait = false })
do
  local path = DIR .. "/script.lua"
  posix.write_file(path, ready "while true do end")
  stops("a script file", { path }, { "terminal", "interpreter" }, AT_ONCE)
  posix.mkdirs(DIR .. "/plugins/timers")
  posix.write_file(DIR .. "/plugins/timers/endless.lua",
    "return { doc = 'd', format = function() " .. ready "while true do end" .. " end }")
  stops("a timer plug-in", { "--proc", CAPTURE, "--path", DIR .. "/plugins", "--timer", "endless" },
    { "terminal", "interpreter" }, SOON)
  posix.write_file(DIR .. "/plugins/timers/loading.lua", ready "while true do end")
  stops("a plug-in that is being loaded", { "--path", DIR .. "/plugins", "--timer", "loading" }, ONE, SOON)
end
do
  -- a pipe that nobody reads: the writer waits in write(2)
  local fifo = DIR .. "/fifo"
  os.execute("mkfifo " .. fifo)
  local holder = spawn.start({ "sh", "-c", "exec sleep 60 <>" .. fifo }, {})
  for _, way in ipairs { "group", "interpreter" } do
    local child = start({ "-e", "while true do print(('x'):rep(100)) end" }, { stdout = fifo })
    local blocked = spawn.wait_for(10, function()
      local interpreter = spawn.child_of(child.pid)
      local text = interpreter and posix.read_file("/proc/" .. interpreter .. "/stat") or ""
      return text:match("^.*%) (%S)") == "S"
    end)
    check.ok("interrupt, a full pipe, " .. way .. ": it waits", blocked)
    spawn.sleep(0.05)
    local began = spawn.now()
    interrupt(child, way)
    check.equal("interrupt, a full pipe, " .. way, child:wait(10), 130)
    check.ok("interrupt, a full pipe, " .. way .. ": soon", spawn.now() - began < SOON)
    nothing_is_left("interrupt, a full pipe, " .. way, child)
  end
  holder:finish()
end
do
  -- what was printed before is not lost, and the message says where
  local child = start { "-e", "print 'before'\nwhile true do end" }
  spawn.wait_for(10, function() return spawn.child_of(child.pid) end)
  spawn.sleep(0.3)
  interrupt(child, "interpreter")
  check.equal("output before an interrupt: status", child:wait(10), 130)
  check.equal("output before an interrupt", posix.read_file(OUT), "before\n")
  check.equal("message of an interrupt", posix.read_file(ERR), "sockq: -e:2: interrupted\n")
  child:finish()
end
do
  -- a job that ignores SIGINT, as a shell's background jobs do
  local child = spawn.start({ "sh", "-c", "trap '' INT; exec \"$0\" -e \"$1\"", SOCKQ, ready "io.read() print 'end'" },
    { stdin = "pipe", stdout = OUT, stderr = ERR, env = program.environment() })
  spawn.wait_for_text(OUT, "ready")
  child:kill(spawn.SIGINT)
  check.equal("a background job ignores SIGINT", child:wait(0.3), nil)
  child:close_stdin()
  check.equal("a background job: status", child:wait(5), 0)
  check.equal("a background job: output", posix.read_file(OUT), "ready\nend\n")
  nothing_is_left("a background job", child)
end

-- A reader that leaves

do
  local status_file = DIR .. "/status"
  local function head(name, words, first)
    os.remove(status_file)
    local command = ("{ %s %s; echo $? >%s; } 2>%s | head -1 >%s"):format(posix.quote(SOCKQ), words, status_file, ERR, OUT)
    local began = spawn.now()
    local child = spawn.start({ "sh", "-c", command }, { env = program.environment() })
    check.equal("| head -1, " .. name .. ": status of the pipe", child:wait(10), 0)
    check.ok("| head -1, " .. name .. ": soon", spawn.now() - began < 5)
    check.equal("| head -1, " .. name .. ": ended by SIGPIPE", posix.read_file(status_file), "141\n")
    check.equal("| head -1, " .. name .. ": quietly", posix.read_file(ERR), "")
    check.contains("| head -1, " .. name .. ": the line", posix.read_file(OUT), first)
    nothing_is_left("| head -1, " .. name, child)
  end
  local tree = "--proc " .. LARGE
  head("default table", tree, "proto")
  head("netstat", tree .. " netstat -ant", "Active Internet connections")
  head("a script", tree .. " -e 'for s in sockq.tcp():rows() do print(s) end'", "tcp ESTABLISHED")
  head("print without end", "-e 'while true do print(1) end'", "1")
  head("netstat -c", "--proc " .. posix.quote(CAPTURE) .. " netstat -tnc", "Active Internet connections")
end

-- The end of one process is the end of the other

local function ends(name, number, which, status, message)
  local child = start({ "-e", ready "while true do end" })
  spawn.wait_for_text(OUT, "ready")
  local interpreter = spawn.child_of(child.pid)
  check.ok(name .. ": an interpreter", interpreter)
  child:kill(number, which == "collector" and child.pid or which == "interpreter" and interpreter or nil)
  check.equal(name .. ": status", child:wait(5), status)
  check.ok(name .. ": the interpreter is gone", spawn.wait_for(5, function() return spawn.is_gone(interpreter) end))
  check.equal(name .. ": stderr", posix.read_file(ERR), message or "")
  nothing_is_left(name, child)
end

ends("kill -9 of the collector", spawn.SIGKILL, "collector", 137)
ends("kill -9 of the interpreter", spawn.SIGKILL, "interpreter", 137,
  "sockq: the interpreter was killed (signal 9), by somebody or for want of memory\n")
ends("SIGTERM to both", spawn.SIGTERM, "group", 143)
ends("SIGTERM to the collector", spawn.SIGTERM, "collector", 143)
ends("SIGTERM to the interpreter", spawn.SIGTERM, "interpreter", 143)
ends("SIGHUP to both", 1, "group", 129)
if program.sanitized then
  program.skip_part("a crash of the interpreter", "the sanitizer answers it")
else
  local child = start({ "-e", ready "while true do end" })
  spawn.wait_for_text(OUT, "ready")
  child:kill(11, spawn.child_of(child.pid))
  check.equal("a crash of the interpreter: status", child:wait(5), 3)
  check.ok("a crash of the interpreter: message", posix.read_file(ERR):find("^sockq: [^\n]*signal 11[^\n]*\n$"),
    posix.read_file(ERR))
  nothing_is_left("a crash of the interpreter", child)
end
do
  -- killed while it collects
  for _, which in ipairs { "collector", "interpreter" } do
    local child = start({ "--proc", LARGE, "-e", ready "while true do sockq.tcp():count() end" })
    spawn.wait_for_text(OUT, "ready")
    spawn.sleep(0.05)
    child:kill(spawn.SIGKILL, which == "interpreter" and spawn.child_of(child.pid) or child.pid)
    check.equal("kill -9 while collecting, " .. which, child:wait(5), 137)
    nothing_is_left("kill -9 while collecting, " .. which, child)
  end
end

-- Privileges, descriptors, memory

local function status_of(pid)
  local fields = {}
  for line in (posix.read_file("/proc/" .. pid .. "/status") or ""):gmatch("[^\n]+") do
    local name, value = line:match("^(%w+):%s*(.-)%s*$")
    if name then fields[name] = value:gsub("%s+", " ") end
  end
  return fields
end

local function ids(number) return ("%d %d %d %d"):format(number, number, number, number) end

--- Start a script that waits, and look at both processes.
local function look(words, opts, argv)
  local all = {}
  for _, word in ipairs(argv or {}) do all[#all + 1] = word end
  all[#all + 1] = SOCKQ
  for _, word in ipairs(words) do all[#all + 1] = word end
  local child = spawn.start(all, { stdin = "pipe", stdout = OUT, stderr = ERR, env = program.environment(opts) })
  check.ok("a script that waits", spawn.wait_for_text(OUT, "ready"), posix.read_file(ERR))
  return child, spawn.child_of(child.pid)
end

local function is_without_rights(name, pid, uid, gid)
  local status = status_of(pid)
  check.equal(name .. ": uid", status.Uid, ids(uid))
  check.equal(name .. ": gid", status.Gid, ids(gid))
  check.equal(name .. ": NoNewPrivs", status.NoNewPrivs, "1")
  for _, set in ipairs { "CapInh", "CapPrm", "CapEff", "CapAmb" } do
    check.equal(name .. ": " .. set, status[set], ("0"):rep(16))
  end
  return status
end

-- Of the capabilities that this process has, those that the collector keeps, as /proc shows them.
-- Where it has no CAP_SYS_PTRACE, as in most containers, root's collector keeps all.
local mine = tonumber(status_of("self").CapPrm:sub(-8), 16)
local DAC_READ_SEARCH, KILL, SYS_PTRACE = 2 ^ 2, 2 ^ 5, 2 ^ 19 -- linux/capability.h
local has_ptrace = bit.band(mine, SYS_PTRACE) ~= 0
local function kept(wanted) return ("%016x"):format(bit.band(mine, wanted)) end
local ROOT_LIVE = has_ptrace and kept(DAC_READ_SEARCH + KILL + SYS_PTRACE) or status_of("self").CapPrm
local SUDO_LIVE = kept(DAC_READ_SEARCH + SYS_PTRACE)
local SCRIPT = ready "n = sockq.tcp():count() io.read()"

local function descriptors(pid)
  local list = {}
  for _, name in ipairs(posix.list("/proc/" .. pid .. "/fd")) do
    local target = spawn.readlink(("/proc/%s/fd/%s"):format(pid, name)) or "?"
    list[#list + 1] = name .. "=" .. (target:match("^%a+:") or "file")
  end
  return table.concat(list, " ")
end

if is_root then
  local child, interpreter = look { "-e", SCRIPT }
  local status = is_without_rights("root, interpreter", interpreter, 65534, 65534)
  check.equal("root, interpreter: groups", status.Groups, "")
  check.equal("root, interpreter: CapBnd", status.CapBnd, ("0"):rep(16))
  status = status_of(child.pid)
  check.equal("root, collector: uid", status.Uid, ids(0))
  for _, set in ipairs { "CapPrm", "CapEff" } do check.equal("root, collector: " .. set, status[set], ROOT_LIVE) end
  check.equal("root, collector: NoNewPrivs", status.NoNewPrivs, "1")
  child:finish()

  child = look { "--proc", CAPTURE, "-e", SCRIPT }
  is_without_rights("root, collector of a capture", child.pid, 65534, 65534)
  child:finish()

  local sudo = { SUDO_UID = "12345", SUDO_GID = "23456" }
  child, interpreter = look({ "-e", SCRIPT }, sudo)
  status = is_without_rights("sudo, interpreter", interpreter, 12345, 23456)
  check.equal("sudo, interpreter: groups", status.Groups, "")
  status = status_of(child.pid)
  check.equal("sudo, collector: uid", status.Uid, ids(12345))
  check.equal("sudo, collector: gid", status.Gid, ids(23456))
  check.equal("sudo, collector: CapEff", status.CapEff, SUDO_LIVE)
  child:finish()
  child = look({ "--proc", CAPTURE, "-e", SCRIPT }, sudo)
  is_without_rights("sudo, collector of a capture", child.pid, 12345, 23456)
  child:finish()
  -- what is no plain uid is not believed
  for _, wrong in ipairs { "0", "-1", "4294967295", "4294967296", " 7", "7x", "0x7", "" } do
    child, interpreter = look({ "-e", SCRIPT }, { SUDO_UID = wrong, SUDO_GID = "23456" })
    check.equal(("SUDO_UID=%q"):format(wrong), status_of(interpreter).Uid, ids(65534))
    child:finish()
  end
  -- files are read with the invoker's rights: root's own as root, a sudo user's as that user
  local secret = DIR .. "/secret.lua"
  posix.write_file(secret, ready "io.read()")
  posix.chmod(secret, tonumber("600", 8))
  child, interpreter = look { secret }
  check.equal("root's own script", status_of(interpreter).Uid, ids(65534))
  child:finish()
  local code, out, err = program.run({ secret }, { env = sudo })
  check.equal("root's script under sudo: status", code .. out, "2")
  check.contains("root's script under sudo", err, "secret.lua: Permission denied; ")
  posix.write_file(secret, "= SECRET TEXT\n")
  code, out, err = program.run({ secret }, { env = sudo })
  check.ok("no text of a file that the user may not read", not (out .. err):find("SECRET"), err)
  check.equal("no text of such a file: status", code, 2)
  posix.mkdirs(DIR .. "/captured/net")
  posix.write_file(DIR .. "/captured/net/tcp", rows.file("tcp", { rows.tcp { lport = 1, inode = 1 } }))
  posix.chmod(DIR .. "/captured/net/tcp", tonumber("600", 8))
  code, out, err = program.run({ "--proc", DIR .. "/captured" }, { env = sudo })
  check.equal("root's capture under sudo", code .. out, "3")
  check.contains("root's capture under sudo: message", err, "net/tcp: cannot be read: Permission denied")
  -- what the interpreter may not do
  for name, script in pairs {
    ["reading root's file"] = ("assert(io.open(%q))"):format(secret),
    ["writing beside it"] = ("assert(io.open(%q, 'w'))"):format(DIR .. "/written"),
    ["becoming root"] = "assert(require('ffi').cdef 'int setuid(unsigned);' or require('ffi').C.setuid(0) == 0, 'no')",
    ["signalling the collector"] = [[require('ffi').cdef 'int kill(int, int); int getppid(void);'
      assert(require('ffi').C.kill(require('ffi').C.getppid(), 0) == 0, 'no')]],
  } do
    check.equal("the interpreter of root: " .. name, (program.run { "--trust", "-e", script }), 2)
  end
else
  program.skip_part("dropping root's ids", "this is not root")
end

do
  -- without privileges: the caller's ids, and no right more
  local uid, gid = 54321, 54322
  local argv
  if is_root then
    argv = { "setpriv", "--reuid=" .. uid, "--regid=" .. gid, "--clear-groups" }
  else
    uid, gid = posix.geteuid(), tonumber(status_of("self").Gid:match("%d+"))
  end
  if posix.geteuid() == 0 and not (is_root and program.has("setpriv")) then
    program.skip_part("an unprivileged caller", "root cannot become one here")
  else
    os.remove(OUT)
    os.remove(ERR)
    posix.chmod(DIR, tonumber("777", 8))
    local child, interpreter = look({ "-e", SCRIPT }, { SUDO_UID = "7", SUDO_GID = "7" }, argv)
    is_without_rights("a user, interpreter", interpreter, uid, gid)
    is_without_rights("a user, collector", child.pid, uid, gid)
    child:finish()
    os.remove(OUT)
    os.remove(ERR)
    posix.chmod(DIR, tonumber("755", 8))
  end
end

do
  local child, interpreter = look { "-e", SCRIPT }
  if (posix.read_file("/proc/" .. interpreter .. "/maps") or "") == "" then
    -- It cannot be dumped, so its own user may not look either.
    program.skip_part("descriptors and memory of the interpreter", "only CAP_SYS_PTRACE can look")
  else
    local what = descriptors(interpreter)
    check.ok("descriptors of the interpreter", what:find("^0=pipe: 1=file 2=file %d+=socket: %d+=socket:$"), what)
    local writable, mapped = {}, 0
    for line in posix.read_file("/proc/" .. interpreter .. "/maps"):gmatch("[^\n]+") do
      local mode, name = line:match("^%S+ (%S+) %S+ %S+ %S+%s*(.*)$")
      if name:find("memfd:sockq", 1, true) then
        mapped = mapped + 1
        check.equal("the memory file in the interpreter", mode, "r--s")
      elseif mode:find("^.w.s") then
        writable[#writable + 1] = line
      end
    end
    check.ok("the memory file is mapped", mapped >= 1)
    check.equal("nothing shared can be written", table.concat(writable, "\n"), "")
    mapped = 0
    for line in posix.read_file("/proc/" .. child.pid .. "/maps"):gmatch("[^\n]+") do
      if line:find("rw%-s.*memfd:sockq") then mapped = mapped + 1 end
    end
    check.equal("the memory file in the collector", mapped, 1)
    for _, name in ipairs(posix.list("/proc/" .. interpreter .. "/fd")) do
      local target = spawn.readlink(("/proc/%s/fd/%s"):format(interpreter, name)) or ""
      check.ok("no descriptor of the memory file", not target:find("memfd", 1, true), target)
    end
  end
  child:finish()
  -- nor can a script make it writable
  local code, _, err = program.run { "--trust", "--proc", CAPTURE, "-e", [[
    local ffi = require "ffi"
    ffi.cdef "int mprotect(void *at, size_t size, int protection);"
    local row = sockq.tcp():first()
    local handle = ffi.cast("struct sockq_row_handle *", row)
    local page = ffi.cast("uintptr_t", handle.row) / 4096 * 4096
    local result = ffi.C.mprotect(ffi.cast("void *", page), 4096, 3)
    assert(result == -1 and ffi.errno() == 13, "mprotect: " .. result)
    print(row.local_port) ]] }
  check.equal("mprotect of the memory file is refused", code .. err, "0")
end
do
  -- descriptors that the caller left open
  local child, interpreter = look({ "-e", SCRIPT }, nil,
    { "sh", "-c", "exec 3</dev/null 5</dev/null 8</etc/passwd 9</dev/zero; exec \"$0\" \"$@\"" })
  local count = #posix.list("/proc/" .. interpreter .. "/fd")
  if is_root and has_ptrace then check.equal("descriptors of the caller do not reach the interpreter", count, 5) end
  child:finish()
end

if not is_root or not program.has("setpriv") then
  program.skip_part("owners without CAP_SYS_PTRACE", "it takes root and setpriv")
else
  -- As in most containers: root has no CAP_SYS_PTRACE, and neither have the others.
  local bounded = { "setpriv", "--bounding-set=-sys_ptrace,-dac_read_search" }
  local holder = spawn.start({ bounded[1], bounded[2], "luajit", "-e", [[
    local ffi = require "ffi"
    ffi.cdef "int socket(int, int, int); int bind(int, const void *, unsigned);"
    local address = ffi.new("unsigned char[16]", { 2, 0, 0, 0, 127, 0, 0, 1 })
    assert(ffi.C.bind(ffi.C.socket(2, 2, 0), address, 16) == 0)
    print "ready" io.flush() io.read()]] }, { stdin = "pipe", stdout = OUT, stderr = ERR })
  check.ok("a process that holds a socket", spawn.wait_for_text(OUT, "ready"), posix.read_file(ERR))
  local code, out, err = posix.run({ bounded[1], bounded[2], SOCKQ, "-e",
    ("print(sockq.udp():where('pid == %d'):count())"):format(holder.pid) }, { env = program.environment(), timeout = 60 })
  -- Processes of more capabilities than are left here cannot be read, and a note may say so.
  err = err:gsub("^sockq: owners: %d+ of %d+ processes may not be read; [^\n]*\n$", "")
  check.equal("owners without CAP_SYS_PTRACE", code .. out .. err, "01\n")
  holder:finish()
end

-- Limits

-- Through a pipe, as a limit on files counts for what is written to one as well.
local function limited(name, limit, words, want)
  local _, out = posix.run({ "sh", "-c", "{ " .. limit .. "; \"$0\" \"$@\"; echo $?; } 2>&1 | cat", SOCKQ, unpack(words) },
    { env = program.environment(), timeout = 60 })
  local lines = program.lines(out)
  if want then
    check.equal(name .. ": status", lines[#lines], "0")
    check.equal(name .. ": rows", #lines - 1, want)
  else
    check.equal(name .. ": status", lines[#lines], "3")
    check.equal(name .. ": one line", #lines, 2)
    check.ok(name .. ": says why", lines[1]:find("^sockq: [^\n]+: [^\n]+; raise the limit: ulimit %-a lists them$"), out)
  end
end

local LIST = { "--proc", CAPTURE, "-t" }
if program.sanitized then
  program.skip_part("ulimit -v", "sanitizers map terabytes")
else
  limited("ulimit -v 2 GiB", "ulimit -v 2097152", LIST, 49)
  limited("ulimit -v 200 MiB", "ulimit -v 204800", LIST, 49)
  limited("ulimit -v 20 MiB", "ulimit -v 20480", LIST, 49)
  limited("ulimit -v 8 MiB", "ulimit -v 8192", LIST)
end
-- dash counts in 512 bytes, bash in 1024.
limited("ulimit -f of 100 MiB", "ulimit -f 204800", LIST, 49)
limited("ulimit -f 0", "ulimit -f 0", LIST, 49)
limited("ulimit -n 20", "ulimit -n 20", LIST, 49)
limited("ulimit -n 8", "ulimit -n 8", LIST, 49)
if not program.sanitized then limited("ulimit -n 5", "ulimit -n 5", LIST) end
limited("ulimit -c unlimited", "ulimit -c unlimited 2>/dev/null", LIST, 49)
limited("ulimit -s 256", "ulimit -s 256", LIST, 49)
-- A checkout below a folder of root's own is out of reach for anybody else.
local function reachable_by_others()
  return posix.run({ "setpriv", "--reuid=54321", "--regid=54322", "--clear-groups", "test", "-x", SOCKQ }) == 0
end
if not is_root or program.sanitized or not program.has("prlimit") or not program.has("setpriv")
  or not reachable_by_others() then
  program.skip_part("a limit on processes", "it takes root, prlimit, setpriv, a path open to all and no sanitizer")
else
  local code, out, err = posix.run({ "setpriv", "--reuid=54321", "--regid=54322", "--clear-groups", "prlimit", "--nproc=0",
    SOCKQ, unpack(LIST) }, { env = program.environment(), timeout = 60 })
  check.equal("a limit on processes: status", code .. out, "3")
  check.equal("a limit on processes", err,
    "sockq: fork: Resource temporarily unavailable; raise the limit: ulimit -a lists them\n")
end

-- Many collections

do
  local function memory(pid)
    local status = status_of(pid)
    return tonumber(status.RssShmem:match("%d+")), tonumber(status.RssAnon:match("%d+"))
  end
  local path = DIR .. "/many.lua"
  posix.write_file(path, [[
    local function some(n)
      for i = 1, n do
        assert(sockq.tcp():count() == 48)
        assert(#sockq.tcp():list() == 48)
        assert(sockq.tcp():first())
        for s in sockq.tcp():rows() do assert(s.line) break end
        assert(sockq.tcp():where("LISTEN"):count() == 7)
      end
    end
    some(40)
    io.write "warm\n" io.flush() io.read()
    some(360)
    io.write "done\n" io.flush() io.read() ]])
  local child = start({ "--proc", CAPTURE, path }, { stdin = "pipe" })
  local listening = 0
  for _, name in ipairs { "tcp", "tcp6" } do
    for line in io.lines(CAPTURE .. "/net/" .. name) do
      if line:match("^%s*%d+: %S+ %S+ 0A ") then listening = listening + 1 end
    end
  end
  posix.write_file(path, (posix.read_file(path):gsub("== 7%)", "== " .. listening .. ")")))
  child:finish()
  child = start({ "--proc", CAPTURE, path }, { stdin = "pipe" })
  check.ok("2000 collections: they begin", spawn.wait_for_text(OUT, "warm"), posix.read_file(ERR))
  local interpreter = spawn.child_of(child.pid)
  local shared, own = memory(child.pid)
  local _, lua = memory(interpreter)
  child:type_line()
  check.ok("2000 collections: they end", spawn.wait_for_text(OUT, "done"), posix.read_file(ERR))
  local shared_after, own_after = memory(child.pid)
  local _, lua_after = memory(interpreter)
  check.ok("2000 collections: shared memory", shared_after < shared + 8192, shared .. " -> " .. shared_after .. " KiB")
  if not program.sanitized then
    check.ok("2000 collections: the collector", own_after < own + 2048, own .. " -> " .. own_after .. " KiB")
    check.ok("2000 collections: the interpreter", lua_after < lua + 8192, lua .. " -> " .. lua_after .. " KiB")
  end
  child:finish()
end

do
  -- a collection within another that is still running, and owners that are asked for late
  local code, out, err = program.run { "--proc", LARGE, "-e", [[
    local seen, within = 0, 0
    for row in sockq.tcp():rows() do
      seen = seen + 1
      assert(row.line == seen + 1)
      if seen % 50000 == 1 then
        within = within + sockq.tcp():where("LISTEN"):count()
        assert(row.pid == nil and row.line == seen + 1)
      end
    end
    local left, right, both = sockq.tcp():rows(), sockq.tcp():rows(), 0
    for a in left do
      assert(right().line == a.line)
      both = both + 1
    end
    print(seen, within, both) ]] }
  check.equal("collections within collections", code .. out .. err, ("0%d\t%d\t%d\n"):format(ROWS, 4 * ROWS / 100, ROWS))
end

-- Rows come before the table is read to its end

do
  -- The same file as four tables, so that there is much to read after the first rows.
  local tree = program.tree { ["net/tcp"] = { link = LARGE .. "/net/tcp" } }
  posix.unlink(tree .. "/net/tcp")
  os.execute(("ln %s/net/tcp %s/net/tcp || cp %s/net/tcp %s/net/tcp"):format(LARGE, tree, LARGE, tree))
  for _, name in ipairs { "udp", "udplite", "raw" } do posix.symlink("tcp", tree .. "/net/" .. name) end
  local function bytes_read(code)
    local child = start({ "--proc", tree, "-e", code .. " io.write('ready\\n') io.flush() io.read()" }, { stdin = "pipe" })
    check.ok("streaming: it runs", spawn.wait_for_text(OUT, "ready"), posix.read_file(ERR))
    local text = posix.read_file("/proc/" .. child.pid .. "/io")
    child:finish()
    return text and tonumber(text:match("rchar: (%d+)"))
  end
  local all = bytes_read("assert(sockq.inet():count() == " .. 4 * ROWS .. ")")
  if not all then
    program.skip_part("streaming", "/proc/PID/io cannot be read")
  else
    check.ok("streaming: everything is read where it must be", all >= 4 * LARGE_SIZE, all .. " bytes")
    for name, code in pairs {
      ["first()"] = "assert(sockq.inet():first().local_port == 2)",
      ["first() of a condition"] = "assert(sockq.inet():where('LISTEN'):first().line == 101)",
      ["a function that finds"] = "assert(sockq.inet():where(function(s) return s.line == 300 end):first())",
      ["break"] = "for s in sockq.inet():rows() do assert(s.line == 2) break end collectgarbage() collectgarbage()",
      ["an error"] = "pcall(function() sockq.inet():where(function() error 'x' end):count() end)",
    } do
      local some = bytes_read(code)
      check.ok("streaming: " .. name .. " ends the reading early", some < all / 2,
        ("%d of %d bytes were read"):format(some, all))
    end
  end
end
if not program.has("strace") then
  program.skip_part("streaming, in single reads", "no strace")
elseif program.sanitized then
  program.skip_part("streaming, in single reads", "the leak checker does not work under strace")
else
  -- Reads of the table made slow: rows that are printed must not wait for the next read.
  local log = DIR .. "/strace"
  local traced = program.shell(("strace -f -o %s -e trace=read,write -e inject=read:delay_enter=20000:when=20+ -P %s "
    .. "%s --proc %s -e 'local s = sockq.tcp():first() io.write(s.local_port, 10, [[]])' 2>&1"):format(log,
    posix.quote(LARGE .. "/net/tcp"), posix.quote(SOCKQ), LARGE))
  local text = posix.read_file(log) or ""
  if not text:find("read%(") then
    program.skip_part("streaming, in single reads", "strace may not trace: " .. traced:sub(1, 200))
  else
    local _, reads = text:gsub("read%(%d+", "")
    check.ok("streaming: reads of a table of " .. math.ceil(LARGE_SIZE / 262144) .. " buffers until first() ends it",
      reads < 60, reads .. " reads")
  end
end

check.finish()
