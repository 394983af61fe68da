--- Formats on the command line: what they print over the captures is read back by other programs and
--- compared, value by value, with what a script reads; terminals, errors, outputs that cannot be written.
--
--   luajit tests/cli/formats_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"
local readback = require "readback"
local spawn = require "spawn"

local run = program.run
check.at_end(spawn.cleanup)

local READ = { "json", "ndjson", "csv", "tsv", "records" }

local function over(tree, words)
  local all = { "--proc", tree }
  for _, word in ipairs(words) do all[#all + 1] = word end
  return run(all)
end

--- A script that prints, as one constructor a line, the names and then the values of a query's rows.
local DUMP = [[
local function code(value)
  if type(value) == "string" then
    return '"' .. value:gsub("[^%w ]", function(byte) return ("\\%03d"):format(byte:byte()) end) .. '"'
  elseif type(value) == "number" then return ("%.17g"):format(value)
  elseif type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, item in pairs(value) do parts[#parts + 1] = ("[%s]=%s"):format(code(key), code(item)) end
  return "{" .. table.concat(parts, ",") .. "}"
end
local names, query = QUERY
print("return " .. code(names))
query:each(function(row)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = ("[%d]=%s"):format(i, code(row[name])) end
  print("return {" .. table.concat(parts, ",") .. "}")
end)
]]

--- Names and rows of a query, as a script reads them.
---@param code string  the names and the query, as Lua
local function rows_of(tree, code)
  local before, after = DUMP:match("^(.*)QUERY(.*)$")
  local status, out, err = over(tree, { "-e", before .. code .. after })
  check.equal("dump of " .. code .. ": status", status .. err, "0")
  local rows = {}
  for line in out:gmatch("[^\n]+") do rows[#rows + 1] = assert(loadstring(line))() end
  return table.remove(rows, 1), rows
end

local function compare_all(name, tree, words, code)
  local names, rows = rows_of(tree, code)
  check.ok(name .. ": there are rows", #rows > 0)
  local function print_as(format)
    local all = { "-f", format }
    for _, word in ipairs(words) do all[#all + 1] = word end
    local status, out, err = over(tree, all)
    check.equal(name .. ", " .. format .. ": status", status .. err, "0")
    return out
  end
  for _, format in ipairs(READ) do readback.compare(format, name, names, rows, print_as(format)) end
  readback.compare_lua(name, names, rows, print_as "lua")
  readback.count_by_jq(name .. ", ndjson", print_as "ndjson", #rows)
  readback.count_by_jq(name .. ", json", print_as "json", #rows, ".[0] | length")
  return names, rows, print_as
end

-- The captures

local FIELDS = '{ "proto", "recv_q", "send_q", "local_addr", "local_port", "remote_addr", "remote_port", "state", "timer", '
  .. '"expires", "retrans", "probes", "uid", "inode", "pid", "program" }'
local EVERY = "(function() local t = {} for _, f in ipairs(sockq.fields) do if f.from ~= 'diag' then "
  .. "t[#t + 1] = f.name end end return t end)()"
local DEFAULT = "sockq.inet():where('not (icmp or sctp)')"
local AGG = "count, max(expires), avg(recv_q), first(program), histogram(send_q), distinct(uid)"
local GROUP = DEFAULT .. (":group('state, proto'):agg('%s'):sort('state, proto')"):format(AGG)
local GROUP_NAMES = "(function() local t = {} for _, f in ipairs(" .. GROUP .. ":schema().list) do t[#t + 1] = f.name end "
  .. "return t end)()"

for _, name in ipairs { "mixed-1", "mixed-2", "centos7-seed" } do
  local tree = "tests/data/captures/" .. name .. "/proc"
  compare_all(name .. ", as it is", tree, {}, FIELDS .. ", " .. DEFAULT)
  compare_all(name .. ", every field", tree, { "--from", "all", "-c", "*" }, EVERY .. ", sockq.all()")
  local chosen = "state,wait=60-expires,lport,owners"
  compare_all(name .. ", columns", tree, { "-t", "-c", chosen, "TIME_WAIT or LISTEN" },
    ('{ "state", "wait", "lport", "owners" }, sockq.tcp():where("TIME_WAIT or LISTEN"):select("%s")'):format(chosen))
  local _, groups, print_as = compare_all(name .. ", a group", tree,
    { "-g", "state, proto", "-A", AGG, "-s", "state, proto" }, GROUP_NAMES .. ", " .. GROUP)

  -- the same numbers as samples
  local samples = readback.samples(name, print_as "prometheus")
  local seen = 0
  for _, row in ipairs(groups) do
    local labels = {}
    for i, key in ipairs { "state", "proto" } do
      if row[i] then labels[#labels + 1] = ('%s="%s"'):format(key, row[i]) end
    end
    labels[#labels + 1] = row[6] and ('first_program="%s"'):format(row[6]) or nil
    local text = "{" .. table.concat(labels, ",") .. "}"
    check.equal(name .. ", prometheus: count" .. text, tonumber(samples.sockq_sockets[text]), row[3])
    check.equal(name .. ", prometheus: max" .. text, tonumber((samples.sockq_sockets_max_expires or {})[text]), row[4])
    check.equal(name .. ", prometheus: avg" .. text, tonumber(samples.sockq_sockets_avg_recv_q[text]), row[5])
    check.equal(name .. ", prometheus: distinct" .. text, tonumber(samples.sockq_sockets_distinct_uid[text]), row[8])
    seen = seen + row[3]
  end
  local total, zeros = 0, 0
  for _, number in pairs(samples.sockq_sockets) do
    total = total + tonumber(number)
    zeros = zeros + (number == "0" and 1 or 0)
  end
  check.equal(name .. ", prometheus: all rows are counted", total, seen)
  check.ok(name .. ", prometheus: zeros of states that are not there", zeros > 0)
  for _, words in ipairs { {}, { "-t", "-c", "*" }, { "-x", "-c", "path,refs" }, { "-c", "state" },
    { "-A", "histogram(recv_q)" } } do
    local all = { "-f", "prometheus" }
    for _, word in ipairs(words) do all[#all + 1] = word end
    readback.samples(name .. " " .. table.concat(words, " "), (select(2, over(tree, all))))
  end

  -- the bars are as long as the counts say
  local _, out = over(tree, { "-f", "bars", "-g", "state" })
  local longest, greatest = 0, 0
  for number, bar in out:gmatch("(%d+)  (#+)\n") do
    longest, greatest = math.max(longest, #bar), math.max(greatest, tonumber(number))
  end
  for number, bar in out:gmatch("(%d+)  (#+)\n") do
    check.ok(name .. ", bars: " .. number, math.abs(#bar - tonumber(number) / greatest * longest) <= 1, bar)
  end
  check.ok(name .. ", bars: there are some", longest > 20, out)
end

-- What processes chose

do
  local NASTY = "a\27[31mb\7\8\r\t\127c\194\155d\155e\192\128f\255g\226\128\174h\237\160\128\"',\\{}|"
  local rows = require "rows"
  local tree = program.tree {
    ["net/tcp"] = rows.file("tcp", {
      rows.tcp { lport = 1, state = 10, inode = 21 }, rows.tcp { lport = 2, state = 10, inode = 22 } }),
    ["net/unix"] = rows.file("unix", {
      rows.unix { inode = 23, path = "@" .. NASTY }, rows.unix { inode = 24, path = "two\nlines" } }),
    ["30/cmdline"] = "/bin/" .. NASTY .. "\0-x\n\27[2J\0", ["30/fd/3"] = { link = "socket:[21]" },
    ["31/cmdline"] = "日本\240\159\152\128\0", ["31/fd/3"] = { link = "socket:[22]" },
  }
  compare_all("nasty names", tree, { "--from", "tcp,unix", "-c", "inode,program,cmdline,path" },
    '{ "inode", "program", "cmdline", "path" }, sockq.from("tcp,unix")')
  local function is_clean(text)
    text = text:gsub("[\n\32-\126]", ""):gsub("[\195-\223][\128-\191]", ""):gsub("\194[\160-\191]", "")
      :gsub("[\225-\236\238\239][\128-\191][\128-\191]", ""):gsub("\240\159[\128-\191][\128-\191]", "")
    return text == ""
  end
  for _, format in ipairs { "table", "json", "ndjson", "csv", "tsv", "lua", "records", "bars", "prometheus" } do
    for _, words in ipairs { { "-c", "recv_q,program,cmdline,path,owners" }, { "-g", "program,path" },
      { "-g", "inode,cmdline" } } do
      local all = { "--from", "tcp,unix", "-f", format }
      for _, word in ipairs(words) do all[#all + 1] = word end
      local status, out, err = over(tree, all)
      if format == "csv" then out = out:gsub("\r\n", "\n") end
      if format == "tsv" then out = out:gsub("\t", " ") end
      local name = "control bytes, " .. format .. " " .. table.concat(words, " ")
      check.equal(name .. ": status", status .. err, "0")
      check.ok(name .. ": something is printed", #out > 50, out)
      check.ok(name .. ": none", is_clean(out), out)
    end
  end
end

-- No rows, no header, formats that are not there

local TREE = "tests/data/captures/mixed-1/proc"
for format, want in pairs { json = "[]\n", ndjson = "", csv = "proto\r\n", tsv = "proto\n", lua = "return {\n}\n", table = "",
  records = "", prometheus = "" } do
  local status, out, err = over(TREE, { "-f", format, "-c", "proto", "local_port == 70000" })
  check.equal(format .. ", no rows: status", status .. err, "1")
  check.equal(format .. ", no rows", out, want)
end
for _, words in ipairs { { "--csv" }, { "--tsv" }, { "--json" }, { "--ndjson" } } do
  local _, short = over(TREE, words)
  local _, long = over(TREE, { "-f", words[1]:sub(3) })
  check.ok(words[1] .. " is short for -f", short == long and #long > 100, short)
end
for _, format in ipairs { "csv", "tsv", "table", "records", "bars" } do
  local words = { "-f", format, "-g", "proto", "-s", "proto" }
  local _, with = over(TREE, words)
  words[#words + 1] = "--no-header"
  local _, without = over(TREE, words)
  local header = format == "records" and "RECORD" or "^proto"
  check.ok("--no-header, " .. format, #without > 0 and with:find(header) and not without:find(header), without)
end
program.refuses("a format that is not there", { "--proc", TREE, "-f", "jsn" },
  { err = { "jsn: there is no such format", "json" } })
program.refuses("bars without a number", { "--proc", TREE, "-f", "bars", "-c", "state" },
  { err = { "bars: no column is a number to draw; " } })

-- Copied out, a format works as a plug-in of one's own

do
  local dir = posix.tmpdir("sockq-formats")
  posix.mkdir(dir .. "/formats")
  local names = {}
  for name in select(2, run { "list", "formats" }):gmatch("([^\n]*)\n") do names[#names + 1] = name:match("^%S+") end
  check.equal("list formats", table.concat(names, " "), "bars csv json lua ndjson prometheus records table tsv")
  for _, name in ipairs(names) do
    local _, source = run { "show", "format", name }
    posix.write_file(dir .. "/formats/my" .. name .. ".lua", source)
    local words = { "-g", "state", "-f", name }
    local _, want = over(TREE, words)
    words[4] = "my" .. name
    -- They write into memory by the FFI, which the sandbox does not have.
    local status, out, err = run({ "--trust", "--path", dir, "--proc", TREE, unpack(words) })
    check.equal("a copy of " .. name .. ": status", status .. err, "0")
    check.equal("a copy of " .. name, out, want)
  end
end

-- A format of one's own that is not as it should be

do
  local dir = posix.tmpdir("sockq-formats")
  posix.mkdir(dir .. "/formats")
  local function refuses(name, source, message)
    posix.write_file(("%s/formats/%s.lua"):format(dir, name), source)
    program.refuses("a format whose " .. name .. " is wrong", { "--path", dir, "--proc", TREE, "-f", name },
      { err = { message } })
  end
  refuses("layout", 'return { doc = "x", layout = "field", open = print }',
    'layout.lua: key "layout" is "field"; did you mean fields?')
  refuses("open", 'return { doc = "x" }', 'open.lua: key "open" is a nil; a function is expected')
  refuses("sink", 'return { doc = "x", open = function() return { row = print } end }', "sink.lua: open gave no sink; ")
  refuses("result", 'return { doc = "x", open = function() end }', "result.lua: open gave nothing; ")
  program.refuses("a format that is wrong, of a report", { "--path", dir, "--proc", TREE, "states", "-f", "result" },
    { err = { "result.lua: open gave nothing; " }, out = "sockets: 83\n\n" })
  refuses("way", 'return { doc = "x", open = function() return nil, "way: not like this; go back" end }',
    "sockq: way: not like this; go back\n")
end

-- Terminals

local function on_terminal(columns, words, extra)
  local child = spawn.start({ program.path, "--proc", TREE, unpack(words) },
    { terminal = columns, env = program.environment(extra) })
  check.equal("a terminal: status", child:wait(20), 0)
  local screen = child:screen()
  child:finish()
  return screen
end

do
  local words = { "-t", "-f", "table", "-c", "state,local_port" }
  local _, pipe = over(TREE, words)
  check.ok("no colour in a pipe", #pipe > 100 and not pipe:find("\27"), pipe)
  local screen = on_terminal(100, words, { TERM = "xterm" })
  check.contains("colour on a terminal", screen, "\27[31mCLOSE_WAIT\27[0m")
  check.equal("a terminal: the same but for colour", screen:gsub("\27%[%d*m", ""), pipe)
  check.equal("NO_COLOR", on_terminal(100, words, { TERM = "xterm", NO_COLOR = "1" }), pipe)
  check.equal("TERM=dumb", on_terminal(100, words, { TERM = "dumb" }), pipe)
  words[#words + 1] = "--color=never"
  check.equal("--color=never", on_terminal(100, words, { TERM = "xterm" }), pipe)
  words[#words] = "--color=always"
  check.equal("--color=always in a pipe", (select(2, over(TREE, words))), screen)
  for _, format in ipairs(READ) do
    words[3] = format
    local _, out = over(TREE, words)
    check.ok("--color=always, " .. format .. ": machines get none", #out > 100 and not out:find("\27"), out)
  end
end
for _, columns in ipairs { 40, 60, 80 } do
  for _, format in ipairs { "table", "bars" } do
    local longest = 0
    local screen = on_terminal(columns, { "-f", format, "-g", "local_addr,program" }, { TERM = "dumb" })
    for line in screen:gmatch("[^\n]+") do longest = math.max(longest, #line) end
    check.ok(format .. " on a terminal of " .. columns, longest <= columns, screen)
  end
end
for _, words in ipairs { { "-c", "state,program,cmdline,local_addr" }, { "-t", "-c", "x=state,remote_addr,y=lower(cmdline)" } } do
  local longest = 0
  local screen = on_terminal(72, words, { TERM = "dumb" })
  for line in screen:gmatch("[^\n]+") do longest = math.max(longest, #line) end
  check.ok("columns that are named, on a terminal: " .. words[#words], longest <= 72 and screen:find("~", 1, true), screen)
end
do
  local screen = on_terminal(60, { "-f", "bars", "-g", "state" }, { LC_ALL = "C.UTF-8", TERM = "xterm" })
  check.contains("bars where the locale has blocks", screen, "█████")
  check.ok("bars where the locale has blocks: no ASCII ones", not screen:find("#"), screen)
  screen = on_terminal(60, { "-f", "bars", "-g", "state" }, { LC_ALL = "C", TERM = "xterm" })
  check.ok("bars where it has none", screen:find("####") and not screen:find("[\128-\255]"), screen)
end

-- Outputs that cannot be written

for _, format in ipairs { "table", "json", "ndjson", "csv", "tsv", "lua", "records", "bars", "prometheus" } do
  local status, out, err = posix.run({ "sh", "-c", ("%s --proc %s -f %s -g state >/dev/full"):format(posix.quote(program.path),
    TREE, format) }, { env = program.environment(), timeout = 60 })
  check.equal("/dev/full, " .. format, status .. out .. err, "3sockq: standard output: No space left on device\n")
end

posix.cleanup()
check.finish()
