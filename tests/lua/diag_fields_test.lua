--- The fields of sock_diag: of sets made by hand, byte by byte, as long and as short as kernels send
--- them; and of live sockets of the loopback, as ss tells of them.
--
--   luajit tests/lua/diag_fields_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

if arg[1] == "--live" then
  -- What the fields are of the socket with a local port.
  local query = require("sockq").tcp({ source = "diag" }):where("local_port == " .. arg[2])
  for name in arg[3]:gmatch("%S+") do query = query:needs { name } end
  for row in query:rows() do
    for name in arg[3]:gmatch("%S+") do print(name .. "=" .. tostring(row[name])) end
  end
  return
end

local check = require "check"
local posix = require "posix"
local ffi = require "ffi"
local fields = require "sockq.fields"
local schema = require "sockq.schema"

local C = schema.C
local BLOCK = 2 ^ 20
local header = ffi.new("struct sockq_set")
local memory = ffi.new("uint8_t[?]", 2 * BLOCK)
header.arena_blocks[0], header.user_hz, header.live = 1, 100, 1
local handle = ffi.new("struct sockq_set_handle")
handle.set, handle.map = header, memory
local set = ffi.cast(schema.set_handle, handle)
local INFO, ULP, MORE, WAITING, CGROUP, PATH = 4096, 8192, 64, 12288, 16384, 16448
local row = ffi.new("struct sockq_row")
local seen = {}

local function arena(offset, of) return ffi.cast(of, memory + BLOCK + offset) end

local function get(name)
  seen[name] = true
  return (fields.getters[name](ffi.cast("const struct sockq_row *", row), set, nil))
end

local function fresh(number, state)
  ffi.fill(row, ffi.sizeof(row))
  ffi.fill(memory, 2 * BLOCK)
  row.table, row.state, row.flags = number, state or 1, C.SOCKQ_ROW_DIAG
  row.known = bit.bor(C.SOCKQ_HAS_STATE, C.SOCKQ_HAS_QUEUES, C.SOCKQ_HAS_TIMER, C.SOCKQ_HAS_ADDRS)
end

local function with_info(number, length, state)
  fresh(number, state)
  row.diag.more = MORE
  local more = arena(MORE, "struct sockq_diag *")
  more.info, more.info_len = INFO, length
  return more
end

--- Members by their offsets in the kernel's struct: name, offset, bytes, divisor.
local TCP = {
  { "backoff", 4, 1 }, { "rto", 8, 4, 1e6 }, { "ato", 12, 4, 1e6 }, { "mss", 16, 4 }, { "rcv_mss", 20, 4 },
  { "unacked", 24, 4 }, { "sacked", 28, 4 }, { "lost", 32, 4 }, { "retrans_now", 36, 4 }, { "fackets", 40, 4 },
  { "last_snd", 44, 4, 1e3 }, { "last_rcv", 52, 4, 1e3 }, { "last_ack", 56, 4, 1e3 }, { "pmtu", 60, 4 },
  { "rcv_ssthresh", 64, 4 }, { "rtt", 68, 4, 1e6 }, { "rttvar", 72, 4, 1e6 }, { "ssthresh", 76, 4 }, { "cwnd", 80, 4 },
  { "advmss", 84, 4 }, { "reordering", 88, 4 }, { "rcv_rtt", 92, 4, 1e6 }, { "rcv_space", 96, 4 },
  { "retrans_total", 100, 4 }, { "pacing_rate", 104, 8 }, { "max_pacing_rate", 112, 8 }, { "bytes_acked", 120, 8 },
  { "bytes_received", 128, 8 }, { "segs_out", 136, 4 }, { "segs_in", 140, 4 }, { "notsent", 144, 4 },
  { "min_rtt", 148, 4, 1e6 }, { "data_segs_in", 152, 4 }, { "data_segs_out", 156, 4 }, { "delivery_rate", 160, 8 },
  { "busy_time", 168, 8, 1e6 }, { "rwnd_limited", 176, 8, 1e6 }, { "sndbuf_limited", 184, 8, 1e6 },
  { "delivered", 192, 4 }, { "delivered_ce", 196, 4 }, { "bytes_sent", 200, 8 }, { "bytes_retrans", 208, 8 },
  { "dsack_dups", 216, 4 }, { "reord_seen", 220, 4 }, { "rcv_ooopack", 224, 4 }, { "snd_wnd", 228, 4 },
  { "rcv_wnd", 232, 4 }, { "rehash", 236, 4 }, { "total_rto", 240, 2 }, { "total_rto_recoveries", 242, 2 },
  { "total_rto_time", 244, 4, 1e3 }, { "received_ce", 248, 4 }, { "delivered_e1_bytes", 252, 4 },
  { "delivered_e0_bytes", 256, 4 }, { "delivered_ce_bytes", 260, 4 }, { "received_e1_bytes", 264, 4 },
  { "received_e0_bytes", 268, 4 }, { "received_ce_bytes", 272, 4 },
}
local WORDS = { [1] = "uint8_t *", [2] = "uint16_t *", [4] = "uint32_t *", [8] = "uint64_t *" }

for i, member in ipairs(TCP) do
  local name, offset, bytes, divisor = unpack(member)
  local title = "tcp_info: " .. name
  local value = bytes == 1 and 3 + i or 300 + 7 * i
  with_info(C.SOCKQ_TCP, offset + bytes)
  -- A sample of the round trip, without which there is no deviation.
  arena(INFO + 68, WORDS[4])[0] = 5
  arena(INFO + offset, WORDS[bytes])[0] = value
  check.equal(title, get(name), value / (divisor or 1))
  local more = with_info(C.SOCKQ_TCP, offset + bytes - 1)
  arena(INFO + 68, WORDS[4])[0] = 5
  arena(INFO + offset, WORDS[bytes])[0] = value
  check.equal(title .. ": one byte short", get(name), nil)
  more.info_len = 0
  check.equal(title .. ": none", get(name), nil)
  with_info(C.SOCKQ_UDP, 280)
  check.equal(title .. ": not of udp", get(name), nil)
  with_info(C.SOCKQ_TCP, 280)
  row.diag.more = 0
  check.equal(title .. ": nothing more was told", get(name), nil)
  with_info(C.SOCKQ_TCP, 280, C.SOCKQ_LISTEN)
  arena(INFO + offset, WORDS[bytes])[0] = value
  local listeners = name == "cwnd" or name == "reordering" or name:find("pacing_rate") ~= nil
  check.equal(title .. ": of listeners", get(name) ~= nil, listeners)
end

-- What stands for none
for name, none in pairs { rtt = { 68, 4, 0 }, rcv_rtt = { 92, 4, 0 }, min_rtt = { 148, 4, 0xffffffff },
  ssthresh = { 76, 4, 0x7fffffff }, pacing_rate = { 104, 8, -1ULL }, max_pacing_rate = { 112, 8, -1ULL } } do
  with_info(C.SOCKQ_TCP6, 280)
  arena(INFO + none[1], WORDS[none[2]])[0] = none[3]
  check.equal(name .. ": none", get(name), nil)
end
with_info(C.SOCKQ_TCP, 280)
check.equal("rttvar without a sample", get("rttvar"), nil)

-- Bits
for i, name in ipairs { "timestamps", "sack", false, "ecn", "ecn_seen", "fastopen", "usec_ts", "tfo_child" } do
  if name then
    with_info(C.SOCKQ_TCP, 280)
    check.equal(name .. ": not set", get(name), false)
    arena(INFO + 5, WORDS[1])[0] = 2 ^ (i - 1)
    check.equal(name .. ": set", get(name), true)
  end
end
with_info(C.SOCKQ_TCP, 280)
arena(INFO + 6, WORDS[1])[0] = 0xa7
check.equal("snd_wscale: not negotiated", get("snd_wscale"), nil)
arena(INFO + 5, WORDS[1])[0] = 4
check.equal("snd_wscale", get("snd_wscale"), 7)
check.equal("rcv_wscale", get("rcv_wscale"), 10)
check.equal("ca_state", get("ca_state"), "Open")
arena(INFO + 1, WORDS[1])[0] = 4
check.equal("ca_state of loss", get("ca_state"), "Loss")
arena(INFO + 1, WORDS[1])[0] = 9
check.equal("ca_state of a newer kernel", get("ca_state"), "unknown-9")
check.equal("app_limited: not", get("app_limited"), false)
check.equal("fastopen_client_fail: none", get("fastopen_client_fail"), nil)
arena(INFO + 7, WORDS[1])[0] = 1 + 2 * 2
check.equal("app_limited", get("app_limited"), true)
check.equal("fastopen_client_fail", get("fastopen_client_fail"), "data_not_acked")
do
  local more = with_info(C.SOCKQ_TCP, 160)
  arena(INFO + 7, WORDS[1])[0] = 1
  check.equal("app_limited: older than it", get("app_limited"), nil)
  more.info_len = 226
  check.equal("fastopen_client_fail: older than it", get("fastopen_client_fail"), nil)
end

-- Congestion control
do
  local more = with_info(C.SOCKQ_TCP, 0)
  check.equal("cc: not told", get("cc"), nil)
  more.has, more.cc = C.SOCKQ_DIAG_HAS_CC + C.SOCKQ_DIAG_HAS_BBR, "bbr"
  for i, value in ipairs { 5, 2, 1500, 739, 512 } do more.cc_info[i - 1] = value end
  for name, want in pairs { cc = "bbr", bbr_bw = 2 * 2 ^ 32 + 5, bbr_min_rtt = 0.0015, bbr_pacing_gain = 739 / 256,
    bbr_cwnd_gain = 2, vegas_rtt = false, dctcp_alpha = false } do
    check.equal("bbr: " .. name, get(name), want or nil)
  end
  more.has = C.SOCKQ_DIAG_HAS_VEGAS
  for i, value in ipairs { 1, 3, 2000, 0x7fffffff } do more.cc_info[i - 1] = value end
  for name, want in pairs { vegas_enabled = true, vegas_rttcnt = 3, vegas_rtt = 0.002, vegas_minrtt = false, bbr_bw = false } do
    check.equal("vegas: " .. name, get(name), want or nil)
  end
  more.has = C.SOCKQ_DIAG_HAS_DCTCP
  ffi.cast(WORDS[2], more.cc_info)[0], ffi.cast(WORDS[2], more.cc_info)[1] = 1, 7
  for i, value in ipairs { 256, 30, 40 } do more.cc_info[i] = value end
  for name, want in pairs { dctcp_enabled = true, dctcp_ce_state = 7, dctcp_alpha = 0.25, dctcp_ab_ecn = 30,
    dctcp_ab_tot = 40 } do
    check.equal("dctcp: " .. name, get(name), want)
  end
end

-- Memory, of every kind of socket: each word only where the kernel sent it
local MEMORY = { "rmem_alloc", "rcvbuf", "wmem_alloc", "sndbuf", "fwd_alloc", "wmem_queued", "optmem", "sk_backlog", "drops" }
for number, of in pairs { [C.SOCKQ_TCP] = "sockq_diag", [C.SOCKQ_UNIX] = "sockq_unix_diag",
  [C.SOCKQ_PACKET] = "sockq_packet_diag", [C.SOCKQ_XDP] = "sockq_xdp_diag", [C.SOCKQ_NETLINK] = "sockq_netlink_diag" } do
  fresh(number)
  if number == C.SOCKQ_TCP then row.diag.more = MORE else row.more = MORE end
  local more = arena(MORE, "struct " .. of .. " *")
  local words = ffi.cast("uint32_t *", more.memory)
  for i, name in ipairs(MEMORY) do
    words[i - 1], more.memory.count = 100 + i, i
    check.equal(of .. ": " .. name, get(name), 100 + i)
    more.memory.count = i - 1
    check.equal(of .. ": without " .. name, get(name), nil)
  end
  more.has, more.cookie = C.SOCKQ_DIAG_HAS_COOKIE, 0x500000000aULL
  check.equal(of .. ": cookie", get("cookie"), "500000000a")
end

-- What a socket of IP is
do
  local more = with_info(C.SOCKQ_TCP, 0)
  for name, flag in pairs { mark = C.SOCKQ_DIAG_HAS_MARK, class_id = C.SOCKQ_DIAG_HAS_CLASS, tos = C.SOCKQ_DIAG_HAS_TOS,
    tclass = C.SOCKQ_DIAG_HAS_TCLASS, cgroup_id = C.SOCKQ_DIAG_HAS_CGROUP } do
    more.has, more[name] = 0, 77
    check.equal(name .. ": not told", get(name), nil)
    more.has = flag
    check.equal(name, get(name), 77)
  end
  more.has, more.cgroup_id = C.SOCKQ_DIAG_HAS_CGROUP, 77
  check.equal("sk_cgroup: not told", get("sk_cgroup"), nil)
  local cgroup = arena(CGROUP, "struct sockq_cgroup *")
  cgroup.id, cgroup.path, cgroup.path_len = 77, PATH, 5
  ffi.copy(memory + BLOCK + PATH, "/a/b c")
  header.cgroups, header.arena = CGROUP, 20000
  check.equal("sk_cgroup", get("sk_cgroup"), "/a/b ")
  check.equal("sockopts: not told", get("sockopts"), nil)
  more.has, more.sockopt = C.SOCKQ_DIAG_HAS_SOCKOPT, 1 + 2 + 2 ^ 10
  check.equal("sockopts", table.concat(get("sockopts"), " "), "recverr is_icsk defer_connect")
  check.equal("md5_keys: none", get("md5_keys"), nil)
  more.md5sig_len = 200
  check.equal("md5_keys", get("md5_keys"), 2)
  check.equal("v6only: not told", get("v6only"), nil)
  check.equal("shutdown: not told", get("shutdown"), nil)
  row.diag.has, row.diag.v6only, row.diag.shutdown = 3, 1, 2
  check.equal("v6only", get("v6only"), true)
  check.equal("shutdown", get("shutdown"), "write")
  row.diag.ifindex = 4
  check.equal("ifindex", get("ifindex"), 4)
  check.equal("backlog: of listeners alone", get("backlog"), nil)
  row.state, row.recv_q, row.diag.backlog_max = C.SOCKQ_LISTEN, 3, 128
  check.equal("backlog", get("backlog"), 3)
  check.equal("backlog_max", get("backlog_max"), 128)
  row.timer, row.when = 1, 1234
  check.equal("expires is of milliseconds", get("expires"), 1.234)
  check.equal("when is of ticks", get("when"), 123)
  fresh(C.SOCKQ_RAW)
  row.local_port, row.diag.has, row.diag.protocol = 255, C.SOCKQ_DIAG_HAS_PROTOCOL, 89
  check.equal("protocol of a raw socket", get("protocol"), "ospf")
end

-- Upper layers: well-formed attributes, and such as are cut short or lie about their lengths
local function attribute(kind, payload)
  local size = 4 + #payload
  local head = ffi.string(ffi.new("uint16_t[2]", size, kind), 4)
  return head .. payload .. ("\0"):rep(-size % 4)
end
local function with_ulp(bytes)
  local more = with_info(C.SOCKQ_TCP, 0)
  more.ulp, more.ulp_len = ULP, #bytes
  ffi.copy(memory + BLOCK + ULP, bytes)
end
local function number(bytes, value) return ffi.string(ffi.new(bytes == 2 and "uint16_t[1]" or "uint32_t[1]", value), bytes) end
local TLS = attribute(1, "tls\0") .. attribute(0x8002, attribute(1, number(2, 0x304)) .. attribute(2, number(2, 51))
  .. attribute(3, number(2, 2)) .. attribute(4, number(2, 9)))
local SUBFLOW = attribute(1, "mptcp\0") .. attribute(3, attribute(1, number(4, 0xabc)) .. attribute(2, number(4, 0x12345678))
  .. attribute(8, number(4, 0x81)) .. attribute(9, "\3") .. attribute(10, "\4"))
with_ulp(TLS)
for name, want in pairs { ulp = "tls", tls_version = "1.3", tls_cipher = "aes-gcm-128", tls_tx = "sw", tls_rx = "unknown-9",
  mptcp_token_local = false } do
  check.equal("tls: " .. name, get(name), want or nil)
end
with_ulp(SUBFLOW)
for name, want in pairs { ulp = "mptcp", mptcp_token_remote = "00000abc", mptcp_token_local = "12345678", mptcp_id_remote = 3,
  mptcp_id_local = 4, tls_version = false } do
  check.equal("subflow: " .. name, get(name), want or nil)
end
check.equal("mptcp_subflow_flags", table.concat(get("mptcp_subflow_flags"), " "), "mcap_rem connected")
for length = 0, #TLS - 1 do
  with_ulp(TLS:sub(1, length))
  check.equal("tls cut at " .. length, get("tls_rx"), nil)
end
for _, size in ipairs { 0, 3, 5, 0xffff } do
  with_ulp(number(2, size) .. number(2, 0x8002) .. TLS)
  check.equal("an attribute of " .. size .. " bytes", get("tls_version"), nil)
end

-- MPTCP: name, offset, bytes, divisor
for _, member in ipairs { { "mptcp_subflows", 0, 1 }, { "mptcp_add_addr_signal", 1, 1 }, { "mptcp_add_addr_accepted", 2, 1 },
  { "mptcp_subflows_max", 3, 1 }, { "mptcp_add_addr_signal_max", 4, 1 }, { "mptcp_add_addr_accepted_max", 5, 1 },
  { "mptcp_local_addr_used", 40, 1 }, { "mptcp_local_addr_max", 41, 1 }, { "mptcp_retransmits", 44, 4 },
  { "bytes_retrans", 48, 8 }, { "bytes_sent", 56, 8 }, { "bytes_received", 64, 8 }, { "bytes_acked", 72, 8 },
  { "mptcp_subflows_total", 80, 1 }, { "last_snd", 84, 4, 1e3 }, { "last_rcv", 88, 4, 1e3 }, { "last_ack", 92, 4, 1e3 } } do
  local name, offset, bytes, divisor = unpack(member)
  local more = with_info(C.SOCKQ_MPTCP, offset + bytes)
  arena(INFO + offset, WORDS[bytes])[0] = 55
  check.equal("mptcp_info: " .. name, get(name), 55 / (divisor or 1))
  more.info_len = offset + bytes - 1
  check.equal("mptcp_info: " .. name .. ": one byte short", get(name), nil)
end
with_info(C.SOCKQ_MPTCP6, 96)
arena(INFO + 8, WORDS[4])[0], arena(INFO + 12, WORDS[4])[0], arena(INFO + 42, WORDS[1])[0] = 2, 0xbeef, 1
for name, want in pairs { mptcp_token = "0000beef", mptcp_fallback = false, mptcp_remote_key_received = true,
    mptcp_csum = true } do
  check.equal("mptcp_info: " .. name, get(name), want)
end

-- Unix, netlink, packet, vsock
do
  fresh(C.SOCKQ_UNIX)
  row.more = MORE
  local more = arena(MORE, "struct sockq_unix_diag *")
  check.equal("peer_inode: not told", get("peer_inode"), nil)
  more.has = bit.bor(C.SOCKQ_DIAG_HAS_PEER, C.SOCKQ_DIAG_HAS_FILE, C.SOCKQ_DIAG_HAS_WAITING, C.SOCKQ_DIAG_HAS_UNIX_SHUTDOWN)
  more.peer, more.vfs_inode, more.vfs_dev, more.shutdown = 42, 43, 0xfd00001, 3
  more.waiting, more.waiting_count = WAITING, 2
  arena(WAITING, WORDS[4])[0], arena(WAITING, WORDS[4])[1] = 8, 9
  for name, want in pairs { peer_inode = 42, vfs_inode = 43, vfs_dev = "253:1", shutdown = "both" } do
    check.equal("unix: " .. name, get(name), want)
  end
  check.equal("unix: icons", table.concat(get("icons"), " "), "8 9")
  row.un.flags, row.recv_q, row.send_q = 0x10000, 2, 10
  check.equal("unix: backlog", get("backlog"), 2)
  check.equal("unix: backlog_max", get("backlog_max"), 10)

  fresh(C.SOCKQ_NETLINK)
  row.more = MORE
  more = arena(MORE, "struct sockq_netlink_diag *")
  more.has, more.remote_port_id, more.remote_groups = C.SOCKQ_DIAG_HAS_PEER, 7, 8
  check.equal("netlink: dst_port_id", get("dst_port_id"), 7)
  check.equal("netlink: dst_group", get("dst_group"), 8)

  fresh(C.SOCKQ_PACKET)
  row.more = MORE
  more = arena(MORE, "struct sockq_packet_diag *")
  more.has = bit.bor(C.SOCKQ_DIAG_HAS_INFO, C.SOCKQ_DIAG_HAS_RX_RING, C.SOCKQ_DIAG_HAS_TX_RING, C.SOCKQ_DIAG_HAS_FANOUT,
    C.SOCKQ_DIAG_HAS_FILTER)
  more.version, more.flags, more.copy_thresh, more.fanout, more.filter_len = 2, 1 + 8, 5, 0x10007, 24
  more.rx_ring.block_size, more.rx_ring.block_nr, more.rx_ring.frame_nr = 4096, 3, 6
  more.tx_ring.block_size, more.tx_ring.block_nr, more.tx_ring.frame_nr = 4096, 1, 2
  for name, want in pairs { packet_version = "TPACKET_V3", copy_thresh = 5, fanout_id = 7, fanout_type = "lb", filter_len = 3,
    rx_ring = 12288, rx_ring_frames = 6, tx_ring = 4096, tx_ring_frames = 2 } do
    check.equal("packet: " .. name, get(name), want)
  end
  check.equal("packet_flags", table.concat(get("packet_flags"), " "), "running vnethdr")

  fresh(C.SOCKQ_VSOCK)
  row.known = C.SOCKQ_HAS_STATE
  row.vsock = { 3, 0x12345678, 0xffffffff, 0xffffffff, 1, 1 }
  for name, want in pairs { local_addr = "3", local_port = 0x12345678, remote_addr = "*", remote_port = 0, type = "STREAM",
    shutdown = "read" } do
    check.equal("vsock: " .. name, get(name), want)
  end
end

-- SCTP: name, offset in struct sctp_info, bytes, divisor
for i, member in ipairs { { "sctp_rwnd", 8, 4 }, { "sctp_peer_rwnd", 44, 4 }, { "sctp_unackdata", 12, 2 },
  { "sctp_penddata", 14, 2 }, { "sctp_instrms", 16, 2 }, { "sctp_outstrms", 18, 2 }, { "sctp_opackets", 72, 8 },
  { "sctp_ipackets", 80, 8 }, { "sctp_rtxchunks", 88, 8 }, { "sctp_cwnd", 300, 4 }, { "sctp_rto", 308, 4, 1e3 },
  { "sctp_ssthresh", 328, 4 }, { "sctp_flight_size", 336, 4 } } do
  local name, offset, bytes, divisor = unpack(member)
  local more = with_info(C.SOCKQ_SCTP_ASSOCS, offset + bytes)
  arena(INFO + offset, WORDS[bytes])[0] = 55 + i
  check.equal("sctp_info: " .. name, get(name), (55 + i) / (divisor or 1))
  more.info_len = offset + bytes - 1
  check.equal("sctp_info: " .. name .. ": one byte short", get(name), nil)
  with_info(C.SOCKQ_SCTP_EPS, 368)
  check.equal("sctp_info: " .. name .. ": of an association alone", get(name), nil)
end
check.equal("sctp_info is as long as the kernel's", ffi.sizeof("struct sockq_sctp_info"), 368)

-- Lists of struct sockaddr_storage, whole and cut short; nothing of them is a key of MD5 or an upper layer.
do
  local more = with_info(C.SOCKQ_SCTP_ASSOCS, 0)
  local function put(at, family, offset, ...)
    arena(at, WORDS[2])[0] = family
    for i, byte in ipairs { ... } do arena(at + offset, WORDS[1])[i - 1] = byte end
  end
  put(ULP, 2, 4, 127, 0, 0, 1)
  put(ULP + 128, 10, 8, 0x20, 1, 0xd, 0xb8)
  put(ULP + 256, 1, 2, 47)
  put(WAITING, 2, 4, 10, 0, 0, 2)
  more.locals, more.locals_len, more.peers, more.peers_len = ULP, 384, WAITING, 128
  row.diag.has, row.diag.assoc_state = C.SOCKQ_DIAG_IS_ASSOC, 4
  check.equal("sctp: local_addrs", table.concat(get("local_addrs"), " "), "127.0.0.1 2001:db8::")
  check.equal("sctp: remote_addrs", table.concat(get("remote_addrs"), " "), "10.0.0.2")
  check.equal("sctp: assoc_state", get("assoc_state"), "SHUTDOWN_PENDING")
  row.diag.assoc_state = 9
  check.equal("sctp: assoc_state that is unknown", get("assoc_state"), "UNKNOWN(9)")
  check.equal("sctp: assoc_id is of the text", get("assoc_id"), nil)
  check.equal("sctp: peers are no keys", get("md5_keys"), nil)
  check.equal("sctp: addresses are no upper layer", get("ulp"), nil)
  for length = 0, 127 do
    more.locals_len = length
    check.equal("sctp: addresses cut at " .. length, #get("local_addrs"), 0)
  end
  row.timer, row.when = 1, 990
  check.equal("sctp: timer", get("timer") .. get("expires"), "on0.99")
  row.table, row.state, row.recv_q, row.diag.backlog_max = C.SOCKQ_SCTP_EPS, C.SOCKQ_LISTEN, 2, 128
  check.equal("sctp: backlog", get("backlog") .. "/" .. get("backlog_max"), "2/128")
  check.equal("sctp: a listener is no association", get("assoc_state"), nil)
  row.diag.more = 0
  check.equal("sctp: no more was told", #get("local_addrs"), 0)
end

-- TIPC
do
  fresh(C.SOCKQ_TIPC)
  row.known = bit.bor(C.SOCKQ_HAS_STATE, C.SOCKQ_HAS_QUEUES, C.SOCKQ_HAS_UID)
  row.tipc = { 7, 0x80000001, 8, 9, 5, 1 }
  check.equal("tipc: nothing more was told", get("tipc_congestion"), nil)
  row.more = MORE
  local more = arena(MORE, "struct sockq_tipc_diag *")
  for name, want in pairs { local_addr = "7", local_port = 0x80000001, remote_addr = "8", remote_port = 9, type = "SEQPACKET",
    tipc_congestion = "none", tipc_published = false, tipc_drops = 0, state = "ESTABLISHED" } do
    check.equal("tipc: " .. name, get(name), want)
  end
  check.equal("tipc: tipc_service", get("tipc_service"), nil)
  more.has = C.SOCKQ_DIAG_HAS_CONN_CONG + C.SOCKQ_DIAG_HAS_SERVICE + C.SOCKQ_DIAG_HAS_PUBL + C.SOCKQ_DIAG_HAS_COOKIE
  more.drops, more.service_type, more.service_instance, more.cookie = 3, 4000000000, 2, 16
  for name, want in pairs { tipc_congestion = "conn", tipc_published = true, tipc_drops = 3, tipc_service = "4000000000:2",
    cookie = "10" } do
    check.equal("tipc: told: " .. name, get(name), want)
  end
  more.has = C.SOCKQ_DIAG_HAS_CONN_CONG + C.SOCKQ_DIAG_HAS_LINK_CONG
  check.equal("tipc: the link before the connection", get("tipc_congestion"), "link")
  row.tipc.connected = 0
  check.equal("tipc: not connected", get("remote_addr"), nil)
end

-- AF_XDP
do
  fresh(C.SOCKQ_XDP)
  row.known, row.recv_q = C.SOCKQ_HAS_QUEUES, 5
  check.equal("xdp_queue: not bound", get("xdp_queue"), nil)
  row.xdp = { 2, 7 }
  for name, want in pairs { xdp_queue = 7, ifindex = 2, recv_q = 5, send_q = false, state = false, umem_id = false } do
    check.equal("xdp: " .. name, get(name), want or nil)
  end
  row.more = MORE
  local more = arena(MORE, "struct sockq_xdp_diag *")
  more.rx_ring, more.tx_ring, more.fill_ring, more.completion_ring = 1, 2, 3, 4
  more.umem = { 2 ^ 40, 5, 6, 7, 8, 9, 10, 11, 12 }
  more.stats = { 21, 22, 23, 24, 25, 26 }
  local rings = C.SOCKQ_DIAG_HAS_RX_RING + C.SOCKQ_DIAG_HAS_TX_RING
  local umem = C.SOCKQ_DIAG_HAS_UMEM + C.SOCKQ_DIAG_HAS_FILL_RING + C.SOCKQ_DIAG_HAS_COMPLETION_RING
  for flag, wants in pairs {
    [rings] = { xdp_rx_ring = 1, xdp_tx_ring = 2 },
    [umem] = { xdp_fill_ring = 3, xdp_completion_ring = 4, umem_size = 2 ^ 40, umem_id = 5, umem_chunk_size = 7,
      umem_headroom = 8, umem_refs = 12 },
    [tonumber(C.SOCKQ_DIAG_HAS_STATS)] = { xdp_rx_dropped = 21, xdp_rx_invalid = 22, xdp_rx_queue_full = 23,
      xdp_rx_fill_ring_empty = 24, xdp_tx_invalid = 25, xdp_tx_ring_empty = 26 } } do
    for name, want in pairs(wants) do
      more.has = flag
      check.equal("xdp: " .. name, get(name), want)
      more.has = 0
      check.equal("xdp: " .. name .. ": not told", get(name), nil)
    end
  end
end

-- Of /proc, nothing
for _, field in ipairs(fields.list) do
  -- closed is of events: cli/follow_test.lua.
  if field.from == "diag" and field.name ~= "closed" then
    check.ok(field.name .. " is tested", seen[field.name])
    with_info(C.SOCKQ_TCP, 280)
    row.flags = 0
    check.equal(field.name .. " of a row of /proc", get(field.name), nil)
  end
end

-- Which source a query reads
for names, want in pairs { ["rtt"] = "diag", ["rtt refs"] = "diag", ["refs"] = "proc", ["rto"] = "proc",
    ["state local_port"] = false,
  ["dev"] = "diag", ["dev rto"] = "diag", ["dev line"] = "proc", ["nothing"] = false } do
  local asked = {}
  for name in names:gmatch("%S+") do asked[name] = true end
  check.equal("source of " .. names, fields.source(asked), want or nil)
end

-- As ss has it, of a connection that is at rest
local function live()
  local names = "cc mss pmtu advmss cwnd bytes_sent bytes_acked segs_out data_segs_out rto rtt min_rtt delivered rcv_space "
    .. "rcv_ssthresh rcvbuf sndbuf rmem_alloc wmem_queued snd_wscale rcv_wscale cookie inode timestamps sack sk_cgroup"
  local status, out = posix.run({ "python3", "tests/lib/loopback_pair.py", "ss", "-tienmH", "--cgroup", "sport = :PORT", "--",
    "luajit", "tests/lua/diag_fields_test.lua", "--live", "PORT", names }, { timeout = 60 })
  check.equal("live: status", status, 0)
  local ss, ours = out:match("^(.-)\n%-%-\n(.*)\n%-%-\n$")
  if not ss:find("bytes_sent") then return end
  local got = {}
  for name, value in ours:gmatch("([%w_]+)=([^\n]*)") do got[name] = value end
  check.equal("live: data that was sent", got.bytes_sent, "100000")
  for name, pattern in pairs { mss = " mss:(%d+)", pmtu = "pmtu:(%d+)", advmss = "advmss:(%d+)", cwnd = "cwnd:(%d+)",
    bytes_sent = "bytes_sent:(%d+)", bytes_acked = "bytes_acked:(%d+)", segs_out = " segs_out:(%d+)",
    data_segs_out = "data_segs_out:(%d+)", delivered = "delivered:(%d+)", rcv_space = "rcv_space:(%d+)",
    rcv_ssthresh = "rcv_ssthresh:(%d+)", rcvbuf = ",rb(%d+)", sndbuf = ",tb(%d+)", rmem_alloc = "%(r(%d+)",
    wmem_queued = ",w(%d+)",
    snd_wscale = "wscale:(%d+)", rcv_wscale = "wscale:%d+,(%d+)", cookie = "sk:(%x+)", inode = "ino:(%d+)",
    sk_cgroup = "cgroup:(%S+)" } do
    check.equal("live: " .. name, got[name], ss:match(pattern))
  end
  for name, pattern in pairs { rto = "rto:([%d.]+)", rtt = " rtt:([%d.]+)", min_rtt = "minrtt:([%d.]+)" } do
    check.ok("live: " .. name, math.abs(tonumber(got[name]) * 1000 - tonumber(ss:match(pattern))) < 0.001, got[name])
  end
  check.ok("live: cc", ss:find(" " .. got.cc .. " ", 1, true), got.cc)
  check.equal("live: timestamps", got.timestamps, tostring(ss:find(" ts ", 1, true) ~= nil))
  check.equal("live: sack", got.sack, tostring(ss:find(" sack ", 1, true) ~= nil))
end
live()

check.finish()
