-- Fields of tcp_info and of congestion control; what an entry is: fields.lua.

local ffi = require("ffi")
local info = require("sockq.fields.info")
local more = require("sockq.fields.more")
local schema = require("sockq.schema")

local C, has = schema.C, schema.has
local band, rshift, tonumber = bit.band, bit.rshift, tonumber
local LISTEN = tonumber(C.SOCKQ_LISTEN)

local TCP, BOTH = { "tcp" }, { "tcp", "mptcp" }
-- include/uapi/linux/tcp.h
local CA_STATE = { [0] = "Open", "Disorder", "CWR", "Recovery", "Loss" }
local TIMESTAMPS, SACK, WSCALE, ECN, ECN_SEEN, SYN_DATA, USEC_TS, TFO_CHILD = 1, 2, 4, 8, 16, 32, 64, 128
local FASTOPEN_FAIL = { "cookie_unavailable", "data_not_acked", "syn_retransmitted" }
-- What the kernel has for none: an infinite threshold, no sample of a round trip, no limit of a rate.
local NO_RTT, NO_RATE = 0xffffffff, 2 ^ 64

local list = {}

local function add(entry)
  entry.from, entry.sources, entry.needs = "diag", entry.sources or TCP, entry.needs or "info"
  list[#list + 1] = entry
end

-- Of a getter: nil where it gives a value that stands for none.
local function unless(get, none)
  return function(row, set)
    local value = get(row, set)
    if value ~= none then
      return value
    end
  end
end

local function number(name, member, of_type, unit, doc, options)
  options = options or {}
  local get = info.of_tcp(member, options.divisor, options.listeners)
  if options.none then
    get = unless(get, options.none)
  end
  add({ name = name, type = of_type, unit = unit, doc = doc, get = get })
end

local function seconds(name, member, divisor, doc, none)
  number(name, member, "number", "seconds", doc, { divisor = divisor, none = none and none / divisor })
end

local function count(name, member, unit, doc)
  number(name, member, "integer", unit, doc)
end

-- A number that a row of MPTCP has for the whole of its connection.
local function of_both(name, member, divisor, unit, doc)
  local of_tcp, of_mptcp = info.of_tcp(member, divisor), info.of_mptcp(member, divisor)
  add({ name = name, type = divisor and "number" or "integer", unit = unit, doc = doc, sources = BOTH,
    get = function(row, set)
      return of_tcp(row, set) or of_mptcp(row, set)
    end })
end

seconds("rtt", "rtt", 1e6, "smoothed round-trip time", 0)
do
  -- Without a sample it is the start value.
  local rtt, rttvar = info.of_tcp("rtt"), info.of_tcp("rttvar", 1e6)
  add({ name = "rttvar", type = "number", unit = "seconds", doc = "mean deviation of the round-trip time",
    get = function(row, set)
      local sample = rtt(row, set)
      if sample and sample ~= 0 then
        return (rttvar(row, set))
      end
    end })
end
seconds("min_rtt", "min_rtt", 1e6, "least round-trip time of the last minutes", NO_RTT)
seconds("rcv_rtt", "rcv_rtt", 1e6, "round-trip time as the receiving side estimates it", 0)
count("mss", "snd_mss", "bytes", "largest segment that is sent now")
count("rcv_mss", "rcv_mss", "bytes", "largest segment that is received, an estimate")
count("advmss", "advmss", "bytes", "largest segment that was announced to the peer")
count("pmtu", "pmtu", "bytes", "largest packet that the path lets through, as far as known")
count("rcv_ssthresh", "rcv_ssthresh", "bytes", "how far the receive window may grow now")
count("rcv_space", "rcv_space", "bytes", "read in a round trip, by which the receive buffer grows")
count("snd_wnd", "snd_wnd", "bytes", "receive window of the peer, scaled")
count("rcv_wnd", "rcv_wnd", "bytes", "receive window that was announced to the peer, scaled")
of_both("bytes_sent", "bytes_sent", nil, "bytes", "data sent, with what was sent again")
of_both("bytes_acked", "bytes_acked", nil, "bytes", "data that the peer acknowledged")
of_both("bytes_received", "bytes_received", nil, "bytes", "data received in order")
of_both("bytes_retrans", "bytes_retrans", nil, "bytes", "data sent again")
count("segs_out", "segs_out", "segments", "sent, with bare acknowledgements")
count("segs_in", "segs_in", "segments", "received")
count("data_segs_out", "data_segs_out", "segments", "sent that hold data, with what was sent again")
count("data_segs_in", "data_segs_in", "segments", "received that hold data")
number("delivery_rate", "delivery_rate", "integer", "bytes/second", "latest measured rate at which data got to the peer")
number("pacing_rate", "pacing_rate", "integer", "bytes/second", "rate at which data leaves at most, unknown if unlimited",
  { listeners = true, none = NO_RATE })
number("max_pacing_rate", "max_pacing_rate", "integer", "bytes/second", "limit that was set for that rate, unknown without one",
  { listeners = true, none = NO_RATE })
seconds("busy_time", "busy_time", 1e6, "how long there was data to send or unacknowledged")
seconds("rwnd_limited", "rwnd_limited", 1e6, "how long of that the peer's receive window held it up")
seconds("sndbuf_limited", "sndbuf_limited", 1e6, "how long of that the send buffer held it up")
count("delivered", "delivered", "segments", "that got to the peer, with what was sent again")
count("delivered_ce", "delivered_ce", "segments", "of those marked for congestion, by ECN")
count("unacked", "unacked", "segments", "sent and not acknowledged")
count("notsent", "notsent_bytes", "bytes", "written and not sent yet")
count("retrans_now", "retrans", "segments", "sent again and not acknowledged")
count("retrans_total", "total_retrans", "segments", "sent again since the connection began")
count("lost", "lost", "segments", "that are taken for lost")
count("sacked", "sacked", "segments", "acknowledged out of order, by SACK")
count("fackets", "fackets", "segments", "below the highest acknowledged one; 0 since Linux 4.15")
number("reordering", "reordering", "integer", "segments", "how far out of order they are thought to arrive", { listeners = true })
count("reord_seen", "reord_seen", "times", "reordering was seen")
count("dsack_dups", "dsack_dups", "segments", "that the peer got twice, by DSACK")
count("rcv_ooopack", "rcv_ooopack", "segments", "received out of order")
count("rehash", "rehash", "times", "another path was tried, after timeouts or congestion")
count("backoff", "backoff", nil, "how often the retransmission timeout was doubled")
count("total_rto", "total_rto", "times", "the retransmission timer ran out")
count("total_rto_recoveries", "total_rto_recoveries", "times", "of recovery from that")
seconds("total_rto_time", "total_rto_time", 1e3, "how long such recoveries took")
count("received_ce", "received_ce", "segments", "received that bear a mark for congestion, by AccECN")
count("delivered_e1_bytes", "delivered_e1_bytes", "bytes", "data that got to the peer with ECT(1), by AccECN")
count("delivered_e0_bytes", "delivered_e0_bytes", "bytes", "data that got to the peer with ECT(0), by AccECN")
count("delivered_ce_bytes", "delivered_ce_bytes", "bytes", "data that got to the peer with CE, by AccECN")
count("received_e1_bytes", "received_e1_bytes", "bytes", "data received with ECT(1), by AccECN")
count("received_e0_bytes", "received_e0_bytes", "bytes", "data received with ECT(0), by AccECN")
count("received_ce_bytes", "received_ce_bytes", "bytes", "data received with CE, by AccECN")
of_both("last_snd", "last_data_sent", 1e3, "seconds", "since data was sent")
of_both("last_rcv", "last_data_recv", 1e3, "seconds", "since data was received")
of_both("last_ack", "last_ack_recv", 1e3, "seconds", "since an acknowledgement was received")

do
  local ca_state = info.of_tcp("ca_state")
  add({ name = "ca_state", type = "string", doc = "state of loss recovery", values = { CA_STATE[0], unpack(CA_STATE) },
    also = "^unknown%-%d+$",
    get = function(row, set)
      local code = ca_state(row, set)
      return code and (CA_STATE[code] or "unknown-" .. code)
    end })
end

-- Negotiated when the connection began: bits of tcpi_options.
local options = info.of_tcp("options")
local function option(name, flag, doc)
  add({ name = name, type = "boolean", doc = doc,
    get = function(row, set)
      local flags = options(row, set)
      if flags then
        return band(flags, flag) ~= 0
      end
    end })
end

option("timestamps", TIMESTAMPS, "timestamps are in use")
option("sack", SACK, "selective acknowledgements are in use")
option("ecn", ECN, "explicit congestion notification is in use")
option("ecn_seen", ECN_SEEN, "a packet that can bear ECN marks was received")
option("fastopen", SYN_DATA, "data went with the SYN and was acknowledged with it")
option("usec_ts", USEC_TS, "timestamps are in microseconds")
option("tfo_child", TFO_CHILD, "accepted by TCP Fast Open")

local wscale = info.of_tcp("wscale")
local function scale(name, shift, doc)
  add({ name = name, type = "integer", unit = "bits", doc = doc,
    get = function(row, set)
      local flags = options(row, set)
      if flags and band(flags, WSCALE) ~= 0 then
        return band(rshift(wscale(row, set), shift), 15)
      end
    end })
end

scale("snd_wscale", 0, "window scale of the peer, unknown if not negotiated")
scale("rcv_wscale", 4, "window scale of this side, unknown if not negotiated")

do
  -- The bits mean something since the members that came with them (Linux 4.9, 5.5).
  local flags = info.of_tcp("flags")
  local rate, rcv_ooopack = info.reach("tcp", "delivery_rate"), info.reach("tcp", "rcv_ooopack")
  add({ name = "app_limited", type = "boolean", doc = "delivery_rate was held down by the program, not by the network",
    get = function(row, set)
      if row.state ~= LISTEN and info.tcp(row, set, rate) then
        return band(flags(row, set), 1) ~= 0
      end
    end })
  add({ name = "fastopen_client_fail", type = "string", doc = "why TCP Fast Open failed", values = FASTOPEN_FAIL,
    get = function(row, set)
      if row.state ~= LISTEN and info.tcp(row, set, rcv_ooopack) then
        return FASTOPEN_FAIL[band(rshift(flags(row, set), 1), 3)]
      end
    end })
end

-- Congestion control, and what three of its kinds tell of themselves (include/uapi/linux/inet_diag.h).

local HAS_CC, VEGAS = tonumber(C.SOCKQ_DIAG_HAS_CC), tonumber(C.SOCKQ_DIAG_HAS_VEGAS)
local DCTCP, BBR = tonumber(C.SOCKQ_DIAG_HAS_DCTCP), tonumber(C.SOCKQ_DIAG_HAS_BBR)
local LITTLE = ffi.abi("le")
local NO_VEGAS_RTT = 0x7fffffff

local function of_cc(flag, name, of_type, unit, doc, read)
  add({ name = name, type = of_type, unit = unit, doc = doc, needs = "cc",
    get = function(row, set)
      local told = more.inet(row, set)
      if told and has(told.has, flag) then
        return read(told.cc_info, told)
      end
    end })
end

local function word(index, divisor, none)
  divisor = divisor or 1
  return function(words)
    local value = tonumber(words[index])
    if value ~= none then
      return value / divisor
    end
  end
end

-- Half of a word: the first in memory, or the second.
local function half(words, index, second)
  local value = words[index]
  return band(rshift(value, second == LITTLE and 16 or 0), 0xffff)
end

of_cc(HAS_CC, "cc", "string", nil, "congestion control", function(_, told) return (ffi.string(told.cc)) end)
of_cc(BBR, "bbr_bw", "integer", "bytes/second", "bbr: bandwidth of the path, an estimate",
  function(words) return tonumber(words[1]) * 2 ^ 32 + tonumber(words[0]) end)
of_cc(BBR, "bbr_min_rtt", "number", "seconds", "bbr: least round-trip time", word(2, 1e6, NO_RTT))
of_cc(BBR, "bbr_pacing_gain", "number", nil, "bbr: by how much the pacing rate exceeds the bandwidth", word(3, 256))
of_cc(BBR, "bbr_cwnd_gain", "number", nil, "bbr: by how much the window exceeds what the path holds", word(4, 256))
of_cc(VEGAS, "vegas_enabled", "boolean", nil, "vegas: it is in charge", function(words) return words[0] ~= 0 end)
of_cc(VEGAS, "vegas_rttcnt", "integer", "times", "vegas: round trips measured in the last one", word(1))
of_cc(VEGAS, "vegas_rtt", "number", "seconds", "vegas: latest round-trip time", word(2, 1e6, NO_VEGAS_RTT))
of_cc(VEGAS, "vegas_minrtt", "number", "seconds", "vegas: least round-trip time of the last one", word(3, 1e6, NO_VEGAS_RTT))
of_cc(DCTCP, "dctcp_enabled", "boolean", nil, "dctcp: it is in charge", function(words) return half(words, 0, false) ~= 0 end)
of_cc(DCTCP, "dctcp_ce_state", "integer", nil, "dctcp: 1 if the last packet received was marked",
  function(words) return half(words, 0, true) end)
of_cc(DCTCP, "dctcp_alpha", "number", nil, "dctcp: share of data that is marked, 0 to 1", word(1, 1024))
of_cc(DCTCP, "dctcp_ab_ecn", "integer", "bytes", "dctcp: acknowledged and marked in this window", word(2))
of_cc(DCTCP, "dctcp_ab_tot", "integer", "bytes", "dctcp: acknowledged in this window", word(3))

return list
