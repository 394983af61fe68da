-- What a condition on sockets spares the collector: tables, states and owners that no matching row
-- needs.

local ffi = require("ffi")
local address = require("sockq.address")
local peer = require("sockq.peer")
local schema = require("sockq.schema")
local state = require("sockq.state")
local tables = require("sockq.tables")

local C, has = schema.C, schema.has
local band, bor, lshift = bit.band, bit.bor, bit.lshift
local cast, row_handle = ffi.cast, schema.row_handle
local join = require("sockq.expr.narrow").join
local WITH_PEERS, HAS_STATE = tonumber(C.SOCKQ_WITH_PEERS), tonumber(C.SOCKQ_HAS_STATE)
local UNIX = tonumber(C.SOCKQ_UNIX)

local narrow = {}

local function proto_mask(protos)
  local mask = 0
  for number, entry in pairs(tables.list) do
    if protos[entry.proto] then
      mask = bor(mask, bit.lshift(1, number))
    end
  end
  return mask
end

-- SCTP's tables have both families.
local FAMILY_OF_LAST = { ["6"] = "inet6" }
local ALONE = { unix = true, netlink = true, packet = true, vsock = true, tipc = true, xdp = true }

local function family_mask(families)
  local mask = 0
  for number, entry in pairs(tables.list) do
    local family = ALONE[entry.proto] and entry.proto or FAMILY_OF_LAST[entry.proto:sub(-1)] or "inet"
    if families[family] or entry.proto == "sctp" and families.inet6 then
      mask = bor(mask, lshift(1, number))
    end
  end
  return mask
end

local ENDS = { "local_port", "remote_port", "either_port", "local_addr", "remote_addr", "either_addr" }

--- The changes that one more condition makes to a query: test, and where they follow tables, states, ends.
---@param query sockq.Query
---@param compiled table  from expr.compile
---@return table
function narrow.changes(query, compiled)
  local test, before = compiled.predicate, query.test
  local changes = { test = test }
  if before then
    changes.test = function(row)
      return before(row) and test(row)
    end
  end
  local words = compiled.narrow or {}
  if words.states then
    local mask = state.mask(words.states)
    changes.states = query.states == 0 and mask or band(query.states, mask)
    if changes.states == 0 then
      -- No inet state is left: only tables that have other states can match.
      changes.tables = band(query.tables, tables.mask(tables.groups.unix))
    end
  end
  if words.protos then
    changes.tables = band(changes.tables or query.tables, proto_mask(words.protos))
  end
  if words.families then
    changes.tables = band(changes.tables or query.tables, family_mask(words.families))
  end
  local ends = {}
  for key, value in pairs(query.ends or {}) do
    ends[key] = value
  end
  for _, key in ipairs(ENDS) do
    ends = words[key] and join(ends, { [key] = words[key] }) or ends
  end
  changes.ends = next(ends) and ends or nil
  return changes
end

-- The names of ports and addresses in a demand, in struct sockq_narrow too, and their flags there.
local PORT_FLAGS = { local_port = C.SOCKQ_NARROW_LOCAL_PORT, remote_port = C.SOCKQ_NARROW_REMOTE_PORT,
  either_port = C.SOCKQ_NARROW_EITHER_PORT }
local ADDR_FLAGS = { local_addr = C.SOCKQ_NARROW_LOCAL_ADDR, remote_addr = C.SOCKQ_NARROW_REMOTE_ADDR,
  either_addr = C.SOCKQ_NARROW_EITHER_ADDR }

--- What the kernel may leave out for a query where it can tell; nil: nothing.
---@param query sockq.Query
---@return ffi.cdata*|nil  # struct sockq_narrow
function narrow.kernel(query)
  local ends = query.ends
  if not ends or has(query.flags, WITH_PEERS) then
    return nil
  end
  local made = ffi.new("struct sockq_narrow")
  for name, flag in pairs(PORT_FLAGS) do
    if ends[name] then
      made[name].low, made[name].high = ends[name][1], ends[name][2]
      made.has = made.has + flag
    end
  end
  for name, flag in pairs(ADDR_FLAGS) do
    local network = ends[name] and address.network(ends[name])
    if network then
      made[name].family, made[name].bits = network.family, network.length
      ffi.copy(made[name].bytes, network.bytes, 16)
      made.has = made.has + flag
    end
  end
  return made
end

--- The tables and states to read for a query, as a request carries them: where it asks for other ends of
--- connections, also those in which they may be.
---@param query sockq.Query
---@return number tables, number states
function narrow.reading(query)
  if has(query.flags, WITH_PEERS) then
    return peer.tables(query.tables), 0
  end
  return query.tables, query.states
end

--- What rows that are read for a query must meet to be its own.
---@param query sockq.Query
---@return (fun(row: sockq.Row): boolean)|nil
function narrow.test(query)
  local test, mask, states = query.test, query.tables, query.states
  if narrow.reading(query) == mask and (states == 0 or not has(query.flags, WITH_PEERS)) then
    return test
  end
  return function(one)
    local row = cast(row_handle, one).row
    return band(mask, lshift(1, row.table)) ~= 0 and
      (states == 0 or row.table == UNIX or not has(row.known, HAS_STATE) or has(states, lshift(1, row.state))) and
      (not test or test(one))
  end
end

-- The words that a field can have in the tables that a query reads.
local DOMAINS = {
  state = function(mask)
    return state.names_of(mask)
  end,
  proto = function(mask)
    local names = {}
    for number, entry in pairs(tables.list) do
      if band(mask, bit.lshift(1, number)) ~= 0 then
        names[#names + 1] = entry.proto
      end
    end
    table.sort(names)
    return names
  end,
}

--- Give keys that are a lone field its domain in this query.
---@param query sockq.Query
---@param items table[]  from keys.lua
function narrow.domains(query, items)
  if query.shape then
    return
  end
  for _, item in ipairs(items) do
    local domain = item.field and DOMAINS[item.field.name]
    if domain then
      item.domain = domain(query.tables)
    end
  end
end

return narrow
