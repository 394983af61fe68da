-- What changed between two looks, cell by cell. A timer that merely runs is no change.

local changes = {}

local CLOCKS = { expires = true, when = true, timer_text = true }

-- What one and the same socket cannot change; and `line`, which is where the kernel happened to list it.
local FIXED = { proto = true, family = true, table = true, local_addr = true, local_port = true,
  remote_addr = true, remote_port = true, scope = true, remote_scope = true, netns_inode = true, host = true, line = true }

-- True if a column reads only fields of a set, and one at least, or any of them for `any`.
local function reads(column, set, any)
  local all = #column.fields > 0
  for _, name in ipairs(column.fields) do
    if set[name] and any then
      return true
    end
    all = all and set[name]
  end
  return all and not any
end

--- How to compare each of some columns: "fixed", "clock" for what runs by itself, or "plain".
---@param columns table[]  of columns.lua
---@param of_sockets boolean  their rows are sockets
---@return string[]
function changes.kinds(columns, of_sockets)
  local kinds = {}
  for i, column in ipairs(columns) do
    kinds[i] = (CLOCKS[column.name] or reads(column, CLOCKS, true)) and "clock"
      or of_sockets and reads(column, FIXED) and "fixed" or "plain"
  end
  return kinds
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
---@param kind string  of changes.kinds
---@param was sockq.Row
---@param is sockq.Row
---@return boolean changed, any before, any now
function changes.cell(column, kind, was, is)
  if kind == "fixed" then
    return false
  end
  local before, now = column.get(was), column.get(is)
  if kind == "clock" then
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
