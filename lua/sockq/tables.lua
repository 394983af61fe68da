-- The kernel's socket tables: their names, and the names under which several are asked for.

local C = require("sockq.schema").C

local tables = {}

--- One entry a table, by its number in row.h: proto as netstat names it, the file below /proc/net, nil
--- where only sock_diag knows it.
tables.list = {
  [C.SOCKQ_TCP] = { proto = "tcp", file = "tcp" },
  [C.SOCKQ_TCP6] = { proto = "tcp6", file = "tcp6" },
  [C.SOCKQ_SCTP_EPS] = { proto = "sctp", file = "sctp/eps" },
  [C.SOCKQ_SCTP_ASSOCS] = { proto = "sctp", file = "sctp/assocs" },
  [C.SOCKQ_UDP] = { proto = "udp", file = "udp" },
  [C.SOCKQ_UDP6] = { proto = "udp6", file = "udp6" },
  [C.SOCKQ_UDPLITE] = { proto = "udplite", file = "udplite" },
  [C.SOCKQ_UDPLITE6] = { proto = "udplite6", file = "udplite6" },
  [C.SOCKQ_RAW] = { proto = "raw", file = "raw" },
  [C.SOCKQ_RAW6] = { proto = "raw6", file = "raw6" },
  [C.SOCKQ_ICMP] = { proto = "icmp", file = "icmp" },
  [C.SOCKQ_ICMP6] = { proto = "icmp6", file = "icmp6" },
  [C.SOCKQ_UNIX] = { proto = "unix", file = "unix" },
  [C.SOCKQ_NETLINK] = { proto = "netlink", file = "netlink" },
  [C.SOCKQ_PACKET] = { proto = "packet", file = "packet" },
  [C.SOCKQ_MPTCP] = { proto = "mptcp" },
  [C.SOCKQ_MPTCP6] = { proto = "mptcp6" },
  [C.SOCKQ_DCCP] = { proto = "dccp" },
  [C.SOCKQ_DCCP6] = { proto = "dccp6" },
  [C.SOCKQ_VSOCK] = { proto = "vsock" },
  [C.SOCKQ_TIPC] = { proto = "tipc" },
  [C.SOCKQ_XDP] = { proto = "xdp" },
}

local pairs_of = {
  tcp = { C.SOCKQ_TCP, C.SOCKQ_TCP6 },
  udp = { C.SOCKQ_UDP, C.SOCKQ_UDP6 },
  udplite = { C.SOCKQ_UDPLITE, C.SOCKQ_UDPLITE6 },
  raw = { C.SOCKQ_RAW, C.SOCKQ_RAW6 },
  icmp = { C.SOCKQ_ICMP, C.SOCKQ_ICMP6 },
  sctp = { C.SOCKQ_SCTP_EPS, C.SOCKQ_SCTP_ASSOCS },
  unix = { C.SOCKQ_UNIX },
  netlink = { C.SOCKQ_NETLINK },
  packet = { C.SOCKQ_PACKET },
  mptcp = { C.SOCKQ_MPTCP, C.SOCKQ_MPTCP6 },
  dccp = { C.SOCKQ_DCCP, C.SOCKQ_DCCP6 },
  vsock = { C.SOCKQ_VSOCK },
  tipc = { C.SOCKQ_TIPC },
  xdp = { C.SOCKQ_XDP },
}

--- The tables of several groups.
---@param names string[]  group names
---@return integer[]
function tables.join(names)
  local all = {}
  for _, name in ipairs(names) do
    for _, number in ipairs(pairs_of[name]) do
      all[#all + 1] = number
    end
  end
  return all
end

--- Groups by name: { table number, … }. A protocol's name stands for its IPv4 and IPv6 tables.
tables.groups = pairs_of
pairs_of.inet = tables.join({ "tcp", "sctp", "udp", "udplite", "raw", "icmp" })
pairs_of.all = tables.join({ "inet", "unix", "netlink", "packet" })

--- What `sockq` lists without options.
tables.default = tables.join({ "tcp", "udp", "udplite", "raw" })

--- A set of tables as the number that a request carries.
---@param numbers integer[]
function tables.mask(numbers)
  local mask = 0
  for _, number in ipairs(numbers) do
    mask = bit.bor(mask, bit.lshift(1, number))
  end
  return mask
end

--- The tables that --from and the like can name: { [name] = { table number, … } }.
function tables.named()
  local named = {}
  for name, numbers in pairs(pairs_of) do
    named[name] = numbers
  end
  for number = 0, C.SOCKQ_TABLES - 1 do
    local entry = tables.list[number]
    named[entry.proto] = named[entry.proto] or { number }
    if entry.file then
      named[entry.file] = named[entry.file] or { number }
    end
  end
  return named
end

return tables
