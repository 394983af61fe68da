-- Text from other people's processes on the way to a terminal: no control byte may pass.

local ffi = require("ffi")

local cast = ffi.cast
local byte_pointer, word_pointer = ffi.typeof("const uint8_t *"), ffi.typeof("const int32_t *")
local band, bnot, bor, bxor = bit.band, bit.bnot, bit.bor, bit.bxor

local escape = {}

-- True if every byte is printable ASCII but the backslash, as in nearly all text. A loop that LuaJIT
-- compiles, four bytes at a time; it does not compile searches for patterns.
local function is_plain(text)
  local length, words, found = #text, cast(word_pointer, text), 0
  for i = 0, length / 4 - 1 do
    local word = words[i]
    local backslash, delete = bxor(word, 0x5c5c5c5c), bxor(word, 0x7f7f7f7f)
    -- The highest bit of a byte that is below what is taken from it, or high itself.
    found = bor(found, word, band(word - 0x20202020, bnot(word)), band(backslash - 0x01010101, bnot(backslash)),
      band(delete - 0x01010101, bnot(delete)))
  end
  local bytes = cast(byte_pointer, text)
  for i = length - length % 4, length - 1 do
    local byte = bytes[i]
    if byte < 0x20 or byte > 0x7e or byte == 0x5c then
      return false
    end
  end
  return band(found, 0x80808080) == 0
end

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

local function walk_high(text, replace)
  local parts, i, length = {}, 1, #text
  while i <= length do
    local byte = text:byte(i)
    local size = byte < 0x80 and 1 or utf8_length(text, i)
    if not size then
      parts[#parts + 1] = replace(text:sub(i, i), true)
      size = 1
    elseif byte == 0xc2 and text:byte(i + 1) < 0xa0 then
      parts[#parts + 1] = replace(text:sub(i, i), false) .. replace(text:sub(i + 1, i + 1), false)
    else
      parts[#parts + 1] = text:sub(i, i + size - 1)
    end
    i = i + size
  end
  return table.concat(parts)
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
    text = walk_high(text, hex)
  end
  return text, escape.width(text)
end

--- How many columns of a terminal escaped text takes: characters, not bytes, one column each.
---@param text string
---@return integer
function escape.width(text)
  local bytes, width = cast(byte_pointer, text), #text
  for i = 0, width - 1 do
    -- Bytes that continue a character.
    if bytes[i] >= 0x80 and bytes[i] < 0xc0 then
      width = width - 1
    end
  end
  return width
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
    text = walk_high(text, function(byte, invalid)
      return invalid and byte >= "\160" and byte or "."
    end)
  end
  return text
end

return escape
