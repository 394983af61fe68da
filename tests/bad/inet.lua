--- Rows of tcp, udp, raw and icmp that are wrong or odd: numbers 35 to 87.

local bad = require "bad"
local json = require "json"

local case, row, refused, accepted, null = bad.case, bad.row, bad.refused, bad.accepted, json.null
local rows = bad.rows

local COLUMNS = "too few columns"
local SLOT = "the first column is no decimal number with a colon"
local ADDRESS = "an address is not of this table's family and length"
local PORT = "a port is not four hexadecimal digits after a colon"
local STATE = "the state is not one or two hexadecimal digits"
local QUEUE = "tx_queue:rx_queue is not a pair of 32-bit hexadecimal numbers"
local TIMER = "tr:tm->when is not a pair of hexadecimal numbers"
local RETRANS = "retrnsmt is not a 32-bit hexadecimal number"
local UID = "the uid is not a 32-bit decimal number"
local TIMEOUT = "timeout is not a 32-bit decimal number"
local INODE = "the inode is not a 64-bit decimal number"
local REFS = "the reference count is not a 32-bit decimal number"
local TAIL = "a column after the pointer is not a 32-bit decimal number"
local TWO_ROWS = "two rows stand on one line"
local NUL = "a NUL or another control byte stands in the line"

local DATAGRAM = "2 0000000000000000 0"
local V6 = ("0"):rep(31) .. "1"

--- A listing of one such row, by netstat -tane.
local function listed(with)
  return ("tcp   %6.0f %6.0f 127.0.0.1:80 "):format(with.rx or 7, with.tx or 5)
end

--- Each of the rows is refused for the reason.
local function all_refused(from, reason, list)
  for _, line in ipairs(list) do refused(from, line, reason) end
end

case(35, "fewer than ten columns", function()
  local whole = row {}
  local words = {}
  for word in whole:gmatch("%S+") do words[#words + 1] = word end
  for count = 1, 9 do
    refused("tcp", table.concat(words, " ", 1, count), COLUMNS)
  end
  refused("tcp6", "0: " .. V6 .. ":0016", COLUMNS)
  refused("udp", (row { tail = "" }:gsub(" 90009$", "")), COLUMNS)
end)

case(36, "ten or eleven columns", function()
  for _, from in ipairs { "tcp", "udp" } do
    accepted(from, row { tail = "" }, { inode = 90009, uid = 1000, refs = null, cwnd = null, drops = null }, "127.0.0.1:80 ")
    accepted(from, row { tail = "-7" }, { inode = 90009, refs = -7, cwnd = null, drops = null }, "127.0.0.1:80 ")
  end
end)

case(37, "twelve columns of an established connection", function()
  accepted("tcp", row { tail = "1 0000000000000000" },
    { state = "ESTABLISHED", uid = 1000, retrans = 3, probes = 0, inode = 90009, refs = 1, rto = null, cwnd = null,
      ssthresh = null }, "ESTABLISHED 1000       90009 ")
end)

case(38, "eighteen and more columns", function()
  local fields = { inode = 90009, cwnd = 10, ssthresh = null, rto = 0.2 }
  accepted("tcp", row { tail = "1 0 20 4 30 10 -1 77" }, fields, listed {})
  accepted("tcp", row { tail = "1 0 20 4 30 10 -1 x: 5 ffff (null) -9 99999999999999999999999 a:b" }, fields, listed {})
  accepted("tcp", row { tail = "1 0 20 4 30 10 -1 " .. ("x"):rep(3000) }, fields, listed {})
  accepted("udp", row { tail = DATAGRAM .. " 12 new" }, { drops = 0, inode = 90009 }, "127.0.0.1:80")
end)

case(39, "a first column that is no number with a colon", function()
  for _, slot in ipairs { "0", "abc:", "x0:", "0x1:", ":", "1:2:", "1.0:", "-1:", "0:0100007F:0050" } do
    refused("tcp", row { slot = slot }, SLOT)
  end
end)

case(40, "a first column that is huge, repeated, not in order", function()
  local lines, want = {}, {}
  for i, slot in ipairs { "99999999999:", "5:", "5:", "4:", ("9"):rep(100) .. ":", "0000:" } do
    lines[i] = row { slot = slot, inode = tostring(90010 + i) }
    want[i] = { inode = 90010 + i, local_port = 80 }
  end
  bad.accepted_text("tcp", bad.text("tcp", lines), want)
  refused("tcp", row { slot = "-5:" }, SLOT)
end)

case(41, "tabs between the columns", function()
  local line = row {}:gsub(" ", "\t")
  accepted("tcp", line, { local_port = 80, inode = 90009, cwnd = 10, retrans = 3 }, listed {})
  accepted("tcp", "\t" .. row {}:gsub(" ", " \t ") .. "\t\t", { inode = 90009, cwnd = 10 }, listed {})
end)

case(42, "a NUL anywhere in a line", function()
  local whole = row {}
  -- Every column's place, and each place between two.
  for at = 1, #whole, 3 do
    local text = bad.text("tcp", whole:sub(1, at - 1) .. "\0" .. whole:sub(at + 1))
    if at % 12 == 1 then
      bad.refused_text("tcp", text, { { 3, NUL .. "; skipped" } })
    else
      local tree = bad.tree("tcp", text)
      local list, status, err = bad.ndjson(tree, "tcp")
      bad.equal("byte " .. at, bad.inodes(list) .. status .. err, "90001 900023" .. bad.told(tree, "tcp", { { 3,
        NUL .. "; skipped" } }))
    end
  end
  refused("udp", row { tail = DATAGRAM } .. " \0", NUL)
end)

case(43, "lower-case hexadecimal", function()
  accepted("tcp", row { locals = "0a00007f:abcd", state = "0a", queues = "0000000f:000000ff", timer = "01:0000016a",
    retrans = "0000000b" }, { local_addr = "127.0.0.10", local_port = 43981, state = "LISTEN", send_q = 15, recv_q = 255,
    when = 362, retrans = 11 }, "127.0.0.10:43981")
end)

case(44, "a number with 0x before it", function()
  all_refused("tcp", SLOT, { row { slot = "0x1:" } })
  all_refused("tcp", ADDRESS, { row { locals = "0x0100007F:0050" }, row { remotes = "0x00007F:0050" } })
  all_refused("tcp", PORT, { row { locals = "0100007F:0x50" } })
  all_refused("tcp", STATE, { row { state = "0x01" }, row { state = "0x" } })
  all_refused("tcp", QUEUE, { row { queues = "0x000005:00000007" }, row { queues = "5:0x7" } })
  all_refused("tcp", TIMER, { row { timer = "0x1:0" }, row { timer = "01:0x169" } })
  all_refused("tcp", RETRANS, { row { retrans = "0x3" } })
  all_refused("tcp", UID, { row { uid = "0x10" } })
  all_refused("tcp", TIMEOUT, { row { probes = "0x1" } })
  all_refused("tcp", INODE, { row { inode = "0x1F" } })
  all_refused("tcp", REFS, { row { tail = "0x1 0 20 4 30 10 -1" } })
  all_refused("tcp", TAIL, { row { tail = "1 0 0x14 4 30 10 -1" }, row { tail = "1 0 20 4 30 10 0x1" } })
end)

case(45, "a plus before a number", function()
  refused("tcp", row { slot = "+1:" }, SLOT)
  refused("tcp", row { state = "+1" }, STATE)
  refused("tcp", row { queues = "+5:7" }, QUEUE)
  refused("tcp", row { retrans = "+3" }, RETRANS)
  refused("tcp", row { uid = "+1000" }, UID)
  refused("tcp", row { probes = "+0" }, TIMEOUT)
  refused("tcp", row { inode = "+90009" }, INODE)
  refused("tcp", row { tail = "+1 0 20 4 30 10 -1" }, REFS)
  refused("tcp", row { tail = "1 0 +20 4 30 10 -1" }, TAIL)
  refused("tcp", row { tail = "1 0 20 4 30 10 +1" }, TAIL)
end)

case(46, "a uid of -1", function() all_refused("tcp", UID, { row { uid = "-1" }, row { uid = "-0" } }) end)

case(47, "the largest uid", function()
  accepted("tcp", row { uid = "4294967295" }, { uid = 4294967295, user = "4294967295" }, " -1         90009 ")
end)

case(48, "a uid beyond 32 bits", function()
  all_refused("tcp", UID, { row { uid = "4294967296" }, row { uid = ("9"):rep(30) }, row { uid = "18446744073709551616" } })
end)

case(49, "a name in place of a uid", function() all_refused("tcp", UID, { row { uid = "root" }, row { uid = "0root" } }) end)

case(50, "an IPv4 address of seven or nine digits", function()
  all_refused("tcp", ADDRESS, { row { locals = "100007F:0050" }, row { locals = "00100007F:0050" },
    row { remotes = "200000A:1F90" }, row { remotes = "0200000AA:1F90" } })
end)

case(51, "an IPv6 address of 31, 33 or 64 digits", function()
  for _, digits in ipairs { 31, 33, 64 } do
    refused("tcp6", row { locals = ("0"):rep(digits) .. ":0050", remotes = V6 .. ":0000" }, ADDRESS)
    refused("tcp6", row { locals = V6 .. ":0050", remotes = ("0"):rep(digits) .. ":0000" }, ADDRESS)
  end
end)

case(52, "an address of the other family", function()
  refused("tcp6", row {}, ADDRESS)
  refused("tcp", row { locals = V6 .. ":0050", remotes = V6 .. ":0000" }, ADDRESS)
  refused("tcp", row { remotes = V6 .. ":0000" }, ADDRESS)
  refused("udp6", row { tail = DATAGRAM }, ADDRESS)
end)

case(53, "no colon between address and port", function()
  refused("tcp", row { locals = "0100007F0050" }, ADDRESS)
  refused("tcp", row { locals = "0100007F 0050" }, PORT)
  refused("tcp", row { remotes = "0200000A.1F90" }, PORT)
end)

case(54, "a port of five digits", function()
  for _, port in ipairs { "1FFFF", "12345", "00050", "0050A" } do
    refused("tcp", row { locals = "0100007F:" .. port }, PORT)
    refused("tcp", row { remotes = "0200000A:" .. port }, PORT)
  end
end)

case(55, "a port of fewer digits", function()
  for _, port in ipairs { "50", "0", "050" } do refused("tcp", row { locals = "0100007F:" .. port }, PORT) end
  refused("tcp", row { remotes = "0200000A:" }, PORT)
end)

case(56, "a local port of 0", function()
  accepted("tcp", row { locals = "0100007F:0000" }, { local_port = 0, state = "ESTABLISHED" }, "127.0.0.1:* ")
end)

case(57, "a dotted address", function()
  refused("tcp", row { locals = "127.0.0.1:0016" }, ADDRESS)
  refused("tcp", row { remotes = "10.0.0.2:0016" }, ADDRESS)
  refused("tcp6", row { locals = "::1:0016", remotes = V6 .. ":0000" }, ADDRESS)
end)

case(58, "a digit that is not hexadecimal", function()
  all_refused("tcp", ADDRESS, { row { locals = "0100007G:0050" }, row { locals = "0100/07F:0050" },
    row { remotes = "O200000A:1F90" } })
  refused("tcp", row { locals = "0100007F:00G0" }, PORT)
  refused("tcp", row { state = "0G" }, STATE)
  refused("tcp", row { queues = "0000000g:00000007" }, QUEUE)
  refused("tcp", row { timer = "01:0000016:" }, TIMER)
  refused("tcp", row { retrans = "0000@003" }, RETRANS)
end)

case(59, "states that tcp never prints", function()
  local names = { ["00"] = "UNKNOWN(0)", ["0C"] = "SYN_RECV", ["0D"] = "BOUND_INACTIVE", ["0E"] = "UNKNOWN(14)",
    ["7F"] = "UNKNOWN(127)", FF = "UNKNOWN(255)" }
  for code, name in pairs(names) do
    accepted("tcp", row { state = code }, { state = name, state_code = tonumber(code, 16), inode = 90009 }, "127.0.0.1:80")
  end
end)

case(60, "a state of one digit, and of three", function()
  accepted("tcp", row { state = "1" }, { state = "ESTABLISHED" }, "ESTABLISHED")
  accepted("tcp", row { state = "A" }, { state = "LISTEN" }, "LISTEN")
  all_refused("tcp", STATE, { row { state = "001" }, row { state = "00000001" }, row { state = "0A0" } })
end)

case(61, "a udp socket that listens", function()
  local _, list = accepted("udp", row { state = "0A", tail = DATAGRAM }, { state_code = 10, state = "UNKNOWN(10)" }, "UNKNOWN")
  bad.ok("the name of a tcp state is not given", list[2].state ~= "LISTEN")
  accepted("udp", row { state = "01", tail = DATAGRAM }, { state = "ESTABLISHED" }, "ESTABLISHED")
  accepted("raw", row { state = "0A", tail = DATAGRAM }, { state_code = 10, state = "UNKNOWN(10)" }, " 10 ")
end)

case(62, "timers that nobody knows", function()
  for code, number in pairs { ["05"] = 5, FF = 255, ["5"] = 5 } do
    accepted("tcp", row { timer = code .. ":00000010" }, { timer = "unkn-" .. number, timer_code = number, when = 16,
      expires = 0.16 })
    local tree = bad.tree("tcp", bad.text("tcp", row { timer = code .. ":00000010" }))
    local _, out = bad.over(tree, { "netstat", "-tano" })
    bad.contains("netstat -o", out, ("unkn-%d (0.16/3/0)"):format(number))
  end
end)

case(63, "a timer of three digits", function()
  all_refused("tcp", TIMER, { row { timer = "001:00000169" }, row { timer = "FFF:0" } })
end)

case(64, "a timer that is long overdue", function()
  local line = row { timer = "01:FFFFFFFFFFFFFFFF" }
  local tree = accepted("tcp", line, { timer = "on", expires = 0, when = 2 ^ 64 })
  local _, out = bad.over(tree, { "netstat", "-tano" })
  bad.contains("netstat -o", out, "on (184467440737095520.00/3/0)")
  for _, name in ipairs { "explain", "human", "ss" } do
    local status, told = bad.over(tree, { "--timer", name, "-t" })
    bad.equal("--timer " .. name, status, 0)
    bad.ok("--timer " .. name .. ": all rows", select(2, told:gsub("\n", "")) == 4, told)
  end
  accepted("tcp", row { timer = "01:1AD7F29ABCA" }, { expires = 0, when = 1844674407370 })
end)

case(65, "a timer of 17 digits", function()
  all_refused("tcp", TIMER, { row { timer = "01:00000000000000169" }, row { timer = "01:" .. ("F"):rep(17) } })
end)

case(66, "no time behind a timer, or no colon", function()
  all_refused("tcp", TIMER, { row { timer = "01:" }, row { timer = "01" }, row { timer = ":00000169" },
    row { timer = ":" }, row { timer = "0100000169" }, row { timer = "01:16:9" } })
end)

case(67, "a timer that does not suit the row", function()
  accepted("tcp", row { timer = "00:00000169" }, { timer = "off", when = 361, expires = null })
  accepted("tcp", row { timer = "03:00000169" }, { timer = "timewait", state = "ESTABLISHED", expires = 3.61, uid = 1000,
    inode = 90009 })
  accepted("udp", row { timer = "02:00000169", tail = DATAGRAM }, { timer = "keepalive", when = 361 })
end)

case(68, "queues with every bit", function()
  accepted("tcp", row { queues = "FFFFFFFF:80000000" }, { send_q = 4294967295, recv_q = 2147483648 },
    listed { rx = 2147483648, tx = 4294967295 })
end)

case(69, "a queue of nine and more digits", function()
  all_refused("tcp", QUEUE, { row { queues = "000000005:00000007" }, row { queues = "00000005:000000007" },
    row { queues = ("F"):rep(16) .. ":0" }, row { queues = "5:" }, row { queues = "5" } })
end)

case(70, "queues and retransmissions of fewer digits", function()
  for digits = 1, 7 do
    local text = ("%0" .. digits .. "X"):format(9)
    accepted("tcp", row { queues = text .. ":" .. text, retrans = text }, { send_q = 9, recv_q = 9, retrans = 9 })
  end
end)

case(71, "the largest number of retransmissions", function()
  local tree = accepted("tcp", row { retrans = "FFFFFFFF" }, { retrans = 4294967295 })
  local _, out = bad.over(tree, { "netstat", "-tano" })
  bad.contains("netstat -o", out, "on (3.61/4294967295/0)")
end)

case(72, "probes that are negative or beyond 32 bits", function()
  all_refused("tcp", TIMEOUT, { row { probes = "-1" }, row { probes = "4294967296" }, row { probes = ("9"):rep(25) } })
  accepted("tcp", row { probes = "4294967295" }, { probes = 4294967295 })
end)

case(73, "the largest inode", function()
  local tree = accepted("tcp", row { inode = "18446744073709551615" }, { inode = 2 ^ 64 }, " 18446744073709551615")
  local script = "for s in sockq.tcp():where('lport == 80'):rows() do print(s) end"
  bad.equal("a script", (bad.over(tree, { "-e", script })), 0)
end)

case(74, "an inode beyond 64 bits", function()
  all_refused("tcp", INODE, { row { inode = "18446744073709551616" }, row { inode = ("1"):rep(40) },
    row { inode = "18446744073709551625" }, row { inode = "36893488147419103232" }, row { inode = "99999999999999999999" } })
end)

case(75, "an inode that is negative, has letters, is missing", function()
  all_refused("tcp", INODE, { row { inode = "-5" }, row { inode = "1F" }, row { inode = "abc" } })
  -- Without the column, what stands behind it is out of place.
  refused("tcp", row { inode = "", tail = "1 ffff880012345678 20 4 30 10 -1" }, REFS)
  refused("udp", row { inode = "", tail = "2 ffff880012345678 0" }, REFS)
end)

case(76, "an established connection without inode", function()
  local tree, list = accepted("tcp", row { inode = "0" }, { inode = null, state = "ESTABLISHED", pid = null, program = null })
  bad.ok("why no owner is known", list[2].owner_why ~= null and #list[2].owner_why > 0)
  local _, out = bad.over(tree, { "netstat", "-tanpe" })
  bad.ok("netstat -p", out:find("ESTABLISHED 1000 +0 +%- "), out)
end)

case(77, "numbers with zeros before them", function()
  accepted("tcp", row { inode = "000000636", uid = "0001000", probes = "007" }, { inode = 636, uid = 1000, probes = 7 },
    " 636 ")
  accepted("tcp", row { inode = ("0"):rep(60) .. "636" }, { inode = 636 })
end)

case(81, "a reference count that is negative", function()
  accepted("tcp", row { tail = "-1073741824 0 20 4 30 10 -1" }, { refs = -1073741824, cwnd = 10 })
  refused("tcp", row { tail = "-2147483649 0 20 4 30 10 -1" }, REFS)
end)

case(82, "pointers of every form, the same on all rows", function()
  local lines, want = {}, {}
  local forms = { "0", "0000000000000000", "(____ptrval____)", "(ptrval)", ("a"):rep(40), "ffff880012345678",
    "000000000badc0de", "?", "-", "0:" }
  for i, form in ipairs(forms) do
    lines[i] = row { inode = tostring(91000 + i), tail = "1 " .. form .. " 20 4 30 10 -1" }
    want[i] = { inode = 91000 + i, cwnd = 10 }
  end
  bad.accepted_text("tcp", bad.text("tcp", lines), want)
  for i = 1, #forms do lines[i] = row { inode = tostring(91000 + i), tail = "1 0 20 4 30 10 -1" } end
  bad.accepted_text("tcp", bad.text("tcp", lines), want)
end)

case(83, "drops of -1", function()
  accepted("udp", row { tail = "2 0000000000000000 -1" }, { drops = 4294967295 })
  accepted("udp", row { tail = "2 0000000000000000 4294967295" }, { drops = 4294967295 })
  refused("udp", row { tail = "2 0000000000000000 4294967296" }, TAIL)
  refused("udp", row { tail = "2 0000000000000000 -2147483649" }, TAIL)
end)

case(84, "the slow start threshold at its limits", function()
  for text, value in pairs { ["-1"] = null, ["2147483647"] = 2147483647, ["-2147483648"] = -2147483648 } do
    accepted("tcp", row { tail = "1 0 20 4 30 10 " .. text }, { ssthresh = value, cwnd = 10 })
  end
  for _, text in ipairs { "2147483648", "-2147483649", "99999999999999999999", "-" } do
    refused("tcp", row { tail = "1 0 20 4 30 10 " .. text }, TAIL)
  end
end)

case(85, "a timeout beyond 64 bits", function()
  for at = 1, 4 do
    local words = { "20", "4", "30", "10" }
    words[at] = "99999999999999999999"
    refused("tcp", row { tail = "1 0 " .. table.concat(words, " ") .. " -1" }, TAIL)
    words[at] = "4294967296"
    refused("tcp", row { tail = "1 0 " .. table.concat(words, " ") .. " -1" }, TAIL)
  end
end)

case(86, "two rows on one line", function()
  refused("tcp", row {} .. " " .. row { inode = "90010" }, TWO_ROWS)
  refused("tcp", row { tail = "1 0" } .. " " .. row {}, TWO_ROWS)
  refused("tcp", row {} .. ("%30s"):format("12:"), TWO_ROWS)
  refused("udp", row { tail = DATAGRAM } .. " " .. row { tail = DATAGRAM }, TWO_ROWS)
  -- Without a blank the two run into each other.
  refused("tcp", row {} .. row { inode = "90010" }, TAIL)
end)

case(87, "a whole row with one line feed too many behind it", function()
  local line = row {}
  line = line .. (" "):rep(149 - #line)
  local tree = bad.tree("tcp", bad.text("tcp", { line, "" }))
  local list, status, err = bad.ndjson(tree, "tcp")
  bad.equal("the row is there", bad.inodes(list), "90001 90009 90002")
  bad.equal("the empty line is told", err, bad.told(tree, "tcp", { { 4, "the line is empty; skipped" } }))
  bad.equal("status", status, 3)
  local lines, _, netstat_err = bad.netstat(tree, "tcp")
  bad.equal("netstat, rows", #lines, 3)
  bad.equal("netstat, what is told", netstat_err, bad.bogus("tcp"))
end)

return rows
