-- Fields of what else sock_diag tells of the sockets of IP and of all families: memory, options, marks,
-- cgroups, upper layers, MPTCP; what an entry is: fields.lua.

local ffi = require("ffi")
local info = require("sockq.fields.info")
local more = require("sockq.fields.more")
local schema = require("sockq.schema")

local C, has = schema.C, schema.has
local band, rshift, tonumber = bit.band, bit.rshift, tonumber
local LISTEN, UNIX = tonumber(C.SOCKQ_LISTEN), tonumber(C.SOCKQ_UNIX)
local SCTP_EPS, MPTCPS, VSOCK = tonumber(C.SOCKQ_SCTP_EPS), tonumber(C.SOCKQ_MPTCP), tonumber(C.SOCKQ_VSOCK)
local LISTENING = 0x10000

local IP = { "tcp", "udp", "udplite", "raw", "mptcp", "dccp", "sctp" }
local REMEMBERED = { "tcp", "udp", "udplite", "raw", "mptcp", "dccp", "sctp", "unix", "netlink", "packet", "xdp" }
local KNOWN = { "tcp", "udp", "udplite", "raw", "mptcp", "dccp", "sctp", "unix", "netlink", "packet", "tipc", "xdp" }
local LISTENERS = { "tcp", "unix", "mptcp", "dccp", "sctp" }
local TCP, MPTCP = { "tcp" }, { "mptcp" }
local UPPER = { "tcp" }

local list = {}

local function add(entry)
  if entry.from == nil then
    entry.from = "diag"
  end
  entry.from = entry.from or nil
  list[#list + 1] = entry
end

-- The accept queue. Of a unix socket by its queues, which only sock_diag has.

local function is_listener(row)
  if row.table == UNIX then
    return band(row.un.flags, LISTENING) ~= 0 and has(row.known, C.SOCKQ_HAS_QUEUES)
  end
  local number = row.table
  return row.state == LISTEN and (number <= SCTP_EPS or number >= MPTCPS and number < VSOCK) and
    has(row.known, C.SOCKQ_HAS_QUEUES)
end

add({ name = "backlog", type = "integer", unit = "connections", doc = "of a listener: those that wait for accept",
  sources = LISTENERS, diag = { "unix", "sctp" }, from = false,
  get = function(row)
    if is_listener(row) then return row.recv_q end
  end })
add({ name = "backlog_max", type = "integer", unit = "connections", doc = "of a listener: how many may wait for accept",
  sources = LISTENERS,
  get = function(row)
    if not is_listener(row) then
      return nil
    elseif row.table == UNIX then
      return row.send_q
    elseif more.is_inet(row) then
      return tonumber(row.diag.backlog_max)
    end
  end })

-- Memory: SK_MEMINFO_* in their order.

local function memory(name, member, index, doc)
  add({ name = name, type = "integer", unit = "bytes", doc = doc, sources = REMEMBERED, needs = "memory",
    get = function(row, set)
      local told = more.any(row, set)
      if told and told.memory.count > index then
        return tonumber(told.memory[member])
      end
    end })
end

memory("rmem_alloc", "rmem_alloc", 0, "memory of what was received and not read")
memory("rcvbuf", "rcvbuf", 1, "limit of that: the receive buffer")
memory("wmem_alloc", "wmem_alloc", 2, "memory of what is on its way out, below the socket")
memory("sndbuf", "sndbuf", 3, "limit of what may be queued to be sent: the send buffer")
memory("fwd_alloc", "fwd_alloc", 4, "memory that is set aside and not in use")
memory("wmem_queued", "wmem_queued", 5, "memory of what is queued to be sent")
memory("optmem", "optmem", 6, "memory of socket options and filters")
memory("sk_backlog", "backlog", 7, "memory of packets that came while the socket was locked")

-- What a socket is.

local function of_inet(flag, name, member, of_type, needs, doc, convert, sources)
  flag = tonumber(flag)
  convert = convert or tonumber
  add({ name = name, type = of_type, doc = doc, sources = sources or IP, needs = needs,
    identifies = of_type == "integer" or nil,
    get = function(row, set)
      local told = more.inet(row, set)
      if told and has(told.has, flag) then
        return (convert(told[member]))
      end
    end })
end

-- 64 bits as ss writes them.
local function hex(number)
  local high, low = tonumber(rshift(number, 32)), tonumber(band(number, 0xffffffffULL))
  return high ~= 0 and ("%x%08x"):format(high, low) or ("%x"):format(low)
end

add({ name = "cookie", type = "string", doc = "the kernel's number of the socket in hex, never used again",
  sources = KNOWN, needs = "details",
  get = function(row, set)
    local told = more.any(row, set)
    if told and has(told.has, C.SOCKQ_DIAG_HAS_COOKIE) then
      return hex(told.cookie)
    end
  end })
of_inet(C.SOCKQ_DIAG_HAS_MARK, "mark", "mark", "integer", "details",
  "mark of its packets; the kernel tells root alone, in the view ss and in a query that names it, without plug-ins")
of_inet(C.SOCKQ_DIAG_HAS_CLASS, "class_id", "class_id", "integer", "tos", "class of its packets: of net_cls, else the priority")
of_inet(C.SOCKQ_DIAG_HAS_TOS, "tos", "tos", "integer", "tos", "type of service of its IPv4 packets")
of_inet(C.SOCKQ_DIAG_HAS_TCLASS, "tclass", "tclass", "integer", "tos", "traffic class of its IPv6 packets")
of_inet(C.SOCKQ_DIAG_HAS_CGROUP, "cgroup_id", "cgroup_id", "integer", "details",
  "cgroup that the socket was made in, by its id")

do
  -- The paths of one set, by the ids: read again where one is missing and more has come meanwhile.
  local serial, seen, paths = 0, 0, {}
  local function read(set)
    local entry = schema.cgroup(set, set.set.cgroups)
    serial, seen, paths = set.serial, tonumber(set.set.arena), {}
    while entry do
      paths[hex(entry.id)] = schema.text(set, entry.path, entry.path_len)
      entry = schema.cgroup(set, entry.next)
    end
  end
  local function path_of(set, id)
    local key = hex(id)
    if serial ~= set.serial or not paths[key] and seen ~= tonumber(set.set.arena) then
      read(set)
    end
    return paths[key]
  end
  add({ name = "sk_cgroup", type = "string", doc = "that cgroup's path; cgroup is that of the process", sources = IP,
    needs = "cgroup_paths",
    get = function(row, set)
      local told = more.inet(row, set)
      if told and has(told.has, C.SOCKQ_DIAG_HAS_CGROUP) then
        return path_of(set, told.cgroup_id)
      end
    end })
end

do
  -- Bits of struct inet_diag_sockopt, from the first.
  local SOCKOPTS = { "recverr", "is_icsk", "freebind", "hdrincl", "mc_loop", "transparent", "mc_all", "nodefrag",
    "bind_address_no_port", "recverr_rfc4884", "defer_connect" }
  of_inet(C.SOCKQ_DIAG_HAS_SOCKOPT, "sockopts", "sockopt", "list", "details", "socket options that are set",
    function(flags)
      local words = {}
      for i, name in ipairs(SOCKOPTS) do
        if band(rshift(flags, i - 1), 1) ~= 0 then words[#words + 1] = name end
      end
      return words
    end)
end

do
  local SHUTDOWN = { [0] = "none", "read", "write", "both" }
  local function shutdown(row, set)
    if more.is_inet(row) then
      return has(row.diag.has, C.SOCKQ_DIAG_HAS_SHUTDOWN) and row.diag.shutdown or nil
    elseif row.table == VSOCK then
      return row.vsock.shutdown
    end
    local told = more.unix(row, set)
    return told and has(told.has, C.SOCKQ_DIAG_HAS_UNIX_SHUTDOWN) and told.shutdown or nil
  end
  add({ name = "shutdown", type = "string", doc = "which directions were shut down", values = { "none", "read", "write", "both" },
    sources = { "tcp", "udp", "udplite", "raw", "mptcp", "dccp", "sctp", "unix", "vsock" },
    get = function(row, set)
      local bits = shutdown(row, set)
      return bits and SHUTDOWN[band(bits, 3)]
    end })
end
add({ name = "v6only", type = "boolean", doc = "of an IPv6 socket: it takes no IPv4", sources = IP,
  get = function(row)
    if more.is_inet(row) and has(row.diag.has, C.SOCKQ_DIAG_HAS_V6ONLY) then
      return row.diag.v6only ~= 0
    end
  end })
-- struct tcp_diag_md5sig
local MD5SIG = 100
add({ name = "md5_keys", type = "integer", doc = "keys of TCP MD5 signatures; told as mark is", sources = TCP, needs = "info",
  get = function(row, set)
    local told = more.tcp(row, set)
    if told and told.md5sig_len > 0 then
      return math.floor(told.md5sig_len / MD5SIG)
    end
  end })

-- Upper layers: attributes within INET_DIAG_ULP_INFO (include/uapi/linux/inet_diag.h, tls.h, mptcp.h), which
-- the kernel sends, as keys, to who asks for INET_DIAG_INFO (net/ipv4/inet_diag.c, inet_sk_diag_fill).

local NAME, TLS, SUBFLOW = 1, 2, 3
local half_pointer = ffi.typeof("const uint16_t *")
local word_pointer = ffi.typeof("const uint32_t *")

-- The payload of an attribute of a type among so many bytes, if it has at least `least` of them.
-- Source: include/uapi/linux/netlink.h, struct nlattr; the high bits of a type are flags.
local function attribute(bytes, length, wanted, least)
  local at = 0
  while length - at >= 4 do
    local head = ffi.cast(half_pointer, bytes + at)
    local size, kind = head[0], band(head[1], 0x3fff)
    if size < 4 or size > length - at then
      return nil
    elseif kind == wanted then
      return size - 4 >= least and bytes + at + 4 or nil, size - 4
    end
    at = at + band(size + 3, bit.bnot(3))
  end
end

local function upper(row, set, kind)
  local told = more.tcp(row, set)
  if told and told.ulp_len > 0 then
    return attribute(schema.at(set, told.ulp), told.ulp_len, kind, 0)
  end
end

local READ = {
  [1] = function(bytes) return tonumber(bytes[0]) end,
  [2] = function(bytes) return tonumber(ffi.cast(half_pointer, bytes)[0]) end,
  [4] = function(bytes) return tonumber(ffi.cast(word_pointer, bytes)[0]) end,
}

local function nested(name, kind, wanted, width, of_type, doc, convert)
  add({ name = name, type = of_type, doc = doc, sources = UPPER, needs = "info",
    identifies = of_type == "integer" or nil,
    get = function(row, set)
      local bytes, length = upper(row, set, kind)
      local value = bytes and attribute(bytes, length, wanted, width)
      if value then
        value = READ[width](value)
        if convert then
          value = convert(value)
        end
        return value
      end
    end })
end

add({ name = "ulp", type = "string", doc = "upper layer in the kernel: tls, mptcp, …", sources = UPPER, needs = "info",
  get = function(row, set)
    local bytes, length = upper(row, set, NAME)
    if bytes and length > 0 then
      return (ffi.string(bytes, length):gsub("%z.*", ""))
    end
  end })

local TLS_VERSION = { [0x0303] = "1.2", [0x0304] = "1.3" }
local TLS_CIPHER = { [51] = "aes-gcm-128", [52] = "aes-gcm-256", [53] = "aes-ccm-128", [54] = "chacha20-poly1305",
  [55] = "sm4-gcm", [56] = "sm4-ccm", [57] = "aria-gcm-128", [58] = "aria-gcm-256" }
local TLS_CONF = { "none", "sw", "hw", "hw-record" }
local function named(names)
  return function(value) return names[value] or ("unknown-%d"):format(value) end
end
nested("tls_version", TLS, 1, 2, "string", "TLS version in the kernel", named(TLS_VERSION))
nested("tls_cipher", TLS, 2, 2, "string", "its cipher", named(TLS_CIPHER))
nested("tls_tx", TLS, 3, 2, "string", "who encrypts: none, sw (the kernel), hw, hw-record", named(TLS_CONF))
nested("tls_rx", TLS, 4, 2, "string", "who decrypts: none, sw (the kernel), hw, hw-record", named(TLS_CONF))

local function token(value) return ("%08x"):format(value) end
nested("mptcp_token_remote", SUBFLOW, 1, 4, "string", "of a subflow: the peer's token of the connection, in hex", token)
nested("mptcp_token_local", SUBFLOW, 2, 4, "string", "of a subflow: the token of the connection here, in hex", token)
nested("mptcp_id_remote", SUBFLOW, 9, 1, "integer", "of a subflow: id of the remote address")
nested("mptcp_id_local", SUBFLOW, 10, 1, "integer", "of a subflow: id of the local address")
do
  local FLAGS = { "mcap_rem", "mcap_loc", "join_rem", "join_loc", "bkup_rem", "bkup_loc", "fully_established",
    "connected", "mapvalid" }
  nested("mptcp_subflow_flags", SUBFLOW, 8, 4, "list", "of a subflow: what was agreed, as the kernel calls it",
    function(bits)
      local words = {}
      for i, name in ipairs(FLAGS) do
        if band(rshift(bits, i - 1), 1) ~= 0 then words[#words + 1] = name end
      end
      return words
    end)
end

-- The whole connection of MPTCP: struct mptcp_info.

local function of_mptcp(name, member, of_type, unit, doc, convert)
  local get = info.of_mptcp(member)
  add({ name = name, type = of_type, unit = unit, doc = doc, sources = MPTCP, needs = "info",
    get = convert and function(row, set)
      local value = get(row, set)
      if value then
        return convert(value)
      end
    end or get })
end

of_mptcp("mptcp_token", "token", "string", nil, "token of the connection, in hex", token)
of_mptcp("mptcp_subflows", "subflows", "integer", "subflows", "that joined the first one")
of_mptcp("mptcp_subflows_max", "subflows_max", "integer", "subflows", "that may join")
of_mptcp("mptcp_subflows_total", "subflows_total", "integer", "subflows", "with the first one")
of_mptcp("mptcp_add_addr_signal", "add_addr_signal", "integer", "addresses", "that were announced to the peer")
of_mptcp("mptcp_add_addr_signal_max", "add_addr_signal_max", "integer", "addresses", "that may be announced")
of_mptcp("mptcp_add_addr_accepted", "add_addr_accepted", "integer", "addresses", "of the peer that were accepted")
of_mptcp("mptcp_add_addr_accepted_max", "add_addr_accepted_max", "integer", "addresses", "of the peer that may be accepted")
of_mptcp("mptcp_local_addr_used", "local_addr_used", "integer", "addresses", "of this host that are in use")
of_mptcp("mptcp_local_addr_max", "local_addr_max", "integer", "addresses", "of this host that may be in use")
of_mptcp("mptcp_fallback", "flags", "boolean", nil, "the peer knows no MPTCP: it is plain TCP",
  function(flags) return band(flags, 1) ~= 0 end)
of_mptcp("mptcp_remote_key_received", "flags", "boolean", nil, "the peer's key was received",
  function(flags) return band(flags, 2) ~= 0 end)
of_mptcp("mptcp_csum", "csum_enabled", "boolean", nil, "data bears checksums", function(flag) return flag ~= 0 end)
of_mptcp("mptcp_retransmits", "retransmits", "integer", "times", "the connection's timer sent data again")

return list
