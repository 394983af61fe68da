-- When the kernel gives a connection up: from what a row says (timer, retransmits, probes, rto) and
-- the settings, by the rules of net/ipv4/tcp_timer.c. All times in seconds.
--
-- Estimates, because /proc/net/tcp does not say: TCP_USER_TIMEOUT, TCP_KEEPIDLE, TCP_KEEPINTVL,
-- TCP_KEEPCNT and TCP_SYNCNT of a socket (the settings are taken), when the first retransmission was
-- (found by halving the timeout as often as it was doubled), thin streams, and what an answer or a
-- shortage of memory changes meanwhile. Hence two numbers, the earliest and the latest time.

local floor, log, max, min = math.floor, math.log, math.max, math.min

local giveup = {}

-- include/net/tcp.h: TCP_RTO_MIN, TCP_RTO_MAX (since 6.15 net.ipv4.tcp_rto_max_ms), TCP_TIMEOUT_INIT.
local RTO_MIN, RTO_MAX, FIRST = 0.2, 120, 1
-- /proc prints ticks of 1/100 s, rounded down.
local TICK = 0.01
-- tcp_retries2 and its like are bytes of a kernel's integer; more rounds than that have no meaning.
local ROUNDS = 1000

local function log2(n)
  return floor(log(n) / log(2) + 1e-9)
end

-- net/ipv4/tcp_timer.c, tcp_model_timeout: how long `retries` doublings from `base` take.
local function model(retries, base, rto_max)
  local linear = log2(floor(rto_max / base))
  if retries <= linear then
    return (2 ^ (retries + 1) - 1) * base
  end
  return (2 ^ (linear + 1) - 1) * base + (retries - linear) * rto_max
end

---@class sockq.GiveUp  the settings, made ready; nil where they are not known
---@field data number?          tcp_retries2 as a time
---@field probes integer?       tcp_retries2 as a count of probes
---@field syn integer?
---@field syn_linear integer
---@field synack integer?
---@field orphan integer?
---@field keepalive_probes integer?
---@field keepalive_intvl integer?
---@field rto_max number

--- Make the settings ready.
---@param facts sockq.Facts
---@return sockq.GiveUp
function giveup.settings(facts)
  local function number(name)
    local value = facts.sysctl["net.ipv4." .. name]
    return type(value) == "number" and value >= 0 and value or nil
  end
  local rto_max = number("tcp_rto_max_ms")
  rto_max = rto_max and rto_max >= 1000 and rto_max / 1000 or RTO_MAX
  local retries2 = number("tcp_retries2")
  return {
    rto_max = rto_max,
    data = retries2 and model(retries2, RTO_MIN, rto_max),
    probes = retries2,
    syn = number("tcp_syn_retries"),
    -- Since 6.5; a kernel without the file doubles from the start.
    syn_linear = number("tcp_syn_linear_timeouts") or 0,
    synack = number("tcp_synack_retries"),
    orphan = number("tcp_orphan_retries"),
    keepalive_probes = number("tcp_keepalive_probes"),
    keepalive_intvl = number("tcp_keepalive_intvl"),
  }
end

--- The time that a count of retries stands for, as tcp_retries2 = 15 stands for 924.6 s.
---@param retries integer
---@param rto_max? number
---@return number
function giveup.model(retries, rto_max)
  return model(retries, RTO_MIN, rto_max or RTO_MAX)
end

-- tcp_write_timeout: an orphan has tcp_orphan_retries; 0 means 8 while its timeout is below the
-- longest (tcp_orphan_retries).
local function orphan_retries(settings, alive)
  if settings.orphan == 0 and alive then
    return 8
  end
  return settings.orphan
end

-- Has a connection with data in flight used up its time (retransmits_timed_out)?
local function is_over(settings, orphan, timeout, elapsed)
  local limit = settings.data
  if orphan then
    limit = model(orphan_retries(settings, timeout < settings.rto_max), RTO_MIN, settings.rto_max)
  end
  return elapsed >= limit - 1e-6
end

-- Seconds until the timer finds the time used up, after `tries` timeouts, if `timeout` is the wait
-- that runs, `expires` what is left of it, and at its end `elapsed` will have passed since the first
-- retransmission. By the kernel's clock the waits may be longer or shorter than `timeout` and what
-- follows it: `counted`.
local function fire_until_over(settings, orphan, tries, timeout, expires, elapsed, counted)
  local at = expires
  for _ = 1, ROUNDS do
    if tries > 0 and is_over(settings, orphan, timeout, elapsed) then
      return at
    end
    -- The clock starts with the first retransmission (tcp_retransmit_skb, retrans_stamp).
    elapsed = tries == 0 and 0 or elapsed
    tries = tries + 1
    timeout, counted = min(timeout * 2, settings.rto_max), min(counted * 2, settings.rto_max)
    at, elapsed = at + timeout, elapsed + counted
  end
  return at
end

-- Since the first retransmission, at the next timeout: waits that doubled up to the longest, from
-- `first` before it.
local function elapsed_from(first, tries, rto_max)
  local sum, wait = 0, first
  for _ = 1, min(tries, ROUNDS) do
    wait = min(wait * 2, rto_max)
    sum = sum + wait
  end
  return sum
end

local function data(settings, orphan, tries, rto, expires)
  local rto_max = settings.rto_max
  -- It was rounded down when it was printed.
  local longer = min(rto + TICK, rto_max)
  local least, most
  if tries == 0 then
    -- A tail loss probe may run instead, and the timeout after it.
    return fire_until_over(settings, orphan, 0, rto, expires, 0, longer),
      fire_until_over(settings, orphan, 0, longer, expires, 0, rto) + rto
  elseif rto < rto_max then
    least = rto * (2 - 2 ^ (1 - tries))
    most = longer * (2 - 2 ^ (1 - tries))
  else
    -- How long it has stood at the longest is not known; but it was not given up one timeout ago.
    least = elapsed_from(max(RTO_MIN, rto_max / 2 ^ min(tries, 60)), tries, rto_max)
    most = tries * rto_max
    if not orphan then
      most = max(least, min(most, settings.data + rto_max))
    end
  end
  return fire_until_over(settings, orphan, tries, rto, expires, most, longer),
    fire_until_over(settings, orphan, tries, longer, expires, least, rto)
end

-- tcp_write_timeout and tcp_retransmit_timer for SYN_SENT: the first timeouts all are of one length
-- (tcp_syn_linear_timeouts), then they double; the clock starts with the first SYN (tcp_connect).
local function syn(settings, tries, rto, expires)
  local linear, rto_max = settings.syn_linear, settings.rto_max
  local first = rto < rto_max and rto / 2 ^ max(0, tries - linear) or FIRST
  local limit = model(settings.syn, first, rto_max)
  local elapsed, wait = 0, first
  for round = 0, min(tries, ROUNDS) do
    wait = round > linear and min(wait * 2, rto_max) or wait
    elapsed = elapsed + wait
  end
  local at = expires
  for _ = 1, ROUNDS do
    if tries >= settings.syn + linear or (tries > 0 and elapsed >= limit - 1e-6) then
      break
    end
    tries = tries + 1
    rto = tries > linear and min(rto * 2, rto_max) or rto
    at, elapsed = at + rto, elapsed + rto
  end
  return at, at
end

-- net/ipv4/inet_connection_sock.c, reqsk_timer_handler: 1, 2, 4, … s, whatever tcp_rto_max_ms says
-- (seen on 6.18); a listener whose backlog is more than half full gives up sooner. Fast Open sockets
-- have one more (tcp_fastopen_synack_timer).
local function syn_ack(settings, tries, expires, fast_open)
  local retries = settings.synack + (fast_open and 1 or 0)
  local at = expires
  while tries < retries and tries < ROUNDS do
    tries = tries + 1
    at = at + min(FIRST * 2 ^ tries, RTO_MAX)
  end
  return at, at
end

-- include/net/tcp.h, tcp_probe0_when: doublings from the timeout, of which not more than 10 count.
local MOST_BACKOFF = log2(floor(RTO_MAX / RTO_MIN)) + 1

local function probe_wait(base, backoff, rto_max)
  return min(base * 2 ^ min(backoff, MOST_BACKOFF), rto_max)
end

-- tcp_probe_timer and tcp_send_probe0, from a backoff that is not in /proc.
local function probe_from(settings, orphan, tries, base, expires, backoff)
  local at, rto_max = expires, settings.rto_max
  for _ = 1, ROUNDS do
    local most = settings.probes
    if orphan then
      local alive = probe_wait(base, backoff, rto_max) < rto_max
      most = orphan_retries(settings, alive)
      if not alive and backoff >= most then
        break
      end
    end
    if tries >= most then
      break
    end
    tries = tries + 1
    backoff = backoff < settings.probes and backoff + 1 or backoff
    at = at + probe_wait(base, backoff, rto_max)
  end
  return at
end

local function probe(settings, orphan, tries, rto, expires)
  -- Answers set the count back, but not the backoff: it is the count at least, and enough for the wait.
  local base = max(rto, RTO_MIN)
  local least = tries
  while least < MOST_BACKOFF and probe_wait(base + TICK, least, settings.rto_max) < expires do
    least = least + 1
  end
  local one = probe_from(settings, orphan, tries, base, expires, least)
  local other = probe_from(settings, orphan, tries, base, expires, max(least, settings.probes))
  return min(one, other), max(one, other)
end

-- tcp_keepalive_timer. A wait that the settings do not explain is one of TCP_KEEPINTVL's: unknown.
local function keepalive(settings, tries, expires)
  local most, interval = settings.keepalive_probes, settings.keepalive_intvl
  if not most or not interval or tries > most or (tries > 0 and expires > interval) then
    return nil
  end
  local at = expires + (most - tries) * interval
  return at, at
end

-- Closed by its process, still sending (SOCK_DEAD in the kernel).
local CLOSING = { FIN_WAIT1 = true, CLOSING = true, LAST_ACK = true }

local is_tcp = { tcp = true, tcp6 = true }

--- What a row of TCP waits for an answer to, how often it asked in vain, and when the kernel ends it.
--- The times hold if no answer comes.
---@param row sockq.Row
---@param settings sockq.GiveUp
---@return string|nil kind    "resend", "syn", "syn-ack", "probe" or "keepalive"; nil: none of it
---@return integer tries      retransmissions or probes without an answer so far
---@return number|nil earliest, number|nil latest  # seconds from the row's reading; nil: not known, or
---   never: a closed window whose peer answers (probe, 0 tries)
---@return string|nil setting  what decides: "tcp_retries2", …
function giveup.of(row, settings)
  local code = row.timer_code
  if not is_tcp[row.proto] or code == nil or code == 0 or code == 3 then
    return nil, 0
  end
  local state, expires = row.state, row.expires
  local tries = (code == 1 and row.retrans or code ~= 1 and row.probes) or 0
  if code == 1 then
    local rto = row.rto
    if state == "SYN_RECV" then
      if settings.synack then
        local earliest, latest = syn_ack(settings, tries, expires, rto ~= nil)
        return "syn-ack", tries, earliest, latest, "tcp_synack_retries"
      end
      return "syn-ack", tries, nil, nil, "tcp_synack_retries"
    elseif state == "SYN_SENT" then
      if settings.syn and rto and rto > 0 then
        local earliest, latest = syn(settings, tries, rto, expires)
        return "syn", tries, earliest, latest, "tcp_syn_retries"
      end
      return "syn", tries, nil, nil, "tcp_syn_retries"
    end
    local orphan = CLOSING[state] and row.inode == nil
    local setting = orphan and "tcp_orphan_retries" or "tcp_retries2"
    if rto and rto > 0 and (orphan and settings.orphan or not orphan and settings.data) then
      local earliest, latest = data(settings, orphan, tries, rto, expires)
      return "resend", tries, earliest, latest, setting
    end
    return "resend", tries, nil, nil, setting
  elseif code == 4 then
    local orphan = CLOSING[state] and row.inode == nil
    local setting = orphan and "tcp_orphan_retries" or "tcp_retries2"
    local known = settings.probes and (not orphan or settings.orphan)
    if known and row.rto and (tries > 0 or orphan) then
      local earliest, latest = probe(settings, orphan, tries, row.rto, expires)
      return "probe", tries, earliest, latest, setting
    end
    return "probe", tries, nil, nil, setting
  elseif code == 2 and state ~= "LISTEN" and not (state == "FIN_WAIT2" and row.inode == nil) then
    local earliest, latest = keepalive(settings, tries, expires)
    return "keepalive", tries, earliest, latest, "tcp_keepalive_probes"
  end
  return nil, 0
end

return giveup
