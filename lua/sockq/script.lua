-- Scripts: FILE.lua, standard input and -e. Their globals are strict (globals.lua), their arguments
-- typed where they say so (args.lua), and what an error tells of them stands in trace.lua.

local complaint = require("sockq.complaint")
local core = require("sockq.core")
local globals = require("sockq.globals")
local plugin = require("sockq.plugin")
local progress = require("sockq.progress")
local sandbox = require("sockq.sandbox")

local script = {}

-- The text of the script that the command line names, and the name of its chunk.
local function source_of(line)
  if line.mode == "chunk" then
    return table.concat(line.given.execute, "\n"), "=-e"
  elseif line.mode == "stdin" then
    return io.stdin:read("*a") or "", "=stdin"
  end
  for _, text in ipairs(core.texts()) do
    if text.kind == "script" then
      if not text.source then
        error(("%s: %s; give the name of a Lua file"):format(text.path, text.error), 0)
      end
      return text.source, "@" .. text.path
    end
  end
  error("no script is given; give the name of a Lua file", 0)
end

--- Compile a script. A first line "#!…" is the kernel's; the count of lines stays true.
---@param source string
---@param name string  of the chunk, as for load()
---@return function|nil chunk, string|nil message
function script.compile(source, name)
  return plugin.compile((source:gsub("^#[^\n]*", "")), name)
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

--- Run the script of the command line; an error in it is raised as it is.
---@param line table  core.command_line()
---@return integer status
function script.run(line)
  local source, name = source_of(line)
  local chunk, wrong = script.compile(source, name)
  if not chunk then
    error(wrong, 0)
  end
  if not sandbox.is_on then
    set_search_path(line)
  end
  local first = line.mode == "chunk" and 1 or 2
  local given = { [0] = line.mode == "chunk" and "-e" or line.words[1], unpack(line.words, first) }
  globals.define("arg", given)
  globals.define_sockq()
  progress.is_scripted = true
  chunk(unpack(given))
  return 0
end

local HELP = { ["--help"] = true, ["-h"] = true, help = true }

local function print_help(list, place)
  local args = require("sockq.args")
  local usage, help = args.usage(list), args.help(list)
  local doc = list.doc and list.doc .. "\n" or ""
  local text = ("%ssockq %s%s\n%s"):format(doc, place, usage ~= "" and " " .. usage or "",
    help ~= "" and "\n" .. help or "")
  require("sockq.output").write(require("sockq.escape").lines(text))
end

--- The arguments of the script that runs, of the global arg. `FILE.lua --help` prints what there are
--- and ends the script.
---@param list table[]  a specification (args.lua)
---@return table values  # by name; what was given wrong ends the script with one line and status 2
function script.arguments(list)
  -- Loaded when a script has arguments: most have none.
  local args = require("sockq.args")
  local wrong = args.check(list)
  if wrong then
    error(wrong, 3)
  end
  local given = rawget(globals.table(), "arg") or {}
  local place = tostring(given[0] or "script")
  if #given == 1 and HELP[given[1]] then
    print_help(list, place)
    os.exit(0)
  end
  local values, problem
  values, wrong, problem = args.parse(list, given, place)
  if not values then
    complaint.raise(wrong, problem)
  end
  return values
end

return script
