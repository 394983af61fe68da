-- The command line of the program: what src/options.c parsed is run here, and every message and
-- exit status is decided here.
--
-- Exit status: 0 rows were found; 1 none; 2 wrong usage or a script error; 3 the data could not be
-- read whole. Views that stand in for another program use that program's status.

local core = require("sockq.core")
local escape = require("sockq.escape")

local cli = {}

local USAGE, INCOMPLETE = 2, 3

local function complain(message)
  -- In one write: the other process may have something to say as well.
  io.stderr:write("sockq: " .. escape.text((tostring(message):gsub("%s+$", ""))) .. "\n")
end

local function fail(message)
  complain(message)
  return USAGE
end

local function load_command(name)
  if core.embedded(("lua/sockq/commands/%s.lua"):format(name)) then
    return require("sockq.commands." .. name)
  end
  return nil
end

local function command_names()
  local names = {}
  for _, path in ipairs(core.embedded_names()) do
    names[#names + 1] = path:match("^lua/sockq/commands/([^/]+)%.lua$")
  end
  table.sort(names)
  return names
end

local function help()
  local write = io.stdout
  write:write([[
sockq [OPTIONS] [EXPR...]          sockets that match, as a table
sockq [OPTIONS] NAME [ARGS]        a view: sockq netstat -antpo
sockq [OPTIONS] FILE.lua [ARGS]    a script; - is standard input
sockq [OPTIONS] -e CHUNK [ARGS]    Lua from the command line
]])
  for _, name in ipairs(command_names()) do
    local command = load_command(name)
    write:write(("sockq %-28s %s\n"):format(command.usage, command.doc))
  end
  local group
  for _, option in ipairs(core.options()) do
    if option.group ~= group then
      group = option.group
      write:write("\n", group, "\n")
    end
    write:write(("  %-4s --%-16s %s\n"):format(option.letter and "-" .. option.letter .. "," or "",
      option.name .. (option.argument and " " .. option.argument or ""), option.help))
  end
  write:write([[

EXPR is a Lua expression over fields: state == "TIME_WAIT" and expires < 5
Views: sockq list views. Timers: sockq list timers. Fields: sockq fields.
]])
  return 0
end

local function version()
  io.stdout:write("sockq ", core.version, "\n")
  return 0
end

local function wrong_option(line)
  local names = {}
  for _, option in ipairs(core.options()) do
    names[#names + 1] = "--" .. option.name
  end
  local word = line.bad:sub(1, 2) == "--" and (line.bad:gsub("=.*", "")) or nil
  return fail(("%s: %s; %s"):format(line.bad, line.bad_what,
    require("sockq.hint").remedy(word, names, "sockq --help lists the options")))
end

local CHOICES = { tcp = { "tcp" }, udp = { "udp", "udplite" }, raw = { "raw", "icmp" }, unix = { "unix" } }

-- The tables that -t -u -w -x --from choose, nil if they choose none.
local function chosen_tables(given)
  local query, tables = require("sockq.query"), require("sockq.tables")
  if given.from then
    return require("sockq").from(table.concat(given.from, ","))
  end
  local numbers, groups = {}, {}
  for option, names in pairs(CHOICES) do
    if given[option] then
      local group = tables.join(names)
      groups[#groups + 1] = group
      for _, number in ipairs(group) do
        numbers[#numbers + 1] = number
      end
    end
  end
  return #numbers > 0 and query.new(numbers, groups) or nil
end

-- -l: what a server waits on.
local function is_listening(row)
  local state = row.state
  return state == "LISTEN" or (state == "UNCONN" and row.family ~= "unix")
end

-- What -4 -6 -l leave of some rows.
local function restrict(rows, given)
  if given.ipv4 and not given.ipv6 then
    rows = rows:where('family == "inet"')
  elseif given.ipv6 and not given.ipv4 then
    rows = rows:where('family == "inet6"')
  end
  if given.listening then
    rows = rows:where(is_listening)
  end
  return rows
end

-- A first word that is no expression may be meant as a view or a command.
local function meant_name(word)
  if not word:find("^[%w_-]+$") then
    return nil
  end
  local names = command_names()
  for _, view in ipairs(require("sockq.plugin").list("views")) do
    names[#names + 1] = view.name
  end
  return require("sockq.nearest")(word, names)
end

local function run_query(line)
  local query, tables = require("sockq.query"), require("sockq.tables")
  local rows = restrict(chosen_tables(line.given) or query.new(tables.default), line.given)
  for i, text in ipairs(line.words) do
    local narrowed, wrong = rows:try_where(text)
    if not narrowed then
      local near = i == 1 and meant_name(text)
      error(near and ("%s: neither an expression nor a view; did you mean sockq %s?"):format(text, near) or wrong, 0)
    end
    rows = narrowed
  end
  return rows:print() > 0 and 0 or 1
end

local CHOOSING = { "tcp", "udp", "raw", "unix", "ipv4", "ipv6", "listening", "from" }

-- Options that choose sockets mean nothing to what chooses its own; nothing is ignored in silence.
local function refuse_choices(line, more, what)
  local names = { unpack(CHOOSING) }
  for _, name in ipairs(more) do
    names[#names + 1] = name
  end
  for _, name in ipairs(names) do
    if line.given[name] then
      error(("--%s: %s; leave it out"):format(name, what), 0)
    end
  end
end

local function run_name(line)
  local name = line.words[1]
  local args = { unpack(line.words, 2) }
  local command = load_command(name)
  if command then
    refuse_choices(line, { "timer", "no-header" }, "the command " .. name .. " lists no sockets")
    return command.run(args)
  end
  local view = require("sockq.plugin").load("views", name)
  if view and view.run then
    refuse_choices(line, { "no-header" }, ("the view %s has options of its own behind its name"):format(name))
  end
  return require("sockq.view").run(name, args, chosen_tables(line.given), function(rows)
    return restrict(rows, line.given)
  end)
end

local function script_source(line)
  if line.mode == "chunk" then
    return table.concat(line.given.execute, "\n"), "=-e", nil
  elseif line.mode == "stdin" then
    return io.stdin:read("*a") or "", "=stdin", nil
  end
  for _, text in ipairs(core.texts()) do
    if text.kind == "script" then
      if not text.source then
        return nil, nil, ("%s: %s; give the name of a Lua file"):format(text.path, text.error)
      end
      return text.source, "@" .. text.path, nil
    end
  end
  return nil, nil, "no script"
end

-- One line: where, and what. The place stands in the message already.
local function error_line(err)
  if type(err) ~= "string" then
    local has_text = getmetatable(err) and getmetatable(err).__tostring
    return has_text and tostring(err) or ("a script raised a %s as its error"):format(type(err))
  end
  return err
end

-- require looks beside the script, and never in the current folder by surprise.
local function set_search_path(line)
  local folder = line.mode == "script" and (line.words[1]:match("^(.*)/[^/]*$") or ".") or nil
  for _, key in ipairs({ "path", "cpath" }) do
    local kept = folder and { ("%s/?.%s"):format(folder, key == "path" and "lua" or "so") } or {}
    for entry in package[key]:gmatch("[^;]+") do
      if entry:sub(1, 1) == "/" then
        kept[#kept + 1] = entry
      end
    end
    package[key] = table.concat(kept, ";")
  end
end

local function run_script(line)
  refuse_choices(line, {}, "a script chooses its sockets itself")
  local source, name, wrong = script_source(line)
  if not source then
    return fail(wrong)
  end
  -- A first line "#!…" is the kernel's; the line count stays true.
  source = source:gsub("^#[^\n]*", "")
  local chunk, err = require("sockq.plugin").compile(source, name)
  if not chunk then
    return fail(err)
  end
  set_search_path(line)
  local words = line.words
  local from = line.mode == "chunk" and 1 or 2
  local arg = { [0] = line.mode == "chunk" and "-e" or words[1], unpack(words, from) }
  rawset(_G, "arg", arg)
  rawset(_G, "sockq", require("sockq"))
  local ok
  ok, err = xpcall(function()
    chunk(unpack(arg))
  end, error_line)
  if not ok then
    return fail(err)
  end
  return 0
end

local runners = { query = run_query, name = run_name, script = run_script, stdin = run_script, chunk = run_script }

--- Run the command line.
---@return integer status
function cli.main()
  local line = core.command_line()
  if line.bad then
    return wrong_option(line)
  end
  local asked = line.given.help and help or line.given.version and version
  local set, timer, output = require("sockq.set"), require("sockq.timer"), require("sockq.output")
  set.on_message = complain
  timer.on_error = complain
  output.defaults.header = not line.given["no-header"]
  output.chosen_timer = line.given.timer and line.given.timer[#line.given.timer]
  if output.chosen_timer and not asked then
    local _, wrong = timer.formatter(output.chosen_timer)
    if wrong then
      return fail("--timer " .. wrong)
    end
  end
  local ok, status, stands_in = pcall(asked or runners[line.mode], line)
  if not ok then
    if core.interrupted() then
      return USAGE
    end
    status = fail((error_line(status):gsub("^lua/sockq/cli%.lua:%d+: ", "")))
  end
  local flushed, err = io.stdout:flush()
  if output.failed then
    return INCOMPLETE
  elseif not flushed and not stands_in then
    complain("standard output: " .. err)
    return INCOMPLETE
  end
  if timer.failed then
    return USAGE
  elseif set.incomplete and not stands_in and status < USAGE then
    return INCOMPLETE
  end
  return status
end

return cli
