--- Addresses in expressions: within(), subnet() and scope().
--
-- Of a field of a socket row they read its bytes, so that a row costs some nanoseconds; of any other
-- text, each distinct one is read once.
local ffi = require "ffi"
local address = require "sockq.address"
local hint = require "sockq.hint"
local memo = require "sockq.expr.memo"
local schema = require "sockq.schema"

local C = schema.C
local band, bxor = bit.band, bit.bxor
local cast, new = ffi.cast, ffi.new
local getmetatable = getmetatable
local sformat = string.format

local HAS_ADDRS, INET = tonumber(C.SOCKQ_HAS_ADDRS), tonumber(C.SOCKQ_AF_INET)
local ROW = "sockq.row"
local handle_type, words_type = schema.row_handle, ffi.typeof("const int32_t *")

-- Where the bytes of a field stand in a row, in 32-bit words.
local OFFSETS = {
  local_addr = ffi.offsetof("struct sockq_row", "local_addr") / 4,
  remote_addr = ffi.offsetof("struct sockq_row", "remote_addr") / 4,
}

-- The word before the address in ::ffff:a.b.c.d, as memory has it.
local PREFIX = cast(words_type, new("const uint8_t[4]", { 0, 0, 255, 255 }))[0]

local addresses = {}

--- Four words of memory as numbers; they are zero behind an IPv4 address.
local function words_of(bytes)
  local words = cast(words_type, bytes)
  return words[0], words[1], words[2], words[3]
end

--- The struct of a socket row, nil where the row has no addresses. It is inlined into what LuaJIT
--- compiles: no pointer is allocated.
local function pointer_of(row)
  local pointer = cast(handle_type, row).row
  -- The row's own message on a cursor that was kept.
  if pointer == nil then return row.local_addr end
  return band(pointer.known, HAS_ADDRS) ~= 0 and pointer or nil
end

--- The words of a row and where in them the address of a field begins, that of a v4-mapped one at
--- its IPv4 address; whether it is IPv4. Nothing where the row has no addresses.
local function words_in(row, offset)
  local pointer = pointer_of(row)
  if not pointer then return nil end
  local words = cast(words_type, pointer)
  if pointer.family == INET then return words, offset, true end
  if words[offset] == 0 and words[offset + 1] == 0 and words[offset + 2] == PREFIX then
    return words, offset + 3, true
  end
  return words, offset, false
end

--- The offset of an argument that is an address field of a socket row.
---@param node table  the checked argument
---@return integer?
local function offset_of(node) return node.kind == "field" and OFFSETS[node.field.name] or nil end

-- equality

--- What to do about a text that is compared with an address and is none.
---@param text string
---@param field string
---@return string
function addresses.explain(text, field)
  local network, problem = address.network(text)
  if network then
    return sformat("%s is a network; write within(%s, %s)", hint.quote(text), field, hint.quote(text))
  end
  return problem
end

--- A comparison of a row's field with an address, byte by byte.
---@param field string
---@param op string  "==" or "~="
---@param text string  canonical
---@return function  # (row) → true or false
function addresses.comparison(field, op, text)
  local bytes = new("uint8_t[16]")
  local family = address.parse_as_written(text, bytes)
  local a, b, c, d = words_of(bytes)
  local offset, wanted, is_v4 = OFFSETS[field], op == "==", family == INET
  return function(row)
    if getmetatable(row) ~= ROW then
      local value = row[field]
      return value ~= nil and (value == text) == wanted
    end
    local pointer = pointer_of(row)
    if not pointer then return false end
    local words = cast(words_type, pointer)
    local same = pointer.family == family and words[offset] == a
      and (is_v4 or words[offset + 1] == b and words[offset + 2] == c and words[offset + 3] == d)
    return same == wanted
  end
end

-- within

local function within_text(text, network_text)
  local network = address.network(network_text)
  local family, bytes = address.parse(text)
  if not network or not family then return nil end
  return address.within(network, family, bytes)
end

--- A test of a row's field. LuaJIT keeps the numbers of a network in the trace.
local function within_row(field, offset, network)
  local a, b, c, d = words_of(network.bytes)
  local ma, mb, mc, md = words_of(network.mask)
  local function otherwise(row)
    local text = row[field]
    return text and within_text(text, address.network_text(network))
  end
  if network.family == INET then
    return function(row)
      if getmetatable(row) ~= ROW then return otherwise(row) end
      local words, at, is_v4 = words_in(row, offset)
      if not words then return nil end
      return is_v4 and band(words[at], ma) == a
    end
  end
  return function(row)
    if getmetatable(row) ~= ROW then return otherwise(row) end
    local words, at, is_v4 = words_in(row, offset)
    if not words then return nil end
    return not is_v4 and band(words[at], ma) == a and band(words[at + 1], mb) == b
      and band(words[at + 2], mc) == c and band(words[at + 3], md) == d
  end
end

addresses.within = {
  name = "within", args = { "address", "network" }, types = { "string", "string" }, returns = "boolean",
  doc = "the address lies in the network, or is that one address; a v4-mapped one is its IPv4 address",
  example = { 'within("::ffff:10.1.2.3", "10.0.0.0/8")', true },
  call = within_text,
  check = function(i, literal)
    if i == 1 then return nil end
    local _, problem = address.network(literal)
    return problem
  end,
  specialize = function(node, of_sockets)
    if node[2].kind ~= "string" then return nil end
    local network = address.network(node[2].constant)
    local offset = of_sockets and offset_of(node[1])
    if offset then return { call = within_row(node[1].field.name, offset, network), row = true } end
    return {
      call = memo(function(text)
        local family, bytes = address.parse(text)
        if family then return address.within(network, family, bytes) end
      end),
      arguments = { node[1] },
    }
  end,
}

-- subnet

local V6_LENGTH = 64

local function subnet_text(text, v4_length, v6_length)
  local family, bytes = address.parse(text)
  if not family then return nil end
  local length, most = v4_length, 32
  if family ~= INET then length, most = v6_length or V6_LENGTH, 128 end
  if length % 1 ~= 0 or length < 0 or length > most then return nil end
  return address.network_text(address.network(address.text(family, bytes) .. "/" .. sformat("%d", length)))
end

-- Subnets of IPv4 are remembered by number; more than so many are forgotten together.
local MOST_SUBNETS = 65536

--- The text of an IPv4 subnet of a prefix length by its word of memory.
local function texts4(length)
  local known, count = {}, 0
  local word = new("int32_t[1]")
  local bytes = cast("const uint8_t *", word)
  return function(key)
    local text = known[key]
    if text then return text end
    word[0] = key
    text = address.text4(bytes) .. "/" .. length
    if count >= MOST_SUBNETS then known, count = {}, 0 end
    known[key], count = text, count + 1
    return text
  end
end

local SLOTS = 1024

--- The text of an IPv6 subnet. Each has one slot, which the last one to need it keeps.
local function texts6(length)
  local keys, texts = new("int32_t[?]", SLOTS * 4), {}
  local words = new("int32_t[4]")
  local bytes = cast("const uint8_t *", words)
  return function(a, b, c, d)
    local mixed = bxor(a, b, c, d)
    local slot = band(bxor(mixed, bit.rshift(mixed, 10), bit.rshift(mixed, 20)), SLOTS - 1)
    local key = slot * 4
    local text = texts[slot]
    if text and keys[key] == a and keys[key + 1] == b and keys[key + 2] == c and keys[key + 3] == d then
      return text
    end
    words[0], words[1], words[2], words[3] = a, b, c, d
    text = address.text6(bytes) .. "/" .. length
    keys[key], keys[key + 1], keys[key + 2], keys[key + 3], texts[slot] = a, b, c, d, text
    return text
  end
end

--- The subnet of a row's field.
local function subnet_row(field, offset, v4_length, v6_length)
  local mask4 = words_of(address.mask(v4_length))
  local a, b, c, d = words_of(address.mask(v6_length))
  local text4, text6 = texts4(v4_length), texts6(v6_length)
  return function(row)
    if getmetatable(row) ~= ROW then
      local text = row[field]
      return text and subnet_text(text, v4_length, v6_length)
    end
    local words, at, is_v4 = words_in(row, offset)
    if not words then return nil end
    if is_v4 then return text4(band(words[at], mask4)) end
    return text6(band(words[at], a), band(words[at + 1], b), band(words[at + 2], c), band(words[at + 3], d))
  end
end

addresses.subnet = {
  name = "subnet", args = { "address", "bits", "[v6 bits]" }, min = 2, types = { "string", "number" },
  returns = "string",
  doc = "the network that the address lies in, of so many bits; of IPv6 64 if not given",
  example = { 'subnet("10.1.2.3", 24)', "10.1.2.0/24" },
  call = subnet_text,
  check = function(i, literal)
    if i == 1 then return nil end
    local most = i == 2 and 32 or 128
    if literal % 1 == 0 and literal >= 0 and literal <= most then return nil end
    if i == 2 and literal % 1 == 0 and literal > 32 and literal <= 128 then
      return sformat("an IPv4 prefix has 0 to 32 bits; write 24, %d for both", literal)
    end
    return sformat("%.14g is no prefix length; %s has 0 to %d", literal, i == 2 and "IPv4" or "IPv6", most)
  end,
  specialize = function(node, of_sockets)
    local v4_length, v6_length = node[2].constant, node[3] and node[3].constant or V6_LENGTH
    if not v4_length or node[3] and not node[3].constant then return nil end
    local offset = of_sockets and offset_of(node[1])
    if offset then
      return { call = subnet_row(node[1].field.name, offset, v4_length, v6_length), row = true }
    end
    return {
      call = memo(function(text) return subnet_text(text, v4_length, v6_length) end),
      arguments = { node[1] },
    }
  end,
}

-- scope

-- The registry has the scopes of both fields as fields of their own.
local scopes = {
  local_addr = function(row) return row.scope end,
  remote_addr = function(row) return row.remote_scope end,
}

addresses.scope = {
  name = "scope", args = { "address" }, types = { "string" }, returns = "string",
  doc = "how far the address reaches: any, loopback, link, private, multicast, public",
  example = { 'scope("192.168.1.5")', "private" },
  call = address.scope_of_text,
  specialize = function(node, of_sockets)
    if of_sockets and offset_of(node[1]) then return { call = scopes[node[1].field.name], row = true } end
    return { call = memo(address.scope_of_text), arguments = { node[1] } }
  end,
}

return addresses
