-- What a line of a session is. In this order: a command of the session (quit, ?help), the lone name of
-- a report, view or command, an expression over fields, such a name with arguments, expressions and
-- options as on the command line, Lua. Of what is none of them the better error is told.

local core = require("sockq.core")
local fields = require("sockq.fields")
local globals = require("sockq.globals")
local helpers = require("sockq.expr.helpers")
local hint = require("sockq.hint")
local keys = require("sockq.keys")
local nearest = require("sockq.nearest")
local plugin = require("sockq.plugin")
local words = require("sockq.repl.words")

local CHUNK = "=session"

local KEYWORDS = { ["local"] = true, ["for"] = true, ["while"] = true, ["repeat"] = true, ["if"] = true,
  ["do"] = true, ["function"] = true, ["return"] = true, ["goto"] = true }

local LEAVING = { quit = true, exit = true, ["quit()"] = true, ["exit()"] = true }

-- Names that expressions know.
local function is_word_of_expressions(name)
  return fields.by_name[name] ~= nil or helpers.by_name[name] ~= nil
end

-- Text constants without their contents, so that nothing in them is taken for syntax.
local function without_strings(text)
  return (text:gsub('\\.', ""):gsub('"[^"\n]*"', '""'):gsub("'[^'\n]*'", "''"))
end

-- NAME = … or NAME, NAME = …
local function is_assignment(bare)
  local left = bare:match("^([%w_%s,]-)=[^=]")
  for name in ((left or "1") .. ","):gmatch("([^,]*),") do
    if not name:find("^%s*[%a_][%w_]*%s*$") then
      return false
    end
  end
  return true
end

--- Whether a text that is no expression is meant as Lua.
---@param text string
---@return boolean
local function looks_like_lua(text)
  local bare = without_strings(text)
  local first = bare:match("^%s*([%a_][%w_]*)")
  if first and KEYWORDS[first] or bare:find("^%s*[{#]") or bare:find("^%s*%-%-") then
    return true
  elseif bare:find("[%w_%)%]]%s*[.:]%s*[%a_]") or bare:find('["\']%s*%)%s*:%s*[%a_]') then
    -- A member or a method: expressions have neither.
    return true
  elseif not first or is_word_of_expressions(first) then
    return false
  end
  return rawget(globals.table(), first) ~= nil or is_assignment(bare)
    or (bare:find("^%s*[%w_]+%s*[%(\"']") ~= nil and not nearest(first, hint.keys(helpers.by_name)))
end

-- A text as a chunk; if it has values, they are given to the function that is the chunk's argument. A
-- plain "return" would call the last function of it in place of the chunk, whose line is then lost.
local function to_lua(text, is_value)
  local chunk, wrong = plugin.compile("return " .. text, CHUNK)
  if chunk then
    chunk = plugin.compile(("return (...)(%s\n)"):format(text), CHUNK)
  elseif not is_value and not wrong:find("near '<eof>'$") then
    chunk, wrong = plugin.compile(text, CHUNK)
  end
  if chunk then
    return { kind = "lua", chunk = chunk, text = text }
  elseif wrong:find("near '<eof>'$") and not wrong:find("unfinished string") then
    return { kind = "more", message = wrong }
  end
  return { kind = "wrong", message = wrong }
end

-- A whole argument of the command line as a condition.
local function condition(text)
  local expr = require("sockq.expr")
  local expression, problem = expr.argument(text)
  if not expression then
    return nil, expr.explain_error(problem), problem
  end
  return keys.condition(expression, fields)
end

-- The conditions of a text: it as a whole, or as words that are and-ed.
local function conditions(text)
  if not text:find("%S") then
    return {}
  end
  local compiled, wrong, problem = condition(text)
  if compiled then
    return { text }, compiled
  end
  local list = words.split(text)
  for _, word in ipairs(list and #list > 1 and list or {}) do
    if not condition(word) then
      list = nil
      break
    end
  end
  if list and #list > 1 then
    return list
  end
  return nil, wrong, problem
end

-- Expressions, and options behind them: cut where what stands before is whole. nil where there is
-- no such place.
local function with_options(text)
  local from = text:find("^%-%-?%a") and 1 or text:find("%s%-%-?%a")
  while from do
    local list = conditions(text:sub(1, from - 1))
    if list then
      local behind, wrong = words.split(text:sub(from))
      if not behind then
        return { kind = "wrong", message = wrong }
      end
      local parsed = core.parse_words(behind)
      for _, word in ipairs(parsed.words) do
        list[#list + 1] = word
      end
      parsed.words = list
      return { kind = "query", line = parsed }
    end
    from = text:find("%s%-%-?%a", from + 1)
  end
  return nil
end

-- A name with what stands behind it.
local function named(text, kind)
  local list, wrong = words.split(text)
  if not list then
    return { kind = "wrong", message = wrong }
  end
  return { kind = "name", line = core.parse_words(list, list[1], kind == "view") }
end

-- A value that reads no row: 60 * MiB, scope("10.1.2.3").
local function constant(text)
  local expr = require("sockq.expr")
  local compiled = expr.compile_value(text, require("sockq.catalog").of(fields))
  if compiled and not next(compiled.fields) then
    return { kind = "value", value = compiled.value(nil) }
  end
  return nil
end

-- What to say of what is nothing.
local function refuse(text, wrong, problem)
  local word = text:match("^([%w_-]+)$") or text:match("^([%l_-]+)%s")
  local meant = word and not is_word_of_expressions(word) and require("sockq.mistakes").name(word)
  if meant then
    return { kind = "wrong", message = (meant:gsub("did you mean sockq ", "did you mean ")) }
  end
  return { kind = "wrong", message = wrong, problem = problem }
end

--- What a line is.
---@param text string
---@param kind_of fun(name: string): string?  "view", "report" or "command", nil if there is none
---@return table  # kind: nothing, quit; help: subject; query, name: line, as core.parse_words gives it;
---   value: value; lua: chunk, text; more: it is not whole, message says how; wrong: message, problem
local function classify(text, kind_of)
  text = text:match("^%s*(.-)%s*$")
  if text == "" then
    return { kind = "nothing" }
  elseif LEAVING[text] then
    return { kind = "quit" }
  elseif text:sub(1, 1) == "?" then
    return { kind = "help", subject = text:match("^%?+%s*(.-)$") }
  elseif text:sub(1, 1) == "=" then
    return to_lua(text:sub(2), true)
  elseif kind_of(text) then
    return named(text, kind_of(text))
  end
  local list, compiled, problem = conditions(text)
  if list then
    local value = compiled and text ~= "true" and not next(compiled.fields) and constant(text)
    return value or { kind = "query", line = { mode = "query", given = {}, words = list } }
  end
  local kind = kind_of(text:match("^([%w_-]+)%s") or "")
  if kind then
    return named(text, kind)
  end
  local found = with_options(text) or (looks_like_lua(text) and to_lua(text)) or constant(text)
  return found or refuse(text, compiled, problem)
end

return classify
