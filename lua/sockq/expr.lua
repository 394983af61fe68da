--- Expressions: Lua syntax over field names, compiled once into one Lua function of a row.
--
--   local compiled, problem = expr.compile("CLOSE_WAIT and recv_q > 0", catalog)
--   if not compiled then error(expr.explain_error(problem), 0) end
--   if compiled.predicate(row) then … end
--
-- The catalog says which names there are:
--   fields      name = { name =, type =, values =, canonical = }; an alias is a second key with the
--               same entry. `name` is the key in the row. `type` is "string", "number", "integer",
--               "boolean", or a name of your own for values that expressions only pass on.
--               canonical(text) gives the field's spelling of a word, nil for one it cannot have;
--               `values` are the keys of the words that a message may propose, or explain(text,
--               name) says what is wrong with a word. comparison(field, "==" or "~=", word) may
--               give a function of a socket row that compares faster than by its text
--   predicates  word = expression (or its tree), what the bare word means
--   helpers     name = { call =, min =, max =, types =, returns =, check =, specialize = }; types[i]
--               is that of argument i ("any" for all), the last one counts for those that follow.
--               `call` never sees nil and may return it for unknown. check(i, constant) may return
--               what is wrong with an argument that is the same for every row, "what; what to do".
--               specialize(node, sockets) may return another function for one call in a text:
--               { call =, arguments = (nodes of those that it still takes), row = true to get the
--               row before them }; node[i].constant is an argument's value
--   constants   name = number
--   synonyms    name = what to write instead, told where a field of that name is missed
--   written     fields whose name is no word but a piece of an expression, by it without blanks
--   sockets     true: rows are socket rows, so that helpers may read their bytes
-- All but `fields` may be missing. sockq.expr.compile says what an unknown value does.
local compile = require "sockq.expr.compile"
local escape = require "sockq.escape"
local narrow = require "sockq.expr.narrow"
local parse = require "sockq.expr.parse"
local width = require "sockq.width"

local sformat = string.format

local expr = {}

--- Where a compilation failed, for people.
---@param text string
---@param problem table  from parse.protect()
---@return table
local function locate(text, problem)
  local line, start = 1, 1
  for newline in text:sub(1, problem.pos - 1):gmatch "()\n" do
    line, start = line + 1, newline + 1
  end
  return {
    message = problem.message, text = text, line = line, column = problem.pos - start + 1,
  }
end

---@param func function  of text, catalog and option; it may parse.raise()
---@return any?
---@return table?  # problem
local function protected(func, text, catalog, option)
  if type(text) ~= "string" then
    error("an expression is a string, not a " .. type(text) .. "; quote it", 3)
  end
  local result, problem = parse.protect(func, text, catalog, option)
  if not result then return nil, locate(text, problem) end
  return result
end

--- Compile a condition on rows.
---@param text string
---@param catalog table  see above
---@return table?  # source (the text); predicate(row), true or false; fields, the set of canonical
---   names that it may read; narrow, what every matching row has (expr/narrow.lua); code, the Lua
---   text
---@return table?  # when nil: message, line and column (from 1, in bytes), text
--- Cost: about 0.1 ms, once; compile outside of loops.
--- Example: expr.compile('state == "ESTAB" and retrans > 3', catalog).predicate(row)
function expr.compile(text, catalog)
  local compiled, problem = protected(compile.text, text, catalog, "truth")
  if not compiled then return nil, problem end
  return {
    source = text, predicate = compiled.func, fields = compiled.fields, code = compiled.code,
    narrow = narrow.of(compiled.tree),
  }
end

--- Compile what a key or a column shows.
---@param text string
---@param catalog table
---@return table?  # source; value(row), nil when unknown; type, a field's own for a lone field;
---   fields; code
---@return table?  # as above
--- Example: expr.compile_value('recv_q + send_q', catalog).value(row)
function expr.compile_value(text, catalog)
  local compiled, problem = protected(compile.text, text, catalog, "value")
  if not compiled then return nil, problem end
  return {
    source = text, value = compiled.func, type = compiled.type, fields = compiled.fields,
    code = compiled.code,
  }
end

--- The expression that a word of the command line stands for: a port, an address or a network,
--- which match either end of a socket.
---@param word string  ":3000", ":ssh", "10.1.2.3", "10.0.0.0/8", "10.1.2.3:443", "[fe80::1]:22"
---@return string?  # for compile() and query:where(); the word itself if it is none of these
---@return table?  # as for compile(); the place is that in the word
--- Example: expr.argument(":53") --> "local_port == 53 or remote_port == 53"
function expr.argument(word)
  -- Loaded when it may be one: a word as LISTEN, the commonest, starts sockq sooner.
  if type(word) == "string" and not word:find "[%d:%[]" then return word end
  return protected(require("sockq.expr.endpoint").expand, word)
end

--- Compile a comma list: keys, columns, a sort order, aggregates.
---@param text string
---@param catalog table
---@param options? table  keys = true: for groups, a list is no key; descending = true: for sort, "-"
---   before an item turns its order round and there are no names; aggregates = true, or a set of the
---   names that there are: each item is an aggregate (sockq.expr.aggregates)
---@return table[]?  # items in their order: name (given as name=, else the item's text), named, text,
---   pos (its byte in the list), fields (set of canonical names), type, and
---     of a value: value(row), field (the catalog's entry of a lone field), code, descending
---     of an aggregate: aggregate ("count" … "percentile"), percentile (99.9), width (histogram's
---     second argument), argument = { value(row) or, of count, predicate(row); field, fields, type }
---@return table?  # as for compile(); the place is that in the whole list
--- Names are unique, but in a sort order. An item that is written like a field's name, as
--- max(expires) of grouped rows is, is that field.
--- Example: expr.list("state, net=subnet(remote_addr, 24)", catalog, { keys = true })
function expr.list(text, catalog, options)
  return protected(require("sockq.expr.list").compile, text, catalog, options or {})
end

--- A failed compilation in one line.
---@param problem table  from expr.compile()
---@return string
--- Example: "EXPR:1:7: unexpected \"=\"; write =="
function expr.explain_error(problem)
  return sformat("EXPR:%d:%d: %s", problem.line, problem.column, problem.message)
end

-- A terminal's columns before and behind the place that are shown of a long line.
local WINDOW = 36

--- The characters at one end of a text, so many columns of them at most, fit for a terminal.
---@param text string  of the line before or behind the place
---@param last boolean  those at its end
---@return string
---@return integer columns
local function near(text, last)
  -- A character has four bytes at most, one that is escaped takes four columns for each.
  text = last and text:sub(-4 * WINDOW):gsub("^[\128-\191]+", "") or text:sub(1, 4 * WINDOW)
  local characters, columns, shown = {}, 0, {}
  for character in width.characters(escape.bytes((text:gsub("%c", { ["\t"] = " " })))) do
    characters[#characters + 1] = character
  end
  local first, step = 1, 1
  if last then first, step = #characters, -1 end
  for i = first, last and 1 or #characters, step do
    local size = width.of_character(characters[i])
    if columns + size > WINDOW then break end
    columns = columns + size
    table.insert(shown, last and 1 or #shown + 1, characters[i])
  end
  return table.concat(shown), columns
end

--- The line that failed and a caret below the place: two lines, neither longer than a terminal's.
---@param problem table  from expr.compile()
---@return string  # without a newline at the end; a control byte and one that is no UTF-8 appear as
---   \\xNN, a tab as a blank
--- Example: "pid = 7\n    ^"
function expr.point_at_error(problem)
  local number, shown = 0, ""
  for line in (problem.text .. "\n"):gmatch "([^\n]*)\n" do
    number = number + 1
    if number == problem.line then shown = line break end
  end
  local before, columns = near(shown:sub(1, problem.column - 1), true)
  local behind = near(shown:sub(problem.column), false)
  return before .. behind .. "\n" .. (" "):rep(columns) .. "^"
end

return expr
