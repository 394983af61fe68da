--- Random rows of the inet tables in /proc/net, in the forms that kernels 2.6.32 to 6.18 print.
--
-- A row is made by a printf format of the kernel; what varies between kernels (width of the slot,
-- pointers, the drops column, padding) is chosen once a tree, in a "style".

local inet = {}

local concat = table.concat

--- Ports with a name in most /etc/services, and others.
local PORTS = { 22, 53, 80, 443, 631, 3306, 5432, 8080, 4369, 123, 1, 0, 1023, 1024, 9999, 50000,
  32768, 65535, 548, 20012 }

--- Users: root, some of /etc/passwd, unknown ones, and those that only fit an unsigned number.
local USERS = { 0, 0, 0, 1, 2, 33, 65534, 27, 994, 1000, 1000, 1001, 12345, 126264549,
  2147483647, 2147483648, 4294967294, 4294967295 }

local QUEUES = { 0, 0, 0, 0, 0, 0, 1, 5, 17, 128, 768, 4352, 70000, 123456, 999999, 1000000,
  16777215, 2147483647, 2147483648, 4294967295 }

--- Ticks; over 8 digits only where a 2.6.32 row shows an overdue timer.
local WHENS = { "00000000", "00000001", "00000014", "00000063", "00000064", "00000169", "000008BB",
  "0000176F", "00001770", "000AFC80", "000A11D4", "05F5E100", "7FFFFFFF", "80000000", "FFFFFFFF",
  "100000000", "1AD7F29ABCA", "20000000000001", "FFFFFFFFFFFFFF9C", "FFFFFFFFFFFFFFFF" }

local RETRIES = { "00000000", "00000000", "00000000", "00000001", "00000002", "00000007",
  "0000000A", "0000000F", "00000010", "000000FF", "7FFFFFFF", "FFFFFFFF" }

--- Unanswered probes: a byte in the kernel; larger values are read by netstat as signed.
local PROBES = { { 60, "0" }, { 8, "1" }, { 8, "3" }, { 8, "9" }, { 4, "255" }, { 1, "2147483647" },
  { 1, "4294967295" } }

local V4_REMOTES = { { 10, 0 }, { 127, 0, 0 }, { 192, 168 }, { 255, 255, 255 }, { 203, 0, 113 },
  { 100 }, {}, {} }

--- What a tree's kernel prints: chosen once.
---@param rng table  of random.lua
---@return table
function inet.style(rng)
  local old = rng:chance(0.3)
  local pointer = rng:pick { "wide", "wide", "narrow", "zero", "one", "hashed", "ptrval" }
  return {
    old = old,
    pointer_kind = pointer,
    drops = not rng:chance(0.15),
    padded = not rng:chance(0.2),
    udp_slot = old and "%4d" or "%5d",
    raw6_slot = old and "%4d" or "%5d",
  }
end

--- A pointer column.
---@param width? integer  blanks it is padded to (sctp), default none
function inet.pointer(rng, style, width)
  local kind = style.pointer_kind
  local text
  if kind == "wide" then text = "ffff88" .. rng:hex(10):lower()
  elseif kind == "narrow" then text = rng:hex(8):lower()
  elseif kind == "zero" then text = ("0"):rep(16)
  elseif kind == "one" then text = "0"
  elseif kind == "hashed" then text = "00000000" .. rng:hex(8):lower()
  else text = "(____ptrval____)" end
  return (" "):rep((width or 0) - #text) .. text
end

--- An IPv4 address as the table prints it on a little-endian machine.
local function v4_hex(a, b, c, d)
  return ("%02X%02X%02X%02X"):format(d, c, b, a)
end

local function v4(rng)
  local draw = rng:below(20)
  if draw < 3 then return v4_hex(127, 0, 0, 1) end
  if draw == 3 then return v4_hex(0, 0, 0, rng:range(1, 255)) end
  if draw == 4 then return v4_hex(0, 0, 0, 0) end
  local start = rng:pick(V4_REMOTES)
  local bytes = {}
  for i = 1, 4 do bytes[i] = start[i] or rng:below(256) end
  if bytes[1] == 0 then bytes[1] = 10 end
  return v4_hex(unpack(bytes))
end

--- Eight 16-bit groups as the table prints them: four words, each with its bytes reversed.
local function v6_hex(groups)
  local words = {}
  for i = 1, 8, 2 do
    local high, low = groups[i], groups[i + 1]
    words[#words + 1] = ("%02X%02X%02X%02X"):format(low % 256, math.floor(low / 256), high % 256,
      math.floor(high / 256))
  end
  return concat(words)
end

--- Groups of a v6 address, with zero runs of every length and place.
---@return integer[]  # eight numbers below 65536
function inet.v6_groups(rng)
  local draw = rng:below(24)
  local word = function() return rng:below(65536) end
  if draw < 3 then return { 0, 0, 0, 0, 0, 0, 0, 1 } end
  if draw < 7 then return { 0, 0, 0, 0, 0, 0xffff, rng:pick { 0x7f00, 0x0a01, word() }, word() } end
  if draw == 7 then return { 0, 0, 0, 0, 0, 0, word(), word() } end
  if draw == 8 then return { 0, 0, 0, 0, 0, 0, 0, word() } end
  if draw == 9 then return { 0, 0, 0, 0, 0, 0, rng:pick { 1, 256, 0x7f00 }, rng:below(3) } end
  if draw == 10 then return { 0, 0, 0, 0, 0, 0xffff, 0, 0 } end
  if draw == 11 then return { 0, 0, 0, 0, 0, 0xfffe, word(), word() } end
  if draw == 12 then return { 0, 0, 0, 0, 0xffff, 0, word(), word() } end
  if draw == 13 then return { 0x64, 0xff9b, 0, 0, 0, 0, word(), word() } end
  if draw == 14 then return { 0xff02, 0, 0, 0, 0, 0, 0, 1 } end
  if draw == 15 then return { 0xfe80, 0, 0, 0, word(), word(), word(), word() } end
  if draw == 16 then return { 0, 0, 0, 0, 0, 0, 0, 0 } end
  local groups = { 0x2001, 0xdb8 }
  if draw == 17 then groups = {} end
  for i = #groups + 1, 8 do
    groups[i] = rng:chance(0.5) and 0 or rng:chance(0.3) and rng:below(16) or word()
  end
  return groups
end

local function address(rng, family)
  if family == 6 then return v6_hex(inet.v6_groups(rng)) end
  return v4(rng)
end

local ANY = { [4] = ("0"):rep(8), [6] = ("0"):rep(32) }

local function port(rng)
  return rng:chance(0.7) and rng:pick(PORTS) or rng:below(65536)
end

local function endpoint(rng, family)
  return address(rng, family) .. (":%04X"):format(port(rng))
end

local function nobody(family)
  return ANY[family] .. ":0000"
end

--- Now and then an endpoint that is only half empty: filters look at one half.
local function remote(rng, family, listening)
  local draw = rng:below(30)
  if draw == 0 then return ANY[family] .. (":%04X"):format(port(rng)) end
  if draw == 1 then return address(rng, family) .. ":0000" end
  if draw == 2 then return nobody(family) end
  if listening and draw < 28 then return nobody(family) end
  return endpoint(rng, family)
end

--- An inode in decimal; "0" is no file.
---@param pool string[]  inodes of the tree; the new one is added
function inet.inode(rng, pool)
  local draw = rng:below(100)
  local text
  if draw < 8 then return "0" end
  if draw < 12 and #pool > 0 then return rng:pick(pool) end
  if draw < 16 then text = tostring(rng:range(1, 9))
  elseif draw < 20 then text = rng:u64()
  elseif draw == 20 then text = rng:pick { "18446744073709551615", "18446744073709551614",
    "9223372036854775808", "4294967295", "4294967296" }
  elseif draw < 40 then text = tostring(rng:u32())
  else text = tostring(rng:range(10, 99999)) end
  pool[#pool + 1] = text
  return text
end

local function user(rng)
  return ("%5.0f"):format(rng:pick(USERS))
end

local function queues(rng)
  return ("%08X:%08X"):format(rng:pick(QUEUES), rng:pick(QUEUES))
end

--- Timer code and ticks; `plain` for tables where kernels only ever print zeros.
local function timer(rng, plain)
  if plain and rng:chance(0.8) then return "00:00000000" end
  local code = rng:weighted { { 20, "00" }, { 20, "01" }, { 12, "02" }, { 6, "04" }, { 3, "03" },
    { 2, "05" }, { 1, "09" }, { 1, "0A" }, { 1, "FF" } }
  if code == "00" and rng:chance(0.8) then return "00:00000000" end
  local when = rng:pick(WHENS)
  if rng:chance(0.3) then when = "000" .. rng:hex(5) end
  return code .. ":" .. when
end

local function references(rng)
  return rng:chance(0.02) and "-1073741824" or tostring(rng:range(1, 9))
end

local function pad(text, width, style)
  if not style.padded or #text >= width then return text end
  return text .. (" "):rep(width - #text)
end

local function full_row(rng, style, family, slot, pool)
  local state = rng:weighted { { 40, 1 }, { 20, 10 }, { 4, 2 }, { 2, 3 }, { 5, 4 }, { 5, 5 },
    { 2, 6 }, { 3, 7 }, { 8, 8 }, { 4, 9 }, { 4, 11 } }
  local text = ("%4d: %s %s %02X %s %s %s %s %8s %s %s %s %d %d %d %d %d"):format(slot,
    endpoint(rng, family), remote(rng, family, state == 10), state, queues(rng), timer(rng),
    rng:pick(RETRIES), user(rng), rng:weighted(PROBES), inet.inode(rng, pool), references(rng),
    inet.pointer(rng, style), rng:pick { 20, 100, 200, 6000 }, rng:pick { 0, 4, 20 },
    rng:below(62), rng:pick { 1, 2, 10, 44, 2147483647 }, rng:pick { -1, 0, 7, 20, 2147483647 })
  if style.old and style.padded and #text >= 149 then text = text .. (" "):rep(rng:below(9)) end
  return text
end

--- A mini-socket in TIME_WAIT, or an orphan in FIN_WAIT2: everything about its owner is zero.
local function time_wait_row(rng, style, family, slot)
  return ("%4d: %s %s %s 00000000:00000000 03:%s 00000000     0        0 0 %d %s"):format(slot,
    endpoint(rng, family), endpoint(rng, family), rng:pick { "06", "06", "06", "05" },
    rng:chance(0.5) and ("%08X"):format(rng:below(6001)) or rng:pick(WHENS), rng:range(1, 3),
    inet.pointer(rng, style))
end

--- A connection request: the SYN was answered, no socket exists.
local function request_row(rng, style, family, slot)
  return ("%4d: %s %s 03 00000000:00000000 01:%s %08X %s        0 0 %d %s"):format(slot,
    endpoint(rng, family), endpoint(rng, family), ("%08X"):format(rng:below(6001)),
    rng:pick { 0, 1, 2, 5 }, user(rng), rng:below(2), inet.pointer(rng, style))
end

local V4_HEADER = "local_address rem_address  "
local V6_HEADER = "local_address                         remote_address                       "
local MIDDLE = " st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"

--- Text of a `tcp` or `tcp6` file.
---@param count integer   rows
---@param pool string[]   inodes, grows
---@param family integer  4 or 6
---@return string
function inet.tcp(rng, style, family, count, pool)
  local lines = { "  sl  " .. (family == 4 and V4_HEADER or V6_HEADER) .. MIDDLE }
  local width = family == 4 and 149 or 0
  lines[1] = pad(lines[1], width, style)
  for slot = 0, count - 1 do
    local draw = rng:below(100)
    local text
    if draw < 15 then text = time_wait_row(rng, style, family, slot)
    elseif draw < 22 then text = request_row(rng, style, family, slot)
    else text = full_row(rng, style, family, slot, pool) end
    if slot > 0 and rng:chance(0.04) then
      -- the four-tuple of the row before, on another socket
      local tuple = lines[#lines]:match(":( %x+:%x+ %x+:%x+ )")
      text = text:gsub(":( %x+:%x+ %x+:%x+ )", ":" .. tuple, 1)
    end
    lines[#lines + 1] = pad(text, width, style)
  end
  return concat(lines, "\n") .. "\n"
end

--- Text of a `udp`, `udplite` or `raw` file, or their v6 pair.
---@param name string     file name
---@param family integer  4 or 6
---@return string
function inet.datagram(rng, style, name, family, count, pool)
  local raw = name:sub(1, 3) == "raw"
  local width = (family == 4 and not raw) and 127 or 0
  local slot_form = style.udp_slot
  if raw then slot_form = family == 4 and "%4d" or style.raw6_slot end
  local header = (rng:chance(0.5) and "  sl  " or "   sl  ")
    .. (family == 4 and V4_HEADER or V6_HEADER) .. MIDDLE .. " ref pointer"
    .. (style.drops and " drops" or "")
  local lines = { pad(header, width, style) }
  for _ = 1, count do
    local connected = rng:chance(0.35)
    local here = endpoint(rng, family)
    if rng:chance(0.5) then here = ANY[family] .. here:match(":%x+$") end
    local there = connected and endpoint(rng, family) or nobody(family)
    if raw then
      local protocol = rng:pick { 1, 6, 17, 58, 89, 132, 255, 0, rng:below(256) }
      here = here:gsub("%x+$", ("%04X"):format(protocol))
      there = there:gsub("%x+$", "0000")
    elseif rng:chance(0.08) then
      there = remote(rng, family, false)
    end
    local state = connected and "01" or "07"
    if rng:chance(0.06) then state = rng:pick { "01", "07", "00", "0A", "02", "06", "0B" } end
    local text = (slot_form .. ": %s %s %s %s %s %s %s %8s %s %s %s"):format(
      raw and tonumber(here:match("%x+$"), 16) or rng:below(65536), here, there, state,
      queues(rng), timer(rng, true), rng:chance(0.9) and "00000000" or rng:pick(RETRIES),
      user(rng), "0", inet.inode(rng, pool), references(rng), inet.pointer(rng, style))
    if style.drops then
      text = text .. " " .. rng:pick { "0", "0", "0", "12", "99999", "4294967295",
        style.old and "-1" or "7" }
    end
    lines[#lines + 1] = pad(text, width, style)
  end
  return concat(lines, "\n") .. "\n"
end

return inet
