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

local function new(size, special)
  local userdata = core.new_buffer(size)
  local handle = ffi.cast(pointer, userdata)
  if special then
    ffi.copy(handle.special, special, 256)
  end
  return handle, userdata
end

--- A function that tells whether a text has none of some bytes. Unlike string.find it is compiled.
---@param special ffi.cdata*  of buffer.bytes
---@return fun(text: string): boolean
function buffer.plain(special)
  local handle, anchor = new(0, special)
  local plain = handle.calls.plain
  return function(text)
    return plain(handle, text, #text) == 1 or anchor == nil
  end
end

--- Open a buffer.
---@param write fun(text: string)
---@param special? ffi.cdata*  of buffer.bytes: those for which `calls.text` takes no text
---@return table  # handle and calls, as in src/buffer.h; flush(), put(text)
function buffer.open(write, special)
  local handle, userdata = new(SIZE, special)
  local out = { handle = handle, calls = handle.calls, anchor = userdata }

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
    if handle.calls.raw(handle, text, #text) == 1 then
      return
    end
    out.flush()
    if handle.calls.raw(handle, text, #text) == 0 then
      write(text)
    end
  end

  return out
end

return buffer
