-- Plug-ins: one Lua file a plug-in, returning one table; found by name, first in the folders of
-- the plug-in path, then among the built-in ones.

local core = require("sockq.core")
local globals = require("sockq.globals")
local hint = require("sockq.hint")
local progress = require("sockq.progress")
local sandbox = require("sockq.sandbox")

local plugin = {}

--- The keys of a plug-in of each kind: { type, whether it must be there, meaning, words = all that it may be }.
plugin.contracts = {
  timers = {
    doc = { "string", true, "a line for lists" },
    format = { "function", true, "format(row) gives the text of a row, which is lent for the call" },
  },
  views = {
    doc = { "string", true, "a line for lists" },
    columns = { "table", false, "the columns, as query:print() takes them" },
    from = { "string", false, "the tables, as sockq.from() takes them" },
    where = { "string or function", false, "which rows: an expression, or a function of a row" },
    run = { "function", false, "run(args) does everything itself, in place of columns; it returns the exit status" },
  },
  formats = {
    doc = { "string", true, "a line for lists" },
    layout = { "string", false, "which columns it likes: \"table\", made for people, or \"fields\", a field a column",
      words = { "fields", "table" } },
    people = { "boolean", false, "true if it has layout \"fields\" and is read by people all the same" },
    open = { "function", true, "open(columns, options, write) gives { row = function(row), finish = function() }" },
  },
  reports = {
    help = { "string", true, "the question, in a line" },
    doc = { "string", false, "more about it" },
    args = { "table", false, "typed arguments, as sockq.args() takes them" },
    run = { "function", true, "run(args, report) asks, and tells by the methods of report" },
  },
}

local files
local function found()
  if not files then
    files = core.texts()
  end
  return files
end

local function built_in(kind, name)
  return core.embedded(("lua/sockq/%s/%s.lua"):format(kind, name))
end

--- Every plug-in of a kind: { { name, path, built_in }, … }, sorted by name; where a name is there
--- several times, the one that is used.
function plugin.list(kind)
  local list, seen = {}, {}
  for _, file in ipairs(found()) do
    if file.kind == kind and not seen[file.name] then
      seen[file.name] = true
      list[#list + 1] = { name = file.name, path = file.path, built_in = false }
    end
  end
  for _, path in ipairs(core.embedded_names()) do
    local name = path:match("^lua/sockq/" .. kind .. "/([^/]+)%.lua$")
    if name and not seen[name] then
      seen[name] = true
      list[#list + 1] = { name = name, path = path, built_in = true }
    end
  end
  table.sort(list, function(a, b)
    return a.name < b.name
  end)
  return list
end

local function unknown(kind, name)
  local names = {}
  for _, entry in ipairs(plugin.list(kind)) do
    names[#names + 1] = entry.name
  end
  return ("%s: there is no such %s; %s"):format(name, (kind:gsub("s$", "")), hint.remedy(name, names))
end

--- Whether there is a plug-in of a name; else nil and what to say.
---@return boolean|nil, string|nil message
function plugin.find(kind, name)
  for _, file in ipairs(found()) do
    if file.kind == kind and file.name == name then
      return true
    end
  end
  if built_in(kind, name) then
    return true
  end
  return nil, unknown(kind, name)
end

--- The source text of a plug-in and the path it is named by.
---@return string|nil source, string path_or_message
function plugin.source(kind, name)
  for _, file in ipairs(found()) do
    if file.kind == kind and file.name == name then
      if not file.source then
        return nil, ("%s: %s"):format(file.path, file.error)
      end
      return file.source, file.path
    end
  end
  local source = built_in(kind, name)
  if not source then
    return nil, unknown(kind, name)
  end
  return source, ("lua/sockq/%s/%s.lua"):format(kind, name)
end

--- What is wrong with what a plug-in's file returned, nil if nothing is.
---@param kind string
---@param path string  what to call the file
---@param value any
---@return string|nil message
function plugin.check(kind, path, value)
  if type(value) ~= "table" then
    return ("%s: the file returned a %s; a table is expected"):format(path, type(value))
  end
  local contract = plugin.contracts[kind]
  local names = hint.keys(contract)
  for _, key in ipairs(names) do
    local expected, required = contract[key][1], contract[key][2]
    local got = type(value[key])
    if (got == "nil" and required) or (got ~= "nil" and not expected:find(got, 1, true)) then
      return ("%s: key %q is a %s; a %s is expected"):format(path, key, got, expected)
    end
    local words = contract[key].words
    if words and value[key] ~= nil and not (" " .. table.concat(words, " ") .. " "):find(" " .. value[key] .. " ", 1, true) then
      return ("%s: key %q is %q; %s"):format(path, key, value[key], hint.remedy(value[key], words))
    end
  end
  for key in pairs(value) do
    if type(key) ~= "string" or (not contract[key]) then
      return ("%s: key %q means nothing in a file of %s; %s"):format(path, tostring(key), kind,
        hint.remedy(key, names))
    end
  end
  local wrong = value.args and require("sockq.args").check(value.args)
  return wrong and ("%s: %s"):format(path, wrong)
end

--- Compile Lua text of a script or plug-in. Reading a global that nobody defined will be an error.
---@param source string
---@param name string  "@PATH", or "=WORD", as for load()
---@param apart? boolean  a plug-in's: in the sandbox its globals are its own
---@return function|nil chunk, string|nil message  # which names the place
function plugin.compile(source, name, apart)
  local refused = core.refuses_lua()
  if refused then
    return nil, ("%s: %s"):format(name:sub(2), refused)
  end
  local chunk, err = load(source, name, "t")
  if not chunk and not err:find("^.-:%d+: ") then
    -- Of compiled Lua, which LuaJIT refuses without saying where it stands.
    err = ("%s: %s; give Lua source text"):format(name:sub(2), err)
  end
  return chunk and globals.strict(chunk, apart), err
end

--- What a plug-in raised, in words that name its file.
---@param path string
---@param err any
---@return string
function plugin.error_text(path, err)
  if type(err) ~= "string" then
    err = ("it raised a %s as its error"):format(type(err))
  end
  return err:find("^.-:%d+: ") and err or ("%s: %s"):format(path, err)
end

--- Whether the plug-in that goes by a name is a built-in one.
function plugin.is_built_in(kind, name)
  for _, file in ipairs(found()) do
    if file.kind == kind and file.name == name then
      return false
    end
  end
  return built_in(kind, name) ~= nil
end

--- Run a plug-in's chunk, and nothing else of it, and check what it returns.
---@param kind string
---@param source string
---@param path string
---@return table|nil plugin, string|nil message  # which names the file
function plugin.evaluate(kind, source, path)
  -- What is built in is the engine's own: it keeps the engine's globals.
  local built = core.compiled(path, source)
  local chunk, err = built, nil
  if not built then
    chunk, err = plugin.compile(source, "@" .. path, true)
  end
  if not chunk then
    return nil, err
  end
  local ok, value = pcall(chunk)
  if not ok then
    return nil, plugin.error_text(path, value)
  end
  local wrong = plugin.check(kind, path, value)
  if wrong then
    return nil, wrong
  end
  return built and value or sandbox.adopt(kind, value)
end

local loaded = {}

--- Load a plug-in.
---@param kind string  timers, views, formats, reports
---@param name string
---@return table|nil plugin, string path_or_message
function plugin.load(kind, name)
  local key = kind .. "/" .. name
  if loaded[key] then
    return loaded[key].value, loaded[key].path
  end
  local source, path = plugin.source(kind, name)
  if not source then
    return nil, path
  end
  local value, wrong = plugin.evaluate(kind, source, path)
  if not value then
    return nil, wrong
  end
  loaded[key] = { value = value, path = path }
  -- It may print whenever it is called.
  progress.is_scripted = progress.is_scripted or not plugin.is_built_in(kind, name)
  return value, path
end

return plugin
