--- Sockets and processes come and go by the thousand while sockq runs again and again: every socket that
--- lived all the while is listed exactly once, with the right owner, and nothing is said of what vanished.
--
--   luajit tests/races/races.lua --sockq PATH --world PATH_OF_WORLD_PROGRAM [--runs N] [--netstat PATH]
--
-- The world program makes namespaces with sockets that stay, move and vanish, and starts this file again
-- inside, with the list of those that stay: once with processes of root's, and once with those of another
-- user, who sees them all as well. With --netstat that program is judged in place of sockq, for comparison.
-- Exit status: 0 all held, 1 not, 77 namespaces are not permitted here.

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/../lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local cjson = require "cjson"
local subject = require "program"

local options = {}
for i, word in ipairs(arg) do
  local name = word:match("^%-%-(%w+)$")
  if name then options[name] = arg[i + 1] end
end
--- No more than so many faults of a kind are printed.
local SHOWN = 8

--- Two processes have one pid in turn, and bind these.
local SAME_PID = { [61001] = "same-a", [61002] = "same-b" }

--- The list of the world: sockets by kind and inode.
local function read_list(path)
  local list, count = {}, 0
  for line in io.lines(path) do
    local kind, inode, from, to, role, pid = line:match("^(%S+)\t(%d+)\t(%S+)\t(%S+)\t(%S+)\t(%d+)$")
    list[#list + 1] = { kind = kind, inode = tonumber(inode), role = role, pid = tonumber(pid),
      name = kind:sub(1, 3) .. " " .. from .. " " .. to }
    count = count + 1
  end
  return list, count
end

--- How else a process of a role may be named: one that ends has no command line any more, and one that
--- becomes another program not yet; netstat then names none, other views the comm.
local ALSO = { chain = { [""] = true }, execs = { [""] = true, exe = true } }

local tally = { lost = 0, doubled = 0, owner = 0, unknown = 0, messages = 0, status = 0 }

local function fault(kind, text)
  tally[kind] = tally[kind] + 1
  if tally[kind] <= SHOWN then io.stdout:write("  ", kind, ": ", text, "\n") end
end

--- What one listing says of one socket: key → { times, pid, program }.
local function note(seen, key, pid, program)
  local one = seen[key]
  if one then
    one.times = one.times + 1
  else
    seen[key] = { times = 1, pid = pid, program = program }
  end
end

local function check_same_pid(port, program)
  local role = SAME_PID[port]
  -- Of a process that ends netstat has no name to show (doc/security.md).
  if role and program and program ~= "" and program ~= role then
    fault("owner", ("port %d is %s's, not of %s, which had its pid before or later"):format(port, role, program))
  end
end

--- Lines of netstat, by addresses (TCP, UDP, raw) or inode (unix).
local function read_netstat(text)
  local seen = {}
  for line in text:gmatch("[^\n]+") do
    local from, to, rest = line:match("^tcp6? +%d+ +%d+ +(%S+) +(%S+) +%S+ +(.-) *$")
    if not from then from, to, rest = line:match("^udp6? +%d+ +%d+ +(%S+) +(%S+) +(.-) *$") end
    local pid, program = (rest or ""):match("^(%d+)/(.*)$")
    program = program and program:gsub(" +$", "")
    if from then
      note(seen, line:sub(1, 3) .. " " .. from .. " " .. to, tonumber(pid), program)
      check_same_pid(tonumber(from:match("(%d+)$")), program)
    end
    local inode, owner = line:match("^unix .- (%d+) +(%d+/%S+)")
    if inode then note(seen, tonumber(inode), tonumber(owner:match("^%d+")), owner:match("/(.*)$")) end
  end
  return seen
end

--- Rows as JSON, by inode. Every owner has to have the role of the first.
local function read_rows(text)
  local seen = {}
  for line in text:gmatch("[^\n]+") do
    local row = cjson.decode(line)
    local pid, program = tonumber(row.pid), row.program ~= cjson.null and row.program or nil
    if row.inode ~= cjson.null then
      note(seen, row.inode, pid, program)
      for _, owner in ipairs(row.owners) do
        if owner.program ~= program and not SAME_PID[row.local_port] then
          fault("owner", ("inode %d has an owner %s beside %s"):format(row.inode, tostring(owner.program), tostring(program)))
        end
      end
    end
    check_same_pid(tonumber(row.local_port), program)
  end
  return seen
end

--- What is run in turn, which kinds it lists, and how it names a socket.
local COMMANDS = {
  { words = { "netstat", "-antp" }, kinds = { tcp = "name" }, read = read_netstat },
  { words = { "-t", "-u", "-w", "-x", "-f", "ndjson", "-c", "proto,local_port,inode,pid,program,owners" },
    kinds = { tcp = "inode", udp = "inode", udp6 = "inode", raw = "inode", unix = "inode" }, read = read_rows },
  { words = { "netstat", "-anp" }, kinds = { tcp = "name", udp = "name", udp6 = "name", unix = "inode" },
    read = read_netstat },
}

local function judge(list, command, run)
  local argv = options.netstat and { options.netstat } or { options.sockq }
  for i = options.netstat and 2 or 1, #command.words do argv[#argv + 1] = command.words[i] end
  local status, out, err = posix.run(argv, { timeout = 60, env = { LC_ALL = "C" } })
  local what = ("run %d, %s: "):format(run, table.concat(command.words, " ", 1, 2))
  if status ~= 0 then fault("status", what .. status) end
  if err ~= "" then fault("messages", what .. err) end
  local seen = command.read(out)
  -- What moves, is connected or is bound meanwhile as well.
  for key, one in pairs(seen) do
    if type(key) == "number" and one.times > 1 then fault("doubled", what .. ("inode %d, %d times"):format(key, one.times)) end
  end
  for _, socket in ipairs(list) do
    local key = command.kinds[socket.kind] and socket[command.kinds[socket.kind]]
    local one = key and seen[key]
    local text = key and ("%s%s %s of %s"):format(what, socket.kind, key, socket.role)
    if key and not one then
      fault("lost", text)
    elseif one then
      if one.times > 1 and type(key) ~= "number" then fault("doubled", text .. (", %d times"):format(one.times)) end
      local named = one.program == socket.role or (ALSO[socket.role] or {})[one.program]
      if not one.program and not one.pid then
        fault("unknown", text .. " is said to be nobody's")
      elseif not named or (socket.pid ~= 0 and one.pid ~= socket.pid) then
        fault("owner", ("%s is said to be %s/%s's"):format(text, tostring(one.pid), tostring(one.program)))
      end
    end
  end
end

-- What is refused is told, of the processes that are there.
local function check_refusals()
  local words = { "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", options.sockq }
  for _, view in ipairs {
    { words = { "-t", "-f", "ndjson" }, text = "^sockq: owners: %d+ of %d+ processes may not be read; [^\n]+\n$" },
    { words = { "netstat", "-antp" }, text = "you should be root" },
  } do
    local argv = { unpack(words) }
    for _, word in ipairs(view.words) do argv[#argv + 1] = word end
    local status, _, err = posix.run(argv, { timeout = 60, env = { LC_ALL = "C" } })
    check.equal("permission refusals are no failure", status, 0)
    check.ok("permission refusals are told apart from vanished processes: " .. view.words[1], err:find(view.text), err)
  end
end

local function inside()
  local list, count = read_list(options.list)
  local runs = tonumber(options.runs)
  check.at_end(posix.cleanup)
  for run = 1, runs do judge(list, COMMANDS[run % (options.netstat and 1 or #COMMANDS) + 1], run) end
  print(("races: %d runs, %d stable sockets each, lost %d, doubled %d, wrong owner %d, owner unknown %d, messages %d"):format(
    runs, count, tally.lost, tally.doubled, tally.owner, tally.unknown, tally.messages))
  check.equal("every socket that lived through the run is listed", tally.lost, 0)
  check.equal("every socket is listed once", tally.doubled, 0)
  check.equal("no socket has a wrong owner", tally.owner, 0)
  -- Of sockets that are handed on without end, by a machine that has no time: each is looked for eight times.
  check.ok("hardly a socket has none", tally.unknown <= runs / 50, tally.unknown)
  check.equal("nothing is said of what vanished", tally.messages, 0)
  check.equal("what vanished is no failure", tally.status, 0)
  if posix.geteuid() == 0 then check_refusals() end
  check.finish()
end

--- The world of one user: prints what it printed.
local function run_world(user, runs)
  local folder = posix.tmpdir("sockq-races")
  posix.chmod(folder, tonumber("777", 8))
  local words = { options.world, folder .. "/list", user, arg[-1] or "luajit", arg[0], "--inside", "yes",
    "--list", folder .. "/list", "--runs", tostring(runs), "--sockq", options.sockq }
  if options.netstat then
    words[#words + 1] = "--netstat"
    words[#words + 1] = options.netstat
  end
  local status, out, err = posix.run(words, { timeout = 420 })
  io.stdout:write(out)
  io.stderr:write(err)
  if status == 77 then check.skip("namespaces are not permitted") end
  check.equal("processes of " .. user, status, 0)
  local sockets, processes, moves = out:match("counts\t(%d+)\t(%d+)\t(%d+)")
  if sockets then
    print(("%s: %s sockets and %s processes came and went, %s moves of sockets"):format(user, sockets, processes, moves))
    check.ok("sockets came and went by the thousand", tonumber(sockets) > 1000 and tonumber(moves) > 1000, out)
  end
end

local function outside()
  check.at_end(posix.cleanup)
  local sanitized = subject.sanitized
  run_world("root", options.runs or (sanitized and 12 or 200))
  run_world("nobody", options.runs or (sanitized and 3 or 24))
  check.finish()
end

if options.inside then inside() else outside() end
