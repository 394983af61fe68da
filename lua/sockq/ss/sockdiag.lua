-- The process cell of inet rows of sock_diag, behind the users.

local ffi = require("ffi")
local details = require("sockq.ss.details")
local info = require("sockq.ss.info")
local schema = require("sockq.schema")
local sctp = require("sockq.ss.sctp")
local text = require("sockq.ss.text")
local timer = require("sockq.ss.timer")
local ulp = require("sockq.ss.ulp")

local C = schema.C

local sockdiag = {}

local band = bit.band
local tonumber = tonumber
local min = math.min
local TIMER_ON = tonumber(C.SOCKQ_TIMER_ON)
local REQUEST = tonumber(C.SOCKQ_ROW_REQUEST)
local HAS_PROTOCOL = tonumber(C.SOCKQ_DIAG_HAS_PROTOCOL)
local MPTCP, MPTCP6 = tonumber(C.SOCKQ_MPTCP), tonumber(C.SOCKQ_MPTCP6)
local SCTP_EPS, SCTP_ASSOCS = tonumber(C.SOCKQ_SCTP_EPS), tonumber(C.SOCKQ_SCTP_ASSOCS)
local UDP, UDP6 = tonumber(C.SOCKQ_UDP), tonumber(C.SOCKQ_UDP6)
local IPPROTO_UDP = 17

local NOTHING = ffi.new("struct sockq_diag")

-- What ss keeps of the time, which the kernel sends in 32 bits.
local WORD = 0x100000000ULL

local function is_sctp(row)
  return row.table == SCTP_EPS or row.table == SCTP_ASSOCS
end

-- The one timer that SCTP tells of.
local T3_RTX = "T3_RTX"

local function put_timer(bytes, at, row)
  local code = row.timer
  if is_sctp(row) then
    return (timer.write(bytes, at, code, tonumber(row.when % WORD), row.retrans, T3_RTX))
  end
  local count = (code == TIMER_ON or band(row.flags, REQUEST) ~= 0) and row.retrans or row.probes
  return (timer.write(bytes, at, code, tonumber(row.when % WORD), count))
end

-- include/uapi/linux/mptcp.h
ffi.cdef([[
struct sockq_ss_mptcp_info {
  uint8_t subflows, add_addr_signal, add_addr_accepted, subflows_max, add_addr_signal_max, add_addr_accepted_max;
  uint32_t flags, token;
  uint64_t write_seq, snd_una, rcv_nxt;
};
]])
local MPTCP_SIZE = ffi.sizeof("struct sockq_ss_mptcp_info")
local mptcp = ffi.new("struct sockq_ss_mptcp_info")
local mptcp_bytes = ffi.cast("const uint8_t *", mptcp)
local function mptcp_list(entries)
  return info.list_of("struct sockq_ss_mptcp_info", entries)
end
local SUBFLOWS, SUBFLOWS_COUNT = mptcp_list({
  { "subflows", "subflows", "u8" }, { "add_addr_signal", "add_addr_signal", "u8" },
  { "add_addr_accepted", "add_addr_accepted", "u8" }, { "subflows_max", "subflows_max", "u8" },
  { "add_addr_signal_max", "add_addr_signal_max", "u8" }, { "add_addr_accepted_max", "add_addr_accepted_max", "u8" },
})
local SEQUENCES, SEQUENCES_COUNT = mptcp_list({
  { "token", "token", "hex32" }, { "write_seq", "write_seq", "hex64" }, { "snd_una", "snd_una", "hex64" },
  { "rcv_nxt", "rcv_nxt", "hex64" },
})
local FALLBACK, REMOTE_KEY = 1, 2

local function put_mptcp(bytes, at, more, set)
  local length = min(more.info_len, MPTCP_SIZE)
  ffi.fill(mptcp, MPTCP_SIZE)
  ffi.copy(mptcp, schema.at(set, more.info), length)
  at = at + text.figures.list(bytes + at, mptcp_bytes, SUBFLOWS, SUBFLOWS_COUNT, 0)
  if band(mptcp.flags, FALLBACK) ~= 0 then
    at = text.put(bytes, at, " fallback")
  end
  if band(mptcp.flags, REMOTE_KEY) ~= 0 then
    at = text.put(bytes, at, " remote_key")
  end
  return at + text.figures.list(bytes + at, mptcp_bytes, SEQUENCES, SEQUENCES_COUNT, 0)
end

-- Keys and what runs above, which few sockets have.
local function put_rare(bytes, at, more, set, show)
  if more.md5sig_len ~= 0 then
    local piece, keys = ulp.md5(set, more)
    at = text.put(bytes, at, piece)
    show.write(keys)
  end
  if more.ulp_len ~= 0 then
    at = text.put(bytes, at, ulp.text(set, more))
  end
  return at
end

local function is_udp(row)
  local number = row.table
  return number == UDP or number == UDP6 or
    (band(row.diag.has, HAS_PROTOCOL) ~= 0 and row.diag.protocol == IPPROTO_UDP)
end

local function put_info(bytes, at, row, more, set, show)
  if not show.oneline then
    bytes[at], bytes[at + 1] = 10, 9
    at = at + 2
  end
  if show.memory then
    at = details.put_memory(bytes, at, more.memory)
  end
  if is_sctp(row) then
    return (sctp.put_info(bytes, at, more, set, show.resolve))
  elseif row.table == MPTCP or row.table == MPTCP6 then
    if more.info_len ~= 0 then
      at = put_mptcp(bytes, at, more, set)
    end
    return at
  end
  if more.info_len ~= 0 then
    at = info.write(bytes, at, row, more, set, show)
  end
  if more.md5sig_len ~= 0 or more.ulp_len ~= 0 then
    at = put_rare(bytes, at, more, set, show)
  end
  return at
end

--- A function that writes the pieces of a row: those of -o, -e, --tos, --cgroup, --inet-sockopt, -m, -i.
---@param show table  of the plan; write(text) writes to standard output at once
---@return fun(bytes: ffi.cdata*, at: number, row: ffi.cdata*, set: ffi.cdata*): number
function sockdiag.writer(show)
  local wants_more = show.extended or show.tos or show.cgroup or show.inet_sockopt or show.memory or show.info
  local wants_timer = show.options
  local wants_lines = show.memory or show.info
  return function(bytes, at, row, set)
    if wants_timer and row.timer ~= 0 then
      at = put_timer(bytes, at, row)
    end
    if not wants_more then
      return at
    end
    local more = schema.diag(set, row.diag.more) or NOTHING
    if show.extended then
      at = details.write(bytes, at, row, more, set)
    end
    if show.tos then
      at = details.put_tos(bytes, at, more)
    end
    if show.cgroup then
      at = details.put_cgroup(bytes, at, more, set)
    end
    if show.inet_sockopt then
      at = details.put_sockopt(bytes, at, more, show.oneline)
    end
    if wants_lines and (show.memory or not is_udp(row)) then
      at = put_info(bytes, at, row, more, set, show)
    end
    return at
  end
end

return sockdiag
