-- Ephemeral ports: who is about to have none left.

local ephemeral = require("sockq.ephemeral")
local sockq = require("sockq")

local sformat = string.format

-- Percent of the range: from here on connect() has to search, and soon fails.
local NEAR, FULL = 70, 90

local function range_text(ports)
  if not ports then
    return "the range is not known: sys/net/ipv4/ip_local_port_range is missing; every outgoing connection is counted"
  end
  local reserved = "how many of them are reserved is not known"
  if ports.reserved then
    local count = ports.high - ports.low + 1 - ports.count
    reserved = count == 0 and "none of them reserved" or sformat("%d of them reserved", count)
  end
  return sformat("the kernel chooses from ports %d to %d, %s: %d for each source, destination and port",
    ports.low, ports.high, reserved, ports.count)
end

local function endpoint(address, port)
  return sformat(address:find(":", 1, true) and "[%s]:%d" or "%s:%d", address, port)
end

-- The same as it is typed into a shell.
local function expression(address, port)
  local text = endpoint(address, port)
  return text:find("[", 1, true) and "'" .. text .. "'" or text
end

-- Documentation/networking/ip-sysctl.rst: tcp_tw_reuse 1 everywhere, 2 on loopback only; it needs
-- tcp_timestamps on both sides.
local function tell_remedies(report, worst, facts)
  report:text("remedy: keep connections open and use them again (a pool, HTTP keep-alive)")
  local reuse = facts.sysctl["net.ipv4.tcp_tw_reuse"]
  if worst.time_wait * 2 >= worst.used and reuse ~= 1 then
    report:text(sformat("remedy: sysctl net.ipv4.tcp_tw_reuse=1 (it is %s): a new connection may replace one in TIME_WAIT",
      reuse == 2 and "2, for loopback only" or tostring(reuse or "not known")))
  end
  report:text("remedy: more addresses, ours or theirs: each pair has the range to itself")
  report:text("remedy: a wider net.ipv4.ip_local_port_range")
end

local function verdict(worst)
  local place = sformat("%s to %s", worst.source, endpoint(worst.destination, worst.port))
  local text = sformat("%s has %d of %d ports (%.1f %%), %d in TIME_WAIT", place, worst.used, worst.of, worst.percent,
    worst.time_wait)
  if worst.percent >= FULL then
    return text .. ": connect() is about to fail with \"Cannot assign requested address\""
  elseif worst.percent >= NEAR then
    return text .. ": most are taken"
  end
  return text .. ": nobody is near the end"
end

return {
  help = "are we running out of local ports, and towards whom?",
  doc = [[
Counts the local ports that outgoing TCP connections hold, for each source address,
destination address and destination port, against net.ipv4.ip_local_port_range
less ip_local_reserved_ports. TIME_WAIT holds its port for 60 s, unless
tcp_tw_reuse lets a new connection replace it after a second.

Connections from a port on which somebody listens came in and are left out. Not
in /proc: a range of a socket's own (IP_LOCAL_PORT_RANGE), and whether a port was
bound before connect(), which takes it from every destination.]],
  args = { { name = "top", type = "count", default = 20, doc = "how many destinations to show" } },
  run = function(args, report)
    local facts = sockq.facts()
    local ports = facts.ports
    local rows = report:query("tcp"):keep()
    local use = ephemeral.use(rows, ports):sort("-used, source, destination, port"):keep()
    local worst = use:first()
    report:text(range_text(ports))
    if worst and worst.percent then
      report:text(verdict(worst))
    end
    report:rows({
      rows = use:limit(args.top),
      columns = { "source", "destination", "port", "used", "of", "percent", "time_wait" },
      empty = "no outgoing connection holds a port of the range",
    })
    if worst and worst.percent and worst.percent >= NEAR then
      tell_remedies(report, worst, facts)
    end
    if worst then
      report:next(sformat("sockq -t %s -g program,state", expression(worst.destination, worst.port)),
        "who holds the ports of the first line")
      if worst.time_wait > 0 then
        report:next(sformat("sockq -t %s TIME_WAIT -s expires -L 5", expression(worst.destination, worst.port)),
          "when the next ones are free")
      end
    end
  end,
}
