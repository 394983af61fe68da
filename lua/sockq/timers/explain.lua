-- The timer in one sentence: which it is, what happens when it fires, which numbers mean nothing.
-- doc/timers.md has the same at length, with the sources.
local sformat = string.format

local is_tcp = { tcp = true, tcp6 = true }

-- More ticks than any timer has: so old kernels, say 2.6.32, print overdue ones.
local OVERDUE = 2 ^ 28

-- Closed by its process, still sending: tcp_orphan_retries is the limit, not tcp_retries2.
local closing = { FIN_WAIT1 = true, CLOSING = true, LAST_ACK = true }

--- When the timer fires, as the middle of a sentence; why the time is zero or absurdly long.
---@param row sockq.Row
---@return string
local function when(row)
  local s = row.expires
  if row:raw("when") > OVERDUE then
    return "is overdue, which old kernels print as a huge number, and once its handler runs"
  end
  if s == 0 then return "has run out and, once its handler runs," end
  if s < 120 then return sformat("in %.2f s", s) end
  return sformat("in %.0f min", s / 60)
end

---@param n? integer
---@param what string
---@return string  # "no probe", "1 probe", "3 probes"
local function many(n, what)
  if n == nil or n == 0 then return "no " .. what end
  return sformat(n == 1 and "%d %s" or "%d %ss", n, what)
end

-- Why a socket in this state can do without a timer.
local idle = {
  LISTEN = "a listener has none, its handshakes wait on SYN_RECV rows of their own",
  CLOSE_WAIT = "the peer has closed, and the process has all the time it wants to close too",
  FIN_WAIT2 = "our side is shut down but not closed, and may wait for the peer's FIN for ever",
}

---@param row sockq.Row
---@return string
local function off(row)
  local why = idle[row.state] or "nothing is unacknowledged and keepalive is not enabled"
  if row.state ~= "LISTEN" and (row.send_q or 0) > 0 then
    why = sformat("yet %d bytes are unacknowledged, so the row was read between two timers "
      .. "or the data has not left this host", row.send_q)
  end
  return sformat("no timer: %s; the 0.00 that netstat shows is no time", why)
end

---@param row sockq.Row
---@return string
local function syn_ack(row)
  local request = row.rto == nil
  return sformat("SYN-ACK timer: %s sends the SYN-ACK again, after %s of the tcp_synack_retries "
    .. "allowed; the probe count means nothing%s", when(row), many(row.retrans, "timeout"),
    request and ", nor do the queues, and nobody owns it before the handshake ends" or "")
end

---@param row sockq.Row
---@return string
local function retransmit(row)
  if row.state == "SYN_RECV" then return syn_ack(row) end
  local timeouts = many(row.retrans, "timeout")
  if row.state == "SYN_SENT" then
    return sformat("SYN timer: %s sends the SYN again, after %s of the tcp_syn_retries allowed; "
      .. "the probe count means nothing", when(row), timeouts)
  end
  local first = (row.retrans or 0) == 0
  local limit = closing[row.state] and row.inode == nil and "tcp_orphan_retries" or "tcp_retries2"
  return sformat("retransmission timer: %s sends the oldest unacknowledged data again%s, after %s "
    .. "in a row, until %s ends the connection; the probe count means nothing, and keepalive is "
    .. "hidden", when(row), first and " (or a tail loss probe)" or "", timeouts, limit)
end

---@param row sockq.Row
---@return string
local function keepalive(row)
  if row.state == "LISTEN" then
    return sformat("SYN-ACK timer of a listener, as kernels 3.x have it: %s looks after all its "
      .. "handshakes; both counts mean nothing", when(row))
  elseif row.state == "FIN_WAIT2" and row.inode == nil then
    return sformat("FIN_WAIT2 timer of an orphan whose tcp_fin_timeout is above 60 s: %s leaves "
      .. "the wait for the peer's FIN to a mini-socket; both counts mean nothing", when(row))
  end
  return sformat("keepalive timer: %s sends a probe if the peer was silent all the while, with %s "
    .. "unanswered of the tcp_keepalive_probes that end the connection; the retransmits mean "
    .. "nothing", when(row), many(row.probes, "probe"))
end

---@param row sockq.Row
---@return string
local function timewait(row)
  local act = "TIME_WAIT timer: %s frees the address pair, kept for 60 s against late segments"
  if row.state == "FIN_WAIT2" then
    act = "FIN_WAIT2 timer of an orphan: %s gives up waiting for the peer's FIN"
  end
  act = act .. "; a mini-socket has no retransmits, probes, uid, inode or owner"
  return sformat(act, when(row))
end

---@param row sockq.Row
---@return string
local function probe(row)
  return sformat("probe timer: %s asks a peer with a closed window for its window (or sends corked "
    .. "data), with %s unanswered; the retransmits mean nothing, and keepalive is hidden",
    when(row), many(row.probes, "probe"))
end

local explanations = { [0] = off, [1] = retransmit, [2] = keepalive, [3] = timewait, [4] = probe }

--- One sentence, without a full stop.
---@param row sockq.Row
---@return string  # never ""
--- Example: "no timer: only TCP sockets have one"
local function format(row)
  local code = row.timer_code
  local explanation = is_tcp[row.proto] and explanations[code]
  if explanation then return explanation(row) end
  if code == nil or code == 0 then return "no timer: only TCP sockets have one" end
  return sformat("timer %d, which no mainline kernel shows for %s: %s does what only that kernel "
    .. "knows", code, row.proto, when(row))
end

return {
  doc = "one sentence: which timer, what happens when it fires, which numbers mean nothing",
  format = format,
}
