-- The verbs of queries as functions that give a new query, or nil, what is wrong, and for an
-- expression where in its text. query.lua makes methods of them; the command line calls them as they
-- are.

local chain = require("sockq.chain")
local fields = require("sockq.fields")
local hint = require("sockq.hint")
local keys = require("sockq.keys")
local narrow = require("sockq.narrow")
local origin = require("sockq.origin")
local record = require("sockq.record")

local bor = bit.bor
local derive, schema_of = chain.derive, chain.schema
local with_stage, with_fields = chain.with_stage, chain.with_fields

local verbs = {}

--- Keep the rows for which a predicate is true; several where() are and-ed.
---@param predicate string|fun(row: sockq.Row): boolean  an expression, or a function of a row that
---   is valid during the call only
---@return sockq.Query
--- Cost: keeps no rows. An expression on state or proto narrows what is collected; owners are read
--- first if it names one of their fields.
function verbs.where(self, predicate)
  local compiled, wrong, problem
  if type(predicate) == "function" then
    compiled = { predicate = predicate, fields = {}, narrow = {} }
  elseif type(predicate) == "string" or type(predicate) == "table" then
    compiled, wrong, problem = keys.condition(predicate, schema_of(self))
  else
    wrong = ("a function or an expression is expected, not a %s"):format(type(predicate))
  end
  if not compiled then
    return nil, wrong, problem
  end
  local narrowed = with_fields(self, compiled.fields)
  if type(predicate) == "function" and not self.shape then
    narrowed = derive(narrowed, { lean = origin.open(narrowed.lean) })
  end
  if self.shape or #self.stages > 0 then
    return with_stage(narrowed, { kind = "where", test = compiled.predicate })
  end
  return derive(narrowed, narrow.changes(self, compiled))
end

--- One row for each different combination of keys. Without agg or count behind it a group has its
--- keys and `count` (`rows` if a key is called so). A key that tells of a socket's owner, such as program,
--- pid or container, counts a socket of several processes once for each different value, so that groups may
--- add up to more than there are sockets; several such keys are those of one owner.
---@param given string|function|table  "state, net=subnet(remote_addr, 24)"
---@return sockq.Query
--- Memory: the keys of every group, and what its aggregates say.
function verbs.group(self, given)
  local items, wrong, problem = keys.items(given, schema_of(self), { keys = true })
  if not items then
    return nil, wrong, problem
  elseif #items == 0 then
    return nil, "a key is missing; group(\"state\") is its form"
  end
  narrow.domains(self, items)
  local count = "count"
  for _, item in ipairs(items) do
    count = item.name == "count" and "rows=count" or count
  end
  return verbs.agg(with_stage(with_fields(self, keys.fields(items)), { kind = "group", keys = items, items = {},
    input = schema_of(self) }), count, true)
end

--- Aggregates of each group, or of all rows: "count, worst=max(expires), p99(recv_q)".
---@param given string|string[]
---@return sockq.Query
--- Memory: as the aggregates say: sockq help aggregates
function verbs.agg(self, given, is_default)
  local before = self.stages[#self.stages]
  local stage = before and before.kind == "group" and before or
    { kind = "group", keys = {}, items = {}, input = schema_of(self) }
  local items, wrong, problem = keys.aggregates(given, stage.input)
  if not items then
    return nil, wrong, problem
  end
  local all = {}
  for _, item in ipairs(stage.is_default and {} or stage.items) do
    all[#all + 1] = item
  end
  for _, item in ipairs(items) do
    all[#all + 1] = item
  end
  local entries = keys.entries(stage.keys, "key")
  for _, entry in ipairs(keys.entries(all, "value")) do
    entries[#entries + 1] = entry
  end
  local schema
  schema, wrong = record.schema(entries)
  if not schema then
    return nil, wrong
  end
  local base = self
  if stage == before then
    base = derive(self, { stages = { unpack(self.stages, 1, #self.stages - 1) } })
  end
  if stage.input == fields then
    local names = keys.fields(items)
    base = derive(base, { flags = bor(base.flags, fields.flags(names)), lean = origin.lean(base.lean, names) })
  end
  return with_stage(base, { kind = "group", keys = stage.keys, items = all, schema = schema, input = stage.input,
    is_default = is_default }, schema)
end

--- Order the rows: "-count, remote_addr"; - descends, unknown comes last.
---@param given string|function|table
---@return sockq.Query
--- Memory: a number and its keys a row; with limit behind it, for twice the limit at most.
function verbs.sort(self, given, aliases)
  -- aliases: items of keys.lua that names stand for besides fields, for the command line.
  local items, wrong, problem = keys.items(given, schema_of(self), { descending = true, aliases = aliases })
  if not items then
    return nil, wrong, problem
  end
  for _, item in ipairs(items) do
    if item.type == "list" or item.type == "histogram" then
      return nil, ("%s is a %s, which has no order; name something else"):format(item.name, item.type)
    end
  end
  return with_stage(with_fields(self, keys.fields(items)), { kind = "sort", items = items })
end

--- At most so many rows; the rest is not read.
---@param count integer
---@return sockq.Query
function verbs.limit(self, count)
  if type(count) ~= "number" or count < 0 or count % 1 ~= 0 then
    return nil, ("%s is no number of rows; give a whole number from 0"):format(tostring(count))
  end
  return with_stage(self, { kind = "limit", count = count })
end

--- Rows of these columns only: "program, wait=60-expires".
---@param given string|function|table
---@return sockq.Query
--- Memory: none; a record a row.
function verbs.select(self, given)
  local items, wrong, problem = keys.items(given, schema_of(self))
  if not items then
    return nil, wrong, problem
  elseif #items == 0 then
    return nil, "a column is missing; select(\"state\") is its form"
  end
  local schema
  schema, wrong = record.schema(keys.entries(items))
  if not schema then
    return nil, wrong
  end
  return with_stage(with_fields(self, keys.fields(items)), { kind = "select", items = items, schema = schema }, schema)
end

--- The first row of each different combination of keys; without keys, of all columns.
---@param given? string|function|table
---@return sockq.Query
--- Memory: the keys of every row that passes.
function verbs.distinct(self, given)
  if given == nil then
    if not self.shape then
      return nil, "keys are needed on sockets, which all differ; distinct(\"remote_addr\") is its form"
    end
    given = {}
    for _, entry in ipairs(self.shape.list) do
      given[#given + 1] = { field = entry.name }
    end
  end
  local items, wrong, problem = keys.items(given, schema_of(self))
  if not items then
    return nil, wrong, problem
  end
  return with_stage(with_fields(self, keys.fields(items)), { kind = "distinct", keys = items })
end

local HOW = { inner = true, left = true, semi = true, anti = true }
local JOIN_OPTIONS = { how = "string", prefix = "string", names = "table" }

local function right_side(other, options)
  if chain.is_query(other) then
    return other
  elseif type(other) ~= "table" then
    return nil, ("a query or a list of tables is expected, not a %s"):format(type(other))
  end
  return chain.of_list(other, options.names)
end

-- The names of the right side's fields, and the keys of the left side that must equal them.
local function join_keys(self, right, on)
  local items, wrong, problem = keys.items(on, schema_of(self))
  if not items then
    return nil, wrong, problem
  end
  local names = {}
  for i, item in ipairs(items) do
    local entry = schema_of(right).by_name[item.name]
    if not entry then
      return nil, ("the right side has no field %s; %s"):format(item.name,
        hint.remedy(item.name, hint.keys(schema_of(right).by_name)))
    end
    names[i] = entry.name
  end
  return items, names
end

--- Join each row with those rows of another query, or of a list of tables, that have equal keys.
---@param other sockq.Query|table[]
---@param on string|table  keys: a field that both sides have, or RIGHT=EXPR: its field, our expression
---@param options? { how: "inner"|"left"|"semi"|"anti", prefix: string, names: string[] }  left keeps
---   rows without a match; semi and anti only ask whether there is one; prefix (default "other_") is
---   put before the right side's fields whose names are taken
---@return sockq.Query
--- Memory: all rows of the other side.
function verbs.join(self, other, on, options)
  if options ~= nil and type(options) ~= "table" then
    return nil, ("options are a table of how, prefix, names, not a %s"):format(type(options))
  end
  local given = options or {}
  options = {}
  for key, value in next, given do
    options[key] = value
    if not JOIN_OPTIONS[key] or type(value) ~= JOIN_OPTIONS[key] then
      return nil, ("option %s = %s means nothing; known are how, prefix, names"):format(tostring(key), tostring(value))
    end
  end
  local how = options.how or "inner"
  if not HOW[how] then
    return nil, ("there is no join %s; %s"):format(how, hint.remedy(how, hint.keys(HOW)))
  end
  local right, wrong = right_side(other, options)
  if not right then
    return nil, wrong
  end
  local items, names, problem = join_keys(self, right, on)
  if not items then
    return nil, names, problem
  end
  local join = require("sockq.join")
  local schema
  schema, wrong = join.schema(schema_of(self), schema_of(right), options.prefix or "other_")
  if not schema then
    return nil, wrong
  end
  local wanted = {}
  for _, name in ipairs(names) do
    wanted[name] = true
  end
  local stage = { kind = "join", keys = items, fields = names, how = how, schema = schema, left = schema_of(self),
    other = with_fields(right, wanted) }
  local keeps_shape = how == "semi" or how == "anti"
  return with_stage(with_fields(self, keys.fields(items)), stage, not keeps_shape and schema or nil)
end

return verbs
