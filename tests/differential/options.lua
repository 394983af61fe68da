--- Argument lists for netstat: the ones that people type, the odd ones, and random bundles.
--
-- Left out because they do not list sockets, never end, or print a text about the program itself:
-- -r -i -g -s -M, -c, -V, -h.

local posix = require "posix"

local options = {}

--- One argument list a line, words split at blanks.
local FIXED = [[

-antpo
-tpoeWan
-tano
-ano
-an
-lntup
-n
-tn
-tnl
-tnla
-u -n
-unl
-aun
-U -n -a
-aUnpe
-S -n -a
-Sln
-Spone
-w -n -a
-wanoe
-wln
-x
-xa
-xl
-xp
-xapeoW
-anp
-pn
-peon
-eanv
-v
-vn
-vnt
-avnS
-4an
-6an
-46an
-46nl
-4nx
-4
-6 -p
-4tn
-6tuno
-4x6nap
-tx -n
-tSun
-Stu
-a
-l
-t
-ate
-aeop
-aW
-tuwaW
-t --numeric-hosts
-ta --numeric-ports
-tae --numeric-users
-ae --numeric-hosts --numeric-ports
-aSe --numeric-users
-N -tan
-CFNdtan
-nee
-neeWW
--tcp --numeric --all
--udp --udplite --num-h --numeric-p --numeric-u
--raw --listening --numeric --extend --programs --timers --wide --verbose
--prog --li --tim --ex --ra --wi --numeric
--unix --all --prog
--sctp --all --numeric
-6S
-6Sx
--inet -n
--ip -na
--inet6 -na
-A inet -n
-A inet6 -an
-A ip6 -nt
-A tcpip -n
-A ip -anp
-A unix
-Aunix -a
-A inet,unix -n
-A inet -A unix -na
-A unix,inet6 -nap
-A inet,inet6 -n
--protocol=unix
--prot inet6 -n
-tnA inet
-A ddp -n
-A econet,ash,appletalk -an
-A ax25
-A ipx -t
--ipx
--x25
--netrom -tn
--rose
--ax25 -n
--ddp -tn
--appletalk -tn
--tcpip -tn
-C 5 -tn
foo -tn
-tn foo -o
-tn -- -o
-- -tn
]]

--- Argument lists that end the program early.
local ERRORS = {
  { "-q" }, { "--foo" }, { "-tq" }, { "-tn", "-q" }, { "-T" }, { "-antT" }, { "--notrim" },
  { "--ud" }, { "--num" }, { "--in" }, { "--un" }, { "--tc" }, { "--co" }, { "--s" }, { "--pr" },
  { "-A" }, { "-tnA" }, { "--protocol" }, { "--tcp=1" }, { "--numeric=yes", "-t" }, { "-?" },
  { "-A", "foo" }, { "-A", "inet,foo" }, { "-A", "inet, unix" }, { "-t", "-A", "foo", "-q" },
  { "-q", "-A", "foo" }, { "-q", "-V" }, { "-A", "" }, { "-A", "," }, { "-A", "inet," },
  { "--ip6" }, { "-ntX" }, { "-", "-tn" }, { "--inet=4" }, { "-4q6" }, { "-2" }, { "-f" },
  { "-A", "bluetooth" }, { "-tn2" }, { "--l2cap", "-n" }, { "--rfcomm" }, { "--bluetooth", "-xn" },
  { "", "-tn" }, { "-A", "UNIX" }, { "--TCP" }, { "-tn", "--tcp", "--", "--foo" },
}

--- Spellings of one flag for random bundles; the short letter comes first.
local FLAGS = {
  { "t", "--tcp" }, { "t", "--tcp" }, { "u", "--udp" }, { "U", "--udplite", "--udpl" },
  { "S", "--sctp", "--sc" }, { "w", "--raw", "--ra" }, { "x", "--unix", "-A unix" },
  { "a", "--all", "--al" }, { "a", "--all" }, { "l", "--listening", "--li" },
  { "p", "--programs", "--prog" }, { "p", "--programs" }, { "o", "--timers", "--ti" },
  { "o", "--timers" }, { "e", "--extend", "--ex" }, { "e", "--extend" }, { "W", "--wide", "--wi" },
  { "v", "--verbose" }, { "4", "--inet", "--ip", "-A inet", "-A ip" },
  { "6", "--inet6", "-A inet6", "-A ip6" }, { "N", "--symbolic" }, { "C", "--cache" },
  { "F", "--fib" },
}

--- How likely each flag is chosen; sctp is not in most kernels and -N, -C, -F do nothing.
local RARE = { S = 0.04, U = 0.1, w = 0.15, ["4"] = 0.12, ["6"] = 0.12, N = 0.03, C = 0.03,
  F = 0.03, v = 0.1, x = 0.15 }

local NUMERIC = { "-n", "-n", "-n", "-n", "-n", "--numeric", "--numeric-hosts", "--numeric-ports",
  "--numeric-users", "--numeric-h" }

local function words(line)
  local list = {}
  for word in line:gmatch("%S+") do list[#list + 1] = word end
  return list
end

--- Every list that is always worth a run.
---@return string[][]
function options.fixed()
  local lists = {}
  for line in FIXED:gmatch("([^\n]*)\n") do lists[#lists + 1] = words(line) end
  for _, list in ipairs(ERRORS) do lists[#lists + 1] = list end
  -- on a machine with SELinux the option changes the listing
  if not posix.exists("/sys/fs/selinux/enforce") then
    lists[#lists + 1] = { "-Z" }
    lists[#lists + 1] = { "-tn", "--context" }
  end
  return lists
end

--- One random list: flags in any order, bundled or alone, in any spelling.
---@param rng table
---@return string[]
function options.random(rng)
  local list, bundle = {}, ""
  local function flush()
    if bundle ~= "" then list[#list + 1] = "-" .. bundle end
    bundle = ""
  end
  local chosen = {}
  for _, flag in ipairs(FLAGS) do
    if rng:chance(RARE[flag[1]] or 0.3) then chosen[#chosen + 1] = flag end
  end
  if rng:chance(0.75) then chosen[#chosen + 1] = { "n", rng:pick(NUMERIC) } end
  for _, flag in ipairs(rng:shuffle(chosen)) do
    if rng:chance(0.7) then
      bundle = bundle .. flag[1]
      if rng:chance(0.2) then flush() end
    else
      flush()
      for _, word in ipairs(words(flag[rng:range(2, #flag)])) do list[#list + 1] = word end
    end
  end
  flush()
  return list
end

--- A text by which two equal lists are known.
---@param list string[]
---@return string
function options.key(list)
  return posix.quote_all(list)
end

--- Does a name come from the machine's files, not from the tree?
---@param list string[]
---@return boolean
function options.needs_names(list)
  for _, word in ipairs(list) do
    if word:find("^%-%a*n") or word == "--numeric" then return false end
  end
  return true
end

return options
