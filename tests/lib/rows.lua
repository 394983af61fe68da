--- Text of socket tables as kernels print it, for trees that a test makes.
--
--   rows.file("tcp", { rows.tcp { lport = 22, state = 10, inode = 1000 } })

local rows = {}

local INET = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
  .. "  timeout inode"
local DATAGRAM = INET .. " ref pointer drops"

--- The header of every table.
rows.headers = {
  tcp = INET, tcp6 = INET, udp = DATAGRAM, udp6 = DATAGRAM, udplite = DATAGRAM,
  udplite6 = DATAGRAM, raw = DATAGRAM, raw6 = DATAGRAM, icmp = DATAGRAM, icmp6 = DATAGRAM,
  unix = "Num       RefCount Protocol Flags    Type St Inode Path",
  netlink = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode",
  packet = "sk       RefCnt Type Proto  Iface R Rmem   User   Inode",
  ["sctp/eps"] = " ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS",
  ["sctp/assocs"] = " ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT "
    .. "LADDRS <-> RADDRS HBINT INS OUTS MAXRT T1X T2X RTXC",
}

--- A whole file.
---@param name string  of the table
---@param list string[]  rows, without line feeds
---@return string
function rows.file(name, list)
  local lines = { rows.headers[name] }
  for _, row in ipairs(list) do lines[#lines + 1] = row end
  return table.concat(lines, "\n") .. "\n"
end

-- Columns 1 to 10. laddr and raddr are as in the file: 8 or 32 digits.
local function inet(f)
  local any = ("0"):rep(#(f.laddr or "0100007F"))
  return ("%4d: %s:%04X %s:%04X %02X %08X:%08X %02X:%08X %08X %5d %8d %.0f"):format(f.slot or 0,
    f.laddr or "0100007F", f.lport or 0, f.raddr or any, f.rport or 0, f.state or 7, f.tx or 0,
    f.rx or 0, f.timer or 0, f.when or 0, f.retrans or 0, f.uid or 0, f.probes or 0, f.inode or 0)
end

--- A row of tcp or tcp6. Fields, all optional: slot laddr lport raddr rport state (a number) tx rx
--- timer when retrans uid probes inode tail.
---@return string
function rows.tcp(f)
  local mini = f.state == 6 or f.state == 3 and not f.inode
  return inet(f) .. (f.tail or mini and " 3 0000000000000000" or " 1 0000000000000000 100 0 0 10 0")
end

--- A row of udp, udplite, raw, icmp and their IPv6 twins.
---@return string
function rows.datagram(f)
  return inet(f) .. (f.tail or " 2 0000000000000000 0")
end

--- A row of unix. Fields: refs flags kind state inode path.
---@return string
function rows.unix(f)
  return ("0000000000000000: %08X 00000000 %08X %04X %02X %5d%s"):format(f.refs or 2, f.flags or 0,
    f.kind or 1, f.state or 1, f.inode or 0, f.path and " " .. f.path or "")
end

--- The text of a tcp table with many rows: one in a hundred listens.
---@param count integer
---@return string
function rows.many_tcp(count)
  local lines = { rows.headers.tcp }
  for i = 1, count do
    local listens = i % 100 == 0
    lines[i + 1] = ("%4d: 0100007F:%04X %08X:%04X %s 00000000:00000000 00:00000000 00000000  1000        0 %d"
      .. " 1 0000000000000000 20 4 30 10 -1"):format(i - 1, i % 60000 + 1, listens and 0 or 0x0200000A,
      listens and 0 or 443, listens and "0A" or "01", 100000 + i)
  end
  return table.concat(lines, "\n") .. "\n"
end

return rows
