-- Rows of vsock sockets.

local cells = require("sockq.ss.cells")
local text = require("sockq.ss.text")
local users = require("sockq.ss.users")

local vsock = {}

local STREAM, DGRAM = 1, 2
local ANY = 0xffffffff

local NAMES = { [STREAM] = "v_str", [DGRAM] = "v_dgr" }

--- Whether a plan's tables hold a row: kinds that have no table are always shown.
---@param chosen table<string, boolean>
function vsock.chosen(row, chosen)
  local kind = row.vsock.type
  if kind == STREAM then
    return chosen.vsock_stream
  elseif kind == DGRAM then
    return chosen.vsock_dgram
  end
  return true
end

local function put_number(bytes, at, number)
  if number == ANY then
    bytes[at] = 42
    return at + 1
  end
  return (text.decimal(bytes, at, number))
end

local function address_cell(field)
  return function(bytes, at, row)
    at = put_number(bytes, at, row.vsock[field])
    bytes[at] = 58
    return at + 1
  end
end

local function port_cell(field)
  return function(bytes, at, row)
    return (put_number(bytes, at, row.vsock[field]))
  end
end

--- The cells of vsock rows.
---@param show table  of the plan
---@return table<string, function>
function vsock.cells(show)
  return {
    netid = function(bytes, at, row)
      return (text.put(bytes, at, NAMES[row.vsock.type] or "???"))
    end,
    state = cells.state,
    recv_q = cells.constant("0     "),
    send_q = cells.constant("0     "),
    local_address = address_cell("local_cid"),
    local_port = port_cell("local_port"),
    peer_address = address_cell("remote_cid"),
    peer_port = port_cell("remote_port"),
    process = (show.processes or show.threads) and users.write or cells.nothing,
  }
end

return vsock
