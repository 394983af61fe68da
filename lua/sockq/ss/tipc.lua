-- Rows of TIPC sockets. ss filters none of them.

local cells = require("sockq.ss.cells")
local details = require("sockq.ss.details")
local schema = require("sockq.schema")
local text = require("sockq.ss.text")
local users = require("sockq.ss.users")

local C = schema.C

local tipc = {}

local band = bit.band
local DIAG = tonumber(C.SOCKQ_ROW_DIAG)
local HAS_LINK_CONG, HAS_CONN_CONG = tonumber(C.SOCKQ_DIAG_HAS_LINK_CONG), tonumber(C.SOCKQ_DIAG_HAS_CONN_CONG)
local HAS_PUBL, HAS_SERVICE = tonumber(C.SOCKQ_DIAG_HAS_PUBL), tonumber(C.SOCKQ_DIAG_HAS_SERVICE)

-- By enum sock_type.
local NAMES = { "ti_st", "ti_dg", [4] = "ti_rd", [5] = "ti_sq" }
local TYPES = { "STREAM", "DGRAM", [4] = "RDM", [5] = "SEQPACKET" }

local function address_cell(member)
  return function(bytes, at, row)
    at = text.decimal(bytes, at, row.tipc[member])
    bytes[at] = 58
    return at + 1
  end
end

local function put_info(bytes, at, row, more, oneline)
  local has = more.has
  at = text.put(bytes, at, (oneline and " type:" or "\n type:") .. (TYPES[row.tipc.type] or "(null)"))
  at = text.put(bytes, at, band(has, HAS_LINK_CONG) ~= 0 and " cong:link " or band(has, HAS_CONN_CONG) ~= 0 and
    " cong:conn " or " cong:none ")
  at = text.signed(bytes, text.put(bytes, at, " drop:"), more.drops)
  bytes[at] = 32
  at = at + 1
  if band(has, HAS_PUBL) ~= 0 then
    at = text.put(bytes, at, " publ")
  end
  if band(has, HAS_SERVICE) ~= 0 then
    at = text.put(bytes, at, (" via {%d,%d} "):format(more.service_type, more.service_instance))
  end
  return at
end

local function process_cell(show)
  local wants_users, wants_details, wants_info = show.processes or show.threads, show.extended, show.tipcinfo
  if not (wants_users or wants_details or wants_info) then
    return cells.nothing
  end
  return function(bytes, at, row, set)
    local more = band(row.flags, DIAG) ~= 0 and schema.tipc_diag(set, row.more) or nil
    if wants_details then
      at = details.put_identity(bytes, at, row.uid, row.inode, more and more.cookie or 0)
    end
    if wants_users then
      at = users.write(bytes, at, row, set)
    end
    if more and wants_info then
      at = put_info(bytes, at, row, more, show.oneline)
    end
    return at
  end
end

--- The cells of TIPC rows.
---@param show table  of the plan
---@return table<string, function>
function tipc.cells(show)
  local peer_node = address_cell("remote_node")
  return {
    netid = function(bytes, at, row)
      return (text.put(bytes, at, NAMES[row.tipc.type] or "???"))
    end,
    state = cells.state,
    recv_q = cells.recv_q,
    send_q = cells.send_q,
    local_address = address_cell("local_node"),
    local_port = function(bytes, at, row)
      return (text.decimal(bytes, at, row.tipc.local_ref))
    end,
    peer_address = function(bytes, at, row)
      return row.tipc.connected ~= 0 and peer_node(bytes, at, row) or text.put(bytes, at, "-")
    end,
    peer_port = function(bytes, at, row)
      return row.tipc.connected ~= 0 and text.decimal(bytes, at, row.tipc.remote_ref) or at
    end,
    process = process_cell(show),
  }
end

return tipc
