--- Native code behind Lua: an interpreter that makes one system call of a list (tests/wall) is ended or
--- refused, whoever started it, and nothing outside of it changes.
---
---   luajit tests/cli/escape_native_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local spawn = require "spawn"

local INJECT = program.path:gsub("[^/]+$", "tests/sockq_inject")
if not posix.exists(INJECT) then check.skip(INJECT .. ": not built") end
local MESSAGE = "sockq: sandbox: the script tried a forbidden system call; if you trust it, give --trust"
local USER = 1234

local DIR = posix.tmpdir("sockq-native")
check.at_end(spawn.cleanup)
check.at_end(posix.cleanup)
-- A user who is not root must be able to start it.
local BINARY = DIR .. "/sockq_inject"
os.execute(("cp %s %s"):format(posix.quote(INJECT), BINARY))
local is_root = posix.geteuid() == 0
local has_filters = (posix.read_file("/proc/self/status") or ""):find("Seccomp:", 1, true)
if not has_filters then check.skip("this kernel has no seccomp") end

-- NAME WANT, a line an attempt.
local attempts = {}
for name, want in program.shell("SOCKQ_INJECT=list " .. BINARY):gmatch("([^\n]+) (%w+)\n") do
  attempts[#attempts + 1] = { name = name, want = want }
end
check.ok("at least 60 escapes are tried", #attempts >= 60, tostring(#attempts))

--- A world that the attempts may reach: a folder that all may write, a file in it, a process.
local function new_world(name, uid)
  local folder = ("%s/%s"):format(DIR, name)
  posix.mkdir(folder)
  posix.chmod(folder, tonumber("777", 8))
  posix.write_file(folder .. "/victim", "untouched\n")
  posix.chmod(folder .. "/victim", tonumber("666", 8))
  local argv = { "sleep", "300" }
  if is_root then
    os.execute(("chown %d:%d %s/victim"):format(uid, uid, folder))
    argv = { "setpriv", "--reuid", tostring(uid), "--regid", tostring(uid), "--clear-groups", "sleep", "300" }
  end
  return { folder = folder, child = spawn.start(argv, {}) }
end

local function look_of(world)
  return program.shell(("cd %s && stat -c '%%n %%i %%s %%a %%u %%g %%h %%y' . victim; ls -A; cat victim"):format(world.folder))
end

--- Every attempt in a process of its own, in one shell.
---@param restore? string  a shell command before each
---@return table<string, { status: integer, out: string, err: string }>
local function try_all(world, before, words, restore)
  local script = { "cd " .. world.folder, "export SOCKQ_INJECT_DIR=" .. world.folder,
    "export SOCKQ_INJECT_PID=" .. world.child.pid }
  for i, attempt in ipairs(attempts) do
    script[#script + 1] = restore
    script[#script + 1] = ("SOCKQ_INJECT=%s %s %s %s -e 'print(1)' <victim >../out 2>../err"):format(
      posix.quote(attempt.name), before, BINARY, words)
    script[#script + 1] = ('echo "%d $?:$(cat ../out):$(cat ../err)"'):format(i)
  end
  local path = DIR .. "/attempts.sh"
  posix.write_file(path, table.concat(script, "\n"))
  local results = {}
  for number, status, out, err in program.shell("sh " .. path):gmatch("(%d+) (%d+):([^:\n]*):([^\n]*)\n") do
    results[attempts[tonumber(number)].name] = { status = tonumber(status), out = out, err = err }
  end
  return results
end

local function is_alive(world)
  return (posix.read_file(("/proc/%d/stat"):format(world.child.pid)) or ""):match("%) (%a)") == "S"
end

-- What the processor refuses where a kernel lacks it, as the entry for 32 bits: name to what is said.
local impossible = {}
local REFUSED = "3  sockq: the interpreter was ended by signal 11 (Segmentation fault)"

--- All of them in the sandbox.
local function holds(way, uid, before, words)
  local world = new_world(way:gsub("%A", "-"), uid)
  check.ok(way .. ": the process to reach for runs", spawn.wait_for(5, function() return is_alive(world) end))
  local look = look_of(world)
  local results = try_all(world, before, words)
  for _, attempt in ipairs(attempts) do
    local result = results[attempt.name] or { status = -1, out = "none", err = "" }
    local title = ("%s: %s"):format(way, attempt.name)
    if attempt.want == "killed" then
      check.equal(title .. " ends the script", ("%d %s %s"):format(result.status, result.out, result.err),
        impossible[attempt.name] or "2  " .. MESSAGE)
    else
      check.equal(title .. " is refused", ("%d %s %s"):format(result.status, result.out, result.err),
        ("7 -1 %s "):format(attempt.want))
    end
  end
  check.equal(way .. ": no file is changed, made or read", look_of(world), look)
  check.ok(way .. ": no process is reached", is_alive(world))
  return results
end

local RESTORE = "rm -rf fresh victim; echo untouched >victim; chmod 777 . ; chmod 666 victim"
  .. (is_root and "; chown " .. USER .. " victim" or "")

-- Without the sandbox the same calls do what they do: what is tested above is the sandbox.
local function control(uid, before, words)
  local world = new_world("control", uid)
  spawn.wait_for(5, function() return is_alive(world) end)
  local results, done, killed = try_all(world, before, words, RESTORE), 0, 0
  for _, attempt in ipairs(attempts) do
    local result = results[attempt.name] or { status = 0, err = "" }
    killed = killed + (result.err == MESSAGE and 1 or 0)
    done = done + ((result.status == 0 or result.out == "0 0") and 1 or 0)
    if ("%d %s %s"):format(result.status, result.out, result.err) == REFUSED then
      impossible[attempt.name] = REFUSED
      program.skip_part(attempt.name, "this kernel does not have it")
    end
  end
  check.equal("without the sandbox no call ends the script", killed, 0)
  check.ok("without the sandbox most that a user may do is done", done >= 60, tostring(done))
  return done
end

local as_user = is_root and ("setpriv --reuid %d --regid %d --clear-groups"):format(USER, USER) or ""
local me = is_root and USER or posix.geteuid()
local done = control(me, as_user, "--trust")
if is_root then
  holds("root", 65534, "", "")
  holds("root by sudo", USER, ("env SUDO_UID=%d SUDO_GID=%d"):format(USER, USER), "")
else
  program.skip_part("started with privileges", "not root")
end
holds("--sandbox", me, as_user, "--sandbox")
io.stdout:write(("%d escapes by native code, each tried %d times; %d of them do something without the sandbox\n")
  :format(#attempts, is_root and 3 or 1, done))
check.finish()
