--- The live view over sockets that this test opens and closes, in a network namespace of its own:
--- events as they happen, and how many opens no look can have seen.
--
--   luajit tests/cli/watch_live_test.lua --sockq PATH     from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local spawn = require "spawn"

local is_inside = arg[3] == "--inside"
if not is_inside then
  -- As root without a user namespace: the interpreter has no rights in one.
  local unshare = posix.geteuid() == 0 and "unshare -n" or "unshare -rn"
  if program.shell(unshare .. " true && echo can") == "" then check.skip("network namespaces are not permitted") end
  if not program.has("ip") then check.skip("ip is not installed") end
  local status = os.execute(("exec %s sh -c 'ip link set lo up && exec luajit %s --sockq %s --inside'"):format(unshare,
    arg[0], posix.quote(program.path)))
  os.exit(status == 0 and 0 or 1)
end

local ffi = require "ffi"
local C = ffi.C
ffi.cdef [[
  int socket(int family, int type, int protocol);
  int bind(int fd, const void *address, unsigned size);
  int listen(int fd, int backlog);
  int connect(int fd, const void *address, unsigned size);
  int accept(int fd, void *address, void *size);
]]

check.at_end(posix.cleanup)
check.at_end(spawn.cleanup)

local DIR = posix.tmpdir("sockq-live")
local OUT, ERR = DIR .. "/out", DIR .. "/err"
local TIME = "%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d[+-]%d%d:%d%d"
local PORT = 4711

local function address(port)
  return ffi.new("unsigned char[16]", { 2, 0, math.floor(port / 256), port % 256, 127, 0, 0, 1 })
end

local function succeed(result)
  assert(result >= 0, "errno " .. ffi.errno())
  return result
end

local listener = succeed(C.socket(2, 1, 0))
succeed(C.bind(listener, address(PORT), 16))
succeed(C.listen(listener, 64))

-- Both ends of a new connection.
local function open()
  local client = succeed(C.socket(2, 1, 0))
  succeed(C.connect(client, address(PORT), 16))
  return client, succeed(C.accept(listener, nil, nil))
end

local function start(words)
  posix.write_file(OUT, "")
  local argv = { program.path }
  for _, word in ipairs(words) do argv[#argv + 1] = word end
  return spawn.start(argv, { stdout = OUT, stderr = ERR, env = program.environment() })
end

local function output(want, seconds)
  local text
  spawn.wait_for(seconds or 10, function()
    text = (posix.read_file(OUT) or ""):gsub(TIME, "TIME")
    return text == want
  end)
  return text
end

-- A connection that stays, one end of which goes to TIME_WAIT

do
  local child = start { "--watch=0.2", "-t", "--ndjson", "-c", "state" }
  local want = '{"time":"TIME","event":"open","first":true,"state":"LISTEN"}\n'
  check.equal("the first look", output(want), want)
  local client, server = open()
  want = want .. '{"time":"TIME","event":"open","state":"ESTABLISHED"}\n{"time":"TIME","event":"open","state":"ESTABLISHED"}\n'
  check.equal("both ends of a connection", output(want), want)
  C.close(client)
  local half = want .. '{"time":"TIME","event":"change","state":"CLOSE_WAIT","changed":{"state":["ESTABLISHED","CLOSE_WAIT"]}}\n'
    .. '{"time":"TIME","event":"change","state":"FIN_WAIT2","changed":{"state":["ESTABLISHED","FIN_WAIT2"]}}\n'
  -- In which order the kernel lists them is its own business.
  local other = want .. '{"time":"TIME","event":"change","state":"FIN_WAIT2","changed":{"state":["ESTABLISHED","FIN_WAIT2"]}}\n'
    .. '{"time":"TIME","event":"change","state":"CLOSE_WAIT","changed":{"state":["ESTABLISHED","CLOSE_WAIT"]}}\n'
  spawn.wait_for(10, function() return #(posix.read_file(OUT):gsub(TIME, "TIME")) >= #half end)
  local text = output(half, 0)
  check.ok("one end is closed", text == half or text == other, text)
  C.close(server)
  want = text .. '{"time":"TIME","event":"close","state":"CLOSE_WAIT"}\n'
    .. '{"time":"TIME","event":"change","state":"TIME_WAIT","changed":{"state":["FIN_WAIT2","TIME_WAIT"]}}\n'
  check.equal("both are: one row is gone, the other waits", output(want), want)
  -- Nothing of all that went unseen.
  spawn.sleep(0.5)
  check.equal("nothing more", output(want, 0), want)
  child:kill(spawn.SIGINT)
  check.equal("Ctrl-C", child:wait(5), 130)
  child:finish()
end

-- Connections that come and go between two looks: each has two opens and leaves one row in TIME_WAIT

do
  local child = start { "--watch=1", "--ndjson", "-c", "state" }
  check.ok("unseen: the first look", spawn.wait_for_text(OUT, "LISTEN"))
  for _ = 1, 7 do
    local client, server = open()
    C.close(client)
    C.close(server)
  end
  check.ok("unseen: it is told", spawn.wait_for_text(OUT, '"event":"unseen"'), posix.read_file(OUT))
  local text = posix.read_file(OUT):gsub(TIME, "TIME")
  check.equal("unseen: how many", text:match('({"time":"TIME","event":"unseen".*)$'),
    '{"time":"TIME","event":"unseen","count":7}\n')
  check.equal("unseen: the rows that were seen", select(2, text:gsub('"event":"open","state":"TIME_WAIT"', "")), 7)
  -- A connection that nobody accepts is refused: an open that leaves no row at all.
  local refused = C.socket(2, 1, 0)
  check.ok("refused", C.connect(refused, address(PORT + 1), 16) < 0)
  C.close(refused)
  check.ok("unseen: a refused one", spawn.wait_for_text(OUT, '"event":"unseen","count":1}'), posix.read_file(OUT))
  child:kill(spawn.SIGINT)
  child:wait(5)
  child:finish()

  -- in blocks a line says so
  child = start { "--watch=1", "-t", "-c", "state" }
  check.ok("blocks: the first look", spawn.wait_for_text(OUT, "LISTEN"))
  for _ = 1, 3 do
    local client, server = open()
    C.close(client)
    C.close(server)
  end
  check.ok("blocks: it is told", spawn.wait_for_text(OUT, "\n3 more opens came and went unseen\n"), posix.read_file(OUT))
  child:kill(spawn.SIGINT)
  child:wait(5)
  child:finish()

  -- a condition leaves rows out: then nobody can tell
  child = start { "--watch=0.3", "--ndjson", "-c", "state", "LISTEN" }
  check.ok("a condition: the first look", spawn.wait_for_text(OUT, "LISTEN"))
  local client, server = open()
  C.close(client)
  C.close(server)
  spawn.sleep(1)
  check.equal("a condition: nothing is told", output("", 0), '{"time":"TIME","event":"open","first":true,"state":"LISTEN"}\n')
  child:kill(spawn.SIGINT)
  child:wait(5)
  child:finish()
end

-- Is the server up?

do
  local child = start { "--wait=0.2", "-q", ":" .. PORT + 2, "LISTEN" }
  check.equal("--wait: not yet", child:wait(0.6), nil)
  local late = succeed(C.socket(2, 1, 0))
  succeed(C.bind(late, address(PORT + 2), 16))
  succeed(C.listen(late, 1))
  check.equal("--wait: it is up", child:wait(5), 0)
  C.close(late)
  child:finish()
end

check.finish()
