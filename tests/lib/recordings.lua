--- Recordings whose snapshots are of times that a test chooses.

local ffi = require "ffi"
local posix = require "posix"

local recordings = {}

-- struct sockq_frame and the place of realtime_ns in what follows it (src/recording.h, src/row.h).
local FRAME, HEADER_SIZE, SIZE, HEAD_SUM, BODY_SUM, REALTIME = 56, 20, 24, 32, 40, 56 + 32

local function word_at(bytes, offset) return ffi.cast("uint64_t *", bytes + offset) end

-- As src/recording.c sums, written a second time.
local function sum(bytes, size)
  local words, result = ffi.cast("uint64_t *", bytes), 1ULL
  local function add(word)
    result = bit.bxor(result, word) * 0x9e3779b97f4a7c15ULL
    result = bit.bxor(result, bit.rshift(result, 32))
  end
  for i = 0, math.floor(size / 8) - 1 do add(words[i]) end
  if size % 8 > 0 then
    local last = ffi.new("uint64_t[1]")
    ffi.copy(last, bytes + size - size % 8, size % 8)
    add(last[0])
  end
  return result
end

--- Make the sums of a lone snapshot right, whatever its bytes are.
---@param bytes ffi.cdata*  changed in place
---@param size integer
function recordings.sum_again(bytes, size)
  local head = math.min(FRAME + ffi.cast("uint32_t *", bytes + HEADER_SIZE)[0], size)
  word_at(bytes, BODY_SUM)[0] = sum(bytes + head, size - head)
  word_at(bytes, HEAD_SUM)[0] = 0
  word_at(bytes, HEAD_SUM)[0] = sum(bytes, head)
end

--- Give the snapshots of a file these times.
---@param path string
---@param times number[]  seconds since 1970, one a snapshot
function recordings.set_times(path, times)
  local text = assert(posix.read_file(path))
  local bytes, at = ffi.new("uint8_t[?]", #text), 0
  ffi.copy(bytes, text, #text)
  for _, time in ipairs(times) do
    local frame = bytes + at
    local size = tonumber(word_at(frame, SIZE)[0])
    ffi.cast("int64_t *", frame + REALTIME)[0] = time * 1e9
    word_at(frame, HEAD_SUM)[0] = 0
    word_at(frame, HEAD_SUM)[0] = sum(frame, FRAME + ffi.cast("uint32_t *", frame + HEADER_SIZE)[0])
    at = at + size
  end
  assert(at == #text, path .. ": another number of snapshots")
  posix.write_file(path, ffi.string(bytes, #text))
end

return recordings
