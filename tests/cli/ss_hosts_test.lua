--- Names of hosts in filters of the ss view, beside the real ss: both look them up in a file of this test's.
---
---   luajit tests/cli/ss_hosts_test.lua --sockq PATH

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/../lib/?.lua;" .. here .. "/../differential/?.lua;" .. package.path

local check = require "check"
local lines = require "ss_lines"
local plans = require "ss_plans"
local posix = require "posix"
local program = require "program"

local missing = plans.missing()
if missing then check.skip(missing) end
if posix.run({ "unshare", "-m", "true" }) ~= 0 then check.skip("no namespace of mounts can be made") end
check.at_end(posix.cleanup)

local scratch = posix.tmpdir "sockq-hosts"
local tree = scratch .. "/proc"
lines.make_tree(tree)
posix.write_file(scratch .. "/hosts", [[
127.0.0.1 localhost
::1 localhost
10.1.2.3 many many-alias
10.0.0.1 many
2001:db8::100:0 many
fe80::1 six-only
32.1.13.184 four.only
10.1.2.3 under_score
]])
posix.write_file(scratch .. "/nsswitch.conf", "hosts: files\nservices: files\nprotocols: files\n")

local FILTERS = {
  "src localhost", "src many", "dst many", "src many-alias", "src many:22", "src many:ssh", "src many:*", "src many:",
  "src six-only", "src four.only", "src inet:many", "src inet6:many", "src inet6:four.only", "src inet:six-only",
  "src many/8", "src [many]", "src [many]:22", "src MANY", "src under_score", "src nosuch", "not src many",
  "src many or src four.only", "( src six-only or dst localhost ) and not sport = 22", "src = many",
  "src == many:40000", "src eq localhost", "src != many", "dst dst", "src many many", "src 127.1x", "src many:nosuch",
  "src \\many", "src unix:many", "sport = many",
}
local OPTIONS = { "-tanH", "-4anH", "-6anH" }

local SCRIPT = [[
mount --bind "$1/hosts" /etc/hosts && mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf || exit 99
shift
exec "$@"
]]

local function run(words, env)
  local status, out, err = posix.run({ "unshare", "-m", "sh", "-c", SCRIPT, "sh", scratch, unpack(words) },
    { env = env, timeout = 60 })
  return status, out, err:gsub("[^\n]*\n *^\n$", "")
end

local rows = 0

local function compare(words)
  local status, out, err = run({ "ss", unpack(words) }, { PROC_ROOT = tree, LC_ALL = "C" })
  local got_status, got, got_err = run({ program.path, "--proc", tree, "ss", unpack(words) }, program.environment())
  local line = table.concat(words, " ")
  check.ok(line .. ": the files of hosts are there", status ~= 99)
  check.equal(line .. ": exit status", got_status, status)
  check.ok(line .. ": standard output", got == out, plans.difference(out, got))
  check.equal(line .. ": standard error", got_err, err)
  rows = rows + select(2, out:gsub("\n", ""))
end

for i, filter in ipairs(FILTERS) do
  local option, words = OPTIONS[i % 6 == 1 and 2 or i % 6 == 2 and 3 or 1], {}
  for word in filter:gmatch "%S+" do words[#words + 1] = word end
  compare({ option, unpack(words) })
  -- The same out of a file, over several lines, and with more of it on the command line.
  local file = ("%s/filter-%d"):format(scratch, i)
  posix.write_file(file, filter:gsub(" ", i % 3 == 0 and "\n" or " ", 1) .. "\n")
  compare({ option, "-F", file })
  if i % 5 == 0 then compare({ option, "-F", file, "src", "four.only" }) end
end
do
  -- More than one datagram holds: the first and the last.
  local names = { "src many" }
  for i = 1, 400 do names[#names + 1] = ("src host-%d.%s.example"):format(i, ("x"):rep(150)) end
  posix.write_file(scratch .. "/long", table.concat(names, "\nor ") .. "\n")
  compare({ "-tanH", "-F", scratch .. "/long" })
end
check.ok("sockets were let through", rows > 30, rows)
check.finish()
