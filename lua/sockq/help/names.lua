-- Help about one name: every thing that goes by it.

local functions = require("sockq.help.functions")
local topics = require("sockq.help.topics")
local words = require("sockq.help.words")

local names = {}

-- The first line says how it is called, the second what it answers.
local function report(name)
  local usage, rest = require("sockq.report").help(name):match("^([^\n]*)\n(.*)$")
  local blocks = require("sockq.help.page").blocks_of(rest)
  table.insert(blocks, 1, { head = usage })
  return blocks
end

local function command(name)
  local loaded = require("sockq.commands." .. name)
  local blocks = { { head = "sockq " .. loaded.usage }, { text = loaded.doc } }
  if loaded.options and #loaded.options > 0 then
    blocks[#blocks + 1] = { text = "It takes --" .. table.concat(loaded.options, ", --") .. "." }
  end
  return blocks
end

-- A plug-in that only its doc line describes.
local function plugin(kind, use)
  return function(name, doc)
    return { { head = ("%s, a %s: %s"):format(name, kind, use:format(name)) }, { text = doc },
      { commands = { { ("sockq show %s %s"):format(kind, name), "its source" } } } }
  end
end

local function field(name)
  local fields = require("sockq.fields")
  local entry = fields.by_name[name]
  local terms = { { "type", entry.unit and ("%s, %s"):format(entry.type, entry.unit) or entry.type } }
  if entry.alias then
    terms[#terms + 1] = { "short", table.concat(entry.alias, ", ") }
  end
  if entry.sources then
    terms[#terms + 1] = { "tables", table.concat(entry.sources, " ") }
  end
  local known = fields.known_by(entry)
  terms[#terms + 1] = { "source", known == "both" and "the text of /proc, and sock_diag" or
    known == "proc" and "the text of /proc alone" or "sock_diag alone" }
  if entry.diag then
    terms[#terms + 1] = { "", ("of %s sock_diag alone"):format(table.concat(entry.diag, " ")) }
  end
  if entry.needs then
    local of_diag = fields.OF_DIAG[entry.needs]
    terms[#terms + 1] = { "reads", of_diag and entry.needs .. ", which sock_diag is asked for only then" or
      entry.needs .. ", which takes a look into every process" }
  end
  if entry.of_owner then
    terms[#terms + 1] = { "-g", "counts a socket once for each different value among its processes" }
  end
  if entry.values then
    terms[#terms + 1] = { "values", table.concat(entry.values, " ") }
  end
  return { { head = ("%s, a field"):format(entry.name) }, { text = entry.doc }, { list = terms } }
end

local function option(_, _, word)
  local one = word.option
  return { { head = ("%s, an option: %s"):format(word[1], one.group) },
    { list = { { (topics.option_form(one):gsub("^%s+", "")), one.help } } } }
end

local function helper(name)
  local entry = require("sockq.expr.helpers").by_name[name]
  return { { head = require("sockq.help.expression").helper_form(entry) .. ", a function of expressions" },
    { text = entry.doc }, { code = ("%s  -->  %s"):format(entry.example[1], tostring(entry.example[2])) } }
end

local function aggregate(name)
  local entry = require("sockq.expr.aggregates").find(name) or require("sockq.expr.aggregates").by_name[name]
  local arguments = #entry.args > 0 and ("(%s)"):format(table.concat(entry.args, ", ")) or ""
  return { { head = ("%s%s, an aggregate of -A"):format(entry.name, arguments) }, { text = entry.doc },
    { commands = { { ("sockq -g program -A '%s'"):format(entry.example) } } } }
end

local function constant(name, doc)
  for _, entry in ipairs(require("sockq.catalog").constants) do
    if entry.name == name then
      return { { head = ("%s, a constant of expressions"):format(name) },
        { text = ("%.0f, %s"):format(entry.value, doc) } }
    end
  end
end

local function noun(what)
  return function(name, doc)
    return { { head = ("%s, %s"):format(name, what) }, { text = doc } }
  end
end

-- The kinds of names, and what gives the blocks of a word. The first few are what a command line names.
local COMMANDS = 3
local finders = {
  { "commands", command },
  { "reports", report },
  { "views", plugin("view", "sockq %s") },
  { "formats", plugin("format", "sockq -f %s") },
  { "timers", plugin("timer", "sockq --timer %s") },
  { "options", option },
  { "fields", field },
  { "states", noun("a state") },
  { "protocols", noun("a protocol") },
  { "helpers", helper },
  { "constants", constant },
  { "aggregates", aggregate },
  { "tables", noun("tables for --from") },
}

-- Words as they may be asked for: an option by its name or letter, a function without its brackets.
local function forms(kind, word)
  local list = { word[1] }
  if kind == "options" then
    list[2] = word.option.name
    list[3] = word.option.letter
    list[4] = word.option.letter and "-" .. word.option.letter
  elseif kind == "fields" then
    for _, alias in ipairs(require("sockq.fields").by_name[word[1]].alias or {}) do
      list[#list + 1] = alias
    end
  end
  return list
end

local function holds(list, name)
  for i = 1, 4 do
    if list[i] == name then
      return true
    end
  end
  return false
end

local function find_words(name, found, last)
  for i = 1, last or #finders do
    local kind, blocks_of = finders[i][1], finders[i][2]
    for _, word in ipairs(words.of(kind)) do
      if holds(forms(kind, word), name) then
        found[#found + 1] = blocks_of(word[1], word[2], word)
      end
    end
  end
end

local function find_functions(kind, name, found)
  for _, one in ipairs(functions.of(kind)) do
    if one.name == name then
      found[#found + 1] = functions.blocks(one)
    end
  end
end

-- "sockq.from", "query:where(predicate)": a function as it is called.
local function find_call(given, found)
  local prefix, name = given:match("^(%a+[.:])([%w_]+)")
  for kind, start in pairs(functions.PREFIX) do
    if start == prefix then
      find_functions(kind, name, found)
    end
  end
end

--- What goes by a name, as a list of blocks for each.
---@param given string
---@return table[][]
function names.find(given)
  local found = {}
  find_call(given, found)
  local name = given:gsub("%(.*%)$", "")
  find_words(name, found)
  local state, aggregates = require("sockq.state"), require("sockq.expr.aggregates")
  if #found == 0 and state.canonical(name) then
    find_words(state.canonical(name), found)
  end
  if #found == 0 and aggregates.find(name) then
    found[1] = aggregate(name)
  end
  for _, kind in ipairs(functions.KINDS) do
    find_functions(kind, name, found)
  end
  return found
end

--- The commands, reports and views of a name.
---@param name string
---@return table[][]
function names.commands(name)
  local found = {}
  find_words(name, found, COMMANDS)
  return found
end

--- Every name that find knows, and the topics.
---@return string[]
function names.all()
  local all = {}
  for _, topic in ipairs(topics.list()) do
    all[#all + 1] = topic[1]
  end
  for alias in pairs(topics.ALIASES) do
    all[#all + 1] = alias
  end
  for _, finder in ipairs(finders) do
    for _, word in ipairs(words.of(finder[1])) do
      for _, form in ipairs(forms(finder[1], word)) do
        all[#all + 1] = #form > 1 and form or nil
      end
    end
  end
  for _, kind in ipairs(functions.KINDS) do
    for _, one in ipairs(functions.of(kind)) do
      all[#all + 1] = one.name
    end
  end
  return all
end

return names
