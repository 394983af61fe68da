-- The lua format: a Lua table that dofile gives back. LuaJIT takes at most 65536 constants a
-- function, so that many rows stand in functions of some hundred each.

local buffer = require("sockq.buffer")
local cells = require("sockq.cells")
local hint = require("sockq.hint")
local value = require("sockq.value")

local ROWS_BEFORE_PARTS, ROWS_A_PART = 1000, 500

local HEAD = [[
local rows = {}
local function add(part)
  for _, row in ipairs(part()) do
    rows[#rows + 1] = row
  end
end
]]
local NEXT_PART = "} end)\nadd(function() return {\n"

local SHORT = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\", ['"'] = '\\"' }

local function escape(text)
  return (text:gsub('[%c"\\\127-\255]', function(byte)
    return SHORT[byte] or ("\\%03d"):format(byte:byte())
  end))
end

local WORDS = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return "
  .. "then true until while"):gmatch("%a+") do
  WORDS[word] = true
end

local function key_code(name)
  if name:find("^[%a_][%w_]*$") and not WORDS[name] then
    return name .. " = "
  end
  return '["' .. escape(name) .. '"] = '
end

local function number_code(number)
  return value.number(number) or (number ~= number and "0/0") or (number > 0 and "1/0" or "-1/0")
end

-- A value of any kind; what has no constructor is its text.
local function code(given)
  local kind = type(given)
  if kind == "number" then
    return number_code(given)
  elseif kind == "boolean" then
    return tostring(given)
  elseif kind ~= "table" then
    return '"' .. escape(value.text(given)) .. '"'
  end
  local parts = {}
  for i, item in ipairs(given) do
    parts[i] = code(item)
  end
  for _, key in ipairs(hint.keys(given)) do
    if type(key) == "string" then
      parts[#parts + 1] = key_code(key) .. code(given[key])
    end
  end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local function open(columns, _, write)
  local form = {
    special = buffer.bytes('[%c"\\\128-\255]'),
    escape = escape,
    close = '"',
    number = number_code,
    other = code,
    lead = function(_, column)
      local key = " " .. key_code(cells.name(column))
      return { text = key .. '"', number = key, unknown = "" }
    end,
    first = "{",
    between = "{",
    -- Behind each field: the first and the last may be unknown and left out.
    behind = ",",
    last = " },\n",
  }
  -- The first rows are kept: if no more come, they are one plain constructor.
  local first, count = {}, 0
  local out = buffer.open(function(text)
    if first then
      first[#first + 1] = text
    else
      write(text)
    end
  end, form.special)
  local put_row = cells.writer(columns, form, out)

  local function write_first(head)
    out.flush()
    local text = head .. table.concat(first)
    first = nil
    out.put(text)
  end

  return {
    row = function(row)
      if count == ROWS_BEFORE_PARTS then
        write_first(HEAD .. "add(function() return {\n")
      end
      if count >= ROWS_BEFORE_PARTS and count % ROWS_A_PART == 0 then
        out.put(NEXT_PART)
      end
      count = count + 1
      put_row(row)
    end,
    finish = function()
      local parts = first == nil
      if not parts then
        write_first("return {\n")
      end
      out.put(parts and "} end)\nreturn rows\n" or "}\n")
      out.flush()
    end,
  }
end

return {
  doc = "a Lua table that dofile gives back; unknown is left out",
  layout = "fields",
  open = open,
}
