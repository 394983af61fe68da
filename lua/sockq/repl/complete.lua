-- The Tab key: which words can stand at the cursor.
--
-- The text before the cursor decides: behind ? any name, behind sockq. its functions, behind a colon
-- verbs, within a text constant what the verb around it takes, behind an option what that takes; else the
-- words of expressions, and at the start of a line also reports, views and commands.

local core = require("sockq.core")
local fields = require("sockq.fields")
local globals = require("sockq.globals")
local names = require("sockq.repl.names")
local plugin = require("sockq.plugin")
local show = require("sockq.repl.show")

local MOST = 200

-- Kinds whose words are followed by their arguments.
local CALLED = { verbs = true, functions = true, helpers = true, aggregates = true }

local VALUES = { "fields", "helpers", "constants" }
local CONDITION = { "fields", "helpers", "constants", "states", "protocols", "operators" }
local AGGREGATES = { "aggregates", "fields", "helpers" }

-- What help explains.
local HELP = { "topics", "fields", "states", "protocols", "verbs", "functions", "helpers", "aggregates", "constants",
  "reports", "views", "commands", "timers", "formats", "tables" }

-- What the text constant behind a verb or key takes.
local WITHIN = {
  where = CONDITION, group = VALUES, sort = VALUES, select = VALUES, distinct = VALUES, join = VALUES,
  needs = { "fields" }, agg = AGGREGATES, from = { "tables" }, count = {},
  format = { "formats" }, timer = { "timers" }, columns = VALUES,
}

-- What an option's argument takes.
local BEHIND = {
  ["-g"] = VALUES, ["--group"] = VALUES, ["-s"] = VALUES, ["--sort"] = VALUES, ["-c"] = VALUES, ["--columns"] = VALUES,
  ["-A"] = AGGREGATES, ["--agg"] = AGGREGATES, ["-f"] = { "formats" }, ["--format"] = { "formats" },
  ["--timer"] = { "timers" }, ["--from"] = { "tables" }, ["-L"] = {}, ["--limit"] = {}, ["--distinct"] = VALUES,
}

-- The quote that is open at the end of a text, and what stands before it; nil if none is.
local function open_quote(text)
  local quote, from
  local at = 1
  while at <= #text do
    local char = text:sub(at, at)
    if quote and char == "\\" then
      at = at + 1
    elseif char == quote then
      quote = nil
    elseif not quote and (char == '"' or char == "'") then
      quote, from = char, at
    end
    at = at + 1
  end
  return quote and text:sub(1, from - 1)
end

-- The words that the field left of a comparison can be.
local function compared(before)
  local name = before:match("([%a_][%w_]*)%s*[=~]=%s*$")
  local field = name and fields.by_name[name]
  return field and field.values
end

-- Within a text constant; the verb or key that it belongs to stands before it.
local function in_quotes(before, text)
  local values = compared(before)
  if values then
    return { list = values }
  end
  local owner = before:match("([%a_]+)%s*[%({]?%s*$") or before:match("([%a_]+)%s*=%s*$")
  -- A comparison within an expression within a text.
  local inner = text:match("[\"']([^\"']*)$")
  local nested = inner and inner:match("^(.*[=~]=%s*)[%w_]*$")
  local wanted = nested and compared(nested)
  if wanted then
    return { list = wanted }
  end
  return { kinds = WITHIN[owner] or CONDITION }
end

-- Behind an option or the name of a command.
local function in_words(text)
  local option = text:match("%s(%-%-?%a+)[ =]+[^%s]*$") or text:match("^(%-%-?%a+)[ =]+[^%s]*$")
  if option and BEHIND[option] then
    return { kinds = BEHIND[option] }
  elseif text:find("%f[%S]%-%-[%w-]*$") then
    return { kinds = { "options" } }
  end
  local first, rest = text:match("^([%l%d_-]+)%s+(.*)$")
  local kind = first and names.kind_of(first)
  if not kind then
    return nil
  elseif first == "list" then
    return { kinds = { "kinds" } }
  elseif first == "show" then
    local of = rest:match("^(%l+)%s")
    of = of and of:gsub("s$", "") .. "s"
    return { kinds = plugin.contracts[of] and { of } or { "kinds" } }
  elseif first == "help" then
    return { kinds = HELP }
  end
  return { kinds = kind == "report" and CONDITION or {} }
end

-- What can stand at the end of a text: { kinds } of names.lua, or { list } of words.
local function context(text)
  if text:find("^%s*%?") then
    return { kinds = HELP }
  elseif text:find("[%w_%)%]]:%a*$") then
    -- Of a call or a global; the rest are addresses.
    local global = text:match("([%a_][%w_]*):%a*$")
    return { kinds = (not global or global == "_" or rawget(globals.table(), global) ~= nil) and { "verbs" } or {} }
  elseif text:find("%f[%w_]sockq%.[%w_]*$") then
    return { kinds = { "functions" } }
  end
  local before = open_quote(text)
  if before then
    return in_quotes(before, text)
  end
  local behind = in_words(text)
  if behind then
    return behind
  end
  local kinds = { unpack(CONDITION) }
  if text:find("%f[%w_][%w_]+$") then
    kinds[#kinds + 1] = "globals"
  end
  for _, kind in ipairs(text:find("^%s*[%w_]*$") and { "reports", "views", "commands", "leaving" } or {}) do
    kinds[#kinds + 1] = kind
  end
  return { kinds = kinds }
end

-- Upper-case words, states, in any case; others as they are.
local function begins(name, word)
  if name:sub(1, #word) == word then
    return true
  end
  return name:upper() == name and name:sub(1, #word) == word:upper() and word ~= ""
end

local function candidates(found, word)
  local list, seen = {}, {}
  local function add(name, text)
    if begins(name, word) and not seen[text] then
      seen[text] = true
      list[#list + 1] = text
    end
  end
  for _, name in ipairs(found.list or {}) do
    add(name, name)
  end
  for _, kind in ipairs(found.kinds or {}) do
    for _, name in ipairs(names.of(kind)) do
      add(name, CALLED[kind] and name .. "(" or name)
    end
  end
  table.sort(list)
  return list
end

-- What all of them begin with.
local function common_start(list)
  local start = list[1]
  for i = 2, #list do
    local length = 0
    while length < #start and list[i]:byte(length + 1) == start:byte(length + 1) do
      length = length + 1
    end
    start = start:sub(1, length)
  end
  return start
end

local function listing(list)
  local shown = { unpack(list, 1, MOST) }
  local text = show.in_columns(shown, (core.terminal_size(1)) or 80)
  return #list > MOST and ("%s\n… and %d more"):format(text, #list - MOST) or text
end

--- Complete the word before the cursor.
---@param text string     the line
---@param cursor integer  bytes of it before the cursor
---@return integer|nil delete, string|nil insert, string|nil list  # as editor:read wants them
local function complete(text, cursor)
  local before = text:sub(1, cursor)
  local found = context(before)
  local word = before:match("%-%-[%w-]*$") or before:match("[%w_]*$")
  local list = candidates(found, word)
  if #list == 0 then
    return nil
  end
  local start = common_start(list)
  local listed = #list > 1 and #start <= #word and (listing(list):gsub("\n", "\r\n")) or nil
  if #start < #word or start == word then
    return nil, nil, listed
  end
  return #word, start, listed
end

return complete
