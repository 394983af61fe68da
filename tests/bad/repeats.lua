--- What stands twice, and what the name of a unix socket forges: numbers 78 to 80, 89 and 90.

local bad = require "bad"

local case, row, rows, program = bad.case, bad.row, bad.rows, bad.program
local null = bad.json.null

--- The fields of every row of some tables, a line a row.
local function told(tree, from, columns, forged)
  local status, out, err = bad.over(tree, { "--from", from, "-f", "tsv", "-c", columns })
  bad.equal("status", status, 0)
  if forged then
    bad.contains("that a row may be forged is told", err, "1 row may be text of the name of another socket")
  else
    bad.equal("nothing is told", err, "")
  end
  return (out:gsub("^[^\n]*\n", ""):gsub("\t", " "))
end

local function in_netstat(tree, words, inode)
  local _, out = bad.over(tree, words)
  return select(2, out:gsub("[ ]" .. inode .. "[ ]", ""))
end

case(78, "an inode that stands twice in a table", function()
  -- Of two sockets: both, and the second one is marked.
  local tree = bad.tree("tcp", bad.text("tcp", { row {}, row { locals = "0100007F:0051" } }))
  bad.equal("two sockets", told(tree, "tcp", "local_port,inode,suspect"),
    "1 90001 \n80 90009 \n81 90009 repeated\n2 90002 \n")
  bad.equal("two sockets: netstat", in_netstat(tree, { "netstat", "-tane" }, 90009), 2)
  -- The same socket again, in another state: once, as it was last.
  tree = bad.tree("tcp", bad.text("tcp", { row {}, row { state = "08", queues = "00000000:00000001" } }))
  bad.equal("one socket", told(tree, "tcp", "local_port,inode,state,recv_q,suspect"),
    "1 90001 LISTEN 0 \n80 90009 CLOSE_WAIT 1 \n2 90002 LISTEN 0 \n")
  -- netstat prints what the file holds.
  bad.equal("one socket: netstat", in_netstat(tree, { "netstat", "-tane" }, 90009), 2)
  -- Far apart, beyond what is looked back for.
  local lines = { row {} }
  for i = 1, 3000 do lines[#lines + 1] = row { inode = tostring(200000 + i), locals = ("0100007F:%04X"):format(1000 + i) } end
  lines[#lines + 1] = row { locals = "0100007F:0052" }
  tree = bad.tree("tcp", bad.text("tcp", lines))
  bad.equal("far apart", told(tree, "tcp", "local_port,suspect"):match("[^\n]*\n[^\n]*\n$"), "82 repeated\n2 \n")
  bad.equal("marked rows by an expression", (select(2, bad.over(tree, { "--from", "tcp", 'suspect == "repeated"', "-f",
    "csv", "-c", "local_port" }))), "local_port\r\n82\r\n")
  -- Rows without inode are no such thing, nor associations of one socket.
  tree = bad.tree("tcp", bad.text("tcp", { row { inode = "0" }, row { inode = "0", locals = "0100007F:0051" } }))
  bad.equal("inode 0", told(tree, "tcp", "local_port,suspect"), "1 \n80 \n81 \n2 \n")
  local assoc = bad.good("sctp/assocs", 7)
  tree = bad.tree("sctp/assocs", bad.text("sctp/assocs", { assoc, (assoc:gsub("10%.0%.0%.2", "10.0.0.3")) }),
    { ["net/sctp/eps"] = bad.text("sctp/eps", bad.good("sctp/eps", 7)) })
  bad.equal("associations", told(tree, "sctp", "inode,suspect"),
    "90001 \n90007 \n90002 \n90001 \n90007 \n90007 \n90002 \n")
end)

case(79, "an inode that stands in two tables", function()
  local tree = bad.tree("tcp", bad.text("tcp", row {}), {
    ["net/tcp6"] = rows.file("tcp6", { rows.tcp { laddr = ("0"):rep(32), lport = 80, state = 10, inode = 90009 } }),
    ["net/udp"] = rows.file("udp", { rows.datagram { lport = 80, inode = 90009 } }),
    ["net/unix"] = rows.file("unix", { rows.unix { inode = 90009, path = "@x" } }),
    ["net/netlink"] = rows.file("netlink", { bad.good("netlink", 9) }),
    ["7/cmdline"] = "holder\0", ["7/fd/3"] = { link = "socket:[90009]" },
  })
  bad.equal("all are there, all but the first marked", told(tree, "tcp,udp,unix,netlink", "proto,inode,suspect,pid"),
    "tcp 90001  \ntcp 90009  7\ntcp 90002  \ntcp6 90009 repeated 7\nudp 90009 repeated 7\nunix 90009 repeated \n"
    .. "netlink 90009 repeated 7\n")
  local _, out = bad.over(tree, { "netstat", "-anep" })
  bad.equal("netstat", select(2, out:gsub(" 90009 ", "")), 4)
end)

case(80, "the same addresses with different inodes", function()
  local lines, want = {}, {}
  for i = 1, 4 do
    lines[i], want[i] = row { inode = tostring(90010 + i) }, { inode = 90010 + i, suspect = null, local_port = 80 }
  end
  bad.accepted_text("tcp", bad.text("tcp", lines), want)
  for i = 1, 4 do lines[i] = row { inode = tostring(90010 + i), tail = "2 0 0", locals = "FB0000E0:14E9" } end
  for i = 1, 4 do want[i].local_port = 5353 end
  bad.accepted_text("udp", bad.text("udp", lines), want)
end)

local function forging(inode, forged, more)
  return rows.unix { inode = inode, path = "@x\n" .. forged .. (more or "") }
end

case(89, "a name with a line feed and a whole row behind it", function()
  local tree = bad.tree("unix", bad.text("unix", forging(90009, rows.unix { inode = 90010, path = "/run/forged" })))
  bad.equal("both are there", told(tree, "unix", "inode,path,line"),
    "90001  2\n90009 @x 3\n90010 /run/forged 4\n90002  5\n")
  bad.equal("netstat", #bad.netstat(tree, "unix"), 4)
  -- With an inode that stood before it is marked.
  tree = bad.tree("unix", bad.text("unix", forging(90009, rows.unix { inode = 90001, path = "/run/forged" })))
  bad.equal("an inode of before", told(tree, "unix", "inode,path,suspect", true),
    "90001  \n90009 @x \n90001 /run/forged repeated\n90002  \n")
end)

case(90, "a forged row with the inode of a real one", function()
  local tree = bad.tree("unix", bad.text("unix", forging(90009, rows.unix { inode = 90001, path = "/run/forged" })), {
    ["7/cmdline"] = "real\0", ["7/fd/3"] = { link = "socket:[90001]" },
    ["8/cmdline"] = "forger\0", ["8/fd/3"] = { link = "socket:[90009]" },
  })
  bad.equal("the owner is of the first alone", told(tree, "unix", "inode,path,suspect,pid,program,nprocs", true),
    "90001   7 real 1\n90009 @x  8 forger 1\n90001 /run/forged repeated   \n90002     \n")
  local _, out = bad.over(tree, { "netstat", "-xanp" })
  bad.ok("netstat: the owner is of the first alone", select(2, out:gsub("7/real", "")) == 1
    and out:find("90001 +%- +%(suspect%) /run/forged"), out)
  local list = bad.ndjson(tree, "unix")
  bad.contains("why it has none", list[3].owner_why, "an earlier row has its inode")
  bad.equal("no owners", #list[3].owners, 0)
  -- Nor by a group.
  _, out = bad.over(tree, { "--from", "unix", "-g", "program", "-A", "count", "-f", "csv" })
  bad.contains("groups", out, "real,1\r\n")
  -- The same name again is the same row, once.
  local same = rows.unix { inode = 90009, path = "@y" }
  tree = bad.tree("unix", bad.text("unix", { same, same }))
  bad.equal("the same row", told(tree, "unix", "inode,path,suspect"), "90001  \n90009 @y \n90002  \n")
end)

return program
