--- sockq check: scripts and plug-ins that are loaded and not run.
--
--   luajit tests/cli/check_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local run, refuses = program.run, program.refuses

local DIR = posix.tmpdir("sockq-check")

local function file(name, text)
  local folder = name:match("^(.*)/")
  if folder then posix.mkdirs(DIR .. "/" .. folder) end
  local path = DIR .. "/" .. name
  posix.write_file(path, text)
  return path
end

local function fine(name, words)
  local status, out, err = run(words)
  check.equal(name, status .. out .. err, "0")
end

--- A text whose check prints these messages, each "LINE: WHAT".
local function finds(name, text, messages)
  local path = file(name:gsub("%W", "-") .. ".lua", text)
  local status, out, err = run { "check", path }
  local want = {}
  for i, message in ipairs(messages) do want[i] = ("sockq: %s:%s\n"):format(path, message) end
  check.equal(name, err, table.concat(want))
  check.equal(name .. ": status", status .. out, #messages > 0 and "2" or "0")
end

-- Nothing of a script runs

fine("a script that would fail", { "check", file("fails.lua", "#!/usr/bin/env sockq\nerror 'x'\n") })
fine("a script that would write", { "--trust", "check",
  file("writes.lua", ("io.open(%q, 'w'):close()"):format(DIR .. "/written")) })
check.ok("it did not write", not posix.exists(DIR .. "/written"))
fine("a script that would exit", { "check", file("exits.lua", "os.exit(7)") })
do
  local path = file("sandboxed.lua", "local f = getfenv(1)\nreturn string.dump(f), io.open, print\n, ffi, io.stdout, os.exit")
  local status, out, err = run { "--sandbox", "check", path }
  check.equal("what the sandbox lacks: status", status .. out, "2")
  for _, piece in ipairs { ":1: getfenv: no access to the inside", ":2: string.dump: no bytecode", ":2: io.open: no files",
    ":3: ffi: no access to the inside" } do
    check.contains("what the sandbox lacks", err, "sockq: " .. path .. piece)
  end
  check.equal("what the sandbox lacks: how much", select(2, err:gsub("\n", "")), 4)
end
fine("an empty script", { "check", file("empty.lua", "") })
do
  local words = { "--trust", "check" }
  for path in program.shell("git ls-files '*.lua'"):gmatch("[^\n]+") do words[#words + 1] = path end
  if #words > 50 then fine("every Lua file of this tree", words)
  else program.skip_part("every Lua file of this tree", "no git") end
end

-- What it finds

finds("syntax", "local a = 1\nlocal = 2\n", { "2: '<name>' expected near '='" })
finds("a global", "\nprnt(1)\n", { "2: there is no global prnt; did you mean print?" })
finds("a word of sockq as a global", "local q = tcp()\n", { "1: there is no global tcp; write sockq.tcp" })
finds("a field as a global", "return function() return recv_q > 0 end\n",
  { "1: there is no global recv_q; it is a field of a row; write row.recv_q" })
finds("deep in functions", "return {\n  f = function()\n    return function()\n      return nosuchx\n    end\n  end }\n",
  { "4: there is no global nosuchx; define it, as in local nosuchx = …" })
finds("several, by line", "local a = bbbbb\nlocal c = ddddd\nprint(a, c, bbbbb)\n", {
  "1: there is no global bbbbb; define it, as in local bbbbb = …",
  "2: there is no global ddddd; define it, as in local ddddd = …",
  "3: there is no global bbbbb; define it, as in local bbbbb = …",
})
finds("members of sockq", "print(sockq.tcpp(), sockq.udp(), sockq.version)\nlocal n = sockq.versoin\nprint(n)\n", {
  "1: sockq has no tcpp; did you mean tcp?", "2: sockq has no versoin; did you mean version?",
})
finds("members of libraries", "print(string.fnd('x', 'y'))\nlocal x = 1\nprint(math.flor(x), bit.bxr(1, 2))\n", {
  "1: string has no fnd; did you mean find?", "3: bit has no bxr; did you mean bor?",
  "3: math has no flor; did you mean floor?",
})
finds("more names than a byte counts", "local t = {}\n" .. (function()
  local lines = {}
  for i = 1, 700 do lines[i] = ("t.name%d = 'text %d'"):format(i, i) end
  return table.concat(lines, "\n")
end)() .. "\nprnt(t.name1)\n",
  { "702: there is no global prnt; did you mean print?" })

-- What is no mistake

finds("assigned somewhere",
  "local function f() return counter end\ncounter = 1\nfunction helper() return f() end\nhelper()\n", {})
finds("a member that the script defines", "function string.trim(s) return s end\nprint(string.trim 'x')\n", {})
finds("asking for a member", "local unpack = table.unpack or unpack\nif table.pack then print(unpack) end\n", {})
finds("asking for a global", "if _G.utf8 and rawget(_G, 'nosuch') then print(1) end\n", {})
finds("locals", "local string = { zz = 1 }\nlocal sockq = { yy = 2 }\nprint(string.zz, sockq.yy)\n", {})
finds("the arguments", "print(arg[1], arg.n, ...)\n", {})
finds("fields of rows", "for s in sockq.tcp():rows() do print(s.state, s.string) end\n", {})
finds("a jump to the first instruction", "while true do nosuch1() end\n",
  { "1: there is no global nosuch1; define it, as in local nosuch1 = …" })

-- Plug-ins, by their folder

local function plugin(name, text, message)
  local path = file("plug/" .. name .. ".lua", text)
  if message then refuses(name, { "check", path }, { err = path .. message })
  else fine(name, { "check", path }) end
end

plugin("timers/fine", "return { doc = 'd', format = function(row) return row.nosuch end }")
plugin("timers/no-format", "return { doc = 'd' }", ': key "format" is a nil; a function is expected')
plugin("timers/no-table", "return 7", ": the file returned a number; a table is expected")
plugin("timers/raises", "\nerror 'at load'", ":2: at load")
plugin("timers/global", "return { doc = 'd', format = function(row)\n  return tostrng(row) end }",
  ":2: there is no global tostrng; did you mean tostring?")
plugin("views/key", "return { doc = 'd', colums = {} }",
  ': key "colums" means nothing in a file of views; did you mean columns?')
plugin("views/fine", "return { doc = 'd', from = 'tcp', where = 'LISTEN', columns = { 'proto', 'x=recv_q*2' } }")
plugin("views/runs", "return { doc = 'd', run = function() error 'not run' end }")
plugin("views/from", "return { doc = 'd', from = 'tpc', columns = { 'proto' } }",
  ": from: there is no table tpc; did you mean tcp?")
plugin("views/where", "return { doc = 'd', where = 'LISTN', columns = { 'proto' } }",
  ': where: EXPR:1:1: unknown name "LISTN"; did you mean LISTEN?')
plugin("views/column", "return { doc = 'd', columns = { 'proto', 'stat' } }",
  ": column 2: there is no field stat; did you mean state?")
plugin("views/neither", "return { doc = 'd' }", ": the view has neither columns nor run")
plugin("formats/fine", "return { doc = 'd', open = function() end }")
plugin("reports/fine", "return { help = 'h', args = { { name = 'n', type = 'count', doc = 'd' } }, run = error }")
plugin("reports/no-help", "return { run = print }", ': key "help" is a nil; a string is expected')
plugin("reports/args", "return { help = 'h', run = print,\n  args = { { name = 'n', type = 'cuont', doc = 'd' } } }",
  ": args: argument n: there is no type cuont; did you mean count?")
plugin("others/any", "return 7")
do
  local status, _, err = run({ "check", "timers/no-format.lua" }, { cwd = DIR .. "/plug" })
  check.equal("a folder of the current one: status", status, 2)
  check.contains("a folder of the current one", err, "sockq: timers/no-format.lua: key")
end

-- Files

refuses("no file", { "check" }, { err = "check: a file is missing; give the names of scripts or plug-ins" })
refuses("not there", { "check", DIR .. "/none.lua" },
  { err = DIR .. "/none.lua: No such file or directory; give the name of a Lua file" })
refuses("a folder", { "check", DIR }, { err = DIR .. ": not a regular file; give the name of a Lua file" })
refuses("compiled Lua", { "check", file("compiled.lua", "\27LJ\2\8") }, { err = { "; give Lua source text" } })
refuses("an option of queries", { "--tcp", "check", DIR .. "/empty.lua" },
  { err = "--tcp: the command check does not take it; leave it out" })
do
  local good, bad = DIR .. "/empty.lua", file("bad.lua", "prnt()")
  local status, out, err = run { "check", bad, DIR .. "/none.lua", good, bad }
  check.equal("several: status", status .. out, "2")
  check.equal("several: a line each", #program.lines(err), 3)
  status, out, err = run { "check", good, DIR .. "/fails.lua" }
  check.equal("several that are fine", status .. out .. err, "0")
  posix.write_file(DIR .. "/a name", "prnt()")
  refuses("any name", { "check", DIR .. "/a name" },
    { err = DIR .. "/a name:1: there is no global prnt; did you mean print?" })
end

posix.cleanup()
check.finish()
