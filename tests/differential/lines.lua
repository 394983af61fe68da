--- Rows of /proc/net files, field by field, for cases that are written by hand.
--
--   lines.tcp { { l = "0100007F:0016", r = "00000000:0000", st = "0A", inode = 36997 } }
--
-- Fields of an inet row, all optional: l, r (local and remote "ADDRESS:PORT" as in the file), st,
-- q ("tx:rx"), tm ("tr:when"), rt (retrnsmt), uid, to (timeout), inode.

local lines = {}

local HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
  .. "  timeout inode"

lines.ANY4 = "00000000:0000"
lines.ANY6 = ("0"):rep(32) .. ":0000"
lines.LOOPBACK = "0100007F:1F90"
lines.ZERO16 = ("0"):rep(16)

--- One inet row up to its inode, as kernels print it.
---@param row table|string  a string is taken as it is
---@return string
local function inet(index, row)
  if type(row) == "string" then return row end
  local any = #(row.l or "") > 20 and lines.ANY6 or lines.ANY4
  return ("%4d: %s %s %s %s %s %s %5s %8s %s"):format(index, row.l or lines.LOOPBACK,
    row.r or any, row.st or "0A", row.q or "00000000:00000000", row.tm or "00:00000000",
    row.rt or "00000000", row.uid or "0", row.to or "0", row.inode or "1000")
end

local function file(header, rows, form, tail)
  local text = { header }
  for i, row in ipairs(rows) do
    text[#text + 1] = form(i - 1, row) .. (type(row) == "string" and "" or tail)
  end
  return table.concat(text, "\n") .. "\n"
end

--- Text of `tcp` or `tcp6`.
function lines.tcp(rows)
  return file(HEADER, rows, inet, " 1 ffff880012345678 100 0 0 10 0")
end

--- Text of `udp`, `udplite`, `raw` or their v6 pair; the default state is 07.
function lines.udp(rows)
  return file(HEADER .. " ref pointer drops", rows, function(index, row)
    if type(row) == "table" then row.st = row.st or "07" end
    return inet(index, row)
  end, " 2 ffff880012345678 0")
end

--- Text of `unix`. Fields: flags, kind (the Type column), st, inode, path (with no blank before).
function lines.unix(rows)
  return file("Num       RefCount Protocol Flags    Type St Inode Path", rows, function(_, row)
    if type(row) == "string" then return row end
    return ("%s: 00000002 00000000 %s %s %s %5s%s"):format(lines.ZERO16, row.flags or "00000000",
      row.kind or "0001", row.st or "01", row.inode or "20001",
      row.path and " " .. row.path or "")
  end, "")
end

--- Text of `sctp/eps` from whole lines.
function lines.sctp_eps(rows)
  return file(" ENDPT     SOCK   STY SST HBKT LPORT   UID INODE LADDRS", rows,
    function(_, row) return row end, "")
end

--- Text of `sctp/assocs` from whole lines.
function lines.sctp_assocs(rows)
  return file(" ASSOC     SOCK   STY SST ST HBKT ASSOC-ID TX_QUEUE RX_QUEUE UID INODE LPORT RPORT "
    .. "LADDRS <-> RADDRS HBINT INS OUTS MAXRT T1X T2X RTXC", rows,
    function(_, row) return row end, "")
end

return lines
