-- The command line of the program: what src/options.c parsed is run here, and every message and
-- exit status is decided here.
--
-- Exit status: 0 rows were found; 1 none; 2 wrong usage or a script error; 3 the data could not be
-- read whole. Views that stand in for another program use that program's status.

local complaint = require("sockq.complaint")
local core = require("sockq.core")
local listing = require("sockq.listing")
local progress = require("sockq.progress")

local cli = {}

local USAGE, INCOMPLETE = 2, 3

-- In one write: the other process may have something to say as well.
local function complain(err)
  progress.erase()
  io.stderr:write(complaint.text(err))
end

local function fail(err)
  complain(err)
  return complaint.status(err) or USAGE
end

local function load_command(name)
  if core.embedded(("lua/sockq/commands/%s.lua"):format(name)) then
    return require("sockq.commands." .. name)
  end
  return nil
end

-- What is asked for by --help: the page of it, or help about the name that is given.
local function help(line)
  local about = require("sockq.help")
  require("sockq.output").write(line.mode == "name" and about.of_command(line.words[1]) or about.screen())
  return 0
end

local function version(line)
  require("sockq.output").write(("sockq %s\n"):format(core.version))
  if line.given.verbose then
    require("sockq.output").write(require("sockq.confinement").text())
  end
  return 0
end

-- Options by what they are about. A way to run refuses those that mean nothing to it: nothing is
-- ignored in silence.
local CHOOSING = { "tcp", "udp", "raw", "unix", "ipv4", "ipv6", "listening", "from" }
local SHAPING = { "join", "distinct", "group", "agg", "sort", "limit", "columns" }
local FORMAT = { "format", "json", "ndjson", "csv", "tsv", "no-header", "color" }
local LIVE = { "watch", "wait", "quiet", "times", "follow" }

local function refuse(given, groups, more, what)
  local function refuse_one(name)
    if given[name] then
      error(("--%s: %s; leave it out"):format(name, what), 0)
    end
  end
  for _, group in ipairs(groups) do
    for _, name in ipairs(group) do
      refuse_one(name)
    end
  end
  for _, name in ipairs(more) do
    refuse_one(name)
  end
end

-- The sockets that match the words of the command line.
local function matching(line)
  local query, tables = require("sockq.query"), require("sockq.tables")
  local expr = #line.words > 0 and require("sockq.expr")
  local rows = listing.restrict(listing.chosen_tables(line.given) or query.new(tables.default), line.given)
  for i, text in ipairs(line.words) do
    local narrowed, wrong, problem
    local condition, refused = expr.argument(text)
    if condition then
      narrowed, wrong, problem = rows:try_where(condition)
    else
      wrong, problem = expr.explain_error(refused), refused
    end
    if not narrowed then
      local near = i == 1 and require("sockq.mistakes").name(text)
      if near then
        complaint.raise(near)
      end
      complaint.raise(wrong, problem)
    end
    rows = narrowed
  end
  return rows
end

-- --follow: the sockets that match when they are closed; Ctrl-C ends it as an end of the rows would.
local function following(rows, given)
  local events = require("sockq.events")
  refuse(given, {}, { "watch", "wait", "quiet", "every" }, "--follow tells of each socket by itself")
  refuse(given, {}, { "listening" }, "a socket that is closed listens no more")
  if given.source and given.source[#given.source] == "proc" then
    error("--follow: /proc does not tell of sockets that are closed; leave --source proc out", 0)
  end
  local followed, wrong = events.of(rows)
  if not followed then
    error("--follow: " .. wrong, 0)
  end
  events.ends_at_interrupt = true
  return given.times and followed:limit(listing.whole_number("times", given.times)) or followed
end

local function run_query(line)
  local follows = line.given.follow
  local rows = matching(line)
  rows = listing.shape(follows and following(rows, line.given) or rows, line.given)
  local ok, count, wrong, problem = xpcall(require("sockq.output").list, require("sockq.trace").note, rows,
    listing.columns(line.given), "-c", {})
  if not ok and not (follows and not core.timed_out() and core.take_interrupt()) then
    error(count, 0)
  elseif not ok then
    -- Ctrl-C before the first socket could be waited for.
    return 1
  elseif not count then
    complaint.raise(wrong, problem)
  end
  return count > 0 and 0 or 1
end

local function run_name(line)
  local name, given = line.words[1], line.given
  local args = { unpack(line.words, 2) }
  local command = load_command(name)
  if command then
    local accepted = {}
    for _, option in ipairs(command.options or {}) do
      accepted[option] = true
    end
    local refused = {}
    for _, group in ipairs({ CHOOSING, SHAPING, FORMAT, { "timer", "watch", "wait", "times", "every", "follow" } }) do
      for _, option in ipairs(group) do
        refused[#refused + 1] = not accepted[option] and option or nil
      end
    end
    refuse(given, {}, refused, ("the command %s does not take it"):format(name))
    return command.run(args, given)
  end
  refuse(given, { SHAPING }, { "follow" }, ("the columns and rows of %s are its own"):format(name))
  local plugin = require("sockq.plugin")
  if not plugin.find("views", name) and plugin.find("reports", name) then
    return require("sockq.report").run(name, args, given)
  end
  local view = plugin.load("views", name)
  if view and view.run then
    refuse(given, { CHOOSING, FORMAT }, {}, ("the view %s has options of its own behind its name"):format(name))
  end
  return require("sockq.view").run(name, args, listing.chosen_tables(given), function(rows)
    return listing.restrict(rows, given)
  end)
end

-- Scripts may compute before they read sockets.
local function compile()
  local before = require("sockq.set").before_reading
  if before then
    before()
  end
end

local function run_script(line)
  refuse(line.given, { CHOOSING, SHAPING }, {}, "a script chooses its sockets itself")
  refuse(line.given, { LIVE }, {}, "a script looks and prints as it likes")
  compile()
  return require("sockq.script").run(line)
end

local runners = { query = run_query, name = run_name, script = run_script, stdin = run_script, chunk = run_script }

local SHORT_FORMATS = { "json", "ndjson", "csv", "tsv" }

-- The format that -f, --json and their like choose.
local function chosen_format(given)
  local chosen = given.format and given.format[#given.format]
  for _, name in ipairs(SHORT_FORMATS) do
    if given[name] and chosen and chosen ~= name then
      error(("--%s: %s is asked for as well; choose one format"):format(name, chosen), 0)
    end
    chosen = given[name] and name or chosen
  end
  return chosen
end

local COLORS = { auto = true, always = true, never = true }

-- What the options say of output, for all that prints.
local function set_defaults(given)
  local timer, output = require("sockq.timer"), require("sockq.output")
  output.defaults.header = not given["no-header"]
  timer.chosen = given.timer and given.timer[#given.timer]
  if timer.chosen then
    local _, wrong = timer.formatter(timer.chosen)
    if wrong then
      error("--timer " .. wrong, 0)
    end
  end
  output.defaults.format = chosen_format(given) or output.defaults.format
  local _, wrong = require("sockq.plugin").find("formats", output.defaults.format)
  if wrong then
    error("-f " .. wrong, 0)
  end
  local color = given.color and given.color[#given.color]
  if color and not COLORS[color] then
    error(("--color: %s is no choice; %s"):format(color, require("sockq.hint").remedy(color,
      { "always", "auto", "never" })), 0)
  end
  output.defaults.color = color or output.defaults.color
end

-- --read and --at: a snapshot in place of /proc.
local function read_recording(given)
  if not given.read then
    refuse(given, {}, { "at" }, "it chooses a snapshot of a recording, which --read FILE names")
    return
  end
  refuse(given, {}, { "proc", "netns", "source" }, "--read names another place to read from")
  refuse(given, {}, { "watch", "wait" }, "a recording does not change")
  if #given.read > 1 then
    error(("--read: %s is named as well; compare two by sockq diff A B"):format(given.read[1]), 0)
  end
  local at = given.at and given.at[#given.at]
  local snapshot, wrong, damaged = require("sockq.recording").replay(given.read[1], at)
  if not snapshot then
    complaint.raise(("%s %s"):format(at and wrong:find(at, 1, true) == 1 and "--at" or "--read", wrong), nil,
      damaged and INCOMPLETE or nil)
  end
end

-- --netns was looked up before this process began; here is told what is wrong with it.
local function refuse_netns()
  local chosen = core.netns()
  if chosen and chosen.refused and not chosen.by_view then
    local message, is_world = require("sockq.mistakes").netns(chosen)
    complaint.raise(message, nil, is_world and INCOMPLETE or nil)
  end
end

-- --source: where the queries of this run are from.
local function choose_source(line)
  local origin, given = require("sockq.origin"), line.given
  local name = given.source and given.source[#given.source]
  if not name then
    return
  end
  local wrong = origin.wrong(name)
  if wrong then
    error("--source: " .. wrong, 0)
  elseif name == "diag" then
    refuse(given, {}, { "proc" }, "--source diag asks this machine's kernel, which knows no captured tree")
  end
  local word = line.mode == "name" and line.words[1]
  if word and (word == "netstat" or load_command(word) and word ~= "record") then
    refuse(given, {}, { "source" }, word .. " reads what it reads")
  end
  origin.default = name
end

-- An argument of no bytes is a slip of the shell: "$UNSET".
local function refuse_empty(given)
  for name, arguments in pairs(given) do
    if type(arguments) == "table" and arguments[#arguments] == "" and name ~= "execute" then
      error(require("sockq.mistakes").empty(name), 0)
    end
  end
end

-- Whether a file of the user's may run, or a join reads what --data brings in.
local function has_use_for_data(line)
  local given = line.given
  if line.mode == "name" and load_command(line.words[1]) then
    return false
  elseif given.timer or given.format or given.interactive or given.join then
    return true
  elseif line.mode == "name" then
    local plugin, name = require("sockq.plugin"), line.words[1]
    local kind = plugin.find("views", name) and "views" or "reports"
    return not plugin.is_built_in(kind, name)
  end
  return line.mode ~= "query"
end

-- What is wrong with --data ends the run before a script is.
local function refuse_data(line)
  if line.given.data then
    if not has_use_for_data(line) then
      complaint.raise("--data: nothing here reads it; give it to a script, or join it by --join NAME:KEY")
    end
    require("sockq.data").check((line.mode == "stdin" or line.given.interactive) and "the script" or nil)
  end
end

-- The exit status when the work is done: what was lost on the way counts.
local function final_status(status, stands_in)
  local set, timer, output = require("sockq.set"), require("sockq.timer"), require("sockq.output")
  local flushed, err = io.stdout:flush()
  if output.failed or set.lost then
    return INCOMPLETE
  elseif not flushed then
    complain("standard output: " .. err)
    return INCOMPLETE
  elseif timer.failed then
    return USAGE
  elseif set.incomplete and not stands_in and status < USAGE then
    return INCOMPLETE
  end
  return status
end

local execute

-- Call a function with the defaults that some options make; behind it those from before hold again.
local function with_options(given, func)
  local timer, output = require("sockq.timer"), require("sockq.output")
  local before, chosen = {}, timer.chosen
  for key, value in pairs(output.defaults) do
    before[key] = value
  end
  local results = { xpcall(function()
    set_defaults(given)
    return func()
  end, require("sockq.trace").handler) }
  output.defaults, timer.chosen = before, chosen
  if not results[1] then
    error(results[2], 0)
  end
  return unpack(results, 2)
end

-- -i: the lines that are typed are run as command lines are.
local function run_session(line)
  progress.off = true
  compile()
  return require("sockq.repl").run(line, {
    complain = complain,
    with_options = with_options,
    query = function(typed)
      refuse_empty(typed.given)
      return listing.shape(matching(typed), typed.given)
    end,
    run = function(typed, given)
      refuse_empty(typed.given)
      return with_options(given, function()
        return execute(typed)
      end)
    end,
  })
end

-- True if watch.lua runs this command line; --every and --times may be a command's.
local function is_live(line)
  local given = line.given
  if given.follow then
    return false
  elseif given.watch or given.wait or given.quiet then
    return true
  end
  local command = line.mode == "name" and load_command(line.words[1])
  if given.every and not command then
    error("--every: only sockq record takes it; give --watch=S or --wait=S", 0)
  end
  return given.times and not command
end

-- Do what a command line says.
function execute(line)
  local function run()
    return runners[line.mode](line)
  end
  if is_live(line) then
    return require("sockq.watch").run(line, run)
  end
  return run()
end

-- Options that belong to another, or exclude it.
local function refuse_misplaced(line)
  local given = line.given
  require("sockq.set").verbose = given.verbose
  if line.mode ~= "name" or line.words[1] ~= "doctor" then
    refuse(given, {}, { "self" }, "only sockq doctor takes it")
  end
  if given.trust then
    refuse(given, {}, { "sandbox" }, "--trust lifts it")
  end
end

--- Run the command line.
---@param compiles boolean  whether LuaJIT can compile: the compiler is off until there are sockets or scripts, for
---   what runs once does not pay for it
---@return integer status
function cli.main(compiles)
  local line = core.command_line()
  require("sockq.set").before_reading = compiles and jit.on or nil
  if line.bad then
    return fail(require("sockq.mistakes").option(line.bad, line.bad_what))
  end
  local asked = line.given.help and help or line.given.version and version
  require("sockq.set").on_message = complain
  require("sockq.timer").on_error = complain
  local ok, status, stands_in = xpcall(function()
    refuse_misplaced(line)
    if asked then
      return asked(line)
    end
    refuse_empty(line.given)
    refuse_netns()
    refuse_data(line)
    set_defaults(line.given)
    read_recording(line.given)
    choose_source(line)
    return (line.given.interactive and run_session or execute)(line)
  end, core.message_handler(require("sockq.trace").handler))
  progress.erase()
  if not ok then
    local is_script = line.mode ~= "query" and line.mode ~= "name"
    if core.interrupted() and not core.timed_out() and not is_script then
      return USAGE
    end
    status = fail(status)
  end
  status = final_status(status, stands_in)
  local late = core.timed_out()
  if late and status < USAGE then
    -- A script may have caught it.
    status = fail(late)
  end
  return status
end

return cli
