-- sockq: socket queries. In the program this module is loaded as the global `sockq`; a stock luajit
-- gets it by require "sockq".
--
-- The map of this folder; a file uses only files below it:
--
--   cli.lua             the program's command line
--   repl.lua  repl/     the interactive mode: what a line is, what is shown, completion
--   commands/           its commands, a file each: help, list, show, check, record, diff, …
--   help.lua  help/     help: the page of --help, topics, names; from the registries and doc comments
--   completion.lua      what may come next on a command line, for shells (doc/completions/)
--   mistakes.lua        what a wrong option or word may have meant
--   watch.lua  watch/   --watch, --wait, -q: looks, what changed, the screen, streams
--   script.lua          running a script: its globals, its arguments, what is told of its errors
--   init.lua            the module: sockq.tcp() and its like
--   views/              layouts of whole listings: netstat, ss
--   netstat/            the parts of the netstat view: options, inet, unix, sctp, names
--   ss/                 the parts of the ss view: options, usage, families, states; plan: what is listed;
--                       filter: tokens, parse, hosts, match; lookup, summary;
--                       listing, layout, follow, a file a family, names, bytes
--   view.lua            running a view
--   reports/            questions with their answers
--   report.lua          running a report
--   listing.lua         from the command line's options to a query
--   output.lua          which columns, which format, standard output
--   formats/            sinks for rows: table, records, bars, json, ndjson, csv, tsv, lua, prometheus
--   cells.lua  json.lua  grid.lua  theme.lua  value.lua   what they share
--   args.lua  argument.lua   typed arguments of reports and scripts; their types
--   columns.lua  layout.lua   what a column is; columns of fixed width
--   computed.lua        fields that scripts add
--   query.lua           queries: rows, list, count, first, each, print
--   verbs.lua  chain.lua   where, group, agg, sort, limit, select, distinct, join; what a query is made of
--   pipeline.lua        running a query, with the stages of grouping.lua  sorting.lua  join.lua;
--                       aggregate.lua computes what groups say
--   narrow.lua          what a condition spares the collector; origin.lua: which source a query reads
--   keys.lua            keys and aggregates: from names, expressions, functions
--   record.lua          rows that group, select and join make
--   identity.lua        which row of one look is which of another
--   catalog.lua         the words of expressions
--   expr.lua  expr/     expressions: parse, check, compile; lists; their functions
--   timer.lua  timers/  timer text: netstat, ss, human, explain
--   span.lua            how ss spells a timer
--   plugin.lua          finding, loading and checking plug-ins
--   globals.lua         the global names of scripts and plug-ins
--   sandbox.lua  sandbox/   what they have of Lua and of sockq where privileges were given up
--   ephemeral.lua       local ports that outgoing connections hold
--   giveup.lua          when the kernel gives a connection up
--   recording.lua       recordings: their snapshots, reading one in place of /proc
--   data.lua            files of --data: sockq.data
--   facts.lua           settings and counters of the network: sockq.facts()
--   events.lua          sockets as they are closed
--   set.lua             row sets: collecting, walking
--   shortfall.lua       what they could not read, in words
--   trace.lua  complaint.lua   what is told of an error in a script or plug-in; errors as they are printed
--   row.lua             rows as userdata
--   fields.lua  fields/   the field registry; row: what rows hold, and what sock_diag has besides: tcp, diag,
--                       family, other; info, more: the way to it
--   peer.lua            the other ends of connections
--   suspect.lua         rows that no kernel printed, or may not have
--   owner.lua           owners of sockets
--   cgroup.lua          what a process's cgroup says: its unit, container, pod
--   netns.lua           network namespaces of a row set: names, inodes
--   services.lua        names of ports
--   sctp.lua            SCTP's states, lists of addresses, numbers
--   state.lua  tables.lua  address.lua   names of states, tables, addresses
--   hint.lua  nearest.lua   did you mean …?
--   escape.lua          no control byte reaches a terminal
--   width.lua           how many columns of a terminal a text takes
--   buffer.lua          text on its way out
--   progress.lua        the line that long work shows
--   confinement.lua     what confines sockq here: --version -v, doctor --self
--   schema.lua          the C structs, for the FFI
--   (sockq.core is the C half: src/lua/)

local core = require("sockq.core")
local escape = require("sockq.escape")
local fields = require("sockq.fields")
local hint = require("sockq.hint")
local origin = require("sockq.origin")
local query = require("sockq.query")
local set = require("sockq.set")
local tables = require("sockq.tables")

local sockq = {}

--- The version, "0.1.0".
sockq.version = core.version

--- The field registry: { { name, type, unit, doc, … }, … }.
sockq.fields = fields.list

-- The source that a caller chose.
local function source_of(options, name, level)
  if options == nil then
    return nil
  end
  local wrong = type(options) ~= "table" and ("{ source = … } is expected, not a %s"):format(type(options))
  for key in pairs(wrong and {} or options) do
    wrong = key ~= "source" and ("%s means nothing here; the option is source"):format(tostring(key)) or wrong
  end
  wrong = wrong or options.source ~= nil and origin.wrong(options.source)
  if wrong then
    error(("%s: %s"):format(name, wrong), level + 1)
  end
  return options.source
end

local ALONE = { "tcp", "udp", "udplite", "raw", "icmp", "sctp", "unix", "netlink", "packet", "mptcp", "dccp", "vsock",
  "tipc", "xdp", "inet", "all" }
for _, name in ipairs(ALONE) do
  --- A query over a protocol's sockets, IPv4 and IPv6: sockq.tcp(), udp(), udplite(), raw(), icmp(),
  --- sctp(), unix(), netlink(), packet(), and by sock_diag alone mptcp(), dccp(), vsock(), tipc(), xdp(); inet():
  --- all of the first six; all(): all but those five.
  ---@param options? { source: "auto"|"proc"|"diag" }  where rows are from; without it as --source says. auto: sock_diag
  ---   if a field is named that it alone knows, or if no field is read that /proc knows better
  ---@return sockq.Query  # lazy; nothing is read yet
  --- Example: sockq.tcp{ source = "diag" }:where("rtt > 0.2"):print()
  sockq[name] = function(options)
    return query.new(tables.groups[name], nil, source_of(options, name, 2))
  end
end

--- A query over tables by name: sockq.from("tcp6,unix").
---@param names string  comma list of protocols, or of files below /proc/net; one that this kernel
---   lacks is told, where sockq.udplite() and its like are then silently empty
---@param options? { source: "auto"|"proc"|"diag" }  as for sockq.tcp()
---@return sockq.Query
function sockq.from(names, options)
  local rows, wrong = query.from(tostring(names), source_of(options, "from", 2))
  return rows or error("from: " .. wrong, 2)
end

--- A query over sockets as they are closed, from when its rows are asked for: tcp and udp, with their last
--- tcp_info; the field closed is the time. It has no end of its own: each() ends when its function returns true,
--- limit() after so many. One is followed at a time. What the kernel had to drop is counted and told. Ctrl-C
--- stops the script.
---@param names? string  comma list of tables: tcp, tcp6, udp, udp6; all of them without
---@return sockq.Query
--- Example: for s in sockq.events("tcp"):limit(10):rows() do print(s.closed, s.remote_addr, s.remote_port) end
function sockq.events(names)
  local rows, wrong = query.from(names == nil and "tcp,udp" or tostring(names), "diag")
  if rows then
    rows, wrong = require("sockq.events").of(rows)
  end
  return rows or error("events: " .. wrong, 2)
end

--- A query over rows that are there already: a list of rows, or of plain tables.
---@param list table[]
---@param names? string[]  the fields of plain tables, in order; else all of them by name
---@return sockq.Query
--- Example: sockq.rows({ { host = "a", load = 3 } }):sort("-load"):print()
function sockq.rows(list, names)
  if type(list) ~= "table" then
    error(("rows: a list of rows is expected, not a %s"):format(type(list)), 2)
  elseif names ~= nil and type(names) ~= "table" then
    error(("rows: the names are a list of fields, not a %s"):format(type(names)), 2)
  end
  local made, wrong = query.of_list(list, names)
  return made or error("rows: " .. wrong, 2)
end

--- Add a field that is computed from others; it is used like a built-in one from here on.
---@param given table  name; then either expr, an expression, or get, a function of a row, with type
---   ("string", "number", …) and needs (the fields that it reads); unit, doc and values (the words that
---   it can be) if you like
--- Example: sockq.field{ name = "waiting", expr = "recv_q + send_q", unit = "bytes" }
function sockq.field(given)
  local wrong = require("sockq.computed")(given)
  if wrong then
    error("field: " .. wrong, 2)
  end
end

--- The typed arguments of the script that runs: sockq.args({ { name = "port", type = "port", doc =
--- "…" }, … }) --> { port = 443 }. Types: port, address, cidr, duration (seconds), count, number,
--- string, expression, word (with words = { … }). default, optional and many say what may be left out. The command
--- line gives them in order or as NAME=VALUE; `FILE.lua --help` prints what there are. What is given
--- wrong ends the script with one line and status 2.
---@param spec table[]  doc beside the entries: what the script is for
---@return table<string, any>
function sockq.args(spec)
  -- No tail call: a wrong specification is told at the caller's line.
  local values = require("sockq.script").arguments(spec)
  return values
end

--- Read a captured /proc tree, or the live /proc for nil. Only in a stock luajit: the program
--- takes --proc DIR.
sockq.open = set.open

--- A recording that `sockq record FILE` made, to walk its snapshots. In the program it is that of
--- --read FILE, whose name may be left out.
---@param path? string
---@return sockq.Recording
--- Example: for _, s in ipairs(sockq.recording("F"):snapshots()) do s:open() print(s.time, sockq.tcp():count()) end
function sockq.recording(path)
  -- No tail call: what is wrong with the file is told at the caller's line.
  local opened = require("sockq.recording").open(path)
  return opened
end

--- Read a snapshot of a recording from here on, as sockq.open does a captured tree.
---@param path? string
---@param at? string|integer  its number (-1: the last, and what nil means), "14:05", "2026-11-26T14:05:30", "-90s"
---@return sockq.Snapshot
function sockq.open_recording(path, at)
  local snapshot = require("sockq.recording").open_at(path, at)
  return snapshot
end

--- What /proc says besides sockets: sysctl settings, the counters of snmp, netstat and sockstat, the
--- ports that the kernel chooses from. Read anew at each call; what is absent is nil.
---@return sockq.Facts
function sockq.facts()
  return require("sockq.facts").read()
end

--- Text of other people's processes, made fit for a terminal: control bytes, overrides of direction, what
--- has no width and what is no UTF-8 as \\xNN, a line feed as \\n. Fields give the bytes as they are;
--- print tables escape by themselves.
---@param text string
---@return string
function sockq.escape(text)
  if type(text) ~= "string" then
    error(("escape: a text is expected, not a %s"):format(type(text)), 2)
  end
  return (escape.text(text))
end

--- Messages about what could not be read so far: { "WHERE: WHAT; REMEDY", … }.
sockq.messages = set.messages

--- Files that --data NAME=FILE brings in: sockq.data.NAME is a list of lines; of a file that ends in .csv or
--- .tsv a list of tables, their keys from its first line; of .json its value; of .ndjson or .jsonl a list of
--- values. NAME:csv=FILE says so whatever the file is called; FILE - is standard input.
--- Example: sockq.tcp():join(sockq.data.hosts, "address=remote_addr"):print()
sockq.data = setmetatable({}, {
  __metatable = "sockq.data",
  __index = function(self, name)
    -- Loaded when a script asks for one: most have none.
    return require("sockq.data").member(self, name)
  end,
})

return setmetatable(sockq, {
  __index = function(_, name)
    error(("sockq has no %s; %s"):format(tostring(name), hint.remedy(name, hint.keys(sockq))), 2)
  end,
})
