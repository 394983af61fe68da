--- What the kernel tells to CAP_NET_ADMIN alone, in the ss view as root, beside the real ss: marks, keys of
--- TCP MD5, filters of packet sockets.
---
---   luajit tests/cli/ss_marks_test.lua --sockq PATH

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/../lib/?.lua;" .. package.path

local check = require "check"
local plans = require "ss_plans"
local posix = require "posix"
local program = require "program"

if posix.geteuid() ~= 0 then check.skip("only root has the capability") end
plans.inside(arg)

-- Each with what must be in it, or else the kernel has not told it to ss either.
local LINES = {
  { "-tane", " fwmark:0x2a " }, { "-ane", " fwmark:0x2a " }, { "-tani", " md5keys:192.0.2.1/32=" },
  { "-tanio", "key\\001\\177\\377\\054b\\040\\134[]~!+-State" },
  { "-0nb", "\tbpf filter (1): " }, { "-Htan fwmark = 42", ":80 " },
  { "-Htan fwmark = 0x2a/0xff and sport = 80", ":80 " }, { "-Htan fwmark != 42", ":22 " },
  { "-Htan ( fwmark = 42 )", ":80 " }, { "-tanOemi --tos", " fwmark:0x2a " },
}

local TRIES = 4

local function compare(one)
  local words, want, why = {}, nil, nil
  for word in one[1]:gmatch "%S+" do words[#words + 1] = word end
  for _ = 1, TRIES do
    local _, real = posix.run({ "ss", unpack(words) }, { env = { LC_ALL = "C" }, timeout = 60 })
    local status, out, err = posix.run({ program.path, "ss", unpack(words) },
      { env = program.environment(), timeout = 60 })
    want = plans.masked(plans.without_own(real))
    why = plans.difference(want, plans.masked(plans.without_own(out)))
      or status ~= 0 and ("status %s: %s"):format(status, err) or nil
    if not why then break end
  end
  check.ok("ss " .. one[1], not why, why)
  check.contains("ss " .. one[1] .. " is told", want, one[2])
end

for _, one in ipairs(LINES) do compare(one) end
local function query(...)
  local status, out, err = posix.run({ program.path, "-t", ... }, { env = program.environment(), timeout = 60 })
  return status .. out:gsub("^[^\n]*\n", "", 1):gsub("[ \n]+", " ") .. err
end
check.equal("a query that names marks", query("mark == 42", "-c", "mark,local_port", "-L", "1", "-s", "local_port"), "0 42 80 ")
check.equal("as a column alone", query("local_port == 80", "LISTEN", "-c", "mark"), "0 42 ")
check.equal("keys", query("md5_keys > 0", "-c", "md5_keys", "-f", "tsv"), "01 ")
do
  local status, out, err = posix.run({ program.path, "--from", "packet", "filter_len > 0", "-A", "count", "-f", "tsv" },
    { env = program.environment(), timeout = 60 })
  check.equal("filters", status .. out .. err, "0count\n1\n")
end
do
  local _, real = posix.run({ "ss", "-tani" }, { env = { LC_ALL = "C" }, timeout = 60 })
  local count = select(2, real:gsub(" tcp%-ulp%-", ""))
  check.equal("upper layers", query("ulp ~= nil", "-A", "count", "-f", "tsv"), ("0%d "):format(count))
  check.ok("there are some", count > 0)
end
-- Not asked for, or where Lua of a user's runs, the collector has no such right, but for where it keeps all that it has.
local rights = posix.read_file("/proc/self/status"):match("\nCapEff:%s*(%x+)")
if bit.band(tonumber(rights:sub(-8), 16), 2 ^ 19) ~= 0 then
  local dir = posix.tmpdir "sockq-marks"
  check.at_end(posix.cleanup)
  posix.mkdirs(dir .. "/formats")
  posix.write_file(dir .. "/formats/mine.lua", "return { open = function() end, row = function() end, close = function() end }\n")
  local none = "local_port == 80 and LISTEN"
  check.equal("with a plug-in about", query("--path", dir, none, "-c", "mark", "-f", "tsv"), "0 ")
  check.equal("with a timer's name", query("--timer", "ss", none, "-c", "mark", "-f", "tsv"), "0 ")
  local script = ("for row in sockq.tcp():where('%s'):needs{'mark'}:rows() do print('', row.mark) end"):format(none)
  local _, out = posix.run({ program.path, "-e", script }, { env = program.environment(), timeout = 60 })
  check.equal("in a script", out, "\tnil\n")
else
  program.skip_part("a query knows no marks", "there is no CAP_SYS_PTRACE")
end
check.finish()
