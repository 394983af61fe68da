-- Rows of unix sockets.

local cells = require("sockq.ss.cells")
local escape = require("sockq.escape")
local schema = require("sockq.schema")
local text = require("sockq.ss.text")
local users = require("sockq.ss.users")

local C = schema.C

local unix = {}

local tonumber = tonumber
local band = bit.band

-- include/linux/net.h
local STREAM, DGRAM, SEQPACKET = 1, 2, 5
local ACCEPTS = 0x10000

-- ss sorts what it reads as text, so many rows at a time.
local LOT = 1681

local NETID = { [STREAM] = "u_str", [DGRAM] = "u_dgr", [SEQPACKET] = "u_seq" }

-- The kernel's states of unix sockets → those of tcp.
local STATES = { [C.SOCKQ_SS_UNCONNECTED] = 7, [C.SOCKQ_SS_CONNECTING] = 2, [C.SOCKQ_SS_CONNECTED] = 1,
  [C.SOCKQ_SS_DISCONNECTING] = 11 }

--- The state of a row, by the kernel's number for tcp.
function unix.state(row)
  if band(row.un.flags, ACCEPTS) ~= 0 then
    return 10
  end
  return STATES[row.state] or row.state
end

--- Whether a row's type is chosen; a type that has no table of its own always is.
---@param has table<string, boolean>  the plan's tables
function unix.chosen(row, has)
  local kind = row.un.type
  if kind == STREAM then
    return has.unix_stream or false
  elseif kind == DGRAM then
    return has.unix_dgram or false
  elseif kind == SEQPACKET then
    return has.unix_seqpacket or false
  end
  return true
end

-- Of text a name ends at a blank.
local function name_of(row, set)
  local name = schema.text(set, row.un.path, row.un.path_len)
  return name and name:match("^[^ \t\n\v\f\r]+")
end

local function before(a, b)
  if a.un.type ~= b.un.type then
    return a.un.type < b.un.type
  end
  return a.inode < b.inode
end

--- Call store(row, set) for rows as ss orders those of text: by type, then by inode, in lots.
---@param rows ffi.cdata*[]
function unix.in_order(rows, set, store)
  for first = 1, #rows, LOT do
    local lot = {}
    for i = first, math.min(first + LOT - 1, #rows) do
      lot[#lot + 1] = { row = rows[i], number = i }
    end
    table.sort(lot, function(a, b)
      if before(a.row, b.row) then
        return true
      elseif before(b.row, a.row) then
        return false
      end
      return a.number < b.number
    end)
    for _, one in ipairs(lot) do
      store(one.row, set)
    end
  end
end

local function process_cell(show)
  if not (show.processes or show.threads) then
    return cells.nothing
  end
  return function(bytes, at, row, set)
    return (users.write(bytes, at, row, set))
  end
end

--- The cells of unix rows.
---@param show table  of the plan
---@return table<string, function>
function unix.cells(show)
  return {
    netid = function(bytes, at, row)
      return (text.put(bytes, at, NETID[row.un.type] or "u_dgr"))
    end,
    state = function(bytes, at, row)
      return (cells.put_state(bytes, at, unix.state(row)))
    end,
    recv_q = cells.constant("0     "),
    send_q = cells.constant("0     "),
    local_address = function(bytes, at, row, set)
      local name = name_of(row, set)
      at = text.put(bytes, at, name and escape.octal(name) or "*")
      bytes[at] = 32
      return at + 1
    end,
    local_port = function(bytes, at, row)
      return (text.signed(bytes, at, tonumber(row.inode % 0x100000000ULL)))
    end,
    peer_address = cells.constant("* "),
    peer_port = cells.constant("0"),
    process = process_cell(show),
  }
end

return unix
