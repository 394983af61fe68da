--- Words of a command line that are no Lua: ports, addresses, networks.
--
--   :3000  :ssh  10.1.2.3  10.0.0.0/8  10.1.2.3:443  10.0.0.0/8:443  fe80::1  [fe80::1]:22  ::/0
--
-- Each stands for an expression about either end of a socket; no expression is written like that.
local address = require "sockq.address"
local nearest = require "sockq.nearest"
local parse = require "sockq.expr.parse"
local services = require "sockq.services"

local quote, raise = parse.quote, parse.raise
local concat = table.concat
local sformat = string.format

local endpoint = {}

--- The ports that the text behind a colon names.
---@param text string
---@param pos integer  where it begins in the word
---@return integer[]
local function ports_of(text, pos)
  if text == "" then raise(pos, "a port is missing behind the colon; write :443 or :https") end
  if text == "*" then raise(pos, '"*" is no port; leave ":*" out') end
  if text:find "^%d+$" then
    local port = tonumber(text)
    if port < 1 or port > 65535 then raise(pos, sformat("%s is no port; ports go from 1 to 65535", quote(text))) end
    return { port }
  end
  local ports = services.ports(text)
  if not ports[1] then
    local near = nearest(text, services.names())
    raise(pos, sformat("%s is neither a port nor a service; %s", quote(text),
      near and "did you mean :" .. near .. "?" or "/etc/services lists the services"))
  end
  return ports
end

---@return string  a network as within() takes it
local function network_of(text, pos, whole)
  local network, problem = address.network(text)
  if network then return text end
  if whole and text == "*" then problem = '"*" is no address; write :PORT alone for any' end
  if whole and whole:find "^[%w_-]+$" and text:find "^%a[%w_.-]*$" then
    problem = sformat("%s is no address; write :%s as a word of its own, or an address", quote(text), whole)
  end
  raise(pos, problem)
end

---@param ports integer[]
---@param side string  "local" or "remote"
local function port_condition(ports, side)
  local parts = {}
  for i, port in ipairs(ports) do parts[i] = sformat("%s_port == %d", side, port) end
  return concat(parts, " or ")
end

--- What a socket must have at one end.
local function one_end(side, network, ports)
  local at_port = ports and port_condition(ports, side)
  if not network then return at_port end
  local within = sformat('within(%s_addr, "%s")', side, network)
  if not ports then return within end
  return sformat(#ports > 1 and "%s and (%s)" or "%s and %s", within, at_port)
end

---@return string  # an expression
local function either(network, ports)
  return one_end("local", network, ports) .. " or " .. one_end("remote", network, ports)
end

--- Where a word falls apart into an address and a port, if it is of these forms.
---@param word string
---@return string? host
---@return string? port
---@return integer? port_pos
local function split(word)
  if word:find "[%s\"'()=<>~,]" then return nil end
  if word:sub(1, 1) == "[" then
    local host, rest = word:match "^%[([^%]]*)%](.*)$"
    if not host then raise(1, 'a "[" without its "]"; write [fe80::1]:22') end
    if host == "" then raise(2, 'an address is missing between "[" and "]"; write [fe80::1]:22') end
    local prefix = rest:match "^/%d+" or ""
    rest = rest:sub(#prefix + 1)
    if rest == "" then return host .. prefix end
    if rest:sub(1, 1) ~= ":" then
      raise(#word - #rest + 1, sformat('unexpected %s behind "]"; write [fe80::1]:22', quote(rest)))
    end
    return host .. prefix, rest:sub(2), #word - #rest + 2
  end
  local host, port = word:match "^([^:]*):([^:]*)$"
  if host then return host, port, #host + 2 end
  if word:find(":", 1, true) then
    -- IPv6; behind a prefix length there may be a port.
    local network, behind = word:match "^([%x:.]+/%d+):([^:]*)$"
    if network then return network, behind, #network + 2 end
    return word
  end
  if word:find "^%d+%.%d+%.[%d./]*" or word:find "^%d+%.?%d*/%d+$" then return word end
end

--- The expression that a word of the command line stands for. Only below parse.protect().
---@param word string
---@return string  # the word itself if it is no port, address or network
function endpoint.expand(word)
  if word:find "^%d+$" then
    raise(1, sformat("%s is no condition; write :%s for a port, pid == %s for a process", word, word, word))
  end
  local host, port, port_pos = split(word)
  if not host then return word end
  if host == "" then return either(nil, ports_of(port, port_pos)) end
  local network = network_of(host, word:sub(1, 1) == "[" and 2 or 1, port)
  return either(network, port and ports_of(port, port_pos))
end

return endpoint
