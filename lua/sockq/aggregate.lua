-- Aggregates: what agg can compute of the rows of a group, and the stage that groups.
--
-- An aggregate is made once a query run: make(argument, width) → add(slot, row), result(slot).
-- Groups are numbered slots, so that a running value is an array's element.

local record = require("sockq.record")
local sorting = require("sockq.sorting")

local floor, max = math.floor, math.max

local aggregate = {}

--- The aggregates by name: doc; argument ("none", "value" or "number"; optional: may be left out);
--- type of the result ("argument": that of its argument); make.
aggregate.list = {}

local function define(name, entry)
  aggregate.list[name] = entry
end

define("count", {
  doc = "rows; with an argument those for which it holds or is known", argument = "value", optional = true,
  type = "integer", memory = "a number a group",
  make = function(argument)
    local counts = {}
    local function add(slot, row)
      if argument == nil or argument(row) then
        counts[slot] = counts[slot] + 1
      end
    end
    return { start = function(slot) counts[slot] = 0 end, add = add, result = function(slot) return counts[slot] end }
  end,
})

define("sum", {
  doc = "sum of the known values", argument = "number", type = "argument", memory = "a number a group",
  make = function(argument)
    local sums, known = {}, {}
    return {
      start = function(slot) sums[slot], known[slot] = 0, false end,
      add = function(slot, row)
        local value = argument(row)
        if value ~= nil then
          sums[slot], known[slot] = sums[slot] + value, true
        end
      end,
      result = function(slot) return known[slot] and sums[slot] or nil end,
    }
  end,
})

define("avg", {
  doc = "mean of the known values", argument = "number", type = "number", memory = "two numbers a group",
  make = function(argument)
    local sums, counts = {}, {}
    return {
      start = function(slot) sums[slot], counts[slot] = 0, 0 end,
      add = function(slot, row)
        local value = argument(row)
        if value ~= nil then
          sums[slot], counts[slot] = sums[slot] + value, counts[slot] + 1
        end
      end,
      result = function(slot) return counts[slot] > 0 and sums[slot] / counts[slot] or nil end,
    }
  end,
})

local function extreme(is_better)
  return function(argument)
    -- false: no value is known yet.
    local best = {}
    return {
      start = function(slot) best[slot] = false end,
      add = function(slot, row)
        local value = argument(row)
        if value ~= nil then
          local before = best[slot]
          if not before or is_better(value, before) then
            best[slot] = value
          end
        end
      end,
      result = function(slot) return best[slot] or nil end,
    }
  end
end

define("min", {
  doc = "least known value", argument = "ordered", type = "argument", memory = "a value a group",
  make = extreme(function(a, b) return a < b end),
})

define("max", {
  doc = "greatest known value", argument = "ordered", type = "argument", memory = "a value a group",
  make = extreme(function(a, b) return a > b end),
})

define("first", {
  doc = "first known value, in the order of the rows", argument = "value", type = "argument",
  memory = "a value a group",
  make = function(argument)
    local found = {}
    return {
      start = function(slot) found[slot] = nil end,
      add = function(slot, row)
        if found[slot] == nil then
          found[slot] = argument(row)
        end
      end,
      result = function(slot) return found[slot] end,
    }
  end,
})

define("distinct", {
  doc = "how many different known values", argument = "value", type = "integer", memory = "every different value",
  make = function(argument)
    local seen, counts = {}, {}
    return {
      start = function(slot) seen[slot], counts[slot] = {}, 0 end,
      add = function(slot, row)
        local value = argument(row)
        if value ~= nil and not seen[slot][value] then
          seen[slot][value] = true
          counts[slot] = counts[slot] + 1
        end
      end,
      result = function(slot) return counts[slot] end,
    }
  end,
})

-- The value below which `share` of the sorted values lie: nearest rank (NIST handbook, 2.6.2, gives
-- the choices; this one always is a value that occurs).
local function percentile(values, share)
  local count = #values
  if count == 0 then
    return nil
  end
  local order = sorting.order({ values }, { false }, count)
  return values[order[max(1, math.ceil(share * count))]]
end

local function percentile_of(share)
  return function(argument)
    local lists = {}
    return {
      start = function(slot) lists[slot] = {} end,
      add = function(slot, row)
        local value = argument(row)
        if value ~= nil then
          local list = lists[slot]
          list[#list + 1] = value
        end
      end,
      result = function(slot) return percentile(lists[slot], share) end,
    }
  end
end

--- An aggregate by name, also p0 to p100 and p99.9, which the list has no entry for.
---@param name string
---@return table|nil
function aggregate.find(name)
  local entry = aggregate.list[name]
  if entry then
    return entry
  end
  local number = tonumber(name:match("^p(%d+%.?%d*)$"))
  if number and number <= 100 then
    return {
      doc = ("value that %g %% of the known values do not exceed"):format(number), argument = "number",
      type = "argument", memory = "a number a row", make = percentile_of(number / 100),
    }
  end
  return nil
end

--- The names of all aggregates, for messages and help.
---@return string[]
function aggregate.names()
  local names = { "p50", "p95", "p99" }
  for name in pairs(aggregate.list) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

-- The lower bound of the bucket of a value: multiples of the width, else powers of two.
local function bucket_of(value, width)
  if width then
    return floor(value / width) * width
  elseif value < 1 then
    return value < 0 and -bucket_of(-value) or 0
  end
  return 2 ^ floor(math.log(value) / math.log(2) + 1e-9)
end

local function bucket_end(lower, width)
  if width then
    return lower + width
  elseif lower <= 0 then
    return lower == 0 and 1 or lower / 2
  end
  return lower * 2
end

define("histogram", {
  doc = "known values by buckets of a width, of powers of two without one", argument = "number",
  extra = "width", type = "histogram", memory = "a number a bucket of a group",
  make = function(argument, width)
    local buckets = {}
    return {
      start = function(slot) buckets[slot] = {} end,
      add = function(slot, row)
        local value = argument(row)
        if value ~= nil then
          local lower = bucket_of(value, width)
          local counts = buckets[slot]
          counts[lower] = (counts[lower] or 0) + 1
        end
      end,
      result = function(slot)
        local list = {}
        for lower, count in pairs(buckets[slot]) do
          list[#list + 1] = { from = lower, to = bucket_end(lower, width), count = count }
        end
        table.sort(list, function(a, b) return a.from < b.from end)
        -- Empty buckets between two others belong to the picture, as long as they are few.
        local whole = {}
        for i, bucket in ipairs(list) do
          whole[#whole + 1] = bucket
          local following = list[i + 1]
          local at = bucket.to
          while following and at < following.from and #whole < 1000 do
            whole[#whole + 1] = { from = at, to = bucket_end(at, width), count = 0 }
            at = bucket_end(at, width)
          end
        end
        return whole
      end,
    }
  end,
})

local UNKNOWN = {}

-- A function from a row to its slot: nested tables, one level a key; straight code, no loop.
local function slot_finder(keys, new_slot)
  local names, values = { "new_slot", "UNKNOWN" }, { new_slot, UNKNOWN }
  local lines = { "return function(row)" }
  local arguments = {}
  for i, key in ipairs(keys) do
    names[#names + 1], values[#values + 1] = "key" .. i, key.value
    arguments[i] = "k" .. i
    lines[#lines + 1] = ("  local k%d = key%d(row) if k%d == nil then k%d = UNKNOWN end"):format(i, i, i, i)
  end
  lines[#lines + 1] = "  local level = root"
  for i = 1, #keys - 1 do
    lines[#lines + 1] = ("  local level%d = level[k%d] if not level%d then level%d = {} level[k%d] = level%d end level = level%d")
      :format(i, i, i, i, i, i, i)
  end
  lines[#lines + 1] = ("  local slot = level[k%d]"):format(#keys)
  lines[#lines + 1] = ("  if not slot then slot = new_slot(%s) level[k%d] = slot end"):format(table.concat(arguments, ", "),
    #keys)
  lines[#lines + 1] = "  return slot\nend"
  local source = "local " .. table.concat(names, ", ") .. " = ...\nlocal root = {}\n" .. table.concat(lines, "\n")
  return assert(load(source, "=group", "t"))(unpack(values))
end

-- What runs once a row: find the slot, add to every aggregate of it.
local function adder(find_slot, running)
  local names, values, calls = { "find_slot" }, { find_slot }, {}
  for i, one in ipairs(running) do
    names[#names + 1], values[#values + 1] = "add" .. i, one.add
    calls[i] = ("  add%d(slot, row)"):format(i)
  end
  local source = ("local %s = ...\nreturn function(row)\n  local slot = find_slot(row)\n%s\nend")
    :format(table.concat(names, ", "), table.concat(calls, "\n"))
  return assert(load(source, "=group", "t"))(unpack(values))
end

--- The stage of group and agg.
---@param keys table[]    { name, value(row) }; none: all rows are one group, even if there are none
---@param items table[]   aggregates: { name, make, argument, width }
---@param schema table    of the records that come out
---@param sink table      { row, finish }
---@return table          # { row, finish }
--- Memory: the keys of every group, and what its aggregates say.
function aggregate.stage(keys, items, schema, sink)
  local count, running = 0, {}
  local columns = {}
  for i = 1, #keys do
    columns[i] = {}
  end
  for i, item in ipairs(items) do
    running[i] = item.make(item.argument, item.width)
  end
  local function new_slot(...)
    count = count + 1
    for i = 1, #keys do
      columns[i][count] = (select(i, ...))
    end
    for i = 1, #running do
      running[i].start(count)
    end
    return count
  end
  local find_slot
  if #keys > 0 then
    find_slot = slot_finder(keys, new_slot)
  else
    new_slot()
    find_slot = function()
      return 1
    end
  end
  return {
    row = adder(find_slot, running),
    finish = function()
      for slot = 1, count do
        local values = {}
        for i, key in ipairs(keys) do
          local value = columns[i][slot]
          if value ~= UNKNOWN then
            values[key.name] = value
          end
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
function aggregate.distinct_stage(keys, sink)
  local count, seen = 0, 0
  local find_slot = slot_finder(keys, function()
    count = count + 1
    return count
  end)
  return {
    row = function(row)
      if find_slot(row) > seen then
        seen = count
        return sink.row(row)
      end
    end,
    finish = sink.finish,
  }
end

return aggregate
