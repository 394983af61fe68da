-- What -i shows of a tcp socket of sock_diag: the numbers of struct tcp_info and what the congestion
-- control tells of itself (include/uapi/linux/tcp.h, inet_diag.h).

local ffi = require("ffi")
local schema = require("sockq.schema")
local text = require("sockq.ss.text")

local C = schema.C
local figures = text.figures

local info = {}

local copy, fill, cast = ffi.copy, ffi.fill, ffi.cast
local band, rshift = bit.band, bit.rshift
local min, tonumber = math.min, tonumber

-- As much of tcp_info as ss 6.1 knows; what a kernel does not send is 0.
ffi.cdef([[
struct sockq_ss_tcp_info {
  uint8_t state, ca_state, retransmits, probes, backoff, options, wscale, bits;
  uint32_t rto, ato, snd_mss, rcv_mss, unacked, sacked, lost, retrans, fackets;
  uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
  uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering, rcv_rtt, rcv_space, total_retrans;
  uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
  uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
  uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
  uint32_t delivered, delivered_ce;
  uint64_t bytes_sent, bytes_retrans;
  uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd;
};
]])

local SIZE = ffi.sizeof("struct sockq_ss_tcp_info")
local tcp = ffi.new("struct sockq_ss_tcp_info")
local tcp_bytes = cast("uint8_t *", tcp)

-- TCPI_OPT_*, as ss calls them where options are shown.
local WSCALE = 4
local OPTIONS = { { 1, " ts" }, { 2, " sack" }, { 8, " ecn" }, { 16, " ecnseen" }, { 32, " fastopen" } }
local APP_LIMITED = 1

local KINDS = { u8 = C.SOCKQ_FIGURE_U8, u32 = C.SOCKQ_FIGURE_U32, i32 = C.SOCKQ_FIGURE_I32, u64 = C.SOCKQ_FIGURE_U64,
  ms = C.SOCKQ_FIGURE_MS, hex32 = C.SOCKQ_FIGURE_HEX32, hex64 = C.SOCKQ_FIGURE_HEX64 }

--- A list for figures.list of some members of a struct: { { lead, member, kind, other =, most =, zero = }, … }.
---@return ffi.cdata* list, integer count
local function list_of(struct, entries)
  local list = ffi.new("struct sockq_figure[?]", #entries)
  for i, entry in ipairs(entries) do
    local figure = list[i - 1]
    local lead = " " .. entry[1] .. ":"
    figure.offset, figure.kind = ffi.offsetof(struct, entry[2]), KINDS[entry[3]]
    figure.other, figure.zero = entry.other or 0, entry.zero and 1 or 0
    figure.most = entry.most or 0xffffffffffffffffULL
    figure.lead_length = #lead
    copy(figure.lead, lead, #lead)
  end
  return list, #entries
end
info.list_of = list_of

local function tcp_list(entries)
  return list_of("struct sockq_ss_tcp_info", entries)
end

local TIMEOUT, TIMEOUTS = tcp_list({
  { "rto", "rto", "ms", other = 3000000 }, { "backoff", "backoff", "u8" },
})
local SIZES, SIZES_COUNT = tcp_list({
  { "ato", "ato", "ms" }, { "mss", "snd_mss", "i32" }, { "pmtu", "pmtu", "u32" }, { "rcvmss", "rcv_mss", "i32" },
  { "advmss", "advmss", "i32" }, { "cwnd", "snd_cwnd", "u32" }, { "ssthresh", "snd_ssthresh", "u32", most = 65534 },
  { "bytes_sent", "bytes_sent", "u64" }, { "bytes_retrans", "bytes_retrans", "u64" },
  { "bytes_acked", "bytes_acked", "u64" }, { "bytes_received", "bytes_received", "u64" },
  { "segs_out", "segs_out", "u32" }, { "segs_in", "segs_in", "u32" },
  { "data_segs_out", "data_segs_out", "u32" }, { "data_segs_in", "data_segs_in", "u32" },
})
local LAST, LAST_COUNT = tcp_list({
  { "lastsnd", "last_data_sent", "u32" }, { "lastrcv", "last_data_recv", "u32" }, { "lastack", "last_ack_recv", "u32" },
})
local DELIVERED, DELIVERED_COUNT = tcp_list({
  { "delivered", "delivered", "u32" }, { "delivered_ce", "delivered_ce", "u32" },
})
local TAIL = {
  { "lost", "lost", "u32" }, { "sacked", "sacked", "u32" }, { "dsack_dups", "dsack_dups", "u32" },
  { "fackets", "fackets", "u32" }, { "reordering", "reordering", "i32", other = 3, zero = true },
  { "reord_seen", "reord_seen", "u32" }, { "rcv_rtt", "rcv_rtt", "ms" }, { "rcv_space", "rcv_space", "i32" },
  { "rcv_ssthresh", "rcv_ssthresh", "u32" }, { "notsent", "notsent_bytes", "u32" },
  { "minrtt", "min_rtt", "ms", most = 0xfffffffe }, { "rcv_ooopack", "rcv_ooopack", "u32" },
  { "snd_wnd", "snd_wnd", "u32" },
}
local CONNECTED, CONNECTED_COUNT = tcp_list(TAIL)
-- Of a listener it is the length of its queue, which ss does not show by this name.
table.remove(TAIL, 2)
local LISTENING, LISTENING_COUNT = tcp_list(TAIL)

-- Microseconds as milliseconds, behind a lead.
local function put_ms(bytes, at, lead, microseconds)
  at = text.put(bytes, at, lead)
  return at + figures.thousandth(bytes + at, microseconds)
end

local function put_rate(bytes, at, lead, rate, in_full)
  at = text.put(bytes, at, lead)
  at = at + figures.rate(bytes + at, rate, in_full)
  return (text.put(bytes, at, "bps"))
end

local function put_options(bytes, at, options)
  for i = 1, #OPTIONS do
    if band(options, OPTIONS[i][1]) ~= 0 then
      at = text.put(bytes, at, OPTIONS[i][2])
    end
  end
  return at
end

-- struct tcp_dctcp_info, in words as they lie in memory.
local function put_dctcp(bytes, at, words)
  local halves = cast("const uint16_t *", words)
  if halves[0] == 0 then
    return (text.put(bytes, at, " dctcp:fallback_mode"))
  end
  at = text.field(bytes, at, " dctcp:(ce_state:", halves[1])
  at = text.field(bytes, at, ",alpha:", words[1])
  at = text.field(bytes, at, ",ab_ecn:", words[2])
  at = text.field(bytes, at, ",ab_tot:", words[3])
  return (text.put(bytes, at, ")"))
end

-- struct tcp_bbr_info: the bandwidth in two words, the smallest round trip, gains in 256ths.
local function put_bbr(bytes, at, words, in_full)
  local bandwidth = words[1] * 2 ^ 32 + words[0]
  at = put_rate(bytes, at, " bbr:(bw:", bandwidth * 8, in_full)
  at = put_ms(bytes, at, ",mrtt:", words[2])
  if words[3] ~= 0 then
    at = text.put(bytes, at, ",pacing_gain:")
    at = at + figures.general(bytes + at, words[3] / 256)
  end
  if words[4] ~= 0 then
    at = text.put(bytes, at, ",cwnd_gain:")
    at = at + figures.general(bytes + at, words[4] / 256)
  end
  return (text.put(bytes, at, ")"))
end

local HAS_VEGAS, HAS_DCTCP = tonumber(C.SOCKQ_DIAG_HAS_VEGAS), tonumber(C.SOCKQ_DIAG_HAS_DCTCP)
local HAS_BBR, HAS_CC = tonumber(C.SOCKQ_DIAG_HAS_BBR), tonumber(C.SOCKQ_DIAG_HAS_CC)
local NO_RTT = 0x7fffffff

local function put_algorithm(bytes, at, more, in_full)
  if band(more.has, HAS_DCTCP) ~= 0 then
    return (put_dctcp(bytes, at, more.cc_info))
  elseif band(more.has, HAS_BBR) ~= 0 then
    return (put_bbr(bytes, at, more.cc_info, in_full))
  end
  return at
end

-- The round trip that the sending rate is reckoned from: Vegas has its own.
local function round_trip(more)
  local words = more.cc_info
  if band(more.has, HAS_VEGAS) ~= 0 and words[0] ~= 0 and words[2] ~= 0 and words[2] ~= NO_RTT then
    return words[2]
  end
  return tcp.rtt
end

local function put_send(bytes, at, more, in_full)
  local rtt, mss, cwnd = round_trip(more), tcp.snd_mss, tcp.snd_cwnd
  if rtt == 0 or mss == 0 or cwnd == 0 then
    return at
  end
  return (put_rate(bytes, at, " send ", cwnd * mss * 8000000 / rtt, in_full))
end

local UNLIMITED = 0xffffffffffffffffULL

local function put_pacing(bytes, at, in_full)
  if tcp.pacing_rate == 0 or tcp.pacing_rate == UNLIMITED then
    return at
  end
  at = put_rate(bytes, at, " pacing_rate ", tonumber(tcp.pacing_rate) * 8, in_full)
  if tcp.max_pacing_rate ~= 0 and tcp.max_pacing_rate ~= UNLIMITED then
    at = put_rate(bytes, at, "/", tonumber(tcp.max_pacing_rate) * 8, in_full)
  end
  return at
end

local function put_limited(bytes, at, lead, part, whole)
  if part == 0 then
    return at
  end
  at = text.field(bytes, at, lead, part / 1000ULL)
  return (text.put(bytes, at, ("ms(%.1f%%)"):format(100 * tonumber(part) / tonumber(whole))))
end

local function put_busy(bytes, at)
  local busy = tcp.busy_time
  if busy == 0 then
    return at
  end
  at = text.put(bytes, text.field(bytes, at, " busy:", busy / 1000ULL), "ms")
  at = put_limited(bytes, at, " rwnd_limited:", tcp.rwnd_limited, busy)
  return (put_limited(bytes, at, " sndbuf_limited:", tcp.sndbuf_limited, busy))
end

-- The kernel's struct as far as it goes.
local function load_info(more, set)
  local length = min(more.info_len, SIZE)
  copy(tcp, schema.at(set, more.info), length)
  if length < SIZE then
    fill(tcp_bytes + length, SIZE - length)
  end
end

local LISTEN = tonumber(C.SOCKQ_LISTEN)

--- Write the pieces.
---@param bytes ffi.cdata*
---@param at number
---@param row ffi.cdata*    sockq_row
---@param more ffi.cdata*   sockq_diag, with an info
---@param set ffi.cdata*    sockq_set_handle
---@param show table        of the plan
---@return number
function info.write(bytes, at, row, more, set, show)
  local in_full = show.numeric and 1 or 0
  load_info(more, set)
  if show.options then
    at = put_options(bytes, at, tcp.options)
  end
  if band(more.has, HAS_CC) ~= 0 then
    bytes[at] = 32
    at = text.put_bounded(bytes, at + 1, more.cc, 15)
  end
  if band(tcp.options, WSCALE) ~= 0 then
    at = text.field(bytes, at, " wscale:", band(tcp.wscale, 15))
    at = text.field(bytes, at, ",", rshift(tcp.wscale, 4))
  end
  at = at + figures.list(bytes + at, tcp_bytes, TIMEOUT, TIMEOUTS)
  if tcp.rtt ~= 0 then
    at = put_ms(bytes, at, " rtt:", tcp.rtt)
    at = put_ms(bytes, at, "/", tcp.rttvar)
  end
  at = at + figures.list(bytes + at, tcp_bytes, SIZES, SIZES_COUNT)
  at = put_algorithm(bytes, at, more, in_full)
  at = put_send(bytes, at, more, in_full)
  at = at + figures.list(bytes + at, tcp_bytes, LAST, LAST_COUNT)
  at = put_pacing(bytes, at, in_full)
  if tcp.delivery_rate ~= 0 then
    at = put_rate(bytes, at, " delivery_rate ", tonumber(tcp.delivery_rate) * 8, in_full)
  end
  at = at + figures.list(bytes + at, tcp_bytes, DELIVERED, DELIVERED_COUNT)
  if band(tcp.bits, APP_LIMITED) ~= 0 then
    at = text.put(bytes, at, " app_limited")
  end
  at = put_busy(bytes, at)
  if tcp.unacked ~= 0 then
    at = text.field(bytes, at, " unacked:", tcp.unacked)
  end
  if tcp.retrans ~= 0 or tcp.total_retrans ~= 0 then
    at = text.field(bytes, text.field(bytes, at, " retrans:", tcp.retrans), "/", tcp.total_retrans)
  end
  if row.state == LISTEN then
    return at + figures.list(bytes + at, tcp_bytes, LISTENING, LISTENING_COUNT)
  end
  return at + figures.list(bytes + at, tcp_bytes, CONNECTED, CONNECTED_COUNT)
end

return info
