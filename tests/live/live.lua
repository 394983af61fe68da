--- Live sockets of every state: sockq against netstat, and against what was made.
--
--   luajit tests/live/live.lua --sockq PATH --sockets PATH_OF_SOCKETS_PROGRAM
--
-- Runs itself again inside the network namespace that the sockets program makes. There, for
-- every line of OPTIONS, netstat, `sockq netstat` and netstat once more are run, and sockq's
-- output, exit status and standard error must be netstat's; running clocks may lie in between.
-- Before that, each socket of the program's list must be what the list says, by sockq's Lua
-- interface. Exit status: 0 all passed, 1 not, 77 network namespaces are not permitted here.

local here = arg[0]:match("^(.*)/") or "."
package.path = here .. "/?.lua;" .. here .. "/../lib/?.lua;" .. package.path

local ffi = require "ffi"
local check = require "check"
local posix = require "posix"
local compare = require "compare"
local listed = require "listed"

ffi.cdef [[
  struct live_time { long seconds, nanoseconds; };
  int clock_gettime(int clock, struct live_time *now);
  int execvp(const char *file, const char *argv[]);
]]

--- An argument list of netstat a line; "#" begins a remark.
local OPTIONS = [[
# what people type
-antpo
-antp
-anto
-ant
-tan
-tano
-tanpo
-tulpn
-tunap
-lnt
-lntp
-lntpo
-nt
-ntp
-nto
-ano
-an
-anp
-anpo
-n
-np
-l -n
-l -n -p
# with names; lookups fail at once, there is no network
-a
-l
-t
-at
-ate
-atpe
-au
-aw
-ax
(none)
# more columns
-ane
-anoe
-anpe
-antoe
-antpoe
-antpoW
-antW
-anteW
-tanpoeW
-anuW
-nW
# other protocols
-anu
-anuo
-anup
-anupoe
-lnu
-nu
-anU
-anUpoe
-lnU
-anw
-anwo
-anwpoe
-lnw
-nw
-anx
-anxp
-anxpoeW
-lnx
-lnxp
-nx
-nxp
-anS
-tuUwx -an
-tuUwx -anpoe
# families
-4an
-6an
-46an
-4tano
-6tano
-4tanpoe
-6tanpoeW
-4lnt
-6lnt
-4nu
-6nu
-4anw
-6anw
-4x -an
-4 -n
-6 -n -p
-A inet -an
-A inet6 -anp
-A unix -an
-A inet,unix -anp
# long options
--tcp --all --numeric --programs --timers
--tcp --all --numeric --extend --wide
--udp --listening --numeric
--unix --all
--inet --numeric-hosts -a
--tcp --numeric-ports --all
--numeric-users -ate
--raw --inet6 --all --numeric
]]

local TRIES = 5

local function usage(text)
  io.stderr:write("live.lua: ", text, "\nusage: luajit tests/live/live.lua --sockq PATH ",
    "--sockets PATH [--netstat PATH]\n")
  os.exit(2)
end

local function parse_arguments(words)
  local known = { ["--sockq"] = "sockq", ["--sockets"] = "sockets", ["--netstat"] = "netstat" }
  local options = { netstat = "netstat" }
  local i = 1
  while i <= #words do
    local key = known[words[i]]
    if words[i] == "--inside" then
      options.inside = true
    elseif key and words[i + 1] then
      i = i + 1
      options[key] = words[i]
    else
      usage("unknown or incomplete option " .. words[i])
    end
    i = i + 1
  end
  if not options.sockq then usage("--sockq is missing") end
  return options
end

--- Seconds on a clock that never jumps.
local function now()
  local time = ffi.new("struct live_time")
  ffi.C.clock_gettime(1, time)
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

--- Run a program to its end; a result with status, out, err.
local function run(words)
  local status, out, err = posix.run(words, { timeout = 30, env = { LC_ALL = "C" } })
  return { status = status, out = out, err = err }
end

local function words_of(line)
  local words = {}
  for word in line:gmatch("%S+") do
    if word ~= "(none)" then words[#words + 1] = word end
  end
  return words
end

--- What comes first in an error text is the name under which the program was called.
local function nameless(text)
  return (("\n" .. text):gsub("\n[^\n:]*netstat: ", "\nnetstat: "):gsub("\nsockq: ", "\nnetstat: "))
end

--- netstat, sockq and netstat with the same arguments, and the seconds it took; or nil and what
-- changed if the table never held still.
local function take(options, line)
  local netstat, sockq = { options.netstat }, { options.sockq, "netstat" }
  for _, word in ipairs(words_of(line)) do
    netstat[#netstat + 1] = word
    sockq[#sockq + 1] = word
  end
  local change
  for _ = 1, TRIES do
    local start = now()
    local before = run(netstat)
    local subject = run(sockq)
    local after = run(netstat)
    change = compare.change(before.out, after.out)
    if not change then return before, subject, after, now() - start end
  end
  return nil, change
end

local function check_options(options, line)
  local name = "netstat " .. line
  local before, subject, after, elapsed = take(options, line)
  if not before then
    check.fail(name, ("the table changed %d times while it was read\n%s"):format(TRIES, subject))
    return
  end
  check.equal(name .. ": exit status", subject.status, before.status)
  check.equal(name .. ": standard error", nameless(subject.err), nameless(before.err))
  local wrong = compare.listing(before.out, subject.out, after.out, elapsed)
  local shown = table.concat(wrong, "\n", 1, math.min(#wrong, 5))
  check.ok(name, #wrong == 0, ("%d lines differ\n%s"):format(#wrong, shown))
end

--- What runs in the namespace.
local function inside(options)
  local list = os.getenv("SOCKETS_LIST")
  if not list then usage("SOCKETS_LIST is not set") end
  check.at_end(posix.cleanup)
  listed.check(options.sockq, list)

  local version = run { options.netstat, "--version" }
  if version.status ~= 0 or not version.out:find("net%-tools") then
    io.stdout:write("NOT COMPARED WITH NETSTAT: there is no netstat of net-tools here\n")
    check.finish()
  end
  if not version.out:find("2.10", 1, true) then
    io.stdout:write("note: this netstat is not 2.10, the one that sockq imitates\n")
  end
  for line in OPTIONS:gmatch("[^\n]+") do
    if line:sub(1, 1) ~= "#" then check_options(options, line) end
  end
  check.finish()
end

--- Become the sockets program, which starts this file again in its namespace.
local function outside(options)
  if not options.sockets then usage("--sockets is missing") end
  local words = { options.sockets, "--timeout", "170", "--", arg[-1] or "luajit", arg[0],
    "--inside", "--sockq", options.sockq, "--netstat", options.netstat }
  local argv = ffi.new("const char *[?]", #words + 1) -- ends with a null pointer
  for i, word in ipairs(words) do argv[i - 1] = word end
  ffi.C.execvp(words[1], argv)
  usage("cannot run " .. options.sockets)
end

local options = parse_arguments(arg)
if options.inside then inside(options) else outside(options) end
