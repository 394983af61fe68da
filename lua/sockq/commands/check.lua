-- sockq check FILE...: load scripts and plug-ins without running them.
--
-- A script is compiled, and what it reads of globals, of sockq and of Lua's libraries must exist. A file
-- in a folder timers, views, formats or reports is a plug-in: its chunk is run, as `sockq list` does,
-- and what it returns must keep the contract of its kind; none of its functions is called. Of a view the
-- tables, the expression and the columns are checked as well.

local core = require("sockq.core")
local escape = require("sockq.escape")
local globals = require("sockq.globals")
local plugin = require("sockq.plugin")
local script = require("sockq.script")

local function kind_of(path)
  local folder = path:match("([^/]+)/[^/]+$")
  return folder and plugin.contracts[folder] and folder or nil
end

-- What is wrong with what a view names.
local function check_view(loaded, path)
  if loaded.from then
    local rows, wrong = require("sockq.query").from(loaded.from)
    if not rows then
      return ("%s: from: %s"):format(path, wrong)
    end
  end
  if type(loaded.where) == "string" then
    local condition, wrong = require("sockq.keys").condition(loaded.where, require("sockq.fields"))
    if not condition then
      return ("%s: where: %s"):format(path, wrong)
    end
  end
  if loaded.columns then
    local _, wrong = require("sockq.columns").resolve(loaded.columns, path, require("sockq.timer").DEFAULT)
    return wrong
  end
  return not loaded.run and ("%s: the view has neither columns nor run"):format(path) or nil
end

-- What is wrong with a text, a message each.
local function problems(path, source)
  local chunk, wrong = script.compile(source, "@" .. path)
  if not chunk then
    return { wrong }
  end
  local list = {}
  for _, found in ipairs(globals.misspelt(chunk)) do
    list[#list + 1] = ("%s:%d: %s"):format(path, found.line, found.message)
  end
  local kind = #list == 0 and kind_of(path)
  if kind then
    local loaded, broken = plugin.evaluate(kind, source, path)
    if loaded and kind == "views" then
      broken = check_view(loaded, path)
    end
    list[1] = broken
  end
  return list
end

-- The file's text, as it was read with the caller's rights.
local function read(path)
  for _, text in ipairs(core.texts()) do
    if text.kind == "script" and text.path == path then
      return text.source, text.error
    end
  end
  return nil, "it was not read"
end

return {
  usage = "check FILE...",
  doc = "load scripts and plug-ins without running them",
  run = function(paths)
    if #paths == 0 then
      error("check: a file is missing; give the names of scripts or plug-ins", 0)
    end
    -- What a script's text may name, also where this run is in the sandbox.
    rawset(_G, "arg", {})
    rawset(_G, "sockq", require("sockq"))
    local status = 0
    for _, path in ipairs(paths) do
      local source, refused = read(path)
      local list = source and problems(path, source)
        or { ("%s: %s; give the name of a Lua file"):format(path, refused) }
      for _, message in ipairs(list) do
        status = 2
        io.stderr:write("sockq: " .. escape.text(message) .. "\n")
      end
    end
    return status
  end,
}
