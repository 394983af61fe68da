-- A dozen checks of the machine's networking, each with its evidence and the command that shows the
-- rows. A check that lacks what it needs says unknown; it never says ok then.

local ephemeral = require("sockq.ephemeral")
local schema = require("sockq.schema")
local set = require("sockq.set")
local sockq = require("sockq")

local sformat = string.format
local C = schema.C

-- Sockets of one program, of one address: fewer come and go on any busy machine.
local SOME, MANY = 10, 100
-- Percent of a limit.
local HALF, MOST, NEARLY_ALL = 50, 70, 90
-- Connections that wait in one accept queue: the limit that most programs have had (SOMAXCONN before 5.4).
local COMMON_BACKLOG = 128
-- Fewer segments sent tell nothing about losses.
local ENOUGH_SEGMENTS = 1000

local function level(value, look, bad)
  return value >= bad and "bad" or value >= look and "look" or "ok"
end

local RANK = { bad = 1, look = 2, unknown = 3, ok = 4 }

local function worse(a, b)
  return RANK[a] < RANK[b] and a or b
end

-- True if each of these tables that exists was read, and one exists.
local function was_read(...)
  local complete = false
  for _, number in ipairs({ ... }) do
    local status = set.table_status[tonumber(number)]
    complete = complete or status == C.SOCKQ_TABLE_COMPLETE
    if status == C.SOCKQ_TABLE_FAILED then
      return false
    end
  end
  return complete
end

-- "12 of 100 (12.0 %)", and the percentage; nil if one of them is not known.
local function share(used, limit)
  if type(used) ~= "number" or type(limit) ~= "number" or limit <= 0 then
    return nil, nil
  end
  return used / limit * 100, sformat("%.0f of %.0f (%.1f %%)", used, limit, used / limit * 100)
end

local function many(count, what)
  return sformat(count == 1 and "%.0f %s" or "%.0f %ss", count, what)
end

local function named(program)
  return program or "an unknown program"
end

-- name; tcp = true or udp = true: the rows it needs; command; advice, what to do; look(d): verdict and
-- evidence. d: tcp, udp (queries over one look), facts, setting(name), counter(group, name).
local checks = {}

checks[#checks + 1] = {
  name = "close_wait", tcp = true, command = "sockq CLOSE_WAIT -g program,remote_addr",
  advice = "the peer has closed, the program has not: a leak of descriptors in that program",
  look = function(d)
    local all = d.tcp:where("CLOSE_WAIT")
    local most = all:group("program"):sort("-count, program"):first()
    if not most then
      return "ok", "none"
    end
    return level(most.count, SOME, MANY), sformat("%s, %d of %s", many(all:count(), "socket"), most.count, named(most.program))
  end,
}

checks[#checks + 1] = {
  name = "accept_queue", tcp = true, command = "sockq 'LISTEN and recv_q > 0' -s -recv_q",
  advice = "the program accepts too slowly, or its listen() backlog is too short",
  look = function(d)
    local full = d.counter("TcpExt", "ListenOverflows")
    local longest = d.tcp:where("LISTEN and recv_q > 0"):sort("-recv_q"):first()
    local waiting, limit = longest and longest.recv_q or 0, d.setting("net.core.somaxconn")
    local text = waiting == 0 and "nothing waits" or sformat("%d wait for %s on port %d", waiting, named(longest.program),
      longest.local_port)
    local verdict = level(waiting, COMMON_BACKLOG, math.huge)
    if limit and waiting >= limit then
      verdict, text = "bad", text .. sformat(", and no queue is longer than somaxconn %d", limit)
    end
    if not full then
      return worse(verdict, "unknown"), text .. "; how often a queue was full is not known"
    elseif full > 0 then
      verdict = waiting >= COMMON_BACKLOG and "bad" or worse(verdict, "look")
    end
    return verdict, text .. sformat("; so far %d found a full queue, %s were dropped", full,
      d.counter("TcpExt", "ListenDrops") or "an unknown number")
  end,
}

checks[#checks + 1] = {
  name = "syn_backlog", tcp = true, command = "sockq SYN_RECV -g local_addr,local_port",
  advice = "more clients than the backlog holds, or a SYN flood; net.ipv4.tcp_max_syn_backlog and the listen() backlog",
  look = function(d)
    local most = d.tcp:where("SYN_RECV"):group("local_addr, local_port"):sort("-count, local_port"):first()
    local count = most and most.count or 0
    local percent, text = share(count, d.setting("net.ipv4.tcp_max_syn_backlog"))
    local dropped, cookies = d.counter("TcpExt", "TCPReqQFullDrop"), d.counter("TcpExt", "TCPReqQFullDoCookies")
    if not percent or not dropped or not cookies then
      return "unknown", sformat("waiting: %s%s; the limit or the drops are not known", many(count, "handshake"),
        most and " on port " .. most.local_port or "")
    end
    -- tcp_input.c, tcp_conn_request: without cookies the last quarter is for known peers only.
    local verdict = level(percent, 25, 75)
    if dropped + cookies > 0 then
      verdict = worse(verdict, "look")
    end
    return verdict, sformat("%s%s; so far %d dropped, %d answered by cookies", text,
      most and " on port " .. most.local_port or "", dropped, cookies)
  end,
}

checks[#checks + 1] = {
  name = "time_wait", tcp = true, command = "sockq TIME_WAIT -g remote_addr,remote_port",
  advice = "beyond net.ipv4.tcp_max_tw_buckets the kernel closes without TIME_WAIT; keep connections open instead",
  look = function(d)
    local percent, text = share(d.tcp:where("TIME_WAIT"):count(), d.setting("net.ipv4.tcp_max_tw_buckets"))
    local over = d.counter("TcpExt", "TCPTimeWaitOverflow")
    if not percent then
      return "unknown", sformat("%d; the limit is not known", d.tcp:where("TIME_WAIT"):count())
    elseif not over then
      return worse(level(percent, HALF, NEARLY_ALL), "unknown"), text .. "; how often it was reached is not known"
    end
    return worse(level(percent, HALF, NEARLY_ALL), over > 0 and "look" or "ok"), sformat("%s; so far %d too many", text, over)
  end,
}

checks[#checks + 1] = {
  name = "local_ports", tcp = true, command = "sockq ports",
  advice = "connect() fails when none is left; the report names the remedies",
  look = function(d)
    local worst = ephemeral.use(d.tcp, d.facts.ports):sort("-used"):first()
    if not d.facts.ports then
      return "unknown", "the range is not known"
    elseif d.facts.ports.count == 0 then
      return "bad", "the whole range is reserved"
    elseif not worst then
      return "ok", sformat("none of %d taken", d.facts.ports.count)
    end
    return level(worst.percent, MOST, NEARLY_ALL), sformat("%d of %d (%.1f %%) from %s to %s port %d, %d in TIME_WAIT",
      worst.used, worst.of, worst.percent, worst.source, worst.destination, worst.port, worst.time_wait)
  end,
}

checks[#checks + 1] = {
  name = "orphans", command = "sockq '(FIN_WAIT1 or CLOSING or LAST_ACK) and inode == nil' -g remote_addr",
  advice = "closed by their programs, still sending; too many are reset (net.ipv4.tcp_max_orphans)",
  look = function(d)
    local percent, text = share(d.facts.sockstat.TCP.orphan, d.setting("net.ipv4.tcp_max_orphans"))
    if not percent then
      return "unknown", "their number or its limit is not known"
    end
    -- tcp_timer.c, tcp_out_of_resources: one that is idle counts double or fourfold.
    return level(percent, 25, HALF), text
  end,
}

checks[#checks + 1] = {
  name = "tcp_memory", command = "sockq -t 'recv_q + send_q > 0' -s -recv_q -L 20",
  advice = "buffers are cut and connections are lost above net.ipv4.tcp_mem; find whose data waits",
  look = function(d)
    local limits = d.facts.numbers(d.facts.sysctl["net.ipv4.tcp_mem"])
    local pages, high = d.facts.sockstat.TCP.mem, limits and limits[3]
    local percent, text = share(pages, high)
    if not percent then
      return "unknown", "the memory or its limit is not known"
    end
    local pressure = d.counter("TcpExt", "TCPMemoryPressures")
    local verdict = pages > limits[2] and "bad" or pages > limits[1] and "look" or "ok"
    if not pressure then
      return worse(verdict, "unknown"), text .. " pages; how often it was short is not known"
    end
    return worse(verdict, pressure > 0 and "look" or "ok"), sformat("%s pages; so far short %d times", text, pressure)
  end,
}

checks[#checks + 1] = {
  name = "retransmissions", tcp = true, command = "sockq retrans",
  advice = "losses on the way, or peers that are gone; the report tells which",
  look = function(d)
    local now = d.tcp:where('timer == "on" and retrans > 0'):count()
    local again, sent = d.facts.snmp.Tcp.RetransSegs, d.facts.snmp.Tcp.OutSegs
    local verdict = level(now, SOME, MANY)
    if not again or not sent then
      return worse(verdict, "unknown"), sformat("sending again: %s; how often so far is not known", many(now, "socket"))
    elseif sent < ENOUGH_SEGMENTS then
      return worse(verdict, "unknown"), sformat("sending again: %s; %d segments so far are too few",
        many(now, "socket"), sent)
    end
    local percent = again / sent * 100
    return worse(verdict, level(percent, 1, 5)), sformat("sending again: %s; so far %.0f of %.0f segments (%.2f %%)",
      many(now, "socket"), again, sent, percent)
  end,
}

checks[#checks + 1] = {
  name = "closed_windows", tcp = true, command = "sockq 'timer == \"probe\"'",
  advice = "the peer does not read what we send; its program hangs, or it is gone",
  look = function(d)
    local all = d.tcp:where('timer == "probe"')
    local count, unanswered = all:count(), all:where("probes > 0"):count()
    return worse(level(count, 1, MANY), level(unanswered, 1, SOME)),
      count == 0 and "none" or sformat("%s to peers that take nothing more, %d without an answer",
        many(count, "socket"), unanswered)
  end,
}

checks[#checks + 1] = {
  name = "udp_drops", udp = true, command = "sockq -u 'drops > 0' -s -drops -c program,local_addr,local_port,recv_q,drops",
  advice = "datagrams come faster than the program reads; a larger SO_RCVBUF (net.core.rmem_max), or more readers",
  look = function(d)
    local sum = d.udp:where("drops > 0"):agg("sockets=count, dropped=sum(drops)"):first()
    local sockets, dropped = sum and sum.sockets or 0, sum and sum.dropped or 0
    local text = sockets == 0 and "no socket dropped any" or sformat("%s dropped %.0f", many(sockets, "socket"), dropped)
    local verdict = level(sockets, 1, math.huge)
    local udp = d.facts.snmp.Udp
    if not udp.RcvbufErrors or not udp.InDatagrams then
      return worse(verdict, "unknown"), text .. "; how many were lost so far is not known"
    end
    local lost = udp.RcvbufErrors + (udp.MemErrors or 0) + (d.facts.snmp6.Udp6RcvbufErrors or 0)
    local all = udp.InDatagrams + (d.facts.snmp6.Udp6InDatagrams or 0) + lost
    local percent = all > 0 and lost / all * 100 or 0
    return worse(verdict, level(percent, lost > 0 and 0 or 1, 1)),
      sformat("%s; so far %.0f of %.0f were lost for want of room (%.2f %%)", text, lost, all, percent)
  end,
}

checks[#checks + 1] = {
  name = "owners", tcp = true, command = "sockq 'inode ~= nil and pid == nil' -g owner_why",
  advice = "sockets that no process seems to have: the reason stands in owner_why",
  look = function(d)
    local all = d.tcp:where("inode ~= nil")
    local count, without = all:count(), all:where("pid == nil")
    local missing = without:count()
    if missing == 0 then
      return "ok", sformat("%s, each with its process", many(count, "socket"))
    end
    local why = without:group("owner_why"):sort("-count"):first()
    local text = sformat("%d of %s without a known process: %s", missing, many(count, "socket"), why.owner_why)
    if missing == count or why.owner_why:find("permission", 1, true) or why.owner_why:find("could not", 1, true) then
      return "unknown", text
    end
    return "look", text
  end,
}

checks[#checks + 1] = {
  name = "descriptors", command = "sockq --from all -g program",
  advice = "no file or socket can be opened above fs.file-max; the programs with most sockets come first",
  look = function(d)
    local files = d.facts.file_nr
    local percent, text = share(files and files.allocated, files and files.max)
    if not percent then
      return "unknown", "their number is not known"
    end
    return level(percent, MOST, NEARLY_ALL), text
  end,
}

checks[#checks + 1] = {
  name = "conntrack", command = "sockq --from tcp,udp -g remote_addr -L 20",
  advice = "a full table drops new connections (net.netfilter.nf_conntrack_max); these are the peers with most",
  look = function(d)
    local percent, text = share(d.setting("net.netfilter.nf_conntrack_count"), d.setting("net.netfilter.nf_conntrack_max"))
    if not percent then
      return "unknown", "connection tracking is not loaded, or not known here"
    end
    return level(percent, MOST, NEARLY_ALL), text
  end,
}

checks[#checks + 1] = {
  name = "keepalive", tcp = true,
  command = "sockq 'ESTABLISHED and timer == \"off\" and remote_scope ~= \"loopback\"' -g program",
  advice = "a peer that vanishes is never noticed; SO_KEEPALIVE in these programs",
  look = function(d)
    local all = d.tcp:where('ESTABLISHED and remote_scope ~= "loopback"')
    local count = all:count()
    local idle = all:where('timer == "off" and recv_q == 0 and send_q == 0'):count()
    if count == 0 then
      return "ok", "no connection leads out"
    end
    return idle >= SOME and idle * 100 >= HALF * count and "look" or "ok",
      sformat("%d of %d connections that lead out are idle without a keepalive timer", idle, count)
  end,
}

checks[#checks + 1] = {
  name = "packet_backlog", command = "sockq queues",
  advice = "processors do not keep up with packets (net.core.netdev_max_backlog); see also whose data waits",
  look = function(d)
    local softnet = d.facts.softnet
    if not softnet then
      return "unknown", "how many packets were dropped is not known"
    end
    local percent = softnet.processed > 0 and softnet.dropped / softnet.processed * 100 or 0
    return level(percent, softnet.dropped > 0 and 0 or 1, 0.1), sformat("%.0f of %.0f packets dropped (%.2f %%)",
      softnet.dropped, softnet.processed, percent)
  end,
}

local function setting_of(facts)
  return function(name)
    local value = facts.sysctl[name]
    return type(value) == "number" and value or nil
  end
end

local function collect(report)
  local facts = sockq.facts()
  set.table_status, set.selected = {}, false
  local rows = report:query("tcp,udp,udplite"):needs({ "program", "owner_why" }):keep()
  return {
    facts = facts, setting = setting_of(facts),
    counter = function(group, name) return facts.netstat[group][name] end,
    tcp = rows:where("tcp"), udp = rows:where("udp or udplite"),
    has_tcp = was_read(C.SOCKQ_TCP, C.SOCKQ_TCP6), has_udp = was_read(C.SOCKQ_UDP, C.SOCKQ_UDP6),
  }
end

local function examine(d)
  local list = {}
  for number, check in ipairs(checks) do
    local verdict, evidence = "unknown", "the sockets are not known"
    if set.selected and (check.tcp or check.udp) then
      evidence = "the recording has only sockets that met a condition"
    elseif (not check.tcp or d.has_tcp) and (not check.udp or d.has_udp) then
      verdict, evidence = check.look(d)
    end
    list[#list + 1] = { verdict = verdict, check = check.name, evidence = evidence, command = check.command,
      advice = check.advice, number = number }
  end
  table.sort(list, function(a, b)
    if a.verdict ~= b.verdict then
      return RANK[a.verdict] < RANK[b.verdict]
    end
    return a.number < b.number
  end)
  return list
end

-- doctor --self: sockq in place of the machine.
local function examine_self(wanted, report)
  local list, counts = {}, { bad = 0, look = 0, ok = 0 }
  for _, entry in ipairs(require("sockq.confinement").list()) do
    counts[entry.verdict] = counts[entry.verdict] + 1
    if next(wanted) == nil or wanted[entry.verdict] then
      list[#list + 1] = entry
    end
  end
  report:text(sformat("%d bad, %d worth a look, %d ok", counts.bad, counts.look, counts.ok))
  report:rows({ rows = list, columns = { "verdict", "part", "what", { field = "value", shrink = 100 } } })
end

return {
  help = "is anything wrong with this machine's networking?",
  doc = [[
Fifteen checks, the worst first: bad, look (worth a look), unknown (what the check
needs could not be read), ok. Each has its evidence in numbers and the command that
shows its rows. Limits come from sysctl, what happened so far from /proc/net/snmp,
netstat and softnet_stat, which count since boot: old news still says look.

`sockq doctor bad` lists only what is bad, and exits 1 if nothing is.

`sockq doctor --self` tells of sockq itself: the ids, capabilities, filters and limits
that confine its processes here, read back from the kernel, and what it lacks.]],
  args = { { name = "verdict", type = "word", words = { "bad", "look", "unknown", "ok" }, many = true, optional = true,
    doc = "only the checks that end so" } },
  run = function(args, report)
    local wanted = {}
    for _, verdict in ipairs(args.verdict or {}) do
      wanted[verdict] = true
    end
    if report:option("self") then
      return examine_self(wanted, report)
    end
    local list, counts = {}, { bad = 0, look = 0, unknown = 0, ok = 0 }
    for _, check in ipairs(examine(collect(report))) do
      counts[check.verdict] = counts[check.verdict] + 1
      if next(wanted) == nil or wanted[check.verdict] then
        list[#list + 1] = check
      end
    end
    report:text(sformat("%d checks: %d bad, %d worth a look, %d unknown, %d ok", #checks, counts.bad, counts.look,
      counts.unknown, counts.ok))
    -- On a narrow terminal the evidence stays whole; commands that matter stand below once more.
    report:rows({ rows = list, columns = { "verdict", "check",
      { field = "evidence", shrink = 100 }, { field = "command", shrink = 15 } } })
    for _, check in ipairs(list) do
      if check.verdict == "bad" or check.verdict == "look" then
        report:next(check.command, check.check .. ": " .. check.advice)
      end
    end
  end,
}
