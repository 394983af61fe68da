-- Addresses: text as inet_ntop writes it, scopes, networks, the v4-mapped prefix.

local ffi = require("ffi")
local C = require("sockq.schema").C
local hint = require("sockq.hint")

ffi.cdef([[
const char *inet_ntop(int af, const void *src, char *dst, unsigned size);
int inet_pton(int af, const char *src, void *dst);
]])

local address = {}

local libc = ffi.C
local format = string.format
local band, bxor = bit.band, bit.bxor
local text_buffer = ffi.new("char[64]")

-- Servers see the same addresses again and again. Each address has one slot, which the last one to
-- need it keeps: nothing grows, and the garbage collector has little to walk.
local SLOTS = 8192
local slot_key, slot_text = ffi.new("double[?]", SLOTS, -1), {}
for slot = 0, SLOTS - 1 do
  slot_text[slot] = ""
end

--- Dotted quad of four bytes.
---@param bytes ffi.cdata*  uint8_t pointer, network order
---@return string
function address.text4(bytes)
  local a, b, c, d = bytes[0], bytes[1], bytes[2], bytes[3]
  local key = a * 16777216 + b * 65536 + c * 256 + d
  local slot = band(bxor(key, c * 31 + b * 7 + a), SLOTS - 1)
  if slot_key[slot] == key then
    return slot_text[slot]
  end
  local text = format("%d.%d.%d.%d", a, b, c, d)
  slot_key[slot], slot_text[slot] = key, text
  return text
end

--- IPv6 text of sixteen bytes, as inet_ntop(3) writes it.
---@return string
function address.text6(bytes)
  libc.inet_ntop(C.SOCKQ_AF_INET6, bytes, text_buffer, 64)
  return ffi.string(text_buffer)
end

--- Text of an address of either family.
function address.text(family, bytes)
  if family == C.SOCKQ_AF_INET then
    return address.text4(bytes)
  end
  return address.text6(bytes)
end

--- True for ::ffff:a.b.c.d.
function address.is_mapped(bytes)
  for i = 0, 9 do
    if bytes[i] ~= 0 then
      return false
    end
  end
  return bytes[10] == 255 and bytes[11] == 255
end

--- True if the first `count` bytes are zero.
function address.is_zero(bytes, count)
  for i = 0, count - 1 do
    if bytes[i] ~= 0 then
      return false
    end
  end
  return true
end

local function scope4(bytes)
  local a, b = bytes[0], bytes[1]
  if a == 0 then
    return "any"
  elseif a == 127 then
    return "loopback"
  elseif a == 169 and b == 254 then
    return "link"
  elseif a == 10 or (a == 172 and b >= 16 and b < 32) or (a == 192 and b == 168) or
      (a == 100 and b >= 64 and b < 128) then
    return "private"
  elseif a >= 224 and a < 240 then
    return "multicast"
  end
  return "public"
end

--- How far an address reaches: any, loopback, link, private, multicast or public. A v4-mapped
--- address counts as the IPv4 address in it.
--- Source: RFC 6890 and RFC 4193 (private, unique local), RFC 6598 (100.64.0.0/10), RFC 4291.
---@return string
function address.scope(family, bytes)
  if family == C.SOCKQ_AF_INET then
    return scope4(bytes)
  elseif address.is_mapped(bytes) then
    return scope4(bytes + 12)
  elseif address.is_zero(bytes, 15) then
    return bytes[15] == 0 and "any" or bytes[15] == 1 and "loopback" or "public"
  elseif bytes[0] == 0xfe and bytes[1] >= 0x80 and bytes[1] < 0xc0 then
    return "link"
  elseif bytes[0] == 0xfc or bytes[0] == 0xfd then
    return "private"
  elseif bytes[0] == 0xff then
    return "multicast"
  end
  return "public"
end

local INET, INET6 = tonumber(C.SOCKQ_AF_INET), tonumber(C.SOCKQ_AF_INET6)
local parsed = ffi.new("uint8_t[16]")

--- Read an address in text form.
---@param text string
---@param bytes ffi.cdata*  uint8_t[16], written
---@return integer|nil family  nil: it is no address
function address.parse_as_written(text, bytes)
  if text:find("%z") then
    return nil
  elseif libc.inet_pton(INET, text, bytes) == 1 then
    return INET
  end
  return libc.inet_pton(INET6, text, bytes) == 1 and INET6 or nil
end

--- An address as rows have it: "2001:DB8::0" → "2001:db8::"; nil: it is none.
---@param text string
---@return string|nil
function address.canonical(text)
  local family = address.parse_as_written(text, parsed)
  return family and address.text(family, parsed)
end

--- The same as parse_as_written, a v4-mapped address being the IPv4 address in it.
---@param text string
---@return integer|nil family
---@return ffi.cdata* bytes  valid until the next call
function address.parse(text)
  local family = address.parse_as_written(text, parsed)
  if family == INET6 and address.is_mapped(parsed) then
    ffi.copy(parsed, parsed + 12, 4)
    return INET, parsed
  end
  return family, parsed
end

--- The scope of an address in text form; nil if it is none.
---@param text string
function address.scope_of_text(text)
  local family, bytes = address.parse(text)
  return family and address.scope(family, bytes)
end

local bits = { [INET] = 32, [INET6] = 128 }
local version = { [INET] = "IPv4", [INET6] = "IPv6" }

--- The mask of a prefix.
---@param length integer  0 to 128
---@return ffi.cdata*  uint8_t[16]
function address.mask(length)
  local mask = ffi.new("uint8_t[16]")
  for i = 0, 15 do
    local left = math.max(0, math.min(8, length - 8 * i))
    mask[i] = 256 - 2 ^ (8 - left)
  end
  return mask
end

-- The prefix length that a dotted mask stands for.
local function length_of_mask(text)
  local family, bytes = address.parse(text)
  for length = 0, family == INET and 32 or -1 do
    if ffi.string(address.mask(length), 4) == ffi.string(bytes, 4) then
      return length
    end
  end
  return nil
end

-- What is wrong with an address, and what to write.
local function explain_address(text, rest)
  local parts = 0
  for _ in text:gmatch("%d+") do
    parts = parts + 1
  end
  if text:find("^[%d.]+$") and parts < 4 and not text:find("..", 1, true) then
    local whole = text:gsub("%.$", "") .. (".0"):rep(4 - parts)
    if address.parse(whole) then
      return ("%q is no address; write %s%s"):format(text, whole, rest)
    end
  end
  return ("%s is no address; one looks like 10.1.2.3 or fe80::1"):format(hint.quote(text))
end

--- A network, or a lone address as the network of just itself.
---@param text string  "10.0.0.0/8", "fe80::1"; bits behind the prefix do not matter
---@return table|nil  # family, length, bytes (of its first address), mask; uint8_t[16] both; one in
---   the v4-mapped prefix is the IPv4 network
---@return string|nil  # when nil: "what is wrong; what to do"
function address.network(text)
  local host, length = text:match("^([^/]*)/(.*)$")
  host = host or text
  local family, found = address.parse(host)
  if not family then
    return nil, explain_address(host, length and length:find("^%d%d?$") and "/" .. length or "")
  end
  local most = bits[family]
  local number = length and tonumber(length:match("^%d+$")) or most
  -- The length counts from the start of the text: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  local mapped = family == INET and host:find(":", 1, true)
  if length and mapped then
    number = number - 96
  end
  if length and not length:find("^%d%d?%d?$") then
    local meant = length_of_mask(length)
    return nil, ("%s has no prefix length; write /%s"):format(hint.quote(text),
      meant or ("0 to /%d"):format(most))
  elseif number < 0 or number > most then
    return nil, ("%s has a prefix of %s bits; %s has %s"):format(hint.quote(text), length, version[family],
      mapped and "96 to 128 within ::ffff:0:0/96" or "0 to " .. most)
  end
  local network = { family = family, length = number, bytes = ffi.new("uint8_t[16]"), mask = address.mask(number) }
  for i = 0, 15 do
    network.bytes[i] = i < most / 8 and band(found[i], network.mask[i]) or 0
  end
  return network
end

--- Whether an address lies in a network. A v4-mapped one counts as the IPv4 address in it.
---@param network table  from address.network()
---@param family integer
---@param bytes ffi.cdata*
---@return boolean
function address.within(network, family, bytes)
  if family == INET6 and address.is_mapped(bytes) then
    family, bytes = INET, bytes + 12
  end
  if family ~= network.family then
    return false
  end
  for i = 0, bits[family] / 8 - 1 do
    if band(bytes[i], network.mask[i]) ~= network.bytes[i] then
      return false
    end
  end
  return true
end

--- A network's text, as inet_ntop writes its first address.
---@param network table
---@return string  "10.1.2.0/24"
function address.network_text(network)
  return address.text(network.family, network.bytes) .. "/" .. network.length
end

return address
