-- Names in ss's listing: ports, hosts, devices, protocols. They are made once each, as Lua strings that
-- hold no byte that a terminal would obey.

local core = require("sockq.core")
local escape = require("sockq.escape")

local names = {}

local function cache(read)
  return setmetatable({}, {
    __index = function(known, key)
      local value = read(key)
      known[key] = value
      return value
    end,
  })
end

local services = cache(core.services)

-- How ports of a protocol are named: by one of these lists, or by all of them.
local LISTS = { tcp = { "tcp" }, udp = { "udp" }, any = { "tcp", "udp", "sctp" } }

--- A function from a port to its name, false where it has none.
---@param protocol "tcp"|"udp"|"any"
---@param range integer[]  the first and last ephemeral port: these have no names
function names.ports(protocol, range)
  local lists = LISTS[protocol]
  return cache(function(port)
    if port >= range[1] and port <= range[2] then
      return false
    end
    for _, list in ipairs(lists) do
      local name = services[list][port]
      if name then
        return escape.octal(name)
      end
    end
    return false
  end)
end

--- The name of an IP protocol, as raw sockets have it in the place of a port.
names.ip_protocol = cache(function(number)
  return escape.octal(services.raw[number] or ("ipproto-%d"):format(number))
end)

--- Host names by dotted address, false where there is none.
names.host4 = cache(function(address)
  local name = core.host4(address)
  return name and escape.octal(name) or false
end)

--- Host names by IPv6 address, false where there is none.
names.host6 = cache(function(address)
  local name = core.host6(address)
  return name and escape.octal(name) or false
end)

--- Devices of this machine by their index.
names.device = cache(function(index)
  local name = index > 0 and index < 0x80000000 and core.device(index)
  return name and escape.octal(name) or ("if%d"):format(bit.tobit(index))
end)

-- Netlink protocols as iproute2's /etc/iproute2/nl_protos and lib/ names them.
local NETLINK = {
  [0] = "rtnl", "unused", "usersock", "fw", "tcpdiag", "nflog", "xfrm", "selinux", "iscsi", "audit", "fiblookup",
  "connector", "nft", "ip6fw", "dec-rt", "uevent", "genl", [18] = "scsi-trans", [19] = "ecryptfs", [20] = "rdma",
  [21] = "crypto",
}

--- A netlink protocol.
---@param number integer
---@param numeric boolean
---@return string
function names.netlink(number, numeric)
  return not numeric and NETLINK[number] or ("%d"):format(number)
end

-- What iproute2 calls Ethernet protocols.
local ETHERNET = {
  [0x0001] = "802_3", [0x0002] = "ax25", [0x0004] = "802_2", [0x0005] = "snap", [0x0006] = "ddcmp",
  [0x0007] = "wan_ppp", [0x0008] = "ppp_mp", [0x0009] = "localtalk", [0x000c] = "can", [0x0010] = "ppptalk",
  [0x0011] = "tr_802_2", [0x0015] = "mobitex", [0x0016] = "control", [0x0017] = "irda", [0x0018] = "econet",
  [0x0060] = "loop", [0x0200] = "pup", [0x0201] = "pupat", [0x0800] = "ip", [0x0805] = "x25", [0x0806] = "arp",
  [0x08ff] = "bpq", [0x0a00] = "ieeepup", [0x0a01] = "ieeepupat", [0x6000] = "dec", [0x6001] = "dna_dl",
  [0x6002] = "dna_rc", [0x6003] = "dna_rt", [0x6004] = "lat", [0x6005] = "diag", [0x6006] = "cust",
  [0x6007] = "sca", [0x6558] = "teb", [0x8035] = "rarp", [0x809b] = "atalk", [0x80f3] = "aarp",
  [0x8100] = "802.1Q", [0x8137] = "ipx", [0x86dd] = "ipv6", [0x8847] = "mpls_uc", [0x8848] = "mpls_mc",
  [0x884c] = "atmmpoa", [0x8863] = "ppp_disc", [0x8864] = "ppp_ses", [0x8884] = "atmfate", [0x8892] = "profinet",
  [0x88a2] = "aoe", [0x88a4] = "ethercat", [0x88a8] = "802.1ad", [0x88ca] = "tipc", [0x88cc] = "LLDP",
}

--- An Ethernet protocol, as a packet socket listens for it.
---@param number integer
---@param numeric boolean
---@return string
function names.ethernet(number, numeric)
  if number == 3 then
    return "*"
  end
  return not numeric and ETHERNET[number] or ("[%d]"):format(number)
end

local function inverse(list)
  local numbers = {}
  for number, name in pairs(list) do
    numbers[name:lower()] = number
  end
  return numbers
end

local ETHERNET_NUMBERS = inverse(ETHERNET)
ETHERNET_NUMBERS.all = 3

--- The number of an Ethernet protocol.
---@param name string  in any case
---@return integer|nil
function names.ethernet_number(name)
  return ETHERNET_NUMBERS[name:lower()]
end

local NETLINK_NUMBERS = {}
for number, name in pairs(NETLINK) do
  NETLINK_NUMBERS[name] = number
end

--- The number of a netlink protocol.
---@return integer|nil
function names.netlink_number(name)
  return NETLINK_NUMBERS[name]
end

return names
