-- Text on its way out: a buffer in C memory (src/buffer.h) that formats fill and that is written
-- whenever it is full.

local ffi = require("ffi")
local core = require("sockq.core")

ffi.cdef((core.embedded("src/buffer.h"):gsub("\n#[^\n]*", "\n")))

local pointer = ffi.typeof("struct sockq_buffer *")
-- As much as a pipe takes at once.
local SIZE = 65536

local buffer = {}

--- A set of bytes, for `special`: those for which a pattern matches.
---@param pattern string  of one byte
---@return ffi.cdata*  uint8_t[256]
function buffer.bytes(pattern)
  local set = ffi.new("uint8_t[256]")
  for byte = 0, 255 do
    set[byte] = string.char(byte):find(pattern) and 1 or 0
  end
  return set
end

local empty = core.new_buffer(0)
local calls = ffi.cast(pointer, empty).calls

--- A function that tells whether a text has none of some bytes. Unlike string.find it is compiled.
---@param special ffi.cdata*  of buffer.bytes
---@return fun(text: string): boolean
function buffer.plain(special)
  return function(text)
    return calls.plain(special, text, #text) == 1
  end
end

local bytes_of = ffi.typeof("const char *")

--- Whether a character may be shown (src/character.h).
---@param text string
---@param i integer  where it begins
---@return integer  # its bytes, less than 0 if not, 0 for a byte that is no UTF-8
function buffer.character(text, i)
  return calls.character(ffi.cast(bytes_of, text) + (i - 1), #text - i + 1)
end

--- Open a buffer.
---@param write fun(text: string)
---@param special? ffi.cdata*  of buffer.bytes: those for which `calls.text` takes no text
---@return table  # handle and calls, as in src/buffer.h; flush(), put(text)
function buffer.open(write, special)
  local userdata = core.new_buffer(SIZE)
  local handle = ffi.cast(pointer, userdata)
  if special then
    ffi.copy(handle.special, special, 256)
  end
  -- The userdata is the memory that the handle points to.
  local out = { handle = handle, calls = calls, memory = userdata }

  --- Write what is there.
  function out.flush()
    if handle.used > 0 then
      local text = ffi.string(handle.bytes, handle.used)
      handle.used = 0
      write(text)
    end
  end

  --- Put a text of any length.
  function out.put(text)
    if calls.raw(handle, text, #text) == 1 then
      return
    end
    out.flush()
    if calls.raw(handle, text, #text) == 0 then
      write(text)
    end
  end

  return out
end

return buffer
