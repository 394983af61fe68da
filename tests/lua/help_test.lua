--- How help reads doc comments and lays out pages: sockq.help.comments and sockq.help.page.
package.path = "tests/lib/?.lua;" .. package.path

local check = require "check"
local comments = require "sockq.help.comments"
local page = require "sockq.help.page"

-- Doc comments

local function read_one(source)
  local found = comments.read(source)
  check.equal("one function: " .. source:match("[^\n]*\n?$"), #found, 1)
  return found[1] or { params = {}, returns = {}, notes = {} }
end

do
  local one = read_one [[
--- Order the rows: "-count"; - descends.
--- It keeps them all.
---@param given string|fun(row: sockq.Row): boolean  what comes first;
---   a list as well
---@param options? { how: "inner"|"left", names: string[] }  how to
---@return sockq.Query|nil  # lazy; nothing is read yet
---@return string|nil message
--- Memory: a number a row;
--- with limit less.
--- Example: q:sort("a")
function verbs.sort(self, given, options)
end]]
  check.equal("owner", one.owner .. one.separator .. one.name, "verbs.sort")
  check.equal("arguments", one.arguments, "self, given, options")
  check.equal("text", one.text, 'Order the rows: "-count"; - descends. It keeps them all.')
  check.equal("parameters", #one.params, 2)
  check.equal("a type with blanks", one.params[1].type, "string|fun(row: sockq.Row): boolean")
  check.equal("a meaning of two lines", one.params[1].doc, "what comes first; a list as well")
  check.equal("a parameter that may be missing", tostring(one.params[2].optional) .. one.params[2].name, "trueoptions")
  check.equal("a type in braces", one.params[2].type, '{ how: "inner"|"left", names: string[] }')
  check.equal("results", #one.returns, 2)
  check.equal("a result", one.returns[1].type .. "/" .. one.returns[1].doc, "sockq.Query|nil/lazy; nothing is read yet")
  check.equal("a result without a meaning", one.returns[2].type, "string|nil message")
  check.equal("notes", table.concat(one.notes, "/"), 'Memory: a number a row; with limit less./Example: q:sort("a")')
end
check.equal("a method", read_one("--- Text.\nfunction Query:each(visit)\nend").separator, ":")
check.equal("a value", read_one('--- The version.\nsockq.version = "1"').arguments, nil)
check.equal("one of a loop", read_one("  --- A query.\n  sockq[name] = function()\n  end").separator, "[")
check.equal("a function in a table", read_one("--- Open.\nm.open = function(path)\nend").arguments, "path")
check.equal("no comment", #comments.read("function m.f() end\n-- plain\nfunction m.g() end\n"), 0)
check.equal("code between", #comments.read("--- Of nothing.\nlocal x = 1\nfunction m.f() end\n"), 0)
check.equal("an empty source", #comments.read(""), 0)

-- Pages

local function lines_of(text)
  local list = {}
  for line in text:gmatch("([^\n]*)\n") do list[#list + 1] = line end
  return list
end

check.equal("fold", table.concat(page.fold("one two  three\nfour", 9), "|"), "one two|three|four")
check.equal("fold: code stays together", table.concat(page.fold("say `a b c` now", 8), "|"), "say|`a b c`|now")
check.equal("fold: a word that is too long", table.concat(page.fold("a abcdefghij b", 4), "|"), "a|abcdefghij|b")
check.equal("fold: nothing", table.concat(page.fold("", 4), "|"), "")
check.equal("fold: characters count, not bytes", table.concat(page.fold("ää öö üü", 5), "|"), "ää öö|üü")
page.utf8 = false
check.equal("fold in ASCII", table.concat(page.fold("a … b → c é", 40), "|"), "a ... b -> c ?")
page.utf8 = true
check.equal("a list", page.text { { list = { { "a", "first" }, { "long", "second" } } } }, "  a     first\n  long  second\n")
check.equal("a long term has a line of its own",
  page.text { { list = { { ("x"):rep(40), "text" }, { "a", "b" } } } }, "  " .. ("x"):rep(40) .. "\n     text\n  a  b\n")
check.equal("headings join what follows", page.text { { text = "a" }, { head = "H" }, { text = "b" } }, "a\n\nH\nb\n")
check.equal("commands", page.text { { commands = { { "one", "first" }, { "three" } } } }, "  one     first\n  three\n")
check.equal("code is set in", page.text { { code = "a\n\n  b\n" } }, "  a\n\n    b\n")
do
  math.randomseed(7)
  for _ = 1, 200 do
    local words = {}
    for i = 1, math.random(60) do words[i] = ("abcdefghijkl"):sub(1, math.random(12)) end
    local text = table.concat(words, " ")
    local folded = page.text { { text = text } }
    check.equal("folded and joined again", (folded:gsub("\n", " "):gsub(" $", "")), text)
    for _, line in ipairs(lines_of(folded)) do check.ok("a folded line fits", #line <= page.WIDTH, line) end
  end
end
do
  local blocks = page.blocks_of("One line\nand its end.\n\nunread   received,\n         and more\n"
    .. "closed   shut\n\n  top  count  how many; default 20\n")
  check.equal("plain text: blocks", #blocks, 3)
  check.equal("plain text: a paragraph", blocks[1].text, "One line and its end.")
  check.equal("plain text: terms", #blocks[2].list, 2)
  check.equal("plain text: a term goes on", blocks[2].list[1][2]:gsub("%s+", " "), "received, and more")
  check.equal("plain text: a term with a type", blocks[3].list[1][1] .. "/" .. blocks[3].list[1][2],
    "top/count: how many; default 20")
end

check.finish()
