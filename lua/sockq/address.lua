-- Addresses: text as inet_ntop writes it, scopes, the v4-mapped prefix.

local ffi = require("ffi")
local C = require("sockq.schema").C

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

local parsed = ffi.new("uint8_t[16]")

--- The family and the bytes of an address in text form; nil if it is none.
---@param text string
---@return integer|nil family, ffi.cdata* bytes  # uint8_t[16], valid until the next call
function address.parse(text)
  local family = text:find(":", 1, true) and C.SOCKQ_AF_INET6 or C.SOCKQ_AF_INET
  if text:find("%z") or libc.inet_pton(family, text, parsed) ~= 1 then
    return nil
  end
  return family, parsed
end

--- The scope of an address in text form; nil if it is none.
---@param text string
function address.scope_of_text(text)
  local family, bytes = address.parse(text)
  return family and address.scope(family, bytes) or nil
end

--- A network as ADDR/LEN with the bits behind LEN cleared, from the same or an address alone; nil if
--- the text is neither. Example: network("10.1.2.3/8") --> "10.0.0.0/8"
---@param text string
---@return string|nil
function address.network(text)
  local host, length = text:match("^(.-)/(%d%d?%d?)$")
  local family, bytes = address.parse(host or text)
  if not family then
    return nil
  end
  local bits = family == C.SOCKQ_AF_INET and 32 or 128
  length = tonumber(length) or bits
  if length > bits then
    return nil
  end
  for i = 0, bits / 8 - 1 do
    local kept = math.max(0, math.min(8, length - 8 * i))
    bytes[i] = band(bytes[i], 256 - 2 ^ (8 - kept))
  end
  return ("%s/%d"):format(address.text(family, bytes), length)
end

return address
