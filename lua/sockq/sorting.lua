-- Sorting: a stable merge sort over an index, of straight Lua that LuaJIT compiles (table.sort is
-- not), and the sort verb's stage. Unknown values come last, whatever the direction.

local min = math.min
local load = load

local sorting = {}

-- What stands in the key columns for unknown: no hole in an array.
local UNKNOWN = false

local MERGE = [[
local %s = ...
return function(from, to, low, middle, high)
  local i, j = low, middle
  for k = low, high - 1 do
    local take_left = i < middle
    if take_left and j < high then
      local a, b = from[i], from[j]
      %s
    end
    if take_left then
      to[k] = from[i]
      i = i + 1
    else
      to[k] = from[j]
      j = j + 1
    end
  end
end
]]

-- Whether the left one stays in front, key by key; UNKNOWN is false, so a value is true here.
local COMPARE = [[
      do
        local x, y = %s[a], %s[b]
        if x ~= y then
          if not x or not y then
            take_left = x and true or false
          else
            take_left = x %s y
          end
          goto decided
        end
      end
]]

local mergers = {}

-- The merge for these directions: a function of the key columns.
local function merger(keys, descending)
  local form = ""
  for i = 1, #keys do
    form = form .. (descending[i] and ">" or "<")
  end
  if mergers[form] then
    return mergers[form](unpack(keys))
  end
  local names, parts = {}, {}
  for i = 1, #keys do
    names[i] = "key" .. i
    parts[i] = COMPARE:format(names[i], names[i], descending[i] and ">" or "<")
  end
  parts[#parts + 1] = "      ::decided::"
  local source = MERGE:format(table.concat(names, ", "), table.concat(parts))
  mergers[form] = assert(load(source, "=sort", "t"))
  return mergers[form](unpack(keys))
end

--- The order of rows by some key columns.
---@param keys any[][]         a column of values (numbers or strings; false for unknown) a key
---@param descending boolean[] the direction a key
---@param count integer        rows
---@return integer[]           # row numbers in order; equal ones keep theirs
--- Cost: count × log2(count) comparisons, two arrays of count numbers.
function sorting.order(keys, descending, count)
  local from, to = {}, {}
  for i = 1, count do
    from[i], to[i] = i, i
  end
  local merge = merger(keys, descending)
  local width = 1
  while width < count do
    for low = 1, count, 2 * width do
      merge(from, to, low, min(low + width, count + 1), min(low + 2 * width, count + 1))
    end
    from, to = to, from
    width = 2 * width
  end
  return from
end

-- A key as it stands in a column: comparable with the others of its column, false for unknown.
local function key_of(value, kind, name)
  local type_of = type(value)
  if type_of == "boolean" then
    value, type_of = value and 1 or 0, "number"
  elseif type_of ~= "number" and type_of ~= "string" then
    error(("sort: %s is a %s, which has no order; sort by numbers or text"):format(name, type_of), 0)
  elseif value ~= value then
    return UNKNOWN, kind
  end
  if kind and kind ~= type_of then
    error(("sort: %s is a %s in one row and a %s in another; make it one type"):format(name, kind, type_of), 0)
  end
  return value, type_of
end

-- Rows beyond the limit that are gathered before the worst are dropped.
local SLACK = 4096

--- The stage of sort, with a limit if one follows it.
---@param items table[]    keys: { name, value(row), descending }
---@param limit integer?   only the first so many are wanted
---@param sink table       { row, finish }
---@param input table      { save(row) → token, load(token) → row }
---@return table           # { row, finish }
--- Memory: a number and its keys a row; with a limit, for that many and some thousand at most.
function sorting.stage(items, limit, sink, input)
  local count, most = 0, limit and limit + SLACK or math.huge
  local keys, kinds, descending, tokens = {}, {}, {}, {}
  for i, item in ipairs(items) do
    keys[i], descending[i] = {}, item.descending or false
  end
  local first, first_descends, alone = items[1].value, descending[1], #items == 1
  -- The first key of the last row that is still wanted, once there are enough of them.
  local worst

  -- Keep the best `limit` rows.
  local function cut()
    local order = sorting.order(keys, descending, count)
    count = min(count, limit)
    for i, column in ipairs(keys) do
      local kept = {}
      for place = 1, count do
        kept[place] = column[order[place]]
      end
      keys[i] = kept
    end
    local kept = {}
    for place = 1, count do
      kept[place] = tokens[order[place]]
    end
    tokens = kept
    worst = keys[1][count] or nil
  end

  -- Whether a row whose first key is known to be comparable cannot be among the best.
  local function is_beyond(value)
    if value == worst then
      -- Equal rows keep their order, so this one comes behind.
      return alone
    end
    return (value > worst) ~= first_descends
  end

  return {
    row = function(row)
      local value = first(row)
      if worst ~= nil and (value == nil or (type(value) == kinds[1] and is_beyond(value))) then
        return
      end
      count = count + 1
      for i = 1, #items do
        if i > 1 then
          value = items[i].value(row)
        end
        if value == nil then
          value = UNKNOWN
        elseif type(value) ~= kinds[i] or value ~= value then
          value, kinds[i] = key_of(value, kinds[i], items[i].name)
        end
        keys[i][count] = value
      end
      tokens[count] = input.save(row)
      if count >= most then
        cut()
      end
    end,
    finish = function()
      local order = sorting.order(keys, descending, count)
      for place = 1, min(count, limit or count) do
        if sink.row(input.load(tokens[order[place]])) then
          break
        end
      end
      sink.finish()
    end,
  }
end

return sorting
