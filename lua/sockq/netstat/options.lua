-- The command line of netstat (net-tools 2.10): options, families, and what they select. The C
-- library's getopt_long parses, as it does for netstat.

local core = require("sockq.core")
local escape = require("sockq.escape")

local options = {}

local SHORTS = "A:CFMacdeghilnNoprstSuUvVWw2fx64?Z"

-- Long names in netstat's order, which shows in its messages; address families are one group.
local FAMILY = 1
local LONGS = {
  { "ax25", false, FAMILY }, { "ip", false, FAMILY }, { "ipx", false, FAMILY }, { "appletalk", false, FAMILY },
  { "netrom", false, FAMILY }, { "inet", false, FAMILY }, { "inet6", false, FAMILY }, { "ddp", false, FAMILY },
  { "unix", false, FAMILY }, { "tcpip", false, FAMILY }, { "rose", false, FAMILY }, { "x25", false, FAMILY },
  { "bluetooth", false, FAMILY },
  { "version" }, { "interfaces" }, { "help" }, { "route" }, { "masquerade" }, { "protocol", true },
  { "tcp" }, { "sctp" }, { "udp" }, { "udplite" }, { "raw" }, { "l2cap" }, { "rfcomm" }, { "unix" },
  { "listening" }, { "all" }, { "timers" }, { "continuous" }, { "extend" }, { "programs" }, { "verbose" },
  { "statistics" }, { "wide" }, { "numeric" }, { "numeric-hosts" }, { "numeric-ports" }, { "numeric-users" },
  { "symbolic" }, { "cache" }, { "fib" }, { "context" }, { "groups" },
}

-- What an option sets, by its letter and its long name.
local SETS = {
  t = "tcp", u = "udp", U = "udplite", S = "sctp", w = "raw", x = "unix", ["4"] = "inet", ["6"] = "inet6",
  a = "all", l = "listening", n = "numeric", e = "extend", p = "programs", o = "timers", W = "wide",
  c = "continuous", v = "verbose", N = "symbolic", C = "cache", F = "fib", r = "route", i = "interfaces",
  g = "groups", s = "statistics", M = "masquerade", ["2"] = "bluetooth", f = "bluetooth",
  l2cap = "bluetooth", rfcomm = "bluetooth", d = "debug", h = "help", V = "version", Z = "context",
}

local FAMILIES = {
  inet = "inet", ip = "inet", tcpip = "inet", inet6 = "inet6", ip6 = "inet6", unix = "unix",
  ax25 = "ax25", ipx = "ipx", netrom = "netrom", rose = "rose", x25 = "x25",
  appletalk = "", ddp = "", econet = "", ash = "", bluetooth = "bluetooth",
}

local USAGE = [[
usage: netstat [-vWeenNcCF] [<Af>] -r         netstat {-V|--version|-h|--help}
       netstat [-vWnNcaeol] [<Socket> ...]
       netstat { [-vWeenNac] -i | [-cnNe] -M | -s [-6tuw] }

        -r, --route              display routing table
        -i, --interfaces         display interface table
        -g, --groups             display multicast group memberships
        -s, --statistics         display networking statistics (like SNMP)
        -M, --masquerade         display masqueraded connections

        -v, --verbose            be verbose
        -W, --wide               don't truncate IP addresses
        -n, --numeric            don't resolve names
        --numeric-hosts          don't resolve host names
        --numeric-ports          don't resolve port names
        --numeric-users          don't resolve user names
        -N, --symbolic           resolve hardware names
        -e, --extend             display other/more information
        -p, --programs           display PID/Program name for sockets
        -o, --timers             display timers
        -c, --continuous         continuous listing

        -l, --listening          display listening server sockets
        -a, --all                display all sockets (default: connected)
        -F, --fib                display Forwarding Information Base (default)
        -C, --cache              display routing cache instead of FIB
        -Z, --context            display SELinux security context for sockets

  <Socket>={-t|--tcp} {-u|--udp} {-U|--udplite} {-S|--sctp} {-w|--raw}
           {-x|--unix} --ax25 --ipx --netrom
  <AF>=Use '-6|-4' or '-A <af>' or '--<af>'; default: inet
  List of possible address families (which support routing):
]]

-- netstat writes these to stderr, also when the usage was asked for.
local FAMILY_LIST = [[
    inet (DARPA Internet) inet6 (IPv6) ax25 (AMPR AX.25) 
    netrom (AMPR NET/ROM) rose (AMPR ROSE) ipx (Novell IPX) 
    ddp (Appletalk DDP) x25 (CCITT X.25) 
]]

local VERSION = [[
net-tools 2.10
Fred Baumgarten, Alan Cox, Bernd Eckenfels, Phil Blundell, Tuan Hoang, Brian Micek and others
+NEW_ADDRT +RTF_IRTT +RTF_REJECT +FW_MASQUERADE +I18N +SELINUX
AF: (inet) +UNIX +INET +INET6 +IPX +AX25 +NETROM +X25 +ATALK +ECONET +ROSE -BLUETOOTH
HW:  +ETHER +ARC +SLIP +PPP +TUNNEL -TR +AX25 +NETROM +X25 +FR +ROSE +ASH +SIT +FDDI +HIPPI +HDLC/LAPB +EUI64 
]]

-- Options that are not about sockets, and where to turn.
local ELSEWHERE = {
  route = "the routing table is shown by: ip route",
  interfaces = "interfaces are shown by: ip -s link",
  groups = "multicast groups are shown by: ip maddress",
  statistics = "protocol counters are shown by: nstat -az",
  masquerade = "masqueraded connections are shown by: conntrack -L",
}

--- A result that ends the program: its status, and what goes to stdout and stderr.
---@class sockq.netstat.End
---@field status integer
---@field out? string
---@field err? string

local function usage_error()
  return { status = 3, err = USAGE .. FAMILY_LIST }
end

local function take_family(chosen, list)
  for name in (list .. ","):gmatch("([^,]*),") do
    local family = FAMILIES[name]
    if not family then
      return { status = 1, err = ("Unknown address family `%s'.\n"):format(escape.dots(name)) }
    elseif family ~= "" then
      chosen[family] = true
    end
  end
  return nil
end

local function take_option(chosen, name, argument)
  if name == "?" then
    return usage_error()
  elseif name == "A" or name == "protocol" then
    return take_family(chosen, argument)
  elseif name == "tcpip" then
    io.stderr:write("netstat.c: Internal Error `longopts 1 range'.\n")
    return nil
  elseif FAMILIES[name] then
    return take_family(chosen, name)
  end
  local set = SETS[name] or name
  if set == "help" then
    return { status = 0, out = USAGE, err = FAMILY_LIST }
  elseif set == "version" then
    return { status = 0, out = VERSION }
  elseif set == "context" then
    return { status = 1, err = "SELinux is not enabled on this machine.\n" }
  end
  chosen[set] = true
  return nil
end

local PROTOCOLS = { "tcp", "sctp", "udp", "udplite", "raw" }
local OTHERS = { "ipx", "ax25", "x25", "netrom", "rose" }

local function any(chosen, names)
  for _, name in ipairs(names) do
    if chosen[name] then
      return true
    end
  end
  return false
end

local function elsewhere(chosen)
  local count, sentence = 0, nil
  for _, name in ipairs({ "route", "interfaces", "masquerade", "statistics" }) do
    if chosen[name] then
      count = count + 1
      sentence = sentence or ELSEWHERE[name]
    end
  end
  if count > 1 then
    return usage_error()
  end
  sentence = sentence or (chosen.groups and ELSEWHERE.groups)
  if sentence then
    return { status = 3, err = ("sockq: netstat: this view lists sockets; %s\n"):format(sentence) }
  end
  return nil
end

-- Words as the C library's message may show them; of short options it shows a byte.
local function shown(args)
  local words = {}
  for i, word in ipairs(args) do
    words[i] = word:find("^%-%-") and escape.dots(word) or word:gsub("[^ -~]", ".")
  end
  return words
end

--- Parse netstat's arguments.
---@param args string[]
---@return table chosen, sockq.netstat.End|nil  # what to list, or how the program ends
function options.parse(args)
  local chosen = {}
  local interface_count = 0
  for _, given in ipairs(core.getopt("netstat", args, SHORTS, LONGS, true)) do
    if given[1] == "?" then
      core.getopt("netstat", shown(args), SHORTS, LONGS, false)
    end
    local ends = take_option(chosen, given[1], given[2])
    if ends then
      return chosen, ends
    end
    interface_count = interface_count + ((given[1] == "i" or given[1] == "interfaces") and 1 or 0)
  end
  if interface_count > 1 then
    return chosen, usage_error()
  end
  local ends = elsewhere(chosen)
  if ends then
    return chosen, ends
  end
  chosen.numeric_hosts = chosen.numeric or chosen["numeric-hosts"]
  chosen.numeric_ports = chosen.numeric or chosen["numeric-ports"]
  chosen.numeric_users = chosen.numeric or chosen["numeric-users"]
  -- Only a family: every protocol of it, and a missing table is no error.
  local family = chosen.inet or chosen.inet6
  if family and not any(chosen, PROTOCOLS) then
    chosen.quiet = true
    for _, name in ipairs(PROTOCOLS) do
      chosen[name] = true
    end
  elseif any(chosen, PROTOCOLS) and not family then
    chosen.inet, chosen.inet6 = true, true
  end
  chosen.by_default = not (any(chosen, PROTOCOLS) or chosen.unix or any(chosen, OTHERS) or chosen.bluetooth)
  if chosen.by_default then
    chosen.inet, chosen.inet6, chosen.unix = true, true, true
    for _, name in ipairs(PROTOCOLS) do
      chosen[name] = true
    end
  end
  return chosen, nil
end

return options
