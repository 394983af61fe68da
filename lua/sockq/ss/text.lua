-- Text written by hand: numbers and strings as bytes into memory that is large enough. Each function
-- takes the memory, where to write, and what; it returns where the next byte goes. No Lua string is
-- made for a number, and all of it is compiled into the loop over the rows.

local ffi = require("ffi")
local core = require("sockq.core")

ffi.cdef((core.embedded("src/figures.h"):gsub("\n#[^\n]*", "\n")))

local text = {}

local cast, copy, max = ffi.cast, ffi.copy, math.max
local tobit = bit.tobit

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

--- A port: a number of 16 bits, "*" for 0.
function text.port(bytes, at, n)
  return at + figures.port(bytes + at, n)
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
