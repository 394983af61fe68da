-- Text from other people's processes on the way out: nothing may pass that commands a terminal, forges
-- a line or hides. What that is says src/character.h.

local buffer = require("sockq.buffer")

local character = buffer.character

local escape = {}

-- Everything but printable ASCII, and the backslash.
local is_plain = buffer.plain(buffer.bytes("[%c\\\128-\255]"))

local is_ascii = buffer.plain(buffer.bytes("[\128-\255]"))

local SHORT = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\" }

local function hex(byte)
  return SHORT[byte] or ("\\x%02x"):format(byte:byte())
end

-- Replace what is no UTF-8, a byte at a time, and characters beyond ASCII that may not be shown.
local function walk_high(text, invalid, hidden)
  local parts, i, length = {}, 1, #text
  while i <= length do
    local size = text:byte(i) < 0x80 and 1 or character(text, i)
    if size == 0 then
      parts[#parts + 1] = invalid(text:sub(i, i))
      i = i + 1
    elseif size < 0 then
      parts[#parts + 1] = hidden(text:sub(i, i - size - 1))
      i = i - size
    else
      parts[#parts + 1] = text:sub(i, i + size - 1)
      i = i + size
    end
  end
  return table.concat(parts)
end

local function hex_each(bytes)
  return (bytes:gsub(".", hex))
end

--- Escape what may not be shown, controls, overrides of direction and what has no width among it, and
--- bytes that are no UTF-8 as \xNN, a line feed as \n, a tab as \t, a carriage return as \r, a backslash
--- as \\.
---@param text string
---@return string, integer  # and how many columns of a terminal it takes
function escape.text(text)
  if is_plain(text) then
    return text, #text
  end
  if text:find("[%c\\]") then
    text = text:gsub("[%c\\]", hex)
  end
  if text:find("[\128-\255]") then
    text = walk_high(text, hex, hex_each)
  end
  return text, escape.width(text)
end

--- How many columns of a terminal escaped text takes.
---@param text string
---@return integer
function escape.width(text)
  return is_ascii(text) and #text or require("sockq.width").of(text)
end

local function dot(bytes)
  return ("."):rep(#bytes)
end

--- What may not be shown and bytes that are no UTF-8 as dots, one a byte, as net-tools does with control
--- bytes since the release after 2.10.
---@param text string
---@return string
function escape.dots(text)
  if is_plain(text) then
    return text
  end
  text = text:gsub("%c", ".")
  if text:find("[\128-\255]") then
    text = walk_high(text, dot, dot)
  end
  return text
end

local function long_hex(byte)
  return ("\\x%02x"):format(byte:byte())
end

--- What may not be shown and bytes that are no UTF-8 as \xNN, everything else as it is, a backslash too:
--- for formats that machines read.
---@param text string
---@return string
function escape.bytes(text)
  text = text:gsub("%c", long_hex)
  if text:find("[\128-\255]") then
    text = walk_high(text, long_hex, function(bytes)
      return (bytes:gsub(".", long_hex))
    end)
  end
  return text
end

local function octal(byte)
  return ("\\%03o"):format(byte:byte())
end

local function octal_each(bytes)
  return (bytes:gsub(".", octal))
end

--- What may not be shown and bytes that are no UTF-8 as \OOO, everything else as it is, as ss does with
--- names of programs since iproute2 7.0.
---@param text string
---@return string
function escape.octal(text)
  if is_plain(text) then
    return text
  end
  text = text:gsub("%c", octal)
  if text:find("[\128-\255]") then
    text = walk_high(text, octal, octal_each)
  end
  return text
end

--- Text of several lines: each as escape.bytes() has it; tabs stay.
---@param text string
---@return string
function escape.lines(text)
  return is_plain(text) and text or (text:gsub("[^\n\t]+", escape.bytes))
end

local JSON = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\", ['"'] = '\\"' }

local function json_control(byte)
  return JSON[byte] or ("\\u%04x"):format(byte:byte())
end

-- \uNNNN, a pair of surrogates above U+FFFF.
local function json_hidden(bytes)
  local first = bytes:byte()
  local code = first - (#bytes == 2 and 0xc0 or #bytes == 3 and 0xe0 or 0xf0)
  for i = 2, #bytes do
    code = code * 64 + bytes:byte(i) - 0x80
  end
  if code < 0x10000 then
    return ("\\u%04x"):format(code)
  end
  code = code - 0x10000
  return ("\\u%04x\\u%04x"):format(0xd800 + math.floor(code / 1024), 0xdc00 + code % 1024)
end

--- The inside of a JSON string. What may not be shown is escaped as JSON does it; a byte that is no UTF-8,
--- which JSON cannot hold, is the text \xNN.
---@param text string
---@return string
function escape.json(text)
  text = text:gsub('[%c"\\]', json_control)
  if text:find("[\128-\255]") then
    text = walk_high(text, function(byte)
      return "\\" .. long_hex(byte)
    end, json_hidden)
  end
  return text
end

return escape
