--- Rows of netlink, packet and sctp: numbers 101 to 105.

local bad = require "bad"

local case, accepted, refused = bad.case, bad.accepted, bad.refused
local null = bad.json.null

case(101, "netlink without inodes, and dump as a pointer", function()
  accepted("netlink", "ffff880012345678 0   4242   00000001 0        0        (null) 2 0", { inode = null, port_id = 4242,
    groups = 1, drops = 0, refs = 2, protocol = "route" })
  accepted("netlink", "ffff880012345678 0   4242   00000001 0        0        ffff880000000000 2 0", { inode = null })
  accepted("netlink", "ffff880012345678 15  4242   00000001 7        0        (null) 2 0 90009", { inode = 90009, recv_q = 7 })
  refused("netlink", "ffff880012345678 0   4242   00000001 0        0        (null) 2", "a column is not a number of its kind")
end)

case(102, "netlink numbers that are negative or unknown", function()
  accepted("netlink", "0 0 -4097 ffffffff 0 0 0 2 0 90009", { port_id = 4294963199, groups = 4294967295, inode = 90009 })
  accepted("netlink", "0 255 1 FFFFFFFF 0 0 1 2 -1 90009", { protocol = "255", drops = 4294967295 })
  for _, line in ipairs { "0 0 4294967296 0 0 0 0 2 0 9", "0 70000 1 0 0 0 0 2 0 9", "0 0 1 1ffffffff 0 0 0 2 0 9",
    "0 x 1 0 0 0 0 2 0 9" } do
    refused("netlink", line, "a column is not a number of its kind")
  end
  refused("netlink", "0 0 1 0 0 0 0 2 0 -9", "the inode is not a 64-bit decimal number")
end)

case(103, "packet sockets of a device that is not there", function()
  accepted("packet", "0 3      3    0003   -1    1 0      1000   90009", { ifindex = -1, dev = null, inode = 90009, uid = 1000 })
  accepted("packet", "0 3      10   88cc   2147483647 0 5 0   90009", { ifindex = 2147483647, dev = null, type = "PACKET",
    protocol = "0x88cc", recv_q = 5 })
  refused("packet", "0 3      3    0003   2147483648 1 0      1000   9", "a column is not a number of its kind")
  refused("packet", "0 3      3    10003  1     1 0      1000   9", "a column is not a number of its kind")
  refused("packet", "0 3      3    0003   1     1 0      -1   9", "the uid is not a 32-bit decimal number")
end)

local function endpoint(addresses) return "ffff0000 ffff0000 2   10  1    9     0 90009 " .. addresses end

case(104, "sctp addresses: none, a mark alone, shortened", function()
  local tree = bad.tree("sctp/eps", bad.text("sctp/eps", endpoint ""))
  local list, status, err = bad.ndjson(tree, "sctp/eps")
  bad.equal("none", bad.inodes(list) .. " " .. status .. err, "90001 90009 90002 0")
  bad.equal("none: no address", #list[2].local_addrs, 0)
  bad.equal("none: netstat", select(2, bad.netstat(tree, "sctp/eps")), 0)
  local ADDRESS = "an address is not of this table's family and length"
  for _, text in ipairs { "*", "* ", "127.0.0.1 *", "**127.0.0.1", "127.0.0", "::g", "1.2.3.4.5", ("1"):rep(100) } do
    refused("sctp/eps", endpoint(text), ADDRESS)
  end
  accepted("sctp/eps", endpoint "::1 ", { inode = 90009, local_addr = "::1", family = "inet6" })
  accepted("sctp/eps", endpoint "*0000:0000:0000:0000:0000:0000:0000:0001 ", { local_addr = "::1" })
end)

case(105, "an association without its marks", function()
  local MARK = "the mark between or after the addresses is missing"
  local good = bad.good("sctp/assocs", 9)
  refused("sctp/assocs", (good:gsub("<%->", "   ")), MARK)
  refused("sctp/assocs", (good:gsub("<%->", "->")), "an address is not of this table's family and length")
  refused("sctp/assocs", (good:gsub("\t", " ")), MARK)
  refused("sctp/assocs", (good:gsub("127%.0%.0%.1 <%-> %*10%.0%.0%.2 \t", "\t")), MARK)
  refused("sctp/assocs", "\t" .. good:gsub("\t", " "), "too few columns")
end)

return bad
