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
misspelt("a field", "local function listens() return state == 'LISTEN' end\nlistens()", 1,
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
  prints("a module keeps its own globals", { path }, "none\t42\t7\n")
  prints("LPeg and lua-cjson", { "-e", "print(require('cjson').encode { require('lpeg').match(require('lpeg').C(1), 'a') })" },
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

  port: a number from 0 to 65535 or a service's name
  duration: seconds, or a number with ms, s, m, h or d, as 90, 1.5s or 1h30m
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
