-- What somebody may have meant who gave a wrong option or a word that means nothing: messages
-- "WHERE: WHAT; REMEDY". Loaded when there is such a mistake.

local core = require("sockq.core")
local hint = require("sockq.hint")
local nearest = require("sockq.nearest")

local mistakes = {}

-- What other programs call it, and what it is here.
local ELSEWHERE = {
  colour = "--color", count = "-A count", fields = "--columns", filter = "an expression, as sockq 'recv_q > 0'",
  follow = "--watch", head = "--limit", interval = "--watch=S", listen = "--listening", order = "--sort",
  output = "--format", pid = "an expression, as sockq 'pid == 1'", port = "an expression, as sockq :443",
  process = "--programs", processes = "--programs", program = "--programs", select = "--columns",
  state = "an expression, as sockq LISTEN", top = "--limit", where = "an expression, as sockq 'recv_q > 0'",
  ["group-by"] = "--group", ["order-by"] = "--sort", ["sort-by"] = "--sort",
}

-- The option of a long name, or of a letter.
local function by_name(name)
  for _, option in ipairs(core.options()) do
    if (#name > 1 and option.name or option.letter) == name then
      return option
    end
  end
  return nil
end

local function option_names()
  local names = {}
  for i, option in ipairs(core.options()) do
    names[i] = option.name
  end
  table.sort(names)
  return names
end

-- The long options that a beginning stands for.
local function beginning_with(text)
  local names = {}
  for _, name in ipairs(option_names()) do
    names[#names + 1] = name:sub(1, #text) == text and name or nil
  end
  return names
end

-- The option that a word abbreviates by leaving letters out: "fmt", "grp"; the shortest one.
local function abbreviated(word)
  local pattern = "^" .. word:gsub("%W", "%%%0"):gsub("%%?.", "%0.-")
  local found
  for _, name in ipairs(#word > 1 and option_names() or {}) do
    if name:find(pattern) and (not found or #name < #found) then
      found = name
    end
  end
  return found
end

local function give(option)
  local argument = option.argument:match("^%[(.*)%]$") or option.argument
  return ("give %s: sockq help %s"):format(argument, option.name)
end

--- A wrong option.
---@param bad string   as it was given
---@param what string  what the parser says of it
---@return string message
function mistakes.option(bad, what)
  local name = bad:match("^%-%-([^=]*)") or bad:match("^%-(.)$") or ""
  local is_long = bad:sub(1, 2) == "--"
  local several = is_long and beginning_with(name) or {}
  local option = is_long == (#name > 1) and by_name(name) or (#several == 1 and by_name(several[1])) or nil
  if option and option.argument then
    return ("%s: %s; %s"):format(bad, what, give(option))
  elseif option then
    return ("%s: %s; did you mean --%s?"):format(bad, what, option.name)
  elseif #several > 1 and name ~= "" then
    return ("%s: short for several options; give one of %s"):format(bad, "--" .. table.concat(several, ", --"))
  elseif is_long and ELSEWHERE[name] then
    return ("%s: no such option; did you mean %s?"):format(bad, ELSEWHERE[name])
  end
  local near = is_long and (nearest(name, option_names()) or abbreviated(name))
  return ("%s: no such option; %s"):format(bad, near and ("did you mean --%s?"):format(near)
    or "sockq help options lists them")
end

--- An option whose argument is empty.
---@param name string
---@return string message
function mistakes.empty(name)
  return ("--%s: its argument is empty; %s"):format(name, give(by_name(name)))
end

-- Letters that are options without an argument, as somebody used to netstat types them: "antpo".
local function are_options(word)
  for letter in word:gmatch(".") do
    local option = by_name(letter)
    if not option or not (option.group == "which sockets" or option.group == "output") or option.argument then
      return false
    end
  end
  return #word > 1 and word:find("^%l+$") ~= nil
end

local function names()
  local words = require("sockq.help.words")
  local list = words.embedded("commands")
  for _, kind in ipairs({ "views", "reports" }) do
    for _, entry in ipairs(require("sockq.plugin").list(kind)) do
      list[#list + 1] = entry.name
    end
  end
  return list
end

--- A first word that is neither a name nor an expression, nil where it is likelier a wrong expression.
---@param word string
---@return string|nil message
function mistakes.name(word)
  local near
  if #word > 1 and by_name(word) then
    near = "--" .. word
  elseif are_options(word) then
    near = "-" .. word
  elseif word:find("^%d+$") then
    near = tonumber(word) <= 65535 and ":" .. word or nil
  elseif word:find("^[%l%d_-]+$") then
    near = nearest(word, names())
    if not near and word:find("^%l[%w_-]*$") and not nearest(word, require("sockq.fields").names()) then
      return ("%s: neither an expression nor a name; for a program write program == \"%s\""):format(word, word)
    end
  end
  return near and ("%s: neither an expression nor a name; did you mean sockq %s?"):format(word, near)
end

local NETNS_FORM = "give all, or a PID, name or path, several with commas"

--- What is wrong with a word of --netns.
---@param chosen { refused: string, word: string, error: string }  of core.netns()
---@return string message, boolean is_world  # true if the word is fine, and the machine refuses
function mistakes.netns(chosen)
  local refused, word = chosen.refused, chosen.word
  local function told(what, remedy)
    return ("--netns %s: %s; %s"):format(word, what, remedy)
  end
  if refused == "empty" then
    return "--netns: a namespace is missing; " .. NETNS_FORM, false
  elseif refused == "no process" then
    return told("there is no such process", "give the pid of one that there is"), false
  elseif refused == "no name" then
    return told("there is no such namespace", hint.remedy(word, core.netns_names(), "ip netns list names them")), false
  elseif refused == "not live" then
    return told("a captured tree has no names of namespaces", "give all, or the pid of a process in it"), false
  elseif refused == "other file" then
    return told("no network namespace is mounted there", "give a file such as /run/netns/NAME or /proc/PID/ns/net"), false
  end
  if word:find("^%d+$") and chosen.error == core.strerror(core.ENOENT) then
    return told(("the tree has no %s/ns/net"):format(word), "capture it as well"), false
  end
  local is_missing = chosen.error == core.strerror(core.ENOENT)
  return told(chosen.error, is_missing and NETNS_FORM or "run as root"), not is_missing
end

return mistakes
