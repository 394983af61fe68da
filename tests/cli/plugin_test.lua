--- Plug-ins: where timers and views are found, which one wins, and what happens when one is wrong.
--
--   luajit tests/cli/plugin_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local rows = require "rows"

local run = program.run
local is_root = posix.geteuid() == 0

local CAPTURE = posix.realpath("tests/data/captures/mixed-1/proc")
local DIR = posix.tmpdir("sockq-plugin")
local CELLS = 5

--- A tree with a tcp table of five rows, each with a timer of its own kind.
local TREE = program.tree {
  ["net/tcp"] = rows.file("tcp", {
    rows.tcp { lport = 22, state = 10, inode = 11 },
    rows.tcp { lport = 22, raddr = "0200007F", rport = 1001, state = 1, timer = 1, when = 361, inode = 12 },
    rows.tcp { lport = 22, raddr = "0200007F", rport = 1002, state = 1, timer = 2, when = 361, inode = 13 },
    rows.tcp { lport = 22, raddr = "0200007F", rport = 1003, state = 6, timer = 3, when = 361 },
    rows.tcp { lport = 22, raddr = "0200007F", rport = 1004, state = 1, timer = 4, when = 361, inode = 14 },
  }),
  ["net/udp"] = rows.file("udp", {}),
  ["300/cmdline"] = "/usr/sbin/sshd\0", ["300/comm"] = "sshd\n", ["300/fd/3"] = { link = "socket:[12]" },
  ["301/cmdline"] = "ev\27[31mil\0", ["301/comm"] = "evil\n", ["301/fd/3"] = { link = "socket:[13]" },
}

--- Write DIR/folder/KIND/NAME.lua.
---@return string path
local function plugin(folder, kind, name, text)
  local where = ("%s/%s/%s"):format(DIR, folder, kind)
  posix.mkdirs(where)
  local path = ("%s/%s.lua"):format(where, name)
  posix.write_file(path, text)
  return path
end

local function timer_saying(word)
  return ('return { doc = "says %s", format = function(row) return "<%s " .. row.timer_code .. ">" end }\n')
    :format(word, word)
end

local function over(tree, words)
  local all = { "--proc", tree }
  for _, word in ipairs(words) do all[#all + 1] = word end
  return all
end

local function cells(out, piece)
  local _, count = out:gsub(piece, "")
  return count
end

-- Where plug-ins are found, and which of several is used

plugin("path", "timers", "where", timer_saying "path")
plugin("env", "timers", "where", timer_saying "env")
plugin("env2", "timers", "where", timer_saying "env2")
plugin("env2", "timers", "only2", timer_saying "only2")
plugin("xdg/sockq", "timers", "where", timer_saying "xdg")
plugin("home/.config/sockq", "timers", "where", timer_saying "home")

local function used(name, words, env, word, timer)
  local status, out, err = run(over(TREE, { "--timer", timer or "where", unpack(words) }), { env = env })
  check.equal(name .. ": status", status, 0)
  check.equal(name .. ": stderr", err, "")
  check.equal(name .. ": cells", cells(out, "<" .. word .. " %d>"), CELLS)
end

local PATHS = { SOCKQ_PATH = DIR .. "/env", XDG_CONFIG_HOME = DIR .. "/xdg", HOME = DIR .. "/home" }
local function with(changes)
  local env = {}
  for name, value in pairs(PATHS) do env[name] = value end
  for name, value in pairs(changes) do env[name] = value end
  return env
end

used("--path before all", { "--path", DIR .. "/path" }, PATHS, "path")
used("$SOCKQ_PATH before the home", {}, PATHS, "env")
used("$XDG_CONFIG_HOME instead of ~/.config", {}, with { SOCKQ_PATH = false }, "xdg")
used("~/.config", {}, with { SOCKQ_PATH = false, XDG_CONFIG_HOME = false }, "home")
used("~/.config where $XDG_CONFIG_HOME is empty", {}, with { SOCKQ_PATH = "", XDG_CONFIG_HOME = "" }, "home")
used("$SOCKQ_PATH alone", {}, { SOCKQ_PATH = DIR .. "/env" }, "env")
used("the first of several folders", {}, { SOCKQ_PATH = DIR .. "/env2:" .. DIR .. "/env" }, "env2")
used("the second, what the first lacks", {}, { SOCKQ_PATH = DIR .. "/env:" .. DIR .. "/env2" }, "only2", "only2")
used("folders that are not there", {}, { SOCKQ_PATH = ":/nonexistent::" .. DIR .. "/env2:" }, "env2")
used("the first of several of --path", { "--path", DIR .. "/none:" .. DIR .. "/path:" .. DIR .. "/env" }, {}, "path")
used("the last --path counts", { "--path", DIR .. "/env", "--path", DIR .. "/path" }, {}, "path")

program.refuses("in no folder", { "--timer", "where" },
  { err = "--timer where: there is no such timer; known are explain, human, netstat, ss" })
program.refuses("a near name is one's own", { "--path", DIR .. "/path", "--timer", "were" },
  { err = "--timer were: there is no such timer; did you mean where?" })

do
  -- one's own in place of a built-in one, everywhere
  plugin("own", "timers", "human", timer_saying "own")
  plugin("own", "timers", "netstat", timer_saying "mine")
  local _, out = run(over(TREE, { "--path", DIR .. "/own" }))
  check.equal("the default timer replaced", cells(out, "<own %d>"), CELLS)
  _, out = run(over(TREE, { "--path", DIR .. "/own", "netstat", "-anto" }))
  check.equal("netstat's timer replaced", cells(out, "<mine %d>\n"), CELLS)
  _, out = run(over(TREE, { "--path", DIR .. "/own", "list", "timers" }))
  check.contains("list names its file", out, ("human    says own [%s/own/timers/human.lua]\n"):format(DIR))
  check.ok("list names each once", cells(out, "human") == 2, out)
end

-- show, and starting from what it prints

do
  local capture = over(CAPTURE, { "-tu" })
  for _, name in ipairs { "netstat", "ss", "human", "explain" } do
    local status, source, err = run { "show", "timer", name }
    check.equal("show " .. name .. ": status", status .. err, "0")
    check.equal("show " .. name, source, posix.read_file(("lua/sockq/timers/%s.lua"):format(name)))
    plugin("copies", "timers", "my-" .. name, source)
    local _, want = run { "--timer", name, unpack(capture) }
    local got
    status, got, err = run { "--path", DIR .. "/copies", "--timer", "my-" .. name, unpack(capture) }
    check.equal("a copy of " .. name .. ": status", status .. err, "0")
    check.equal("a copy of " .. name, got, want)
  end
  local _, want = run(over(CAPTURE, { "netstat", "-anto" }))
  local _, got = run(over(CAPTURE, { "--path", DIR .. "/copies", "--timer", "my-netstat", "netstat", "-anto" }))
  check.equal("a copy in the netstat view", got, want)
  local status, out = run { "--path", DIR .. "/path", "show", "timer", "where" }
  check.equal("show one's own", status .. out, "0" .. timer_saying "path")
  for _, view in ipairs { "views netstat", "view netstat", "format table", "formats table" } do
    local kind, name = view:match("(%S+) (%S+)")
    status, out = run { "show", kind, name }
    check.equal("show " .. view, status .. out, "0" .. posix.read_file(("lua/sockq/%ss/%s.lua")
      :format((kind:gsub("s$", "")), name)))
  end
end

-- --timer with the netstat view

do
  local status, out, err = run(over(TREE, { "--timer", "where", "--path", DIR .. "/path", "netstat", "-antpo" }))
  check.equal("netstat with a timer of one's own: status", status .. err, "0")
  check.equal("netstat with a timer of one's own", cells(out, "<path %d>\n"), CELLS)
  status, out = run(over(TREE, { "--timer", "where", "--path", DIR .. "/path", "netstat", "-ant" }))
  check.equal("no -o, no timer", status .. cells(out, "<path"), "00")
  plugin("path", "timers", "long", 'return { doc = "long", format = function() return ("x"):rep(200) end }')
  status, out = run(over(TREE, { "--timer", "long", "--path", DIR .. "/path", "netstat", "-anto" }))
  check.equal("netstat's limit of 63 bytes", status .. cells(out, " " .. ("x"):rep(63) .. "\n"), "0" .. CELLS)
end
do
  -- no control byte, whatever a plug-in makes of a name
  plugin("path", "timers", "raw", 'return { doc = "raw", format = function(row) return row.program or "" end }')
  for _, words in ipairs { { "tcp" }, { "netstat", "-anto" }, { "netstat", "-antpo" } } do
    local status, out = run(over(TREE, { "--timer", "raw", "--path", DIR .. "/path", unpack(words) }))
    local name = "control bytes in a timer's text, " .. table.concat(words, " ")
    check.equal(name .. ": status", status, 0)
    check.ok(name, not out:find("[^\n\32-\126]"), out)
    check.ok(name .. ": the text is there", out:find("ev.*%[31mil"), out)
  end
end

-- Plug-ins that are wrong: named once, with file and line; the rest of the listing goes on

local views = {
  { name = "default table", words = {} },
  { name = "netstat view", words = { "netstat", "-anto" } },
  { name = "script", words = { "-e", "sockq.tcp():print()" } },
}

--- A timer that loads, but whose format fails for `bad` of the rows.
local function fails(name, text, line, what, bad)
  local path = plugin("bad", "timers", name, text)
  local where = line and ("%s:%d: "):format(path, line) or path .. ": "
  for _, view in ipairs(views) do
    local title = name .. ", " .. view.name
    local status, out, err = run(over(TREE, { "--path", DIR .. "/bad", "--timer", name, unpack(view.words) }))
    check.equal(title .. ": status", status, 2)
    local lines = program.lines(err)
    check.ok(title .. ": told once", err:match("^sockq: [^\n]+\n") and not err:find("\nsockq"), err)
    for i = 2, #lines do
      check.ok(title .. ": the calls and the row", lines[i]:find(i == #lines and "^  row: tcp " or "^  at ")
        or lines[i]:find("^  at %-e:1 in main chunk$"), err)
    end
    check.equal(title .. ": file and line", err:sub(1, #where + 7), "sockq: " .. where)
    check.contains(title .. ": what", err, what)
    check.contains(title .. ": and the cells", err, "; the cells show ?")
    check.equal(title .. ": rows", cells(out, "tcp  "), CELLS)
    check.equal(title .. ": cells", cells(out, " %?%s"), bad or CELLS)
  end
end

fails("raises", 'return { doc = "d",\n  format = function()\n    error("boom")\n  end }\n', 3, "boom")
fails("raises-some", [[
return { doc = "d", format = function(row)
  if row.timer_code > 2 then
    error("code " .. row.timer_code)
  end
  return "fine"
end }
]], 3, "code 3", 2)
fails("indexes-nil", 'return { doc = "d", format = function(row)\n  return row.path.x\nend }\n', 2,
  "attempt to index field 'path'")
fails("unknown-field", 'return { doc = "d", format = function(row)\n\n  return row.timr\nend }\n', 3,
  'a row has no field "timr"; did you mean timer?')
fails("arithmetic", 'return { doc = "d", format = function(row)\n  return row.expires + 1 .. ""\nend }\n', 2,
  "attempt to perform arithmetic", 1)
fails("number", 'return { doc = "d", format = function(row) return row.timer_code end }', nil,
  "format returned a number; a string is expected")
fails("nothing", 'return { doc = "d", format = function() end }', nil, "format returned a nil; a string is expected")
fails("boolean", 'return { doc = "d", format = function() return true end }', nil, "format returned a boolean")
fails("no-level", 'return { doc = "d", format = function() error("bare", 0) end }', nil, "bare")
fails("a-table", 'return { doc = "d", format = function() error({}) end }', nil, "table")
fails("keeps", [[
local first
return { doc = "d", format = function(row)
  first = first or row:keep()
  local kept = first.local_port
  if row.timer_code ~= 3 then return tostring(kept) end
  row.state = "x"
end }
]], 6, "a row cannot be written", 1)
fails("control", 'return { doc = "d", format = function()\n  error("\\27[31m\\nx")\nend }\n', 2, "\\x1b[31m\\nx")

--- A timer that does not load: nothing is listed.
local function does_not_load(name, make, pieces)
  local path = type(make) == "string" and plugin("broken", "timers", name, make)
    or make(("%s/broken/timers/%s.lua"):format(DIR, name))
  table.insert(pieces, 1, "sockq: --timer " .. path)
  for _, view in ipairs(views) do
    program.refuses(name .. ", " .. view.name,
      over(TREE, { "--path", DIR .. "/broken", "--timer", name, unpack(view.words) }), { err = pieces })
  end
end

plugin("broken", "timers", "fine", timer_saying "fine")
does_not_load("syntax", "return {\n  doc = = 1 }", { ":2: unexpected symbol near '='" })
does_not_load("at-load", "local x = 1\nerror('at load')", { ":2: at load" })
does_not_load("at-load-table", "error({})", { ": " })
does_not_load("no-table", "return 7", { ": the file returned a number; a table is expected" })
does_not_load("no-value", "", { ": the file returned a nil; a table is expected" })
does_not_load("no-doc", "return { format = tostring }", { ': key "doc" is a nil; a string is expected' })
does_not_load("no-format", "return { doc = 'd' }", { ': key "format" is a nil; a function is expected' })
does_not_load("format-text", "return { doc = 'd', format = 'x' }", { ': key "format" is a string; a function is expected' })
does_not_load("unknown-key", "return { doc = 'd', format = tostring, fromat = tostring }",
  { ': key "fromat" means nothing in a file of timers; did you mean format?' })
does_not_load("number-key", "return { doc = 'd', format = tostring, 1 }", { ': key "1" means nothing' })
does_not_load("compiled", "\27LJ\2\n", { "; give Lua source text" })
does_not_load("folder", function(path)
  posix.mkdir(path)
  return path
end, { ": not a regular file" })
does_not_load("fifo", function(path)
  os.execute("mkfifo " .. posix.quote(path))
  return path
end, { ": not a regular file" })
does_not_load("device", function(path)
  posix.symlink("/dev/zero", path)
  return path
end, { ": " })
does_not_load("dangling", function(path)
  posix.symlink("/nonexistent", path)
  return path
end, { ": " })
does_not_load("large", ("-- x\n"):rep(220000), { ": larger than 1 MiB" })
if is_root then
  does_not_load("open-to-all", function(path)
    posix.write_file(path, timer_saying "open")
    posix.chmod(path, tonumber("666", 8))
    return path
  end, { ": others can write it: chmod o-w it first" })
  does_not_load("link", function(path)
    posix.symlink("fine.lua", path)
    return path
  end, { ": " })
else
  does_not_load("secret", function(path)
    posix.write_file(path, timer_saying "secret")
    posix.chmod(path, 0)
    return path
  end, { ": Permission denied" })
end

do
  -- files that no --timer names: the rest works, list tells
  local status, out, err = run(over(TREE, { "--path", DIR .. "/broken", "--timer", "fine" }))
  check.equal("bad files beside: status", status .. err, "0")
  check.equal("bad files beside", cells(out, "<fine %d>"), CELLS)
  status, out = run { "--path", DIR .. "/broken", "list", "timers" }
  check.equal("list: status", status, 2)
  check.contains("list: a file that does not load", out, "cannot be loaded: " .. DIR .. "/broken/timers/syntax.lua:2: ")
  check.contains("list: a file that loads", out, "says fine [" .. DIR .. "/broken/timers/fine.lua]")
  -- names that are none
  posix.write_file(DIR .. "/broken/timers/.hidden.lua", timer_saying "hidden")
  posix.write_file(DIR .. "/broken/timers/backup.lua~", timer_saying "backup")
  status, out = run { "--path", DIR .. "/broken", "list", "timers" }
  check.equal("hidden files and backups: status", status, 2)
  check.ok("hidden files and backups are none", not out:find("hidden") and not out:find("backup"), out)
end

-- Views

plugin("views", "views", "listeners", [[
return {
  doc = "who listens",
  from = "tcp",
  where = "LISTEN",
  columns = {
    "proto",
    { title = "port", field = "local_port", width = 7 },
    { title = "who", get = function(row) return row.program end, needs = { "program" }, unknown = "(nobody)" },
  },
}
]])
plugin("views", "views", "all-kinds", [[
return {
  doc = "a function as its filter, columns aligned by hand",
  where = function(row) return row.remote_port > 1001 end,
  columns = {
    { title = "L", field = "remote_port", align = "left", width = 6 },
    { title = "R", get = function(row) return row.program end, align = "right", width = 8 },
    "timer",
  },
}
]])
plugin("views", "views", "runs", [[
return { doc = "does its own work", run = function(args) print("ran", #args, args[1]) return 5 end }
]])

local function view(name, words, want_status, want_out)
  local status, out, err = run(over(TREE, { "--path", DIR .. "/views", unpack(words) }))
  check.equal(name .. ": stderr", err, "")
  check.equal(name .. ": status", status, want_status)
  check.equal(name, out, want_out)
end

view("a view", { "listeners" }, 0, "proto     port  who\ntcp         22  (nobody)\n")
view("a view without header", { "--no-header", "listeners" }, 0, "tcp       22  (nobody)\n")
view("a view with an expression", { "listeners", "local_port == 23" }, 1, "")
view("a view with two expressions", { "listeners", "local_port == 22", "tcp" }, 0,
  "proto     port  who\ntcp         22  (nobody)\n")
view("a view over other tables", { "-u", "listeners" }, 1, "")
view("another view", { "all-kinds" }, 0,
  "L                  R  timer\n1002    ev\\x1b[31mil  keepalive\n1003               -  timewait\n1004               -  probe\n")
view("a view that runs", { "runs", "a", "b" }, 5, "ran\t2\ta\n")
do
  local status, out = run { "--path", DIR .. "/views", "list", "views" }
  check.equal("list views: status", status, 0)
  check.contains("list views", out, ("listeners  who listens [%s/views/views/listeners.lua]\n"):format(DIR))
  check.contains("list views: built in", out, "netstat    as netstat of net-tools 2.10 lists sockets")
end

local function bad_view(name, text, pieces, more)
  plugin("bad-views", "views", name, text)
  program.refuses("view " .. name, over(TREE, { "--path", DIR .. "/bad-views", name }), { err = pieces, more = more })
end

local BAD = DIR .. "/bad-views/views/"
local FIRST_ROW = "row: tcp LISTEN 127.0.0.1:22 -> 0.0.0.0:* inode 11"
bad_view("unknown-field", 'return { doc = "d", columns = { "proto", "prot" } }',
  { BAD .. "unknown-field.lua: column 2: there is no field prot; did you mean proto?" })
bad_view("unknown-column-key", 'return { doc = "d", columns = { { field = "proto", widht = 3 } } }',
  { BAD .. 'unknown-column-key.lua: column 1: "widht" means nothing in a column; did you mean width?' })
bad_view("empty-column", 'return { doc = "d", columns = { {} } }',
  { BAD .. "empty-column.lua: column 1 has neither field, timer nor get" })
bad_view("number-column", 'return { doc = "d", columns = { 7 } }',
  { BAD .. "number-column.lua: column 1 is a number; a field's name or a table is expected" })
bad_view("width-text", 'return { doc = "d", columns = { { field = "proto", width = "3" } } }',
  { BAD .. "width-text.lua: column 1: width is a string; a number is expected" })
bad_view("neither", 'return { doc = "d" }', { BAD .. "neither.lua: the view has neither columns nor run" })
bad_view("unknown-view-key", 'return { doc = "d", colums = {} }',
  { BAD .. 'unknown-view-key.lua: key "colums" means nothing in a file of views; did you mean columns?' })
bad_view("bad-from", 'return { doc = "d", from = "tpc", columns = { "proto" } }', { "tpc", "did you mean tcp?" })
bad_view("bad-where", 'return { doc = "d", where = "pidd == 1", columns = { "proto" } }',
  { "EXPR:1:1: ", "did you mean pid?" })
bad_view("column-raises", 'return { doc = "d", columns = { { title = "x", get = function(row)\n  return row.nosuch\nend } } }',
  { BAD .. 'column-raises.lua:2: a row has no field "nosuch"' }, { FIRST_ROW })
bad_view("run-raises", 'return { doc = "d", run = function()\n\n  error("boom") end }', { BAD .. "run-raises.lua:3: boom" })
bad_view("where-raises", 'return { doc = "d", columns = { "proto" }, where = function(row)\n  return row.x.y\nend }',
  { BAD .. "where-raises.lua:2: " }, { FIRST_ROW })
for name, returned in pairs { ["256"] = "256", ["-1"] = "-1", ["0.5"] = "0.5", nan = "0/0", ["a string"] = "'x'",
  ["a table"] = "{}", ["a boolean"] = "false" } do
  local file = "status-" .. name:gsub("%W", "-")
  bad_view(file, ('return { doc = "d", run = function() return %s end }'):format(returned),
    { BAD .. file .. ".lua: run returned " .. (name == "nan" and "" or name), "; an exit status from 0 to 255 is expected" })
end
plugin("good-views", "views", "seven", 'return { doc = "d", run = function() return 7 end }')
check.equal("a view's own status", (program.run(over(TREE, { "--path", DIR .. "/good-views", "seven" }))), 7)

posix.cleanup()
check.finish()
