-- Rows of netlink sockets.

local cells = require("sockq.ss.cells")
local escape = require("sockq.escape")
local memory = require("sockq.ss.details")
local names = require("sockq.ss.names")
local schema = require("sockq.schema")
local text = require("sockq.ss.text")

local netlink = {}

local band, tobit = bit.band, bit.tobit
local DIAG = tonumber(schema.C.SOCKQ_ROW_DIAG)
-- NETLINK_CONNECTED of include/uapi/linux/netlink.h
local CONNECTED = 1

-- Names of processes by arena offset, of one row set.
local owners, serial = {}, nil

local function owner_text(set, offset)
  if set.serial ~= serial then
    owners, serial = {}, set.serial
  end
  local known = owners[offset]
  if not known then
    local process = schema.process(set, offset)
    local name = schema.text(set, process.comm, process.comm_len) or ""
    known = ("%s/%d"):format(escape.octal(name), process.pid)
    owners[offset] = known
  end
  return known
end

local function port_cell(numeric)
  return function(bytes, at, row, set)
    local id = tobit(row.nl.port_id)
    if id == -1 then
      bytes[at] = 42
      return at + 1
    elseif numeric or id < 0 then
      return (text.signed(bytes, at, id))
    elseif id == 0 then
      return (text.put(bytes, at, "kernel"))
    end
    local line = schema.line(set, row.nl.line * 8)
    if line and line.process ~= 0 then
      return (text.put(bytes, at, owner_text(set, tonumber(line.process))))
    end
    return (text.signed(bytes, at, id))
  end
end

local function put_details(bytes, at, row, set)
  local line = schema.line(set, row.nl.line * 8)
  at = text.hex(bytes, text.put(bytes, at, " sk="), line and line.pointer or 0)
  at = text.hex(bytes, text.put(bytes, at, " cb="), line and line.callback or 0)
  at = text.put(bytes, at, " groups=0x")
  return (text.hex(bytes, at, row.nl.groups, 8))
end

-- What sock_diag told besides; nil for a row of text.
local function more_of(row, set)
  return band(row.flags, DIAG) ~= 0 and schema.netlink_diag(set, row.more) or nil
end

-- The same of a socket that is connected.
local function peer_of(row, set)
  return row.state == CONNECTED and more_of(row, set) or nil
end

local function process_cell(show)
  local wants_details, wants_memory = show.extended, show.memory
  if not (wants_details or wants_memory) then
    return cells.nothing
  end
  return function(bytes, at, row, set)
    if wants_details then
      at = put_details(bytes, at, row, set)
    end
    local more = wants_memory and more_of(row, set)
    if more then
      bytes[at] = 9
      at = memory.put_memory(bytes, at + 1, more.memory)
    end
    return at
  end
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
    peer_address = function(bytes, at, row, set)
      local more = peer_of(row, set)
      if not more then
        bytes[at] = 42
        return at + 1
      end
      at = text.signed(bytes, at, more.remote_groups)
      bytes[at] = 58
      return at + 1
    end,
    peer_port = function(bytes, at, row, set)
      local more = peer_of(row, set)
      return more and (text.signed(bytes, at, more.remote_port_id)) or at
    end,
    process = process_cell(show),
  }
end

return netlink
