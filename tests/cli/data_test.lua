--- Bad and odd data: damaged rows and files, captures with little in them, names that hold control
--- bytes, outputs that cannot be written.
--
--   luajit tests/cli/data_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"

local run, lines = program.run, program.lines
local is_root = posix.geteuid() == 0

local function over(tree, words)
  local all = { "--proc", tree }
  for _, word in ipairs(words or {}) do all[#all + 1] = word end
  return run(all)
end

local function listener(port) return rows.tcp { lport = port, state = 10, inode = 1000 + port } end

--- The local ports of a table's rows, as a script sees them.
local PORTS = "for s in sockq.inet():rows() do io.write(s.local_port, ' ') end"

local function ports_in(name, tree, status, ports, err)
  local got_status, out, got_err = over(tree, { "-e", PORTS })
  check.equal(name .. ": status", got_status, status)
  check.equal(name .. ": rows", out, ports)
  if err then check.equal(name .. ": stderr", got_err, err:gsub("TREE", (tree:gsub("%%", "%%%%")))) end
  return got_err
end

-- Bad rows: named by file and line, skipped, neighbours kept

local BAD = "   1: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 99999999999999999999 1"

do
  local text = { rows.headers.tcp, listener(1), BAD, listener(2), "", listener(3), "garbage", listener(4) }
  local tree = program.tree { ["net/tcp"] = table.concat(text, "\n") .. "\n" }
  local want = "sockq: TREE/net/tcp:3: the inode is not a 64-bit decimal number; skipped\n"
    .. "sockq: TREE/net/tcp:5: the line is empty; skipped\n"
    .. "sockq: TREE/net/tcp:7: the first column is no decimal number with a colon; skipped\n"
  ports_in("bad rows", tree, 3, "1 2 3 4 ", want)
  want = want:gsub("TREE", tree)
  local status, out, err = over(tree)
  check.equal("bad rows, default table: status", status, 3)
  check.equal("bad rows, default table: rows", #lines(out), 5)
  check.equal("bad rows, default table: stderr", err, want)
  status, out, err = over(tree, { "netstat", "-ant" })
  check.equal("bad rows, netstat: status", status, 0)
  check.equal("bad rows, netstat: rows", #lines(out), 6)
  check.equal("bad rows, netstat: stderr", err, ("warning, got bogus tcp line.\n"):rep(3))
  status, out, err = over(tree, { "local_port == 2" })
  check.equal("bad rows, a condition: status", status, 3)
  check.equal("bad rows, a condition: rows", #lines(out), 2)
  check.equal("bad rows, a condition: stderr", err, want)
  status, out, err = over(tree, { "-e", "print(#sockq.tcp():list(), #sockq.messages, sockq.messages[1])" })
  check.equal("bad rows, messages for scripts", out, ("4\t3\t%s\n"):format(want:match("^sockq: ([^\n]*)")))
  check.equal("bad rows, messages for scripts: status", status, 3)
  check.equal("bad rows, messages on stderr once", err, want)
end
do
  local text = { rows.headers.tcp }
  for i = 1, 40 do
    text[#text + 1] = listener(i)
    text[#text + 1] = "damaged " .. i
  end
  local tree = program.tree { ["net/tcp"] = table.concat(text, "\n") .. "\n" }
  local err = ports_in("many bad rows", tree, 3, table.concat((function()
    local list = {}
    for i = 1, 40 do list[i] = i end
    return list
  end)(), " ") .. " ")
  local told = lines(err)
  check.equal("many bad rows: ten and a count", #told, 11)
  for i = 1, 10 do
    check.contains("many bad rows: line " .. i, told[i], ("%s/net/tcp:%d: "):format(tree, 1 + 2 * i))
  end
  check.equal("many bad rows: the count", told[11], ("sockq: %s/net/tcp: 30 more lines are bad; skipped"):format(tree))
end
do
  -- ten of each table, not ten in all
  local function damaged(name)
    local text = { rows.headers[name] }
    for i = 1, 12 do text[#text + 1] = listener(i) .. "\nx" end
    return table.concat(text, "\n") .. "\n"
  end
  local tree = program.tree { ["net/tcp"] = damaged "tcp", ["net/udp"] = damaged "udp" }
  local _, _, err = over(tree)
  check.equal("bad rows in two tables", #lines(err), 22)
  check.contains("bad rows in two tables: the second's count", err, "net/udp: 2 more lines are bad; skipped\n")
end
do
  -- a field that is cut off is never filled from the row before
  local full = rows.tcp { lport = 5, state = 1, timer = 1, when = 361, retrans = 7, uid = 1234, probes = 3, inode = 4321 }
  local script = "for s in sockq.tcp():rows() do print(s.local_port, s.uid, s.inode, s.rto, s.cwnd, s.refs) end"
  for _, cut in ipairs {
    { "after inode", " 8765", "6\t1234\t8765\tnil\tnil\tnil\n" },
    { "after ref", " 8765 2", "6\t1234\t8765\tnil\tnil\t2\n" },
    { "after pointer", " 8765 2 ffff880012345678", "6\t1234\t8765\tnil\tnil\t2\n" },
  } do
    local row = full:gsub("0005 0", "0006 0", 1):gsub(" 4321 .*$", cut[2])
    local tree = program.tree { ["net/tcp"] = rows.file("tcp", { full, row, (full:gsub(" 4321 ", " 4322 ")) }) }
    local status, out, err = over(tree, { "-e", script })
    local whole = "5\t1234\t4321\t1\t0.3\t1\n"
    whole = whole:gsub("1\t0.3", "1\t10")
    check.equal("cut " .. cut[1] .. ": status", status .. err, "0")
    check.equal("cut " .. cut[1], out, whole .. cut[3] .. whole:gsub("4321", "4322"))
  end
  for name, row in pairs {
    ["before inode"] = full:gsub(" 4321 .*$", ""), ["before uid"] = full:gsub(" +1234 .*$", ""),
    ["in the queues"] = full:gsub(":00000000 01:.*$", ""), ["in the address"] = "   0: 0100007F",
  } do
    local tree = program.tree { ["net/tcp"] = rows.file("tcp", { listener(1), row, listener(2) }) }
    local err = ports_in("cut " .. name, tree, 3, "1 2 ")
    check.contains("cut " .. name .. ": message", err, "net/tcp:3: ")
  end
  -- the last line without its line feed may be cut in a number
  local tree = program.tree { ["net/tcp"] = (rows.file("tcp", { listener(1), listener(2) }):gsub("\n$", "")) }
  ports_in("no last line feed", tree, 3, "1 ",
    "sockq: TREE/net/tcp:3: the last line is cut off: it has no line feed; skipped\n")
end

-- Files that are no tables

local function failing(name, make, status, message)
  local tree = program.tree { ["net/udp"] = rows.file("udp", { rows.datagram { lport = 9, inode = 9 } }) }
  make(tree .. "/net/tcp")
  ports_in(name, tree, status, "9 ", message)
  local got, _, err = over(tree)
  check.equal(name .. ", default table: status", got, status)
  check.equal(name .. ", default table: stderr", err, (message:gsub("TREE", tree)))
  return tree
end

failing("empty file", function(path) posix.write_file(path, "") end, 3,
  "sockq: TREE/net/tcp:1: the file is empty, it lacks even the header; read all the same\n")
failing("header alone", function(path) posix.write_file(path, rows.file("tcp", {})) end, 0, "")
failing("header of another table", function(path) posix.write_file(path, rows.file("unix", { rows.unix {} })) end, 3,
  "sockq: TREE/net/tcp:1: the header is that of another table; skipped\n")
failing("folder", function(path) posix.mkdir(path) end, 3,
  "sockq: TREE/net/tcp: cannot be read: Is a directory; skipped\n")
failing("FIFO", function(path) os.execute("mkfifo " .. path) end, 3, "sockq: TREE/net/tcp: not a regular file; skipped\n")
failing("link out of the tree to a device", function(path) posix.symlink("/dev/zero", path) end, 3,
  "sockq: TREE/net/tcp: cannot be read: Invalid cross-device link; skipped\n")
do
  local device = posix.tmpdir("sockq-device") .. "/zero"
  os.execute(("mknod %s c 1 5 2>/dev/null"):format(device))
  if posix.exists(device) then
    failing("device", function(path) os.execute(("mknod %s c 1 5"):format(path)) end, 3,
      "sockq: TREE/net/tcp: not a regular file; skipped\n")
  else
    program.skip_part("a device in place of a table", "none can be made here")
  end
end
if not is_root then
  failing("unreadable", function(path)
    posix.write_file(path, "")
    posix.chmod(path, 0)
  end, 3, "sockq: TREE/net/tcp: cannot be read: Permission denied; skipped\n")
end
failing("loop of links", function(path) posix.symlink("tcp", path) end, 3,
  "sockq: TREE/net/tcp: cannot be read: Too many levels of symbolic links; skipped\n")
do
  local garbage = ("\31\139\8\0garbage\255\n"):rep(30)
  local tree = program.tree { ["net/tcp"] = garbage, ["net/udp"] = rows.file("udp", { rows.datagram { lport = 9 } }) }
  local err = ports_in("no table at all", tree, 3, "9 ")
  check.contains("no table at all: given up", err, "net/tcp:10: none of the first ten lines is a row; skipped")
  check.ok("no table at all: short", #lines(err) == 11, err)
end
do
  local long = ("x"):rep(2 ^ 20)
  local text = { rows.headers.tcp, listener(1), long, listener(2) }
  local tree = program.tree { ["net/tcp"] = table.concat(text, "\n") .. "\n" }
  ports_in("a line of 1 MiB", tree, 3, "1 2 ", "sockq: TREE/net/tcp:3: the line is longer than any row; skipped\n")
end

-- Links: none leads out of a captured tree

do
  local outside = posix.tmpdir("sockq-outside")
  posix.mkdir(outside .. "/net")
  posix.write_file(outside .. "/net/tcp", rows.file("tcp", { listener(7777) }))
  posix.write_file(outside .. "/secret", "SECRET\0")
  local refused = { ["an absolute link"] = outside .. "/net/tcp",
    ["a link with dots"] = "../../" .. outside:match("[^/]+$") .. "/net/tcp" }
  for name, target in pairs(refused) do
    local tree = program.tree { ["net/tcp"] = { link = target } }
    ports_in(name, tree, 3, "", "sockq: TREE/net/tcp: cannot be read: Invalid cross-device link; skipped\n")
  end
  local tree = posix.tmpdir("sockq-tree")
  posix.symlink(outside .. "/net", tree .. "/net")
  local status, out = over(tree, { "-e", PORTS })
  check.equal("a link in place of net: status", status, 3)
  check.equal("a link in place of net", out, "")
  tree = program.tree { ["self/net/tcp"] = rows.file("tcp", { listener(8) }) }
  posix.remove_tree(tree .. "/net")
  posix.symlink("self/net", tree .. "/net")
  ports_in("a link within the tree", tree, 0, "8 ", "")
  -- processes
  tree = program.tree {
    ["net/tcp"] = rows.file("tcp", { listener(1), listener(2), listener(3) }),
    ["10/cmdline"] = { link = outside .. "/secret" }, ["10/comm"] = { link = outside .. "/secret" },
    ["10/fd/3"] = { link = "socket:[1001]" },
    ["11/cmdline"] = "fine\0", ["11/fd/3"] = { link = "socket:[1002]" },
  }
  posix.mkdir(outside .. "/12")
  posix.mkdir(outside .. "/12/fd")
  posix.symlink("socket:[1003]", outside .. "/12/fd/3")
  posix.write_file(outside .. "/12/cmdline", "SECRET\0")
  posix.symlink(outside .. "/12", tree .. "/12")
  for _, words in ipairs { {}, { "netstat", "-antp" },
    { "-e", "for s in sockq.tcp():rows() do print(s.pid, s.program, s.cmdline) end" } } do
    local text = "links of processes, " .. (words[1] or "default table")
    local _, got, err = over(tree, words)
    check.ok(text .. ": nothing from outside", not (got .. err):find("SECRET"), got .. err)
    check.contains(text .. ": the others", got, "fine")
  end
end

-- Trees with only some of the files

do
  local tree = posix.tmpdir("sockq-tree")
  local status, out, err = over(tree)
  check.equal("an empty folder", status .. out .. err, "1")
  status, out, err = over(tree, { "netstat", "-an" })
  check.equal("an empty folder, netstat: status", status .. err, "0")
  check.equal("an empty folder, netstat: headers", #lines(out), 4)
  status, out, err = over(tree, { "netstat", "-ant" })
  check.equal("an empty folder, netstat -t: header", #lines(out), 2)
  check.equal("an empty folder, netstat -t", status .. err, "1netstat: no support for `AF INET (tcp)' on this system.\n")
  status, out, err = over(tree, { "-e", "print(sockq.all():count(), sockq.tcp():first(), #sockq.unix():list())" })
  check.equal("an empty folder, a script", status .. out .. err, "00\tnil\t0\n")
  for _, words in ipairs { { "--from", "tcp6" }, { "-t" }, { "--from", "sctp/assocs" } } do
    status, out, err = over(tree, words)
    local name = "a table that is named and missing, " .. table.concat(words, " ")
    check.equal(name .. ": status", status, 3)
    check.equal(name .. ": stdout", out, "")
    check.ok(name .. ": told", err:find("^sockq: [^\n]+/net/[%w/]+: No such file or directory; [^\n]+\n$")
      and err:find(tree, 1, true), err)
  end
  local alone = {
    { "tcp", listener(1) }, { "tcp6", rows.tcp { laddr = ("0"):rep(32), lport = 1, state = 10, inode = 5 } },
    { "udp", rows.datagram { lport = 1 } }, { "raw6", rows.datagram { laddr = ("0"):rep(32), lport = 1 } },
    { "icmp", rows.datagram { lport = 1 } },
    { "sctp/eps", "ffff0000 ffff0000 2 10 1 1 0 77 127.0.0.1" },
    { "sctp/assocs", "ffff0000 ffff0000 2 1 3 1 9 0 0 0 78 1 2 127.0.0.1 <-> *10.0.0.2 \t5000 1 1 1 0 0 0" },
  }
  for _, case in ipairs(alone) do
    local one = program.tree { ["net/" .. case[1]] = rows.file(case[1], { case[2] }) }
    ports_in(case[1] .. " alone", one, 0, "1 ", "")
    status, out = over(one, { "-e", "print(sockq.all():count(), sockq.all():first().table)" })
    check.equal(case[1] .. " alone, all()", status .. out, ("01\t%s\n"):format(case[1]))
  end
  for _, case in ipairs { { "unix", rows.unix { inode = 5, path = "@x" } },
    { "netlink", "0000000000000000 0   4242       00000001 0        0        0     2        0        12345" },
    { "packet", "0000000000000000 3      3    0003   1     1 0      1000   23456" } } do
    local one = program.tree { ["net/" .. case[1]] = rows.file(case[1], { case[2] }) }
    status, out = over(one, { "-e", "print(sockq.all():count(), sockq.all():first().table)" })
    check.equal(case[1] .. " alone", status .. out, ("01\t%s\n"):format(case[1]))
  end
  -- processes without tables, tables without processes
  local owners = program.tree { ["5/cmdline"] = "x\0", ["5/fd/1"] = { link = "socket:[1]" } }
  status, out, err = over(owners)
  check.equal("processes alone", status .. out .. err, "1")
  status, out, err = over(program.tree { ["net/tcp"] = rows.file("tcp", { listener(1) }), ["7"] = { folder = true } })
  check.equal("a process folder without anything", status .. #lines(out) .. err, "02")
end
do
  -- what the tree says of descriptors that were followed at capture
  local tree = program.tree { ["net/tcp"] = rows.file("tcp", { listener(1) }), ["7/fd/3"] = "", ["8"] = "" }
  local status, out, err = over(tree)
  check.equal("damaged process entries: rows", #lines(out), 2)
  check.equal("damaged process entries: each told once", #lines(err), 2)
  check.contains("damaged process entries: what", err, "capture it with its links as links")
  check.equal("damaged process entries: status", status, 3)
end

-- Control bytes of names reach no output

do
  local NASTY = "a\27[31mb\7\8\r\t\127c\194\155d\155e\192\128f\255g\226\128\174h\237\160\128"
  local forged = rows.unix { inode = 4711, path = "forged" }
  local tree = program.tree {
    ["net/tcp"] = rows.file("tcp", { rows.tcp { lport = 1, state = 10, inode = 21 } }),
    ["net/unix"] = rows.file("unix", {
      rows.unix { inode = 22, path = "@" .. NASTY, flags = 0x10000 },
      rows.unix { inode = 23, path = "@line\nfeed\n\nagain" },
      rows.unix { inode = 24, path = "@x\n" .. forged },
      rows.unix { inode = 25, path = "@nul\0byte", state = 3 },
      rows.unix { inode = 26 },
    }),
    ["30/cmdline"] = "/bin/" .. NASTY .. "\0-x\27[2J\0", ["30/fd/3"] = { link = "socket:[21]" },
    ["30/fd/4"] = { link = "socket:[22]" },
    ["31/cmdline"] = "", ["31/comm"] = "c\27]0;title\7\n", ["31/fd/3"] = { link = "socket:[23]" },
    ["32/cmdline"] = "two\nlines\0", ["32/fd/3"] = { link = "socket:[24]" },
    ["32/cgroup"] = "0::/a\27[31mb\n",
  }
  -- Nothing but printable ASCII and whole UTF-8 characters above the C1 controls.
  local function is_clean(text)
    text = text:gsub("[\n\32-\126]", ""):gsub("[\195-\223][\128-\191]", ""):gsub("\194[\160-\191]", "")
      :gsub("[\225-\236\238\239][\128-\191][\128-\191]", "")
    return text == ""
  end
  local ALL = 'local q = sockq.from("tcp,unix") '
  local runs = {
    { "default table", {} }, { "unix", { "-x" } }, { "both", { "--from", "tcp,unix" } },
    { "netstat", { "netstat", "-anp" } }, { "netstat -x", { "netstat", "-xlp" } },
    { "netstat by name", { "--timer", "explain", "netstat", "-apoe" } },
    { "tostring", { "-e", ALL .. "for s in q:rows() do print(s) end" } },
    { "columns", { "-e", ALL .. 'q:print{columns={"proto","path","program","cmdline","cgroup","owners","owner_why"}}' } },
    { "fixed columns", { "-e", ALL .. 'q:print{columns={{field="path",width=3},{field="program",width=3,shrink=true}}}' } },
    { "a column's get", { "-e", ALL .. 'q:print{columns={{title="x",get=function(r) return r.program end}}}' } },
    { "a title", { "-e", ALL .. 'q:print{columns={{title=q:first().path or q:where("path"):first().path,field="proto"}}}' } },
    { "an error", { "-e", 'error(sockq.unix():first().path)' } },
    { "an error in a predicate", { "-e", 'sockq.unix():where(function(r) error(r.path .. r.program) end):count()' } },
    { "an unknown field", { "-e", 'local s = sockq.unix():first() print(s[s.path])' } },
    { "an expression", { "-e", 'local s = sockq.unix():first() sockq.unix():where(s.path)' } },
    { "a table's name", { "-e", 'sockq.from(sockq.unix():first().path)' } },
  }
  for _, case in ipairs(runs) do
    local _, out, err = over(tree, case[2])
    check.ok("control bytes, " .. case[1] .. ": something is printed", #out + #err > 0)
    check.ok("control bytes, " .. case[1] .. ": stdout", is_clean(out), out)
    check.ok("control bytes, " .. case[1] .. ": stderr", is_clean(err), err)
  end
  local _, out = over(tree, { "netstat", "-xap" })
  check.contains("netstat prints dots", out, "@a.[31mb..\n")
  check.contains("netstat prints dots for a program", out, "30/a.[31mb.....c..d ")
  _, out = over(tree, { "-x", "inode == 22" })
  check.contains("the default table escapes", out, [[@a\x1b[31mb\x07\x08\r\t\x7fc\xc2\x9bd\x9be\xc0\x80f\xffg]])
  -- forged rows
  local status
  status, out = over(tree, { "-e", [[
    for s in sockq.unix():rows() do print(s.inode, (s.path or "none"):gsub("[^\32-\126]", "?")) end ]] })
  check.equal("names with line feeds, and a forged row", out, "22\t@a?[31mb?????c??d?e??f?g???h???\t18\n"
    .. "23\t@line?feed??again\t3\n24\t@x\t0\n4711\tforged\t0\n25\t@nul@byte\t0\n26\tnone\t0\n")
  check.equal("a forged row: status", status, 0)
end
do
  -- rows that only claim to be of another socket get no owner twice, and crash nothing
  local text = rows.file("unix", { rows.unix { inode = 50, path = "@a\n" .. rows.unix { inode = 50, path = "@b" } },
    rows.unix { inode = 51, path = "@\n\n\n" }, "\n\n", rows.unix { inode = 52, path = ("n"):rep(109) },
    rows.unix { inode = 53, path = ("m"):rep(4096) } })
  local tree = program.tree { ["net/unix"] = text, ["60/cmdline"] = "p\0", ["60/fd/3"] = { link = "socket:[50]" } }
  local status, out = over(tree, { "-e", "for s in sockq.unix():rows() do io.write(s.inode, ':', #s.path, ' ') end" })
  check.equal("forged and long names", out, "50:2 50:2 51:7 52:109 53:4096 ")
  check.equal("forged and long names: status", status, 0)
  for _, words in ipairs { { "-x" }, { "netstat", "-xap" } } do
    local got, listing = over(tree, words)
    check.equal("forged and long names, " .. words[1], got, 0)
    check.ok("forged and long names, " .. words[1] .. ": rows", #lines(listing) >= 5, listing)
  end
end
do
  local _, _, err = over("\27[31m/none")
  check.ok("control bytes in --proc", not err:find("\27") and #lines(err) == 1, err)
  _, _, err = over("a\nsockq: forged")
  check.ok("a line feed in --proc", #lines(err) == 1, err)
  local tree = posix.tmpdir("sockq-tree")
  posix.mkdirs(tree .. "/e\27[31m\nf/net")
  posix.write_file(tree .. "/e\27[31m\nf/net/tcp", "")
  _, _, err = over(tree .. "/e\27[31m\nf")
  check.ok("control bytes in the tree's path", not err:find("\27") and #lines(err) == 1, err)
end

-- Outputs that cannot be written

local SH = posix.quote(program.path)
local CAPTURE = posix.quote(posix.realpath("tests/data/captures/mixed-1/proc"))

local function shell(command)
  return posix.run({ "sh", "-c", command }, { env = program.environment(), timeout = 60 })
end

local FULL = "sockq: standard output: No space left on device\n"
for name, words in pairs {
  ["default table"] = "", ["a long listing"] = "-e 'for i = 1, 300 do sockq.tcp():print() end'", ["a view"] = "list views",
  print = "-e 'print(1)'", ["much print"] = "-e 'for i = 1, 1e5 do print(i) end'", fields = "fields",
  ["io.write"] = "-e 'io.write(1)'", help = "--help", version = "-V", show = "show timer ss",
} do
  local status, _, err = shell(("%s --proc %s %s >/dev/full"):format(SH, CAPTURE, words))
  check.equal("/dev/full, " .. name .. ": status", status, 3)
  check.equal("/dev/full, " .. name .. ": message", err, FULL)
end
for _, words in ipairs { "-an", "-antpo", "-V" } do
  local status, _, err = shell(("%s --proc %s netstat %s >/dev/full"):format(SH, CAPTURE, words))
  check.equal("/dev/full, netstat " .. words, status .. err, "3" .. FULL)
end
do
  local status, out, err = shell(("%s --proc %s >&-"):format(SH, CAPTURE))
  check.equal("closed stdout", status .. out .. err, "0")
  status, out, err = shell(("%s --proc %s -t <&-"):format(SH, CAPTURE))
  check.equal("closed stdin", status .. err, "0")
  check.equal("closed stdin: rows", #lines(out), 49)
  status, out, err = shell(("%s -e 'print(io.read())' <&-"):format(SH))
  check.equal("closed stdin, read", status .. out .. err, "0nil\n")
  status, out, err = shell(("%s - <&-"):format(SH))
  check.equal("closed stdin, a script from it", status .. out .. err, "0")
  status, out, err = shell(("%s --tpc 2>&-"):format(SH))
  check.equal("closed stderr", status .. out .. err, "2")
  status, out, err = shell(("%s --proc %s -t <&- >&- 2>&-"):format(SH, CAPTURE))
  check.equal("all three closed", status .. out .. err, "0")
  status, out = shell(("%s --proc %s -t 2>&- <&-"):format(SH, CAPTURE))
  check.equal("stdin and stderr closed", status .. #lines(out), "049")
  -- a descriptor that takes the place of a closed one must not be the memory file or the socket
  status, out = shell(("%s -e 'print(io.stdin:read(10), io.stderr:write(\"x\"))' <&- 2>&-"):format(SH))
  check.equal("what stands in for closed ones", status .. out, "0nil\ttrue\n")
end

posix.cleanup()
check.finish()
