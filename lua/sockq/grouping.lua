-- The stages that bring rows together by keys: group (with agg), and distinct.
--
-- What runs once a row is written out as straight code for the keys and aggregates at hand, without
-- loops over them, so that LuaJIT compiles it as a whole.

local make = require("sockq.aggregate")
local fields = require("sockq.fields")
local keys_of = require("sockq.keys")
local owner = require("sockq.owner")
local record = require("sockq.record")
local trace = require("sockq.trace")

local grouping = {}

local UNKNOWN = {}

-- Lua text that is being written, and the values that its names stand for.
local function new_code()
  return { lines = {}, names = {}, values = {} }
end

local function put(code, format, ...)
  code.lines[#code.lines + 1] = format:format(...)
end

local function bind(code, name, value)
  code.names[#code.names + 1] = name
  code.values[#code.names] = value
end

local function compile(code)
  local source = ("local %s = ...\n%s\n"):format(table.concat(code.names, ", "), table.concat(code.lines, "\n"))
  return assert(load(source, "=group", "t"))(unpack(code.values, 1, #code.names))
end

-- Lines that find the slot of a row by nested tables, one level a key. A key's `key` tells values
-- apart as its value does, and costs less.
local function put_finder(code, keys)
  bind(code, "UNKNOWN", UNKNOWN)
  bind(code, "root", {})
  for i, key in ipairs(keys) do
    bind(code, "key" .. i, key.key or key.value)
    put(code, "  local k%d = key%d(row)", i, i)
    put(code, "  if k%d == nil then k%d = UNKNOWN end", i, i)
  end
  put(code, "  local level = root")
  for i = 1, #keys - 1 do
    put(code, "  local level%d = level[k%d]", i, i)
    put(code, "  if not level%d then", i)
    put(code, "    level%d = {}", i)
    put(code, "    level[k%d] = level%d", i, i)
    put(code, "  end")
    put(code, "  level = level%d", i)
  end
  put(code, "  local slot = level[k%d]", #keys)
end

-- Lines that make a slot the first time that its keys come.
local function put_start(code, keys, columns, running)
  put(code, "  if not slot then")
  put(code, "    count = count + 1")
  put(code, "    slot = count")
  put(code, "    level[k%d] = slot", #keys)
  for i, key in ipairs(keys) do
    bind(code, "column" .. i, columns[i])
    bind(code, "value" .. i, key.value)
    put(code, "    column%d[slot] = value%d(row)", i, i)
  end
  for i = 1, #running do
    bind(code, "start" .. i, running[i].start)
    put(code, "    start%d(slot)", i)
  end
  put(code, "  end")
end

local function reads_owner(item)
  for name in pairs(item.fields) do
    if fields.by_name[name] and fields.by_name[name].of_owner then
      return true
    end
  end
  return false
end

-- Of these it changes nothing whether a row comes once or with each of its owners in the group, so that
-- they may see them all: distinct(pid) of a program counts all its processes.
local SEES_ALL = { distinct = true, min = true, max = true }

-- The function that a stage calls for each row, and one that says how many slots there are. owners: a
-- row that several processes have comes once for each of them, and in a slot it counts once.
local function adder(keys, columns, items, running, owners)
  local code = new_code()
  put(code, "local count = 0")
  put(code, "local function one(row, number)")
  if #keys > 0 then
    put_finder(code, keys)
    put_start(code, keys, columns, running)
  else
    put(code, "  local slot = 1")
  end
  for i = 1, #running do
    bind(code, "add" .. i, running[i].add)
  end
  if owners then
    bind(code, "seen", {})
    put(code, "  if number then")
    put(code, "    if seen[slot] == number then")
    for i, item in ipairs(items) do
      if SEES_ALL[item.aggregate] and reads_owner(item) then
        put(code, "      add%d(slot, row)", i)
      end
    end
    put(code, "      return")
    put(code, "    end")
    put(code, "    seen[slot] = number")
    put(code, "  end")
  end
  for i = 1, #running do
    put(code, "  add%d(slot, row)", i)
  end
  put(code, "end")
  put(code, "local function groups() return count end")
  if owners then
    bind(code, "for_each", owners.for_each)
    put(code, "return function(row)")
    put(code, "  if row[%q] then", owners.shared)
    put(code, "    for_each(one, row)")
    put(code, "  else")
    put(code, "    one(row)")
    put(code, "  end")
    put(code, "end, groups")
  else
    put(code, "return one, groups")
  end
  return compile(code)
end

-- What it takes to count sockets once for each owner; nil where no key reads a field of the owner.
local function owners_of(keys, items, schema)
  local read, number = false, 0
  for _, key in ipairs(schema == fields and keys or {}) do
    read = read or reads_owner(key)
  end
  if not read then
    return nil
  end
  local names = keys_of.fields(keys)
  for name in pairs(keys_of.fields(items)) do
    names[name] = true
  end
  return {
    shared = fields.shared(names),
    for_each = function(visit, row)
      number = number + 1
      local ok, err = xpcall(owner.turns, trace.note, visit, row, number)
      if not ok then
        owner.end_turns()
        error(err, 0)
      end
    end,
  }
end

--- The stage of group and agg.
---@param keys table[]    { name, value(row), key(row)? }; none: all rows are one group, even if there are none
---@param items table[]   aggregates: { name, aggregate, argument, percentile, width }
---@param schema table    of the records that come out
---@param input table     of the rows that come in
---@param sink table      { row, finish }
---@return table          # { row, finish }
--- A socket of several processes counts once for each different value that a key of its owners has.
--- Memory: the keys of every group, and what its aggregates say.
function grouping.group(keys, items, schema, input, sink)
  local columns, running = {}, {}
  for i = 1, #keys do
    columns[i] = {}
  end
  for i, item in ipairs(items) do
    running[i] = make[item.aggregate](item.argument, item)
    if #keys == 0 then
      running[i].start(1)
    end
  end
  local row, groups = adder(keys, columns, items, running, owners_of(keys, items, input))
  return {
    row = row,
    finish = function()
      for slot = 1, #keys == 0 and 1 or groups() do
        local values = {}
        for i, key in ipairs(keys) do
          values[key.name] = columns[i][slot]
        end
        for i, item in ipairs(items) do
          values[item.name] = running[i].result(slot)
        end
        if sink.row(record.new(schema, values)) then
          break
        end
      end
      sink.finish()
    end,
  }
end

--- The stage of distinct: the first row of each group passes as it comes.
---@param keys table[]
---@param sink table
--- Memory: the keys of every different row.
function grouping.distinct(keys, sink)
  local code = new_code()
  bind(code, "push", sink.row)
  put(code, "return function(row)")
  put_finder(code, keys)
  put(code, "  if not slot then")
  put(code, "    level[k%d] = true", #keys)
  put(code, "    return push(row)")
  put(code, "  end")
  put(code, "end")
  return { row = compile(code), finish = sink.finish }
end

return grouping
