--- Sockets of families that few kernels know, in the ss view, beside the real ss: a library tells both of
--- made-up ones: vsock, sctp, dccp, raw, tipc, xdp.
---
---   luajit tests/cli/ss_made_test.lua --sockq PATH

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/../lib/?.lua;" .. package.path

local ffi = require "ffi"
local check = require "check"
local plans = require "ss_plans"
local posix = require "posix"
local program = require "program"
local spawn = require "spawn"

local missing = plans.missing()
if missing then check.skip(missing) end
-- tests/bad/diag.c
local LIBRARY = program.path:match("^(.*)/[^/]+$") .. "/tests/libmade_diag.so"
if not posix.exists(LIBRARY) then check.skip(LIBRARY .. " is not there") end

local LINES = {
  vsock = {
    "--vsock", "--vsock -a", "--vsock -l", "--vsock -an", "--vsock -aH", "--vsock -aoemi", "--vsock -ap", "-f vsock -a",
    "-f vsock -aO", "-A v_str -a", "-A v_dgr -a", "-A v_str,v_dgr -l", "-A vsock", "--vsock state established",
    "--vsock state fin-wait-1 state listening", "--vsock -a src vsock:3", "--vsock -a src vsock:3:1024",
    "--vsock -a dst vsock:2", "--vsock -a sport = 1024", "--vsock -a sport > 60000", "--vsock -a dport < 1000",
    "--vsock -a autobound", "--vsock -a not autobound", "--vsock -a src vsock:*:22",
    "--vsock -a sport = vsock:22 or dport = 1024", "--vsock -a src 2", "--vsock -t -an sport = 1024",
    "--vsock -a fwmark 0", "--vsock -a dev 0", "--vsock -a cgroup /", "--vsock -a src vsock:x",
    "--vsock -a src vsock:4000000000:4000000000", "--vsock -a not src vsock:4", "--vsock -a dst vsock:*:*",
    "--vsock -a src :22", "-a src vsock:3:5", "-an src vsock:9 or sport = 22",
    "--vsock -ap not ( sport < 1024 or dport = 6 )",
  },
  sctp = {
    "-S", "-Sa", "-Sl", "-San", "-SanH", "-Sanp", "-SanT", "-Sano", "-Sane", "-Sanm", "-Sani", "-SanOi", "-SanOmie",
    "-Sanmiep", "-San --tos", "-San --inet-sockopt", "-SanO --inet-sockopt --tos --cgroup -e", "-San4", "-San6",
    "-Sani4o", "-Sani6o", "-San46", "-San64", "-San -f inet", "-San -f inet6", "-A sctp -an", "-A inet -an",
    "-A sctp,raw,dccp -a", "-A inet,!tcp -aoemi", "-S state established", "-S state listening", "-San state closed",
    "-San state connected exclude established", "-San sport = 22", "-San dport = 80 or sport > 1000",
    "-Sanp src 127.0.0.1", "-San dst 10.0.0.0/8", "-San src [::1]", "-San not ( src [2001:db8::]/32 or sport = :443 )",
    "-San fwmark = 7", "-San fwmark != 0", "-San dev lo", "-San autobound", "-San not autobound", "-Saoi sport != 0",
    "-San dst 10.1.2.3:80", "-twSan sport = 22", "-Sal", "-So state all", "-San cgroup /",
  },
  dccp = {
    "-d", "-da", "-dl", "-dan", "-danp", "-dano", "-dane", "-danm", "-dani", "-danOiem", "-dan4", "-dan6", "-daH",
    "-dan sport = 22", "-dan dst 10.1.2.3", "-dan state close-wait", "-d state listening", "-dSa", "-dan autobound",
    "-daneo --tos --inet-sockopt", "-dan fwmark 0",
  },
  raw = {
    "-w", "-wa", "-wl", "-wan", "-wanp", "-wanoe", "-wanm", "-wani", "-wanOiem", "-wan4", "-wan6", "-A raw,dccp -an",
    "-wa sport = 22", "-wan dst 10.1.2.3", "-w state close", "-wan autobound", "-wan --tos --cgroup", "-wan dev lo",
  },
  tipc = {
    "--tipc", "--tipc -a", "--tipc -l", "--tipc -an", "--tipc -ap", "--tipc -ae", "--tipc -aep", "--tipc -a --tipcinfo",
    "--tipc -aepO --tipcinfo", "--tipc -aH --tipcinfo -T", "-f tipc -a", "-A tipc -an", "-A tipc,vsock -an",
    "--tipc state established", "--tipc -a state syn-sent", "--tipc --xdp --vsock -an", "--tipc -t -an sport = 22",
    "--tipc -o -m -i -b --tos", "-aem --tipc --tipcinfo",
  },
  xdp = {
    "--xdp", "--xdp -a", "--xdp -l", "--xdp -an", "--xdp -ap", "--xdp -ae", "--xdp -aem", "--xdp -aepOm", "--xdp -aH",
    "-f xdp", "-A xdp", "-A xdp,netlink -H -n sport = 33000", "--xdp sport = 1", "--xdp -a sport > 0 and dport = 0",
    "--xdp autobound", "--xdp not autobound", "--xdp dev lo", "--xdp dev != lo", "--xdp fwmark 0", "--xdp state close",
    "--xdp state listening", "--xdp -e -o -i -b", "--xdp -m", "--xdp -T", "--xdp src 0.0.0.0/0", "--xdp src 0.0.0.0",
    "--xdp src [::1]", "--xdp src localhost", "--xdp dst any", "--xdp src 10", "--xdp src 10/8", "--tipc src 10.0.0.1",
    "--xdp src inet6:[::1]", "--xdp dst 10.0.0.1", "--xdp src :33000", "--xdp -a sport != 0", "--vsock --xdp -am",
    "--xdp cgroup /",
  },
}
-- Some by chance, the others as they are written.
local SEEDS = tonumber(os.getenv("SOCKQ_MADE_SEEDS") or 2)

ffi.cdef "int socket(int domain, int type, int protocol);"
local CLOEXEC = 0x80000
local held = ffi.C.socket(2, 2 + CLOEXEC, 0)
assert(held >= 0, "a socket of this test")
local inode = assert(spawn.readlink("/proc/self/fd/" .. held):match("%d+"))
local dir = posix.tmpdir "ss_made"

local function run(words, env, made)
  env.LD_PRELOAD, env.LC_ALL, env.MADE_DIAG = LIBRARY, "C", made
  local status, out, err = posix.run(words, { env = env, timeout = 60 })
  return status, out, err:gsub("[^\n]*\n *^\n$", "")
end

local rows = {}
local NETIDS = { vsock = "v_%l%l%l ", sctp = "sctp ", tipc = "ti_%l%l ", xdp = "xdp ", dccp = "dccp ", raw = "[^ ]+ " }

local function compare(family, line, made)
  local words = {}
  for word in line:gmatch "%S+" do words[#words + 1] = word end
  local status, out, err = run({ "ss", unpack(words) }, {}, made)
  local got_status, got, got_err = run({ program.path, "ss", unpack(words) }, program.environment(), made)
  check.equal(line .. ": exit status", got_status, status)
  check.ok(line .. ": standard output", got == out, plans.difference(out, got))
  -- Of a cgroup that is gone ss complains on standard error too, as often as it meets it.
  check.equal(line .. ": standard error", got_err, (err:gsub("[%a ]+ cgroup2[%a ]* ID\n", "")))
  rows[family] = (rows[family] or 0) + select(2, out:gsub("\n" .. NETIDS[family], ""))
end

for seed = 1, SEEDS do
  local made = ("%s/%d"):format(dir, seed)
  local status, _, err = posix.run({ "python3", here .. "/../lib/ss_made.py", made, inode, tostring(seed) })
  check.equal("sockets are made", status .. err, "0")
  for family, lines in pairs(LINES) do
    for _, line in ipairs(lines) do compare(family, line, made) end
  end
end
for family in pairs(LINES) do
  check.ok("rows of " .. family .. " were compared", rows[family] > 15 * SEEDS, rows[family])
end

-- Queries: of SCTP both sources have the same rows, and the same fields where both know them.
do
  local made, tree = dir .. "/plain", dir .. "/tree"
  local _, _, err = posix.run({ "python3", here .. "/../lib/ss_made.py", made, inode, "7", tree })
  check.equal("sockets are made", err, "")
  local function query(source, ...)
    local environment = program.environment()
    environment.LD_PRELOAD, environment.MADE_DIAG = LIBRARY, made
    local words = { program.path, source[1], source[2], "--from", "sctp", "-f", "tsv", ... }
    local status, out, wrong = posix.run(words, { env = environment, timeout = 60 })
    check.equal("sctp: " .. table.concat(words, " ", 3), status .. wrong, "0")
    return out
  end
  local COMMON = "proto,table,state,local_addr,local_port,remote_addr,remote_port,uid,inode,local_addrs,remote_addrs,assoc_state"
  local cases = { { COMMON }, { COMMON .. ",recv_q,send_q", 'table == "sctp/assocs"' }, { COMMON, "LISTEN" },
    { COMMON, "ESTAB" }, { COMMON, "CLOSE" },
    { COMMON, "LISTEN or CLOSE" }, { COMMON, "local_port == 22 or assoc_state == 'ESTABLISHED'" },
    { "assoc_state,n=count", "-g", "assoc_state" } }
  for i, case in ipairs(cases) do
    local words = { "-c", case[1], unpack(case, 2) }
    if case[2] == "-g" then words = { "-g", case[3], "-A", "count, sum(recv_q)", "assoc_state ~= nil" } end
    local text = query({ "--proc", tree }, unpack(words))
    for _, source in ipairs { "diag", "auto" } do
      check.equal(("sctp: case %d: %s"):format(i, source), query({ "--source", source }, unpack(words)), text)
    end
    check.ok(("sctp: case %d has rows"):format(i), select(2, text:gsub("\n", "")) > 3, text)
  end
  -- What one of them alone knows.
  local told = query({ "--source", "auto" }, "-c", "cookie,timer,sctp_rwnd,rmem_alloc", 'sctp_rwnd > 0')
  check.ok("sctp: what sock_diag knows", select(2, told:gsub("\n", "")) > 3, told)
  check.equal("sctp: assoc_id is of the text", query({ "--proc", tree }, "-c", "assoc_id", "-u"):match("17"), "17")
end
posix.cleanup()
check.finish()
