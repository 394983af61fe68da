-- Cells that all families have: constants, states, queues.

local ffi = require("ffi")
local text = require("sockq.ss.text")

local cells = {}

local copy = ffi.copy
local band = bit.band

--- States by the kernel's number, as ss spells them.
cells.states = {
  [0] = "UNKNOWN", "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN", "CLOSE-WAIT",
  "LAST-ACK", "LISTEN", "CLOSING",
}

-- Sixteen bytes each, so that copying one takes no call.
local state_text, state_size = ffi.new("uint8_t[256]"), ffi.new("uint8_t[16]")
for number = 0, 15 do
  local name = cells.states[number] or "UNKNOWN"
  copy(state_text + number * 16, name, #name)
  state_size[number] = #name
end

--- Write a state.
---@param number number  the kernel's
function cells.put_state(bytes, at, number)
  number = band(number, 15)
  copy(bytes + at, state_text + number * 16, 16)
  return at + state_size[number]
end

--- A cell that says the same in all rows.
---@param constant string
function cells.constant(constant)
  local length = #constant
  return function(bytes, at)
    copy(bytes + at, constant, length)
    return at + length
  end
end

function cells.state(bytes, at, row)
  local number = band(row.state, 15)
  copy(bytes + at, state_text + number * 16, 16)
  return at + state_size[number]
end

local queue = text.queue

function cells.recv_q(bytes, at, row)
  return (queue(bytes, at, row.recv_q))
end

function cells.send_q(bytes, at, row)
  return (queue(bytes, at, row.send_q))
end

function cells.nothing(_, at)
  return at
end

return cells
