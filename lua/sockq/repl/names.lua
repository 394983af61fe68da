-- The names that a session knows: what a first word names, and lists for completion.

local chain = require("sockq.chain")
local core = require("sockq.core")
local fields = require("sockq.fields")
local plugin = require("sockq.plugin")
local words = require("sockq.help.words")

local names = {}

-- Without loading any of them.
local function of_plugins(kind)
  return function()
    local list = {}
    for _, entry in ipairs(plugin.list(kind)) do
      list[#list + 1] = entry.name
    end
    return list
  end
end

local function verbs()
  require("sockq.query")
  local list = {}
  for name, value in pairs(chain.metatable) do
    list[#list + 1] = type(value) == "function" and not name:find("^__") and not name:find("^try_") and name or nil
  end
  return list
end

local function functions()
  local list = {}
  for name, value in pairs(require("sockq")) do
    list[#list + 1] = type(value) == "function" and name or nil
  end
  return list
end

local function globals()
  local list = {}
  for name in pairs(require("sockq.globals").table()) do
    list[#list + 1] = type(name) == "string" and name:find("^[%a_][%w_]*$") and name or nil
  end
  return list
end

local OWN = {
  reports = of_plugins("reports"), views = of_plugins("views"), timers = of_plugins("timers"),
  formats = of_plugins("formats"), fields = fields.names, verbs = verbs, functions = functions, globals = globals,
  commands = function() return words.embedded("commands") end,
  operators = function() return { "and", "or", "not", "nil" } end,
  leaving = function() return { "quit", "exit" } end,
  aggregates = require("sockq.expr.aggregates").names,
}

--- The names of a kind: one of help/words.lua, or functions (of sockq), globals, operators, leaving.
---@param kind string
---@return string[]
function names.of(kind)
  return (OWN[kind] or words.names)(kind)
end

--- What the first word of a line names: "view", "report" or "command"; nil if nothing of it.
---@param word string
---@return string?
function names.kind_of(word)
  if not word:find("^[%l%d_-]+$") then
    return nil
  elseif core.embedded(("lua/sockq/commands/%s.lua"):format(word)) then
    return "command"
  end
  return plugin.find("views", word) and "view" or plugin.find("reports", word) and "report" or nil
end

return names
