-- Colours: what stands before a cell's text on a terminal that wants them. Never part of a width.

local theme = {}

local function sgr(code)
  return "\27[" .. code .. "m"
end

local RED, GREEN, YELLOW, BLUE, DIM = sgr("31"), sgr("32"), sgr("33"), sgr("36"), sgr("2")

theme.reset = sgr("0")
theme.title = sgr("1")

--- By state: what waits for its program is red, what is under way yellow, what is over dim.
theme.state = {
  LISTEN = GREEN, ESTABLISHED = BLUE, CONNECTED = BLUE, CLOSE_WAIT = RED, TIME_WAIT = DIM, CLOSE = DIM, UNCONN = DIM,
  SYN_SENT = YELLOW, SYN_RECV = YELLOW, FIN_WAIT1 = YELLOW, FIN_WAIT2 = YELLOW, CLOSING = YELLOW, LAST_ACK = YELLOW,
  CONNECTING = YELLOW, DISCONNECTING = YELLOW,
}

--- The colours of a column's texts: text → what stands before it; nil for a column without any.
---@return table<string, string>|nil
function theme.of(column)
  return (column.name or column.title) == "state" and theme.state or nil
end

return theme
