-- SCTP, whatever its rows are read from: the states of associations, lists of addresses, struct sctp_info.

local ffi = require("ffi")
local schema = require("sockq.schema")

local C, has = schema.C, schema.has

local sctp = {}

local DIAG, IS_ASSOC = tonumber(C.SOCKQ_ROW_DIAG), tonumber(C.SOCKQ_DIAG_IS_ASSOC)
local INET, INET6 = tonumber(C.SOCKQ_AF_INET), tonumber(C.SOCKQ_AF_INET6)
local ASSOCS = tonumber(C.SOCKQ_SCTP_ASSOCS)

--- The states of an association, by number (include/net/sctp/constants.h, enum sctp_state).
sctp.states = { [0] = "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_PENDING", "SHUTDOWN_SENT",
  "SHUTDOWN_RECEIVED", "SHUTDOWN_ACK_SENT" }

-- include/uapi/linux/sctp.h, struct sctp_info: times in milliseconds, windows in bytes. Older kernels send less.
ffi.cdef([[
struct sockq_sctp_info {
  uint32_t tag, state, rwnd;
  uint16_t unackdata, penddata, instrms, outstrms;
  uint32_t fragmentation_point, inqueue, outqueue, overall_error, max_burst, maxseg, peer_rwnd, peer_tag;
  uint8_t peer_capable, peer_sack;
  uint16_t reserved1;
  uint64_t isacks, osacks, opackets, ipackets, rtxchunks, outofseqtsns, idupchunks, gapcnt, ouodchunks, iuodchunks;
  uint64_t oodchunks, iodchunks, octrlchunks, ictrlchunks;
  uint8_t p_address[128];
  int32_t p_state;
  uint32_t p_cwnd, p_srtt, p_rto, p_hbinterval, p_pathmaxrxt, p_sackdelay, p_sackfreq, p_ssthresh;
  uint32_t p_partial_bytes_acked, p_flight_size;
  uint16_t p_error, reserved2;
  uint32_t s_autoclose, s_adaptation_ind, s_pd_point;
  uint8_t s_nodelay, s_disable_fragments, s_v4mapped, s_frag_interleave;
  uint32_t s_type, reserved3;
};
]])

--- The number of an association's state; nil for a row that is none.
function sctp.state(row)
  if row.table ~= ASSOCS then
    return nil
  elseif has(row.flags, DIAG) then
    return has(row.diag.has, IS_ASSOC) and row.diag.assoc_state or nil
  end
  return row.sctp.state
end

-- struct sockaddr_storage, and where the address lies in what it holds.
local STORAGE, AT4, AT6 = 128, 4, 8
local half_pointer = ffi.typeof("const uint16_t *")

--- The addresses of a list as the kernel sends it: { { family, bytes }, … }; those of other families, and what
--- is cut short, are left out.
---@param bytes ffi.cdata*|nil  uint8_t *
---@param length integer
function sctp.of_storage(bytes, length)
  local list = {}
  for at = 0, bytes and length - STORAGE or -1, STORAGE do
    local family = ffi.cast(half_pointer, bytes + at)[0]
    if family == INET or family == INET6 then
      list[#list + 1] = { family, bytes + at + (family == INET and AT4 or AT6) }
    end
  end
  return list
end

--- The addresses of one end of a row of SCTP, the first one that of the row.
---@param is_local boolean
---@return table[]  # { { family, bytes }, … }
function sctp.addresses(row, set, is_local)
  if has(row.flags, DIAG) then
    local told = schema.diag(set, row.diag.more)
    if not told then
      return {}
    elseif is_local then
      return sctp.of_storage(schema.at(set, told.locals), told.locals_len)
    end
    return sctp.of_storage(schema.at(set, told.peers), told.peers_len)
  end
  local list = {}
  local entry = schema.address(set, is_local and row.sctp["local"] or row.sctp.remote)
  while entry do
    list[#list + 1] = { entry.family, entry.bytes }
    entry = schema.address(set, entry.next)
  end
  return list
end

return sctp
