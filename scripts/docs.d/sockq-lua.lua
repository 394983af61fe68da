-- Makes doc/sockq-lua.3: scripts/docs runs this.
local functions = require "sockq.help.functions"
local mdoc = require "mdoc"
local plugin = require "sockq.plugin"
local plugins = require "sockq.help.plugins"

local function all_of(kind)
  local blocks = {}
  for _, one in ipairs(functions.of(kind)) do
    for _, block in ipairs(functions.blocks(one)) do blocks[#blocks + 1] = block end
  end
  return blocks
end

local function contracts()
  local blocks = {
    { text = "A plug-in is a Lua file that returns a table. It is found by name in the folders `timers`, `views`, "
      .. "`formats` and `reports` below those of `--path`, those of `SOCKQ_PATH`, the user's folder "
      .. "`~/.config/sockq` and `/etc/sockq`, then among the built-in ones." },
    { code = "sockq list KIND\nsockq show KIND NAME\nsockq check FILE" },
  }
  for kind in pairs(plugin.contracts) do
    table.insert(blocks, { head = kind })
  end
  table.sort(blocks, function(a, b) return (a.head or "") < (b.head or "") end)
  return blocks
end

local sections = {
  { "SYNOPSIS", {
    { code = "sockq FILE.lua [ARGS]\nsockq -e CHUNK [ARGS]\nlocal sockq = require \"sockq\"" },
  } },
  { "DESCRIPTION", {
    { text = "Scripts run on LuaJIT, with the global `sockq`; in a stock luajit `require` gives the same. A query "
      .. "stands for sockets; its verbs give new queries, and nothing is read before a verb asks for rows." },
    { code = 'for s in sockq.tcp():where("CLOSE_WAIT"):rows() do\n  print(s.local_port, s.program)\nend\n'
      .. 'sockq.tcp():group("program"):agg("count, max(recv_q)"):sort("-count"):limit(10):print()' },
    { text = "A mistake of the caller is an error, at the line of the call; what the world does wrong is no error: it "
      .. "is told on standard error, stands in `sockq.messages`, and makes the exit status 3. A script that raises "
      .. "ends with status 2." },
  } },
  { "THE MODULE", all_of "module" },
  { "QUERIES", all_of "query" },
  { "ROWS", all_of "row" },
  { "REPORTS", all_of "report" },
}

table.insert(sections[5][2], 1, { text = "A row's fields are read as `row.state`; one that does not exist is an error, one "
  .. "that is not known is nil. The rows that functions get are lent for the call." })
table.insert(sections[6][2], 1, { text = "The function `run` of a report gets its arguments and an object with these methods." })

local section = { "PLUG-INS", {} }
for _, block in ipairs(contracts()) do
  table.insert(section[2], block)
  if block.head then
    table.insert(section[2], plugins.contract(block.head))
    table.insert(section[2], { code = plugins.EXAMPLES[block.head] })
  end
  if block.head == "formats" then table.insert(section[2], { text = plugins.FORMAT }) end
end
sections[#sections + 1] = section
sections[#sections + 1] = { "THE SANDBOX", {
  { text = "Started with privileges, or with --sandbox, sockq gives scripts, plug-ins and sessions a Lua without files, "
    .. "processes, environment, modules, bytecode and the inside of Lua; --trust lifts it. There is what this page says, "
    .. "`arg`, and of Lua's libraries:" },
  { code = "assert error getmetatable ipairs load loadstring next pairs pcall print rawequal\nrawget rawset require select "
    .. "setmetatable tonumber tostring type unpack xpcall\nstring, without dump; table, math, bit, coroutine\n"
    .. "collectgarbage: \"collect\" and \"count\"\nos: clock date difftime exit time\n"
    .. "io: read write lines flush type, stdin stdout stderr\ndebug: traceback" },
  { text = "What is missing is a function that says why. `load` takes text alone. `require` finds sockq, these libraries "
    .. "and sockq.ephemeral, escape, giveup, hint, services, state and value. Each file has globals of its own, and what "
    .. "it changes in a library is its own; methods of strings are always Lua's." },
  { text = "A file comes in by --data NAME=FILE, as `sockq.data`. --timeout S stops a script wherever it is, and "
    .. "--max-memory N before it has more memory; the message names the line, and the exit status is 2. Garbage is "
    .. "collected before memory is refused." },
} }

io.write(mdoc.page({
  title = "sockq-lua", number = 3, line = "sockets in Lua: queries, rows, plug-ins",
  from = "the doc comments of the sources", also = { "sockq 1", "sockq-expr 7" },
}, sections))
