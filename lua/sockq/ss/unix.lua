-- Rows of unix sockets.

local ffi = require("ffi")
local cells = require("sockq.ss.cells")
local details = require("sockq.ss.details")
local escape = require("sockq.escape")
local schema = require("sockq.schema")
local text = require("sockq.ss.text")
local users = require("sockq.ss.users")

local C = schema.C

local unix = {}

local tonumber = tonumber
local band, rshift = bit.band, bit.rshift
local cast = ffi.cast
local DIAG = tonumber(C.SOCKQ_ROW_DIAG)
local HAS_SHUTDOWN, HAS_FILE = tonumber(C.SOCKQ_DIAG_HAS_UNIX_SHUTDOWN), tonumber(C.SOCKQ_DIAG_HAS_FILE)
local HAS_WAITING = tonumber(C.SOCKQ_DIAG_HAS_WAITING)
-- Beyond the longest token nothing shows.
local LONGEST = 65535

-- include/linux/net.h
local STREAM, DGRAM, SEQPACKET = 1, 2, 5
local ACCEPTS = 0x10000

local POINTER, UNCONNECTED = tonumber(C.SOCKQ_ROW_POINTER), tonumber(C.SOCKQ_SS_UNCONNECTED)
local LISTEN, ESTABLISHED = tonumber(C.SOCKQ_LISTEN), tonumber(C.SOCKQ_ESTABLISHED)
local LARGEST = 0x7fffffffffffffffULL

-- ss sorts what it reads as text, so many rows at a time.
local LOT = 1681

local NETID = { [STREAM] = "u_str", [DGRAM] = "u_dgr", [SEQPACKET] = "u_seq" }

-- The kernel's states of unix sockets → those of tcp.
local STATES = { [C.SOCKQ_SS_UNCONNECTED] = 7, [C.SOCKQ_SS_CONNECTING] = 2, [C.SOCKQ_SS_CONNECTED] = 1,
  [C.SOCKQ_SS_DISCONNECTING] = 11 }

--- The state of a row of text, by the kernel's number for tcp. ss takes a datagram socket for connected
--- where its pointer can be seen.
function unix.state(row)
  if band(row.un.flags, ACCEPTS) ~= 0 then
    return LISTEN
  elseif row.un.type == DGRAM and row.state == UNCONNECTED and band(row.flags, POINTER) ~= 0 then
    return ESTABLISHED
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

-- Of text a name begins behind blanks and ends at one; sock_diag tells all of it.
local function name_of(row, set)
  local name = schema.text(set, row.un.path, row.un.path_len)
  if band(row.flags, DIAG) ~= 0 then
    return name
  end
  return name and name:match("^%s*(%S+)")
end

-- The 32 bits that ss keeps of an inode, which it reads as a signed number.
local function inode_of(row)
  return row.inode > LARGEST and 0xffffffff or tonumber(row.inode % 0x100000000ULL)
end

local function before(a, b)
  if a.un.type ~= b.un.type then
    return a.un.type < b.un.type
  end
  return inode_of(a) < inode_of(b)
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

-- A number of the kernel's encoding of a device, as ss takes it apart.
local function put_device(bytes, at, device)
  at = text.field(bytes, at, " dev:", band(rshift(device, 8), 0xfff))
  local minor = band(device, 0xff) + band(rshift(device, 12), 0xfff00)
  return (text.field(bytes, at, "/", minor))
end

-- Sockets that wait for accept, which few listeners have.
local function put_waiting(bytes, at, more, set)
  at = text.put(bytes, at, " peers:")
  if more.waiting_count == 0 then
    return at
  end
  local list = cast("const uint32_t *", schema.at(set, more.waiting))
  local limit = at + LONGEST
  for i = 0, more.waiting_count - 1 do
    if at > limit then
      break
    end
    at = text.field(bytes, at, " ", list[i])
  end
  return at
end

local function put_details(bytes, at, more, set)
  if band(more.has, HAS_SHUTDOWN) ~= 0 then
    at = details.put_shutdown(bytes, at, more.shutdown)
  end
  if band(more.has, HAS_FILE) ~= 0 then
    at = text.field(bytes, at, " ino:", more.vfs_inode)
    at = put_device(bytes, at, more.vfs_dev)
  end
  if band(more.has, HAS_WAITING) ~= 0 then
    at = put_waiting(bytes, at, more, set)
  end
  return at
end

-- What sock_diag told besides; nil for a row of text.
local function more_of(row, set)
  return band(row.flags, DIAG) ~= 0 and schema.unix_diag(set, row.more) or nil
end

local function process_cell(show)
  local wants_users, wants_memory, wants_details = show.processes or show.threads, show.memory, show.extended
  if not (wants_users or wants_memory or wants_details) then
    return cells.nothing
  end
  return function(bytes, at, row, set)
    if wants_users then
      at = users.write(bytes, at, row, set)
    end
    local more = more_of(row, set)
    if not more then
      return at
    end
    if wants_memory then
      at = details.put_memory(bytes, at, more.memory)
    end
    if wants_details then
      at = put_details(bytes, at, more, set)
    end
    return at
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
    recv_q = cells.recv_q,
    send_q = cells.send_q,
    local_address = function(bytes, at, row, set)
      local name = name_of(row, set)
      at = text.put(bytes, at, name and escape.octal(name) or "*")
      bytes[at] = 32
      return at + 1
    end,
    local_port = function(bytes, at, row)
      return (text.signed(bytes, at, inode_of(row)))
    end,
    peer_address = cells.constant("* "),
    peer_port = function(bytes, at, row, set)
      local more = more_of(row, set)
      return (text.signed(bytes, at, more and more.peer or 0))
    end,
    process = process_cell(show),
  }
end

return unix
