-- The words that sockq knows, by kind, each with a line of meaning: what help explains and what a
-- shell completes. All of them come from the registries.

local core = require("sockq.core")

local words = {}

-- The files of a folder that are embedded: lua/sockq/FOLDER/NAME.lua.
local function embedded(folder)
  local names = {}
  for _, path in ipairs(core.embedded_names()) do
    names[#names + 1] = path:match("^lua/sockq/" .. folder .. "/([^/]+)%.lua$")
  end
  table.sort(names)
  return names
end

local function plugins(kind)
  return function()
    local plugin, list = require("sockq.plugin"), {}
    for _, entry in ipairs(plugin.list(kind)) do
      local loaded, wrong = plugin.load(kind, entry.name)
      list[#list + 1] = { entry.name, loaded and (loaded.help or loaded.doc) or "cannot be loaded: " .. wrong,
        built_in = entry.built_in }
    end
    return list
  end
end

-- Entries with name and doc as pairs.
local function of_entries(entries)
  local list = {}
  for i, entry in ipairs(entries) do
    list[i] = { entry.name, entry.doc }
  end
  return list
end

local kinds = {}

function kinds.commands()
  local list = {}
  for i, name in ipairs(embedded("commands")) do
    list[i] = { name, require("sockq.commands." .. name).doc }
  end
  return list
end

kinds.views, kinds.reports = plugins("views"), plugins("reports")
kinds.formats, kinds.timers = plugins("formats"), plugins("timers")

function kinds.options()
  local list = {}
  for _, option in ipairs(core.options()) do
    list[#list + 1] = { "--" .. option.name, option.help, option = option }
  end
  return list
end

function kinds.fields()
  return of_entries(require("sockq.fields").list)
end

function kinds.states()
  local state, list = require("sockq.state"), {}
  for i, name in ipairs(state.names) do
    list[i] = { name, state.docs[name] }
  end
  return list
end

function kinds.protocols()
  local list = {}
  for _, word in ipairs(require("sockq.hint").keys(require("sockq.catalog").bare.proto)) do
    list[#list + 1] = { word, "its sockets" }
  end
  return list
end

function kinds.helpers()
  return of_entries(require("sockq.expr.helpers").list)
end

function kinds.constants()
  return of_entries(require("sockq.catalog").constants)
end

function kinds.aggregates()
  return of_entries(require("sockq.expr.aggregates").list)
end

-- The tables that --from names: groups of them, then the files that have another name.
function kinds.tables()
  local tables, list = require("sockq.tables"), {}
  for _, name in ipairs(require("sockq.hint").keys(tables.named())) do
    local files = {}
    for _, number in ipairs(tables.named()[name]) do
      files[#files + 1] = tables.list[number].file
    end
    list[#list + 1] = { name, files[1] and "/proc/net/" .. table.concat(files, ", ") or "sock_diag alone" }
  end
  return list
end

function kinds.verbs()
  local functions, list = require("sockq.help.functions"), {}
  for i, verb in ipairs(functions.of("query")) do
    list[i] = { verb.name, functions.summary(verb) }
  end
  return list
end

function kinds.topics()
  return require("sockq.help.topics").list()
end

--- The kinds of plug-ins, which `sockq list` takes; each is a topic as well.
function kinds.kinds()
  local list = {}
  for _, topic in ipairs(kinds.topics()) do
    if require("sockq.plugin").contracts[topic[1]] then
      list[#list + 1] = topic
    end
  end
  return list
end

--- The kinds, sorted.
---@return string[]
function words.kinds()
  return require("sockq.hint").keys(kinds)
end

--- The words of a kind.
---@param kind string
---@return table[]|nil  # { word, meaning }; nil: there is no such kind
function words.of(kind)
  return kinds[kind] and kinds[kind]()
end

--- Their names alone.
---@param kind string
---@return string[]
function words.names(kind)
  local names = {}
  for i, word in ipairs(kinds[kind]()) do
    names[i] = word[1]
  end
  return names
end

--- The names of what is embedded in a folder of lua/sockq, without loading any of it.
words.embedded = embedded

return words
