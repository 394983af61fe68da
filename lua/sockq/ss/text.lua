-- Text written by hand: numbers and strings as bytes into memory that is large enough. Each function
-- takes the memory, where to write, and what; it returns where the next byte goes. No Lua string is
-- made for a number, and all of it is compiled into the loop over the rows.

local ffi = require("ffi")
local core = require("sockq.core")

ffi.cdef((core.embedded("src/figures.h"):gsub("\n#[^\n]*", "\n")))

local text = {}

local cast, copy, floor, max, min = ffi.cast, ffi.copy, math.floor, math.max, math.min
local tobit = bit.tobit
local word = ffi.typeof("uint32_t *")

local memory = core.figures()
local figures = cast("struct sockq_figures *", memory)

--- What the functions of figures.h hang on.
text.memory = memory
text.figures = figures

--- A number of at most 64 bits in decimal; uint64_t or a whole Lua number.
---@param bytes ffi.cdata*  uint8_t *
---@param at number
---@param n number|ffi.cdata*
---@return number
function text.decimal(bytes, at, n)
  return at + figures.decimal(bytes + at, n)
end

--- The low 32 bits of a number, signed, in decimal.
function text.signed(bytes, at, n)
  return at + figures.integer(bytes + at, tobit(n))
end

--- A number of at most 64 bits in hexadecimal.
---@param least? number  of how many digits at least; 1 if it is not given
function text.hex(bytes, at, n, least)
  return at + figures.hex(bytes + at, n, least or 1)
end

--- As printf's %#x: 0 has no prefix.
function text.prefixed_hex(bytes, at, n)
  if n ~= 0 then
    bytes[at], bytes[at + 1] = 48, 120
    at = at + 2
  end
  return at + figures.hex(bytes + at, n, 1)
end

--- A string.
function text.put(bytes, at, string)
  local length = #string
  copy(bytes + at, string, length)
  return at + length
end

--- The text of a C array, to its NUL or its end.
---@param from ffi.cdata*  const char *
---@param most number
function text.put_bounded(bytes, at, from, most)
  copy(bytes + at, from, most)
  return at + figures.length(from, most)
end

--- A string and a number in decimal behind it.
function text.field(bytes, at, lead, n)
  local length = #lead
  copy(bytes + at, lead, length)
  at = at + length
  return at + figures.decimal(bytes + at, n)
end

-- The numbers from 0 to 9999 as four bytes, twice: without leading zeros, and with them. 0 is the
-- port that ss writes as "*".
local four, four_size = ffi.new("uint32_t[20000]"), ffi.new("uint8_t[20000]")
do
  local to = cast("uint8_t *", four)
  for n = 0, 9999 do
    local plain, padded = n * 4, (n + 10000) * 4
    to[padded], to[padded + 1] = 48 + floor(n / 1000), 48 + floor(n / 100) % 10
    to[padded + 2], to[padded + 3] = 48 + floor(n / 10) % 10, 48 + n % 10
    local length = n > 999 and 4 or n > 99 and 3 or n > 9 and 2 or 1
    four_size[n], four_size[n + 10000] = length, 4
    for i = 0, length - 1 do
      to[plain + i] = to[padded + 4 - length + i]
    end
  end
  to[0] = 42
end

--- A port: a number of 16 bits, "*" for 0. Without a branch on its size.
function text.port(bytes, at, n)
  local high = floor(n / 10000)
  local has_high = min(high, 1)
  local index = n - high * 10000 + has_high * 10000
  bytes[at] = 48 + high
  at = at + has_high
  cast(word, bytes + at)[0] = four[index]
  return at + four_size[index]
end

-- printf's %-6d of 0.
local ZERO = "0     "

--- A queue: 32 bits, signed, filled up to six bytes with blanks.
function text.queue(bytes, at, n)
  copy(bytes + at, ZERO, 6)
  if n == 0 then
    return at + 6
  end
  local length = figures.integer(bytes + at, tobit(n))
  return at + max(length, 6)
end

return text
