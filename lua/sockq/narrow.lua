-- What a condition on sockets spares the collector: tables, states and owners that no matching row
-- needs.

local state = require("sockq.state")
local tables = require("sockq.tables")

local band, bor = bit.band, bit.bor

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
