-- Queries: lazy, immutable, chained. Nothing is read before rows(), list(), count(), first(),
-- each() or print() ask for rows.

local fields = require("sockq.fields")
local hint = require("sockq.hint")
local set = require("sockq.set")
local state = require("sockq.state")
local tables = require("sockq.tables")

local band, bor = bit.band, bit.bor

local Query = {}

-- A misspelt verb is an error here, not a call of nil there.
local function verb_of(_, name)
  local verb = Query[name]
  if verb == nil and type(name) == "string" and name ~= "test" and name ~= "named" then
    local verbs = {}
    for known, value in pairs(Query) do
      if type(value) == "function" and not known:find("^__") then
        verbs[#verbs + 1] = known
      end
    end
    table.sort(verbs)
    error(("a query has no verb %s; %s"):format(name, hint.remedy(name, verbs)), 2)
  end
  return verb
end
Query.__index = verb_of

function Query.__call()
  error("a query is no iterator; write for s in query:rows() do", 2)
end

local function derive(query, changes)
  local copy = {}
  for key, value in pairs(query) do
    copy[key] = value
  end
  for key, value in pairs(changes) do
    copy[key] = value
  end
  return setmetatable(copy, Query)
end

--- A query over some tables, every row.
---@param numbers integer[]  table numbers
---@param named? integer[][]  groups of them that the user named: one that is missing altogether is
---   then told
---@return sockq.Query
local function new(numbers, named)
  return setmetatable({ tables = tables.mask(numbers), states = 0, flags = 0, named = named }, Query)
end

local function is_query(value)
  return getmetatable(value) == Query
end

local function check_self(self, name)
  if not is_query(self) then
    error(("%s: call it with a colon: query:%s(…)"):format(name, name), 3)
  end
end

-- The one way from what a caller gives to a predicate: its function, and what it narrows.
local function to_predicate(value)
  if type(value) == "function" then
    return { predicate = value, fields = {}, narrow = {} }
  elseif type(value) ~= "string" then
    return nil, ("where: a function or an expression is expected, not a %s"):format(type(value))
  end
  -- Loaded when the first expression comes: many queries have none.
  local loaded, expr = pcall(require, "sockq.expr")
  if not loaded then
    return nil, "where: an expression needs LPeg; install it (Debian: lua-lpeg), or use a function"
  end
  local compiled, err = expr.compile(value, require("sockq.catalog").of(fields))
  if not compiled then
    return nil, expr.explain_error(err)
  end
  return compiled
end

local function proto_mask(protos)
  local mask = 0
  for number, entry in pairs(tables.list) do
    if protos[entry.proto] then
      mask = bor(mask, bit.lshift(1, number))
    end
  end
  return mask
end

--- Keep the rows for which a predicate is true; several where() are and-ed.
---@param predicate string|fun(row: sockq.Row): boolean  an expression, or a function of a row that
---   is valid during the call only
---@return sockq.Query
--- Cost: keeps no rows. An expression on state or proto narrows what is collected; owners are read
--- first if it names one of their fields.
function Query:where(predicate)
  check_self(self, "where")
  local narrowed, wrong = self:try_where(predicate)
  if not narrowed then
    error(wrong, 2)
  end
  return narrowed
end

--- As where, but a predicate that is wrong gives nil and the message, for a caller that has a
--- better place to name than a line of Lua.
---@return sockq.Query|nil, string|nil message
function Query:try_where(predicate)
  local compiled, wrong = to_predicate(predicate)
  if not compiled then
    return nil, wrong
  end
  local test, before = compiled.predicate, self.test
  local changes = { test = test, flags = bor(self.flags, fields.flags(compiled.fields)) }
  if before then
    changes.test = function(row)
      return before(row) and test(row)
    end
  end
  local narrow = compiled.narrow
  if narrow.states then
    local mask = state.mask(narrow.states)
    changes.states = self.states == 0 and mask or band(self.states, mask)
    if changes.states == 0 then
      -- No inet state is left: only tables that have other states can match.
      changes.tables = band(self.tables, tables.mask(tables.groups.unix))
    end
  end
  if narrow.protos then
    changes.tables = band(changes.tables or self.tables, proto_mask(narrow.protos))
  end
  return derive(self, changes)
end

--- Read these fields' sources from the start, as a column or key will need them.
---@param names string[]
---@return sockq.Query
function Query:needs(names)
  check_self(self, "needs")
  if type(names) ~= "table" then
    error(("needs: a list of fields is expected, not a %s"):format(type(names)), 2)
  end
  local wanted = {}
  for _, name in ipairs(names) do
    if not fields.by_name[name] then
      error(("needs: there is no field %s; %s"):format(tostring(name), fields.remedy(name)), 2)
    end
    wanted[name] = true
  end
  return derive(self, { flags = bor(self.flags, fields.flags(wanted)) })
end

local function collect(query)
  return set.collect(query.tables, query.states, query.flags, query.named)
end

--- Call visit(row) for every matching row while rows arrive, until it returns true. The row is a
--- cursor, valid during the call only.
---@param visit fun(row: sockq.Row): boolean?
function Query:each(visit)
  check_self(self, "each")
  if type(visit) ~= "function" then
    error(("each: a function is expected, not a %s"):format(type(visit)), 2)
  end
  if self.tables == 0 then
    return
  end
  local test = self.test
  if not test then
    set.each(collect(self), visit)
    return
  end
  set.each(collect(self), function(row)
    if test(row) then
      return visit(row)
    end
  end)
end

--- Iterate matching rows: for s in query:rows() do … end. Each row is the script's own.
---@return fun(): sockq.Row?
function Query:rows()
  check_self(self, "rows")
  if self.tables == 0 then
    return function() end
  end
  return set.iterate(collect(self), self.test)
end

--- All matching rows in an array. Cost: a userdata a row; the rows themselves stay where they are.
---@return sockq.Row[]
function Query:list()
  check_self(self, "list")
  local list = {}
  for row in self:rows() do
    list[#list + 1] = row
  end
  return list
end

--- How many rows match.
---@return integer
function Query:count()
  check_self(self, "count")
  local count = 0
  if self.tables == 0 then
    return 0
  elseif not self.test then
    local collected = collect(self)
    local final
    repeat
      count, final = set.wait(collected, count)
    until final
    set.note(collected)
    set.release(collected)
    return count
  end
  self:each(function()
    count = count + 1
  end)
  return count
end

--- The first matching row, nil if none matches. The rest is not collected.
---@return sockq.Row|nil
function Query:first()
  check_self(self, "first")
  local found
  self:each(function(row)
    found = row:keep()
    return true
  end)
  return found
end

--- Print the matching rows to standard output as the default table.
---@param options? { columns: table[], header: boolean, timer: string }
---@return integer  how many rows were printed
function Query:print(options)
  check_self(self, "print")
  -- No tail call: what is wrong with the options is told at the caller's line.
  local printed = require("sockq.output").print(self, options or {})
  return printed
end

function Query.__tostring()
  return "sockq query"
end

return { new = new, is_query = is_query }
