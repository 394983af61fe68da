-- Fields that stand in rows themselves, or with their owners and namespaces; what an entry is:
-- fields.lua.

local address = require("sockq.address")
local cgroup = require("sockq.cgroup")
local core = require("sockq.core")
local info = require("sockq.fields.info")
local more = require("sockq.fields.more")
local netns = require("sockq.netns")
local owner = require("sockq.owner")
local peer = require("sockq.peer")
local schema = require("sockq.schema")
local state = require("sockq.state")
local suspect = require("sockq.suspect")
local tables = require("sockq.tables")

local C, has = schema.C, schema.has
local band, floor, max, tonumber, ffi_string = bit.band, math.floor, math.max, tonumber, require("ffi").string

local INET, FAMILY6 = tonumber(C.SOCKQ_AF_INET), tonumber(C.SOCKQ_AF_INET6)
local UNIX, NETLINK = tonumber(C.SOCKQ_UNIX), tonumber(C.SOCKQ_NETLINK)
local PACKET = tonumber(C.SOCKQ_PACKET)
local TCP6, SCTP_ASSOCS = tonumber(C.SOCKQ_TCP6), tonumber(C.SOCKQ_SCTP_ASSOCS)
local MPTCP, VSOCK = tonumber(C.SOCKQ_MPTCP), tonumber(C.SOCKQ_VSOCK)
local TIPC, XDP = tonumber(C.SOCKQ_TIPC), tonumber(C.SOCKQ_XDP)
local RAW, RAW6 = tonumber(C.SOCKQ_RAW), tonumber(C.SOCKQ_RAW6)
local DIAG = tonumber(C.SOCKQ_ROW_DIAG)
local HAS_TIMER = tonumber(C.SOCKQ_HAS_TIMER)
local LISTEN, LISTENING = tonumber(C.SOCKQ_LISTEN), 0x10000
local WITH_CGROUPS = tonumber(C.SOCKQ_WITH_CGROUPS)
local WITH_COMM, WITH_EXE = tonumber(C.SOCKQ_WITH_COMM), tonumber(C.SOCKQ_WITH_EXE)
local WITH_STARTED = tonumber(C.SOCKQ_WITH_STARTED)
-- More ticks than any timer of a socket has: what old kernels print of one that is overdue.
local OVERDUE = 2 ^ 28

local TCP = { "tcp" }
local INETS = { "tcp", "udp", "udplite", "raw", "icmp", "mptcp", "dccp", "sctp" }
local NOT_OF_TEXT = { "sctp" }
local ADDRESSED = { "tcp", "udp", "udplite", "raw", "icmp", "sctp", "mptcp", "dccp" }
local ENDPOINTS = { "tcp", "udp", "udplite", "raw", "icmp", "sctp", "mptcp", "dccp", "vsock", "tipc" }
local STATES = { "inet", "unix", "mptcp", "dccp", "vsock", "tipc" }
local PAIRED = { "tcp", "udp", "udplite" }
local DEVICES = { "tcp", "udp", "udplite", "raw", "mptcp", "dccp", "sctp", "xdp" }
local ALL = { "all" }

--- Of the registry: list, its entries; of_owners, which of their getters tell of one owner.
local members = {}

local PROTO, FILE = {}, {}
local PROTOS, FAMILIES = {}, { "inet", "inet6", "unix", "netlink", "packet", "vsock", "tipc", "xdp" }
local TIMERS = { "off", "on", "keepalive", "timewait", "probe" }
local SCOPES = { "any", "loopback", "link", "private", "multicast", "public" }
for number = 0, tonumber(C.SOCKQ_TABLES) - 1 do
  local entry = tables.list[number]
  PROTO[number], FILE[number] = entry.proto, entry.file or entry.proto
  if entry.proto ~= PROTOS[#PROTOS] then PROTOS[#PROTOS + 1] = entry.proto end
end
local FAMILY = {
  [tonumber(C.SOCKQ_AF_UNIX)] = "unix",
  [INET] = "inet",
  [FAMILY6] = "inet6",
  [tonumber(C.SOCKQ_AF_NETLINK)] = "netlink",
  [tonumber(C.SOCKQ_AF_PACKET)] = "packet",
  [tonumber(C.SOCKQ_AF_VSOCK)] = "vsock",
  [tonumber(C.SOCKQ_AF_TIPC)] = "tipc",
  [tonumber(C.SOCKQ_AF_XDP)] = "xdp",
}
local TIMER = {
  [tonumber(C.SOCKQ_TIMER_OFF)] = "off",
  [tonumber(C.SOCKQ_TIMER_ON)] = "on",
  [tonumber(C.SOCKQ_TIMER_KEEPALIVE)] = "keepalive",
  [tonumber(C.SOCKQ_TIMER_TIMEWAIT)] = "timewait",
  [tonumber(C.SOCKQ_TIMER_PROBE)] = "probe",
}
-- Socket types by their Linux numbers (include/linux/net.h, enum sock_type).
local TYPE = { "STREAM", "DGRAM", "RAW", "RDM", "SEQPACKET", [10] = "PACKET" }
-- Netlink protocols (include/uapi/linux/netlink.h).
local NETLINK_PROTOCOL = {
  [0] = "route", [2] = "usersock", [4] = "sock_diag", [5] = "nflog", [6] = "xfrm",
  [7] = "selinux", [8] = "iscsi", [9] = "audit", [10] = "fib_lookup", [11] = "connector",
  [12] = "netfilter", [14] = "dnrtmsg", [15] = "kobject_uevent", [16] = "generic",
  [18] = "scsitransport", [19] = "ecryptfs", [20] = "rdma", [21] = "crypto", [22] = "smc",
}
-- Protocols of raw sockets (include/uapi/linux/in.h).
local IP_PROTOCOL = {
  [0] = "ip", [1] = "icmp", [2] = "igmp", [4] = "ipip", [6] = "tcp", [8] = "egp", [12] = "pup", [17] = "udp",
  [22] = "idp", [29] = "tp", [33] = "dccp", [41] = "ipv6", [46] = "rsvp", [47] = "gre", [50] = "esp", [51] = "ah",
  [58] = "icmpv6", [89] = "ospf", [92] = "mtp", [94] = "beetph", [98] = "encap", [103] = "pim", [108] = "comp",
  [115] = "l2tp", [132] = "sctp", [136] = "udplite", [137] = "mpls", [143] = "ethernet", [255] = "raw",
}
-- A context id or port of vsock that stands for any (include/uapi/linux/vm_sockets.h).
local ANY = 0xffffffff

local function is_addressed(row)
  return has(row.known, C.SOCKQ_HAS_ADDRS)
end

local function context_id(number)
  return number == ANY and "*" or tostring(number)
end

local function local_text(row)
  if is_addressed(row) then
    return address.text(row.family, row.local_addr)
  elseif row.table == VSOCK then
    return context_id(row.vsock.local_cid)
  elseif row.table == TIPC then
    return tostring(row.tipc.local_node)
  end
end

local function remote_text(row)
  if is_addressed(row) then
    return address.text(row.family, row.remote_addr)
  elseif row.table == VSOCK then
    return context_id(row.vsock.remote_cid)
  elseif row.table == TIPC then
    return row.tipc.connected ~= 0 and tostring(row.tipc.remote_node) or nil
  end
end

local function port_of(member)
  local reference = member:gsub("port", "ref")
  return function(row)
    if is_addressed(row) then
      return row[member]
    elseif row.table == VSOCK then
      local port = row.vsock[member]
      return port == ANY and 0 or port
    elseif row.table == TIPC then
      return row.tipc[reference]
    end
  end
end

-- The same as keys of groups: a number for IPv4, which is cheaper than its text.
local function address_key(member)
  local text_of = member == "local_addr" and local_text or remote_text
  return function(row)
    if not is_addressed(row) then
      return (text_of(row))
    elseif row.family == INET then
      local bytes = row[member]
      return bytes[0] * 16777216 + bytes[1] * 65536 + bytes[2] * 256 + bytes[3]
    end
    return address.text(row.family, row[member])
  end
end

local function state_of(row)
  if not has(row.known, C.SOCKQ_HAS_STATE) then
    return nil
  elseif row.table <= SCTP_ASSOCS or row.table >= MPTCP then
    return state.name(state.tcp, row.state)
  elseif row.table == UNIX then
    if band(row.un.flags, LISTENING) ~= 0 and row.state == 1 then
      return "LISTEN"
    end
    return state.name(state.unix, row.state)
  end
  return state.name(state.datagram, row.state)
end

-- Seconds since the rows were read: a live view lets their timers run on between two looks.
local age = 0

-- The kernel's tm->when, less the time since. sock_diag has it in milliseconds.
local function ticks_left(row, set)
  local ticks = tonumber(row.when)
  if has(row.flags, DIAG) then
    if not has(row.known, HAS_TIMER) then
      return 0
    end
    ticks = floor(ticks * set.set.user_hz / 1000)
  end
  if age > 0 and row.timer ~= 0 and ticks <= OVERDUE then
    ticks = max(0, ticks - floor(age * set.set.user_hz))
  end
  return ticks
end

local function expires(row, set)
  if row.timer == 0 or not has(row.known, HAS_TIMER) then
    return nil
  elseif has(row.flags, DIAG) then
    return max(0, tonumber(row.when) / 1000 - age)
  end
  local ticks = ticks_left(row, set)
  return ticks > OVERDUE and 0 or ticks / set.set.user_hz
end

local function known(flag, member)
  flag = tonumber(flag)
  return function(row)
    if has(row.known, flag) then
      return row[member]
    end
  end
end

local function of_tcp(member, scale, told)
  return function(row, set)
    if has(row.known, C.SOCKQ_HAS_TCP) then
      local value = row.tcp[member]
      return scale and value / set.set.user_hz or value
    elseif has(row.flags, DIAG) then
      return (told(row, set))
    end
  end
end

local told_ssthresh = info.of_tcp("snd_ssthresh")
-- include/net/tcp.h, TCP_INFINITE_SSTHRESH; the text has -1 for it.
local INFINITE = 0x7fffffff

local DROPS = tonumber(C.SOCKQ_HAS_DROPS)
local function drops(row, set)
  if has(row.known, DROPS) then
    return row.table == NETLINK and row.nl.drops or row.drops
  end
  local told = has(row.flags, DIAG) and more.any(row, set)
  -- The last of the words of memory.
  if told and told.memory.count > 8 then
    return told.memory.drops
  end
end

local function device(row)
  if row.table == PACKET then
    return row.packet.ifindex
  elseif more.is_inet(row) then
    -- An association has the device of its route there.
    return row.table ~= SCTP_ASSOCS and tonumber(row.diag.ifindex) or nil
  elseif row.table == XDP then
    return tonumber(row.xdp.ifindex)
  end
end

-- Getters of what one owner has, each a key: groups count a socket once for each owner of it.
members.of_owners = {}
local function of_owner(read, flags)
  local function get(row, set, userdata)
    local entry, arena = owner.lead(row, set, userdata, flags)
    if entry then
      return (read(arena, owner.process(arena, entry), entry))
    end
  end
  members.of_owners[get] = true
  return get
end

local users = {}
local function user(row)
  if not has(row.known, C.SOCKQ_HAS_UID) then
    return nil
  end
  -- Negative, so that the table has no array part: LuaJIT does not compile a mixed one.
  local key = -1 - row.uid
  local name = users[key]
  if name == nil then
    name = core.user(row.uid) or tostring(row.uid)
    users[key] = name
  end
  return name
end

local function of_table(number, read)
  return function(row, set)
    if row.table == number then
      return read(row, set)
    end
  end
end

local function raw_number(member)
  return function(row)
    return (tonumber(row[member]))
  end
end

local function set_text(member)
  return function(_, set)
    local text = ffi_string(set.set[member])
    return text ~= "" and text or nil
  end
end

members.list = {
  { name = "proto", type = "string", doc = "protocol: tcp, tcp6, udp, …, unix, netlink, packet",
    sources = ALL, values = PROTOS, get = function(row) return PROTO[row.table] end },
  { name = "family", type = "string", doc = "address family: inet, inet6, unix, netlink, packet, vsock, tipc, xdp",
    sources = ALL, values = FAMILIES, get = function(row) return FAMILY[row.family] end },
  { name = "table", type = "string", doc = "file below /proc/net that has such rows",
    sources = ALL, get = function(row) return FILE[row.table] end },
  { name = "line", type = "integer", identifies = true, doc = "line of that file", sources = ALL, from = "proc",
    get = function(row)
      if not has(row.flags, DIAG) then return row.line end
    end },
  { name = "state", type = "string", doc = "socket state as netstat spells it; ss's UNCONN for unconnected",
    sources = STATES, values = state.names, get = state_of },
  { name = "state_code", type = "integer", identifies = true, doc = "the kernel's number of the state",
    sources = STATES, get = known(C.SOCKQ_HAS_STATE, "state"), raw = raw_number("state") },
  { name = "local_addr", alias = { "laddr" }, type = "string", doc = "local address; of vsock the context id, of tipc the node",
    sources = ENDPOINTS,
    get = local_text, key = address_key("local_addr") },
  { name = "local_port", alias = { "lport" }, type = "integer", identifies = true,
    doc = "local port; of raw sockets the protocol, of ping sockets the identifier, of tipc the reference",
    sources = ENDPOINTS, get = port_of("local_port") },
  { name = "remote_addr", alias = { "raddr" }, type = "string", doc = "remote address; of vsock the context id, of tipc the node",
    sources = ENDPOINTS,
    get = remote_text, key = address_key("remote_addr") },
  { name = "remote_port", alias = { "rport" }, type = "integer", identifies = true, doc = "remote port, 0 for none",
    sources = ENDPOINTS, get = port_of("remote_port") },
  { name = "scope", type = "string", doc = "how far the local address reaches: any, loopback, link, private, multicast, public",
    sources = ADDRESSED, values = SCOPES,
    get = function(row)
      if is_addressed(row) then return address.scope(row.family, row.local_addr) end
    end },
  { name = "remote_scope", type = "string", doc = "how far away the remote address is", sources = ADDRESSED,
    values = SCOPES,
    get = function(row)
      if is_addressed(row) then return address.scope(row.family, row.remote_addr) end
    end },
  { name = "recv_q", type = "integer", unit = "bytes",
    doc = "received and not read; of a listener connections that wait for accept; of udp and raw memory",
    sources = { "inet", "unix", "netlink", "packet", "mptcp", "dccp", "tipc", "xdp" }, diag = { "unix" },
    get = known(C.SOCKQ_HAS_QUEUES, "recv_q") },
  { name = "send_q", type = "integer", unit = "bytes", doc = "written and not acknowledged; of udp and raw memory",
    sources = { "inet", "unix", "netlink", "mptcp", "dccp", "tipc" }, diag = { "unix" },
    get = function(row)
      if has(row.known, C.SOCKQ_HAS_QUEUES) and row.table ~= PACKET and row.table ~= XDP then return row.send_q end
    end },
  { name = "timer", type = "string", doc = "timer that runs: off, on, keepalive, timewait, probe, unkn-N",
    sources = INETS, diag = NOT_OF_TEXT, values = TIMERS, also = "^unkn%-%d+$",
    get = function(row)
      if has(row.known, C.SOCKQ_HAS_TIMER) then
        return TIMER[row.timer] or "unkn-" .. row.timer
      end
    end },
  { name = "timer_code", type = "integer", identifies = true, doc = "the kernel's number of the timer (column tr)",
    sources = INETS, diag = NOT_OF_TEXT,
    get = known(C.SOCKQ_HAS_TIMER, "timer") },
  { name = "expires", type = "number", unit = "seconds", doc = "until the timer fires; 0 if due or overdue, unknown if off",
    sources = INETS, diag = NOT_OF_TEXT, get = expires },
  { name = "when", type = "number", unit = "ticks", doc = "the kernel's tm->when, whatever the timer", sources = INETS,
    diag = NOT_OF_TEXT,
    get = function(row, set)
      if has(row.known, C.SOCKQ_HAS_TIMER) then return ticks_left(row, set) end
    end, raw = ticks_left },
  { name = "retrans", type = "integer", doc = "timeouts since the last progress: unanswered retransmissions",
    sources = TCP, needs = "info", prefer = "proc", get = known(C.SOCKQ_HAS_RETRANS, "retrans"), raw = raw_number("retrans") },
  { name = "probes", type = "integer", doc = "unanswered zero-window or keepalive probes (column timeout)",
    sources = TCP, needs = "info", prefer = "proc", get = known(C.SOCKQ_HAS_PROBES, "probes"), raw = raw_number("probes") },
  { name = "uid", type = "integer", identifies = true,
    doc = "user of the socket, as the reader's user namespace sees it",
    sources = { "inet", "packet", "unix", "mptcp", "dccp", "tipc", "xdp" }, diag = { "unix" },
    get = known(C.SOCKQ_HAS_UID, "uid"), raw = raw_number("uid") },
  { name = "user", type = "string", doc = "name of that user, its number if it has none",
    sources = { "inet", "packet", "unix", "mptcp", "dccp", "tipc", "xdp" }, diag = { "unix" },
    get = user },
  { name = "inode", type = "integer", identifies = true, doc = "inode of the socket, exact up to 2^53", sources = ALL,
    get = function(row)
      if has(row.known, C.SOCKQ_HAS_INODE) then return tonumber(row.inode) end
    end, raw = raw_number("inode") },
  { name = "pid", type = "integer", identifies = true, doc = "first process that has the socket, as netstat shows", sources = ALL,
    needs = "owners", get = of_owner(function(_, process) return process.pid end) },
  { name = "fd", type = "integer", identifies = true, doc = "its descriptor there", sources = ALL, needs = "owners",
    get = of_owner(function(_, _, entry) return entry.fd end) },
  { name = "program", type = "string", doc = "that process's name: argv[0] without folders, else comm", sources = ALL,
    needs = "owners", get = of_owner(owner.remembered(owner.program)) },
  { name = "cmdline", type = "string", doc = "that process's arguments, at most 4 KiB", sources = ALL,
    needs = "owners", get = of_owner(owner.remembered(owner.cmdline)) },
  { name = "comm", type = "string", doc = "that process's name in the kernel, at most 15 bytes", sources = ALL,
    needs = "comm", get = of_owner(owner.remembered(owner.comm), WITH_COMM) },
  { name = "exe", type = "string", doc = "that process's program file, with (deleted) behind it if it is gone",
    sources = ALL, needs = "exe", get = of_owner(owner.remembered(owner.exe), WITH_EXE) },
  { name = "started", type = "number", unit = "seconds", doc = "when that process was started, after the epoch",
    sources = ALL, needs = "started", get = of_owner(owner.started, WITH_STARTED) },
  { name = "owners", type = "list", doc = "every owner: { { pid, fd, program, cmdline }, … }", sources = ALL,
    needs = "owners", get = owner.all },
  { name = "nprocs", type = "integer", unit = "processes", doc = "how many processes have the socket, unknown where no owner is",
    sources = ALL, needs = "owners", get = owner.count },
  { name = "owner_why", type = "string", doc = "why no owner is known", sources = ALL, needs = "owners",
    get = owner.why },
  { name = "peer_pid", type = "integer", identifies = true, doc = "first process at the other end of a local connection",
    sources = PAIRED, needs = "peers", get = peer.of_owner(function(_, process) return process.pid end) },
  { name = "peer_program", type = "string", doc = "that process's name", sources = PAIRED, needs = "peers",
    get = peer.of_owner(owner.program) },
  { name = "cgroup", type = "string", doc = "cgroup of the first process", sources = ALL, needs = "cgroups",
    get = of_owner(owner.remembered(owner.cgroup), WITH_CGROUPS) },
  { name = "unit", type = "string", doc = "systemd unit of the first process, in its container if that runs a systemd",
    sources = ALL, needs = "cgroups", get = of_owner(owner.remembered(owner.unit), WITH_CGROUPS) },
  { name = "container", type = "string", doc = "innermost container of the first process: 12 digits of its id, or its name",
    sources = ALL, needs = "cgroups", get = of_owner(owner.remembered(owner.container), WITH_CGROUPS) },
  { name = "runtime", type = "string", doc = "what runs that container, unknown where the cgroup's path does not tell",
    sources = ALL, needs = "cgroups", values = cgroup.RUNTIMES, get = of_owner(owner.remembered(owner.runtime), WITH_CGROUPS) },
  { name = "pod", type = "string", doc = "uid of the Kubernetes pod of the first process; of podman's 12 digits of the id",
    sources = ALL, needs = "cgroups", get = of_owner(owner.remembered(owner.pod), WITH_CGROUPS) },
  { name = "netns", type = "string", doc = "network namespace: its name in /run/netns, else its first process: 1/systemd",
    sources = ALL, needs = "netns", get = function(row, set) return netns.name(set, row.netns) end },
  { name = "netns_inode", type = "integer", identifies = true, doc = "that namespace by the inode of its ns link",
    sources = ALL, get = function(row, set) return netns.inode(set, row.netns) end },
  { name = "host", type = "string", doc = "name of the machine", sources = ALL, get = set_text("host") },
  { name = "refs", type = "integer", doc = "the kernel's reference count",
    sources = { "tcp", "udp", "udplite", "raw", "icmp", "unix", "netlink", "packet" }, from = "proc",
    get = known(C.SOCKQ_HAS_REFS, "refs"), raw = raw_number("refs") },
  { name = "rto", type = "number", unit = "seconds", doc = "retransmission timeout", sources = TCP,
    needs = "info", prefer = "proc", get = of_tcp("rto", true, info.of_tcp("rto", 1e6)) },
  { name = "ato", type = "number", unit = "seconds", doc = "delayed acknowledgement timeout", sources = TCP,
    needs = "info", prefer = "proc", get = of_tcp("ato", true, info.of_tcp("ato", 1e6)) },
  { name = "cwnd", type = "integer", unit = "segments", doc = "congestion window", sources = TCP,
    needs = "info", prefer = "proc", get = of_tcp("cwnd", false, info.of_tcp("snd_cwnd", nil, true)) },
  { name = "ssthresh", type = "integer", unit = "segments", doc = "slow start threshold, unknown in initial slow start",
    sources = TCP, needs = "info", prefer = "proc",
    get = function(row, set)
      if has(row.known, C.SOCKQ_HAS_TCP) then
        return row.state ~= LISTEN and row.tcp.ssthresh ~= -1 and row.tcp.ssthresh or nil
      end
      local told = has(row.flags, DIAG) and told_ssthresh(row, set)
      return told and told < INFINITE and told or nil
    end },
  { name = "drops", type = "integer", unit = "datagrams", doc = "dropped on receipt; of tcp segments, of a listener connections",
    sources = { "tcp", "udp", "udplite", "raw", "icmp", "unix", "netlink", "packet" },
    diag = { "tcp", "unix", "packet" }, needs = "memory", prefer = "proc", get = drops },
  { name = "path", type = "string", doc = "name of a unix socket, @ first if abstract", sources = { "unix" },
    get = of_table(UNIX, function(row, set) return schema.text(set, row.un.path, row.un.path_len) end) },
  { name = "suspect", type = "string", doc = "why the row may be forged or damaged: repeated, forged, forges, long, joined",
    sources = { "tcp", "udp", "udplite", "raw", "icmp", "unix", "netlink", "packet" }, values = suspect.words,
    prefer = "proc", get = suspect.get },
  { name = "type", type = "string", doc = "socket type: STREAM, DGRAM, SEQPACKET, RAW",
    sources = { "unix", "packet", "vsock", "tipc" },
    get = function(row)
      local number
      if row.table == UNIX then
        number = row.un.type
      elseif row.table == PACKET then
        number = row.packet.type
      elseif row.table == VSOCK then
        number = row.vsock.type
      elseif row.table == TIPC then
        number = row.tipc.type
      else
        return nil
      end
      return TYPE[number] or "UNKNOWN(" .. number .. ")"
    end },
  { name = "protocol", type = "string", doc = "protocol of a raw or netlink socket, ethertype of a packet socket",
    sources = { "raw", "netlink", "packet" },
    get = function(row)
      if row.table == NETLINK then
        return NETLINK_PROTOCOL[row.nl.protocol] or tostring(row.nl.protocol)
      elseif row.table == PACKET then
        return ("0x%04x"):format(row.packet.protocol)
      elseif row.table == RAW or row.table == RAW6 then
        local number = more.is_inet(row) and has(row.diag.has, C.SOCKQ_DIAG_HAS_PROTOCOL) and row.diag.protocol
          or row.local_port
        return IP_PROTOCOL[number] or tostring(number)
      end
    end },
  { name = "port_id", type = "integer", identifies = true, doc = "netlink port id, 0 for the kernel's; often the pid",
    sources = { "netlink" },
    get = of_table(NETLINK, function(row) return row.nl.port_id end) },
  { name = "groups", type = "integer", identifies = true, doc = "the first 32 netlink multicast groups, a bit each",
    sources = { "netlink" },
    get = of_table(NETLINK, function(row) return row.nl.groups end) },
  { name = "ifindex", type = "integer", identifies = true, doc = "device that the socket is bound to: 0 any, -1 gone",
    sources = { "packet", unpack(DEVICES) }, diag = DEVICES, prefer = "diag", get = device },
  { name = "dev", type = "string", doc = "name of that device, in the namespace of sockq alone",
    sources = { "packet", unpack(DEVICES) }, diag = DEVICES, prefer = "diag",
    get = function(row, set)
      local number = device(row)
      if number and number > 0 and set.set.live ~= 0 and netns.is_own(set, row.netns) then
        return core.device(number)
      end
    end },
  { name = "closed", type = "number", unit = "seconds", doc = "when a socket of --follow was closed, since 1970",
    sources = { "tcp", "udp" }, from = "diag", get = function(row)
      if has(row.flags, C.SOCKQ_ROW_CLOSED) then return tonumber(row.when) / 1e9 end
    end },
}
assert(TCP6 < SCTP_ASSOCS, "state_of: the tables with TCP states come first")

--- How long ago the rows were read, for timers.
---@param seconds number
function members.set_age(seconds)
  age = seconds
end

return members

