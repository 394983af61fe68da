-- Rows of netlink sockets.

local cells = require("sockq.ss.cells")
local names = require("sockq.ss.names")
local text = require("sockq.ss.text")

local netlink = {}

local tobit = bit.tobit

local function port_cell(numeric)
  return function(bytes, at, row)
    local id = tobit(row.nl.port_id)
    if id == -1 then
      bytes[at] = 42
      return at + 1
    elseif id == 0 and not numeric then
      return (text.put(bytes, at, "kernel"))
    end
    return (text.signed(bytes, at, id))
  end
end

local function details(bytes, at, row)
  at = text.put(bytes, at, " groups=0x")
  return (text.hex(bytes, at, row.nl.groups, 8))
end

--- The cells of netlink rows.
---@param show table  of the plan
---@return table<string, function>
function netlink.cells(show)
  local numeric = show.numeric
  return {
    netid = cells.constant("nl"),
    state = cells.constant("UNCONN"),
    recv_q = cells.recv_q,
    send_q = cells.send_q,
    local_address = function(bytes, at, row)
      at = text.put(bytes, at, names.netlink(row.nl.protocol, numeric))
      bytes[at] = 58
      return at + 1
    end,
    local_port = port_cell(numeric),
    peer_address = cells.constant("*"),
    peer_port = cells.nothing,
    process = show.extended and details or cells.nothing,
  }
end

return netlink
