-- Pairs: from a row to the row at the other end of its connection.
--
-- A row set that was collected with pairs has them in its rows. For another one the tables are
-- looked at once more, the first time that a script asks: what has ended meanwhile has no pair then.

local ffi = require("ffi")
local owner = require("sockq.owner")
local progress = require("sockq.progress")
local schema = require("sockq.schema")
local tables = require("sockq.tables")

local C, has = schema.C, schema.has
local band, bor, lshift, tonumber = bit.band, bit.bor, bit.lshift, tonumber
local rows_at, BLOCK_ROWS = schema.rows_at, schema.BLOCK_ROWS
local WITH_PEERS, LISTEN = tonumber(C.SOCKQ_WITH_PEERS), tonumber(C.SOCKQ_LISTEN)
local LATE = bor(WITH_PEERS, tonumber(C.SOCKQ_WITH_OWNERS))
local TCP6 = tonumber(C.SOCKQ_TCP6)

local peer = {}

-- A connection may have an end in each table of these.
local TWINS = { tables.mask(tables.groups.tcp), tables.mask(tables.groups.udp), tables.mask(tables.groups.udplite) }
local PAIRED = bor(unpack(TWINS))

--- The tables to read so that both ends of the connections in some tables are among the rows.
---@param mask number  a bit a table
---@return number
function peer.tables(mask)
  local all = mask
  for _, twins in ipairs(TWINS) do
    if band(mask, twins) ~= 0 then
      all = bor(all, twins)
    end
  end
  return all
end

local function pointer_to(handle, index)
  return rows_at(handle, index) + index % BLOCK_ROWS
end

-- Rows by their ports: heads by both ports, then a chain by row number.
local function index_of(handle)
  local count = tonumber(handle.set.rows)
  local heads, following = {}, ffi.new("int32_t[?]", count + 1)
  for i = 0, count - 1 do
    local row = pointer_to(handle, i)
    local ports = row.local_port * 65536 + row.remote_port
    following[i + 1] = heads[ports] or 0
    heads[ports] = i + 1
  end
  return heads, following
end

local function read_late(environment)
  local set, err = environment[1]:collect(PAIRED, 0, LATE)
  if not set then
    error("the other ends cannot be read: " .. err, 0)
  end
  if not progress.wait_to_end(set) then
    error("the other ends cannot be read: interrupted", 0)
  end
  local late = { handle = ffi.cast(schema.set_handle, set), set = set }
  late.heads, late.following = index_of(late.handle)
  return late
end

local words = ffi.typeof("const uint64_t *")

local function is_like(one, other)
  if one.table ~= other.table or one.local_port ~= other.local_port or one.remote_port ~= other.remote_port then
    return false
  end
  local a, b = ffi.cast(words, one), ffi.cast(words, other)
  return a[0] == b[0] and a[1] == b[1] and a[2] == b[2] and a[3] == b[3]
end

-- The same socket in the later look: by its inode; one that lost or got it, by its addresses.
local function find_late(late, row)
  local index = late.heads[row.local_port * 65536 + row.remote_port] or 0
  local found, count = nil, 0
  while index ~= 0 do
    local other = pointer_to(late.handle, index - 1)
    if is_like(row, other) then
      if row.inode ~= 0 and row.inode == other.inode then
        return other
      elseif row.inode == 0 or other.inode == 0 then
        found, count = other, count + 1
      end
    end
    index = late.following[index]
  end
  return count == 1 and found or nil
end

local function may_have_one(row)
  return row.remote_port ~= 0 and band(PAIRED, lshift(1, row.table)) ~= 0 and has(row.known, C.SOCKQ_HAS_ADDRS) and
    not (row.table <= TCP6 and row.state == LISTEN)
end

--- The row at the other end.
---@param row ffi.cdata*     sockq_row
---@param set ffi.cdata*     sockq_set_handle
---@param userdata userdata  the row as Lua sees it
---@return ffi.cdata*|nil row, ffi.cdata*|nil set, userdata|nil of  # the set that it is in, and a userdata of that
function peer.of(row, set, userdata)
  if not may_have_one(row) then
    return nil
  end
  if not has(set.set.question.flags, WITH_PEERS) then
    local environment = debug.getfenv(userdata)
    local late = environment.late_peers
    if not late then
      late = read_late(environment)
      environment.late_peers = late
    end
    row, set, userdata = find_late(late, row), late.handle, late.set
  end
  if row == nil or row.peer == 0 then
    return nil
  end
  return pointer_to(set, row.peer - 1), set, userdata
end

--- A getter of fields.lua for what an owner of the other end is.
---@param read fun(arena, process, entry): any
function peer.of_owner(read)
  return function(row, set, userdata)
    local other, other_set, of = peer.of(row, set, userdata)
    if not other then
      return nil
    end
    local entry, arena = owner.first(other, other_set, of)
    if entry then
      return read(arena, owner.process(arena, entry), entry)
    end
  end
end

return peer
