-- Queries: lazy, immutable, chained. Nothing is read before rows(), list(), count(), first(),
-- each() or print() ask for rows.
--
-- chain.lua is what a query is made of, verbs.lua what is chained; here are the methods, and what
-- runs a query.

local chain = require("sockq.chain")
local fields = require("sockq.fields")
local hint = require("sockq.hint")
local narrow = require("sockq.narrow")
local origin = require("sockq.origin")
local set = require("sockq.set")
local trace = require("sockq.trace")
local verbs = require("sockq.verbs")

local Query = chain.metatable

-- Keys that a query may lack.
local OPTIONAL = { test = true, named = true, source = true, shape = true, ends = true, asked = true, lean = true,
  is_closed = true, follows = true, idle = true }

-- A misspelt verb is an error here, not a call of nil there.
local function verb_of(_, name)
  local verb = Query[name]
  if verb == nil and type(name) == "string" and not OPTIONAL[name] then
    local names = {}
    for known, value in pairs(Query) do
      if type(value) == "function" and not known:find("^__") and not known:find("^try_") then
        names[#names + 1] = known
      end
    end
    table.sort(names)
    error(("a query has no verb %s; %s"):format(name, hint.remedy(name, names)), 2)
  end
  return verb
end
Query.__index = verb_of

function Query.__call()
  error("a query is no iterator; write for s in query:rows() do", 2)
end

local function check_self(self, name)
  if not chain.is_query(self) then
    error(("%s: call it with a colon: query:%s(…)"):format(name, name), 3)
  end
end

-- What is wrong with a verb's argument, at the caller's line.
local function refuse(verb, wrong, level)
  error(("%s: %s"):format(verb, wrong), level + 1)
end

--- The fields of this query's rows: { list = { entry, … }, by_name }.
---@return table
function Query:schema()
  check_self(self, "schema")
  return chain.schema(self)
end

--- Read these fields' sources from the start, as a function or loop will need them.
---@param names string[]
---@return sockq.Query
function Query:needs(names)
  check_self(self, "needs")
  if type(names) ~= "table" then
    refuse("needs", ("a list of fields is expected, not a %s"):format(type(names)), 2)
  end
  local wanted, schema = {}, chain.schema(self)
  for _, name in ipairs(names) do
    local entry = schema.by_name[name]
    if not entry then
      refuse("needs", ("there is no field %s; %s"):format(tostring(name),
        hint.remedy(name, hint.keys(schema.by_name), fields.LISTED)), 2)
    end
    wanted[entry.name] = true
  end
  return chain.with_fields(self, wanted)
end

for name, verb in pairs(verbs) do
  Query["try_" .. name] = verb
  Query[name] = function(self, ...)
    check_self(self, name)
    local made, wrong, problem = verb(self, ...)
    if not made then
      -- The place in an expression says more than the verb's name.
      error(problem and wrong or ("%s: %s"):format(name, wrong), 2)
    end
    return made
  end
end

local function collect(self, is_closed)
  local mask, states = narrow.reading(self)
  return set.collect(mask, states, self.flags, self.named, origin.of(self, is_closed or self.is_closed), narrow.kernel(self))
end

-- The stages as pipeline.lua runs them: the conditions on the sockets first.
local function stages_of(self)
  local test = not self.source and narrow.test(self) or self.test
  local stages = { test and { kind = "where", test = test } or nil }
  for _, stage in ipairs(self.stages) do
    if stage.kind == "join" then
      local other = stage.other
      stage = setmetatable({ rows = function() return other:list() end }, { __index = stage })
    end
    stages[#stages + 1] = stage
  end
  return stages
end

local function source_of(self)
  if self.source or self.tables == 0 then
    return { list = self.source or {} }
  elseif self.follows then
    return { stream = require("sockq.events").open(self) }
  end
  return { collect = function() return collect(self) end }
end

--- Call visit(row) for every matching row while rows arrive, until it returns true. The row is a
--- cursor, valid during the call only.
---@param visit fun(row: sockq.Row): boolean?
function Query:each(visit)
  check_self(self, "each")
  if type(visit) ~= "function" then
    refuse("each", ("a function is expected, not a %s"):format(type(visit)), 2)
  end
  require("sockq.pipeline").run(source_of(self), stages_of(self), visit)
end

--- Iterate matching rows: for s in query:rows() do … end. Each row is the script's own.
---@return fun(): sockq.Row?
function Query:rows()
  check_self(self, "rows")
  local source = self.follows and source_of(self)
  if source and #self.stages == 0 then
    return require("sockq.events").iterate(source.stream, narrow.test(self))
  elseif #self.stages == 0 and not self.source and self.tables ~= 0 then
    return set.iterate(collect(self), narrow.test(self))
  end
  -- Not coroutine.wrap: it puts a place of its own before the message of an error.
  -- Rows go past the coroutine: functions of a script run in it, and what they yield is no row.
  local found
  local thread = coroutine.create(function()
    local ok, err = xpcall(require("sockq.pipeline").run, trace.note, source or source_of(self), stages_of(self), function(row)
      found = row:keep()
      coroutine.yield()
    end)
    if not ok then
      error(err, 0)
    end
  end)
  return function()
    local ok, err = coroutine.resume(thread)
    if not ok then
      error(err, 0)
    end
    local row = found
    found = nil
    if row == nil and coroutine.status(thread) ~= "dead" then
      error("rows: a function of this query called coroutine.yield; walk it by each, and yield from there", 0)
    end
    return row
  end
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

--- Read the rows now, and give a query over them: several questions to one look at the tables.
---@return sockq.Query
--- Memory: a userdata a row, and the row set. Owners are read now if needs() or an expression names them.
function Query:keep()
  check_self(self, "keep")
  return chain.of_rows(self:list(), chain.schema(self))
end

--- How many rows match. Behind group it is a verb: each group gets its number of rows.
---@param name? string  behind group: what to call it (default "count")
---@return integer|sockq.Query
function Query:count(name)
  check_self(self, "count")
  local last = self.stages[#self.stages]
  if last and last.kind == "group" and (#last.keys > 0) then
    if name ~= nil and (type(name) ~= "string" or not name:find("^[%a_][%w_]*$")) then
      refuse("count", "the name of a column is expected, such as count(\"sockets\")", 2)
    end
    if last.is_default and (name == nil or name == "count") then
      return self
    end
    return self:agg(name and name .. "=count" or "count")
  end
  local count = 0
  if not narrow.test(self) and #self.stages == 0 and not self.source and not self.follows and self.tables ~= 0 then
    local collected = collect(self, true)
    local final
    repeat
      count, final = set.wait(collected, count)
      collected:passed(count)
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

--- Print the matching rows to standard output.
---@param options? { columns: string|table[], format: string, header: boolean, timer: string }
---@return integer  # how many rows were printed
function Query:print(options)
  check_self(self, "print")
  -- No tail call: what is wrong with the options is told at the caller's line.
  local printed = require("sockq.output").print(self, options or {})
  return printed
end

function Query.__tostring()
  return "sockq query"
end

return { new = chain.new, from = chain.from, of_list = chain.of_list, is_query = chain.is_query }
