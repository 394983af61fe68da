--- Names of users, services and hosts come from a third process that has no privileges; the
--- interpreter goes on without them when it ends, and is not held by one that hangs.
--
--   luajit tests/cli/names_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"
local spawn = require "spawn"

check.at_end(spawn.cleanup)
check.at_end(posix.cleanup)

local DIR = posix.tmpdir("sockq-names")
local OUT, ERR = DIR .. "/out", DIR .. "/err"
local TREE = program.tree { ["net/tcp"] = rows.file("tcp", {
  rows.tcp { lport = 22, state = 10, inode = 1 }, rows.tcp { lport = 80, state = 10, inode = 2, uid = 0 } }) }
local LOST = "sockq: names: the process that looks up names has ended; numbers are shown\n"
local ASK = "io.write('ready\\n') io.flush() io.read() for s in sockq.tcp():rows() do print(s.local_port, s.user) end"

local function start(words, opts)
  local argv = { program.path }
  for _, word in ipairs(words) do argv[#argv + 1] = word end
  opts = opts or {}
  opts.stdin, opts.stdout, opts.stderr, opts.env = opts.stdin or "pipe", OUT, ERR, program.environment(opts.env)
  local child = spawn.start(argv, opts)
  check.ok("it started", spawn.wait_for_text(OUT, "ready"), posix.read_file(ERR))
  return child, spawn.wait_for(5, function() return spawn.names_of(child.pid) end)
end

local function nothing_is_left(name, child)
  check.ok(name .. ": no process is left", spawn.wait_for(5, function() return #child:session() == 0 end))
  child:finish()
end

local root_name = program.shell("id -un 0"):match("%S+") or "0"

-- Who answers

do
  local child, names = start { "--proc", TREE, "-e", ASK .. " io.flush() io.read()" }
  check.ok("a process for names", names)
  local status = posix.read_file("/proc/" .. names .. "/status")
  local uid = posix.geteuid() == 0 and "65534" or tostring(posix.geteuid())
  check.equal("the process for names has the ids of the interpreter", status:match("\nUid:%s+(%d+)"),
    posix.read_file("/proc/" .. spawn.child_of(child.pid) .. "/status"):match("\nUid:%s+(%d+)"))
  if posix.geteuid() == 0 and status:match("\nUid:%s+(%d+)") ~= uid then
    program.skip_part("its ids", "this user namespace lacks them")
  end
  for _, set in ipairs { "CapInh", "CapPrm", "CapEff", "CapAmb" } do
    check.equal("the process for names has no capability: " .. set, status:match("\n" .. set .. ":%s+(%x+)"), ("0"):rep(16))
  end
  check.equal("the process for names: no new privileges", status:match("\nNoNewPrivs:%s+(%d)"), "1")
  if posix.geteuid() == 0 then
    local open = {}
    for _, fd in ipairs(posix.list("/proc/" .. names .. "/fd")) do
      open[#open + 1] = (spawn.readlink(("/proc/%d/fd/%s"):format(names, fd)) or "?"):gsub("%d+", "N")
    end
    check.equal("the process for names holds its socket and nothing else", table.concat(open, " "),
      "/dev/null /dev/null /dev/null socket:[N]")
    check.ok("the process for names does not see the rows",
      not (posix.read_file("/proc/" .. names .. "/maps") or ""):find("memfd:sockq", 1, true))
  end
  child:type_line()
  check.ok("it answers", spawn.wait_for_text(OUT, "80\t"), posix.read_file(ERR))
  check.equal("the process for names has a list of system calls, by the first question",
    posix.read_file("/proc/" .. names .. "/status"):match("\nSeccomp:%s+(%d)"), "2")
  child:type_line()
  check.equal("names are answered: status", child:wait(10), 0)
  check.equal("names are answered", posix.read_file(OUT), ("ready\n22\t%s\n80\t%s\n"):format(root_name, root_name))
  nothing_is_left("names are answered", child)
end

-- The interpreter itself asks nobody: what an answer needs is opened by the third process alone.
if program.has("strace") then
  local trace = DIR .. "/trace"
  program.shell(("strace -f -o %s %s --proc %s -c user -t >/dev/null 2>&1"):format(posix.quote(trace),
    posix.quote(program.path), posix.quote(TREE)))
  local text = posix.read_file(trace) or ""
  local names = text:match("(%d+) +prctl%(PR_SET_NAME, \"sockq%-names\"")
  local found = 0
  for pid in text:gmatch("(%d+) +[^\n]*/etc/nsswitch.conf") do
    found = found + 1
    check.equal("name service is used by the third process alone", pid, names)
  end
  check.ok("name service is used", names ~= nil and found > 0, text:sub(-500))
else
  program.skip_part("who opens what", "strace is not installed")
end

-- netstat -n, and what merely looks like it

for words, wanted in pairs {
  ["netstat -tn"] = false, ["netstat -ltnp"] = false, ["netstat --numeric -t"] = false,
  ["netstat -t"] = true, ["netstat -A inet"] = true, ["netstat --numeric-hosts -t"] = true,
} do
  local argv = { program.path, "--proc", TREE }
  for word in words:gmatch("%S+") do argv[#argv + 1] = word end
  argv[#argv + 1] = "-c"
  local child = spawn.start(argv, { stdout = OUT, stderr = ERR, env = program.environment() })
  check.ok(words .. ": it runs", spawn.wait_for_text(OUT, "Active"))
  local names = spawn.names_of(child.pid)
  check.ok(("%s: %s process for names"):format(words, wanted and "a" or "no"), (names ~= nil) == wanted)
  child:finish()
end

-- It ends, or hangs

do
  local child, names = start { "--proc", TREE, "-e", ASK }
  spawn.kill(spawn.SIGKILL, names)
  check.ok("the process for names is gone", spawn.wait_for(5, function() return spawn.is_gone(names) end))
  child:type_line()
  check.equal("when the process for names dies numbers are printed: status", child:wait(10), 0)
  check.equal("when the process for names dies numbers are printed", posix.read_file(OUT), "ready\n22\t0\n80\t0\n")
  check.equal("when the process for names dies one line says so", posix.read_file(ERR), LOST)
  nothing_is_left("when the process for names dies", child)
end

for _, way in ipairs { "terminal", "interpreter", "collector" } do
  local title = "Ctrl-C works while the process for names hangs, " .. way
  local opts = way == "terminal" and { terminal = 80 } or {}
  local argv = { program.path, "--proc", TREE, "-e", "io.stdout:setvbuf('no') " .. ASK:gsub("io%.read%(%)",
    "while not io.open('" .. DIR .. "/go') do sockq.tcp():count() end") }
  os.remove(DIR .. "/go")
  opts.stdout, opts.stderr, opts.env = OUT, ERR, program.environment()
  -- Without the sandbox: the script waits for a file.
  table.insert(argv, 2, "--trust")
  local child = spawn.start(argv, opts)
  check.ok(title .. ": it started", spawn.wait_for_text(OUT, "ready"), posix.read_file(ERR))
  local names = spawn.wait_for(5, function() return spawn.names_of(child.pid) end)
  spawn.kill(spawn.SIGSTOP, names)
  posix.write_file(DIR .. "/go", "")
  local interpreter = spawn.child_of(child.pid)
  spawn.sleep(0.3)
  check.equal(title .. ": it waits", posix.read_file(OUT), "ready\n")
  local began = spawn.now()
  if way == "terminal" then child:type("\3")
  else child:kill(spawn.SIGINT, way == "collector" and child.pid or interpreter) end
  check.equal(title .. ": status", child:wait(10), 130)
  check.ok(title .. ": soon", spawn.now() - began < 1)
  nothing_is_left(title, child)
end

-- kill -9 of the parent ends both others, whatever they do.
for _, stopped in ipairs { false, true } do
  local title = "kill -9 of the collector ends both others" .. (stopped and ", of which one hangs" or "")
  local child, names = start { "--proc", TREE, "-e", "io.write('ready\\n') io.flush() while true do end" }
  local interpreter = spawn.child_of(child.pid)
  if stopped then spawn.kill(spawn.SIGSTOP, names) end
  spawn.kill(spawn.SIGKILL, child.pid)
  check.equal(title .. ": status", child:wait(5), 137)
  check.ok(title .. ": the interpreter", spawn.wait_for(5, function() return spawn.is_gone(interpreter) end))
  check.ok(title .. ": the process for names", spawn.wait_for(5, function() return spawn.is_gone(names) end))
  nothing_is_left(title, child)
end

-- A pipe is not held open by a process for names that hangs.
do
  local child = start { "--proc", TREE, "-e", ASK }
  local names = spawn.names_of(child.pid)
  spawn.kill(spawn.SIGSTOP, names)
  child:kill(spawn.SIGTERM, child.pid)
  check.equal("SIGTERM while the process for names hangs", child:wait(5), 143)
  nothing_is_left("SIGTERM while the process for names hangs", child)
end

check.finish()
