--- Ports, addresses and networks as words of the command line, counted in the captured text itself.
--
--   luajit tests/cli/argument_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local TABLES = { "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6" }

--- Both ends of every row of a capture, as the kernel printed them: { address, port } each.
local function ends_in(tree)
  local list = {}
  for _, name in ipairs(TABLES) do
    local text = posix.read_file(tree .. "/net/" .. name) or ""
    for laddr, lport, raddr, rport in text:gmatch "\n *%d+: (%x+):(%x%x%x%x) (%x+):(%x%x%x%x) " do
      list[#list + 1] = { laddr, tonumber(lport, 16), raddr, tonumber(rport, 16) }
    end
  end
  return list
end

--- An address that the kernel printed lies in 127.0.0.0/8: its last byte in memory order is the first.
local function is_loopback4(hex)
  return (hex:find "^......7F$" or hex:find "^0000000000000000FFFF0000......7F$") ~= nil
end

local function has_port(port)
  return function(row) return row[2] == port or row[4] == port end
end

local cases = {
  { ":443", has_port(443) }, { ":53", has_port(53) }, { ":8080", has_port(8080) }, { ":61", has_port(61) },
  { "127.0.0.0/8", function(row) return is_loopback4(row[1]) or is_loopback4(row[3]) end },
  { "127.0.0.1:53", function(row)
    return row[1]:find "0100007F$" and is_loopback4(row[1]) and row[2] == 53
      or row[3]:find "0100007F$" and is_loopback4(row[3]) and row[4] == 53
  end },
  { "::1", function(row)
    local one = ("0"):rep(24) .. "01000000"
    return row[1] == one or row[3] == one
  end },
  { "[::]:22", function(row)
    local none = ("0"):rep(32)
    return row[1] == none and row[2] == 22 or row[3] == none and row[4] == 22
  end },
  { "0.0.0.0/0", function(row)
    local function is_v4(hex) return #hex == 8 or hex:find "^0000000000000000FFFF0000" end
    return is_v4(row[1]) or is_v4(row[3])
  end },
}
local matched = 0
for _, capture in ipairs { "mixed-1", "mixed-2" } do
  local tree = "tests/data/captures/" .. capture .. "/proc"
  local rows = ends_in(tree)
  check.ok(capture .. ": rows", #rows > 50, #rows .. " of them")
  for _, case in ipairs(cases) do
    local want = 0
    for _, row in ipairs(rows) do
      if case[2](row) then want = want + 1 end
    end
    local status, out, err = program.run { "--proc", tree, "--no-header", case[1] }
    local name = ("%s in %s"):format(case[1], capture)
    check.equal(name, #program.lines(out), want)
    check.equal(name .. ": status", status, want > 0 and 0 or 1)
    check.ok(name .. ": stderr", not err:find "EXPR", err)
    matched = matched + want
  end
end
check.ok("they match something", matched > 60, matched .. " rows")

local TREE = "tests/data/captures/mixed-1/proc"
local _, both = program.run { "--proc", TREE, "--no-header", ":443", "LISTEN" }
local _, one = program.run { "--proc", TREE, "--no-header", "LISTEN and (local_port == 443 or remote_port == 443)" }
check.equal("and-ed with an expression", both, one)
check.ok("with rows", #both > 0)

for _, case in ipairs {
  { ":99999", 'EXPR:1:2: "99999" is no port; ports go from 1 to 65535', "   ^" },
  { "10.0.0.0/33", 'EXPR:1:1: "10.0.0.0/33" has a prefix of 33 bits; IPv4 has 0 to 32', "  ^" },
  { "1.2.3.4.5", 'EXPR:1:1: "1.2.3.4.5" is no address', "  ^" },
  { "[::1]:99999", "EXPR:1:7: ", "        ^" },
} do
  program.refuses(case[1], { case[1] }, { err = { case[2] } })
  local _, _, err = program.run { case[1] }
  check.contains(case[1] .. ": the place is marked", err, "\n  " .. case[1] .. "\n" .. case[3] .. "\n")
end

check.finish()
