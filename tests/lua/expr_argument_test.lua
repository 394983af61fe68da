--- Words of the command line that are ports, addresses and networks.
--
--   luajit tests/lua/expr_argument_test.lua        from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local catalog = require "sockq.catalog"
local check = require "check"
local expr = require "sockq.expr"
local services = require "sockq.services"

local function said(word)
  local text, problem = expr.argument(word)
  return text or expr.explain_error(problem):gsub("^EXPR:", "")
end

local function ends(network, port)
  local parts = {}
  for i, side in ipairs { "local", "remote" } do
    local within = network and ('within(%s_addr, "%s")'):format(side, network)
    local at = port and ("%s_port == %s"):format(side, port)
    parts[i] = within and at and within .. " and " .. at or within or at
  end
  return table.concat(parts, " or ")
end

local words = {
  -- word, network, port
  { ":3000", nil, "3000" }, { ":1", nil, "1" }, { ":65535", nil, "65535" }, { ":022", nil, "22" },
  { "10.1.2.3", "10.1.2.3" }, { "10.0.0.0/8", "10.0.0.0/8" }, { "10.1.2.3:80", "10.1.2.3", "80" },
  { "10.0.0.0/8:80", "10.0.0.0/8", "80" }, { "0.0.0.0/0", "0.0.0.0/0" }, { "::1", "::1" }, { "::", "::" },
  { "::/0", "::/0" }, { "fe80::1:22", "fe80::1:22" }, { "fe80::/10", "fe80::/10" }, { "FE80::1", "FE80::1" },
  { "fe80::/10:22", "fe80::/10", "22" }, { "[fe80::1]:22", "fe80::1", "22" }, { "[fe80::1]", "fe80::1" },
  { "[fe80::/10]:22", "fe80::/10", "22" }, { "[fe80::]/10", "fe80::/10" }, { "[fe80::]/10:22", "fe80::/10", "22" },
  { "::ffff:10.1.2.3", "::ffff:10.1.2.3" }, { "[::ffff:10.1.2.3]:22", "::ffff:10.1.2.3", "22" },
  { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" }, { "[10.1.2.3]:80", "10.1.2.3", "80" },
}
for _, case in ipairs(words) do
  local text = said(case[1])
  check.equal(case[1], text, ends(case[2], case[3]))
  local compiled, problem = expr.compile(text, catalog.of())
  check.ok(case[1] .. " compiles", compiled, problem and problem.message)
end

if services.name(22) == "ssh" then
  for _, case in ipairs {
    { ":ssh", nil, "22" }, { ":SSH", nil, "22" }, { "10.1.2.3:https", "10.1.2.3", "443" }, { ":www", nil, "80" },
  } do
    check.equal(case[1], said(case[1]), ends(case[2], case[3]))
  end
  check.equal(":sshh", said(":sshh"), '1:2: "sshh" is neither a port nor a service; did you mean :ssh?')
  check.equal(":qqqqqqqqq", said(":qqqqqqqqq"),
    '1:2: "qqqqqqqqq" is neither a port nor a service; /etc/services lists the services')
else
  io.stderr:write("NOT CHECKED: names of ports: no /etc/services\n")
end

-- A name that several ports have.
services.ports = function(name) return name == "twice" and { 7, 9 } or {} end
check.equal(":twice", said(":twice"), "local_port == 7 or local_port == 9 or remote_port == 7 or remote_port == 9")
check.equal("::1 and :twice", said("[::1]:twice"), 'within(local_addr, "::1") and (local_port == 7 or local_port == 9)'
  .. ' or within(remote_addr, "::1") and (remote_port == 7 or remote_port == 9)')

for _, case in ipairs {
  { ":99999", '1:2: "99999" is no port; ports go from 1 to 65535' }, { ":0", '1:2: "0" is no port' },
  { ":", "1:2: a port is missing behind the colon; write :443 or :https" }, { "10.1.2.3:", "1:10: a port is missing" },
  { "10.1.2.3:*", '1:10: "*" is no port; leave ":*" out' }, { "*:80", '1:1: "*" is no address; write :PORT alone' },
  { "10.0.0.0/33", '1:1: "10.0.0.0/33" has a prefix of 33 bits; IPv4 has 0 to 32' },
  { "1.2.3.4.5", '1:1: "1.2.3.4.5" is no address; one looks like' }, { "1.2.3", "1:1: \"1.2.3\" is no address; write 1.2.3.0" },
  { "10/8", '1:1: "10" is no address; write 10.0.0.0/8' }, { "10.1/16", '1:1: "10.1" is no address; write 10.1.0.0/16' },
  { "3000", "1:1: 3000 is no condition; write :3000 for a port, pid == 3000 for a process" },
  { "[fe80::1", '1:1: a "[" without its "]"; write [fe80::1]:22' },
  { "[fe80::1]22", '1:10: unexpected "22" behind "]"; write [fe80::1]:22' }, { "[x]:22", '1:2: "x" is no address' },
  { "localhost:80", '1:1: "localhost" is no address; write :80 as a word of its own, or an address' },
  { "tcp:\27", '1:1: "tcp" is no address; one looks like' }, { "tcp:", '1:1: "tcp" is no address; one looks like' },
  { "::1::2", '1:1: "::1::2" is no address' },
  { "10.1.2.3:80:90", '1:1: "10.1.2.3:80:90" is no address' }, { "10.1.2.3:65536", '1:10: "65536" is no port' },
  { "::/129", '1:1: "::/129" has a prefix of 129 bits' }, { "1.2.3.4/x", '1:1: "1.2.3.4/x" has no prefix length' },
  { "[::1]:99999", '1:7: "99999" is no port' }, { "[::1]/129:5", '1:2: "::1/129" has a prefix of 129' },
  { "1.2.3.4/8:99999", '1:11: "99999" is no port' }, { "\27[0m:80", '1:1: "\\x1b[0m" is no address' },
} do
  check.contains(case[1], "\n" .. said(case[1]), "\n" .. case[2])
end

-- Expressions stay what they are.
for _, word in ipairs {
  "LISTEN", "", " ", "pid == 5", 'program == "a:b"', "'10.1.2.3' == laddr", "tcp", "1.5", "1 < 2", "lower(program)=='x:y'",
  "not(LISTEN)", "a.b.c", "-1", "10.0.0.0/8 or LISTEN", "recv_q>0", "stat", "1e3", ".5", "0x10",
} do
  check.equal(word, said(word), word)
end
check.raises("a word is text", "not a nil", expr.argument, nil)

check.finish()
