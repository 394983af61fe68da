--- sockq --netns over the kernel's own namespaces, which this test makes; nsenter, netstat and the
--- kernel's text in each are the oracles.
--
--   luajit tests/cli/netns_kernel_test.lua --sockq PATH     from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local spawn = require "spawn"

local is_inside = arg[3] == "--inside"
if not is_inside then
  for _, tool in ipairs { "ip", "nsenter", "python3", "unshare" } do
    if not program.has(tool) then check.skip(tool .. " is not installed") end
  end
  local unshare = (posix.geteuid() == 0 and "unshare -mnpf" or "unshare -rmnpf") .. " --mount-proc "
  if program.shell(unshare .. "sh -c 'mkdir -p /run/netns && mount -t tmpfs none /run/netns && ip netns add x && echo can'")
    == "" then
    check.skip("network namespaces are not permitted")
  end
  local status = os.execute(("exec %s luajit %s --sockq %s --inside"):format(unshare, arg[0], posix.quote(program.path)))
  os.exit(status == 0 and 0 or 1)
end

local run, refuses = program.run, program.refuses
check.at_end(posix.cleanup)
check.at_end(spawn.cleanup)

local DIR = posix.tmpdir("sockq-netns")
local OUT = DIR .. "/out"
local ODD = "a,b\27[1m"
local maker = spawn.start({ "python3", "tests/lib/namespaces.py" }, { stdin = "pipe", stdout = OUT, stderr = DIR .. "/err" })
check.ok("the namespaces are made", spawn.wait_for_text(OUT, "ready", 30), posix.read_file(DIR .. "/err"))
local pids = {}
for name, pid in posix.read_file(OUT):gmatch("(%w+) (%d+)\n") do pids[name] = pid end

-- A path through which nsenter gets in.
local FILES = { blue = "/run/netns/blue", red = "/run/netns/red", odd = "/run/netns/" .. ODD,
  unnamed = ("/proc/%s/ns/net"):format(pids.unnamed), own = "/proc/self/ns/net" }
local NAMES = { "own", "blue", "red", "odd", "unnamed" }

local function inside(name, command)
  return program.shell(("nsenter --net=%s %s"):format(posix.quote(FILES[name]), command))
end

local function inode(name)
  return inside(name, "readlink /proc/self/ns/net"):match("%[(%d+)%]")
end

-- "INODE PORT STATE" of each tcp and udp row, by the kernel's own text.
local function expected(names)
  local list = {}
  for _, name in ipairs(names) do
    local number = inode(name)
    for line in inside(name, "cat /proc/self/net/tcp /proc/self/net/tcp6 /proc/self/net/udp"):gmatch("[^\n]+") do
      local port, state = line:match("^ *%d+: %x+:(%x%x%x%x) %x+:%x+ (%x%x) ")
      if port then list[#list + 1] = ("%s %d %d"):format(number, tonumber(port, 16), tonumber(state, 16)) end
    end
  end
  table.sort(list)
  return table.concat(list, "\n")
end

local function listed(words, status)
  local all = { "--from", "tcp,udp", "--tsv", "--no-header", "-c", "netns_inode,local_port,state_code" }
  for _, word in ipairs(words) do all[#all + 1] = word end
  local got, out, err = run(all)
  check.equal(table.concat(words, " ") .. ": status", got, status or 0)
  local list = program.lines(out:gsub("\t", " "))
  table.sort(list)
  return table.concat(list, "\n"), err
end

do
  local want = expected(NAMES)
  check.equal("rows in five namespaces", select(2, want:gsub("[^\n]+", "")), 9)
  check.equal("all: each once", listed { "--netns", "all" }, want)
  check.equal("by name", listed { "--netns", "blue" }, expected { "blue" })
  check.equal("by a name with a comma", listed { "--netns", ODD }, expected { "odd" })
  check.equal("without a process, by name", listed { "--netns", "red" }, expected { "red" })
  check.equal("by pid", listed { "--netns", pids.unnamed }, expected { "unnamed" })
  check.equal("by path", listed { "--netns", "/proc/" .. pids.blue .. "/ns/net" }, expected { "blue" })
  check.equal("several, one twice", listed { "--netns", "red,blue", "--netns", FILES.blue, "--netns=" .. pids.unnamed },
    expected { "red", "blue", "unnamed" })
  check.equal("only its own without it", listed {}, expected { "own" })
end
do
  local _, out = run { "--netns", "all", "LISTEN", "-g", "netns", "--tsv", "--no-header" }
  local list = program.lines(out:gsub("\t", " "))
  table.sort(list)
  -- Process 1 is this test, by the name of its interpreter.
  check.equal("names", table.concat(list, "\n"), ("1/luajit 1\n%s/python3 2\nblue 2\nred 1"):format(pids.unnamed))
  _, out = run { "--netns", "all", "--from", "udp", "-c", "netns,local_port", "--json" }
  check.contains("a name of odd bytes", out, [["netns":"a,b\u001b[1m"]])
  _, out = run { "--netns", "all", ":7003", "-c", "netns,pid", "--csv" }
  check.equal("the owner is elsewhere", out, ("netns,pid\r\nred,%s\r\n"):format(pids.own))
  _, out = run { ":7000", "-c", "netns,netns_inode", "--csv" }
  check.equal("its own by name", out, ("netns,netns_inode\r\n1/luajit,%s\r\n"):format(inode "own"))
  _, out = run { "--netns", "red,blue", ":7003" }
  check.equal("the default table of several has a column", out:match("^(%S+)"), "netns")
  _, out = run { "--netns", "red", ":7003" }
  check.equal("that of one has none", out:match("^(%S+)"), "proto")
end
if program.has("netstat") and program.shell("netstat --version"):find("2.10", 1, true) then
  for _, name in ipairs { "blue", "red", "odd" } do
    local _, out = run { "--netns", FILES[name], "netstat", "-tuan" }
    check.equal("netstat in " .. name, out, inside(name, "netstat -tuan"))
  end
else
  program.skip_part("the netstat view", "no netstat 2.10")
end
-- sock_diag tells of other namespaces as well.
do
  local function rows(...)
    local status, out, err = run({ "--tsv", "--no-header", "-t", "-c", "netns,local_port,backlog_max", "rtt > 0 or LISTEN", ... })
    check.equal(table.concat({ ... }, " ") .. ": status", status .. err:gsub("[^\n]*may not be read[^\n]*\n", ""), "0")
    -- NETNS PORT, and of a listener :BACKLOG; the port of the connection's other end can be any.
    local text = out:gsub("\t", " "):gsub(" *%f[\n]", ""):gsub(" (%d+) (%d+)\n", " %1:%2\n"):gsub(" %d%d%d%d%d\n", " #\n")
    local list = program.lines(text)
    table.sort(list)
    return table.concat(list, "\n")
  end
  local BLUE = "blue #\nblue 7001\nblue 7001:128\nblue 7002:128"
  check.equal("blue has round trips", rows("--netns", "blue"), BLUE)
  check.equal("by path", rows("--netns=/run/netns/blue", "--source", "diag"), BLUE)
  check.equal("red has no process", rows("--netns", "red"), "red 7003:128")
  check.equal("by pid", rows("--netns", pids.unnamed), ("%s/python3 7001:128\n%s/python3 7005:128"):format(pids.unnamed,
    pids.unnamed))
  local all = program.lines(("%s/python3 7001:128\n%s/python3 7005:128\n1/luajit 7000:128\n%s\nred 7003:128\n")
    :format(pids.unnamed, pids.unnamed, BLUE))
  table.sort(all)
  check.equal("all", rows("--netns", "all"), table.concat(all, "\n"))
  check.equal("again and again", select(2, rows("--netns", "blue", "--watch=0.1", "--times", "3"):gsub("7002:128", "")), 3)
  check.equal("the first row alone", select(2, select(2, run { "--netns", "blue,red", "-L", "1", "LISTEN" }):gsub(":70", "")), 1)
  local _, kept = run { "--netns", "blue", "--from", "netlink", "--source", "proc", 'protocol == "sock_diag" and port_id ~= 0' }
  check.ok("sockq's own socket in it is no row", not kept:find("sock_diag"), kept)
end
do
  local plans = require "ss_plans"
  local LINES = { "-tan", "-tani", "-tanoem", "-uan", "-wan", "-0an", "-0anem", "-0n dev here0", "-xap", "-s", "-tanp",
    "-tan dev lo", "-tan sport = 7001", "-ta src 127.0.0.1 or dport = 7001", "-4an", "-6an", "-f netlink -n", "-aneim" }
  local missing = plans.missing()
  for _, name in ipairs(missing and {} or { "blue", "red" }) do
    for _, line in ipairs(LINES) do
      local words = { "-N", name }
      for word in line:gmatch "%S+" do words[#words + 1] = word end
      local why
      for _ = 1, 3 do
        -- ss mounts another /sys, in which no cgroup is; of the same socket's memory two looks can tell other numbers.
        local function shown(text)
          text = plans.masked(plans.without_own(text)):gsub(" cgroup:[^%s]+", " cgroup:#")
          return (text:gsub("skmem:%b()", "skmem:()"):gsub(" +\n", "\n"))
        end
        local _, want = posix.run({ "ss", unpack(words) }, { env = { LC_ALL = "C" }, timeout = 60 })
        local _, got = run { "ss", unpack(words) }
        why = plans.difference(shown(want), shown(got))
        if not why then break end
      end
      check.ok("ss " .. table.concat(words, " "), not why, why)
    end
  end
  if missing then program.skip_part("the ss view", missing) end
end
do
  local file = DIR .. "/recording"
  local status, _, err = run { "--netns", "all", "record", file }
  check.equal("record", status .. err, "0")
  local words = { "--from", "tcp,udp", "--json", "-c", "netns,netns_inode,local_port,pid,program", "-s", "inode,local_port" }
  local function from(option, value) return select(2, run { option, value, unpack(words) }) end
  check.equal("--read gives the same", from("--read", file), from("--netns", "all"))
end

do
  local _, out = run { "completion", "words", "--", "--netns", "b" }
  check.equal("names are completed", out:match("^[^\t\n]*"), "blue")
  _, out = run { "completion", "words", "--", "--netns=all,r" }
  check.contains("behind a comma", out, "--netns=all,red")
end

-- Wrong words
refuses("a name that is nearly one", { "--netns", "blu" }, { status = 2,
  err = { "--netns blu: there is no such namespace; did you mean blue?" } })
refuses("a name like none", { "--netns", "a-very-long-name" }, { status = 2,
  err = { "--netns a-very-long-name: there is no such namespace; ip netns list names them" } })
refuses("what was left of a namespace", { "--netns", "left-over" }, { status = 2, err = { "no network namespace is mounted" } })
refuses("a namespace of another kind", { "--netns", "/proc/self/ns/uts" }, { status = 2,
  err = { "--netns /proc/self/ns/uts: no network namespace is mounted there" } })
refuses("a file of another kind", { "--netns", "/proc/self/status" }, { status = 2, err = { "no network namespace" } })
refuses("no file", { "--netns", DIR .. "/none" }, { status = 2, err = { "No such file or directory; give all" } })
refuses("no process", { "--netns", "4000000" }, { status = 2, err = { "--netns 4000000: there is no such process" } })

-- Rights: none are kept, neither by the collector nor in the namespaces that it stays in.
do
  -- Once rows are there the collector has given up what it does not need.
  local script = [[
    sockq.tcp():count()
    local parent = io.open("/proc/self/stat"):read("*a"):match("^%d+ %b() %S (%d+)")
    for task in io.popen("ls /proc/" .. parent .. "/task"):lines() do
      local status = io.open(("/proc/%s/task/%s/status"):format(parent, task)):read("*a")
      print(task == parent, status:match("CapEff:%s*(%x+)"), status:match("NoNewPrivs:%s*(%d)"))
    end]]
  local _, out = run { "--trust", "--netns", "red", "-e", script }
  local admin, bare = false, 0
  for is_main, caps in out:gmatch("(%a+)\t(%x+)\t1\n") do
    local bits = tonumber(caps:sub(-8), 16)
    admin = admin or bit.band(bits, 2 ^ 21) ~= 0
    bare = bare + (is_main == "false" and bits == 0 and 1 or 0)
  end
  check.equal("the thread that stays in the namespace has no capability", bare, 1, out)
  if posix.read_file("/proc/self/status"):match("CapEff:%s*(%x+)"):find("[89a-f]%x%x%x%x$") then
    check.ok("CAP_SYS_ADMIN is given up", not admin, out)
  end
end

-- Without root: the kernel shows the tables of all, and not which namespace they are of.
if program.has("setpriv") and program.shell("setpriv --reuid 65534 --clear-groups true && echo can") ~= "" then
  posix.chmod(DIR, tonumber("755", 8))
  local function as_nobody(words)
    local text = posix.quote_all { program.path, unpack(words) }
    local path = DIR .. "/nobody"
    local status = os.execute(("setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all -- %s >%s 2>&1"):format(
      text, path))
    return math.floor(status / 256), posix.read_file(path)
  end
  local status, out = as_nobody { "--netns", "all", "--from", "tcp", "LISTEN", "-c", "local_port", "--tsv", "--no-header" }
  local ports = {}
  for port in out:gmatch("%f[^\n%z](%d+)\n") do ports[#ports + 1] = port end
  table.sort(ports)
  check.equal("all without root: each once", table.concat(ports, " "), "7000 7001 7001 7002 7005")
  check.contains("what is left out is told", out, "--netns all: ")
  check.contains("what helps", out, "run as root")
  check.equal("as with owners that is no failure", status, 0)
  status, out = as_nobody { "--netns", pids.unnamed, "-c", "netns,netns_inode,local_port", "--csv", ":7005" }
  check.equal("a pid without root", status .. out, ("0netns,netns_inode,local_port\r\n%s/python3,,7005\r\n"):format(pids.unnamed))
  status, out = as_nobody { "--netns", "red", "-c", "local_port" }
  check.equal("a name without root", status .. out, "3sockq: netns red: no process of it may be read; run as root\n")
  -- Where processes of others are shut, all that is left is its own.
  if os.execute("mount -o remount,hidepid=1 /proc") == 0 then
    status, out = as_nobody { "--netns", "all", "--from", "tcp", "LISTEN", "-c", "local_port", "--tsv", "--no-header" }
    check.equal("all where processes are shut: status", status, 0)
    check.ok("how many are shut is told", out:find(
      "sockq: %-%-netns: the namespaces of %d%d processes may not be read; run as root to see theirs\n"), out)
    check.ok("its own is read", ("\n" .. out):find("\n7000\n"), out)
    check.ok("no other is", not out:find("700[1-9]"), out)
    assert(os.execute("mount -o remount,hidepid=0 /proc") == 0)
  end
else
  program.skip_part("a run without root", "setpriv cannot change ids here")
end

-- A namespace that goes while it is looked at; one that is named is told.
do
  local gone = spawn.start({ "unshare", "-n", "sleep", "60" }, {})
  local number = spawn.wait_for(10, function()
    local text = spawn.readlink(("/proc/%d/ns/net"):format(gone.pid))
    return text and not text:find(inode "own", 1, true) and text:match("%d+")
  end)
  check.ok("a namespace of one process", number)
  local script = "print('first', sockq.tcp():count()) io.stdout:flush() io.read() print(sockq.tcp():count())"
  local lookers = {}
  for name, chosen in pairs { named = "red," .. gone.pid, all = "all" } do
    local paths = { stdin = "pipe", stdout = DIR .. "/look-" .. name, stderr = DIR .. "/err-" .. name }
    lookers[name] = spawn.start({ program.path, "--netns", chosen, "-e", script }, paths)
    lookers[name].paths = paths
    check.ok("a first look: " .. name, spawn.wait_for_text(paths.stdout, "first", 30))
  end
  gone:finish()
  local function ended(name)
    lookers[name]:type_line()
    local status = lookers[name]:wait(30)
    return ("%s %s %s"):format(status, posix.read_file(lookers[name].paths.stdout):gsub("^first\t(%d+)", "%1"),
      posix.read_file(lookers[name].paths.stderr))
  end
  check.equal("a named one that is gone", ended("named"),
    ("3 1\n1\n sockq: netns %s: the last process of it has ended; its sockets are not shown\n"):format(number))
  check.equal("one of all that is gone", ended("all"), "0 8\n8\n ")
end

maker:close_stdin()
check.finish()
