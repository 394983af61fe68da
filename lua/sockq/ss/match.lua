-- From the tree of a filter of ss to a function of a row.
--
-- ss compares addresses word by word, whatever families they have, and takes every row for one with an
-- address and a port on each side: of netlink sockets the address is the protocol, of unix ones the port
-- is the inode, or 0 in text. Over sock_diag the kernel has compared by its own rules before, so both must accept. In
-- compilers of_kernel is false, or where its rules count what only it knows.

local ffi = require("ffi")
local range = require("sockq.ss.range")
local schema = require("sockq.schema")

ffi.cdef("int fnmatch(const char *pattern, const char *text, int flags);")

local C, libc = schema.C, ffi.C

local match = {}

local band, bxor, tobit = bit.band, bit.bxor, bit.tobit
local cast = ffi.cast
local tonumber = tonumber
local words_of = ffi.typeof("const uint32_t *")
local INET, INET6, UNIX = tonumber(C.SOCKQ_AF_INET), tonumber(C.SOCKQ_AF_INET6), tonumber(C.SOCKQ_AF_UNIX)
local NETLINK, PACKET, VSOCK = tonumber(C.SOCKQ_AF_NETLINK), tonumber(C.SOCKQ_AF_PACKET), tonumber(C.SOCKQ_AF_VSOCK)
local XDP = tonumber(C.SOCKQ_AF_XDP)
local SCTP_EPS, SCTP_ASSOCS = tonumber(C.SOCKQ_SCTP_EPS), tonumber(C.SOCKQ_SCTP_ASSOCS)
local DIAG = tonumber(C.SOCKQ_ROW_DIAG)
-- fnmatch(3): letters are the same in either case.
local CASEFOLD = 16
-- ::ffff:0:0/96 as it lies in memory.
local MAPPED = ffi.new("uint32_t[1]")
do
  local bytes = cast("uint8_t *", MAPPED)
  bytes[2], bytes[3] = 0xff, 0xff
end
MAPPED = MAPPED[0]

local function low_word(number)
  return tobit(tonumber(number % 0x100000000ULL))
end

local function unix_peer(row, set, is_text)
  local more = not is_text and schema.unix_diag(set, row.more)
  return more and low_word(more.peer) or 0
end

local PORTS = {
  src = {
    [INET] = function(row) return row.local_port end,
    [INET6] = function(row) return row.local_port end,
    [UNIX] = function(row, _, is_text) return is_text and 0 or low_word(row.inode) end,
    [NETLINK] = function(row) return tobit(row.nl.port_id) end,
    [PACKET] = function(row) return row.packet.ifindex end,
    [VSOCK] = function(row) return tobit(row.vsock.local_port) end,
    [XDP] = function(row) return tobit(row.xdp.queue) end,
  },
  dst = {
    [INET] = function(row) return row.remote_port end,
    [INET6] = function(row) return row.remote_port end,
    [UNIX] = unix_peer,
    [NETLINK] = function() return -1 end,
    [PACKET] = function() return 0 end,
    [VSOCK] = function(row) return tobit(row.vsock.remote_port) end,
    [XDP] = function() return 0 end,
  },
}

-- The words of addresses that are none.
local scratch = ffi.new("uint32_t[4]")

local function number_words(number)
  scratch[0] = number
  return scratch
end

local function unix_name(row, set, is_text)
  local name = schema.text(set, row.un.path, row.un.path_len)
  if not name or name == "" then
    return nil
  elseif is_text then
    return name:match("^[^ \t\n\v\f\r]+")
  end
  return name:byte() == 0 and name:gsub("%z", "@") or name:match("^%Z*")
end

-- Nil: it has no words that mean anything.
local WORDS = {
  src = {
    [INET] = function(row) return cast(words_of, row.local_addr) end,
    [INET6] = function(row) return cast(words_of, row.local_addr) end,
    -- Where a name is, ss has its place in memory.
    [UNIX] = function(row, set, is_text) return not unix_name(row, set, is_text) and number_words(0) or nil end,
    [NETLINK] = function(row) return number_words(row.nl.protocol) end,
    [PACKET] = function(row) return number_words(row.packet.protocol) end,
    [VSOCK] = function(row) return number_words(row.vsock.local_cid) end,
    [XDP] = function() return number_words(0) end,
  },
  dst = {
    [INET] = function(row) return cast(words_of, row.remote_addr) end,
    [INET6] = function(row) return cast(words_of, row.remote_addr) end,
    [UNIX] = function() return number_words(0) end,
    [NETLINK] = function() return number_words(0) end,
    [PACKET] = function() return number_words(0) end,
    [VSOCK] = function(row) return number_words(row.vsock.remote_cid) end,
    [XDP] = function() return number_words(0) end,
  },
}

local function compile_address(one)
  local mask = ffi.new("uint32_t[4]")
  local mask_bytes = cast("uint8_t *", mask)
  for i = 0, one.bits - 1 do
    local at = math.floor(i / 8)
    mask_bytes[at] = mask_bytes[at] + 2 ^ (7 - i % 8)
  end
  local value = cast(words_of, one.bytes)
  local m0, m1, m2, m3 = mask[0], mask[1], mask[2], mask[3]
  local v0, v1, v2, v3 = value[0], value[1], value[2], value[3]
  local is4, is6, holder = one.family == "inet", one.family == "inet6", one
  return function(words, family, of_kernel)
    local is_mapped = family == INET6 and words[0] == 0 and words[1] == 0 and words[2] == MAPPED
    if is4 and is_mapped and band(bxor(words[3], v0), m0) == 0 then
      return true
    elseif of_kernel and (is6 and family == INET or is4 and family == INET6) then
      return false
    end
    return holder ~= nil and band(bxor(words[0], v0), m0) == 0 and (m1 == 0 or band(bxor(words[1], v1), m1) == 0) and
      (m2 == 0 or band(bxor(words[2], v2), m2) == 0) and (m3 == 0 or band(bxor(words[3], v3), m3) == 0)
  end
end

local compilers = {}

local function compile_pattern(side, pattern)
  return function(row, set, is_text)
    if row.family ~= UNIX then
      return false
    end
    local name = side == "src" and unix_name(row, set, is_text) or ""
    return libc.fnmatch(pattern, name, CASEFOLD) == 0
  end
end

local function constant(answer)
  return function() return answer end
end

function compilers.host(node, of_kernel)
  local value, find_words, find_port = node.value, WORDS[node.side], PORTS[node.side]
  if value.pattern then
    return compile_pattern(node.side, value.pattern)
  end
  local port = value.port ~= -1 and value.port or nil
  local tests = {}
  for i, one in ipairs(value.addresses) do
    tests[i] = compile_address(one)
  end
  local count = #tests
  if not port and count == 0 then
    return constant(true)
  end
  return function(row, set, is_text)
    local family = row.family
    if port and find_port[family](row, set, is_text) ~= port then
      return false
    end
    local words = count == 0 or find_words[family](row, set, is_text)
    if not words then
      return false
    end
    for i = 1, count do
      if tests[i](words, family, of_kernel) then
        return true
      end
    end
    return count == 0
  end
end

local COMPARE = {
  ["<"] = function(a, b) return a < b end,
  ["<="] = function(a, b) return a <= b end,
  [">"] = function(a, b) return a > b end,
  [">="] = function(a, b) return a >= b end,
}

function compilers.port(node, of_kernel)
  if node.op == "==" then
    return compilers.host(node, of_kernel)
  elseif node.op == "~=" then
    local equal = compilers.host(node, of_kernel)
    return function(row, set, is_text) return not equal(row, set, is_text) end
  end
  local compare, port, find = COMPARE[node.op], node.value.port or -1, PORTS[node.side]
  return function(row, set, is_text) return compare(find[row.family](row, set, is_text), port) end
end

local function is_equal(node, answer_of)
  local wanted = node.op == "=="
  return function(row, set) return answer_of(row, set) == wanted end
end

local function is_inet_diag(row)
  return band(row.flags, DIAG) ~= 0 and (row.family == INET or row.family == INET6)
end

-- Of SCTP the kernel leaves nothing out (net/sctp/diag.c).
local function is_compared(row)
  local number = row.table
  return is_inet_diag(row) and number ~= SCTP_EPS and number ~= SCTP_ASSOCS
end

function compilers.dev(node)
  local index = node.value
  return is_equal(node, function(row)
    local bound = 0
    if row.family == PACKET then
      bound = row.packet.ifindex
    elseif row.family == XDP then
      bound = tonumber(row.xdp.ifindex)
    elseif is_inet_diag(row) then
      bound = tonumber(row.diag.ifindex)
    end
    return bound == index
  end)
end

-- What sock_diag told besides of an inet row.
local function more_of(row, set)
  return is_inet_diag(row) and schema.diag(set, row.diag.more) or nil
end

function compilers.fwmark(node)
  local value, mask = node.value.mark, node.value.mask
  return is_equal(node, function(row, set)
    local more = more_of(row, set)
    return band(more and more.mark or 0, mask) == value
  end)
end

function compilers.cgroup(node)
  local id = node.value
  return is_equal(node, function(row, set)
    local more = more_of(row, set)
    return more ~= nil and more.cgroup_id == id
  end)
end

-- The ephemeral ports, looked up when the first row asks.
local function is_ephemeral(port)
  local ports = range.read()
  return port >= ports[1] and port <= ports[2]
end

local AUTOBOUND = {
  [INET] = function(row) return is_ephemeral(row.local_port) end,
  [INET6] = function(row) return is_ephemeral(row.local_port) end,
  [UNIX] = function(row, set, is_text)
    local name = unix_name(row, set, is_text)
    return not name or name:find("^@[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]$") ~= nil
  end,
  [NETLINK] = function(row) return tobit(row.nl.port_id) < 0 end,
  [PACKET] = function(row) return row.packet.ifindex == 0 and row.packet.protocol == 0 end,
  [VSOCK] = function(row) return tobit(row.vsock.local_port) > 1023 end,
  [XDP] = function(row) return is_ephemeral(tobit(row.xdp.queue)) end,
}

function compilers.autobound(_, of_kernel)
  if of_kernel then
    local chosen = of_kernel
    return function(row, set)
      local more = more_of(row, set)
      return more ~= nil and chosen[tonumber(more.cookie)] == true
    end
  end
  return function(row, set, is_text) return AUTOBOUND[row.family](row, set, is_text) end
end

local compile

compilers["not"] = function(node, of_kernel)
  local inner = compile(node[1], of_kernel)
  return function(row, set, is_text) return not inner(row, set, is_text) end
end

function compilers.chain(node, of_kernel)
  local members, is_and, count = {}, {}, #node
  for i, member in ipairs(node) do
    members[i], is_and[i] = compile(member, of_kernel), node.ops[i] == "and"
  end
  return function(row, set, is_text)
    local answer = members[1](row, set, is_text)
    for i = 2, count do
      if is_and[i] == answer then
        answer = members[i](row, set, is_text)
      end
    end
    return answer
  end
end

function compile(node, of_kernel)
  return compilers[node.kind](node, of_kernel)
end

-- What rows must have besides for a condition.
local NEEDS = { fwmark = { "details" }, cgroup = { "details" }, autobound = { "details", "autobound" } }

--- What a filter asks of rows besides what all of them have.
---@param node table  the tree
---@return { details: boolean?, autobound: boolean? }  # details: SOCKQ_WITH_DETAILS; autobound: which ones the kernel
---   chose the port of
function match.needs(node)
  local needs, stack = {}, { node }
  while #stack > 0 do
    local this = table.remove(stack)
    for _, name in ipairs(NEEDS[this.kind] or {}) do
      needs[name] = true
    end
    for _, child in ipairs(this) do
      stack[#stack + 1] = child
    end
  end
  return needs
end

--- A function of a row that tells whether a filter accepts it.
---@param node table  the tree: see sockq.ss.parse
---@param autobound table<number, boolean>  by cookie: the inet sockets whose port the kernel chose, there when rows
---   are looked at
---@return fun(row: ffi.cdata*, set: ffi.cdata*, is_text: boolean): boolean
function match.compile(node, autobound)
  local accepts, kernel = compile(node, false), compile(node, autobound)
  return function(row, set, is_text)
    return accepts(row, set, is_text) and (is_text or not is_compared(row) or kernel(row, set, is_text))
  end
end

return match
