-- Names of ports: /etc/services, as the C library reads it, loaded when the first one is asked for.

local core = require("sockq.core")
local hint = require("sockq.hint")

local services = {}

-- Protocols of rows → where their ports have names.
local PROTOCOLS = {
  tcp = "tcp", tcp6 = "tcp", udp = "udp", udp6 = "udp", udplite = "udp", udplite6 = "udp", sctp = "sctp",
  raw = "raw", raw6 = "raw",
}

local loaded = setmetatable({}, {
  __index = function(known, protocol)
    local names = core.services(protocol)
    known[protocol] = names
    return names
  end,
})

--- The protocols that name() takes, sorted.
---@return string[]
function services.protocols()
  return hint.keys(PROTOCOLS)
end

--- The name of a port.
---@param port number
---@param protocol? string  as in the field proto; nil: tcp's name, else udp's
---@return string|nil  # nil: it has none
--- Cost: a table access.
function services.name(port, protocol)
  if protocol then
    local named = PROTOCOLS[protocol]
    return named and loaded[named][port]
  end
  return loaded.tcp[port] or loaded.udp[port]
end

--- The ports of a name, over tcp, udp and sctp.
---@param name string  in any case
---@return integer[]  # sorted, without repetition; empty: no service is called so
function services.ports(name)
  local ports, seen = {}, {}
  name = name:lower()
  for _, protocol in ipairs({ "tcp", "udp", "sctp" }) do
    for port, known in pairs(loaded[protocol]) do
      if known:lower() == name and not seen[port] then
        seen[port] = true
        ports[#ports + 1] = port
      end
    end
  end
  if not ports[1] then
    -- An alias: the C library knows one port for it.
    ports[1] = core.port(name)
  end
  table.sort(ports)
  return ports
end

--- Every name, for messages.
---@return string[]
function services.names()
  local seen = {}
  for _, protocol in ipairs({ "tcp", "udp", "sctp" }) do
    for _, name in pairs(loaded[protocol]) do
      seen[name] = true
    end
  end
  return hint.keys(seen)
end

return services
