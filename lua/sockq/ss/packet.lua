-- Rows of packet sockets.

local cells = require("sockq.ss.cells")
local names = require("sockq.ss.names")
local text = require("sockq.ss.text")
local users = require("sockq.ss.users")

local packet = {}

local RAW = 3

local function details(bytes, at, row)
  if row.uid ~= 0 then
    at = text.decimal(bytes, text.put(bytes, at, " uid:"), row.uid)
  end
  at = text.decimal(bytes, text.put(bytes, at, " ino:"), row.inode)
  return (text.put(bytes, at, " sk:0"))
end

local function process_cell(show)
  local wants_users, wants_details = show.processes or show.threads, show.extended
  if not (wants_users or wants_details) then
    return cells.nothing
  end
  return function(bytes, at, row, set)
    if wants_users then
      at = users.write(bytes, at, row, set)
    end
    if wants_details then
      at = details(bytes, at, row)
    end
    return at
  end
end

--- The cells of packet rows.
---@param show table  of the plan
---@return table<string, function>
function packet.cells(show)
  local numeric = show.numeric
  return {
    netid = function(bytes, at, row)
      return (text.put(bytes, at, row.packet.type == RAW and "p_raw" or "p_dgr"))
    end,
    state = cells.constant("UNCONN"),
    recv_q = cells.recv_q,
    send_q = cells.constant("0     "),
    local_address = function(bytes, at, row)
      at = text.put(bytes, at, names.ethernet(row.packet.protocol, numeric))
      bytes[at] = 58
      return at + 1
    end,
    local_port = function(bytes, at, row)
      local index = row.packet.ifindex
      return (text.put(bytes, at, index == 0 and "*" or names.device[index]))
    end,
    peer_address = cells.constant("*"),
    peer_port = cells.nothing,
    process = process_cell(show),
  }
end

return packet
