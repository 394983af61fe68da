-- What a query is made of: a source (socket tables, or a list of rows), what narrows it, and stages.
-- Queries are immutable values; each function here makes a new one.

local fields = require("sockq.fields")
local hint = require("sockq.hint")
local origin = require("sockq.origin")
local record = require("sockq.record")
local tables = require("sockq.tables")

local bor = bit.bor

local chain = {}

--- The metatable of queries; query.lua fills it in.
chain.metatable = {}

--- In changes: the query has no such key any more.
chain.NONE = {}

--- A copy of a query with some changes.
---@param query sockq.Query
---@param changes table
---@return sockq.Query
function chain.derive(query, changes)
  local copy = {}
  for key, value in pairs(query) do
    copy[key] = value
  end
  for key, value in pairs(changes) do
    copy[key] = value ~= chain.NONE and value or nil
  end
  return setmetatable(copy, chain.metatable)
end
local derive = chain.derive

--- A query over some tables, every row.
---@param numbers integer[]  table numbers
---@param named? integer[][]  groups of them that the user named: one that is missing altogether is
---   then told
---@param asked? string  "auto", "proc" or "diag": where rows are from; nil: as --source says
---@return sockq.Query
function chain.new(numbers, named, asked)
  return setmetatable({ tables = tables.mask(numbers), states = 0, flags = 0, named = named, asked = asked, stages = {} },
    chain.metatable)
end

--- A query over rows of a schema that are there already.
---@param rows table[]
---@param schema table
---@return sockq.Query
function chain.of_rows(rows, schema)
  return setmetatable({ tables = 0, states = 0, flags = 0, source = rows, shape = schema, stages = {} }, chain.metatable)
end

--- A query over tables by name.
---@param names string  comma list of protocols, or of files below /proc/net
---@param asked? string  as for new
---@return sockq.Query|nil query, string|nil message
function chain.from(names, asked)
  local known = tables.named()
  local numbers, groups = {}, {}
  for name in names:gmatch("[^,]+") do
    if not known[name] then
      return nil, ("there is no table %s; %s"):format(name, hint.remedy(name, hint.keys(known)))
    end
    groups[#groups + 1] = known[name]
    for _, number in ipairs(known[name]) do
      numbers[#numbers + 1] = number
    end
  end
  if #numbers == 0 then
    return nil, "no table is named; sockq.from(\"tcp,unix\") is its form"
  end
  return chain.new(numbers, groups, asked)
end

local function is_row(value)
  return type(value) == "userdata" and getmetatable(value) == "sockq.row"
end

-- A list is the caller's, who may put anything into it later on: what is behind a row is read unasked.
local function copy_of(list, is_one, what)
  local copy = {}
  for i = 1, #list do
    local one = list[i]
    if not is_one(one) then
      return nil, ("item %d is a %s; %s is expected, as item 1 is"):format(i, type(one), what)
    end
    copy[i] = one
  end
  return copy
end

--- A query over rows that are there already: rows of a query, or plain tables of fields.
---@param rows table[]
---@param names? string[]  the fields of plain tables, in order; all of them by name if not given
---@return sockq.Query|nil query, string|nil message
function chain.of_list(rows, names)
  local schema, wrong
  local first = rows[1]
  if is_row(first) then
    schema = fields
    rows, wrong = copy_of(rows, is_row, "a row of sockets")
    if not rows then
      return nil, wrong
    end
  elseif record.is(first) then
    schema = record.schema_of(first)
    rows, wrong = copy_of(rows, function(row)
      return record.is(row) and record.schema_of(row) == schema
    end, "a row of the same columns")
    if not rows then
      return nil, wrong
    end
  else
    schema, wrong = record.schema_of_tables(rows, names)
    if not schema then
      return nil, wrong
    end
    local made = {}
    for i, row in ipairs(rows) do
      local values = {}
      for _, entry in ipairs(schema.list) do
        values[entry.name] = row[entry.name]
      end
      made[i] = record.new(schema, values)
    end
    rows = made
  end
  return chain.of_rows(rows, schema)
end

--- True if a value is a query.
function chain.is_query(value)
  return getmetatable(value) == chain.metatable
end

--- The fields of a query's rows.
---@return table  # a schema
function chain.schema(query)
  return query.shape or fields
end

--- A query that has one stage more; shape: the schema of its rows, if the stage changes it.
function chain.with_stage(self, stage, shape)
  local stages = { unpack(self.stages) }
  stages[#stages + 1] = stage
  return derive(self, { stages = stages, shape = shape or self.shape })
end

--- A query that reads these fields' sources from the start. Behind a join each side gets its own.
---@param names table<string, boolean>
function chain.with_fields(self, names)
  if not self.shape then
    return derive(self, { flags = bor(self.flags, fields.flags(names)), lean = origin.lean(self.lean, names) })
  end
  local last = self.stages[#self.stages]
  if not last or last.kind ~= "join" or last.schema ~= self.shape or not chain.is_query(last.other) then
    return self
  end
  local left, right = {}, {}
  for name in pairs(names) do
    local entry = self.shape.by_name[name]
    if entry then
      (entry.side == 1 and left or right)[entry.of] = true
    end
  end
  local stages = { unpack(self.stages) }
  stages[#stages] = setmetatable({ other = chain.with_fields(last.other, right) }, { __index = last })
  if last.left ~= fields then
    return derive(self, { stages = stages })
  end
  return derive(self, { stages = stages, flags = bor(self.flags, fields.flags(left)), lean = origin.lean(self.lean, left) })
end

return chain
