-- Listen: who waits for peers, and from how far they can come.

local services = require("sockq.services")

local sformat = string.format

local RANK = { any = 1, public = 2, private = 3, multicast = 4, link = 5, loopback = 6 }

local function service(row)
  return services.name(row.local_port, row.proto)
end

-- Connections that a listener has not accepted yet; of UDP the queue is memory.
local function waiting(row)
  return row.state == "LISTEN" and row.recv_q or nil
end

-- How many handshakes are not finished, by the address and port that they came to.
local function half_open(rows)
  local counts = {}
  rows:where("SYN_RECV"):group("local_addr, local_port"):each(function(row)
    counts[row.local_addr .. " " .. row.local_port] = row.count
    counts[row.local_port] = (counts[row.local_port] or 0) + row.count
  end)
  return function(row)
    if row.state ~= "LISTEN" then
      return nil
    end
    local to_all = row.scope == "any" and counts[row.local_port]
    return to_all or counts[row.local_addr .. " " .. row.local_port] or 0
  end
end

local function reach_text(rows)
  local counts = { any = 0, loopback = 0, other = 0 }
  rows:group("scope"):each(function(row)
    local key = counts[row.scope] and row.scope or "other"
    counts[key] = counts[key] + row.count
  end)
  return sformat("open to every address of this machine: %d; to one address: %d; to this machine only: %d",
    counts.any, counts.other, counts.loopback)
end

return {
  help = "who listens, on which addresses, and how exposed is it?",
  doc = [[
Listening TCP and SCTP sockets, and UDP sockets that take datagrams from anybody,
the most exposed first. scope: how far the address reaches (any: every address of
this machine). waiting: connections that the program has not accepted yet.
half_open: handshakes that are not finished.]],
  args = { { name = "where", type = "expression", many = true, doc = "only listeners that match" } },
  run = function(args, report)
    local all = report:query("tcp,udp,udplite,sctp"):where("LISTEN or UNCONN or SYN_RECV"):needs({ "program" }):keep()
    local rows = all:where("(LISTEN or UNCONN) and local_port > 0")
    for _, text in ipairs(args.where) do
      rows = rows:where(text)
    end
    local count = rows:count()
    if count > 0 then
      report:text(sformat("sockets that listen: %d", count))
      report:text(reach_text(rows))
    end
    report:rows({
      rows = rows:sort({ function(row) return RANK[row.scope] end, "local_port", "proto", "local_addr" }),
      columns = { "proto", "local_addr", "local_port", { title = "service", get = service }, "scope",
        { title = "waiting", get = waiting, type = "integer", align = "right", unit = "connections" },
        { title = "half_open", get = half_open(all), type = "integer", align = "right", unit = "connections" },
        "user", "pid", { field = "program", shrink = 10 } },
      empty = "no socket listens",
    })
    if rows:where("LISTEN and recv_q > 0"):first() then
      report:next("sockq queues", "connections wait for their programs: which")
    end
    if rows:where('scope ~= "loopback"'):first() then
      report:next("sockq exposed", "what can be reached from other machines, by program")
    end
  end,
}
