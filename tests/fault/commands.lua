--- Command lines that stand for what sockq does, ten and a few that differ in some calls, over a captured
--- tree of a few sockets, and the same over the kernel's own tables.
--
--   local commands = require "commands"
--   for _, command in ipairs(commands.captured(dir)) do … command.name, command.words … end
--
-- may: words of a command line whose output holds every line that this one may print when rows are
-- missing. names: it prints names, and these are their numbers. numbers: it counts, so that with rows
-- missing its numbers are smaller. fresh: a file that it makes. rare: it differs from others in a few
-- calls. env: variables.

local posix = require "posix"
local program = require "program"
local rows = require "rows"

local commands = {}

local function make_tree()
  return program.tree {
    ["net/tcp"] = rows.file("tcp", {
      rows.tcp { lport = 22, state = 10, inode = 101 },
      rows.tcp { lport = 80, state = 10, inode = 102 },
      rows.tcp { lport = 80, raddr = "0100007F", rport = 1001, state = 1, tx = 7, timer = 1, when = 361, inode = 103 },
      rows.tcp { lport = 1001, raddr = "0100007F", rport = 80, state = 1, rx = 9, inode = 104 },
      rows.tcp { lport = 80, raddr = "0100007F", rport = 1002, state = 8, rx = 3, inode = 105 },
      rows.tcp { lport = 80, raddr = "0100007F", rport = 1003, state = 6, timer = 3, when = 361 },
    }),
    ["net/tcp6"] = rows.file("tcp6", { rows.tcp { laddr = ("0"):rep(32), lport = 443, state = 10, inode = 106 } }),
    ["net/udp"] = rows.file("udp", { rows.datagram { lport = 53, inode = 107 } }),
    ["net/unix"] = rows.file("unix", { rows.unix { inode = 108, path = "/run/x" } }),
    ["300/cmdline"] = "/usr/sbin/sshd\0", ["300/comm"] = "sshd\n", ["300/fd/3"] = { link = "socket:[101]" },
    ["301/cmdline"] = "nginx\0", ["301/comm"] = "nginx\n", ["301/fd/3"] = { link = "socket:[102]" },
    ["301/fd/4"] = { link = "socket:[103]" }, ["301/fd/5"] = { link = "socket:[105]" },
    ["301/fd/6"] = { link = "socket:[106]" }, ["301/fd/7"] = { link = "/dev/null" },
    ["302/cmdline"] = "", ["302/comm"] = "client\n", ["302/fd/3"] = { link = "socket:[104]" },
    ["302/fd/4"] = { link = "socket:[107]" }, ["302/fd/5"] = { link = "socket:[108]" },
  }
end

local VIEW = [[
return { doc = "ports and states", from = "tcp", columns = { "local_port", "state", "pid" } }
]]

local SCRIPT = [[
for row in sockq.tcp():where("state ~= 'TIME_WAIT'"):rows() do
  print(row.local_port, row.state, row.program or "-")
end
]]

local JOIN = [[
local names = {}
for _, one in ipairs(sockq.data.ports) do names[tonumber(one.port)] = one.name end
for row in sockq.tcp():rows() do print(row.local_port, names[row.local_port] or "-") end
]]

local NAMES = { ssh = "22", http = "80", https = "443", domain = "53", root = "0", localhost = "127.0.0.1" }

local function with(first, words)
  local all = { unpack(first) }
  for _, word in ipairs(words) do all[#all + 1] = word end
  return all
end

local function list_of(source, dir)
  local function over(words) return with(source, words) end
  return {
    { name = "netstat -antpo", first = true, words = over { "netstat", "-antpo" } },
    { name = "--ndjson with owners", words = over { "--ndjson", "-t", "-u", "-x" } },
    { name = "-g state", words = over { "-t", "-g", "state" }, numbers = true },
    { name = "sort and limit", words = over { "-t", "-s", "-recv_q", "-L", "3", "--tsv" },
      may = over { "-t", "-s", "-recv_q", "--tsv" } },
    { name = "a script", words = over { dir .. "/script.lua" } },
    { name = "a view", words = over { "--path", dir .. "/plugins", "ports_of" } },
    { name = "--read", words = { "--read", dir .. "/recording", "--csv" } },
    { name = "record", words = over { "record", dir .. "/made" }, fresh = dir .. "/made" },
    { name = "a report", words = over { "listen" }, numbers = true, names = NAMES },
    { name = "names", words = over { "netstat", "-atp" }, names = NAMES },
    { name = "limits", words = over { "--timeout", "60", "--max-memory", "1G", "netstat", "-antpo" }, rare = true },
    { name = "data", words = over { "--data", "ports=" .. dir .. "/ports.csv", dir .. "/join.lua" }, rare = true },
    { name = "trust", words = over { "--trust", dir .. "/script.lua" }, rare = true },
    { name = "ss -tanp", words = over { "ss", "-tanp" }, rare = true },
    { name = "by sudo", words = over { "netstat", "-antpo" }, rare = true,
      env = { SUDO_UID = "65534", SUDO_GID = "65534" } },
  }
end

--- Over a captured tree.
---@param dir string  a folder of the test's
function commands.captured(dir)
  posix.mkdirs(dir .. "/plugins/views")
  posix.write_file(dir .. "/plugins/views/ports_of.lua", VIEW)
  posix.write_file(dir .. "/script.lua", SCRIPT)
  posix.write_file(dir .. "/join.lua", JOIN)
  posix.write_file(dir .. "/ports.csv", "port,name\n22,ssh\n80,web\n")
  local tree = make_tree()
  local status, _, err = program.run { "--proc", tree, "record", dir .. "/recording" }
  assert(status == 0, err)
  return list_of({ "--proc", tree }, dir)
end

return commands
