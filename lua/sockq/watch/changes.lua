-- What changed between two looks, cell by cell. A timer that merely runs is no change.

local changes = {}

local CLOCKS = { expires = true, when = true, timer_text = true }

--- True if a column's value runs by itself between two looks.
---@param column table  of columns.lua
---@return boolean
function changes.is_clock(column)
  if CLOCKS[column.name] then
    return true
  end
  for _, name in ipairs(column.fields) do
    if CLOCKS[name] then
      return true
    end
  end
  return false
end

-- Of what runs: without its digits, "keepalive in 3.6 s" stays the same.
local function standing(value, row)
  if type(value) ~= "string" then
    return value ~= nil
  end
  local counts = type(row) == "userdata" and ("%s/%s"):format(row.retrans or 0, row.probes or 0) or ""
  return value:gsub("%d+[%d.]*", "") .. counts
end

local function same_list(a, b)
  if #a ~= #b then
    return false
  end
  for i, item in ipairs(a) do
    local other = b[i]
    if type(item) == "table" and type(other) == "table" then
      for key, value in pairs(item) do
        if other[key] ~= value then
          return false
        end
      end
    elseif item ~= other then
      return false
    end
  end
  return true
end

--- Whether a cell is another than it was.
---@param column table
---@param was sockq.Row
---@param is sockq.Row
---@return boolean changed, any before, any now
function changes.cell(column, was, is)
  -- The line of a table is where the kernel happened to list the socket.
  if column.name == "line" then
    return false
  end
  local before, now = column.get(was), column.get(is)
  if changes.is_clock(column) then
    return standing(before, was) ~= standing(now, is), before, now
  elseif type(before) == "table" and type(now) == "table" then
    return not same_list(before, now), before, now
  end
  return before ~= now, before, now
end

--- Whether a column of a row counts something: a value of a group, a number of a report.
---@param column table
---@param row sockq.Row
---@return boolean
function changes.is_counter(column, row)
  return (column.type == "integer" or column.type == "number") and type(row) == "table"
    and column.role ~= "key" and not column.identifies
end

return changes
