-- Rows of tcp, udp, raw and their like.

local ffi = require("ffi")
local address = require("sockq.address")
local cells = require("sockq.ss.cells")
local details = require("sockq.ss.details")
local escape = require("sockq.escape")
local names = require("sockq.ss.names")
local schema = require("sockq.schema")
local sockdiag = require("sockq.ss.sockdiag")
local span = require("sockq.span")
local text = require("sockq.ss.text")
local timer = require("sockq.ss.timer")
local users = require("sockq.ss.users")

ffi.cdef("size_t strlen(const char *text);")

local C, libc = schema.C, ffi.C
local figures = text.figures

local inet = {}

local cast, copy = ffi.cast, ffi.copy
local bxor, band = bit.bxor, bit.band
local tonumber = tonumber
local INET, INET6 = tonumber(C.SOCKQ_AF_INET), tonumber(C.SOCKQ_AF_INET6)
local HAS_TCP = tonumber(C.SOCKQ_HAS_TCP)
local DIAG, LISTEN = tonumber(C.SOCKQ_ROW_DIAG), tonumber(C.SOCKQ_LISTEN)
local IS_ASSOC = tonumber(C.SOCKQ_DIAG_IS_ASSOC)
local HAS_V6ONLY, HAS_PROTOCOL = tonumber(C.SOCKQ_DIAG_HAS_V6ONLY), tonumber(C.SOCKQ_DIAG_HAS_PROTOCOL)
-- What a captured tree does not say, and ss takes too.
local USER_HZ = 100
local words_of = ffi.typeof("const uint32_t *")
local word = ffi.typeof("uint32_t *")

-- Each octet with the dot behind it, and how long that is.
local octet, octet_size = ffi.new("uint32_t[256]"), ffi.new("uint8_t[256]")
for n = 0, 255 do
  local digits = n .. "."
  copy(cast("uint8_t *", octet) + n * 4, digits, #digits)
  octet_size[n] = #digits
end

local function put4(bytes, at, addr)
  local a, b, c, d = addr[0], addr[1], addr[2], addr[3]
  cast(word, bytes + at)[0] = octet[a]
  at = at + octet_size[a]
  cast(word, bytes + at)[0] = octet[b]
  at = at + octet_size[b]
  cast(word, bytes + at)[0] = octet[c]
  at = at + octet_size[c]
  cast(word, bytes + at)[0] = octet[d]
  return at + octet_size[d] - 1
end

-- Servers see the same addresses again and again: each has a slot, which the last one to need it keeps.
local SLOTS = 4096
ffi.cdef("struct sockq_ss_text6 { uint32_t key[4]; uint32_t size; char text[52]; };")
local slots = ffi.new("struct sockq_ss_text6[?]", SLOTS)

local function fill_slot(slot, addr)
  copy(slot.key, addr, 16)
  slot.text[0] = 91
  libc.inet_ntop(INET6, addr, slot.text + 1, 50)
  local length = tonumber(libc.strlen(slot.text))
  slot.text[length] = 93
  slot.size = length + 1
end

local function put6(bytes, at, addr)
  local key = cast(words_of, addr)
  local a, b, c, d = key[0], key[1], key[2], key[3]
  local slot = slots[band(bxor(a * 3, b * 5, c * 7, d, bit.rshift(d, 12)), SLOTS - 1)]
  local known = slot.key
  if slot.size == 0 or known[0] ~= a or known[1] ~= b or known[2] ~= c or known[3] ~= d then
    fill_slot(slot, addr)
  end
  copy(bytes + at, slot.text, 52)
  return at + slot.size
end

local function is_any6(addr)
  local key = cast(words_of, addr)
  return key[0] == 0 and key[1] == 0 and key[2] == 0 and key[3] == 0
end

local function put_address(bytes, at, family, addr)
  if family == INET then
    return (put4(bytes, at, addr))
  elseif is_any6(addr) then
    bytes[at] = 42
    return at + 1
  end
  return (put6(bytes, at, addr))
end

-- The name of a host; a v4-mapped address is looked up as IPv4.
local function host(family, addr)
  if family == INET then
    return names.host4[address.text4(addr)]
  elseif address.is_mapped(addr) then
    return names.host4[address.text4(addr + 12)]
  end
  return names.host6[address.text6(addr)]
end

local function is_any(family, addr)
  if family == INET then
    return address.is_zero(addr, 4)
  end
  return is_any6(addr)
end

local function put_host(bytes, at, family, addr)
  local name = not is_any(family, addr) and host(family, addr)
  if name then
    return (text.put(bytes, at, name))
  end
  return (put_address(bytes, at, family, addr))
end

-- A writer of ports. find: a function or table from port to name, nil for numbers.
local function port_writer(find)
  if not find then
    return text.port
  end
  return function(bytes, at, port)
    local name = port ~= 0 and find[port]
    if name then
      return (text.put(bytes, at, name))
    end
    return (text.port(bytes, at, port))
  end
end

-- %g of a number that is not negative.
local function put_g(bytes, at, lead, number)
  at = text.put(bytes, at, lead)
  return at + figures.general(bytes + at, number)
end

local function put_field(bytes, at, lead, number)
  at = text.put(bytes, at, lead)
  return (text.signed(bytes, at, number))
end

-- ss leaves out the retransmission timeout of three seconds, its own default.
local DEFAULT_RTO = 300

-- The pieces of -i over text. A row without a tail has a window of 2; ss reads none behind a pointer that
-- is no number.
local function put_info(bytes, at, row, set, hz)
  local line = schema.line(set, row.tcp.line * 8)
  local has_tail = band(row.known, HAS_TCP) ~= 0 and line ~= nil and line.has_pointer ~= 0
  local tcp = row.tcp
  if has_tail then
    if tcp.rto ~= 0 and tcp.rto ~= DEFAULT_RTO then
      at = put_g(bytes, at, " rto:", tcp.rto / hz)
    end
    if tcp.ato ~= 0 then
      at = put_g(bytes, at, " ato:", tcp.ato / hz)
    end
    local quick = bit.tobit(tcp.qack)
    quick = (quick - (quick < 0 and -1 or 1) * band(quick, 1)) / 2
    if quick ~= 0 then
      at = put_field(bytes, at, " qack:", quick)
      if band(quick, 1) ~= 0 then
        at = text.put(bytes, at, " bidir")
      end
    end
  end
  local cwnd = has_tail and bit.tobit(tcp.cwnd) or 2
  if cwnd ~= 0 then
    at = put_field(bytes, at, " cwnd:", cwnd)
  end
  if has_tail and tcp.ssthresh ~= -1 and tcp.ssthresh ~= 0 then
    at = put_field(bytes, at, " ssthresh:", tcp.ssthresh)
  end
  local count = row.timer == 1 and row.retrans or row.probes
  if count ~= 0 then
    at = text.field(bytes, at, " retrans:", count)
    at = text.put(bytes, at, "/0")
  end
  return (text.put(bytes, at, " reordering:0"))
end

local function put_timer(bytes, at, row)
  local code = row.timer
  if code == 0 then
    return at
  end
  local ms = span.milliseconds(tonumber(row.when % 0x100000000ULL))
  return (timer.write(bytes, at, code, ms, code == 1 and row.retrans or row.probes))
end

-- What a line has beyond a row, for which text rows alone are asked.
local function put_details(bytes, at, row, set)
  local line = schema.line(set, row.tcp.line * 8)
  at = details.put_identity(bytes, at, row.uid, row.inode, line and line.pointer or 0)
  if line and line.rest_len > 0 then
    at = text.put(bytes, at, (' opt:"%s"'):format(escape.octal(schema.text(set, line.rest, line.rest_len))))
  end
  return at
end

-- The pieces of a row of text, behind the users.
local function text_writer(show, is_tcp)
  local wants_timer = show.options and is_tcp
  local wants_details = show.extended and is_tcp
  local wants_info = show.info and is_tcp
  return function(bytes, at, row, set)
    if wants_timer then
      at = put_timer(bytes, at, row)
    end
    if wants_details then
      at = put_details(bytes, at, row, set)
    end
    if wants_info then
      at = put_info(bytes, at, row, set, USER_HZ)
    end
    return at
  end
end

local PIECES = { "options", "extended", "memory", "info", "tos", "cgroup", "inet_sockopt" }

local function process_cell(show, is_tcp)
  local wants_users, wants_pieces = show.processes or show.threads, false
  for _, name in ipairs(PIECES) do
    wants_pieces = wants_pieces or show[name] or false
  end
  local write_text, write_diag = text_writer(show, is_tcp), sockdiag.writer(show)
  if not (wants_users or wants_pieces) then
    return cells.nothing
  end
  return function(bytes, at, row, set)
    if wants_users then
      at = users.write(bytes, at, row, set)
    end
    if not wants_pieces then
      return at
    elseif band(row.flags, DIAG) ~= 0 then
      return (write_diag(bytes, at, row, set))
    end
    return (write_text(bytes, at, row, set))
  end
end

local function is_v6only(row)
  return band(row.flags, DIAG) ~= 0 and band(row.diag.has, HAS_V6ONLY) ~= 0 and row.diag.v6only ~= 0
end

-- The any address of a socket that takes no IPv4.
local ANY6 = "[::]"

local function address_cell(field, resolve)
  local put = resolve and put_host or put_address
  local has_device = field == "local_addr"
  return function(bytes, at, row)
    local start = at
    at = put(bytes, at, row.family, row[field])
    if bytes[start] == 42 and is_v6only(row) then
      at = text.put(bytes, start, ANY6)
    end
    if has_device and band(row.flags, DIAG) ~= 0 and row.diag.ifindex ~= 0 then
      bytes[at] = 37
      at = text.put(bytes, at + 1, names.device[row.diag.ifindex])
    end
    bytes[at] = 58
    return at + 1
  end
end

local function port_cell(field, put)
  return function(bytes, at, row)
    return (put(bytes, at, row[field]))
  end
end

-- Of sock_diag's raw sockets ss shows the protocol that they were made with.
local RAW_NAMES = { [0] = "raw", [6] = "tcp", [17] = "udp", [33] = "dccp", [58] = "icmp6", [132] = "sctp" }

local function raw_netid(bytes, at, row)
  if band(row.flags, DIAG) == 0 or band(row.diag.has, HAS_PROTOCOL) == 0 then
    return (text.put(bytes, at, "raw"))
  end
  return (text.put(bytes, at, RAW_NAMES[row.diag.protocol] or "???"))
end

-- Of a listener sock_diag tells how many connections may wait.
local function send_q(bytes, at, row)
  if row.state == LISTEN and band(row.flags, DIAG) ~= 0 and band(row.diag.has, IS_ASSOC) == 0 then
    return (text.queue(bytes, at, row.diag.backlog_max))
  end
  return (text.queue(bytes, at, row.send_q))
end

--- The cells of a protocol's rows.
---@param protocol string    as in the Netid column
---@param show table         of the plan
---@param find table?        names of ports by number; nil: numbers
---@return table<string, function>
function inet.cells(protocol, show, find)
  local put_port = port_writer(find)
  return {
    netid = protocol == "raw" and raw_netid or cells.constant(protocol),
    state = cells.state,
    recv_q = cells.recv_q,
    send_q = send_q,
    local_address = address_cell("local_addr", show.resolve),
    local_port = port_cell("local_port", put_port),
    peer_address = address_cell("remote_addr", show.resolve),
    peer_port = port_cell("remote_port", put_port),
    process = process_cell(show, protocol == "tcp"),
  }
end

return inet
