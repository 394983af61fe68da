--- Help: the page of --help fits a screen, every topic prints what the registries hold, every name is
--- explained, and whatever help mentions exists. Then what is said of wrong options and names.
--
--   luajit tests/cli/help_test.lua --sockq PATH        from the root of the tree
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local posix = require "posix"
local program = require "program"

local run, refuses = program.run, program.refuses

local TREE = posix.realpath("tests/data/captures/mixed-1/proc")
local DIR = posix.tmpdir("sockq-help")
check.at_end(posix.cleanup)

--- Characters, not bytes.
local function width(line) return select(2, line:gsub("[^\128-\191]", "")) end

local function prints(words, opts)
  local name = "sockq " .. table.concat(words, " ")
  local status, out, err = run(words, opts)
  check.equal(name .. ": status", status, 0)
  check.equal(name .. ": stderr", err, "")
  for i, line in ipairs(program.lines(out)) do
    check.ok(("%s: line %d fits 80 columns"):format(name, i), width(line) < 80, line)
    check.ok(("%s: line %d ends in no blank"):format(name, i), not line:find("%s$"), line)
  end
  check.equal(name .. ": ends in a line feed", out:sub(-1), "\n")
  return out
end

-- What the registries hold, asked from inside the program.
local function registry(chunk)
  local status, out = run { "--trust", "-e", chunk }
  check.equal("registry: status", status, 0)
  local list = {}
  for word in out:gmatch("[^\n]+") do list[#list + 1] = word end
  return list
end

local KINDS = {}
for _, kind in ipairs(registry 'for _, k in ipairs(require("sockq.help.words").kinds()) do print(k) end') do
  KINDS[kind] = registry(('for _, n in ipairs(require("sockq.help.words").names(%q)) do print(n) end'):format(kind))
  check.ok(kind .. ": there are some", #KINDS[kind] > 0)
end

-- A word that stands in a text by itself.
local function says(text, word)
  return (" " .. text:gsub("[\n]", " ") .. " "):find("[^%w_-]" .. word:gsub("%p", "%%%0") .. "[^%w_-]") ~= nil
end

-- The screen

local screen = prints { "--help" }
check.ok("--help: 24 lines with the shell's prompt", #program.lines(screen) <= 23, tostring(#program.lines(screen)))
check.equal("-h", prints { "-h" }, screen)
for _, kind in ipairs { "topics", "reports", "views", "formats", "helpers" } do
  for _, word in ipairs(KINDS[kind]) do check.ok("--help: " .. word, says(screen, word), screen) end
end
for _, word in ipairs { "EXPR", "NAME", "FILE.lua", "-e", "-i", "sockq help" } do check.contains("--help", screen, word) end

--- Every option that a text shows exists, every command line in it is understood.
local OPTIONS = {}
for _, option in ipairs(registry [[for _, o in ipairs(require("sockq.core").options()) do
  print("--" .. o.name) if o.letter then print("-" .. o.letter) end end]]) do
  OPTIONS[option] = true
end

local function check_options(name, text)
  for option in (" " .. text):gmatch("[%s`,(](%-%-%l[%l%d-]*)") do
    check.ok(("%s: %s exists"):format(name, option), OPTIONS[option])
  end
end
check_options("--help", screen)

-- What it takes to run the command lines that help shows: no file is written, nothing is waited for.
local function is_runnable(line)
  return not line:find("[|>]") and not line:find("%u%u%u%u%.lua") and not line:find("FILE") and not line:find("NAME")
    and not line:find("%-%-watch") and not line:find("%-%-wait") and not line:find("/tmp/") and not line:find("diff")
    and not line:find("KIND") and not line:find("^sockq help")
end

local commands = 0
local function check_commands(name, text)
  for line in text:gmatch("\n  (sockq [^\n]*)") do
    line = line:gsub("%s%s%s+.*$", "")
    if is_runnable(line) then
      commands = commands + 1
      local script = line:gsub("^sockq", ("%s --proc %s"):format(posix.quote(program.path), posix.quote(TREE)))
      local status, _, err = posix.run({ "sh", "-c", script }, { env = program.environment(), timeout = 60 })
      check.ok(("%s: %s: status"):format(name, line), status <= 1, status .. ": " .. err)
      check.equal(("%s: %s: stderr"):format(name, line), err, "")
    end
  end
end
check_commands("--help", screen)
check.ok("--help: its commands were run", commands >= 4, tostring(commands))

-- None of it is loaded before it is asked for.
check.equal("help is not loaded without need", table.concat(registry [[for name in pairs(package.loaded) do
  if name:find("^sockq%.help") or name:find("^sockq%.comp[^l]") or name == "sockq.mistakes" then print(name) end end]], " "), "")

-- Topics

local overview = prints { "help" }
local pages = {}
for _, topic in ipairs(KINDS.topics) do
  check.ok("help: " .. topic, says(overview, topic), overview)
  pages[topic] = prints { "help", topic }
  check_options("help " .. topic, pages[topic])
  check_commands("help " .. topic, pages[topic])
end
check.ok("the commands of topics were run", commands >= 20, tostring(commands))

local WHERE = {
  expr = { "protocols", "states", "helpers", "constants" }, fields = { "fields" }, states = { "states" },
  timers = { "timers" }, formats = { "formats" }, reports = { "reports" }, views = { "views" },
  aggregates = { "aggregates" }, options = { "options" }, commands = { "commands" }, scripts = { "verbs", "kinds" },
}
for topic, kinds in pairs(WHERE) do
  for _, kind in ipairs(kinds) do
    for _, word in ipairs(KINDS[kind]) do
      check.ok(("help %s: %s"):format(topic, word), says(pages[topic], word), pages[topic])
    end
  end
end
for _, topic in ipairs { "recordings", "watch" } do check.ok("help " .. topic, #pages[topic] > 400) end
do
  -- Fields: short forms too, and the values of `timer` are all explained.
  for _, name in ipairs(registry 'for name in pairs(require("sockq.fields").by_name) do print(name) end') do
    check.ok("help fields: " .. name, says(pages.fields, name))
  end
  local values = registry 'for _, v in ipairs(require("sockq.fields").by_name.timer.values) do print(v) end'
  local told = registry 'for _, t in ipairs(require("sockq.help.topics").TIMERS) do print(t[1]) end'
  check.equal("help timers: the values of timer", table.concat(told, " "), table.concat(values, " "))
  for _, name in ipairs(registry 'for name in pairs(require("sockq.state").aliases) do print(name) end') do
    check.ok("help states: " .. name, says(pages.states, name))
  end
  check.equal("every state has its meaning", #registry [[local state = require "sockq.state"
    for _, name in ipairs(state.names) do if not state.docs[name] then print(name) end end]], 0)
  local operators = registry [[for _, o in ipairs(require("sockq.help.expression").OPERATORS) do print(o[3]) end]]
  check.ok("help expr: operators", #operators >= 8)
  for _, example in ipairs(operators) do
    local status, _, err = run { "--proc", TREE, example }
    check.ok("help expr: " .. example, status <= 1, err)
  end
  local arguments = registry [[for _, a in ipairs(require("sockq.help.expression").ARGUMENTS) do print(a[3]) end]]
  check.ok("help expr: whole arguments", #arguments >= 4)
  for _, example in ipairs(arguments) do
    local status, _, err = run { "--proc", TREE, example }
    check.ok("help expr: " .. example, status <= 1, err)
  end
end

do
  -- A terminal that knows no UTF-8 gets none.
  local plain = prints { "help", "fields" }
  check.ok("help in the C locale is ASCII", not plain:find("[\128-\255]"), plain:match("[^\n]*[\128-\255][^\n]*"))
  check.contains("help in the C locale", plain, "udp, ...")
  check.contains("help in UTF-8", prints({ "help", "fields" }, { env = { LC_ALL = "C.UTF-8" } }), "udp, …")
end

-- What help points to is there.
do
  local pointers = 0
  for topic, text in pairs(pages) do
    for name in text:gsub("\n%s*", " "):gmatch("sockq help ([%w_-]+)") do
      if name:find("%l") and name ~= "options" then
        pointers = pointers + 1
        check.equal(("help %s: sockq help %s"):format(topic, name), (run { "help", name }), 0)
      end
    end
  end
  check.ok("help points to help", pointers >= 5, tostring(pointers))
end

-- Names

do
  local chunk = { 'local names = require("sockq.help.names")', "for _, n in ipairs(names.all()) do",
    'local text, wrong = require("sockq.help").about(n) print(n, text and #text or wrong)', "end" }
  local all = registry(table.concat(chunk, "\n"))
  check.ok("names: many", #all > 200, tostring(#all))
  for _, line in ipairs(all) do
    check.ok("help NAME: " .. line, tonumber(line:match("\t(%d+)$")))
  end
  -- Each of them fits as well.
  local long = registry [[for _, n in ipairs(require("sockq.help.names").all()) do
    for line in require("sockq.help").about(n):gmatch("[^\n]+") do
      if select(2, line:gsub("[^\128-\191]", "")) > 79 then print(n .. ": " .. line) end
    end end]]
  check.equal("help NAME: lines that do not fit 80 columns", table.concat(long, "\n"), "")
end
for name, pieces in pairs {
  expires = { "expires, a field", "seconds" }, lport = { "local_port, a field" }, LISTEN = { "LISTEN, a state" },
  estab = { "ESTABLISHED, a state" }, sort = { "--sort", "query:sort(" }, ["-L"] = { "-L, --limit N" },
  limit = { "-L, --limit N", "query:limit(" }, L = { "-L, --limit N" }, p99 = { "pNN(n), an aggregate" },
  count = { "count([condition])", "query:count(" }, lower = { "lower(text), a function" }, KiB = { "1024" },
  netstat = { "netstat, a view", "netstat, a timer" }, json = { "json, a format", "--json" }, tcp = { "--tcp" },
  where = { "query:where(predicate)" }, ["query:list"] = { "query:list()" },
  ["sockq.from()"] = { "sockq.from(names, [options])" },
  keep = { "row:keep()" }, list = { "sockq list KIND" }, timer = { "--timer NAME", "timer, a field" },
  expressions = { "Operators" }, record = { "sockq record" },
} do
  local words = name:find("^%-") and { "help", "--", name } or { "help", name }
  if name ~= "record" or says(table.concat(KINDS.commands, " "), "record") then
    local out = prints(words)
    for _, piece in ipairs(pieces) do check.contains("help " .. name, out, piece) end
  end
end
check.equal("NAME --help", prints { "list", "--help" }, prints { "--help", "list" })
check.contains("NAME --help", prints { "list", "--help" }, "sockq list KIND")
do
  -- What users add is explained like what is built in.
  posix.mkdirs(DIR .. "/views")
  posix.mkdirs(DIR .. "/reports")
  posix.write_file(DIR .. "/views/closing.lua", 'return { doc = "what closes", columns = { "state" } }\n')
  posix.write_file(DIR .. "/reports/mine.lua", [[return { help = "who is mine",
    args = { { name = "port", type = "port", doc = "of the server" } }, run = function() end }]] .. "\n")
  check.contains("help of one's own view", prints { "--path", DIR, "help", "closing" }, "what closes")
  check.contains("help views", prints { "--path", DIR, "help", "views" }, "what closes")
  local out = prints { "--path", DIR, "help", "mine" }
  check.contains("help of one's own report", out, "who is mine")
  check.contains("help of one's own report: arguments", out, "of the server")
  check.equal("REPORT --help", prints { "--path", DIR, "mine", "--help" }, out)
  refuses("an option behind a view", { "--path", DIR, "--proc", TREE, "closing", "--json" },
    { err = "--json: what stands behind the view closing are expressions; options stand before its name" })
  local status = run { "--path", DIR, "--proc", TREE, "closing", "-expires < 0" }
  check.ok("an expression with a minus behind a view", status <= 1)
end

do
  -- A plug-in that is broken breaks neither its list nor the rest.
  local broken = DIR .. "/broken"
  posix.mkdirs(broken .. "/views")
  posix.mkdirs(broken .. "/reports")
  posix.write_file(broken .. "/views/half.lua", "return {\n")
  posix.write_file(broken .. "/reports/none.lua", "return 1\n")
  local _, out = run { "--path", broken, "help", "views" }
  check.contains("help of a broken view", out, "cannot be loaded: ")
  check.equal("help of another", (run { "--path", broken, "help", "netstat" }), 0)
  refuses("help of a broken report", { "--path", broken, "help", "none" }, { err = { "/reports/none.lua: " } })
  local status
  status, out = run { "--path", broken, "completion", "words", "--", "LIST" }
  check.equal("completion beside a broken plug-in", status .. out, "0LISTEN\twaits for connections\n\tlua\n")
end

do
  -- The plug-ins that help shows work.
  local own = DIR .. "/own"
  local uses = { timers = { "--timer", "shown" },
    formats = { "-f", "shown" }, views = { "shown" }, reports = { "answers", "22" } }
  for kind, words in pairs(uses) do
    local text = table.concat(registry(('print(require("sockq.help.plugins").EXAMPLES[%q])'):format(kind)), "\n")
    local name = kind == "reports" and "answers" or "shown"
    local path = ("%s/%s/%s.lua"):format(own, kind, name)
    posix.mkdirs(own .. "/" .. kind)
    posix.write_file(path, text .. "\n")
    check.contains("help " .. kind .. " shows it", pages[kind]:gsub("\n  ", "\n"), text)
    local status, out, err = run { "check", path }
    check.equal("check of what help " .. kind .. " shows", status .. out .. err, "0")
    status, out, err = run { "--path", own, "--proc", TREE, unpack(words) }
    check.equal("use of what help " .. kind .. " shows", status .. err, "0")
    check.ok("use of what help " .. kind .. " shows: rows", #program.lines(out) > 1, out)
  end
end

-- Mistakes

refuses("no such topic", { "help", "expresions" },
  { err = "help: there is no help about expresions; did you mean expressions?" })
refuses("no such topic, far from all", { "help", "qqqqqqq" },
  { err = "help: there is no help about qqqqqqq; sockq help lists the topics" })
refuses("two topics", { "help", "expr", "fields" }, { err = { "help: fields: the command takes one name; " } })
refuses("a control byte", { "help", "\27[31m" }, { err = { "help: there is no help about \\x1b[31m; " } })
refuses("a misspelt command", { "lst" }, { err = "lst: neither an expression nor a name; did you mean sockq list?" })
refuses("a misspelt view", { "netsat" },
  { err = "netsat: neither an expression nor a name; did you mean sockq netstat?" })
refuses("a misspelt state", { "LISTN" }, { err = 'EXPR:1:1: unknown name "LISTN"; did you mean LISTEN?' })
refuses("letters without their hyphen", { "antpo" },
  { err = "antpo: neither an expression nor a name; did you mean sockq -antpo?" })
refuses("an option without its hyphens", { "all" },
  { err = "all: neither an expression nor a name; did you mean sockq --all?" })
refuses("a port without its colon", { "3000" },
  { err = "3000: neither an expression nor a name; did you mean sockq :3000?" })
refuses("a program's name", { "sshdx" },
  { err = 'sshdx: neither an expression nor a name; for a program write program == "sshdx"' })
refuses("-g without its argument", { "LISTEN", "-g" },
  { err = "-g: this option needs an argument; give KEY,...: sockq help group" })
refuses("--limit without its argument", { "--limit" },
  { err = "--limit: this option needs an argument; give N: sockq help limit" })
refuses("an empty argument", { "--sort=" }, { err = "--sort: its argument is empty; give KEY,...: sockq help sort" })
refuses("an empty word", { "-c", "" }, { err = "--columns: its argument is empty; give COL,...: sockq help columns" })
refuses("a table that is not there", { "--from", "tpc" }, { err = "--from: there is no table tpc; did you mean tcp?" })
refuses("a long option, misspelt", { "--colums", "pid" }, { err = "--colums: no such option; did you mean --columns?" })
refuses("a long option, abbreviated", { "--grp", "pid" }, { err = "--grp: no such option; did you mean --group?" })
refuses("what ss calls it", { "--processes" }, { err = "--processes: no such option; did you mean --programs?" })
refuses("what is an expression here", { "--port", "80" }, { err = { "--port: no such option; ", "sockq :443" } })
refuses("short for several", { "--ipv" }, { err = "--ipv: short for several options; give one of --ipv4, --ipv6" })
refuses("short for several, a letter of another", { "--a" },
  { err = { "--a: short for several options; give one of ", "--agg" } })

check.finish()
