-- Socket states: the kernel's numbers, netstat's names, ss's names for the same.

local C = require("sockq.schema").C

local state = {}

--- TCP states by kernel number, as netstat spells them; 12 and 13 are of newer kernels.
state.tcp = {
  [C.SOCKQ_ESTABLISHED] = "ESTABLISHED",
  [C.SOCKQ_SYN_SENT] = "SYN_SENT",
  [C.SOCKQ_SYN_RECV] = "SYN_RECV",
  [C.SOCKQ_FIN_WAIT1] = "FIN_WAIT1",
  [C.SOCKQ_FIN_WAIT2] = "FIN_WAIT2",
  [C.SOCKQ_TIME_WAIT] = "TIME_WAIT",
  [C.SOCKQ_CLOSE] = "CLOSE",
  [C.SOCKQ_CLOSE_WAIT] = "CLOSE_WAIT",
  [C.SOCKQ_LAST_ACK] = "LAST_ACK",
  [C.SOCKQ_LISTEN] = "LISTEN",
  [C.SOCKQ_CLOSING] = "CLOSING",
  [C.SOCKQ_NEW_SYN_RECV] = "SYN_RECV",
  [C.SOCKQ_BOUND_INACTIVE] = "BOUND_INACTIVE",
}

--- UDP, UDP-Lite, raw and ping sockets are connected or not; ss calls the latter UNCONN.
state.datagram = {
  [C.SOCKQ_ESTABLISHED] = "ESTABLISHED",
  [C.SOCKQ_CLOSE] = "UNCONN",
}

--- Unix states; a listening socket is unconnected with the listen flag, and is called LISTEN.
state.unix = {
  [C.SOCKQ_SS_FREE] = "FREE",
  [C.SOCKQ_SS_UNCONNECTED] = "UNCONN",
  [C.SOCKQ_SS_CONNECTING] = "CONNECTING",
  [C.SOCKQ_SS_CONNECTED] = "CONNECTED",
  [C.SOCKQ_SS_DISCONNECTING] = "DISCONNECTING",
}

local UNKNOWN = setmetatable({}, {
  __index = function(cache, number)
    local name = "UNKNOWN(" .. number .. ")"
    cache[number] = name
    return name
  end,
})

--- A state's name in one of the tables above; "UNKNOWN(N)" for a number that has none.
function state.name(names, number)
  return names[number] or UNKNOWN[number]
end

--- Every name that a row can have, sorted.
state.names = {}

--- What each of them means.
state.docs = {
  BOUND_INACTIVE = "bound to a port, neither listening nor connected",
  CLOSE = "not connected, as before connect or listen",
  CLOSE_WAIT = "the peer has closed, the program here has not: if it lasts, a leak",
  CLOSING = "both sides closed at once; an acknowledgement is missing",
  CONNECTED = "unix: connected",
  CONNECTING = "unix: waits for the listener to accept",
  DISCONNECTING = "unix: on its way to being closed",
  ESTABLISHED = "connected; of udp and raw: has a peer",
  FIN_WAIT1 = "closed here, the peer has not acknowledged it",
  FIN_WAIT2 = "closed here and acknowledged; the peer has not closed",
  FREE = "unix: not in use",
  LAST_ACK = "closed here after the peer; its acknowledgement is missing",
  LISTEN = "waits for connections",
  SYN_RECV = "a request that was answered; its acknowledgement is missing",
  SYN_SENT = "asks for a connection, no answer yet",
  TIME_WAIT = "closed on both sides; kept 60 s for late packets",
  UNCONN = "udp, raw, unix: not connected",
}

--- Other spellings: ss's, and netstat's for unix sockets.
state.aliases = {
  ESTAB = "ESTABLISHED",
  ["SYN-SENT"] = "SYN_SENT",
  ["SYN-RECV"] = "SYN_RECV",
  ["FIN-WAIT-1"] = "FIN_WAIT1",
  ["FIN-WAIT-2"] = "FIN_WAIT2",
  ["TIME-WAIT"] = "TIME_WAIT",
  ["CLOSE-WAIT"] = "CLOSE_WAIT",
  ["LAST-ACK"] = "LAST_ACK",
  ["NEW-SYN-RECV"] = "SYN_RECV",
  ["BOUND-INACTIVE"] = "BOUND_INACTIVE",
  FIN_WAIT_1 = "FIN_WAIT1",
  FIN_WAIT_2 = "FIN_WAIT2",
  CLOSED = "CLOSE",
  UNCONNECTED = "UNCONN",
  LISTENING = "LISTEN",
}

local known = {}
for _, names in ipairs({ state.tcp, state.datagram, state.unix }) do
  for _, name in pairs(names) do
    if not known[name] then
      known[name] = true
      state.names[#state.names + 1] = name
    end
  end
end
table.sort(state.names)

--- The names that the rows of some tables can have, sorted.
---@param table_mask number  a bit a table
---@return string[]
function state.names_of(table_mask)
  local all, list = {}, {}
  for number = 0, C.SOCKQ_TABLES - 1 do
    if bit.band(table_mask, bit.lshift(1, number)) ~= 0 then
      local names = (number <= C.SOCKQ_SCTP_ASSOCS or number >= C.SOCKQ_MPTCP) and state.tcp or
        number < C.SOCKQ_UNIX and state.datagram or number == C.SOCKQ_UNIX and state.unix or {}
      for _, name in pairs(names) do
        all[name] = true
      end
      if number == C.SOCKQ_UNIX then
        all.LISTEN = true
      end
    end
  end
  for name in pairs(all) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

--- The spelling that rows have, for any accepted one in any case; nil if it is no state.
---@param text string
---@return string|nil
function state.canonical(text)
  local upper = text:upper()
  if known[upper] then
    return upper
  end
  return state.aliases[upper]
end

--- The kernel numbers of TCP rows whose state has one of these names, as a request's mask.
---@param names table<string, boolean>
---@return number
function state.mask(names)
  local mask = 0
  for _, table_of in ipairs({ state.tcp, state.datagram }) do
    for number, name in pairs(table_of) do
      if names[name] then
        mask = bit.bor(mask, bit.lshift(1, number))
      end
    end
  end
  return mask
end

return state
