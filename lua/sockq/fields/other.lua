-- Fields of the families that few kernels have: SCTP, TIPC, AF_XDP; what an entry is: fields.lua.

local ffi = require("ffi")
local address = require("sockq.address")
local more = require("sockq.fields.more")
local schema = require("sockq.schema")
local sctp = require("sockq.sctp")

local C, has = schema.C, schema.has
local tonumber = tonumber
local EPS, ASSOCS = tonumber(C.SOCKQ_SCTP_EPS), tonumber(C.SOCKQ_SCTP_ASSOCS)
local XDP = tonumber(C.SOCKQ_XDP)

local list = {}

local function add(entry)
  list[#list + 1] = entry
end

-- SCTP

local function addresses(is_local)
  return function(row, set)
    if row.table ~= ASSOCS and row.table ~= EPS then
      return nil
    end
    local texts = {}
    for i, one in ipairs(sctp.addresses(row, set, is_local)) do
      texts[i] = address.text(one[1], one[2])
    end
    return texts
  end
end

add({ name = "local_addrs", type = "list", doc = "every local address of an SCTP socket", sources = { "sctp" },
  get = addresses(true) })
add({ name = "remote_addrs", type = "list", doc = "every remote address of an SCTP association", sources = { "sctp" },
  get = addresses(false) })
add({ name = "assoc_id", type = "integer", identifies = true, doc = "identifier of an SCTP association", sources = { "sctp" },
  from = "proc",
  get = function(row)
    if row.table == ASSOCS and not has(row.flags, C.SOCKQ_ROW_DIAG) then return row.sctp.assoc_id end
  end })
do
  local STATES = {}
  for number = 0, #sctp.states do
    STATES[number + 1] = sctp.states[number]
  end
  add({ name = "assoc_state", type = "string", doc = "state of an SCTP association", sources = { "sctp" }, values = STATES,
    also = "^UNKNOWN%(%d+%)$",
    get = function(row)
      local number = sctp.state(row)
      return number and (sctp.states[number] or ("UNKNOWN(%d)"):format(number))
    end })
end

local info_pointer = ffi.typeof("const struct sockq_sctp_info *")

local function of_sctp(name, member, width, unit, doc, divisor)
  local reach = ffi.offsetof("struct sockq_sctp_info", member) + width
  add({ name = name, type = divisor and "number" or "integer", unit = unit, doc = doc, sources = { "sctp" }, from = "diag",
    needs = "info",
    get = function(row, set)
      local told = row.table == ASSOCS and more.inet(row, set)
      if told and told.info_len >= reach then
        return tonumber(ffi.cast(info_pointer, schema.at(set, told.info))[member]) / (divisor or 1)
      end
    end })
end

of_sctp("sctp_rwnd", "rwnd", 4, "bytes", "of an SCTP association: receive window here")
of_sctp("sctp_peer_rwnd", "peer_rwnd", 4, "bytes", "of an SCTP association: receive window of the peer")
of_sctp("sctp_unackdata", "unackdata", 2, "chunks", "of an SCTP association: sent and not acknowledged")
of_sctp("sctp_penddata", "penddata", 2, "chunks", "of an SCTP association: received and not read")
of_sctp("sctp_instrms", "instrms", 2, "streams", "of an SCTP association: from the peer")
of_sctp("sctp_outstrms", "outstrms", 2, "streams", "of an SCTP association: to the peer")
of_sctp("sctp_ipackets", "ipackets", 8, "packets", "of an SCTP association: received")
of_sctp("sctp_opackets", "opackets", 8, "packets", "of an SCTP association: sent")
of_sctp("sctp_rtxchunks", "rtxchunks", 8, "chunks", "of an SCTP association: sent again")
of_sctp("sctp_cwnd", "p_cwnd", 4, "bytes", "of an SCTP association: congestion window of its primary path")
of_sctp("sctp_ssthresh", "p_ssthresh", 4, "bytes", "of an SCTP association: slow start threshold of its primary path")
of_sctp("sctp_rto", "p_rto", 4, "seconds", "of an SCTP association: retransmission timeout of its primary path", 1000)
of_sctp("sctp_flight_size", "p_flight_size", 4, "bytes", "of an SCTP association: on their way on its primary path")

-- TIPC

local function of_tipc(name, of_type, unit, doc, get)
  add({ name = name, type = of_type, unit = unit, doc = doc, sources = { "tipc" }, from = "diag", needs = "details",
    get = function(row, set)
      local told = more.tipc(row, set)
      if told then
        return (get(told))
      end
    end })
end

of_tipc("tipc_congestion", "string", nil, "of a TIPC socket: what holds it up: none, link, conn", function(told)
  return has(told.has, C.SOCKQ_DIAG_HAS_LINK_CONG) and "link" or has(told.has, C.SOCKQ_DIAG_HAS_CONN_CONG) and "conn" or "none"
end)
of_tipc("tipc_drops", "integer", "messages", "of a TIPC socket: dropped on receipt", function(told) return told.drops end)
of_tipc("tipc_published", "boolean", nil, "of a TIPC socket: it is bound to a service", function(told)
  return has(told.has, C.SOCKQ_DIAG_HAS_PUBL)
end)
of_tipc("tipc_service", "string", nil, "of a TIPC socket: type and instance by which it was connected, TYPE:INSTANCE",
  function(told)
    return has(told.has, C.SOCKQ_DIAG_HAS_SERVICE) and ("%d:%d"):format(told.service_type, told.service_instance) or nil
  end)

-- AF_XDP (include/uapi/linux/xdp_diag.h)

add({ name = "xdp_queue", type = "integer", identifies = true, doc = "queue of the device that an AF_XDP socket is bound to",
  sources = { "xdp" }, from = "diag",
  get = function(row)
    if row.table == XDP and row.xdp.ifindex ~= 0 then return tonumber(row.xdp.queue) end
  end })

local function of_xdp(name, flag, unit, doc, get, identifies)
  flag = tonumber(flag)
  add({ name = name, type = "integer", unit = unit, doc = doc, sources = { "xdp" }, from = "diag", needs = "details",
    identifies = identifies,
    get = function(row, set)
      local told = more.xdp(row, set)
      if told and has(told.has, flag) then
        return (tonumber(get(told)))
      end
    end })
end

local function ring(name, flag, member, doc)
  of_xdp(name, flag, "entries", "of an AF_XDP socket: ring of " .. doc, function(told) return told[member] end)
end
ring("xdp_rx_ring", C.SOCKQ_DIAG_HAS_RX_RING, "rx_ring", "what was received")
ring("xdp_tx_ring", C.SOCKQ_DIAG_HAS_TX_RING, "tx_ring", "what is to be sent")
ring("xdp_fill_ring", C.SOCKQ_DIAG_HAS_FILL_RING, "fill_ring", "frames to receive into")
ring("xdp_completion_ring", C.SOCKQ_DIAG_HAS_COMPLETION_RING, "completion_ring", "frames that were sent")

local function umem(name, member, unit, doc, identifies)
  of_xdp(name, C.SOCKQ_DIAG_HAS_UMEM, unit, "of an AF_XDP socket: " .. doc,
    function(told) return told.umem[member] end, identifies)
end
umem("umem_id", "id", nil, "the memory that it shares, by its number", true)
umem("umem_size", "size", "bytes", "that memory")
umem("umem_chunk_size", "chunk_size", "bytes", "a frame of that memory")
umem("umem_headroom", "headroom", "bytes", "kept free before what is received")
umem("umem_refs", "refs", "sockets", "that share that memory")

local function stat(member, doc)
  of_xdp("xdp_" .. member, C.SOCKQ_DIAG_HAS_STATS, "packets", "of an AF_XDP socket: " .. doc,
    function(told) return told.stats[member] end)
end
stat("rx_dropped", "dropped on receipt, for whatever else")
stat("rx_invalid", "dropped on receipt for frames that are none")
stat("rx_queue_full", "dropped on receipt for want of room in the ring")
stat("rx_fill_ring_empty", "times that no frame was there to receive into")
stat("tx_invalid", "not sent for frames that are none")
stat("tx_ring_empty", "times that nothing was there to send")

return list
