-- Text from other people's processes on the way to a terminal: no control byte may pass.

local buffer = require("sockq.buffer")

local escape = {}

-- Everything but printable ASCII, and the backslash.
local is_plain = buffer.plain(buffer.bytes("[%c\\\128-\255]"))

local is_ascii = buffer.plain(buffer.bytes("[\128-\255]"))

local SHORT = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\" }

local function hex(byte)
  return SHORT[byte] or ("\\x%02x"):format(byte:byte())
end

-- The length of the valid UTF-8 sequence at `i`, or nil (RFC 3629: no surrogates, no overlongs).
local function utf8_length(text, i)
  local a, b, c, d = text:byte(i, i + 3)
  local function continues(byte, low, high)
    return byte and byte >= (low or 0x80) and byte <= (high or 0xbf)
  end
  if a >= 0xc2 and a <= 0xdf then
    return continues(b) and 2
  elseif a >= 0xe0 and a <= 0xef then
    local low, high = a == 0xe0 and 0xa0 or 0x80, a == 0xed and 0x9f or 0xbf
    return continues(b, low, high) and continues(c) and 3
  elseif a >= 0xf0 and a <= 0xf4 then
    local low, high = a == 0xf0 and 0x90 or 0x80, a == 0xf4 and 0x8f or 0xbf
    return continues(b, low, high) and continues(c) and continues(d) and 4
  end
  return nil
end

-- Replace what is no UTF-8, a byte at a time, and C1 controls, two bytes each.
local function walk_high(text, invalid, control)
  local parts, i, length = {}, 1, #text
  while i <= length do
    local byte = text:byte(i)
    local size = byte < 0x80 and 1 or utf8_length(text, i)
    if not size then
      size = 1
      parts[#parts + 1] = invalid(text:sub(i, i))
    elseif byte == 0xc2 and text:byte(i + 1) < 0xa0 then
      parts[#parts + 1] = control(text:sub(i, i + 1))
    else
      parts[#parts + 1] = text:sub(i, i + size - 1)
    end
    i = i + size
  end
  return table.concat(parts)
end

local function hex_each(bytes)
  return (bytes:gsub(".", hex))
end

--- Escape what a terminal could obey: C0, DEL, C1 and bytes that are no UTF-8 as \xNN, a line
--- feed as \n, a backslash as \\.
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

--- Control bytes as dots, as net-tools does since the release after 2.10. Bytes that are no UTF-8
--- stay, but for those that an 8-bit terminal takes for C1 controls.
---@param text string
---@return string
function escape.dots(text)
  if is_plain(text) then
    return text
  end
  if text:find("%c") then
    text = text:gsub("%c", ".")
  end
  if text:find("[\128-\159]") then
    text = walk_high(text, function(byte)
      return byte >= "\160" and byte or "."
    end, function()
      return ".."
    end)
  end
  return text
end

local function long_hex(byte)
  return ("\\x%02x"):format(byte:byte())
end

--- Control bytes and bytes that are no UTF-8 as \xNN, everything else as it is, a backslash too: for
--- formats that machines read.
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

local JSON = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\", ['"'] = '\\"' }

local function json_control(byte)
  return JSON[byte] or ("\\u%04x"):format(byte:byte())
end

--- The inside of a JSON string. Controls, DEL and C1 among them, are escaped as JSON does it; a byte
--- that is no UTF-8, which JSON cannot hold, is the text \xNN.
---@param text string
---@return string
function escape.json(text)
  text = text:gsub('[%c"\\]', json_control)
  if text:find("[\128-\255]") then
    text = walk_high(text, function(byte)
      return "\\" .. long_hex(byte)
    end, function(bytes)
      return ("\\u%04x"):format(bytes:byte(2))
    end)
  end
  return text
end

return escape
