-- Typed arguments: one specification gives the parser, the messages and the help of a report or a
-- script.
--
--   local args = sockq.args({
--     { name = "port", type = "port", doc = "the server's port" },
--     { name = "top", type = "count", default = 10, doc = "how many to show" },
--   })
--
-- A specification is a list in the order of the command line, an entry an argument: name; type (see
-- argument.lua); doc, a line; default, what it is if not given, as a value or as text of the type;
-- optional = true, nil if not given; many = true, a list that takes all that is left; words, the
-- choices of the type "word"; named = true, given as NAME=VALUE only. Without default, optional and many
-- an argument is required. doc beside the entries says in one line what the whole is for.
--
-- On the command line the arguments stand in that order, and NAME=VALUE gives any of them anywhere.
--
-- Not lua-argparse: its types are Lua functions that know no addresses or durations, its --options
-- would stand between sockq's own, which follow a report's name too, and it writes its own messages
-- and ends the process. One specification here also makes `sockq help NAME`.

local argument = require("sockq.argument")
local hint = require("sockq.hint")

local args = {}

--- The keys of an argument, with their types.
args.keys = { name = "string", type = "string", doc = "string", default = "any", optional = "boolean",
  many = "boolean", named = "boolean", words = "table" }

local types, read, form_of = argument.types, argument.read, argument.form_of

local function check_keys(spec)
  for key, value in pairs(spec) do
    local expected = args.keys[key]
    if not expected then
      return ("%q means nothing here; %s"):format(tostring(key), hint.remedy(key, hint.keys(args.keys)))
    elseif expected ~= "any" and type(value) ~= expected then
      return ("%s is a %s; a %s is expected"):format(key, type(value), expected)
    end
  end
  for _, key in ipairs({ "name", "type", "doc" }) do
    if not spec[key] then
      return ("%s is missing; every argument has name, type and doc"):format(key)
    end
  end
  if not spec.name:find("^%a[%w_-]*$") then
    return ("the name %q is no word; give it letters, digits, _ and -"):format(spec.name)
  elseif not types[spec.type] then
    return ("there is no type %s; %s"):format(spec.type, hint.remedy(spec.type, hint.keys(types)))
  elseif (spec.type == "word") ~= (spec.words ~= nil) then
    return 'words and the type "word" belong together; give both or neither'
  end
  for i = 1, spec.words and math.max(1, #spec.words) or 0 do
    if type(spec.words[i]) ~= "string" then
      return "words is no list of texts; give the choices as { \"one\", \"two\" }"
    end
  end
  return nil
end

local function check_default(spec)
  if spec.default == nil then
    return nil
  elseif spec.optional or spec.many then
    return "default goes with neither optional nor many; leave one out"
  elseif type(spec.default) == "string" then
    local _, wrong = read(spec, spec.default)
    return wrong and "default: " .. wrong
  elseif type(spec.default) ~= types[spec.type].value then
    return ("default is a %s; a %s is expected"):format(type(spec.default), types[spec.type].value)
  end
  return nil
end

local function may_be_left_out(spec)
  return spec.optional or spec.many or spec.default ~= nil
end

--- What is wrong with a specification itself, nil if nothing is.
---@param list table[]
---@return string|nil message
function args.check(list)
  if type(list) ~= "table" then
    return ("args: a list of arguments is expected, not a %s"):format(type(list))
  end
  local seen, open = {}, nil
  for key, value in pairs(list) do
    if key ~= "doc" and (type(key) ~= "number" or key < 1 or key > #list) then
      return ("args: %q means nothing here; give doc and a list of arguments"):format(tostring(key))
    elseif key == "doc" and type(value) ~= "string" then
      return ("args: doc is a %s; a string is expected"):format(type(value))
    end
  end
  for i, spec in ipairs(list) do
    if type(spec) ~= "table" then
      return ("args: argument %d is a %s; a table is expected"):format(i, type(spec))
    end
    local wrong = check_keys(spec) or check_default(spec)
    if not wrong and seen[spec.name] then
      wrong = "there are two of that name; rename one"
    elseif not wrong and open and not spec.named and (open.many or not may_be_left_out(spec)) then
      wrong = ("it stands behind %s, which %s; put it before that"):format(open.name,
        open.many and "takes all that is left" or "may be left out")
    end
    if wrong then
      return ("args: argument %s: %s"):format(type(spec.name) == "string" and spec.name or i, wrong)
    end
    seen[spec.name] = true
    open = may_be_left_out(spec) and not spec.named and spec or open
  end
  return nil
end

local function names_of(list)
  local names = {}
  for i, spec in ipairs(list) do
    names[i] = spec.name
  end
  return names
end

-- Names are shown in the specification's order; nothing is shown of an empty one.
local function remedy_of_name(name, list)
  if #list == 0 then
    return "it takes no arguments"
  end
  return hint.remedy(name, names_of(list), "it takes " .. args.usage(list))
end

-- Which argument a word is for, and the text that is its value.
local function assign(text, list, given)
  local dashes, name, value = text:match("^(%-*)(%a[%w_-]*)=(.*)$")
  if name then
    for _, spec in ipairs(list) do
      if spec.name == name and dashes == "" then
        return spec, value
      elseif spec.name == name then
        return nil, ("%s: arguments have no hyphens in front; give %s=%s"):format(text, name, value)
      end
    end
    return nil, ("there is no argument %s; %s"):format(name, remedy_of_name(name, list))
  end
  for _, spec in ipairs(list) do
    if not spec.named and (given[spec.name] == nil or spec.many) then
      return spec, text
    end
  end
  return nil, ("%s is one argument too many; %s"):format(text, remedy_of_name("", list))
end

local function add(given, spec, text)
  local value, wrong, problem = read(spec, text)
  if value == nil and problem then
    return wrong, problem
  elseif value == nil then
    return ("%s: %s"):format(spec.name, wrong)
  elseif spec.many then
    given[spec.name] = given[spec.name] or {}
    table.insert(given[spec.name], value)
  elseif given[spec.name] ~= nil then
    return ("%s is given twice; leave one out"):format(spec.name)
  else
    given[spec.name] = value
  end
  return nil
end

local function fill(given, list)
  for _, spec in ipairs(list) do
    if given[spec.name] == nil then
      if spec.many then
        given[spec.name] = {}
      elseif spec.default ~= nil then
        local default = spec.default
        given[spec.name] = type(default) == "string" and read(spec, default) or default
      elseif not spec.optional then
        return ("%s is missing; give %s"):format(spec.name, form_of(spec))
      end
    end
  end
  return nil
end

-- A misspelt name reads no nil by surprise.
local function strict(given, list)
  local known = {}
  for _, spec in ipairs(list) do
    known[spec.name] = true
  end
  return setmetatable(given, {
    __index = function(_, name)
      if not known[name] then
        error(("args has no %s; %s"):format(tostring(name), remedy_of_name(name, list)), 2)
      end
    end,
  })
end

--- Parse words by a specification.
---@param list table[]     the specification
---@param words string[]   what was given
---@param place string     what to call them in messages: the report's or script's name
---@return table|nil values  # by name; an optional one that was not given is nil, one of many a list
---@return string|nil message  # "PLACE: NAME: what is wrong; what to do"
---@return table|nil problem  # where in the text of an expression it is wrong; the message has its place
function args.parse(list, words, place)
  local wrong, problem = args.check(list), nil
  local given = {}
  for _, text in ipairs(words) do
    local spec, value
    if not wrong then
      spec, value = assign(text, list, given)
      wrong = not spec and value or nil
    end
    if not wrong then
      wrong, problem = add(given, spec, value)
    end
  end
  wrong = wrong or fill(given, list)
  if wrong then
    return nil, problem and wrong or ("%s: %s"):format(place, wrong), problem
  end
  return strict(given, list)
end

--- The arguments in one line: "PORT [top=COUNT] [PEER...]".
---@param list table[]
---@return string
function args.usage(list)
  local parts = {}
  for i, spec in ipairs(list) do
    local value = spec.words and table.concat(spec.words, "|") or types[spec.type].is:upper()
    if spec.many then
      parts[i] = ("[%s...]"):format(spec.named and spec.name .. "=" .. value or spec.name:upper())
    elseif may_be_left_out(spec) then
      parts[i] = ("[%s=%s]"):format(spec.name, value)
    else
      parts[i] = spec.named and spec.name .. "=" .. value or spec.name:upper()
    end
  end
  return table.concat(parts, " ")
end

local function default_text(spec)
  if spec.default ~= nil then
    return ("; default %s"):format(tostring(spec.default))
  end
  return spec.optional and "; optional" or spec.many and "; any number of them" or ""
end

--- The arguments with types and meaning, a line each, and how values of these types are written; ""
--- if there are none.
---@param list table[]
---@return string
function args.help(list)
  local lines, forms, seen = {}, {}, {}
  local name_width, type_width = 0, 0
  for _, spec in ipairs(list) do
    name_width = math.max(name_width, #spec.name)
    type_width = math.max(type_width, #types[spec.type].is)
  end
  for _, spec in ipairs(list) do
    local kind = types[spec.type]
    local words = spec.words and (" (%s)"):format(table.concat(spec.words, ", ")) or ""
    lines[#lines + 1] = ("  %-" .. name_width .. "s  %-" .. type_width .. "s  %s%s%s\n"):format(spec.name,
      kind.is, spec.doc, words, default_text(spec))
    if not seen[spec.type] and not spec.words then
      seen[spec.type] = true
      forms[#forms + 1] = ("  %-" .. type_width .. "s  %s\n"):format(kind.is, kind.form)
    end
  end
  if #forms > 0 then
    table.insert(forms, 1, "\n")
  end
  return table.concat(lines) .. table.concat(forms)
end

return args
