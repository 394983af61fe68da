--- The live view in a pipe: blocks, events, opens that were not seen, --wait and -q.
--
--   luajit tests/cli/watch_test.lua --sockq PATH          from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"
local spawn = require "spawn"

check.at_end(posix.cleanup)
check.at_end(spawn.cleanup)

local DIR = posix.tmpdir("sockq-watch")
local OUT, ERR = DIR .. "/out", DIR .. "/err"
local TIME = "%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d[+-]%d%d:%d%d"

local LISTENER = rows.tcp { lport = 80, state = 10, inode = 1 }
local function connection(port, more)
  local fields = { lport = 80, raddr = "0100007F", rport = port, state = 1, inode = port }
  for name, value in pairs(more or {}) do fields[name] = value end
  return rows.tcp(fields)
end

local TREE = program.tree { ["net/tcp"] = rows.file("tcp", {}) }

-- What the tree shows from the next look on, all at once.
local function show(list)
  posix.write_file(TREE .. "/next", type(list) == "string" and list or rows.file("tcp", list))
  assert(os.rename(TREE .. "/next", TREE .. "/net/tcp"))
end

local function start(words)
  posix.write_file(OUT, "")
  local argv = { program.path, "--proc", TREE }
  for _, word in ipairs(words) do argv[#argv + 1] = word end
  return spawn.start(argv, { stdout = OUT, stderr = ERR, env = program.environment() })
end

-- The output without its times, when there are `count` lines of it.
local function lines(count)
  local text
  spawn.wait_for(10, function()
    text = posix.read_file(OUT) or ""
    return select(2, text:gsub("\n", "")) >= count
  end)
  return (text:gsub(TIME, "TIME"))
end

local function stop(name, child)
  child:kill(spawn.SIGINT)
  check.equal(name .. ": Ctrl-C ends it", child:wait(5), 130)
  check.equal(name .. ": quietly", posix.read_file(ERR), "")
  child:finish()
end

-- Blocks

do
  show { LISTENER }
  local status, out, err = program.run { "--proc", TREE, "--watch=0.1", "--times", "2", "-c", "local_port,state" }
  check.equal("blocks: status", status .. err, "0")
  check.equal("blocks", (out:gsub(TIME, "TIME")), "TIME\nlocal_port  state\n        80  LISTEN\n\nTIME\n"
    .. "local_port  state\n        80  LISTEN\n")
  status, out = program.run { "--proc", TREE, "--watch=0.1", "--times", "2", "netstat", "-lnt" }
  check.equal("blocks of a view: status", status, 0)
  check.equal("blocks of a view", select(2, out:gsub("127.0.0.1:80 ", "")), 2)
  local first, second = out:match("^(" .. TIME .. ")\n.*\n\n(" .. TIME .. ")\nActive")
  check.ok("blocks of a view: a time before each", first and second and first < second, out)
  show {}
  status, out = program.run { "--proc", TREE, "--watch=0.1", "--times", "2", "-c", "local_port" }
  check.equal("blocks without rows: status", status, 1)
  check.equal("blocks without rows", (out:gsub(TIME, "TIME")), "TIME\n\nTIME\n")
  show { LISTENER }
  status, out = program.run { "--proc", TREE, "--watch=0.1", "--times", "2", "--csv", "-c", "local_port,state" }
  check.equal("csv", status .. (out:gsub(TIME, "TIME")), "0time,local_port,state\r\nTIME,80,LISTEN\r\nTIME,80,LISTEN\r\n")
  status, out = program.run { "--proc", TREE, "--watch=0.1", "--times", "2", "--tsv", "--no-header", "-c", "state" }
  check.equal("tsv without header", status .. (out:gsub(TIME, "TIME")), "0TIME\tLISTEN\nTIME\tLISTEN\n")
  status, out = program.run { "--proc", TREE, "--watch=0.1", "--times", "2", "--json", "-c", "local_port" }
  check.equal("json: status", status, 0)
  check.equal("json", (out:gsub(TIME, "TIME"):gsub("%s", "")),
    ('{"time":"TIME","rows":[{"local_port":80}]}'):rep(2))
  local began = spawn.now()
  program.run { "--proc", TREE, "--watch=0.4", "--times", "3", "-c", "local_port" }
  local took = spawn.now() - began
  check.ok("the interval is kept", took >= 0.8 and took < 3, tostring(took))
end

-- The time zone of a stamp

do
  local _, out = program.run({ "--proc", TREE, "--watch=0.1", "--times", "1", "-c", "state" }, { env = { TZ = "XYZ-5:30" } })
  check.ok("a stamp has the local offset", out:find("^%d+%-%d+%-%d+T%d+:%d+:%d+%.%d+%+05:30\n"), out)
end

-- Events

do
  show { LISTENER, connection(1000) }
  local child = start { "--watch=0.1", "-f", "ndjson", "-c", "remote_port,state,recv_q" }
  local first = '{"time":"TIME","event":"open","first":true,"remote_port":0,"state":"LISTEN","recv_q":0}\n'
    .. '{"time":"TIME","event":"open","first":true,"remote_port":1000,"state":"ESTABLISHED","recv_q":0}\n'
  check.equal("events: the first look", lines(2), first)
  show { connection(1000, { rx = 5 }), connection(1001) }
  local second = '{"time":"TIME","event":"close","remote_port":0,"state":"LISTEN","recv_q":0}\n'
    .. '{"time":"TIME","event":"change","remote_port":1000,"state":"ESTABLISHED","recv_q":5,"changed":{"recv_q":[0,5]}}\n'
    .. '{"time":"TIME","event":"open","remote_port":1001,"state":"ESTABLISHED","recv_q":0}\n'
  check.equal("events: closed, changed, opened", lines(5), first .. second)
  -- On the way to TIME_WAIT a socket loses its inode and stays the same.
  show { connection(1001, { state = 6, inode = 0, timer = 3, when = 6000 }), connection(1000, { rx = 5 }) }
  local third = '{"time":"TIME","event":"change","remote_port":1001,"state":"TIME_WAIT","recv_q":0,'
    .. '"changed":{"state":["ESTABLISHED","TIME_WAIT"]}}\n'
  check.equal("events: to TIME_WAIT", lines(6), first .. second .. third)
  show {}
  local fourth = '{"time":"TIME","event":"close","remote_port":1001,"state":"TIME_WAIT","recv_q":0}\n'
    .. '{"time":"TIME","event":"close","remote_port":1000,"state":"ESTABLISHED","recv_q":5}\n'
  check.equal("events: all are gone", lines(8), first .. second .. third .. fourth)
  stop("events", child)
end
do
  -- a timer that runs is no change; another timer is; so is another number of retransmissions
  show { connection(7, { timer = 2, when = 700000 }) }
  local child = start { "--watch=0.1", "--ndjson", "-c", "timer,expires,retrans" }
  local first = '{"time":"TIME","event":"open","first":true,"timer":"keepalive","expires":7000,"retrans":0}\n'
  check.equal("timers: the first look", lines(1), first)
  show { connection(7, { timer = 2, when = 699900 }) }
  spawn.sleep(0.3)
  show { connection(7, { timer = 1, when = 20, retrans = 2 }) }
  check.equal("timers: another one", lines(2), first
    .. '{"time":"TIME","event":"change","timer":"on","expires":0.2,"retrans":2,"changed":'
    .. '{"timer":["keepalive","on"],"retrans":[0,2]}}\n')
  stop("timers", child)
end
do
  -- groups: what is known and what is not
  show { LISTENER, connection(1), connection(2) }
  local child = start { "--watch=0.1", "--ndjson", "-g", "state", "-A", "count, max(expires)" }
  lines(2)
  show { LISTENER, connection(1) }
  check.ok("groups: a counter", lines(3):find('{"time":"TIME","event":"change","state":"ESTABLISHED","count":1,'
    .. '"max(expires)":null,"changed":{"count":[2,1]}}\n', 1, true), lines(3))
  stop("groups", child)
end
do
  -- unknown is null in a change as well
  show { connection(1, { state = 3, inode = 0 }) }
  local child = start { "--watch=0.1", "--ndjson", "-c", "state,inode" }
  lines(1)
  show { connection(1) }
  check.equal("unknown", lines(2), '{"time":"TIME","event":"open","first":true,"state":"SYN_RECV","inode":null}\n'
    .. '{"time":"TIME","event":"change","state":"ESTABLISHED","inode":1,"changed":'
    .. '{"state":["SYN_RECV","ESTABLISHED"],"inode":[null,1]}}\n')
  stop("unknown", child)
end

-- Bad data: told once while it stays, and the status is that of the last look

do
  show(rows.file("tcp", { LISTENER, "nonsense" }))
  local status, out, err = program.run { "--proc", TREE, "--watch=0.1", "--times", "3", "-c", "local_port" }
  check.equal("bad rows: status", status, 3)
  check.equal("bad rows: what could be read", select(2, out:gsub("        80\n", "")), 3)
  check.equal("bad rows: told once", select(2, err:gsub("\n", "")), 1)
  check.contains("bad rows: where", err, "net/tcp:3: ")
  local child = start { "--watch=0.1", "--times", "8", "-c", "local_port" }
  lines(3)
  show { LISTENER }
  check.equal("bad rows that went away", child:wait(5), 0)
  child:finish()
end

-- Wrong usage

local function refused(name, words, err)
  local all = { "--proc", TREE }
  for _, word in ipairs(words) do all[#all + 1] = word end
  program.refuses(name, all, { err = err })
end
local FORM = "give seconds from 0.1, or a number with ms, s, m, h or d"
refused("--watch=x", { "--watch=x" }, "--watch: x is no time between two looks; " .. FORM)
refused("--watch=0", { "--watch=0" }, "--watch: 0 is no time between two looks; " .. FORM)
refused("--wait=50ms", { "--wait=50ms" }, "--wait: 50ms is no time between two looks; " .. FORM)
refused("--times 0", { "--watch", "--times", "0" }, "--times: 0 is no number of looks; give a whole number from 1")
refused("--times x", { "--wait", "--times", "x" }, "--times: x is no number of looks; give a whole number from 1")
refused("--times alone", { "--times", "3" },
  "--times: it counts the looks of --watch and --wait, or the sockets of --follow; give one of them")
refused("--every", { "--every", "3" }, "--every: only sockq record takes it; give --watch=S or --wait=S")
refused("--watch --wait", { "--watch", "--wait" }, "--watch: --wait looks again by itself; leave one of them out")
refused("--watch -q", { "--watch", "-q" }, "--watch: -q prints nothing, and --watch would show it; leave one of them out")
refused("a script", { "--watch", "-e", "print(1)" }, "--watch: a script looks and prints as it likes; leave it out")
refused("a command", { "--watch", "list", "views" }, { "--watch: the command list " })
refused("netstat -c", { "--wait", "netstat", "-c" }, "netstat -c: it looks again by itself; leave out -c")
refused("--wait netstat", { "--wait", "netstat" },
  "--wait: this view does not say whether it found rows; wait for an expression")
program.refuses("a wrong expression", { "--proc", TREE, "--watch", "stat == 1" }, { err = { "stat" }, opts = { timeout = 10 } })

-- --wait and -q

do
  show { LISTENER }
  local status, out, err = program.run { "--proc", TREE, "--wait", "-c", "state", "LISTEN" }
  check.equal("--wait: at once", status .. out .. err, "0state\nLISTEN\n")
  local began = spawn.now()
  status, out, err = program.run { "--proc", TREE, "--wait=0.2", "--times", "3", "ESTABLISHED" }
  check.equal("--wait: gives up", status .. out .. err, "1")
  local took = spawn.now() - began
  check.ok("--wait: after three looks", took >= 0.4 and took < 3, tostring(took))
  local child = start { "--wait=0.1", "-c", "remote_port", "ESTABLISHED" }
  check.equal("--wait: waits", child:wait(0.5), nil)
  show { LISTENER, connection(9) }
  check.equal("--wait: found", child:wait(5), 0)
  check.equal("--wait: prints", posix.read_file(OUT) .. posix.read_file(ERR), "remote_port\n          9\n")
  child:finish()
  show { LISTENER }
  child = start { "--wait=0.1", "-q", "ESTABLISHED" }
  check.equal("--wait -q: waits", child:wait(0.3), nil)
  show { LISTENER, connection(9) }
  check.equal("--wait -q: found", child:wait(5), 0)
  check.equal("--wait -q: prints nothing", posix.read_file(OUT) .. posix.read_file(ERR), "")
  child:finish()
  child = start { "--wait=30", "SYN_SENT" }
  check.equal("--wait: Ctrl-C", child:wait(0.3), nil)
  child:kill(spawn.SIGINT)
  check.equal("--wait: Ctrl-C ends it", child:wait(5), 130)
  child:finish()
  -- a group is there once one of its rows is
  status, out = program.run { "--proc", TREE, "--wait", "-g", "state", "LISTEN" }
  check.equal("--wait -g", status .. out, "0state   count\nLISTEN      1\n")
end
do
  show { LISTENER }
  local function quiet(name, words, want)
    local all = { "--proc", TREE, "-q" }
    for _, word in ipairs(words) do all[#all + 1] = word end
    local status, out, err = program.run(all)
    check.equal("-q, " .. name, status .. out .. err, want)
  end
  quiet("rows", { "LISTEN" }, "0")
  quiet("none", { "SYN_SENT" }, "1")
  quiet("a group", { "-g", "state" }, "0")
  quiet("another format", { "--json" }, "0")
  quiet("a view", { "netstat", "-ant" }, "0")
  quiet("wrong", { "LISTN" }, (select(3, program.run { "--proc", TREE, "LISTN" }):gsub("^", "2")))
  show(rows.file("tcp", { "nonsense" }))
  local status, out, err = program.run { "--proc", TREE, "-q" }
  check.equal("-q, bad rows", status .. out, "3")
  check.contains("-q, bad rows: says so", err, "net/tcp:2: ")
  -- it stops at the first row: what is wrong behind it is not read
  local many = program.tree { ["net/tcp"] = rows.many_tcp(1000) .. "nonsense\n" }
  local _, _, told = program.run { "--proc", many, "-A", "count" }
  check.contains("all rows: says what is wrong", told, "net/tcp:1002: ")
  status, out, err = program.run { "--proc", many, "-q" }
  check.equal("-q stops at the first row", status .. out .. err, "0")
end

check.finish()
