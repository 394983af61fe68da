-- The hosts and ports of a filter of ss: [FAMILY:]ADDR[:PORT].

local ffi = require("ffi")
local address = require("sockq.address")
local core = require("sockq.core")
local integer = require("sockq.ss.integer")
local names = require("sockq.ss.names")

local hosts = {}

local INT_LOW, INT_HIGH = -0x80000000, 0x7fffffff

--- A condition on one side of a socket.
---@class sockq.ss.Host
---@field family string|nil     of a prefix or option: the only one to show
---@field port number|nil       nil: any
---@field addresses sockq.ss.Address[]  any of them may match; none: any address
---@field pattern string|nil    of unix: of the whole name

--- An address, or a word of one.
---@class sockq.ss.Address
---@field family string|nil  inet, inet6; nil: a number of a protocol
---@field bytes ffi.cdata*   uint8_t[16]
---@field bits integer       how many of them count

local PREFIXES = { "unix", "link", "netlink", "vsock", "inet", "inet6" }

local function number_address(number)
  local bytes = ffi.new("uint8_t[16]")
  ffi.cast("uint32_t *", bytes)[0] = number
  return { bytes = bytes, bits = 32 }
end

-- 1 to 4 parts in any radix; what is missing is zero.
local function parse4(text, bytes)
  local count = 0
  for part in (text .. "."):gmatch("([^.]*)%.") do
    local number = integer.within(part, 0, 255)
    if not number or count == 4 then
      return false
    end
    bytes[count] = number
    count = count + 1
  end
  return true
end

-- How many bits a dotted mask has.
local function bits_of_mask(text)
  local bytes, bits, ended = ffi.new("uint8_t[16]"), 0, false
  if text:find(":", 1, true) or not parse4(text, bytes) then
    return nil
  end
  for i = 0, 31 do
    local set = bit.band(bytes[math.floor(i / 8)], bit.rshift(0x80, i % 8)) ~= 0
    if set and ended then
      return nil
    end
    bits, ended = bits + (set and 1 or 0), ended or not set
  end
  return bits
end

local ANY = { any = true, all = true, default = true }

--- An address with or without a prefix.
---@param text string
---@param family string|nil  the only one that it may have
---@return sockq.ss.Address|nil
local function parse_prefix(text, family)
  local host, length = text:match("^([^/]*)/(.*)$")
  host = host or text
  if ANY[host] then
    return not length and { family = family, bytes = ffi.new("uint8_t[16]"), bits = 0 } or nil
  end
  local bytes = ffi.new("uint8_t[16]")
  local is6 = host:find(":", 1, true) ~= nil
  if is6 and address.parse_as_written(host, bytes) ~= 10 or not is6 and not parse4(host, bytes) then
    return nil
  end
  local found, most = is6 and "inet6" or "inet", is6 and 128 or 32
  if family and found ~= family then
    return nil
  end
  local bits = most
  if length then
    bits = integer.within(length, 0, most) or not integer.read(length) and bits_of_mask(length)
    if not bits or bits > most then
      return nil
    end
  end
  return { family = found, bytes = bytes, bits = bits }
end

-- A port by number or by a name that the chosen protocols have.
local function parse_port(text, asked)
  local number = integer.within(text, INT_LOW, INT_HIGH)
  if number then
    return number
  end
  local udp = asked.udp and core.port(text, "udp") or nil
  local tcp = asked.tcp and core.port(text, "tcp") or nil
  if udp and tcp and udp ~= tcp then
    return nil, ('Error: ambiguous port "%s".\n'):format(text)
  elseif not (udp or tcp) then
    return nil, ('Error: "%s" does not look like a port.\n'):format(text)
  end
  return udp or tcp
end

-- Address and port of a word; of sport and dport all of it is the port.
local function split(text, is_port)
  if is_port then
    return "", (text:gsub("^:", ""))
  end
  local before, behind = text:match("^([^:]*):(.*)$")
  return before or text, behind or ""
end

local function is_given(text)
  return text ~= "" and text ~= "*"
end

local parsers = {}

function parsers.unix(text)
  return { addresses = {}, pattern = text }
end

-- An address and a port that are numbers, or names that the readers know: each reader gives a number or nil.
local function numbered(text, is_port, read_host, read_port)
  local host, port = split(text, is_port)
  local parsed = { addresses = {} }
  if is_given(port) then
    parsed.port = read_port(port)
    if not parsed.port then
      return nil, ""
    end
  end
  if is_given(host) then
    local number = read_host(host)
    if not number then
      return nil, ""
    end
    parsed.addresses[1] = number_address(number)
  end
  return parsed
end

function parsers.link(text, is_port, asked)
  return numbered(text, is_port, function(host)
    return names.ethernet_number(host) or integer.within(host, 0, 0xffff)
  end, function(port)
    return integer.within(port, INT_LOW, INT_HIGH) or asked.device(port)
  end)
end

function parsers.netlink(text, is_port)
  return numbered(text, is_port, function(host)
    return names.netlink_number(host) or integer.within(host, 0, 255)
  end, function(port)
    return integer.within(port, INT_LOW, INT_HIGH) or port == "kernel" and 0 or nil
  end)
end

-- ss compares no bit of a context id.
function parsers.vsock(text, is_port)
  local parsed, wrong = numbered(text, is_port, function(host)
    return integer.within(host, 0, 0xffffffff)
  end, function(port)
    local number = integer.within(port, 0, 0xffffffff)
    return number and bit.tobit(number)
  end)
  if parsed then
    parsed.addresses = {}
  end
  return parsed, wrong
end

-- The address and the port of a text, which begins with a bracket, a star or the address itself.
local function split_inet(text)
  if text:sub(1, 1) == "[" then
    local host, port = text:match("^%[([^%]]*)%](.*)$")
    return host, port
  elseif text:sub(1, 1) == "*" then
    return "*", text:sub(2)
  end
  -- The last colon, and none before a prefix's length.
  local slash = text:find("/", 1, true) or 1
  local colon = text:sub(slash):match(".*():")
  if not colon then
    return text, ""
  end
  colon = slash + colon - 1
  return text:sub(1, colon - 1), text:sub(colon)
end

-- The text of sport and dport as a port, whatever is around it.
local function bare_port(text)
  return text:sub(1, 1) == "[" and text:match("^%[([^%]]*)%]") or text:sub(1, 1) ~= "[" and text or nil
end

-- Families that ss knows no addresses of: it takes those of IPv4 without a prefix, and no names.
local OTHERS = { tipc = true, xdp = true }

local function parse_inet(text, is_port, asked, family)
  local host, port
  if is_port then
    port = bare_port(text)
  else
    host, port = split_inet(text)
  end
  if not port then
    return nil, ""
  end
  port = port:gsub("^:", "")
  local parsed = { addresses = {} }
  if port ~= "" and port:sub(1, 1) ~= "*" then
    local wrong
    parsed.port, wrong = parse_port(port, asked)
    if not parsed.port then
      return nil, wrong
    end
  end
  if host and host ~= "" and host:sub(1, 1) ~= "*" then
    local is_other = OTHERS[family]
    local one = not (is_other and host:find("/", 1, true)) and parse_prefix(host, is_other and "inet" or family)
    local list = one and { one } or not is_other and asked.resolve(host, family)
    if not list or not list[1] then
      return nil, ('Error: an inet prefix is expected rather than "%s".\n'):format(host)
    end
    -- Without bits there is nothing to compare.
    parsed.addresses = list[1].bits > 0 and list or {}
  end
  return parsed
end

--- What a filter's words are looked up with.
---@class sockq.ss.Lookup
---@field family string|nil   the one that an option named last
---@field tcp boolean         services of tcp count
---@field udp boolean
---@field device fun(name: string): integer|nil
---@field cgroup fun(path: string): ffi.cdata*|nil, string?
---@field resolve fun(name: string, family: string|nil): sockq.ss.Address[]|nil

--- Read a host, or for sport and dport a port.
---@param text string
---@param is_port boolean
---@param asked sockq.ss.Lookup
---@return sockq.ss.Host|nil
---@return string?  # when nil: what ss says before its "Cannot parse dst/src address."
function hosts.parse(text, is_port, asked)
  local family, rest = asked.family, text
  for _, name in ipairs(PREFIXES) do
    local prefix = name .. ":"
    if text:sub(1, #prefix) == prefix then
      family, rest = name, text:sub(#prefix + 1)
    end
  end
  local parsed, wrong
  if parsers[family] then
    parsed, wrong = parsers[family](rest, is_port, asked)
  else
    local is_known = family == "inet" or family == "inet6" or OTHERS[family]
    parsed, wrong = parse_inet(rest, is_port, asked, is_known and family or nil)
  end
  if not parsed then
    return nil, wrong
  end
  parsed.family = family
  return parsed
end

return hosts
