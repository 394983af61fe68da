--- No Lua with privileges: what the interpreter has given up before it parses a byte of a script, what
--- becomes of that where the kernel lacks something, which files it takes, and what sockq tells of it.
---
---   luajit tests/cli/wall_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local json = require "json"
local posix = require "posix"
local program = require "program"
local spawn = require "spawn"

local SOCKQ, CAPTURE = program.path, posix.realpath("tests/data/captures/mixed-1/proc")
local WITHOUT = program.path:gsub("[^/]+$", "tests/without")
local DIR = posix.tmpdir("sockq-wall")
local OUT, ERR = DIR .. "/out", DIR .. "/err"
local USER = 4321
local is_root = posix.geteuid() == 0
local SUDO = { SUDO_UID = tostring(USER), SUDO_GID = tostring(USER) }
local PLUGIN = "return { doc = 'd', format = function() return 'parsed' end }\n"
local NONE = ("0"):rep(16)

check.at_end(spawn.cleanup)
check.at_end(posix.cleanup)

local function octal(digits) return tonumber(digits, 8) end

local function status_of(pid)
  local fields = {}
  for key, value in (posix.read_file(("/proc/%s/status"):format(pid)) or ""):gmatch("([%w_]+):[ \t]*([^\n]-)[ \t]*\n") do
    fields[key] = value
  end
  return fields
end

local function shell(argv, env)
  local status, out, err = posix.run(argv, { env = program.environment(env), timeout = 30 })
  return status, out, err
end

-- Before the first byte of a script is parsed: it has not been typed yet

--- sockq - that waits for its script. @return the child and the interpreter's pid, nil if it is not locked
local function waiting(words, env)
  local argv = { SOCKQ, unpack(words) }
  argv[#argv + 1] = "-"
  local child = spawn.start(argv, { stdin = "pipe", stdout = OUT, stderr = ERR, env = program.environment(env) })
  local pid = spawn.wait_for(10, function()
    local process = spawn.child_of(child.pid)
    local is_locked = process and status_of(process).Seccomp == "2" and
      (posix.read_file(("/proc/%s/limits"):format(process)) or ""):find("Max open files%s+8 ")
    return is_locked and process
  end)
  return child, pid
end

local function gave_up(way, uid, words, env)
  local child, pid = waiting(words, env)
  local name = way .. ", before the first byte of a script is parsed"
  if not check.ok(name .. ": the interpreter is locked", pid, posix.read_file(ERR)) then
    child:finish()
    return
  end
  local status = status_of(pid)
  check.equal(name .. ": uids", status.Uid, ("%d %d %d %d"):format(uid, uid, uid, uid):gsub(" ", "\t"))
  check.equal(name .. ": gids", status.Gid, ("%d %d %d %d"):format(uid, uid, uid, uid):gsub(" ", "\t"))
  check.equal(name .. ": groups", status.Groups, "")
  for _, set in ipairs { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" } do
    check.equal(name .. ": capabilities, " .. set, status[set], NONE)
  end
  check.equal(name .. ": no new privileges", status.NoNewPrivs, "1")
  check.equal(name .. ": a filter of system calls", status.Seccomp, "2")
  local owner = program.shell(("stat -c %%u /proc/%s/maps"):format(pid))
  check.equal(name .. ": not dumpable, its /proc is root's", owner, "0\n")
  local descriptors = {}
  for _, number in ipairs(posix.list(("/proc/%s/fd"):format(pid))) do
    local target = spawn.readlink(("/proc/%s/fd/%s"):format(pid, number)) or "?"
    descriptors[#descriptors + 1] = target:match("^%a+:") or target
  end
  table.sort(descriptors)
  check.equal(name .. ": no descriptor left but what it needs", table.concat(descriptors, " "),
    ("%s %s pipe: socket: socket:"):format(ERR, OUT))
  local environ = posix.read_file(("/proc/%s/environ"):format(pid)) or ""
  -- Reading a hole of the rows' memory fills it, and no limit of the reader's counts that.
  local total = tonumber((posix.read_file("/proc/meminfo") or ""):match("MemTotal:%s+(%d+)")) * 1024
  local rows = 0
  for from, to in (posix.read_file(("/proc/%s/maps"):format(pid)) or ""):gmatch("(%x+)%-(%x+) r%-%-s [^\n]*memfd:sockq") do
    rows = rows + tonumber(to, 16) - tonumber(from, 16)
  end
  check.ok(name .. ": holes of the rows' memory hold no more than half of the machine's",
    rows > 0 and rows <= math.max(2 ^ 28, total / 2) + 2 ^ 20, rows)
  check.ok(name .. ": the environment is blank", not environ:find("SECRET_OF_THE_CALLER", 1, true), environ)
  local limits = posix.read_file(("/proc/%s/limits"):format(pid)) or ""
  for _, limit in ipairs { "Max core file size%s+0 +0 ", "Max processes%s+0 +0 ", "Max locked memory%s+0 +0 ",
    "Max msgqueue size%s+0 +0 ", "Max open files%s+8 +8 " } do
    check.ok(name .. ": " .. limit:match("^[%a ]+"), limits:find(limit), limits)
  end
  child:finish()
end

if is_root then
  -- Descriptors of the caller that are not closed on exec, and a variable.
  posix.write_file(DIR .. "/inherited", "")
  local with = { SECRET = "SECRET_OF_THE_CALLER" }
  gave_up("root", 65534, {}, with)
  gave_up("sudo", USER, {}, { SECRET = "SECRET_OF_THE_CALLER", SUDO_UID = SUDO.SUDO_UID, SUDO_GID = SUDO.SUDO_GID })
  local ways = { ["with close_range"] = "", ["one by one, without close_range"] = WITHOUT .. " close_range=38 -- " }
  for name, before in pairs(ways) do
    local script = [[for name in io.popen("ls /proc/self/fd"):lines() do io.write(name, " ") end]]
    local status, out, err = shell { "sh", "-c", ("exec 7<%s/inherited 9</etc/shadow; exec %s%s --trust -e '%s'"):format(
      DIR, before, SOCKQ, script) }
    check.equal("descriptors of the caller, --trust, " .. name, status .. err, "0")
    check.ok("descriptors of the caller are closed " .. name, out:find("0 1 2", 1, true) and not out:find("[79]"), out)
  end
else
  program.skip_part("started with privileges", "not root")
end

-- Steps that fail

--- sockq on a kernel that lacks something. calls: as tests/without takes them
local function on(calls, words, env)
  local argv = { WITHOUT }
  for call in calls:gmatch("%S+") do argv[#argv + 1] = call end
  argv[#argv + 1] = "--"
  argv[#argv + 1] = SOCKQ
  for _, word in ipairs(words) do argv[#argv + 1] = word end
  return shell(argv, env)
end

local has_filters = posix.exists(WITHOUT) and (on("acct=1", { "--version" })) == 0
local NO_SECCOMP = "seccomp=38 prctl:22=22"

if has_filters and is_root then
  for name, calls in pairs {
    ["capset fails"] = "capset=1", ["no_new_privs fails"] = "prctl:38=22", ["PR_SET_DUMPABLE fails"] = "prctl:4=22",
    ["PR_SET_PDEATHSIG fails"] = "prctl:1=22", ["setresuid fails as it never should"] = "setresuid=11",
    ["setresgid fails as it never should"] = "setresgid=11", ["setgroups fails as it never should"] = "setgroups=12",
    ["setrlimit fails"] = not program.sanitized and "prlimit64=1 setrlimit=1" or nil,
  } do
    local status, out, err = on(calls, { "-e", "print('parsed')" })
    check.equal(name .. ": status 3, and no Lua", status .. out, "3")
    check.ok(name .. ": a line says so", err:match("^sockq: [^\n]+\n"), err)
  end
  if program.sanitized then
    program.skip_part("fork or setrlimit fails", "the sanitizer's own calls fail then")
  else
    local status, out, err = on("clone=11 clone3=11 fork=11", { "-e", "print('parsed')" })
    check.equal("fork fails: status 3, never Lua in the privileged process", status .. out, "3")
    check.contains("fork fails", err, "sockq: fork: ")
  end
  for name, calls in pairs {
    ["no close_range"] = "close_range=38", ["no Landlock"] = "landlock_create_ruleset=38",
    ["Landlock forbidden"] = "landlock_create_ruleset=1", ["Landlock switched off"] = "landlock_create_ruleset=95",
    ["the bounding set cannot be dropped"] = "prctl:24=1", ["no ambient set"] = "prctl:47=22",
  } do
    local status, out, err = on(calls, { "-e", "print('parsed')" })
    check.equal(name .. ": it runs without a word", ("%d %s %s"):format(status, out, err), "0 parsed\n ")
  end
  -- Without seccomp
  do
    local REMEDY = "start sockq without privileges, or with --trust if you trust the script"
    posix.write_file(DIR .. "/script.lua", "print('parsed')\n")
    posix.mkdirs(DIR .. "/plugins/timers")
    posix.write_file(DIR .. "/plugins/timers/mine.lua", PLUGIN)
    for name, words in pairs {
      ["-e"] = { "-e", "print('parsed')" }, ["a script"] = { DIR .. "/script.lua" },
      ["a plug-in"] = { "--path", DIR .. "/plugins", "--proc", CAPTURE, "--timer", "mine" },
    } do
      local status, out, err = on(NO_SECCOMP, words)
      check.equal("no seccomp, privileges: " .. name .. " is refused", status .. out, "2")
      check.contains("no seccomp, privileges: " .. name .. ": the remedy", err, REMEDY)
    end
    local status, out, err = on(NO_SECCOMP, { "--proc", CAPTURE, "-g", "state" })
    check.ok("no seccomp, privileges: what is built in runs", status == 0 and out:find("LISTEN") and err == "", err)
    status, out, err = on(NO_SECCOMP, { "--trust", "-e", "print('parsed')" })
    check.equal("no seccomp, privileges: --trust", status .. out, "0parsed\n")
    check.contains("no seccomp, privileges: --trust says what is not held", err, "the script can type into this terminal")
  end
  do
    local status, out, err = on("mprotect:exec=13", { "-e", "local n = 0 for i = 1, 1e6 do n = n + i end print(n)" })
    check.equal("no executable memory: Lua runs all the same", status .. " " .. out, "0 500000500000\n")
    check.ok("no executable memory: one note", err:match("^sockq: start: this system allows no memory [^\n]+\n$"), err)
  end
else
  program.skip_part("steps that fail", is_root and "no filters" or "not root")
end
if has_filters then
  local before = is_root and "--trust" or "--sandbox"
  if not is_root then
    local status, out, err = on(NO_SECCOMP, { before, "-e", "print('parsed')" })
    check.equal("no seccomp, no privileges: it runs", status .. out, "0parsed\n")
    check.ok("no seccomp, no privileges: one note", err:match("^sockq: sandbox: this kernel has no seccomp[^\n]+\n$"), err)
  end
end

-- Files

if is_root then
  local plugins = DIR .. "/checked"
  local function fresh()
    os.execute(("rm -rf %s && mkdir -p %s/timers && chmod 755 %s %s/timers"):format(plugins, plugins, plugins, plugins))
    posix.write_file(plugins .. "/timers/mine.lua", PLUGIN)
    posix.chmod(plugins .. "/timers/mine.lua", octal "644")
  end
  local function run(env)
    return program.run({ "--path", plugins, "--proc", CAPTURE, "--timer", "mine", "-L", "1" }, { env = env })
  end
  local function refuses(name, command, text, env)
    fresh()
    os.execute(("cd %s && %s"):format(plugins, command))
    local status, out, err = run(env)
    check.equal("a plug-in " .. name .. " is refused", status .. out, "2")
    check.contains("a plug-in " .. name .. ": why", err, text)
  end
  fresh()
  local status, out = run()
  check.ok("a plug-in of root is taken", status == 0 and out:find("parsed"), out)
  status, out = run(SUDO)
  check.ok("a plug-in of root is taken under sudo", status == 0 and out:find("parsed"), out)
  os.execute(("chown -R %d:%d %s"):format(USER, USER, plugins))
  status, out = run(SUDO)
  check.ok("a plug-in of the sudo user is taken under sudo", status == 0 and out:find("parsed"), out)
  os.execute("chmod -R g+w " .. plugins)
  status, out = run(SUDO)
  check.ok("a plug-in that the user's own group may write is taken", status == 0 and out:find("parsed"), out)
  refuses("that others can write", "chmod o+w timers/mine.lua", "others can write it: chmod o-w it first")
  refuses("in a folder that others can write", "chmod o+w timers", "others can write its folder: chmod o-w it first")
  refuses("below a folder that others can write", "chmod o+w .", "others can write its folder: chmod o-w it first")
  refuses("that a strange group can write", "chown :77 timers/mine.lua; chmod g+w timers/mine.lua",
    "a group that is not yours can write it: chmod g-w it first")
  refuses("in a folder that a strange group can write", "chown :77 timers; chmod g+w timers",
    "a group that is not yours can write its folder")
  refuses("of a stranger", "chown 77 timers/mine.lua", "it is neither yours nor root's: chown it first")
  refuses("of a stranger, under sudo", "chown 77 timers/mine.lua", "it is neither yours nor root's: chown it first", SUDO)
  refuses("in a stranger's folder", "chown 77 timers", "its folder is neither yours nor root's: chown it first")
  refuses("that is a link", "mv timers/mine.lua there; ln -s ../there timers/mine.lua", "Too many levels of symbolic links")
  refuses("that is a FIFO", "rm timers/mine.lua; mkfifo timers/mine.lua", "not a regular file")
  refuses("that is a device", "rm timers/mine.lua; mknod timers/mine.lua c 1 5", "not a regular file")
  refuses("above 1 MiB", "head -c 1100000 /dev/zero >>timers/mine.lua", "larger than 1 MiB")
  fresh()
  os.execute(("cd %s/timers && for i in $(seq 17); do head -c 1000000 /dev/zero | tr '\\0' ' ' >a$i.lua; done"):format(plugins))
  local _, list, wrong = program.run { "--path", plugins, "list", "timers" }
  check.contains("plug-ins above 16 MiB in all are refused", list .. wrong, "more than 16 MiB of plug-ins: remove some")
  fresh()
  os.execute(("cd %s/timers && for i in $(seq 600); do echo return 1 >a$i.lua; done"):format(plugins))
  _, list, wrong = program.run { "--path", plugins, "list", "timers" }
  check.contains("plug-ins above 512 are refused", list .. wrong, "more than 512 plug-ins: remove some")

  -- What a user cannot see by himself
  posix.mkdirs(DIR .. "/secret/tree/net")
  posix.write_file(DIR .. "/secret/there", "x\n")
  posix.write_file(DIR .. "/secret/there.lua", "x\n")
  posix.chmod(DIR .. "/secret", octal "700")
  for name, pair in pairs {
    ["a script"] = { { DIR .. "/secret/there" }, { DIR .. "/secret/none!" } },
    ["a script by its suffix"] = { { DIR .. "/secret/there.lua" }, { DIR .. "/secret/none!.lua" } },
    ["a captured tree"] = { { "--proc", DIR .. "/secret/tree" }, { "--proc", DIR .. "/secret/none" } },
    ["a recording"] = { { "--read", DIR .. "/secret/there" }, { "--read", DIR .. "/secret/none!" } },
    ["plug-ins"] = { { "--path", DIR .. "/secret/tree", "list" }, { "--path", DIR .. "/secret/none", "list" } },
  } do
    local told = {}
    for i, words in ipairs(pair) do
      local code, text, err = program.run(words, { env = SUDO })
      told[i] = ("%d %s %s"):format(code, text, err):gsub("there", "NAME"):gsub("none!?", "NAME"):gsub("tree", "NAME")
    end
    check.equal("sudo tells no more of " .. name .. " than the user could see", told[1], told[2])
  end
else
  program.skip_part("files with privileges", "not root")
end

-- A program with the setuid bit trusts nothing of the environment

if is_root and program.has("setpriv") then
  local suid = DIR .. "/suid"
  os.execute(("cp %s %s && chown 0:0 %s && chmod 4755 %s"):format(posix.quote(SOCKQ), suid, suid, suid))
  posix.mkdirs(DIR .. "/home/.config/sockq/timers")
  posix.write_file(DIR .. "/home/.config/sockq/timers/mine.lua", PLUGIN)
  local as = { "setpriv", "--reuid", tostring(USER), "--regid", tostring(USER), "--clear-groups" }
  local function run(words, env)
    local argv = { unpack(as) }
    argv[#argv + 1] = suid
    for _, word in ipairs(words) do argv[#argv + 1] = word end
    return shell(argv, env)
  end
  local status, out, err = run({ "--version", "-v" }, {})
  if out:find("collector    uid                         4321") then
    check.equal("setuid: it runs", status, 0)
    check.contains("setuid: Lua has the caller's ids", out, ("interpreter  uid                         %d\n"):format(USER))
    check.contains("setuid: in the sandbox", out, "interpreter  sandbox                     on\n")
    status, out, err = run({ "--proc", CAPTURE, "--timer", "mine" },
      { HOME = DIR .. "/home", SOCKQ_PATH = DIR .. "/home/.config/sockq", SUDO_UID = "0", SUDO_GID = "0" })
    check.equal("setuid: plug-ins of the environment are not looked for", status .. out, "2")
    check.contains("setuid: plug-ins of the environment", err, "there is no such timer")
  else
    program.skip_part("setuid", "the folder for temporary files allows none: " .. err)
  end
end

-- What sockq tells of it

local function told(words, env)
  local status, out, err = program.run(words, { env = env })
  check.equal(table.concat(words, " ") .. ": it runs", status .. err, "0")
  local values = {}
  for part, what, value in out:gmatch("(%l+) +(%a[^\n]-)  +(%S[^\n]*)\n") do values[part .. " " .. what] = value end
  return values, out
end

do
  local values, text = told { "--sandbox", "--version", "-v" }
  check.ok("the version stands first", text:match("^sockq %d+%.%d+%.%d+\n"), text)
  local uid = is_root and "65534" or tostring(posix.geteuid())
  for key, want in pairs {
    ["interpreter sandbox"] = "on", ["interpreter uid"] = uid, ["interpreter capabilities, effective"] = "none",
    ["interpreter capabilities, permitted"] = "none", ["interpreter capabilities, ambient"] = "none",
    ["interpreter no_new_privs"] = "yes", ["interpreter dumpable"] = "no", ["interpreter seccomp"] = "a filter",
    ["interpreter limit of core file"] = "0", ["interpreter limit of processes"] = "0",
    ["interpreter limit of descriptors"] = "8", ["collector no_new_privs"] = "yes",
  } do
    check.equal("--version -v: " .. key, values[key], want)
  end
  if not program.sanitized then
    check.equal("--version -v: memory", values["interpreter limit of private memory"], "1024 MiB")
    local space = tonumber((values["interpreter limit of address space"] or ""):match("^([%d.e+]+) MiB$"))
    local total = tonumber((posix.read_file("/proc/meminfo") or ""):match("MemTotal:%s+(%d+)")) / 1024
    -- What the program maps itself, the rows' memory and the limit of Lua's.
    check.ok("--version -v: address space", space and space > 1024 and space < math.max(256, total / 2) + 1024 + 512,
      values["interpreter limit of address space"])
  end
  local status, out, err = program.run { "--sandbox", "doctor", "--self", "--json" }
  check.equal("doctor --self: status", status .. err, "0")
  local list = json.decode(out)
  check.ok("doctor --self: as JSON", #list > 20, out)
  for _, entry in ipairs(list) do
    check.ok("doctor --self: nothing bad: " .. entry.what, entry.verdict ~= "bad", entry.value)
    local same = values[entry.part .. " " .. entry.what]
    check.equal("doctor --self says what --version -v does: " .. entry.part .. " " .. entry.what, entry.value, same)
  end
end
if is_root then
  local values = told { "--trust", "--version", "-v" }
  check.equal("--trust lifts the sandbox", values["interpreter sandbox"], "off: --trust")
  if has_filters then
    -- A terminal's keyboard is root's: EPERM, 1, not the kernel's own EIO.
    local typing = DIR .. "/typing.lua"
    posix.write_file(typing, [[local ffi = require "ffi"
      ffi.cdef "int ioctl(int fd, unsigned long request, ...);"
      local key, said = ffi.new("char[1]", "x"), {}
      for _, request in ipairs { 0x5412ULL, 0x100005412ULL, 0x541cULL } do
        said[#said + 1] = ffi.C.ioctl(0, request, key) .. " " .. ffi.errno()
      end
      print(table.concat(said, ","))]])
    posix.chmod(typing, tonumber("644", 8))
    local _, out = posix.run({ "python3", "-c", "import pty, sys; pty.spawn(sys.argv[1:])", program.path, "--trust", typing },
      { env = program.environment(), timeout = 60 })
    check.contains("--trust types nothing into root's terminal", out, "-1 1,-1 1,-1 1")
  end
  check.equal("--trust drops ids all the same", values["interpreter uid"], "65534")
  for _, set in ipairs { "permitted", "effective", "bounding set", "ambient", "inheritable" } do
    check.equal("--trust drops capabilities all the same: " .. set, values["interpreter capabilities, " .. set], "none")
  end
  check.equal("--trust: no_new_privs", values["interpreter no_new_privs"], "yes")
  check.equal("--trust: not dumpable", values["interpreter dumpable"], "no")
end
if has_filters then
  local words = is_root and {} or { "--sandbox" }
  local function lacking(calls)
    local all = { unpack(words) }
    all[#all + 1] = "--version"
    all[#all + 1] = "-v"
    local _, out = on(calls, all)
    return out
  end
  check.contains("what this kernel lacks: Landlock", lacking("landlock_create_ruleset=38"),
    "lacks                       Landlock\n")
  check.contains("Landlock that is not there is not told to be in force", lacking("landlock_create_ruleset=38"),
    "Landlock                    not in this kernel: ")
  check.contains("Landlock that fails is not told to be in force", lacking("landlock_restrict_self=1"),
    "Landlock                    not in force: ")
  check.contains("what this kernel lacks: seccomp", lacking(NO_SECCOMP), "lacks                       seccomp filters (")
end
program.refuses("--self without doctor", { "--self" }, { err = "--self: only sockq doctor takes it; leave it out" })
program.refuses("--trust with --sandbox", { "--trust", "--sandbox" }, { err = "--sandbox: --trust lifts it; leave it out" })

check.finish()
