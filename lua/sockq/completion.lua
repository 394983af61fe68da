-- What may come next on a command line: the candidates for its last word, for the shells' completion.
-- A shell's part is a few lines (doc/completions/); what there is comes from the registries, the user's
-- plug-ins too.

local core = require("sockq.core")
local words = require("sockq.help.words")

local completion = {}

--- What the argument of each option is: a kind of sockq.help.words, or a name of `makers` below.
completion.ARGUMENTS = {
  from = "tables", format = "formats", timer = "timers", color = "when", join = "join", distinct = "keys",
  group = "keys", agg = "aggregates", sort = "order", columns = "keys", proc = "folders", netns = "namespaces",
  source = "sources", read = "files",
  path = "folders", limit = "nothing", at = "nothing", times = "nothing", every = "nothing", watch = "nothing",
  wait = "nothing", execute = "nothing", data = "files", timeout = "nothing", ["max-memory"] = "nothing",
}

--- What the words behind each command are, the last for all further ones.
completion.WORDS = {
  check = { "files" }, completion = { "shells" }, diff = { "files" }, fields = { "nothing" }, help = { "names", "nothing" },
  list = { "kinds", "nothing" }, record = { "files", "expression" }, show = { "kinds", "plugins", "nothing" },
  snapshots = { "files" },
}

-- What completes: adds candidates { word, meaning } to list; at has the last word and those before.
local makers = {}

local function add(list, candidates, prefix)
  for _, candidate in ipairs(candidates) do
    list[#list + 1] = { (prefix or "") .. candidate[1], candidate[2] }
  end
end

-- A list, or an expression: only its last word is completed. What stands before it, and the byte there.
local function last_word(text)
  local before = text:match("^(.*[^%w_])") or ""
  return before, before:sub(-1)
end

function makers.nothing() end

function makers.sources(list)
  add(list, { { "auto", "what knows more of what is asked" }, { "diag", "sock_diag" }, { "proc", "the text of /proc" } })
end

function makers.files(list)
  list.directive = "files"
end

function makers.folders(list)
  list.directive = "folders"
end

function makers.when(list)
  add(list, { { "auto", "on a terminal" }, { "always" }, { "never" } })
end

function makers.shells(list)
  add(list, { { "bash" }, { "zsh" }, { "fish" }, { "words", "what comes next" } })
end

function makers.tables(list, at)
  add(list, words.of("tables"), at.word:match("^(.*,)"))
end

function makers.namespaces(list, at)
  local before = at.word:match("^(.*,)")
  add(list, { { "all", "each that there is" } }, before)
  for _, name in ipairs(core.netns_names()) do
    add(list, { { name } }, before)
  end
end

-- Short forms too, once a letter says that they are wanted.
local function add_fields(list, prefix, at)
  add(list, words.of("fields"), prefix)
  for _, field in ipairs(at.word ~= prefix and require("sockq.fields").list or {}) do
    for _, name in ipairs(field.alias or {}) do
      add(list, { { name, field.doc } }, prefix)
    end
  end
end

local function add_helpers(list, prefix)
  for _, helper in ipairs(words.of("helpers")) do
    add(list, { { helper[1] .. "(", helper[2] } }, prefix)
  end
end

-- Fields, and functions of them.
function makers.keys(list, at)
  local before = last_word(at.word)
  add_fields(list, before, at)
  add_helpers(list, before)
end

function makers.order(list, at)
  makers.keys(list, at)
  for _, option in ipairs({ "group", "agg" }) do
    for key in (at.given[option] or ""):gmatch("[^,]+") do
      add(list, { { key:match("^%s*([%w_]+)%s*=") or key, "of --" .. option } }, (last_word(at.word)))
    end
  end
  if at.given.group and not at.given.agg then
    add(list, { { "count", "sockets of the group" } }, (last_word(at.word)))
  end
end

function makers.aggregates(list, at)
  local before, byte = last_word(at.word)
  if byte == "(" then
    return makers.keys(list, at)
  end
  local names = require("sockq.expr.aggregates")
  for _, name in ipairs(names.names()) do
    local entry = names.find(name)
    add(list, { { name .. (entry.min > 0 and "(" or ""), entry.doc } }, before)
  end
end

function makers.join(list, at)
  if at.word:find(":") then
    return makers.keys(list, at)
  end
  for _, entry in ipairs(words.of("tables")) do
    add(list, { { entry[1] .. ":", entry[2] } })
  end
end

function makers.expression(list, at)
  local before, byte = last_word(at.word)
  if byte == ":" or byte == "." or byte == "/" then
    return
  end
  local quoted = before:match("([%w_]+)%s*[=~]=%s*[\"']$")
  local field = quoted and require("sockq.fields").by_name[quoted]
  if field then
    for _, value in ipairs(field.values or {}) do
      add(list, { { value } }, before)
    end
    return
  end
  add(list, words.of("states"), before)
  add(list, words.of("protocols"), before)
  add_fields(list, before, at)
  if before ~= "" then
    add_helpers(list, before)
  end
end

function makers.names(list)
  add(list, words.of("topics"))
  local seen = {}
  for _, candidate in ipairs(list) do
    seen[candidate[1]] = true
  end
  for _, name in ipairs(require("sockq.help.names").all()) do
    if not seen[name] and name:find("^[%w]") then
      seen[name] = true
      list[#list + 1] = { name }
    end
  end
end

-- The names of the kind that the word before says.
function makers.plugins(list, at)
  local kind = at.words[#at.words]:gsub("s$", "") .. "s"
  if require("sockq.plugin").contracts[kind] then
    add(list, words.of(kind))
  end
end

-- The arguments of a report that its words give: by NAME=, else in their order.
local function given_of(specs, given_words)
  local given = {}
  for i = 2, #given_words do
    local name = given_words[i]:match("^([%w_-]+)=")
    for _, spec in ipairs(name and {} or specs) do
      if not given[spec.name] then
        name = spec.name
        break
      end
    end
    given[name or ""] = true
  end
  return given
end

-- What a report's next argument may be: the words of the first that is missing, or any by its name.
local function report_words(list, at, specs)
  local given, is_next = given_of(specs, at.words), true
  local prefix, name = at.word:match("^(([%w_-]+)=)")
  for _, spec in ipairs(specs) do
    local missing = not given[spec.name] or spec.many
    if name == spec.name or (not name and missing and is_next) then
      for _, word in ipairs(spec.words or {}) do
        add(list, { { word, spec.doc } }, prefix)
      end
    end
    if not name and missing then
      is_next = false
      add(list, { { spec.name .. "=", spec.doc } })
    end
  end
end

local function first_word(list, at)
  list.directive = not at.word:find("[^%w_./~-]") and "lua" or nil
  if at.word:find("/", 1, true) then
    return
  end
  for _, kind in ipairs({ "reports", "views", "commands" }) do
    add(list, words.of(kind))
  end
  makers.expression(list, at)
end

-- What stands behind a word of these is its own.
local function takes_rest(name)
  local plugin = require("sockq.plugin")
  return name:find("%.lua$") or name:find("/", 1, true) or (plugin.find("views", name) and not completion.WORDS[name])
end

-- A word that is no option, nor the argument of one.
local function plain_word(list, at)
  local name = at.words[1]
  if not name then
    return first_word(list, at)
  elseif completion.WORDS[name] then
    local kinds = completion.WORDS[name]
    return completion.add(list, kinds[math.min(#at.words, #kinds)], at)
  end
  local plugin = require("sockq.plugin")
  if plugin.find("reports", name) then
    local loaded = plugin.load("reports", name)
    return loaded and report_words(list, at, loaded.args or {})
  end
  local view = plugin.find("views", name) and plugin.load("views", name)
  if view and view.run then
    return
  elseif not view and at.closed and takes_rest(name) then
    list.directive = "files"
    return
  end
  makers.expression(list, at)
end

--- Add the candidates of a kind.
---@param list table[]
---@param kind string
---@param at table
function completion.add(list, kind, at)
  if makers[kind] then
    makers[kind](list, at)
  else
    add(list, words.of(kind))
  end
end

local function option_of(name)
  for _, option in ipairs(core.options()) do
    if option.name == name or option.letter == name then
      return option
    end
  end
  return nil
end

-- Which option's argument comes behind a word: "-f", "--format", and "-tf" as well.
local function expects(word)
  local name = word:match("^%-%-([%w-]+)$")
  local option = name and option_of(name)
  if not name and word:find("^%-%w+$") then
    for i = 2, #word do
      option = option_of(word:sub(i, i))
      if option and option.argument then
        return i == #word and option or nil
      end
    end
  end
  return option and option.argument and option.argument:sub(1, 1) ~= "[" and option or nil
end

-- The words before the last one: at.words without options, at.given, and what the last one is.
local function read(before)
  local at = { words = {}, given = {} }
  local option
  for _, word in ipairs(before) do
    local name, value = word:match("^%-%-([%w-]+)=(.*)$")
    if option then
      at.given[option.name], option = word, nil
    elseif at.closed then
      table.insert(at.words, word)
    elseif word == "--" then
      at.closed = true
    elseif name then
      at.given[name] = value
    elseif word:find("^%-.") then
      option = expects(word)
      at.given.execute = at.given.execute or (word == "-e" and "" or nil)
    else
      table.insert(at.words, word)
      at.closed = #at.words == 1 and takes_rest(word)
    end
  end
  at.option = option
  return at
end

local function complete_option(list)
  for _, word in ipairs(words.of("options")) do
    local option = word.option
    list[#list + 1] = { word[1], word[2] }
    if option.letter then
      list[#list + 1] = { "-" .. option.letter, word[2] }
    end
    if option.argument and option.argument:sub(1, 1) == "[" then
      list[#list + 1] = { word[1] .. "=", word[2] }
    end
  end
end

-- Only what begins like the word, each once.
local function matching(list, word)
  local kept, seen = { directive = list.directive, joined = false }, {}
  for _, candidate in ipairs(list) do
    local text = candidate[1]
    if text:sub(1, #word) == word and not seen[text] then
      seen[text] = true
      kept[#kept + 1] = candidate
      kept.joined = kept.joined or text:find("[=(:]$") ~= nil
    end
  end
  return kept
end

--- The candidates for the last of some words.
---@param line string[]  the words behind the program's name; the last may be empty
---@return table[]  # { word, meaning or nil }, whole words; directive: "files", "folders" or "lua" where
---   the shell is to add names of files; joined: true if one of them goes on, so that no blank follows it
function completion.candidates(line)
  local word = line[#line] or ""
  local at = read({ unpack(line, 1, math.max(0, #line - 1)) })
  local list = {}
  local name, value = word:match("^%-%-([%w-]+)=(.*)$")
  local option = at.option or (not at.closed and name and option_of(name))
  at.word = at.option and word or value or word
  if option and option.argument then
    completion.add(list, completion.ARGUMENTS[option.name], at)
    if not at.option then
      for _, candidate in ipairs(list) do
        candidate[1] = ("--%s=%s"):format(name, candidate[1])
      end
    end
  elseif word:find("^%-") and not at.closed then
    complete_option(list)
  elseif at.given.execute then
    list.directive = "files"
  else
    plain_word(list, at)
  end
  return matching(list, word)
end

return completion
