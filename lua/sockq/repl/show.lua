-- What a session prints: the first rows of a query and their count, and Lua values.

local chain = require("sockq.chain")
local core = require("sockq.core")
local escape = require("sockq.escape")
local output = require("sockq.output")
local record = require("sockq.record")
local sandbox = require("sockq.sandbox")

local show = {}

-- Lines of the screen that are no rows: the one typed, titles, the count, the next prompt, one spare.
local OTHER_LINES, FEWEST_ROWS = 5, 3

local function rows_that_fit()
  local _, lines = core.terminal_size(1)
  return lines and math.max(FEWEST_ROWS, lines - OTHER_LINES) or math.huge
end

local function count_text(count, shown)
  local text = count == 0 and "no rows" or count == 1 and "1 row" or count .. " rows"
  return shown < count and ("%s; the first %d are shown, _:print() prints all"):format(text, shown) or text
end

--- Print a query's rows, for people as many as fit the screen, and their count.
---@param query sockq.Query
---@param columns string?   -c of the command line
---@return integer|nil count, string|nil message, table|nil problem
function show.rows(query, columns)
  if not output.is_for_people() then
    return output.list(query, columns, "-c", {})
  end
  local sink, wrong, problem = output.sink(query, columns, "-c", {})
  if not sink then
    return nil, wrong, problem
  end
  local most, count, put = rows_that_fit(), 0, sink.row
  query:needs(sink.columns.needs):each(function(row)
    count = count + 1
    if count <= most then
      put(row)
    end
  end)
  sink.finish()
  if output.defaults.header then
    output.write(count_text(count, math.min(count, most)) .. "\n")
  end
  return count
end

local MOST_ITEMS, MOST_DEPTH, LINE = 100, 6, 76

local function quoted(text)
  return '"' .. escape.text(text):gsub('"', '\\"') .. '"'
end

local inspect

local function key_text(key)
  if type(key) == "string" then
    return key:find("^[%a_][%w_]*$") and key or ("[%s]"):format(quoted(key))
  end
  return ("[%s]"):format(inspect(key, MOST_DEPTH, {}))
end

local function is_before(a, b)
  if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then
    return a < b
  end
  return type(a) < type(b)
end

-- The list first, in its order, then the other keys in theirs.
local function items_of(given, depth, above)
  local items, in_list = {}, #given
  for i = 1, math.min(in_list, MOST_ITEMS) do
    items[i] = inspect(given[i], depth + 1, above)
  end
  local others = {}
  for key in next, given do
    if not (type(key) == "number" and key >= 1 and key <= in_list and key % 1 == 0) then
      others[#others + 1] = key
    end
  end
  table.sort(others, is_before)
  for i = 1, math.min(#others, MOST_ITEMS - #items) do
    items[#items + 1] = ("%s = %s"):format(key_text(others[i]), inspect(rawget(given, others[i]), depth + 1, above))
  end
  local more = in_list + #others - #items
  if more > 0 then
    items[#items + 1] = ("… %d more"):format(more)
  end
  return items
end

local function inspect_table(given, depth, above)
  if above[given] or depth >= MOST_DEPTH then
    return next(given) == nil and "{}" or "{ … }"
  end
  above[given] = true
  local items = items_of(given, depth, above)
  above[given] = nil
  local length = 4
  for _, item in ipairs(items) do
    length = length + escape.width(item) + 2
    if item:find("\n", 1, true) then
      length = math.huge
    end
  end
  if #items == 0 then
    return "{}"
  elseif length + 2 * depth <= LINE then
    return ("{ %s }"):format(table.concat(items, ", "))
  end
  local indent = ("  "):rep(depth + 1)
  return ("{\n%s%s\n%s}"):format(indent, table.concat(items, ",\n" .. indent), ("  "):rep(depth))
end

local function has_text(value)
  local metatable = debug.getmetatable(value)
  return metatable ~= nil and metatable.__tostring ~= nil
end

--- A value as Lua would write it, as far as it can.
---@param value any
---@param depth integer  of the tables around it
---@param above table    those tables
---@return string
function inspect(value, depth, above)
  if type(value) == "string" then
    return quoted(value)
  elseif type(value) == "number" then
    return require("sockq.value").number(value) or tostring(value)
  elseif type(value) == "table" and not has_text(value) then
    return inspect_table(value, depth, above)
  elseif type(value) == "function" then
    local info = debug.getinfo(value, "S")
    return ("function %s:%d"):format(escape.text(info.short_src), info.linedefined)
  end
  return escape.text(tostring(value))
end

-- Userdata "sockq.row", or a record.
local function is_row(value)
  return type(value) == "userdata" and getmetatable(value) == "sockq.row" or record.is(value)
end

-- A row, a list of rows and a query are listings; nil for what is none.
local function to_query(value)
  if chain.is_query(value) then
    return value
  elseif is_row(value) then
    return chain.of_list({ value })
  elseif type(value) == "table" and getmetatable(value) == nil and is_row(value[1]) then
    for i = 2, #value do
      if not is_row(value[i]) then
        return nil
      end
    end
    return chain.of_list(value)
  end
  return nil
end

--- Print the values of a chunk.
---@param count integer
---@param values any[]
---@return sockq.Query|nil  # the query that was printed, if one was
function show.values(count, values)
  local query
  for i = 1, count do
    local value = sandbox.import(values[i])
    query = to_query(value) or query
    if to_query(value) then
      local shown, wrong = show.rows(to_query(value))
      if not shown then
        error(wrong, 0)
      end
    else
      output.write(inspect(value, 0, {}) .. "\n")
    end
  end
  return query
end

--- Words in columns as wide as the terminal.
---@param list string[]
---@param columns integer
---@return string  # without a line feed at its end
function show.in_columns(list, columns)
  local widest = 0
  for i, word in ipairs(list) do
    list[i] = escape.bytes(word)
    widest = math.max(widest, escape.width(word))
  end
  local across = math.max(1, math.floor((columns + 1) / (widest + 2)))
  local down = math.ceil(#list / across)
  local lines = {}
  for line = 1, down do
    local parts = {}
    for i = line, #list, down do
      parts[#parts + 1] = list[i] .. (" "):rep(widest - escape.width(list[i]))
    end
    lines[line] = table.concat(parts, "  "):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

return show
