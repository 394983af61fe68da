-- struct tcp_info and mptcp_info, of which kernels send as much as they have: getters of members,
-- nil where a row's is too short to have them.

local ffi = require("ffi")
local more = require("sockq.fields.more")
local schema = require("sockq.schema")

local C = schema.C
local cast, tonumber = ffi.cast, tonumber
local TCP6, MPTCP, MPTCP6 = tonumber(C.SOCKQ_TCP6), tonumber(C.SOCKQ_MPTCP), tonumber(C.SOCKQ_MPTCP6)
local LISTEN = tonumber(C.SOCKQ_LISTEN)

--- include/uapi/linux/tcp.h, struct tcp_info; bytes that are bit fields there: wscale (sending in the
--- low half), flags (1: app_limited, 2 and 4: fastopen_client_fail).
ffi.cdef([[
struct sockq_tcp_info {
  uint8_t state, ca_state, retransmits, probes, backoff, options, wscale, flags;
  uint32_t rto, ato, snd_mss, rcv_mss;
  uint32_t unacked, sacked, lost, retrans, fackets;
  uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
  uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
  uint32_t rcv_rtt, rcv_space, total_retrans;
  uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
  uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
  uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
  uint32_t delivered, delivered_ce;
  uint64_t bytes_sent, bytes_retrans;
  uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
  uint16_t total_rto, total_rto_recoveries;
  uint32_t total_rto_time;
  uint32_t received_ce, delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
  uint32_t received_e1_bytes, received_e0_bytes, received_ce_bytes;
};
]])

--- include/uapi/linux/mptcp.h, struct mptcp_info.
ffi.cdef([[
struct sockq_mptcp_info {
  uint8_t subflows, add_addr_signal, add_addr_accepted;
  uint8_t subflows_max, add_addr_signal_max, add_addr_accepted_max;
  uint32_t flags, token;
  uint64_t write_seq, snd_una, rcv_nxt;
  uint8_t local_addr_used, local_addr_max, csum_enabled;
  uint32_t retransmits;
  uint64_t bytes_retrans, bytes_sent, bytes_received, bytes_acked;
  uint8_t subflows_total, reserved[3];
  uint32_t last_data_sent, last_data_recv, last_ack_recv;
};
]])

local info = {}

local ENDS = { tcp = {}, mptcp = {} }
local POINTERS = { tcp = ffi.typeof("const struct sockq_tcp_info *"), mptcp = ffi.typeof("const struct sockq_mptcp_info *") }
-- Members by their widths, where they are not of 32 bits.
local WIDTHS = {
  tcp = { [1] = "state ca_state retransmits probes backoff options wscale flags", [2] = "total_rto total_rto_recoveries",
    [8] = "pacing_rate max_pacing_rate bytes_acked bytes_received delivery_rate busy_time rwnd_limited "
      .. "sndbuf_limited bytes_sent bytes_retrans" },
  mptcp = { [1] = "subflows add_addr_signal add_addr_accepted subflows_max add_addr_signal_max add_addr_accepted_max "
      .. "local_addr_used local_addr_max csum_enabled subflows_total",
    [8] = "write_seq snd_una rcv_nxt bytes_retrans bytes_sent bytes_received bytes_acked" },
}
for kind, widths in pairs(WIDTHS) do
  for width, names in pairs(widths) do
    for name in names:gmatch("%S+") do
      ENDS[kind][name] = ffi.offsetof(("struct sockq_%s_info"):format(kind), name) + width
    end
  end
end

--- How many bytes a row's info must have to hold a member.
---@param kind string  tcp or mptcp
---@param member string
---@return integer
function info.reach(kind, member)
  return ENDS[kind][member] or ffi.offsetof(("struct sockq_%s_info"):format(kind), member) + 4
end

-- What a row was told by INET_DIAG_INFO, as a struct of the kernel's; nil if it has fewer bytes.
local function of_kind(row, set, reach, pointer)
  local told = more.inet(row, set)
  if told and told.info_len >= reach then
    local memory = schema.at(set, told.info)
    return memory and cast(pointer, memory)
  end
end

--- The tcp_info of a row of TCP that has so many bytes of it.
---@param row ffi.cdata*   sockq_row
---@param set ffi.cdata*   sockq_set_handle
---@param reach integer    from info.reach
---@return ffi.cdata*|nil
function info.tcp(row, set, reach)
  if row.table <= TCP6 then
    return of_kind(row, set, reach, POINTERS.tcp)
  end
end

--- The same of a row of MPTCP.
---@return ffi.cdata*|nil
function info.mptcp(row, set, reach)
  if row.table == MPTCP or row.table == MPTCP6 then
    return of_kind(row, set, reach, POINTERS.mptcp)
  end
end

--- A getter of a member of tcp_info. Of listeners the kernel fills few (net/ipv4/tcp.c,
--- tcp_get_info): nil where `listeners` does not say that it is one of them.
---@param member string
---@param divisor? number    of the kernel's unit: 1e6 for microseconds
---@param listeners? boolean
---@return fun(row: ffi.cdata*, set: ffi.cdata*): number|nil
function info.of_tcp(member, divisor, listeners)
  local reach, of_tcp = info.reach("tcp", member), info.tcp
  divisor = divisor or 1
  return function(row, set)
    if row.state == LISTEN and not listeners then
      return nil
    end
    local told = of_tcp(row, set, reach)
    if told then
      return tonumber(told[member]) / divisor
    end
  end
end

--- A getter of a member of mptcp_info.
function info.of_mptcp(member, divisor)
  local reach, of_mptcp = info.reach("mptcp", member), info.mptcp
  divisor = divisor or 1
  return function(row, set)
    local told = of_mptcp(row, set, reach)
    if told then
      return tonumber(told[member]) / divisor
    end
  end
end

return info
