-- What -i shows of a tcp socket of sock_diag: the numbers of struct tcp_info and what the congestion
-- control tells of itself (include/uapi/linux/tcp.h, inet_diag.h).

local ffi = require("ffi")
local schema = require("sockq.schema")
local text = require("sockq.ss.text")

local C = schema.C
local figures = text.figures

local info = {}

local copy, fill, cast = ffi.copy, ffi.fill, ffi.cast
local band = bit.band
local max, min, tonumber = math.max, math.min, tonumber

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
  double send;
};
struct sockq_ss_bbr_info {
  uint64_t bw;
  uint32_t min_rtt, pacing_gain, cwnd_gain;
};
]])

-- What the kernel sends; behind it is what is reckoned here.
local SIZE = ffi.offsetof("struct sockq_ss_tcp_info", "send")
local tcp = ffi.new("struct sockq_ss_tcp_info")
local tcp_bytes = cast("uint8_t *", tcp)
local const_bytes = ffi.typeof("const uint8_t *")

-- Bits of tcp_info.options, TCPI_OPT_*, and of the byte of bits.
local TIMESTAMPS, SACK, WSCALE, ECN, ECN_SEEN, FASTOPEN = 1, 2, 4, 8, 16, 32
local APP_LIMITED = 1
-- A rate of this is none; the greatest that is one.
local RATE_MOST = 0xfffffffffffffffeULL

local KINDS = { u8 = C.SOCKQ_FIGURE_U8, u32 = C.SOCKQ_FIGURE_U32, i32 = C.SOCKQ_FIGURE_I32, u64 = C.SOCKQ_FIGURE_U64,
  ms = C.SOCKQ_FIGURE_MS, hex32 = C.SOCKQ_FIGURE_HEX32, hex64 = C.SOCKQ_FIGURE_HEX64, lead = C.SOCKQ_FIGURE_LEAD,
  nibbles = C.SOCKQ_FIGURE_NIBBLES, pair = C.SOCKQ_FIGURE_PAIR, part256 = C.SOCKQ_FIGURE_256TH,
  byte_rate = C.SOCKQ_FIGURE_BYTE_RATE, bit_rate = C.SOCKQ_FIGURE_BIT_RATE, duration = C.SOCKQ_FIGURE_DURATION,
  share = C.SOCKQ_FIGURE_SHARE }

--- A list for figures.list of some members of a struct:
--- { { name or false, member, kind, lead =, of =, when =, mask =, joined =, other =, most =, zero = }, … }.
--- name: what stands before the number, between a blank and a colon; or lead, as it is. of and when: members.
---@return ffi.cdata* list, integer count
local function list_of(struct, entries)
  local list = ffi.new("struct sockq_figure[?]", #entries)
  for i, entry in ipairs(entries) do
    local figure = list[i - 1]
    local lead = entry.lead or " " .. entry[1] .. ":"
    figure.offset, figure.kind = ffi.offsetof(struct, entry[2]), KINDS[entry[3]]
    figure.of = entry.of and ffi.offsetof(struct, entry.of) or 0
    figure.when, figure.mask = ffi.offsetof(struct, entry.when or entry[2]), entry.mask or 0
    figure.other, figure.zero = entry.other or 0, entry.zero and 1 or 0
    figure.joined = entry.joined and 1 or 0
    figure.most = entry.most or 0xffffffffffffffffULL
    assert(#lead <= ffi.sizeof(figure.lead), lead)
    figure.lead_length = #lead
    copy(figure.lead, lead, #lead)
  end
  return list, #entries
end
info.list_of = list_of

local function tcp_list(entries)
  return list_of("struct sockq_ss_tcp_info", entries)
end

local OPTIONS, OPTIONS_COUNT = tcp_list({
  { false, "options", "lead", lead = " ts", mask = TIMESTAMPS }, { false, "options", "lead", lead = " sack", mask = SACK },
  { false, "options", "lead", lead = " ecn", mask = ECN }, { false, "options", "lead", lead = " ecnseen", mask = ECN_SEEN },
  { false, "options", "lead", lead = " fastopen", mask = FASTOPEN },
})
-- What stands before the congestion control's own.
local FIRST, FIRST_COUNT = tcp_list({
  { "wscale", "wscale", "nibbles", zero = true, when = "options", mask = WSCALE },
  { "rto", "rto", "ms", other = 3000000 }, { "backoff", "backoff", "u8" },
  { "rtt", "rtt", "ms" }, { false, "rttvar", "ms", lead = "/", zero = true, joined = true },
  { "ato", "ato", "ms" }, { "mss", "snd_mss", "i32" }, { "pmtu", "pmtu", "u32" }, { "rcvmss", "rcv_mss", "i32" },
  { "advmss", "advmss", "i32" }, { "cwnd", "snd_cwnd", "u32" }, { "ssthresh", "snd_ssthresh", "u32", most = 65534 },
  { "bytes_sent", "bytes_sent", "u64" }, { "bytes_retrans", "bytes_retrans", "u64" },
  { "bytes_acked", "bytes_acked", "u64" }, { "bytes_received", "bytes_received", "u64" },
  { "segs_out", "segs_out", "u32" }, { "segs_in", "segs_in", "u32" },
  { "data_segs_out", "data_segs_out", "u32" }, { "data_segs_in", "data_segs_in", "u32" },
})
-- And behind it.
local LAST = {
  { false, "send", "bit_rate", lead = " send " },
  { "lastsnd", "last_data_sent", "u32" }, { "lastrcv", "last_data_recv", "u32" }, { "lastack", "last_ack_recv", "u32" },
  { false, "pacing_rate", "byte_rate", lead = " pacing_rate ", most = RATE_MOST },
  { false, "max_pacing_rate", "byte_rate", lead = "/", most = RATE_MOST, joined = true },
  { false, "delivery_rate", "byte_rate", lead = " delivery_rate " },
  { "delivered", "delivered", "u32" }, { "delivered_ce", "delivered_ce", "u32" },
  { false, "bits", "lead", lead = " app_limited", mask = APP_LIMITED },
  { "busy", "busy_time", "duration" }, { "rwnd_limited", "rwnd_limited", "share", of = "busy_time" },
  { "sndbuf_limited", "sndbuf_limited", "share", of = "busy_time" },
  { "unacked", "unacked", "u32" }, { "retrans", "retrans", "pair", of = "total_retrans" },
  { "lost", "lost", "u32" }, { "sacked", "sacked", "u32" }, { "dsack_dups", "dsack_dups", "u32" },
  { "fackets", "fackets", "u32" }, { "reordering", "reordering", "i32", other = 3, zero = true },
  { "reord_seen", "reord_seen", "u32" }, { "rcv_rtt", "rcv_rtt", "ms" }, { "rcv_space", "rcv_space", "i32" },
  { "rcv_ssthresh", "rcv_ssthresh", "u32" }, { "notsent", "notsent_bytes", "u32" },
  { "minrtt", "min_rtt", "ms", most = 0xfffffffe }, { "rcv_ooopack", "rcv_ooopack", "u32" },
  { "snd_wnd", "snd_wnd", "u32" },
}
-- The bandwidth, the smallest round trip, gains in 256ths.
local BBR, BBR_COUNT = list_of("struct sockq_ss_bbr_info", {
  { false, "bw", "byte_rate", lead = " bbr:(bw:", zero = true }, { false, "min_rtt", "ms", lead = ",mrtt:", zero = true },
  { false, "pacing_gain", "part256", lead = ",pacing_gain:" }, { false, "cwnd_gain", "part256", lead = ",cwnd_gain:" },
  { false, "bw", "lead", lead = ")", zero = true },
})
local CONNECTED, CONNECTED_COUNT = tcp_list(LAST)
-- Of a listener sacked is the length of its queue, which ss does not show by this name.
local OF_LISTENER = {}
for _, entry in ipairs(LAST) do
  OF_LISTENER[#OF_LISTENER + 1] = entry[2] ~= "sacked" and entry or nil
end
local LISTENING, LISTENING_COUNT = tcp_list(OF_LISTENER)

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

local HAS_VEGAS, HAS_DCTCP = tonumber(C.SOCKQ_DIAG_HAS_VEGAS), tonumber(C.SOCKQ_DIAG_HAS_DCTCP)
local HAS_BBR, HAS_CC = tonumber(C.SOCKQ_DIAG_HAS_BBR), tonumber(C.SOCKQ_DIAG_HAS_CC)
local NO_RTT = 0x7fffffff

local function put_algorithm(bytes, at, more, in_full)
  if band(more.has, HAS_DCTCP) ~= 0 then
    return (put_dctcp(bytes, at, more.cc_info))
  elseif band(more.has, HAS_BBR) ~= 0 then
    return at + figures.list(bytes + at, cast(const_bytes, more.cc_info), BBR, BBR_COUNT, in_full)
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

-- Bits a second; 0 where one of the numbers is not known. Without a branch: whether there is a round trip
-- differs from row to row.
local function sending_rate(more)
  local rtt = round_trip(more)
  return tcp.snd_cwnd * tcp.snd_mss * 8000000 / max(rtt, 1) * min(rtt, 1)
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
  tcp.send = sending_rate(more)
  if show.options then
    at = at + figures.list(bytes + at, tcp_bytes, OPTIONS, OPTIONS_COUNT, 0)
  end
  if band(more.has, HAS_CC) ~= 0 then
    bytes[at] = 32
    at = text.put_bounded(bytes, at + 1, more.cc, 15)
  end
  at = at + figures.list(bytes + at, tcp_bytes, FIRST, FIRST_COUNT, 0)
  at = put_algorithm(bytes, at, more, in_full)
  if row.state == LISTEN then
    return at + figures.list(bytes + at, tcp_bytes, LISTENING, LISTENING_COUNT, in_full)
  end
  return at + figures.list(bytes + at, tcp_bytes, CONNECTED, CONNECTED_COUNT, in_full)
end

return info
