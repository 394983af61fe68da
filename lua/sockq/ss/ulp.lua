-- What runs above tcp, TLS or MPTCP, and the keys of TCP-MD5 (include/uapi/linux/tls.h, mptcp.h, tcp.h).

local ffi = require("ffi")
local address = require("sockq.address")
local escape = require("sockq.escape")
local schema = require("sockq.schema")

local ulp = {}

local cast = ffi.cast
local band, lshift = bit.band, bit.lshift
local format = string.format

-- struct nlattr, each of which begins at a multiple of four bytes.
local HEADER, NESTED = 4, 0x3fff

-- Attributes by their number: { [number] = { from, length } }.
local function attributes(text, from, length)
  local found = {}
  local at, behind = from, from + length
  while behind - at >= HEADER do
    local words = cast("const uint16_t *", cast("const uint8_t *", text) + at)
    local size = words[0]
    if size < HEADER or size > behind - at then
      break
    end
    found[band(words[1], NESTED)] = { at + HEADER, size - HEADER }
    at = at + band(size + 3, -4)
  end
  return found
end

local function number(text, attribute, pointer, size)
  if not attribute or attribute[2] < size then
    return nil
  end
  return cast(pointer, cast("const uint8_t *", text) + attribute[1])[0]
end

local function u8(text, attribute) return number(text, attribute, "const uint8_t *", 1) end
local function u16(text, attribute) return number(text, attribute, "const uint16_t *", 2) end
local function u32(text, attribute) return number(text, attribute, "const uint32_t *", 4) end

local VERSIONS = { [0x0303] = "1.2", [0x0304] = "1.3" }
local CIPHERS = { [51] = " cipher: aes-gcm-128", [52] = " cipher: aes-gcm-256" }
local CONFIGURATIONS = { "none", "sw", "hw", "hw-record" }

local function known(names, value)
  return names[value] or ("unknown(%d)"):format(value)
end

-- TLS_INFO_*
local function tls_text(text, attribute)
  local inner = attributes(text, attribute[1], attribute[2])
  local parts = {}
  local version, cipher, tx, rx = u16(text, inner[1]), u16(text, inner[2]), u16(text, inner[3]), u16(text, inner[4])
  if version then
    parts[#parts + 1] = " version: " .. known(VERSIONS, version)
  end
  if cipher then
    parts[#parts + 1] = CIPHERS[cipher] or ""
  end
  if rx then
    parts[#parts + 1] = " rxconf: " .. known(CONFIGURATIONS, rx)
  end
  if tx then
    parts[#parts + 1] = " txconf: " .. known(CONFIGURATIONS, tx)
  end
  if inner[5] then
    parts[#parts + 1] = " zc_ro_tx"
  end
  return table.concat(parts)
end

-- A letter for each of MPTCP_SUBFLOW_FLAG_*.
local SUBFLOW_FLAGS = "MmJjBbecv"

-- MPTCP_SUBFLOW_ATTR_*
local function mptcp_text(text, attribute)
  local inner = attributes(text, attribute[1], attribute[2])
  local parts = {}
  local flags = u32(text, inner[8])
  if flags then
    local letters = {}
    for i = 1, #SUBFLOW_FLAGS do
      letters[#letters + 1] = band(flags, lshift(1, i - 1)) ~= 0 and SUBFLOW_FLAGS:sub(i, i) or nil
    end
    if letters[1] then
      parts[#parts + 1] = " flags:" .. table.concat(letters)
    end
  end
  local remote, here, remote_id, here_id = u32(text, inner[1]), u32(text, inner[2]), u8(text, inner[9]), u8(text, inner[10])
  if remote and here and remote_id and here_id then
    parts[#parts + 1] = format(" token:%04x(id:%d)/%04x(id:%d)", remote, remote_id, here, here_id)
  end
  local sequence = number(text, inner[4], "const uint64_t *", 8)
  if sequence then
    parts[#parts + 1] = " seq:" .. bit.tohex(sequence):gsub("^0+(.)", "%1")
  end
  for _, one in ipairs({ { " sfseq:", u32(text, inner[5]) }, { " ssnoff:", u32(text, inner[6]) },
    { " maplen:", u16(text, inner[7]) } }) do
    if one[2] then
      parts[#parts + 1] = format("%s%x", one[1], one[2])
    end
  end
  return table.concat(parts)
end

--- The piece of what runs above tcp: INET_ULP_INFO_*.
---@param set ffi.cdata*   sockq_set_handle
---@param more ffi.cdata*  sockq_diag
---@return string
function ulp.text(set, more)
  local text = schema.text(set, more.ulp, more.ulp_len)
  if not text then
    return ""
  end
  local outer = attributes(text, 0, #text)
  if not outer[1] then
    return ""
  end
  local name = text:sub(outer[1][1] + 1, outer[1][1] + outer[1][2]):match("^%Z*")
  local parts = { " tcp-ulp-", escape.octal(name) }
  if outer[2] then
    parts[#parts + 1] = tls_text(text, outer[2])
  end
  if outer[3] then
    parts[#parts + 1] = mptcp_text(text, outer[3])
  end
  return table.concat(parts)
end

-- struct tcp_diag_md5sig
ffi.cdef([[
struct sockq_ss_md5sig { uint8_t family, prefixlen; uint16_t keylen; uint8_t addr[16]; uint8_t key[80]; };
]])
local MD5SIG = ffi.sizeof("struct sockq_ss_md5sig")
local KEY_MOST = 80

local function key_text(key)
  -- All but printable ASCII, and the blank, the comma and the backslash.
  return (ffi.string(key.key, math.min(key.keylen, KEY_MOST)):gsub("[%c ,\\\127-\255]", function(byte)
    return format("\\%03o", byte:byte())
  end))
end

--- The piece of TCP-MD5, and the keys, which ss prints at once and not in the row.
---@return string piece, string keys
function ulp.md5(set, more)
  local count = math.floor(more.md5sig_len / MD5SIG)
  if count == 0 then
    return "", ""
  end
  local list = cast("const struct sockq_ss_md5sig *", schema.at(set, more.md5sig))
  local addresses, keys = {}, {}
  for i = 0, count - 1 do
    local one = list[i]
    addresses[i + 1] = address.text(one.family, one.addr) .. "/" .. one.prefixlen .. "="
    keys[i + 1] = key_text(one)
  end
  return " md5keys:" .. table.concat(addresses, ","), table.concat(keys)
end

return ulp
