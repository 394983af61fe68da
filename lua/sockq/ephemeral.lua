-- Ephemeral ports: how many of those that the kernel chooses from are taken.
--
-- connect() needs a local port that is free for its source address, destination address and
-- destination port (net/ipv4/inet_hashtables.c, __inet_hash_connect): each of these triples has the
-- whole range to itself. A connection in TIME_WAIT counts, unless net.ipv4.tcp_tw_reuse lets it be
-- replaced.

local ephemeral = {}

-- Both tables have v4 connections: ::ffff:10.1.2.3 in tcp6 is 10.1.2.3.
local function plain(text)
  return text and (text:gsub("^::ffff:(%d+%.%d+%.%d+%.%d+)$", "%1"))
end

local KEYS = {
  { name = "source", type = "string", get = function(row) return plain(row.local_addr) end,
    doc = "our address" },
  { name = "destination", type = "string", get = function(row) return plain(row.remote_addr) end,
    doc = "the address that we connected to" },
  { name = "port", field = "remote_port", doc = "the port that we connected to" },
}

--- Ports taken by connections that went out, for each source, destination and port. A connection from
--- a port on which somebody listens came in and is left out.
---@param rows sockq.Query      rows of tcp; read twice: Query:keep() makes both one look
---@param ports sockq.Ports?    facts.ports; nil, the range is not known: every outgoing connection
---@return sockq.Query  # source, destination, port, used, time_wait, of, percent; the last two nil
---   without ports
--- Memory: the ports that are taken.
function ephemeral.use(rows, ports)
  local listening = {}
  for row in rows:where("LISTEN"):rows() do
    listening[row.local_port] = true
  end
  local chosen = ports and ports.ephemeral
  local count = ports and ports.count > 0 and ports.count or nil
  return rows:where(function(row)
    local port, peer = row.local_port, row.remote_port
    return peer ~= nil and peer ~= 0 and not listening[port] and (not chosen or chosen[port] == true)
  end):group(KEYS):agg("used=distinct(local_port), time_wait=count(TIME_WAIT)"):select({
    "source", "destination", "port", "used", "time_wait",
    { name = "of", type = "integer", get = function() return count end, doc = "ports that the kernel chooses from" },
    { name = "percent", type = "number", doc = "used of these",
      get = function(row) return count and math.floor(row.used / count * 1000 + 0.5) / 10 end },
  })
end

return ephemeral
