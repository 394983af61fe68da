-- Rows of AF_XDP sockets.

local cells = require("sockq.ss.cells")
local details = require("sockq.ss.details")
local names = require("sockq.ss.names")
local schema = require("sockq.schema")
local text = require("sockq.ss.text")
local users = require("sockq.ss.users")

local C = schema.C

local xdp = {}

local band = bit.band
local DIAG = tonumber(C.SOCKQ_ROW_DIAG)
local HAS_UMEM, HAS_STATS = tonumber(C.SOCKQ_DIAG_HAS_UMEM), tonumber(C.SOCKQ_DIAG_HAS_STATS)

local RINGS = { { "rx", C.SOCKQ_DIAG_HAS_RX_RING, "rx_ring" }, { "tx", C.SOCKQ_DIAG_HAS_TX_RING, "tx_ring" } }
local UMEM_RINGS = { { "fr", C.SOCKQ_DIAG_HAS_FILL_RING, "fill_ring" },
  { "cr", C.SOCKQ_DIAG_HAS_COMPLETION_RING, "completion_ring" } }
-- XDP_DU_F_ZEROCOPY
local ZEROCOPY = 1
local STATS = { { "rx dropped:", "rx_dropped" }, { ",rx invalid:", "rx_invalid" }, { ",rx queue full:", "rx_queue_full" },
  { ",rx fill ring empty:", "rx_fill_ring_empty" }, { ",tx invalid:", "tx_invalid" },
  { ",tx ring empty:", "tx_ring_empty" } }

local function put_rings(bytes, at, more, rings, separator)
  for _, ring in ipairs(rings) do
    if band(more.has, tonumber(ring[2])) ~= 0 then
      at = text.field(bytes, at, ("%s%s(entries:"):format(separator, ring[1]), more[ring[3]])
      bytes[at] = 41
      at = at + 1
    end
  end
  return at
end

local function put_umem(bytes, at, umem, oneline)
  -- The tab of the line lost its backslash where there is none.
  at = text.field(bytes, at, oneline and " tumem(id:" or "\n\tumem(id:", umem.id)
  at = text.field(bytes, at, ",size:", umem.size)
  at = text.field(bytes, at, ",num_pages:", umem.num_pages)
  at = text.field(bytes, at, ",chunk_size:", umem.chunk_size)
  at = text.field(bytes, at, ",headroom:", umem.headroom)
  at = text.field(bytes, at, ",ifindex:", umem.ifindex)
  at = text.field(bytes, at, ",qid:", umem.queue_id)
  at = text.field(bytes, at, ",zc:", band(umem.flags, ZEROCOPY))
  at = text.field(bytes, at, ",refs:", umem.refs)
  bytes[at] = 41
  return at + 1
end

local function put_stats(bytes, at, stats, separator)
  at = text.put(bytes, at, separator .. "stats(")
  for _, one in ipairs(STATS) do
    at = text.field(bytes, at, one[1], stats[one[2]])
  end
  bytes[at] = 41
  return at + 1
end

-- The lines of -e.
local function put_lines(bytes, at, more, oneline)
  local separator = oneline and " " or "\n\t"
  at = put_rings(bytes, at, more, RINGS, separator)
  if band(more.has, HAS_UMEM) ~= 0 then
    at = put_umem(bytes, at, more.umem, oneline)
    at = put_rings(bytes, at, more, UMEM_RINGS, separator)
  end
  if band(more.has, HAS_STATS) ~= 0 then
    at = put_stats(bytes, at, more.stats, separator)
  end
  return at
end

local function process_cell(show)
  local wants_users, wants_details, wants_memory = show.processes or show.threads, show.extended, show.memory
  if not (wants_users or wants_details or wants_memory) then
    return cells.nothing
  end
  return function(bytes, at, row, set)
    if wants_users then
      at = users.write(bytes, at, row, set)
    end
    local more = band(row.flags, DIAG) ~= 0 and schema.xdp_diag(set, row.more) or nil
    if wants_details then
      at = details.put_identity(bytes, at, row.uid, row.inode, more and more.cookie or 0)
      if more then
        at = put_lines(bytes, at, more, show.oneline)
      end
    end
    if more and wants_memory then
      at = details.put_memory(bytes, at, more.memory)
    end
    return at
  end
end

--- The cells of AF_XDP rows.
---@param show table  of the plan
---@return table<string, function>
function xdp.cells(show)
  return {
    netid = cells.constant("xdp"),
    state = cells.constant("UNCONN"),
    recv_q = cells.recv_q,
    send_q = cells.constant("0     "),
    local_address = function(bytes, at, row)
      local index = row.xdp.ifindex
      return (text.put(bytes, at, index == 0 and "*" or names.device[index] .. ":"))
    end,
    local_port = function(bytes, at, row)
      if row.xdp.ifindex == 0 then
        return at
      end
      return (text.signed(bytes, text.put(bytes, at, "q"), row.xdp.queue))
    end,
    peer_address = cells.constant("*"),
    peer_port = cells.nothing,
    process = process_cell(show),
  }
end

return xdp
