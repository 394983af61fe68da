-- Joining rows with rows: a hash of the right side, probed by each row of the left.

local record = require("sockq.record")

local join = {}

local UNKNOWN = {}

--- The schema of joined rows: the left side's fields, then the right side's; one whose name is taken
--- gets the prefix.
---@param left table   schema
---@param right table  schema
---@param prefix string
---@return table|nil schema, string|nil message
function join.schema(left, right, prefix)
  local entries, taken = {}, {}
  local function add(side, entry, name)
    taken[name] = true
    local copy = {}
    for key, value in pairs(entry) do
      copy[key] = value
    end
    copy.name, copy.side, copy.of, copy.alias, copy.get = name, side, entry.name, nil, nil
    entries[#entries + 1] = copy
  end
  for _, entry in ipairs(left.list) do
    add(1, entry, entry.name)
  end
  for _, entry in ipairs(right.list) do
    add(2, entry, taken[entry.name] and prefix .. entry.name or entry.name)
  end
  local schema, wrong = record.pair_schema(entries)
  if schema then
    schema.joined = { left = left, right = right, prefix = prefix }
  end
  return schema, wrong
end

-- The right side by its keys: nested tables, a list of rows at the end.
local function index(rows, fields)
  local root = {}
  for _, row in ipairs(rows) do
    local level, whole = root, true
    for i, field in ipairs(fields) do
      local value = row[field]
      -- Unknown equals nothing.
      if value == nil then
        whole = false
        break
      end
      local below = level[value]
      if not below then
        below = {}
        level[value] = below
      end
      level = below
      if i == #fields then
        level[#level + 1] = row
      end
    end
    if whole and #fields == 0 then
      root[#root + 1] = row
    end
  end
  return root
end

local NONE = {}

-- The rows of the index that a left row meets.
local function find(root, keys, row)
  local level = root
  for i = 1, #keys do
    local value = keys[i].value(row)
    level = level[value == nil and UNKNOWN or value]
    if not level then
      return NONE
    end
  end
  return level
end

--- The stage of join.
---@param stage { rows: fun(): table[], keys: table[], fields: string[], how: string, schema: table }
---@param sink table  { row, finish }
--- Memory: all rows of the right side.
function join.stage(stage, sink)
  local root
  local keys, how, schema = stage.keys, stage.how, stage.schema
  return {
    -- Called before the left side is read: a collector serves one reading at a time.
    start = function()
      root = index(stage.rows(), stage.fields)
    end,
    row = function(row)
      local matches = find(root, keys, row)
      if how == "anti" or how == "semi" then
        if (#matches > 0) == (how == "semi") then
          return sink.row(row)
        end
        return false
      elseif #matches == 0 then
        if how == "left" then
          return sink.row(record.new(schema, { row:keep() }))
        end
        return false
      end
      local left = row:keep()
      for i = 1, #matches do
        if sink.row(record.new(schema, { left, matches[i] })) then
          return true
        end
      end
    end,
    finish = sink.finish,
  }
end

return join
