-- Text written by hand: numbers and strings as bytes into memory that is large enough. Each function
-- takes the memory, where to write, and what; it returns where the next byte goes. No Lua string is
-- made for a number, and all of it is compiled into the loop over the rows.

local ffi = require("ffi")

local text = {}

local cast, copy, floor = ffi.cast, ffi.copy, math.floor
local tobit, band, rshift = bit.tobit, bit.band, bit.rshift
local word, long = ffi.typeof("uint32_t *"), ffi.typeof("uint64_t *")

-- The numbers from 0 to 9999 as four bytes: without leading zeros and how long they are, and with them.
local plain, size = ffi.new("uint32_t[10000]"), ffi.new("uint8_t[10000]")
local padded = ffi.new("uint32_t[10000]")
do
  local to_plain, to_padded = cast("uint8_t *", plain), cast("uint8_t *", padded)
  for n = 0, 9999 do
    local at = n * 4
    local a, b, c, d = floor(n / 1000), floor(n / 100) % 10, floor(n / 10) % 10, n % 10
    to_padded[at], to_padded[at + 1], to_padded[at + 2], to_padded[at + 3] = 48 + a, 48 + b, 48 + c, 48 + d
    local length = n > 999 and 4 or n > 99 and 3 or n > 9 and 2 or 1
    size[n] = length
    for i = 0, length - 1 do
      to_plain[at + i] = to_padded[at + 4 - length + i]
    end
  end
end

--- A whole number from 0 to 2^53 in decimal.
---@param bytes ffi.cdata*  uint8_t *
---@param at number
---@param n number
---@return number
function text.decimal(bytes, at, n)
  if n < 10000 then
    cast(word, bytes + at)[0] = plain[n]
    return at + size[n]
  end
  if n >= 1e8 then
    local high = floor(n / 1e8)
    n = n - high * 1e8
    if high >= 10000 then
      local higher = floor(high / 10000)
      cast(word, bytes + at)[0] = plain[higher]
      at = at + size[higher]
      cast(word, bytes + at)[0] = padded[high - higher * 10000]
      at = at + 4
    else
      cast(word, bytes + at)[0] = plain[high]
      at = at + size[high]
    end
    local upper = floor(n / 10000)
    cast(word, bytes + at)[0] = padded[upper]
    cast(word, bytes + at + 4)[0] = padded[n - upper * 10000]
    return at + 8
  end
  local high = floor(n / 10000)
  cast(word, bytes + at)[0] = plain[high]
  at = at + size[high]
  cast(word, bytes + at)[0] = padded[n - high * 10000]
  return at + 4
end
local decimal = text.decimal

--- The low 32 bits of a number, signed, in decimal.
function text.signed(bytes, at, n)
  n = tobit(n)
  if n < 0 then
    bytes[at] = 45
    return (decimal(bytes, at + 1, -n))
  end
  return (decimal(bytes, at, n))
end

--- A uint64_t in decimal.
function text.unsigned64(bytes, at, n)
  local number = tonumber(n)
  if number < 2 ^ 53 then
    return (decimal(bytes, at, number))
  end
  local digits = tostring(cast("uint64_t", n)):gsub("ULL$", "")
  copy(bytes + at, digits, #digits)
  return at + #digits
end

-- printf's %-6d of 0.
local ZERO = "0     "

--- A queue: signed, filled up to six bytes with blanks.
function text.queue(bytes, at, n)
  if n == 0 then
    copy(bytes + at, ZERO, 6)
    return at + 6
  end
  copy(bytes + at, "            ", 12)
  local behind = text.signed(bytes, at, n)
  -- The number was written by fours: what is behind it is filled up again.
  if behind < at + 6 then
    copy(bytes + behind, "      ", 6)
    return at + 6
  end
  return behind
end

-- Two hexadecimal digits of each byte.
local hex_pair = ffi.new("uint16_t[256]")
do
  local to = cast("uint8_t *", hex_pair)
  for n = 0, 255 do
    local digits = ("%02x"):format(n)
    to[n * 2], to[n * 2 + 1] = digits:byte(1, 2)
  end
end
local short = ffi.typeof("uint16_t *")
local scratch = ffi.new("uint8_t[16]")

local function eight_digits(to, n)
  local pairs_of = cast(short, to)
  pairs_of[0] = hex_pair[band(rshift(n, 24), 255)]
  pairs_of[1] = hex_pair[band(rshift(n, 16), 255)]
  pairs_of[2] = hex_pair[band(rshift(n, 8), 255)]
  pairs_of[3] = hex_pair[band(n, 255)]
end

-- How many hexadecimal digits a number below 2^32 has.
local function digits_of(n)
  if n < 0x10000 then
    return n < 0x100 and (n < 0x10 and 1 or 2) or (n < 0x1000 and 3 or 4)
  end
  return n < 0x1000000 and (n < 0x100000 and 5 or 6) or (n < 0x10000000 and 7 or 8)
end

--- A number below 2^32 in hexadecimal, of at least so many digits (at most eight).
---@param least? number  1 if it is not given
function text.hex(bytes, at, n, least)
  eight_digits(scratch, tobit(n))
  local length = digits_of(n)
  if least and length < least then
    length = least
  end
  cast(long, bytes + at)[0] = cast(long, scratch + 8 - length)[0]
  return at + length
end

--- A uint64_t in hexadecimal.
function text.hex64(bytes, at, n)
  local high = tonumber(n / 0x100000000ULL)
  local low = tonumber(n % 0x100000000ULL)
  if high > 0 then
    at = text.hex(bytes, at, high)
    return (text.hex(bytes, at, low, 8))
  end
  return (text.hex(bytes, at, low))
end

--- A string.
function text.put(bytes, at, string)
  local length = #string
  copy(bytes + at, string, length)
  return at + length
end

--- A string, one byte of "0": %#x writes 0 without its prefix.
function text.prefixed_hex(bytes, at, n)
  if n ~= 0 then
    bytes[at], bytes[at + 1] = 48, 120
    at = at + 2
  end
  return (text.hex(bytes, at, n))
end

--- Three digits of a number below 1000.
function text.three(bytes, at, n)
  cast(word, bytes + at)[0] = padded[n]
  bytes[at] = bytes[at + 1]
  bytes[at + 1] = bytes[at + 2]
  bytes[at + 2] = bytes[at + 3]
  return at + 3
end

return text
