--- Random text of /proc/net/unix and /proc/net/sctp/*, as kernels print them.

local inet = require "inet"

local others = {}

local concat = table.concat

local FLAGS = { { 50, "00000000" }, { 40, "00010000" }, { 3, "00020000" }, { 3, "00040000" },
  { 2, "00030000" }, { 2, "00070000" }, { 2, "00080001" }, { 1, "FFFFFFFF" } }

local TYPES = { { 40, "0001" }, { 30, "0002" }, { 15, "0005" }, { 2, "0003" }, { 2, "0004" },
  { 2, "000A" }, { 1, "0000" } }

local STATES = { { 50, "01" }, { 40, "03" }, { 3, "02" }, { 3, "04" }, { 2, "00" }, { 1, "05" },
  { 1, "FF" } }

--- A socket name with its leading blank, or nothing; never a control byte, at most 108 bytes.
local function name(rng)
  local draw = rng:below(16)
  if draw < 4 then return "" end
  if draw == 4 then return " @" .. rng:hex(5):lower() end
  if draw == 5 then return " /run/" .. ("p"):rep(108 - #"/run/") end
  if draw == 6 then return " @" .. ("a"):rep(rng:range(1, 106)) end
  return " " .. rng:pick {
    "/run/systemd/private", "/run/dbus/system_bus_socket", "@/tmp/.X11-unix/X0", "/tmp/with space",
    "@abs tract name", "relative.sock", "@", "@@@@@", " leading", "trailing ", "two  blanks", " ",
    "/tmp/größe", "/srv/日本/s", "/tmp/\"quoted\"", "/tmp/100%s%n", "@/org/[x]", "/tmp/a,b:c;d",
  }
end

--- The pointer in front of a unix row; netstat reads it as a pointer, so it must be a number.
local function pointer(rng, style)
  if style.pointer_kind == "ptrval" then return ("0"):rep(16) end
  return inet.pointer(rng, style)
end

--- Text of `unix`. Its inodes are never repeated, but for 0.
---@param count integer  rows
---@param pool string[]  inodes of the tree, grows
---@param seen table     inodes used so far
---@return string
function others.unix(rng, style, count, pool, seen)
  local lines = { style.pointer_kind == "narrow"
    and "Num       RefCount Protocol Flags    Type St Inode Path"
    or "Num               RefCount Protocol Flags    Type St Inode Path" }
  for _ = 1, count do
    local inode = "0"
    if not rng:chance(0.08) then
      local draw = rng:below(20)
      repeat
        if draw == 0 then inode = tostring(rng:range(1, 9))
        elseif draw == 1 then inode = rng:u64()
        elseif draw < 6 then inode = tostring(rng:u32())
        else inode = tostring(rng:range(10, 999999)) end
        draw = 19
      until not seen[inode]
      seen[inode] = true
      pool[#pool + 1] = inode
    end
    lines[#lines + 1] = ("%s: %s %s %s %s %s %5s%s"):format(pointer(rng, style),
      rng:chance(0.02) and "FFFFFFFF" or ("%08X"):format(rng:range(2, 40)),
      rng:chance(0.02) and "00000001" or "00000000", rng:weighted(FLAGS), rng:weighted(TYPES),
      rng:weighted(STATES), inode, name(rng))
  end
  return concat(lines, "\n") .. "\n"
end

local function sctp_address(rng)
  if rng:chance(0.7) then
    return rng:pick { "0.0.0.0", "127.0.0.1", ("10.%d.%d.%d"):format(rng:below(256),
      rng:below(256), rng:below(256)) }
  end
  local groups = inet.v6_groups(rng)
  for i = 1, 8 do groups[i] = ("%04x"):format(groups[i]) end
  return concat(groups, ":")
end

--- Up to four addresses, each followed by a blank.
--- A star marks the primary one of an association; endpoints have none, and netstat reads no star
--- there.
local function sctp_addresses(rng, least, primary)
  local list = {}
  for i = 1, rng:pick { least, 1, 1, 2, 3, 4 } do
    list[i] = (primary and rng:chance(0.5) and "*" or "") .. sctp_address(rng) .. " "
  end
  return concat(list)
end

local SCTP_USERS = { "0", "0", "33", "65534", "1000", "126264549" }

--- Text of `sctp/eps`.
function others.sctp_endpoints(rng, style, count, pool)
  local lines = { " ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS" }
  for _ = 1, count do
    lines[#lines + 1] = ("%s %s %-3d %-3d %-4d %-5d %5s %5s %s"):format(
      inet.pointer(rng, style, 8), inet.pointer(rng, style, 8), rng:below(3),
      rng:pick { 7, 10, 10, 10, 1, 12 }, rng:below(64), rng:pick { 0, 80, 2905, 36412, 65535 },
      rng:pick(SCTP_USERS), inet.inode(rng, pool), sctp_addresses(rng, 0))
  end
  return concat(lines, "\n") .. "\n"
end

--- Text of `sctp/assocs`; the four last columns came with 3.10.
function others.sctp_associations(rng, style, count, pool)
  local lines = { " ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT "
    .. "RPORT LADDRS <-> RADDRS HBINT INS OUTS MAXRT T1X T2X RTXC"
    .. (style.old and "" or " wmema wmemq sndbuf rcvbuf") }
  for _ = 1, count do
    local text = ("%s %s %-3d %-3d %-2d %-4d %4d %8d %8d %7s %5s %-5d %5d  %s<-> %s\t%8d %5d %5d "
      .. "%4d %4d %4d %8d"):format(inet.pointer(rng, style, 8), inet.pointer(rng, style, 8),
      rng:below(3), rng:pick { 1, 1, 1, 2, 4, 7, 8, 9 }, rng:below(8), rng:below(99),
      rng:below(9999), rng:pick { 0, 0, 17, 70000, 2147483647 }, rng:pick { 0, 0, 5, 1234567 },
      rng:pick(SCTP_USERS), inet.inode(rng, pool), rng:below(65536), rng:below(65536),
      sctp_addresses(rng, 1, true), sctp_addresses(rng, 1, true), 7500, 10, 10, 2, 0, 0, 0)
    if not style.old then text = text .. (" %8d %8d %8d %8d"):format(1, 0, 212992, 212992) end
    lines[#lines + 1] = text
  end
  return concat(lines, "\n") .. "\n"
end

return others
