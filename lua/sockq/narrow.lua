-- What a condition on sockets spares the collector: tables, states and owners that no matching row
-- needs.

local peer = require("sockq.peer")
local schema = require("sockq.schema")
local state = require("sockq.state")
local tables = require("sockq.tables")

local C, has = schema.C, schema.has
local band, bor, lshift = bit.band, bit.bor, bit.lshift
local cast, row_handle = require("ffi").cast, schema.row_handle
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

--- The changes that one more condition makes to a query: test, and where they follow tables, states.
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
  return changes
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
