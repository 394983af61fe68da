--- Scripts: globals that nobody defined, and typed arguments.
--
--   luajit tests/cli/script_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local run, refuses = program.run, program.refuses

local DIR = posix.tmpdir("sockq-script")

local function file(name, text)
  local path = DIR .. "/" .. name
  posix.write_file(path, text)
  return path
end

local function prints(name, words, out)
  local status, got, err = run(words)
  check.equal(name .. ": status", status .. err, "0")
  check.equal(name, got, out)
end

-- Globals

local function misspelt(name, text, line, message)
  local path = file("globals.lua", text)
  refuses(name .. ", file", { path }, { err = ("%s:%d: %s"):format(path, line, message) })
  refuses(name .. ", -e", { "-e", text }, { err = ("-e:%d: %s"):format(line, message) })
  refuses(name .. ", stdin", { "-" }, { err = ("stdin:%d: %s"):format(line, message), opts = { stdin = text } })
end

misspelt("a call", "\nprnt(1)\n", 2, "there is no global prnt; did you mean print?")
misspelt("a read", "local a = 1\n\nlocal b = a + tabel\n", 3, "there is no global tabel; did you mean table?")
misspelt("a word of sockq", "\n\nlocal q = tcp()", 3, "there is no global tcp; write sockq.tcp")
misspelt("near a word of sockq", "local q = neltink()", 1, "there is no global neltink; did you mean sockq.netlink?")
misspelt("a field", "local listens = state == 'LISTEN'", 1,
  "there is no global state; it is a field of a row; write row.state")
misspelt("far from all", "return qqqqqqqq", 1, "there is no global qqqqqqqq; define it, as in local qqqqqqqq = …")
misspelt("near the script's own", "threshold = 7\nprint(treshold)", 2,
  "there is no global treshold; did you mean threshold?")
prints("globals as in Lua", { "-e", [[
count = 0
function add(n) count = count + n end
add(2) add(3)
print(count, _G.count, rawget(_G, "count"))
_G.other = "set"
print(other, _G.nosuch, rawget(_G, "nosuch"))
count = nil
print(pcall(function() return count end))
]] }, "5\t5\t5\nset\tnil\tnil\nfalse\t-e:8: there is no global count; define it, as in local count = …\n")
do
  -- a module that asks for globals that may be missing, and one that sees and sets the script's
  file("portable.lua", "local unpack = table.unpack or unpack\nlocal loader = utf8 or 'none'\n"
    .. "answer = (answer or 0) + 1\nreturn { unpack = unpack, loader = loader }\n")
  local path = file("uses.lua", "answer = 41\nlocal p = require 'portable'\nprint(p.loader, answer, p.unpack { 7 })\n")
  prints("a module keeps its own globals", { "--trust", path }, "none\t42\t7\n")
  prints("LPeg and lua-cjson",
    { "--trust", "-e", "print(require('cjson').encode { require('lpeg').match(require('lpeg').C(1), 'a') })" },
    '["a"]\n')
  prints("a loaded chunk", { "-e", "x = 3 print(loadstring('return x, nosuch')())" }, "3\tnil\n")
end
do
  local path = DIR .. "/plug/timers/wrong.lua"
  posix.mkdirs(DIR .. "/plug/timers")
  posix.write_file(path, "return { doc = 'd', format = function(row)\n  return tostrng(row.timer)\nend }\n")
  local status, _, err = run { "--proc", "tests/data/captures/mixed-1/proc", "--path", DIR .. "/plug", "--timer", "wrong",
    "tcp" }
  check.equal("a plug-in: status", status, 2)
  check.contains("a plug-in", err, ("sockq: %s:2: there is no global tostrng; did you mean tostring?"):format(path))
end

-- Errors: the calls of the user's own code, and the row at hand

local TREE = posix.realpath("tests/data/captures/mixed-1/proc")
local LISTENS

--- An error whose message is followed by these lines.
local function told(name, text, message, more, words)
  local path = file("told.lua", text)
  local function here(line) return (line:gsub("^at FILE", function() return "at " .. path end)) end
  local lines = {}
  for i, line in ipairs(more) do lines[i] = here(line) end
  local all = { "--proc", TREE }
  for _, word in ipairs(words or { path }) do all[#all + 1] = word end
  refuses(name, all, { err = path .. message, more = lines })
end

local function first_listener()
  local _, out = run { "--proc", TREE, "-e", "print(sockq.tcp():where('LISTEN'):first())" }
  return "row: " .. out:gsub("\n", "")
end
LISTENS = first_listener()
check.contains("the first listener", LISTENS, "row: tcp LISTEN ")

told("one call", "\nerror('x')\n", ":2: x", {})
told("several calls",
  "local function inner()\n  error('x')\nend\nlocal function outer()\n  inner()\n  return 1\nend\nouter()\n",
  ":2: x", { "at FILE:2 in inner", "at FILE:5 in outer", "at FILE:8 in main chunk" })
told("a function without a name", "local t = { function()\n  error('x')\nend }\nfor i = 1, #t do t[i]() end\n", ":2: x",
  { "at FILE:2 in the function of line 1", "at FILE:4 in main chunk" })
told("an error at the caller",
  "local function inner()\n  error('x', 2)\nend\nlocal function outer()\n  inner()\n  return 1\nend\nouter()\n",
  ":5: x", { "at FILE:2 in inner", "at FILE:5 in outer", "at FILE:8 in main chunk" })
told("deep calls", "local function f(n)\n  if n == 0 then error('x') end\n  f(n - 1)\n  return n\nend\nf(30)\n", ":2: x", {
  "at FILE:2 in f", "at FILE:3 in f", "at FILE:3 in f", "at FILE:3 in f", "at FILE:3 in f", "at FILE:3 in f",
  "at FILE:3 in f", "at FILE:3 in f", "at FILE:3 in f", "at FILE:3 in f", "… and 22 more",
})
for name, text in pairs {
  ["a function of where"] = "local q = sockq.tcp():where('LISTEN'):where(function(row)\n  return row.path.x\nend)\nq:count()\n",
  ["a function of each"] = "local q = sockq.tcp():where('LISTEN')\nq:each(function(s) return s.path.x\n  end)\n\n",
  ["a column"] = "local q = sockq.tcp():where('LISTEN')\n\nlocal c = { title = 't', get = function(s) return s.path.x end }\n"
    .. "q:print({ columns = { c } })\n",
} do
  local path = file("told.lua", text)
  local status, out, err = run { "--proc", TREE, path }
  local lines = program.lines(err)
  check.equal(name .. ": status", status .. out, "2")
  check.equal(name .. ": lines", #lines, 4)
  local place = path:gsub("%p", "%%%0") .. ":%d"
  check.ok(name .. ": message", lines[1]:find("^sockq: " .. place .. ": attempt to index field 'path' %(a nil value%)$"), err)
  check.ok(name .. ": the function", lines[2]:find("^  at " .. place .. " in the function of line %d$"), err)
  check.ok(name .. ": who called", lines[3]:find("^  at " .. place .. " in main chunk$"), err)
  check.equal(name .. ": the row", lines[4], "  " .. LISTENS)
end
told("a loop over rows", "for s in sockq.tcp():where('LISTEN'):rows() do\n  local kept = 1\n  print(s.path.x, kept)\nend\n",
  ":3: attempt to index field 'path' (a nil value)", { LISTENS })
told("a loop over a list", "for i, s in ipairs(sockq.tcp():where('LISTEN'):list()) do\n  print(s.path.x, i)\nend\n",
  ":2: attempt to index field 'path' (a nil value)", { LISTENS })
told("a row behind its loop",
  "local kept\nfor s in sockq.tcp():rows() do kept = s break end\nlocal text = kept.path.x\nprint(text)\n",
  ":3: attempt to index field 'path' (a nil value)", {})
told("a row of a group", "for g in sockq.tcp():where('LISTEN'):group('state'):rows() do\n  print(g.state .. nil)\nend\n",
  ":2: attempt to concatenate a nil value", { "row: state=LISTEN count=6" })
told("the innermost loop", "for g in sockq.tcp():where('LISTEN'):group('state'):rows() do\n"
  .. "  for s in sockq.tcp():where('LISTEN'):rows() do error(g.state .. s.local_port) end\nend\n",
  ":2: LISTEN" .. LISTENS:match(":(%d+) "), { LISTENS })
-- Queries with stages hand their rows out from a coroutine.
told("a stage before a loop",
  "local q = sockq.tcp():where('LISTEN'):sort(function(s)\n  return s.path.x\nend)\nfor s in q:rows() do print(s) end\n",
  ":2: attempt to index field 'path' (a nil value)",
  { "at FILE:2 in the function of line 1", "at FILE:4 in main chunk", LISTENS })
told("a condition on groups",
  "local q = sockq.tcp():where('LISTEN'):group('state'):where(function(g)\n  return g.cuont\nend)\n"
  .. "local function go()\n  for g in q:rows() do print(g) end\nend\ngo()\nprint()\n",
  ':2: this row has no field "cuont"; did you mean count?',
  { "at FILE:2 in the function of line 1", "at FILE:5 in go", "at FILE:7 in main chunk", "row: state=LISTEN count=6" })
told("rows of a list",
  "local q = sockq.rows({ { a = 1 } }):where(function(r)\n  return r.b\nend)\nfor r in q:rows() do print(r) end\n",
  ':2: this row has no field "b"; known are a',
  { "at FILE:2 in the function of line 1", "at FILE:4 in main chunk", "row: a=1" })
told("a caught error tells nothing of its calls",
  "local function f() error('x') end\nlocal ok, err = pcall(f)\nprint(nil .. err)\n",
  ":3: attempt to concatenate a nil value", {})
do
  local status, out, err = run { "-e", "local function f(n) return 1 + f(n + 1) end f(1)" }
  check.equal("endless recursion: status", status .. out, "2")
  check.contains("endless recursion", program.lines(err)[1], "stack overflow")
  status, out, err = run { "--proc", TREE, "-e", "pcall(error, 'inner')\nlocal f = function() error('x', 0) end\nf()" }
  check.equal("an error without a place", status .. out .. err, "2sockq: x\n  at -e:2 in f\n  at -e:3 in main chunk\n")
end

-- A function that does not exist in a library

for call, near in pairs {
  ["string.fnd('x', 'y')"] = "'fnd' (a nil value); did you mean string.find?",
  ["table.conct({})"] = "'conct' (a nil value); did you mean table.concat?",
  ["('x'):uper()"] = "'uper' (a nil value); did you mean upper?",
  ["string.qqqqqq()"] = "'qqqqqq' (a nil value)",
} do
  local _, _, err = run { "-e", "local x = " .. call .. "\nprint(x)" }
  check.ok(call, err:find("^sockq: %-e:1: attempt to call %l+ ") and err:sub(-#near - 1) == near .. "\n", err)
end

-- Arguments

local ARGS = [[
local args = sockq.args({
  doc = "Says what it was given.",
  { name = "port", type = "port", doc = "the port" },
  { name = "every", type = "duration", doc = "how often", default = "2m" },
})
print(args.port, args.every)
]]
do
  local path = file("args.lua", ARGS)
  prints("arguments", { path, "https", "1.5s" }, "443\t1.5\n")
  prints("by name", { path, "every=3", "port=22" }, "22\t3\n")
  prints("of -e", { "-e", ARGS, "80" }, "80\t120\n")
  for _, word in ipairs { "--help", "-h", "help" } do
    prints(word, { path, word }, ([[
Says what it was given.
sockq %s PORT [every=DURATION]

  port   port      the port
  every  duration  how often; default 2m

  port      a number from 0 to 65535 or a service's name
  duration  seconds, or a number with ms, s, m, h or d, as 90, 1.5s or 1h30m
]]):format(path))
  end
  refuses("missing", { path }, { err = path .. ": port is missing; give a number from 0 to 65535 or a service's name" })
  refuses("wrong", { path, "80", "evry=3" }, { err = path .. ": there is no argument evry; did you mean every?" })
  refuses("a misspelt name in the script", { "-e", "\nlocal a = sockq.args {}\nprint(a.port)" },
    { err = "-e:3: args has no port; it takes no arguments" })
  refuses("a wrong specification", { "-e", "\nlocal a = sockq.args { { name = 'a' } }\nprint(a.a)" },
    { err = "-e:2: args: argument a: type is missing; every argument has name, type and doc" })
  refuses("no table", { "-e", "\nprint(sockq.args(7))" }, { err = "-e:2: args: a list of arguments is expected, not a number" })
end

posix.cleanup()
check.finish()
