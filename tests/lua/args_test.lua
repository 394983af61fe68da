--- Typed arguments: every type against python3's own parsers, the forms of the command line, wrong
--- words, wrong specifications, and the help that comes of them.
--
--   tests/luajit luajit tests/lua/args_test.lua [--seed N]      from the root of the tree
package.path = "lua/?.lua;lua/?/init.lua;tests/lib/?.lua;" .. package.path

local check = require "check"
local args = require "sockq.args"

local seed = os.time()
for i, word in ipairs(arg) do seed = word == "--seed" and tonumber(arg[i + 1]) or seed end
print("seed " .. seed)
math.randomseed(seed)

local function one(kind, text, more)
  local spec = { name = "x", type = kind, doc = "d" }
  for key, value in pairs(more or {}) do spec[key] = value end
  local values, wrong = args.parse({ spec }, { "x=" .. text }, "place")
  return values and values.x, wrong
end

local function show(list)
  local parts = {}
  for i, value in ipairs(list) do parts[i] = tostring(value) end
  return table.concat(parts, " ")
end

-- Values

local good = {
  { "port", "0", 0 }, { "port", "65535", 65535 }, { "port", "00080", 80 },
  { "address", "10.1.2.3", "10.1.2.3" }, { "address", "::FFFF:10.1.2.3", "::ffff:10.1.2.3" },
  { "address", "[2001:DB8:0:0::1]", "2001:db8::1" },
  { "cidr", "10.1.2.3/8", "10.0.0.0/8" }, { "cidr", "10.1.2.3", "10.1.2.3/32" }, { "cidr", "1.2.3.4/0", "0.0.0.0/0" },
  { "cidr", "::ffff:10.1.2.3/104", "10.0.0.0/8" },
  { "cidr", "2001:db8:ffff::1/33", "2001:db8:8000::/33" }, { "cidr", "::1", "::1/128" },
  { "duration", "90", 90 }, { "duration", "1.5s", 1.5 }, { "duration", "2m", 120 }, { "duration", "1h", 3600 },
  { "duration", "1h30m", 5400 }, { "duration", "250ms", 0.25 }, { "duration", "2d", 172800 }, { "duration", "0", 0 },
  { "count", "0", 0 }, { "count", "007", 7 }, { "count", "999999999999999", 999999999999999 },
  { "number", "-2.5", -2.5 }, { "number", "1e3", 1000 }, { "number", ".5", 0.5 }, { "number", "+7", 7 },
  { "string", "", "" }, { "string", "a=b", "a=b" }, { "string", "--x", "--x" },
}
for _, case in ipairs(good) do
  local value, wrong = one(case[1], case[2])
  check.ok(("%s %s"):format(case[1], case[2]), value == case[3], wrong or tostring(value))
end
check.equal("word, in any case", (one("word", "FAST", { words = { "fast", "slow" } })), "fast")

local bad = {
  { "port", "65536", "65536 is no port; give a number from 0 to 65535 or a service's name" },
  { "port", "-1", "-1 is no port; give a number" }, { "port", "", "an empty text is no port; give" },
  { "port", "1.5", "1.5 is no port; " }, { "port", "0x50", "0x50 is no port; " },
  { "port", "domian", "domian is no port; did you mean domain?" },
  { "address", "10.1.2", "10.1.2 is no address; give an IPv4 or IPv6 address" }, { "address", "10.1.2.256", "no address" },
  { "address", "[::1", "no address" }, { "address", "::1\0", "no address" }, { "address", "localhost", "no address" },
  { "address", "10.0.0.0/8", "no address" },
  { "cidr", "10.0.0.0/33", "10.0.0.0/33 is no network; give one as 10.0.0.0/8, or an address" },
  { "cidr", "::/129", "no network" }, { "cidr", "10/8", "no network" }, { "cidr", "10.0.0.0/", "no network" },
  { "cidr", "/8", "no network" }, { "cidr", "10.0.0.0/8/8", "no network" }, { "cidr", "10.0.0.0/-1", "no network" },
  { "duration", "5 m", "5 m is no duration; give seconds, or a number with ms, s, m, h or d" },
  { "duration", "m", "no duration" }, { "duration", "-5", "no duration" }, { "duration", "5M", "no duration" },
  { "duration", "1h30", "no duration" }, { "duration", "nan", "no duration" }, { "duration", "", "no duration" },
  { "count", "-1", "-1 is no count; give a whole number from 0" }, { "count", "1.0", "no count" },
  { "count", "ten", "no count" }, { "count", ("9"):rep(16), "no count" }, { "count", " 1", "no count" },
  { "number", "nan", "nan is no number; give one as 10, -2.5 or 1e3" }, { "number", "inf", "no number" },
  { "number", "0x10", "no number" }, { "number", "1e999", "no number" }, { "number", "", "no number" },
  { "number", ".", "no number" },
}
for _, case in ipairs(bad) do
  local value, wrong = one(case[1], case[2])
  local name = ("%s %s"):format(case[1], case[2])
  check.equal(name .. ": no value", value, nil)
  check.contains(name, wrong, "place: x: ")
  check.contains(name, wrong, case[3])
end
check.equal("word", select(2, one("word", "fats", { words = { "fast", "slow" } })),
  "place: x: fats is no choice; did you mean fast?")
check.equal("word, far from all", select(2, one("word", "qqqq", { words = { "fast", "slow" } })),
  "place: x: qqqq is no choice; known are fast, slow")

-- The same texts to python3

local function python(program, lines)
  local input, code = os.tmpname(), os.tmpname()
  local file = assert(io.open(input, "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
  file = assert(io.open(code, "w"))
  file:write(program)
  file:close()
  local pipe = assert(io.popen(("python3 %s <%s"):format(code, input)))
  local list = {}
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  os.remove(input)
  os.remove(code)
  return list
end

local function pick(list) return list[math.random(#list)] end

local GROUPS = { "0", "1", "ffff", "db8", "2001", "00ab", "F", "12345", "" }
local function random_address()
  local parts = {}
  if math.random(2) == 1 then
    for i = 1, math.random(20) == 1 and 3 or 4 do parts[i] = tostring(math.random(0, pick { 9, 255, 255, 255, 300 })) end
    return table.concat(parts, ".")
  end
  for i = 1, math.random(2, 8) do parts[i] = pick(GROUPS) end
  local text = table.concat(parts, ":")
  return math.random(3) == 1 and text .. "::" or math.random(4) == 1 and "::" .. text or text
end

-- The module ipaddress writes mapped addresses in its own way: inet_ntop of the C library decides.
local ADDRESS = [[
import ipaddress, socket, sys
def text(ip):
    return socket.inet_ntop(socket.AF_INET if ip.version == 4 else socket.AF_INET6, ip.packed)
for line in sys.stdin:
    line = line.rstrip("\n")
    try:
        if "/" in line:
            ip = ipaddress.ip_interface(line)
            net = ip.network
            if ip.version == 6 and ip.ip.ipv4_mapped:
                if net.prefixlen < 96:
                    raise ValueError
                net = ipaddress.ip_network("%s/%d" % (ip.ip.ipv4_mapped, net.prefixlen - 96), strict=False)
            print("%s/%d" % (text(net.network_address), net.prefixlen))
        else:
            print(text(ipaddress.ip_address(line)))
    except ValueError:
        print("-")
]]
do
  local texts = {}
  for i = 1, 2000 do
    texts[i] = random_address()
    if i % 2 == 0 then texts[i] = texts[i] .. "/" .. math.random(0, pick { 32, 33, 128, 130 }) end
  end
  local known = 0
  for i, want in ipairs(python(ADDRESS, texts)) do
    local got = one(i % 2 == 0 and "cidr" or "address", texts[i]) or "-"
    check.equal("as python3 reads " .. texts[i], got, want)
    known = known + (want ~= "-" and 1 or 0)
  end
  check.ok("enough of them are addresses", known > 500, known .. " of " .. #texts)
end
do
  local names = {}
  for line in io.lines("/etc/services") do
    local name = line:match("^([%w_-]+)%s+%d+/tcp")
    if name then names[#names + 1] = name end
  end
  check.ok("services", #names > 50, #names .. " of them")
  local ports = python([[
import socket, sys
for line in sys.stdin:
    print(socket.getservbyname(line.strip(), "tcp"))
]], names)
  for i, name in ipairs(names) do check.equal("service " .. name, one("port", name), tonumber(ports[i])) end
end

-- The command line: order, names, what may be left out

local SPEC = {
  { name = "port", type = "port", doc = "the port" },
  { name = "net", type = "cidr", doc = "the network", default = "10.0.0.0/8" },
  { name = "top", type = "count", doc = "how many", default = 10 },
  { name = "look", type = "duration", doc = "look again after it", optional = true },
  { name = "peers", type = "address", doc = "the peers", many = true },
}

local function parse(...)
  return args.parse(SPEC, { ... }, "place")
end

local function values(...)
  local got, wrong = parse(...)
  return got and show { got.port, got.net, got.top, got.look, "|", unpack(got.peers) } or wrong
end

check.equal("only what is required", values("80"):gsub(" |", "", 1), "80 10.0.0.0/8 10")
check.equal("in order", values("80", "192.168.1.1/16", "3", "2m", "::1", "::2"), "80 192.168.0.0/16 3 120 | ::1 ::2")
check.equal("by name", values("look=1s", "peers=::1", "top=0", "net=::/0", "port=22", "peers=::3"),
  "22 ::/0 0 1 | ::1 ::3")
check.equal("by name first, then in order", values("top=3", "80", "1.2.3.4", "5", "::1"), "80 1.2.3.4/32 3 5 | ::1")
check.equal("one of many by name, then in order", values("peers=::1", "80", "::/0", "1", "1", "::2"),
  "80 ::/0 1 1 | ::1 ::2")
do
  local got = parse("80")
  check.equal("optional and not given", got.look, nil)
  check.raises("a misspelt name", "args has no prot; did you mean port?", function() return got.prot end)
  local empty = args.parse({}, {}, "place")
  check.raises("of no arguments", "args has no x; it takes no arguments", function() return empty.x end)
end
check.equal("missing", values(), "place: port is missing; give a number from 0 to 65535 or a service's name")
check.equal("missing, others given", values("top=3"),
  "place: port is missing; give a number from 0 to 65535 or a service's name")
check.equal("twice", values("80", "port=81"), "place: port is given twice; leave one out")
check.equal("no such name", values("80", "prot=81"), "place: there is no argument prot; did you mean port?")
check.equal("no such name, far from all", values("80", "qqqqq=81"),
  "place: there is no argument qqqqq; it takes PORT [net=NETWORK] [top=COUNT] [look=DURATION] [PEERS...]")
check.equal("hyphens", values("--port=81"), "place: --port=81: arguments have no hyphens in front; give port=81")
check.equal("too many", select(2, args.parse({ SPEC[1] }, { "1", "2" }, "place")),
  "place: 2 is one argument too many; it takes PORT")
check.equal("none is taken", select(2, args.parse({}, { "x" }, "place")),
  "place: x is one argument too many; it takes no arguments")
check.equal("no word of a list", select(2, args.parse({ { name = "how", type = "word", words = { "a", "b" }, doc = "d" } },
  {}, "place")), "place: how is missing; give one of a, b")

-- Specifications

local function wrong_spec(name, spec, want)
  local message = args.check(spec)
  check.equal("specification: " .. name, message, "args: " .. want)
  check.equal("parse by it: " .. name, select(2, args.parse(spec, {}, "p")), "p: args: " .. want)
end

local function entry(changes)
  local spec = { name = "a", type = "count", doc = "d" }
  for key, value in pairs(changes) do spec[key] = value end
  return spec
end

wrong_spec("no table", { 7 }, "argument 1 is a number; a table is expected")
wrong_spec("a hole", { [2] = entry {} }, '"2" means nothing here; give doc and a list of arguments')
wrong_spec("a key", { dco = "x" }, '"dco" means nothing here; give doc and a list of arguments')
wrong_spec("doc", { doc = 7 }, "doc is a number; a string is expected")
wrong_spec("no name", { { type = "count", doc = "d" } },
  "argument 1: name is missing; every argument has name, type and doc")
wrong_spec("no type", { { name = "a", doc = "d" } }, "argument a: type is missing; every argument has name, type and doc")
wrong_spec("no doc", { { name = "a", type = "count" } }, "argument a: doc is missing; every argument has name, type and doc")
wrong_spec("misspelt key", { entry { defualt = 1 } }, 'argument a: "defualt" means nothing here; did you mean default?')
wrong_spec("name", { entry { name = "a b" } }, 'argument a b: the name "a b" is no word; give it letters, digits, _ and -')
wrong_spec("type", { entry { type = "prot" } }, "argument a: there is no type prot; did you mean port?")
wrong_spec("words without their type", { entry { words = { "x" } } },
  'argument a: words and the type "word" belong together; give both or neither')
wrong_spec("the type without words", { entry { type = "word" } },
  'argument a: words and the type "word" belong together; give both or neither')
wrong_spec("no words", { entry { type = "word", words = {} } },
  'argument a: words is no list of texts; give the choices as { "one", "two" }')
wrong_spec("default of another type", { entry { default = true } },
  "argument a: default is a boolean; a number is expected")
wrong_spec("a default that cannot be read", { entry { default = "x" } },
  "argument a: default: x is no count; give a whole number from 0")
wrong_spec("default and optional", { entry { default = 1, optional = true } },
  "argument a: default goes with neither optional nor many; leave one out")
wrong_spec("two of one name", { entry {}, entry {} }, "argument a: there are two of that name; rename one")
wrong_spec("required behind optional", { entry { optional = true }, entry { name = "b" } },
  "argument b: it stands behind a, which may be left out; put it before that")
wrong_spec("anything behind many", { entry { many = true }, entry { name = "b", optional = true } },
  "argument b: it stands behind a, which takes all that is left; put it before that")
check.equal("a good one", args.check(SPEC), nil)
check.equal("an empty one", args.check {}, nil)

-- Only by name, and expressions

local NAMED = {
  { name = "where", type = "expression", doc = "which sockets", many = true },
  { name = "top", type = "count", doc = "how many", default = 5, named = true },
  { name = "need", type = "count", doc = "needed", named = true },
}
check.equal("named may stand behind many", args.check(NAMED), nil)
check.equal("usage of named ones", args.usage(NAMED), "[WHERE...] [top=COUNT] need=COUNT")
do
  local got = args.parse(NAMED, { "recv_q > 0", "need=3", "LISTEN" }, "place")
  check.equal("words are not for named ones", got and show { got.top, got.need, got.where[1], got.where[2] },
    "5 3 recv_q > 0 LISTEN")
  got = args.parse(NAMED, { ":53", "need=1" }, "place")
  check.equal("a port as a condition", got and tostring(got.where[1]), "local_port == 53 or remote_port == 53")
  check.contains("a wrong port", select(2, args.parse(NAMED, { ":99999" }, "place")), "EXPR:1:")
  check.equal("named and missing", select(2, args.parse(NAMED, {}, "place")),
    "place: need is missing; give a whole number from 0")
  local none, wrong, problem = args.parse(NAMED, { "need=3", "recv_q >" }, "place")
  check.equal("a wrong expression", none, nil)
  check.contains("a wrong expression: its place", wrong, "EXPR:1:9: ")
  check.equal("a wrong expression: where", problem and problem.column, 9)
  check.contains("an unknown field", select(2, args.parse(NAMED, { "need=3", "recvq > 0" }, "place")),
    'EXPR:1:1: unknown name "recvq"; did you mean recv_q?')
end

-- Help

check.equal("usage", args.usage(SPEC), "PORT [net=NETWORK] [top=COUNT] [look=DURATION] [PEERS...]")
check.equal("usage of none", args.usage {}, "")
check.equal("help of none", args.help {}, "")
do
  local help = args.help(SPEC)
  for _, spec in ipairs(SPEC) do
    check.ok("help: " .. spec.name, help:find(("\n  %s +%%l+ +%s"):format(spec.name, spec.doc)) or
      help:find(("^  %s +%%l+ +%s"):format(spec.name, spec.doc)), help)
  end
  check.contains("help: a default", help, "how many; default 10\n")
  check.contains("help: optional", help, "look again after it; optional\n")
  check.contains("help: many", help, "the peers; any number of them\n")
  check.contains("help: a form", help, "\n  duration  seconds, or a number with ms, s, m, h or d")
  check.contains("help: words", args.help { { name = "how", type = "word", words = { "a", "b" }, doc = "d" } }, "d (a, b)")
end

check.finish()
