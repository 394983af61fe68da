--- Running reports: where they are found, their arguments, texts, tables and commands, every format,
--- options, and reports that are wrong.
--
--   luajit tests/cli/report_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local cjson = require "cjson"
local posix = require "posix"
local program = require "program"
local rows = require "rows"

local run = program.run

local DIR = posix.tmpdir("sockq-report")
local TREE = program.tree {
  ["net/tcp"] = rows.file("tcp", {
    rows.tcp { lport = 22, state = 10, inode = 11 },
    rows.tcp { lport = 22, raddr = "0200007F", rport = 1001, state = 1, inode = 12 },
    rows.tcp { lport = 22, raddr = "0200007F", rport = 1002, state = 1, inode = 13 },
    rows.tcp { lport = 22, raddr = "0300007F", rport = 1003, state = 6, timer = 3, when = 361 },
  }),
  ["net/tcp6"] = rows.file("tcp6", { rows.tcp { laddr = ("0"):rep(32), lport = 80, state = 10, inode = 14 } }),
  ["net/udp"] = rows.file("udp", { rows.datagram { lport = 53, inode = 15 } }),
}

local function report(name, text, folder)
  local where = ("%s/%s/reports"):format(DIR, folder or "own")
  posix.mkdirs(where)
  local path = ("%s/%s.lua"):format(where, name)
  posix.write_file(path, text)
  return path
end

local function words_of(words, folder)
  return { "--proc", TREE, "--path", DIR .. "/" .. (folder or "own"), unpack(words) }
end

local function prints(name, words, status, out)
  local got_status, got, err = run(words_of(words))
  check.equal(name .. ": status", got_status .. err, tostring(status))
  check.equal(name, (got:gsub(TREE:gsub("%p", "%%%0"), "TREE")), out)
end

local function refuses(name, words, err, more)
  program.refuses(name, words_of(words), { err = err, more = more })
end

-- One that has everything

report("toy", [[
return {
  help = "who is in which state?",
  doc = "Counts the states.\nAnd the peers.",
  args = {
    { name = "top", type = "count", default = 9, doc = "how many" },
  },
  run = function(args, report)
    local sockets = report:query("tcp"):keep()
    report:text(("%d sockets"):format(sockets:count()))
    report:text("of TCP")
    report:rows({ name = "states", title = "by state", rows = sockets:group("state"):sort("-count, state"):limit(args.top) })
    report:rows({ name = "peers", title = "by peer", columns = "remote_addr, count",
      rows = sockets:where("remote_port > 0"):group("remote_addr"):sort("-count, remote_addr"):limit(args.top) })
    report:rows({ name = "plain", rows = { { a = 1, b = "x" }, { b = "y\27[31m" } }, columns = { "b", "a" } })
    report:next("sockq tcp -g state", "more of it")
    report:next("sockq tcp", "all of it\27[31m")
  end,
}
]])

prints("for people", { "toy" }, 0, [[
5 sockets
of TCP

by state
state        count
ESTABLISHED      2
LISTEN           2
TIME_WAIT        1

by peer
remote_addr  count
127.0.0.2        2
127.0.0.3        1

b          a
x          1
y\x1b[31m  -

next: sockq --proc TREE tcp -g state  # more of it
      sockq --proc TREE tcp           # all of it\x1b[31m
]])
prints("with an argument", { "toy", "1" }, 0, [[
5 sockets
of TCP

by state
state        count
ESTABLISHED      2

by peer
remote_addr  count
127.0.0.2        2

b          a
x          1
y\x1b[31m  -

next: sockq --proc TREE tcp -g state  # more of it
      sockq --proc TREE tcp           # all of it\x1b[31m
]])
prints("--no-header: rows alone", { "--no-header", "toy", "top=1" }, 0,
  "ESTABLISHED  2\n\n127.0.0.2  2\n\nx          1\ny\\x1b[31m  -\n")
prints("-q", { "-q", "toy" }, 0, "")
prints("options that restrict", { "-6", "toy", "1", "--no-header" }, 0, "LISTEN  1\n\nx          1\ny\\x1b[31m  -\n")
prints("-l", { "toy", "--no-header", "-l" }, 0, "LISTEN  2\n\nx          1\ny\\x1b[31m  -\n")
prints("--from", { "--from", "tcp6,udp", "--no-header", "toy" }, 0, "LISTEN  1\n\nx          1\ny\\x1b[31m  -\n")

-- Formats that machines read: the rows of all tables in one document

local WANT = {
  { section = "states", state = "ESTABLISHED", count = 2 }, { section = "states", state = "LISTEN", count = 2 },
  { section = "states", state = "TIME_WAIT", count = 1 }, { section = "peers", remote_addr = "127.0.0.2", count = 2 },
  { section = "peers", remote_addr = "127.0.0.3", count = 1 }, { section = "plain", b = "x", a = 1 },
  { section = "plain", b = "y\27[31m" },
}

local function same_rows(name, list)
  check.equal(name .. ": rows", #list, #WANT)
  for i, want in ipairs(WANT) do
    for key, value in pairs(want) do
      check.equal(("%s: row %d, %s"):format(name, i, key), list[i] and list[i][key], value)
    end
    local keys = {}
    for key, value in pairs(list[i] or {}) do
      if value ~= cjson.null and value ~= "" and want[key] == nil then keys[#keys + 1] = key end
    end
    check.equal(("%s: row %d, nothing else"):format(name, i), table.concat(keys, " "), "")
  end
end

do
  local status, out, err = run(words_of { "-f", "json", "toy" })
  check.equal("json: status", status .. err, "0")
  same_rows("json", cjson.decode(out))
  status, out, err = run(words_of { "toy", "--ndjson" })
  check.equal("ndjson: status", status .. err, "0")
  local list = {}
  for i, line in ipairs(program.lines(out)) do list[i] = cjson.decode(line) end
  same_rows("ndjson", list)
  for _, format in ipairs { "csv", "tsv" } do
    status, out, err = run(words_of { "-f", format, "toy" })
    check.equal(format .. ": status", status .. err, "0")
    check.equal(format .. ": header", program.lines(out)[1]:gsub("\r$", ""):gsub("[,\t]", " "),
      "section state count remote_addr b a")
    check.equal(format .. ": rows", #program.lines(out), #WANT + 1)
  end
end

report("single", [[
return { help = "one table?", run = function(_, report)
  report:text("not for machines")
  report:rows({ name = "s", rows = report:query("tcp"):where("LISTEN"):select("local_port"):sort("local_port") })
  report:next("sockq", "no")
end }
]])
prints("one table has no section", { "-f", "csv", "single" }, 0, "local_port\r\n22\r\n80\r\n")
prints("one table in json", { "--ndjson", "single" }, 0, '{"local_port":22}\n{"local_port":80}\n')

-- Nothing to show

report("none", [[
return { help = "none?", run = function(_, report)
  report:rows({ rows = report:query("tcp"):where("local_port == 9"), title = "not shown", empty = "nobody uses port 9" })
end }
]])
prints("no rows", { "none" }, 1, "nobody uses port 9\n")
prints("no rows, -q", { "none", "-q" }, 1, "")
prints("no rows, --no-header", { "none", "--no-header" }, 1, "")
do
  local status, out = run(words_of { "-f", "json", "none" })
  check.equal("no rows, json", status .. out:gsub("%s", ""), "1[]")
end
report("silent", 'return { help = "h", run = function() end }')
prints("no table at all", { "silent" }, 1, "")
prints("no table at all, json", { "silent", "--ndjson" }, 1, "")
report("status", 'return { help = "h", run = function(_, report) report:status(7) end }')
prints("a status of its own", { "status" }, 7, "")

-- Commands that a report names look where the report looked, whatever its name

do
  local odd = DIR .. "/it's"
  posix.mkdirs(odd .. "/net")
  posix.write_file(odd .. "/net/tcp", rows.file("tcp", {}))
  report("command", 'return { help = "h", run = function(_, report) report:next("sockq states", "why") end }')
  local _, out = run { "--proc", odd, "--path", DIR .. "/own", "command" }
  local command = out:match("^next: (sockq [^\n]-)  # why\n$")
  check.ok("the command", command, out)
  local status, shown, err = posix.run({ "sh", "-c", ((command or ""):gsub("^sockq", posix.quote(program.path))) },
    { env = program.environment() })
  check.equal("it runs in a shell: status", status .. err, "1")
  check.contains("it runs in a shell", shown, "sockets: 0\n")
end

-- One's own in place of a built-in one

report("drain", 'return { help = "mine?", run = function(_, report) report:text("my drain") report:status(0) end }')
prints("a report of one's own in place of a built-in one", { "drain" }, 0, "my drain\n")
do
  local _, out = run(words_of { "list", "reports" })
  check.contains("list says whose it is", out, ("mine? [%s/own/reports/drain.lua]\n"):format(DIR))
  local _, built_in = run { "show", "report", "drain" }
  report("mine", built_in)
  local tree = "tests/data/captures/mixed-1/proc"
  local _, want = run { "--proc", tree, "--json", "drain" }
  local status, got, err = run { "--proc", tree, "--path", DIR .. "/own", "--json", "mine" }
  check.equal("a copy of a built-in one: status", status .. err, "0")
  check.equal("a copy of a built-in one", got, want)
end

-- Finding, listing, showing

do
  local path = report("listed", 'return { help = "is it listed?", doc = "long", run = function() end }')
  local status, out, err = run(words_of { "list", "reports" })
  check.equal("list: status", status .. err, "0")
  check.contains("list", out, ("is it listed? [%s]\n"):format(path))
  status, out = run(words_of { "show", "report", "listed" })
  check.equal("show", status .. out, "0" .. posix.read_file(path))
  report("netstat", 'return { help = "h", run = function(_, report) report:text("not me") end }')
  status, out = run(words_of { "netstat", "-tn" })
  check.contains("a view goes before a report", status .. out, "0Active Internet connections")
  program.refuses("a misspelt name", words_of { "listd" }, { err = { "did you mean sockq list" } })
end

-- Wrong use

refuses("wrong argument", { "toy", "x" }, "toy: top: x is no count; give a whole number from 0")
refuses("unknown argument", { "toy", "tpo=1" }, "toy: there is no argument tpo; did you mean top?")
refuses("too many", { "toy", "1", "2" }, "toy: 2 is one argument too many; it takes [top=COUNT]")
refuses("none is taken", { "single", "1" }, "single: 1 is one argument too many; it takes no arguments")
refuses("other tables", { "-x", "toy" }, "toy: the report looks at tcp; leave the options for other tables out")
refuses("an option that shapes", { "-g", "state", "toy" }, "--group: the columns and rows of toy are its own; leave it out")
refuses("no such format", { "-f", "jsn", "toy" }, { "-f jsn: there is no such format; did you mean json?" })

-- Reports that are wrong

local function wrong(name, text, message, more)
  local path = report(name, text, "wrong")
  local lines = more and {}
  for i, line in ipairs(more or {}) do lines[i] = line:gsub("FILE", function() return path end) end
  local want = type(message) == "table" and message or { path .. message }
  program.refuses("report " .. name, words_of({ name }, "wrong"), { err = want, more = lines })
end

local function runs(name, body, message, more)
  wrong(name, "return { help = 'h', run = function(args, report)\n" .. body .. "\nend }", message, more)
end

wrong("syntax", "return {\n  help = = 1 }", ":2: unexpected symbol near '='")
wrong("no-table", "return 7", ": the file returned a number; a table is expected")
wrong("no-help", "return { run = print }", ': key "help" is a nil; a string is expected')
wrong("no-run", "return { help = 'h' }", ': key "run" is a nil; a function is expected')
wrong("key", "return { help = 'h', run = print, arg = {} }",
  ': key "arg" means nothing in a file of reports; did you mean args?')
wrong("args", "return { help = 'h', run = print, args = { { name = 'a', type = 'prot', doc = 'd' } } }",
  ": args: argument a: there is no type prot; did you mean port?")
runs("raises", "error('boom')", ":2: boom")
runs("calls", "local function f() error('boom') end\nf()\nreturn 1", ":2: boom",
  { "at FILE:2 in f", "at FILE:3 in the function of line 1" })
runs("global", "reprot:text('x')", ":2: there is no global reprot; define it, as in local reprot = …")
runs("method", "report:txt('x')", ":2: a report has no txt; did you mean text?")
runs("dot", "report.text('x')", ":2: report.text: call it with a colon: report:text(…)")
runs("argument-name", "return args.top", ":2: args has no top; it takes no arguments")
runs("query-name", "report:query('tpc')", ":2: query: there is no table tpc; did you mean tcp?")
runs("text-number", "report:text(7)", ":2: text: the line is a number; a string is expected")
runs("next-nil", "report:next('sockq')", ":2: next: the reason is a nil; a string is expected")
runs("sleep-text", "report:sleep('1')\nreport:sleep('x')", ":2: sleep: 1 is no time; give seconds from 0")
runs("sleep-negative", "report:sleep(-1)", ":2: sleep: -1 is no time; give seconds from 0")
runs("status-text", "report:status('1')", ":2: status: 1 is no exit status; give a whole number from 0 to 255")
runs("rows-query", "report:rows(report:query('tcp'))", { ":2: rows: " })
runs("rows-key", "report:rows({ row = {} })", ':2: rows: "row" means nothing here; did you mean rows?')
runs("rows-none", "report:rows({ name = 'x' })", ":2: rows: rows is missing; give a query or a list of tables")
runs("rows-name", "report:rows({ rows = {}, name = 'a b' })",
  ':2: rows: the name "a b" is no word; give it letters, digits and _')
runs("rows-number", "report:rows({ rows = 7 })", ":2: rows: rows is a number; a table is expected")
runs("rows-of-numbers", "report:rows({ rows = { 7 } })", ":2: rows: row 1 is a number; a table of fields is expected")
runs("column", "report:rows({ rows = report:query('tcp'), columns = { 'stat' } })",
  ":2: rows: column 1: there is no field stat; did you mean state?")
runs("expression", "report:rows({ rows = report:query('tcp'):where('LISTN') })", { ":2: ", "did you mean LISTEN?" })
runs("row-raises", "report:rows({ rows = report:query('tcp'):where(function(row)\n  return row.path.x\nend) })",
  ":3: attempt to index field 'path' (a nil value)", { "at FILE:3 in the function of line 2",
    "at FILE:2 in the function of line 1", "row: tcp LISTEN 127.0.0.1:22 -> 0.0.0.0:* inode 11" })
do
  local status, out = run(words_of({ "list", "reports" }, "wrong"))
  check.equal("list of broken ones: status", status, 2)
  check.contains("list of broken ones", out, "cannot be loaded: " .. DIR .. "/wrong/reports/syntax.lua:2: ")
end

posix.cleanup()
check.finish()
