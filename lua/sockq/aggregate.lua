-- Computing aggregates. What there is and what each takes stands in expr/aggregates.lua.
--
-- A maker gives, for one run of a query, { start(slot), add(slot, row), result(slot) }. Groups are
-- numbered slots, so that a running value is an element of an array.

local sorting = require("sockq.sorting")

local ceil, floor, log, max = math.ceil, math.floor, math.log, math.max

local make = {}

-- Memory: a number a group.
function make.count(argument)
  local counts = {}
  local add
  if argument then
    function add(slot, row)
      if argument(row) then
        counts[slot] = counts[slot] + 1
      end
    end
  else
    function add(slot)
      counts[slot] = counts[slot] + 1
    end
  end
  return { start = function(slot) counts[slot] = 0 end, add = add, result = function(slot) return counts[slot] end }
end

-- Memory: two numbers a group.
local function totals(argument, result)
  local sums, counts = {}, {}
  return {
    start = function(slot)
      sums[slot], counts[slot] = 0, 0
    end,
    add = function(slot, row)
      local value = argument(row)
      if value ~= nil then
        sums[slot], counts[slot] = sums[slot] + value, counts[slot] + 1
      end
    end,
    result = function(slot)
      return counts[slot] > 0 and result(sums[slot], counts[slot]) or nil
    end,
  }
end

function make.sum(argument)
  return totals(argument, function(sum) return sum end)
end

function make.avg(argument)
  return totals(argument, function(sum, count) return sum / count end)
end

-- Memory: a value a group; false: none is known yet.
local function extreme(is_better)
  return function(argument)
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

make.min = extreme(function(a, b) return a < b end)
make.max = extreme(function(a, b) return a > b end)

-- Memory: a value a group.
function make.first(argument)
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
end

-- Memory: every different value of a group.
function make.distinct(argument)
  local seen, counts = {}, {}
  return {
    start = function(slot)
      seen[slot], counts[slot] = {}, 0
    end,
    add = function(slot, row)
      local value = argument(row)
      if value ~= nil and not seen[slot][value] then
        seen[slot][value] = true
        counts[slot] = counts[slot] + 1
      end
    end,
    result = function(slot) return counts[slot] end,
  }
end

-- The least value that is not exceeded by a share of all: nearest rank, so one that occurs (Hyndman and
-- Fan 1996, definition 1). Memory: a number a row.
function make.percentile(argument, item)
  local lists = {}
  local share = item.percentile / 100
  return {
    start = function(slot) lists[slot] = {} end,
    add = function(slot, row)
      local value = argument(row)
      if value ~= nil then
        local list = lists[slot]
        list[#list + 1] = value
      end
    end,
    result = function(slot)
      local values = lists[slot]
      local count = #values
      if count == 0 then
        return nil
      end
      return values[sorting.order({ values }, { false }, count)[max(1, ceil(share * count - 1e-9))]]
    end,
  }
end

-- The lower end of a value's bucket: a multiple of the width, else 0 or a power of two.
local function bucket_of(value, width)
  if width then
    return floor(value / width) * width
  elseif value < 0 then
    return -2 * bucket_of(-value)
  elseif value < 1 then
    return 0
  end
  local lower = 2 ^ floor(log(value) / log(2))
  -- The logarithm may be off by its last digit.
  if lower > value then
    return lower / 2
  end
  return lower * 2 <= value and lower * 2 or lower
end

local function bucket_end(lower, width)
  if width then
    return lower + width
  elseif lower < 0 then
    return lower / 2
  end
  return lower == 0 and 1 or lower * 2
end

-- Empty buckets between two others belong to the picture, as long as they are few.
local MOST_BUCKETS = 1000

-- Memory: a number a bucket of a group.
function make.histogram(argument, item)
  local buckets, width = {}, item.width
  return {
    start = function(slot) buckets[slot] = {} end,
    add = function(slot, row)
      local value = argument(row)
      if value ~= nil then
        local lower, counts = bucket_of(value, width), buckets[slot]
        counts[lower] = (counts[lower] or 0) + 1
      end
    end,
    result = function(slot)
      local lowers = {}
      for lower in pairs(buckets[slot]) do
        lowers[#lowers + 1] = lower
      end
      table.sort(lowers)
      local list, at = {}, nil
      for _, lower in ipairs(lowers) do
        while at and at < lower and #list < MOST_BUCKETS do
          local to = bucket_end(at, width)
          list[#list + 1] = { from = at, to = to, count = 0 }
          at = to
        end
        at = bucket_end(lower, width)
        list[#list + 1] = { from = lower, to = at, count = buckets[slot][lower] }
      end
      return list
    end,
  }
end

return make
