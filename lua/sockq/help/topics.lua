-- The topics of `sockq help TOPIC`. Names and their meaning come from the registries; the prose that
-- joins them stands here, and in expression.lua for expressions.

local hint = require("sockq.hint")
local plugin = require("sockq.plugin")
local plugins = require("sockq.help.plugins")
local words = require("sockq.help.words")

local topics = {}

-- One: its line in the list of topics, and a function that gives the blocks of sockq.help.page.
local all, order = {}, {}

local function topic(name, doc, blocks)
  all[name] = { doc = doc, blocks = blocks }
  order[#order + 1] = name
end

--- Other words for topics.
topics.ALIASES = { expression = "expr", expressions = "expr", live = "watch", lua = "scripts", plugins = "scripts",
  script = "scripts", verbs = "scripts", wait = "watch" }

-- The words of a kind as a list.
local function list(kind)
  local terms = {}
  for i, word in ipairs(words.of(kind)) do
    terms[i] = { word[1], word[2] }
  end
  return { list = terms }
end

-- The options of a group as terms and meanings.

local function option_terms(group)
  local terms = {}
  for _, word in ipairs(words.of("options")) do
    local option = word.option
    if option.group == group then
      terms[#terms + 1] = { topics.option_form(option), option.help }
    end
  end
  return { list = terms }
end

--- How an option is given: "-g, --group KEY,...", "--watch[=S]".
---@param option table  of core.options()
---@return string
function topics.option_form(option)
  local argument = option.argument or ""
  local inner = argument:match("^%[(.*)%]$")
  argument = inner and ("[=%s]"):format(inner) or argument ~= "" and " " .. argument or ""
  return ("%s--%s%s"):format(option.letter and "-" .. option.letter .. ", " or "    ", option.name, argument)
end

-- The functions of a kind, in a line each.
local function summaries(kind)
  local functions, terms = require("sockq.help.functions"), {}
  for i, one in ipairs(functions.of(kind)) do
    terms[i] = { one.call, functions.summary(one) }
  end
  return { list = terms }
end

local function join(...)
  local blocks = {}
  for _, part in ipairs({ ... }) do
    for _, block in ipairs(part) do
      blocks[#blocks + 1] = block
    end
  end
  return blocks
end

topic("expr", "expressions: which sockets match", function()
  return require("sockq.help.expression").blocks()
end)

topic("fields", "what a socket's row tells", function()
  local terms = {}
  for _, field in ipairs(require("sockq.fields").list) do
    local kind = field.unit and field.type .. ", " .. field.unit or field.type
    local needs = field.needs and ("; reads %s"):format(field.needs) or ""
    terms[#terms + 1] = { table.concat({ field.name, unpack(field.alias or {}) }, ", "),
      ("%s (%s%s)"):format(field.doc, kind, needs) }
  end
  return {
    { text = "Fields are the words of expressions, keys and columns, and the keys of JSON and CSV. One that a "
      .. "socket's table cannot tell is unknown, never 0. `sockq fields` also tells which tables fill each." },
    { list = terms },
    { text = "What reads info, cc, memory, tos, details, cgroup_paths or filters asks sock_diag for more than the rows, "
      .. "which costs no look into any process." },
    { text = "What reads owners looks into every process, once, and only if one of these fields is asked for. "
      .. "sockq.field{ ... } adds fields of your own: `sockq help field`." },
  }
end)

topic("states", "the states of sockets", function()
  local state, others = require("sockq.state"), {}
  for _, name in ipairs(hint.keys(state.aliases)) do
    others[#others + 1] = ("%s = %s"):format(name, state.aliases[name])
  end
  return {
    { text = "A state's name alone is an expression: `sockq CLOSE_WAIT`." },
    list("states"),
    { text = ("Other spellings: %s. Those with a hyphen are text: `state == \"TIME-WAIT\"`. In text, upper and "
      .. "lower case are equal."):format(table.concat(others, ", ")) },
    { commands = {
      { "sockq -t -g state", "how many are in each" },
      { "sockq 'state ~= \"ESTABLISHED\"' -g state,program" },
    } },
  }
end)

--- What the field `timer` can be.
topics.TIMERS = {
  { "off", "no timer runs" },
  { "on", "data, a connection request or a close will be sent again" },
  { "keepalive", "an idle peer will be asked, or a request or a close given up" },
  { "timewait", "the socket is gone when it fires" },
  { "probe", "the peer's window is closed: it will be asked" },
}

topic("timers", "what a socket waits for, and ways to write it", function()
  return join({
    { text = "The kernel keeps a timer for most TCP sockets. Fields tell of it: `timer`, `expires` (seconds until it "
      .. "fires), `retrans`, `probes`. `timer` is" },
    { list = topics.TIMERS },
    { text = "`--timer NAME` chooses how a listing writes it:" },
    list("timers"),
    { commands = {
      { "sockq --timer explain :22", "what each timer of ssh will do" },
      { "sockq 'timer == \"on\"' -s -retrans", "who does not answer" },
      { "sockq TIME_WAIT -s -expires -L 1", "when the last of them is gone" },
      { "sockq -t ESTAB 'timer == \"off\"'", "idle without keepalive" },
    } },
  }, plugins.own("timers", "netstat"))
end)

topic("formats", "table, JSON, CSV and others", function()
  return join({
    { text = "`-f NAME` chooses a format; --json, --ndjson, --csv and --tsv are short for it." },
    list("formats"),
    { text = "Formats for machines have a field a column, unless -c names columns; numbers are numbers, and what "
      .. "is unknown is null or empty. They work with queries, views of columns, and reports." },
    { commands = {
      { "sockq LISTEN --json | jq -r '.[].local_port'" },
      { "sockq -g state --csv > states.csv" },
      { "sockq --ndjson -c local_addr,local_port,program LISTEN" },
    } },
  }, plugins.own("formats", "tsv"), { { text = plugins.FORMAT } })
end)

topic("reports", "answers to common questions", function()
  return join({
    { text = "`sockq NAME` runs a report; `sockq help NAME` tells its arguments. Options may stand behind them: "
      .. "`-f`, `--json` and their like, `-t -u -w -x -4 -6 -l`, `--proc`, `--read`, `--watch`." },
    list("reports"),
  }, plugins.own("reports", "queues"), { summaries("report") })
end)

topic("views", "whole listings by name", function()
  return join({
    { text = "`sockq NAME` prints a view. What stands behind its name belongs to it: for those that stand in for "
      .. "another program, its options; for others, expressions. sockq's options stand before it." },
    list("views"),
    { commands = { { "sockq netstat -antpo" }, { "sockq --proc /tmp/captured netstat -tln" } } },
  }, plugins.own("views", "netstat"))
end)

topic("aggregates", "what -A computes of a group", function()
  local terms = {}
  for _, entry in ipairs(require("sockq.expr.aggregates").list) do
    local arguments = #entry.args > 0 and ("(%s)"):format(table.concat(entry.args, ", ")) or ""
    terms[#terms + 1] = { entry.name .. arguments, ("%s: `%s`"):format(entry.doc, entry.example) }
  end
  return {
    { text = "`-g KEY` makes a row for each value of a key, with `count`; -A says what else. Without -g the "
      .. "aggregates are of all rows. Unknown values are left out. `NAME=` before one gives its column a name, which "
      .. "-s can use. An argument is a field or an expression." },
    { list = terms },
    { commands = {
      { "sockq -t -g program -A 'count, max(recv_q), unread=sum(recv_q)' -s -unread" },
      { "sockq TIME_WAIT -A 'count, p50(expires), max(expires)'" },
      { "sockq ESTAB -g program -A 'peers=distinct(remote_addr)' -s -peers -L 5" },
    } },
  }
end)

topic("options", "every option", function()
  local blocks, seen = {}, {}
  for _, word in ipairs(words.of("options")) do
    local group = word.option.group
    if not seen[group] then
      seen[group] = true
      blocks[#blocks + 1] = { head = group }
      blocks[#blocks + 1] = option_terms(group)
    end
  end
  blocks[#blocks + 1] = { text = "Options stand anywhere but behind the name of a view or a script, to which what follows "
    .. "belongs. Letters may be joined, as in -tln; long names may be shortened as long as they are unique." }
  return blocks
end)

topic("commands", "what sockq does besides listing", function()
  local terms = {}
  for _, name in ipairs(words.embedded("commands")) do
    local command = require("sockq.commands." .. name)
    terms[#terms + 1] = { "sockq " .. command.usage, command.doc }
  end
  return { { list = terms } }
end)

topic("scripts", "Lua: scripts, plug-ins, the verbs of queries", function()
  return {
    { commands = {
      { "sockq FILE.lua ARGS", "a script; arg[1], ... are its ARGS" },
      { "sockq -e 'print(sockq.tcp():count())'", "from the command line" },
      { "sockq check FILE.lua", "without running it" },
    } },
    { text = "The language is Lua 5.1, as LuaJIT has it. The global `sockq` gives queries:" },
    { code = 'for s in sockq.tcp():where("CLOSE_WAIT"):rows() do\n  print(s.local_port, s.program)\nend\n'
      .. 'sockq.tcp():group("state"):sort("-count"):print()' },
    summaries("module"),
    { head = "Queries" },
    summaries("query"),
    { text = "`sockq help NAME` tells more of each, as of every function here; the manual page is sockq-lua(3)." },
    { head = "Where files are looked for" },
    { text = ("Plug-ins are %s: NAME.lua in a folder of that name, in the folders of --path, those of $SOCKQ_PATH, "
      .. "~/.config/sockq, /etc/sockq, and among the built-in ones. The first one found is used; `sockq list KIND` "
      .. "says which, `sockq show KIND NAME` prints one. require finds files beside the script."):format(
      table.concat(hint.keys(plugin.contracts), ", ")) },
  }
end)

topic("recordings", "sockets of another time", function()
  return {
    { text = "A recording is a file that holds snapshots of every table that was asked for, with owners and times. "
      .. "Wherever sockq reads sockets it reads them from a recording with --read." },
    { commands = {
      { "sockq record FILE", "one snapshot more" },
      { "sockq record FILE --every 5 --times 12", "a minute of them" },
      { "sockq --read FILE CLOSE_WAIT -g program", "ask the last one" },
      { "sockq --read FILE --at 14:05 netstat -antpo", "as it was then" },
      { "sockq snapshots FILE", "what it holds" },
      { "sockq diff FILE", "what opened, closed, changed" },
      { "sockq diff A B", "from one recording to another" },
    } },
    option_terms("from where"),
    { text = "--at takes a snapshot's number (1 the first, -1 the last), a time (14:05, 2026-11-26T14:05:30) or an age "
      .. "before the last one (-90s, -5m); of times, the newest snapshot by then. `FILE@TIME` is short for it. A recording whose "
      .. "end is missing is read up to its last whole snapshot, with exit status 3. --proc reads a copy of /proc: "
      .. "a folder with net/tcp and its like, and for owners PID/fd." },
  }
end)

topic("watch", "look again and again, wait, answer by status", function()
  return {
    option_terms("live"),
    { text = "On a terminal --watch repaints in place: new, gone and changed rows are marked, and q or Ctrl-C ends. In "
      .. "a pipe each look is a block that begins with its time; with -f ndjson each open, close and change is a "
      .. "line. Connections that open and close between two looks are not seen, but counted." },
    { commands = {
      { "sockq --watch=1 TIME_WAIT -g remote_addr", "again every second" },
      { "sockq --watch --ndjson LISTEN", "events of listeners" },
      { "sockq -q LISTEN :8080", "status 0: it is up, 1: it is not" },
      { "sockq --wait --times 30 -q LISTEN :8080", "give it half a minute" },
    } },
    { text = "Exit status: 0 rows were found, 1 none, 2 wrong usage, 3 the data could not be read whole." },
  }
end)

--- The topics in their order: { name, line }.
---@return table[]
function topics.list()
  local names = {}
  for i, name in ipairs(order) do
    names[i] = { name, all[name].doc }
  end
  return names
end

--- The blocks of a topic, nil if there is none of the name.
---@param name string
---@return table[]|nil
function topics.blocks(name)
  local found = all[name] or all[topics.ALIASES[name]]
  return found and found.blocks()
end

return topics
