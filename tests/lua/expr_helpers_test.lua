--- The functions of expressions: each against its documentation, wrong arguments, and networks
--- against python3's ipaddress, by the bytes of a row and by text.
--
--   luajit tests/lua/expr_helpers_test.lua [SEED]    from the root of the tree, after scripts/build
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path
if not os.getenv("LUA_CPATH") then package.cpath = "build/release/lib/?.so;" .. package.cpath end

local catalog = require "sockq.catalog"
-- What runs once is not worth compiling.
jit.off()

local check = require "check"
local expr = require "sockq.expr"
local helpers = require "sockq.expr.helpers"
local memo = require "sockq.expr.memo"
local pattern = require "sockq.expr.pattern"
local posix = require "posix"
local rows = require "rows"
local services = require "sockq.services"
local sockq = require "sockq"
local tree = require "tree_of"

check.at_end(posix.cleanup)

local seed = tonumber(arg[1]) or os.time() % 1000000
math.randomseed(seed)
print("seed " .. seed)

local random = math.random
local sockets = catalog.of()

--- The value of a text over socket rows, or what is wrong with it.
local function value_of(text, row)
  local compiled, problem = expr.compile_value(text, sockets)
  if not compiled then return problem.message end
  return compiled.value(row or {})
end

local has_services = services.name(22) == "ssh" and services.name(53, "udp6") == "domain"
if not has_services then io.stderr:write("NOT CHECKED: names of ports: no /etc/services\n") end

for _, helper in ipairs(helpers.list) do
  local name = helper.name
  check.ok(name .. ": doc", type(helper.doc) == "string" and not helper.doc:find "[\n.]$" and #helper.doc < 160)
  check.equal(name .. ": arguments", #helper.args, helper.max)
  if name ~= "service" or has_services then
    check.equal(helper.example[1], value_of(helper.example[1]), helper.example[2])
  end
end

local cases = {
  -- expression, value or what is wrong
  { 'within("10.1.2.3", "10.0.0.0/8")', true }, { 'within("11.1.2.3", "10.0.0.0/8")', false },
  { 'within("::ffff:10.1.2.3", "10.1.2.3")', true }, { 'within("10.1.2.3", "::ffff:10.0.0.0/104")', true },
  { 'within("::ffff:10.1.2.3", "::/0")', false }, { 'within("10.1.2.3", "::/0")', false },
  { 'within("10.1.2.3", "0.0.0.0/0")', true }, { 'within("fe80::1", "fe80::/10")', true },
  { 'within("fec0::1", "fe80::/10")', false }, { 'within("::1", "::1")', true }, { 'within("::2", "::1")', false },
  { 'within("nonsense", "::1") == nil', true }, { 'within(program, "::1")', nil },
  { 'within("10.1.2.3", "10.255.255.255/8")', true }, { 'within("1.2.3.4\\0", "1.2.3.4")', nil },
  { 'within("10.1.2.3", "10." .. "0.0.0/8")', true }, { 'within("10.1.2.3", "10." .. "0.0.0/99") == nil', true },
  { 'within("x", "10.0.0.0/33")', '"10.0.0.0/33" has a prefix of 33 bits; IPv4 has 0 to 32' },
  { 'within("x", "::/129")', '"::/129" has a prefix of 129 bits; IPv6 has 0 to 128' },
  { 'within("x", "10.0.0.0/255.255.0.0")', '"10.0.0.0/255.255.0.0" has no prefix length; write /16' },
  { 'within("x", "10.0.0.0/255.0.255.0")', '"10.0.0.0/255.0.255.0" has no prefix length; write /0 to /32' },
  { 'within("x", "10.0.0.0/")', '"10.0.0.0/" has no prefix length; write /0 to /32' },
  { 'within("x", "::1/1e1")', '"::1/1e1" has no prefix length; write /0 to /128' },
  { 'within("x", "10.0.0.0/8/8")', '"10.0.0.0/8/8" has no prefix length; write /0 to /32' },
  { 'within("x", "10.1")', '"10.1" is no address; write 10.1.0.0' },
  { 'within("x", "10./8")', '"10." is no address; write 10.0.0.0/8' },
  { 'within("x", "1.2.3.256")', '"1.2.3.256" is no address; one looks like 10.1.2.3 or fe80::1' },
  { 'within("x", "")', '"" is no address; one looks like 10.1.2.3 or fe80::1' },
  { 'within("x", "fe80::1%eth0")', '"fe80::1%eth0" is no address; one looks like 10.1.2.3 or fe80::1' },
  { 'within("x", "::ffff:10.0.0.0/8")',
    '"::ffff:10.0.0.0/8" has a prefix of 8 bits; IPv4 has 96 to 128 within ::ffff:0:0/96' },
  { "within(5, '::1')", "argument 1 of within is a number; give it a string" },
  { 'subnet("10.1.2.3", 0)', "0.0.0.0/0" }, { 'subnet("10.1.2.3", 32)', "10.1.2.3/32" },
  { 'subnet("10.1.130.3", 17)', "10.1.128.0/17" }, { 'subnet("::ffff:10.1.2.3", 8)', "10.0.0.0/8" },
  { 'subnet("2001:db8:1:2:3::4", 24)', "2001:db8:1:2::/64" },
  { 'subnet("2001:db8:1:2:3::4", 24, 48)', "2001:db8:1::/48" }, { 'subnet("::1", 24, 0)', "::/0" },
  { 'subnet("x", 24)', nil }, { 'subnet("10.1.2.3", 2 * 12)', "10.1.2.0/24" },
  { 'subnet("10.1.2.3", local_port)', nil }, { 'subnet("10.1.2.3", local_port or 8)', "10.0.0.0/8" },
  { 'subnet("10.1.2.3", local_port or 33)', nil }, { 'subnet("10.1.2.3", local_port or 1.5)', nil },
  { 'subnet("10.1.2.3", 24, 65) .. "!"', "10.1.2.0/24!" },
  { 'subnet("::1", 33)', "an IPv4 prefix has 0 to 32 bits; write 24, 33 for both" },
  { 'subnet("::1", 129)', "129 is no prefix length; IPv4 has 0 to 32" },
  { 'subnet("::1", -8)', "-8 is no prefix length; IPv4 has 0 to 32" },
  { 'subnet("::1", 24, 129)', "129 is no prefix length; IPv6 has 0 to 128" },
  { 'subnet("::1", 0/0)', "-nan is no prefix length; IPv4 has 0 to 32", "nan is no prefix length" },
  { 'subnet("::1", "24")', "argument 2 of subnet is a string; give it a number" },
  { 'scope("127.0.0.1")', "loopback" }, { 'scope("::ffff:10.0.0.1")', "private" }, { 'scope("x")', nil },
  { 'scope("8.8." .. "8.8")', "public" },
  { "bucket(0, 10)", 0 }, { "bucket(9.99, 10)", 0 }, { "bucket(10, 10)", 10 }, { "bucket(-1, 10)", -10 },
  { "bucket(7, 2.5)", 5 }, { "bucket(5000, 4*KiB)", 4096 }, { "bucket(expires, 10)", nil },
  { "bucket(7, local_port or 0)", nil }, { "bucket(7, local_port or 2)", 6 },
  { "bucket(7, 0)", "a width of 0; write one above 0, as in bucket(expires, 10)" },
  { "bucket(7, -KiB)", "a width of -1024; write one above 0, as in bucket(expires, 10)" },
  { "bucket(7, 1e999)", "a width of inf; write one above 0, as in bucket(expires, 10)" },
  { "service(70000)", "70000 is no port; ports go from 0 to 65535" },
  { "service(22, 'tpc')", 'no port of "tpc" has a name; did you mean tcp?' },
  { "service(local_port, proto)", nil }, { "service(1.5)", "1.5 is no port; ports go from 0 to 65535" },
  { 'match("nginx: worker", "worker")', true }, { 'match("nginx", "^%a+$")', true },
  { 'match("a.b", "a.b")', true }, { 'match("axb", "a%.b")', false }, { 'match("abc", "")', true },
  { 'match("abc", program or "b")', true }, { 'match("abc", program or "[")', nil },
  { 'match("a[c", "[")', "the pattern has a [ without its ]; write %[ for the character" },
  { 'match("x", "%")', "the pattern ends in %; write %% for a percent sign" },
  { 'match("x", "\\0")', "the pattern has a zero byte; write %z for it" },
  { 'match("x", "(x")', "the pattern has a ( without its ); write %( for the character" },
  { 'match("x", "x)")', "the pattern has a ) without its (; write %) for the character" },
  { 'match("x", "(x)%2")', "%2 in the pattern names no finished (...); write %% for a percent sign" },
  { 'match("x", "%f")', "%f in the pattern needs a set; write %f[%w] or the like" },
  { 'match("x", "%bx")', "%b in the pattern needs two characters; write %b() or the like" },
  { ('match("x", "%s")'):format(("a?"):rep(101)), "the pattern has too many parts; write a shorter one" },
  { 'lower("ÄB")', "Äb" }, { "min(2, 1)", 1 }, { "max(2, expires)", nil }, { "floor(-0.5)", -1 }, { "abs(-3)", 3 },
}
for _, case in ipairs(cases) do
  if case[3] then
    check.contains(case[1], value_of(case[1]), case[3])
  else
    check.equal(case[1], value_of(case[1]), case[2])
  end
end

-- Services

if has_services then
  for _, case in ipairs {
    { "service(53)", "domain" }, { "service(514)", "shell" }, { "service(514, 'udp')", "syslog" },
    { "service(80, 'tcp6')", "http" }, { "service(1, 'raw')", "icmp" }, { "service(80, 'icmp' .. '')", nil },
    { "service(1)", "tcpmux" }, { "service(65535)", nil },
  } do
    check.equal(case[1], value_of(case[1]), case[2])
  end
  check.equal("the ports of a name", table.concat(services.ports("SSH"), " "), "22")
  check.equal("of an alias", table.concat(services.ports("www"), " "), "80")
  check.equal("of none", #services.ports("no-such-service"), 0)
end

-- Addresses in comparisons

for _, case in ipairs {
  { 'local_addr == "2001:DB8::0001"', "compiled" }, { 'laddr ~= "10.1.2.3"', "compiled" },
  { '"10.0.0.0/8" == remote_addr', '"10.0.0.0/8" is a network; write within(remote_addr, "10.0.0.0/8")' },
  { 'remote_addr == "localhost"', '"localhost" is no address; one looks like 10.1.2.3 or fe80::1' },
  { 'remote_addr == "10.1"', '"10.1" is no address; write 10.1.0.0' }, { 'remote_addr < "x"', "compiled" },
} do
  local compiled, problem = expr.compile(case[1], sockets)
  check.equal(case[1], compiled and "compiled" or problem.message, case[2])
end

-- The same over rows: bytes, text and python3 agree.

local function hex_words(bytes)
  local out = {}
  for i = 1, #bytes, 4 do
    local a, b, c, d = bytes:byte(i, i + 3)
    out[#out + 1] = ("%02X%02X%02X%02X"):format(d, c, b, a)
  end
  return table.concat(out)
end

local function bytes_of(length)
  local out = {}
  for i = 1, length do out[i] = string.char(random(3) == 1 and random(0, 255) or random(0, 2)) end
  return table.concat(out)
end

local V4_PREFIX = ("\0"):rep(10) .. "\255\255"

local function random_v6()
  if random(3) == 1 then return V4_PREFIX .. bytes_of(4) end
  if random(6) == 1 then return ("\0"):rep(12) .. bytes_of(4) end
  return bytes_of(16)
end

local v4, v6 = {}, {}
for i = 1, 300 do
  v4[i] = rows.tcp { slot = i - 1, laddr = hex_words(bytes_of(4)), raddr = hex_words(bytes_of(4)), rport = 1,
    state = 1, inode = i }
  v6[i] = rows.tcp { slot = i - 1, laddr = hex_words(random_v6()), raddr = hex_words(random_v6()), rport = 1,
    state = 1, inode = i + 300 }
end
sockq.open(tree.make {
  ["net/tcp"] = rows.file("tcp", v4), ["net/tcp6"] = rows.file("tcp6", v6),
  ["net/unix"] = rows.file("unix", { rows.unix { inode = 1 } }),
})
local all = sockq.from("tcp,unix"):list()
check.equal("rows", #all, 601)

-- Another catalog over the same names, without knowledge of rows.
local by_text = setmetatable({ sockets = false }, { __index = sockets })

local questions, lines = {}, {}
for i = 1, 300 do
  local row = all[random(#all - 1)]
  local kind = i % 3
  if kind == 0 then
    local text, v4_length, v6_length = row.remote_addr, random(0, 32), random(0, 128)
    questions[i] = ("subnet(remote_addr, %d, %d)"):format(v4_length, v6_length)
    lines[i] = ("subnet %d %d %s"):format(v4_length, v6_length, text)
  else
    local network = row.local_addr
    if kind == 1 then
      network = network .. "/" .. (network:find("ffff:%d+%.") and random(96, 128)
        or random(0, network:find(":", 1, true) and 128 or 32))
    end
    questions[i] = ("within(local_addr, %q)"):format(network)
    lines[i] = "within " .. network
  end
end

local ORACLE = [[
import ipaddress, sys
def seen(text):
    ip = ipaddress.ip_address(text)
    return getattr(ip, "ipv4_mapped", None) or ip
rows, out = [line.split() for line in open(sys.argv[1])], []
for line in open(sys.argv[2]):
    words = line.split()
    if words[0] == "within":
        net = ipaddress.ip_interface(words[1])
        if getattr(net.ip, "ipv4_mapped", None):
            net = ipaddress.ip_interface("%s/%d" % (net.ip.ipv4_mapped, net.network.prefixlen - 96))
        out.append("".join("01"[seen(local) in net.network] for local, _ in rows))
    else:
        nets = set()
        for _, remote in rows:
            ip = seen(remote)
            length = words[1] if ip.version == 4 else words[2]
            net = ipaddress.ip_network("%s/%s" % (ip, length), strict=False)
            nets.add("%s/%d" % (net.network_address.exploded, net.prefixlen))
        out.append(" ".join(sorted(nets)))
print("\n".join(out))
]]

--- An IPv6 network as ipaddress writes it in full.
local function exploded(text)
  local host, length = text:match "^(.*)/(%d+)$"
  if not host:find(":", 1, true) then return text end
  local last4 = host:match "[^:]+%.[^:]+$"
  if last4 then
    local a, b, c, d = last4:match "(%d+)%.(%d+)%.(%d+)%.(%d+)"
    host = host:sub(1, -#last4 - 1) .. ("%x:%x"):format(a * 256 + b, c * 256 + d)
  end
  local left, right = host:match "^(.-)::(.*)$"
  local groups, behind = {}, {}
  for group in (left or host):gmatch "%x+" do groups[#groups + 1] = group end
  for group in (right or ""):gmatch "%x+" do behind[#behind + 1] = group end
  for _ = 1, left and 8 - #groups - #behind or 0 do groups[#groups + 1] = "0" end
  for _, group in ipairs(behind) do groups[#groups + 1] = group end
  for i, group in ipairs(groups) do groups[i] = ("%04x"):format(tonumber(group, 16)) end
  return table.concat(groups, ":") .. "/" .. length
end

local function answers(question, words)
  local compiled = assert(expr.compile_value(question, words))
  local is_within, out, seen = question:find "^within", {}, {}
  for _, row in ipairs(all) do
    local answer = compiled.value(row)
    if row.proto == "unix" then
      check.equal("of a unix socket nothing is known", answer, nil)
    elseif is_within then
      out[#out + 1] = answer and "1" or "0"
    elseif not seen[answer] then
      seen[answer] = true
      out[#out + 1] = exploded(answer)
    end
  end
  table.sort(is_within and {} or out)
  return table.concat(out, is_within and "" or " ")
end

if posix.run({ "python3", "-c", "0" }) ~= 0 then
  io.stderr:write("NOT CHECKED: networks by ipaddress: no python3\n")
else
  local dir, addresses = posix.tmpdir("sockq-expr"), {}
  for i = 1, #all - 1 do addresses[i] = all[i].local_addr .. " " .. all[i].remote_addr end
  posix.write_file(dir .. "/rows", table.concat(addresses, "\n") .. "\n")
  posix.write_file(dir .. "/questions", table.concat(lines, "\n") .. "\n")
  local status, out, err = posix.run({ "python3", "-c", ORACLE, dir .. "/rows", dir .. "/questions" }, { timeout = 60 })
  check.equal("python3", status .. err, "0")
  local i, yes = 0, 0
  for want in out:gmatch "([^\n]*)\n" do
    i = i + 1
    local by_bytes = answers(questions[i], sockets)
    check.equal(questions[i] .. ", by bytes", by_bytes, want)
    check.equal(questions[i] .. ", by text", answers(questions[i], by_text), want)
    if want:find "1" and want:find "0" then yes = yes + 1 end
  end
  check.equal("every question has an answer", i, #questions)
  check.ok("many of them tell rows apart", yes > 100, yes .. " of them")
end

-- Equality by bytes is equality of the texts.
for i = 1, 200 do
  local text = all[random(#all - 1)].remote_addr
  local op = i % 2 == 0 and "==" or "~="
  local compiled = expr.compile(("remote_addr %s %q"):format(op, text), sockets)
  local wrong
  for _, row in ipairs(all) do
    local known = row.remote_addr
    local want = known ~= nil and (known == text) == (op == "==")
    if compiled.predicate(row) ~= want then wrong = tostring(row) end
  end
  check.equal(("remote_addr %s %s"):format(op, text), wrong, nil)
end

-- A row that is none of the kernel's: the text counts.
for _, case in ipairs {
  { 'within(remote_addr, "10.0.0.0/8")', true }, { 'within(local_addr, "10.0.0.0/8")', nil },
  { "subnet(remote_addr, 24)", "10.1.2.0/24" }, { "subnet(local_addr, 24)", nil },
  { 'remote_addr == "10.1.2.3"', true }, { 'remote_addr ~= "10.1.2.3"', false }, { 'local_addr == "::"', false },
  { 'within(remote_addr, "fe80::/10")', false },
} do
  check.equal(case[1] .. ", of a table", value_of(case[1], { remote_addr = "10.1.2.3" }), case[2])
end

-- A cursor that was kept beyond its call is told, not followed.
local kept
sockq.tcp():each(function(row) kept = kept or row end)
for _, text in ipairs { 'within(remote_addr, "::/0")', "subnet(remote_addr, 24) == 'x'", 'remote_addr == "::"' } do
  check.raises(text .. " of a stale row", "no longer valid", expr.compile(text, sockets).predicate, kept)
end

-- Patterns: what the check lets through is never refused by string.find.
local PIECES = { "%", "(", ")", "[", "]", "^", "$", ".", "*", "+", "-", "?", "a", "b", "1", "%b", "%f", "%f[", "[^",
  "%1", "()", "x", "%d", "\200" }
local SUBJECTS = { "", "a", "ab1(]", "abab12x%[)", "()()ab", "xx]]aa1", "aaaa", "\200b]a" }
local missed, refused
for _ = 1, 20000 do
  local parts = {}
  for i = 1, random(0, 8) do parts[i] = PIECES[random(#PIECES)] end
  local text = table.concat(parts)
  local problem = pattern.problem(text)
  if problem then
    refused = true
  else
    for _, subject in ipairs(SUBJECTS) do
      local ok, why = pcall(string.find, subject, text)
      if not ok then missed = check.show(text) .. ": " .. why end
      if pattern.is_plain(text) and not subject:find(text, 1, true) ~= not subject:find(text) then
        missed = check.show(text) .. " is not plain"
      end
    end
  end
end
check.equal("no pattern fails later", missed, nil)
check.ok("some are refused", refused)

-- What is remembered is bounded, and unknown answers are remembered too.
local calls = 0
local remembered = memo(function(text)
  calls = calls + 1
  return text ~= "none" and text .. "!" or nil
end)
for _ = 1, 3 do
  check.equal("remembered", remembered("a"), "a!")
  check.equal("remembered as unknown", remembered("none"), nil)
end
check.equal("computed once", calls, 2)
collectgarbage()
collectgarbage()
local before = collectgarbage("count")
for i = 1, 200000 do remembered("text " .. i) end
collectgarbage()
collectgarbage()
check.ok("memory is bounded", collectgarbage("count") - before < 8192, collectgarbage("count") - before)

check.finish()
