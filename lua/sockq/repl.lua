-- The interactive mode, sockq -i: lines are read with an editor on a terminal, as they are elsewhere;
-- repl/classify.lua says what each is. Ctrl-C ends what runs, not the session.

local classify = require("sockq.repl.classify")
local complaint = require("sockq.complaint")
local core = require("sockq.core")
local globals = require("sockq.globals")
local listing = require("sockq.listing")
local names = require("sockq.repl.names")
local output = require("sockq.output")
local show = require("sockq.repl.show")
local trace = require("sockq.trace")

local PROMPT, CONTINUED = "sockq> ", "   ... "

local repl = {}

-- Lines of a terminal, with an editor: read() gives a line, or nil and "end" or "interrupted".
local function edited(editor, complain)
  local is_kept, wrong, path = require("sockq.editor").kept()
  if not is_kept then
    complain(("%s: %s; what is typed is not kept"):format(path, wrong))
  end
  local complete = require("sockq.repl.complete")
  return {
    is_terminal = true,
    read = function(prompt)
      io.stdout:flush()
      return editor:read(prompt, complete)
    end,
    add = function(line)
      local kept, why = editor:add(line)
      if not kept then
        complain(("history: %s; what is typed from here on is not kept"):format(why))
      end
    end,
  }
end

-- Lines of anything else. A terminal that cannot be edited on gets the prompt all the same.
local function plain()
  local is_terminal = core.terminal_size(0) ~= nil and core.terminal_size(1) ~= nil
  return {
    is_terminal = is_terminal,
    read = function(prompt)
      if is_terminal then
        output.write(prompt)
      end
      io.stdout:flush()
      local line = io.stdin:read("*l")
      if not line then
        if is_terminal then
          output.write("\n")
        end
        return nil, core.interrupted() and "interrupted" or "end"
      end
      return line
    end,
    add = function() end,
  }
end

local Session = {}
Session.__index = Session

function Session:fail(err)
  self.failed = true
  io.stdout:flush()
  self.host.complain(err)
end

-- Options of which one takes the place of the others.
local INSTEAD = { tcp = "which", udp = "which", raw = "which", unix = "which", from = "which", ipv4 = "family",
  ipv6 = "family", format = "format", json = "format", ndjson = "format", csv = "format", tsv = "format" }

-- The session's options under those of a line.
local function merge(session, given)
  local merged, instead = {}, {}
  for name in pairs(given) do
    instead[INSTEAD[name] or name] = true
  end
  for name, value in pairs(session) do
    merged[name] = not instead[INSTEAD[name] or name] and value or nil
  end
  for name, value in pairs(given) do
    merged[name] = value
  end
  return merged
end

-- Options of a line that need more than the rows that fit the screen.
local WHOLE = { "watch", "wait", "quiet", "times" }

-- What was decided when the session began, and what it does not do.
local FIXED = { "proc", "netns", "read", "at", "path", "interactive", "execute", "sandbox", "trust", "self", "verbose",
  "timeout", "max-memory", "data" }

local function check(line)
  if line.bad then
    complaint.raise(require("sockq.mistakes").option(line.bad, line.bad_what))
  end
  for _, name in ipairs(FIXED) do
    if line.given[name] then
      complaint.raise(("--%s: it is for the start of the session; leave it out here"):format(name))
    end
  end
end

function Session:query(typed)
  local line = typed.line
  check(line)
  local given = merge(self.given, line.given)
  for _, name in ipairs(WHOLE) do
    if given[name] then
      self.host.run({ mode = "query", given = given, words = line.words }, given)
      return
    end
  end
  self.host.with_options(given, function()
    local rows = self.host.query({ mode = "query", given = given, words = line.words })
    globals.define("_", rows)
    local count, wrong, problem = show.rows(rows, listing.columns(given))
    if not count then
      complaint.raise(wrong, problem)
    end
  end)
end

-- The session's choice of sockets is also that of reports.
local CHOOSING = { "tcp", "udp", "raw", "unix", "ipv4", "ipv6", "listening", "from" }

function Session:name(typed)
  local line, chosen = typed.line, {}
  check(line)
  if names.kind_of(line.words[1]) == "report" then
    for _, name in ipairs(CHOOSING) do
      chosen[name] = self.given[name]
    end
  end
  local options = merge(self.given, line.given)
  line.given = merge(chosen, line.given)
  self.host.run(line, options)
end

local function run_lua(_, line)
  local results = { n = 0 }
  line.chunk(function(...)
    results = { n = select("#", ...), ... }
  end)
  -- How many rows print() printed, one sees.
  if results.n == 1 and type(results[1]) == "number" and line.text:find(":print%s*[%({\"'].*$") then
    return
  end
  local query = show.values(results.n, results)
  if query then
    globals.define("_", query)
  end
end

local OVERVIEW = [[
A line is one of
  LISTEN and recv_q > 0             an expression over fields: the sockets that match
  CLOSE_WAIT :443 -g program        expressions, and options of the command line
  netstat -tan                      a report, a view or a command with its arguments
  sockq.tcp():group("state")        a query: its first rows and their count
  x = 5    = 2^10    for ... do     Lua; = prints values; locals end with their line, globals stay
_ is the last query: _:print() prints all of it, _:sort("-recv_q") asks further.

?NAME explains a field, state, verb, function, report, view, timer, format: ?expires ?group ?drain
?help lists topics.  ?fields  ?states  ?verbs  ?reports  ?timers  ?formats  ?options
Tab completes, Ctrl-R searches back, Ctrl-C ends what runs or drops the line, Ctrl-D or quit leaves.
]]

-- What ? asks for.
local function help_text(subject)
  local help, words = require("sockq.help"), require("sockq.help.words")
  if subject == "" then
    return OVERVIEW
  elseif subject == "help" then
    return help.overview()
  end
  local text, wrong = help.about(subject)
  if text then
    return text
  elseif words.of(subject) then
    return show.in_columns(words.names(subject), (core.terminal_size(1)) or 80) .. "\n"
  end
  return nil, (wrong:gsub("sockq help lists", "?help lists"))
end

local actions = {
  help = function(_, line)
    local text, wrong = help_text(line.subject)
    if not text then
      complaint.raise(("?%s: %s"):format(line.subject, wrong))
    end
    output.write(text)
  end,
  value = function(_, line)
    show.values(1, { line.value })
  end,
  wrong = function(_, line)
    complaint.raise(line.message, line.problem)
  end,
  query = Session.query,
  name = Session.name,
  lua = run_lua,
}

-- What an interrupted query had open is given back now, not when memory is short.
local function clean_up()
  collectgarbage()
  collectgarbage()
end

-- Do what a line says; an error ends the line.
function Session:act(line)
  local ok, interrupted, err = core.session_call(trace.handler, actions[line.kind], self, line)
  if interrupted then
    clean_up()
    self:fail("interrupted")
  elseif not ok then
    self:fail(err)
  end
end

-- Read until a line is whole. nil at the end.
function Session:whole_line()
  local text = ""
  while true do
    local typed, why = self.lines.read(text == "" and PROMPT or CONTINUED)
    if typed then
      if typed:find("%S") then
        self.lines.add(typed)
      end
      text = text == "" and typed or text .. "\n" .. typed
      local line = classify(text, names.kind_of)
      if line.kind ~= "more" then
        return line
      end
    elseif why == "interrupted" then
      core.take_interrupt()
      return { kind = "nothing" }
    elseif text ~= "" then
      local line = classify(text, names.kind_of)
      return { kind = "wrong", message = line.message }
    else
      return nil
    end
  end
end

function Session:loop()
  while true do
    local line = self:whole_line()
    if not line or line.kind == "quit" then
      return
    elseif line.kind ~= "nothing" then
      self:act(line)
    end
  end
end

local REFUSED = { watch = true, wait = true, times = true, every = true, quiet = true }

--- Options that mean something to a line, not to a session.
---@return string|nil  # the first of them
local function refused(given)
  for _, option in ipairs(core.options()) do
    if REFUSED[option.name] and given[option.name] then
      return option.name
    end
  end
  return nil
end

local WHERE = { name = "type %s there", script = 'dofile(%q) there runs it', stdin = "type its lines there",
  chunk = "type it there" }

--- Ask for lines until there are no more.
---@param line table  core.command_line(); its words are the first query, its options those of each
---@param host { complain: fun(err: any), run: fun(line: table, given: table): integer,
---   query: fun(line: table): sockq.Query, with_options: fun(given: table, func: function) }  what
---   cli.lua does with a command line
---@return integer status     # 2 if a line that came from no terminal failed
---@return boolean stands_in  # true on a terminal: what could not be read whole was told there
function repl.run(line, host)
  if line.mode ~= "query" then
    complaint.raise(("-i: a session asks for its lines itself; start sockq -i alone, and %s"):format(
      WHERE[line.mode]:format(table.concat(line.words, " "))))
  end
  local option = refused(line.given)
  if option then
    complaint.raise(("--%s: it belongs to a line of the session; leave it out here"):format(option))
  end
  globals.define_sockq()
  trace.chunks["=session"] = true
  local editor = require("sockq.editor").open()
  local session = setmetatable({ given = line.given, host = host, failed = false,
    lines = editor and edited(editor, host.complain) or plain() }, Session)
  if session.lines.is_terminal then
    output.write(("sockq %s: an expression lists sockets, ? helps, Ctrl-D leaves\n"):format(core.version))
  end
  if #line.words > 0 then
    session:act({ kind = "query", line = { given = {}, words = line.words } })
  end
  -- An interrupt between two lines ends nothing.
  local ok, err
  repeat
    ok, err = xpcall(session.loop, trace.handler, session)
    local interrupted = not ok and core.take_interrupt()
    if interrupted and session.lines.is_terminal then
      output.write("\n")
    end
  until not interrupted
  if editor then
    editor:close()
  end
  if not ok then
    error(err, 0)
  end
  local is_terminal = session.lines.is_terminal
  return session.failed and not is_terminal and 2 or 0, is_terminal
end

return repl
