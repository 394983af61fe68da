-- Retransmissions and probes: who gets no answer, and how long the kernel goes on.

local giveup = require("sockq.giveup")
local sockq = require("sockq")

local sformat, concat = string.format, table.concat

-- In the order in which they are told, with the setting that ends them.
local KINDS = {
  { "resend", "sends data again", "send data again" },
  { "syn", "gets no answer to its SYN", "get no answer to their SYN" },
  { "syn-ack", "handshake from outside is not finished", "handshakes from outside are not finished" },
  { "probe", "has a peer with a closed window", "have a peer with a closed window" },
  { "keepalive", "has no answer to keepalive", "have no answer to keepalive" },
}

local function duration(seconds)
  if seconds < 120 then
    return sformat("%.1f s", seconds)
  end
  return sformat("%.0f min", seconds / 60)
end

local function settings_text(facts, settings)
  local known, missing = {}, {}
  local function tell(name, text)
    local value = facts.sysctl["net.ipv4." .. name]
    if value then
      known[#known + 1] = sformat("%s %s%s", name, value, text or "")
    else
      missing[#missing + 1] = name
    end
  end
  tell("tcp_retries2", settings.data and sformat(" (data: %s or more)", duration(settings.data)))
  tell("tcp_orphan_retries", settings.orphan == 0 and " (8 until the longest timeout)" or nil)
  tell("tcp_syn_retries")
  tell("tcp_synack_retries")
  tell("tcp_keepalive_probes")
  tell("tcp_keepalive_intvl", " s")
  local text = known[1] and "the kernel gives up by " .. concat(known, ", ") or ""
  if missing[1] then
    text = sformat("%s%snot known here, so no time is told where they decide: %s", text, known[1] and "; " or "",
      concat(missing, ", "))
  end
  return text
end

-- The columns that are computed: kind of wait, how often, until when.
local function computed(settings)
  local function part(index)
    return function(row)
      return (select(index, giveup.of(row, settings)))
    end
  end
  return {
    { name = "kind", type = "string", get = part(1),
      doc = "what waits for an answer: resend, syn, syn-ack, probe, keepalive" },
    "state", "program", "local_addr", "local_port", "remote_addr", "remote_port",
    { name = "tries", type = "integer", get = part(2), doc = "retransmissions or probes without an answer" },
    { name = "next", field = "expires" },
    { name = "gives_up", type = "number", unit = "seconds", get = part(3),
      doc = "until the kernel ends it, at the earliest" },
    { name = "latest", type = "number", unit = "seconds", get = part(4), doc = "and at the latest" },
    "send_q",
    { name = "setting", type = "string", get = part(5), doc = "what decides" },
  }
end

local function kinds_text(rows)
  local counts, parts = {}, {}
  for group in rows:group("kind"):rows() do
    counts[group.kind] = group.count
  end
  for _, kind in ipairs(KINDS) do
    local count = counts[kind[1]]
    if count then
      parts[#parts + 1] = sformat("%d %s", count, count == 1 and kind[2] or kind[3])
    end
  end
  return parts[1] and concat(parts, ", ") or "every connection gets its answers"
end

-- One peer, or the network?
local function peer_text(rows)
  local waiting = rows:where('kind == "resend" or kind == "syn"')
  local count = waiting:count()
  local peer = count > 1 and waiting:group("remote_addr"):sort("-count, remote_addr"):first()
  if not peer then
    return nil
  elseif peer.count == count then
    return sformat("all that send again are connected to %s: look at that host and the way to it", peer.remote_addr)
  elseif peer.count * 2 > count then
    return sformat("%d of %d that send again are connected to %s: look there first", peer.count, count, peer.remote_addr)
  end
  return sformat("%d send again, to different peers, to none more than %d: look at this host and its network", count, peer.count)
end

return {
  help = "who gets no answers, how often were they asked, and when does the kernel give up?",
  doc = [[
Sockets that retransmit, and those that probe: a closed window, keepalive without an
answer, SYNs and SYN-ACKs that were sent again. `next`: seconds to the next attempt.
`gives_up` and `latest`: seconds until the kernel ends the connection if no answer
comes, at the earliest and at the latest; empty where it is not known, or never: a
closed window whose peer still answers.

The times follow net/ipv4/tcp_timer.c: with tcp_retries2, a connection ends at the
first timeout at which as much time has passed since its first retransmission as so
many doublings from 0.2 s take (15: 924.6 s). They are estimates: options of a socket's
own (TCP_USER_TIMEOUT, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_SYNCNT) are not in
/proc, and a full backlog or want of memory ends connections sooner.]],
  run = function(_, report)
    local facts = sockq.facts()
    local settings = giveup.settings(facts)
    local rows = report:query("tcp"):where(function(row)
      local kind, tries = giveup.of(row, settings)
      return kind ~= nil and (tries > 0 or kind == "probe")
    end):select(computed(settings)):sort("gives_up, -tries"):keep()
    report:text(kinds_text(rows))
    local peer = peer_text(rows)
    if peer then
      report:text(peer)
    end
    report:text(settings_text(facts, settings))
    report:rows({ rows = rows })
    if rows:first() then
      report:next("sockq -t 'retrans > 0' -g remote_addr", "one peer, or all of them?")
      report:next("sockq -t 'retrans > 0 or probes > 0' --timer explain", "what each timer will do")
      report:next("sockq queues", "how much data waits")
    end
  end,
}
