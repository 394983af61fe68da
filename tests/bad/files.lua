--- Files that are wrong as a whole, or in their form: numbers 1 to 27, 33.

local bad = require "bad"

local case, posix, program, rows = bad.case, bad.posix, bad.program, bad.rows
local row = bad.row

local EVERY = { "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6", "unix", "netlink",
  "packet", "sctp/eps", "sctp/assocs" }

local CUT = "the last line is cut off: it has no line feed; skipped"
local FIRST = "the first line is neither a header nor a row; skipped"
local EMPTY = "the line is empty; skipped"
local LENGTH = "the line is longer than any row; skipped"
local GARBAGE = "none of the first ten lines is a row; skipped"

--- A text of a table that delivers rows with these inodes ("" for none) and tells this.
---@param netstat? { inodes: string?, err: string, status: integer? }  nil: as the rows, without a word
local function delivers(from, text, inodes, told, netstat)
  local tree = bad.tree(from, text)
  local list, status, err = bad.ndjson(tree, from)
  bad.equal(from .. ": rows", bad.inodes(list), inodes)
  bad.equal(from .. ": what is told", err, bad.told(tree, from, told))
  bad.equal(from .. ": status", status, #told > 0 and 3 or #list > 0 and 0 or 1)
  if bad.lists(from) then
    local lines, netstat_status, netstat_err = bad.netstat(tree, from)
    local want = netstat or { err = "" }
    local found = {}
    for _, word in inodes:gmatch("()(%d+)") do found[#found + 1] = word end
    bad.equal(from .. ": netstat, rows", #lines, want.rows or #found)
    bad.equal(from .. ": netstat, what is told", netstat_err, want.err)
    bad.equal(from .. ": netstat, status", netstat_status, want.status or 0)
  end
  return tree, list
end

--- A line that goes on the name of the unix row before it.
local function joins(line, path)
  local text = bad.text("unix", { rows.unix { inode = 90009, path = "@a" }, line })
  local _, list = delivers("unix", text, "90001 90009 90002", {}, { rows = 3, err = bad.bogus("unix") })
  bad.equal("unix: the name", list[2].path, path)
end

case(1, "an empty file", function()
  for _, from in ipairs(EVERY) do
    delivers(from, "", "", { { 1, "the file is empty, it lacks even the header; read all the same" } })
  end
end)

case(2, "a header and nothing else", function()
  for _, from in ipairs(EVERY) do delivers(from, rows.headers[from] .. "\n", "", {}) end
end)

case(3, "a row in the first line, and no header", function()
  for _, from in ipairs(EVERY) do
    -- netstat never looks at the first line of a file.
    delivers(from, bad.good(from, 1) .. "\n" .. bad.good(from, 2) .. "\n", "90001 90002",
      { { 1, "the first line is a row, the header is missing; read all the same" } }, { rows = 1, err = "" })
  end
end)

case(4, "a first line that is neither header nor row", function()
  for _, from in ipairs(EVERY) do
    delivers(from, "nonsense\n" .. bad.good(from, 1) .. "\n", "90001", { { 1, FIRST } })
    delivers(from, "\n" .. bad.good(from, 1) .. "\n", "90001", { { 1, FIRST } })
  end
end)

case(5, "the header of another table", function()
  for _, from in ipairs(EVERY) do
    local other = from == "unix" and "tcp" or "unix"
    delivers(from, bad.text(other, bad.good(from, 3)), "",
      { { 1, "the header is that of another table; skipped" } }, { rows = 0, err = bad.lists(from) and bad.bogus(from) })
  end
end)

case(6, "a second header among the rows", function()
  local SECOND = { { 3, "a second header stands among the rows; skipped" } }
  for _, from in ipairs(EVERY) do
    local text = bad.text(from, rows.headers[from])
    if from:find("^sctp/") then
      delivers(from, text, "90001 90002", {})
    elseif from == "unix" then
      -- Not the form of a row, and the row before it has no name that could go on.
      delivers(from, text, "90001 90002", SECOND, { rows = 2, err = bad.bogus(from) })
    else
      delivers(from, text, "90001 90002", SECOND, { rows = 2, err = bad.lists(from) and bad.bogus(from) })
    end
  end
end)

case(7, "CR LF at the end of every line", function()
  for _, from in ipairs(EVERY) do
    delivers(from, (bad.text(from, {}):gsub("\n", "\r\n")), "90001 90002", {})
  end
  local text = rows.file("unix", { rows.unix { inode = 90001, path = "/run/x" } }):gsub("\n", "\r\n")
  local list = bad.ndjson(bad.tree("unix", text), "unix")
  bad.equal("a unix name without its CR", list[1].path, "/run/x")
end)

case(8, "CR LF at the end of rows, LF behind the header", function()
  for _, from in ipairs(EVERY) do
    local text = bad.text(from, {})
    local head, rest = text:match("^([^\n]*\n)(.*)$")
    if from ~= "unix" then delivers(from, head .. rest:gsub("\n", "\r\n"), "90001 90002", {}) end
  end
  local tree, list = delivers("unix", rows.file("unix", { rows.unix { inode = 90001, path = "/run/x\r" } }), "90001", {})
  -- The table escapes the byte, ndjson writes it as JSON does.
  bad.equal("a unix name keeps it", list[1].path, "/run/x\r")
  local _, out = bad.over(tree, { "-x" })
  bad.contains("escaped in the table", out, [[/run/x\r]])
  -- A row without a name ends behind its inode.
  delivers("unix", rows.headers.unix .. "\n" .. bad.good("unix", 1) .. "\r\n" .. bad.good("unix", 2) .. "\n", "90002",
    { { 2, "not a row, and no named row before it that it could continue; skipped" } },
    { rows = 1, err = bad.bogus("unix") })
end)

case(9, "CR alone as the end of lines", function()
  for _, from in ipairs(EVERY) do
    delivers(from, (bad.text(from, {}):gsub("\n", "\r")), "", { { 1, CUT } })
  end
end)

case(10, "a last line that is cut off in a number", function()
  for _, from in ipairs(EVERY) do
    local whole = bad.text(from, {})
    delivers(from, whole:sub(1, -3), "90001", { { 3, CUT } }, { rows = 1, err = bad.lists(from) and bad.bogus(from) })
  end
  -- At every byte: never the row, and a report unless nothing of it is there.
  local head = bad.rows.headers.tcp .. "\n" .. bad.good("tcp", 1) .. "\n"
  local line = bad.good("tcp", 2)
  for at = 1, #line, 7 do
    local tree = bad.tree("tcp", head .. line:sub(1, at))
    local list, status, err = bad.ndjson(tree, "tcp")
    bad.equal("cut behind byte " .. at, bad.inodes(list) .. status .. err, "900013" .. bad.told(tree, "tcp", { { 3, CUT } }))
  end
end)

case(11, "a last line without line feed that looks whole", function()
  local line = row {}
  line = line .. (" "):rep(149 - #line)
  delivers("tcp", bad.text("tcp", {}) .. line, "90001 90002", { { 4, CUT } }, { rows = 2, err = bad.bogus("tcp") })
  for _, from in ipairs(EVERY) do
    delivers(from, (bad.text(from, {}):gsub("\n$", "")), "90001", { { 3, CUT } },
      { rows = 1, err = bad.lists(from) and bad.bogus(from) })
  end
end)

local MARK = "\239\187\191"

case(12, "a byte order mark before the header", function()
  for _, from in ipairs(EVERY) do delivers(from, MARK .. bad.text(from, {}), "90001 90002", {}) end
  bad.refused_text("tcp", bad.text("tcp", MARK .. row {}),
    { { 3, "the first column is no decimal number with a colon; skipped" } })
  delivers("tcp", MARK .. MARK .. bad.text("tcp", {}), "90001 90002", { { 1, FIRST } })
end)

case(13, "UTF-16", function()
  local many = {}
  for i = 1, 30 do many[i] = bad.good("tcp", i) end
  for name, text in pairs {
    little = "\255\254" .. rows.file("tcp", many):gsub(".", "%0\0"):gsub("\n", "%0"),
    big = "\254\255" .. rows.file("tcp", many):gsub(".", "\0%0"),
  } do
    local tree = bad.tree("tcp", text)
    local list, status, err = bad.ndjson(tree, "tcp")
    bad.equal(name .. ": rows", #list .. " " .. status, "0 3")
    bad.contains(name .. ": the first line", err, "/net/tcp:1: a NUL or another control byte stands in the line; skipped\n")
    bad.contains(name .. ": given up", err, "/net/tcp:10: " .. GARBAGE)
    bad.equal(name .. ": no line more", #program.lines(err), 11)
    local lines, netstat_status, netstat_err = bad.netstat(tree, "tcp")
    bad.equal(name .. ": netstat", #lines .. " " .. netstat_status, "0 0")
    bad.contains(name .. ": netstat warns", netstat_err, bad.bogus("tcp"))
  end
end)

case(14, "a line of 1 MiB", function()
  for _, from in ipairs(EVERY) do
    delivers(from, bad.text(from, ("x"):rep(2 ^ 20)), "90001 90002", { { 3, LENGTH } },
      { rows = 2, err = bad.lists(from) and bad.bogus(from) })
  end
  -- Thirty of them take no more memory than one.
  local function most(count)
    local lines = {}
    for i = 1, count do lines[i] = ("x"):rep(2 ^ 20) end
    local status, _, err, kib = bad.measured(bad.tree("tcp", bad.text("tcp", lines)), { "-t" })
    bad.equal(count .. " long lines", status .. " " .. #program.lines(err), "3 " .. math.min(count, 11))
    return kib
  end
  local one, thirty = most(1), most(30)
  bad.ok("memory does not grow with the lines", thirty < one + 4096, ("%d KiB, %d KiB"):format(one, thirty))
end)

case(15, "1 GiB without a line feed", function()
  for name, head in pairs { nothing = "", header = bad.text("tcp", {}) } do
    local tree = bad.tree("tcp", head)
    posix.run { "truncate", "-s", "1G", tree .. "/net/tcp" }
    local status, out, err, kib, seconds = bad.measured(tree, { "-t", "-f", "ndjson" })
    bad.equal(name .. ": status", status, 3)
    bad.equal(name .. ": rows", #program.lines(out), head == "" and 0 or 2)
    bad.equal(name .. ": what is told", err, bad.told(tree, "tcp", { { head == "" and 1 or 4,
      "a line runs on for 64 MiB; skipped" } }))
    bad.ok(name .. ": little memory", program.sanitized or kib < 64 * 1024, kib .. " KiB")
    bad.ok(name .. ": at once", seconds < 20, seconds .. " s")
  end
end)

case(16, "an association of 20 KiB of addresses", function()
  local addresses = {}
  for i = 0, 1999 do addresses[i + 1] = ("10.%d.%d.1"):format(i / 200, i % 200) end
  local line = "ffff0000 ffff0000 2   1   3  1    9 0 0 0 90009 1 2  " .. table.concat(addresses, " ")
    .. " <-> *10.0.0.2 \t5000 1 1 1 0 0 0"
  bad.ok("it is as long as that", #line > 20000)
  local tree, list = delivers("sctp/assocs", bad.text("sctp/assocs", line), "90001 90009 90002", {}, { rows = 2002, err = "" })
  bad.equal("its addresses", #list[2].local_addrs, 2000)
  bad.contains("netstat, the last", select(2, bad.over(tree, { "netstat", "-Sn" })), " 10.9.199.1 ")
  bad.refused("sctp/assocs", line:gsub(" <%->", (" 10.0.0.3"):rep(6000) .. "%0", 1), "the line is longer than any row")
end)

case(17, "an empty line", function()
  for _, from in ipairs(EVERY) do
    if from ~= "unix" then delivers(from, bad.text(from, ""), "90001 90002", { { 3, EMPTY } },
      { rows = 2, err = bad.lists(from) and bad.bogus(from) }) end
  end
  joins("", "@a\n")
end)

case(18, "a line of blanks", function()
  for _, from in ipairs(EVERY) do
    if from ~= "unix" then
      for _, blanks in ipairs { " ", (" "):rep(149), "\t \t" } do
        delivers(from, bad.text(from, blanks), "90001 90002", { { 3, EMPTY } },
          { rows = 2, err = bad.lists(from) and bad.bogus(from) })
      end
    end
  end
  joins("   ", "@a\n   ")
end)

--- What stands in place of a table cannot be read: told of the file, while another table is read.
---@param make function     of the path of net/tcp
---@param told string       TREE stands for the tree
---@param netstat { status: integer, err: string }
local function stops(make, told, netstat, opts)
  local tree = bad.tree("udp", bad.text("udp", {}))
  make(tree .. "/net/tcp", tree)
  local list, status, err = bad.ndjson(tree, "tcp,udp", opts)
  bad.equal("the other table", bad.inodes(list), "90001 90002")
  bad.equal("what is told", err, (told:gsub("TREE", tree)))
  bad.equal("status", status, 3)
  local out
  status, out, err = bad.over(tree, { "netstat", "-tan" }, opts)
  bad.equal("netstat, no row", #program.lines(out), 2)
  bad.equal("netstat, what is told", err, (netstat.err:gsub("TREE", tree)))
  bad.equal("netstat, status", status, netstat.status)
  return tree
end

case(19, "a folder in place of a table", function()
  stops(function(path) posix.mkdir(path) end, "sockq: TREE/net/tcp: cannot be read: Is a directory; skipped\n",
    { status = 255, err = "/proc/net/tcp: Is a directory\n" })
end)

local IRREGULAR = "sockq: TREE/net/tcp: not a regular file; skipped\n"
local NETSTAT_IRREGULAR = { status = 255, err = "/proc/net/tcp: not a regular file\n" }

case(20, "a FIFO in place of a table", function()
  stops(function(path) posix.run { "mkfifo", path } end, IRREGULAR, NETSTAT_IRREGULAR)
end)

case(21, "a device in place of a table", function()
  local function device(path) return (posix.run { "mknod", path, "c", "1", "5" }) end
  if device(posix.tmpdir("sockq-bad") .. "/zero") == 0 then
    stops(device, IRREGULAR, NETSTAT_IRREGULAR)
  else
    bad.not_checked("a device in the tree", "none can be made here")
  end
  stops(function(path) posix.symlink("/dev/zero", path) end,
    "sockq: TREE/net/tcp: cannot be read: Invalid cross-device link; skipped\n",
    { status = 255, err = "/proc/net/tcp: Invalid cross-device link\n" })
end)

case(22, "a socket in place of a table", function()
  stops(function(path)
    posix.run { "python3", "-c", "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])", path }
  end, "sockq: TREE/net/tcp: cannot be read: No such device or address; skipped\n",
    { status = 255, err = "/proc/net/tcp: No such device or address\n" })
end)

case(23, "a table that may not be read", function()
  -- Of what is there and cannot be read netstat says that the kernel lacks it, with 1.
  local netstat = { status = 3, err = "netstat: no support for `AF INET (tcp)' on this system.\n"
    .. "sockq: TREE/net/tcp: Permission denied; what was read before is shown\n" }
  local function make(path)
    posix.write_file(path, bad.text("tcp", {}))
    posix.chmod(path, 0)
  end
  local told = "sockq: TREE/net/tcp: cannot be read: Permission denied; "
  -- Root reads a tree as nobody does.
  told = told .. "make it readable for everybody: chmod -R a+rX TREE\n"
  stops(make, told, netstat)
  if posix.geteuid() == 0 then stops(make, told, netstat, { through = bad.AS_NOBODY }) end
end)

case(24, "a link to itself", function()
  stops(function(path) posix.symlink("tcp", path) end,
    "sockq: TREE/net/tcp: cannot be read: Too many levels of symbolic links; skipped\n",
    { status = 255, err = "/proc/net/tcp: Too many levels of symbolic links\n" })
end)

case(25, "a link out of the tree", function()
  local outside = posix.tmpdir("sockq-outside")
  posix.mkdir(outside .. "/net")
  posix.write_file(outside .. "/net/tcp", bad.text("tcp", row {}))
  local told = "sockq: TREE/net/tcp: cannot be read: Invalid cross-device link; skipped\n"
  local netstat = { status = 255, err = "/proc/net/tcp: Invalid cross-device link\n" }
  stops(function(path) posix.symlink(outside .. "/net/tcp", path) end, told, netstat)
  stops(function(path) posix.symlink("../../" .. outside:match("[^/]+$") .. "/net/tcp", path) end, told, netstat)
  stops(function(path) posix.symlink("/proc/self/net/tcp", path) end, told, netstat)
  stops(function(path, tree)
    posix.symlink("../../..", tree .. "/net/up")
    posix.symlink("up" .. outside .. "/net/tcp", path)
  end, told, netstat)
  -- A component on the way.
  local tree = posix.tmpdir("sockq-tree")
  posix.symlink(outside .. "/net", tree .. "/net")
  local list, status, err = bad.ndjson(tree, "tcp")
  bad.equal("a link in place of net", #list .. " " .. status, "0 3")
  for _, from in ipairs { "tcp", "tcp6" } do
    bad.contains("a link in place of net", err,
      ("sockq: %s/net/%s: cannot be read: Invalid cross-device link; skipped\n"):format(tree, from))
  end
end)

case(26, "net is a link to self/net", function()
  local tree = program.tree { ["7/net/tcp"] = bad.text("tcp", {}) }
  posix.remove_tree(tree .. "/net")
  posix.symlink("self/net", tree .. "/net")
  posix.symlink("7", tree .. "/self")
  local list, status, err = bad.ndjson(tree, "tcp")
  bad.equal("rows", bad.inodes(list) .. " " .. status .. err, "90001 90002 0")
  local lines = bad.netstat(tree, "tcp")
  bad.equal("netstat", #lines, 2)
end)

case(27, "a table that is missing", function()
  for _, link in ipairs { false, true } do
    local tree = bad.tree("udp", bad.text("udp", {}))
    if link then posix.symlink("nowhere", tree .. "/net/tcp") end
    local status, out, err = bad.over(tree, { "-f", "ndjson" })
    bad.equal("not named", status .. #program.lines(out) .. err, "02")
    local list
    list, status, err = bad.ndjson(tree, "tcp")
    bad.equal("named: status", #list .. " " .. status, "0 3")
    bad.contains("named: told", err, tree .. "/net/tcp: No such file or directory; ")
    status, out, err = bad.over(tree, { "netstat", "-an" })
    bad.equal("netstat", status .. #program.lines(out) .. err, "06")
    status, _, err = bad.over(tree, { "netstat", "-ant" })
    bad.equal("netstat -t", status .. err, "1netstat: no support for `AF INET (tcp)' on this system.\n")
  end
end)

case(33, "a file of another kind", function()
  for name, text in pairs {
    gz = "\31\139\8\0\0\0\0\0\0\3" .. ("\203\10\0\255\27[31m\13\10"):rep(40), text = ("somebody's words\n"):rep(40),
    html = ("<p>404</p>\n"):rep(40), zeros = ("\0"):rep(5000) .. ("\n"):rep(40),
  } do
    for _, from in ipairs(EVERY) do
      local tree = bad.tree(from, text)
      local list, status, err = bad.ndjson(tree, from)
      local about = name .. " as " .. from
      bad.equal(about .. ": rows, status", #list .. " " .. status, "0 3")
      bad.contains(about .. ": given up", err, ("%s/net/%s:10: %s\n"):format(tree, from, GARBAGE))
      bad.ok(about .. ": one message a line", #program.lines(err) <= 11, err)
    end
  end
  -- A row among the first ten: it goes on.
  local text = bad.rows.headers.tcp .. ("\nx"):rep(5) .. "\n" .. bad.good("tcp", 1) .. ("\nx"):rep(20) .. "\n"
    .. bad.good("tcp", 2) .. "\n"
  local tree = bad.tree("tcp", text)
  local list, _, err = bad.ndjson(tree, "tcp")
  bad.equal("not garbage: rows", bad.inodes(list), "90001 90002")
  bad.equal("not garbage: ten messages and a count", #program.lines(err), 11)
  bad.contains("not garbage: the count", err, "net/tcp: 15 more lines are bad; skipped\n")
end)
