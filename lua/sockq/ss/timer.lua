-- The timer piece of ss -o: timer:(keepalive,3.610ms,0).

local span = require("sockq.span")
local text = require("sockq.ss.text")

local timer = {}

local copy = require("ffi").copy
local signed = text.signed
local name_of, span_of = span.name, span.text

--- Write the piece, with the blank before it; nothing where the timer is off.
---@param bytes ffi.cdata*
---@param at number
---@param code number
---@param ms number     whole milliseconds
---@param count number  retransmits, or probes
---@param called? string  what the timer is called; without it as its code is
---@return number
function timer.write(bytes, at, code, ms, count, called)
  if code == 0 then
    return at
  end
  copy(bytes + at, " timer:(", 8)
  local name = called or name_of(code)
  local length = #name
  copy(bytes + at + 8, name, length)
  at = at + 9 + length
  bytes[at - 1] = 44
  local left = span_of(ms)
  length = #left
  copy(bytes + at, left, length)
  at = at + length + 1
  bytes[at - 1] = 44
  at = signed(bytes, at, count)
  bytes[at] = 41
  return at + 1
end

return timer
