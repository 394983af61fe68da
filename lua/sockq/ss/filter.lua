-- The filter of an ss command line: its words, what is wrong with them in ss's words, and the function
-- that rows are asked by.

local escape = require("sockq.escape")
local hosts = require("sockq.ss.hosts")
local integer = require("sockq.ss.integer")
local match = require("sockq.ss.match")
local options = require("sockq.ss.options")
local parse = require("sockq.ss.parse")
local tokens = require("sockq.ss.tokens")

local filter = {}

local HOSTS = { src = true, dst = true, sport = true, dport = true, autobound = true }

local readers = {}

function readers.dev(text, asked)
  local index = integer.within(text, 0, 0x7fffffff) or asked.device(text)
  if not index then
    return nil, "Cannot parse device.\n"
  end
  return index
end

-- A number as "%i" of sscanf(3) takes it, whatever stands behind it.
local function scan(text)
  local sign, rest = text:match("^[ \t\n\v\f\r]*([+-]?)(.*)$")
  local digits = rest:match("^0[xX]%x+") or rest:match("^0[0-7]*") or rest:match("^%d+")
  return digits and bit.tobit(integer.read(sign .. digits))
end

function readers.fwmark(text)
  local first, second = text:match("^([^/]*)/(.*)$")
  local mark = scan(first or text)
  local mask = second and first:find("^[ \t]*[+-]?%w+$") and scan(second) or not second and -1 or nil
  if not mark or not mask then
    return nil, ("Cannot parse mark %s.\n"):format(text)
  end
  return { mark = mark, mask = mask }
end

function readers.cgroup(text, asked)
  local id, why = asked.cgroup(text)
  if not id then
    return nil, ("Failed to get cgroup2 ID: %s\nCannot parse cgroup %s.\n"):format(why, text)
  end
  return id
end

-- The value of a word. A family in it is the only one that is shown, and that of the words behind it.
local function reader(choice, asked)
  return function(kind, text)
    if not HOSTS[kind] then
      return readers[kind](text, asked)
    end
    local parsed, wrong = hosts.parse(text, kind == "sport" or kind == "dport", asked)
    if not parsed then
      return nil, wrong .. "Cannot parse dst/src address.\n"
    elseif parsed.family then
      choice:only_family(parsed.family)
      asked.family = parsed.family
    end
    return parsed
  end
end

-- The filter and below it where it is wrong.
local function mark(list, at)
  local text = tokens.text(list):gsub("%z", " ")
  return require("sockq.expr").point_at_error({ text = text:gsub("\n", "?"), line = 1, column = at })
end

local function explain(list, wrong)
  local pointed = mark(list, wrong.at) .. "\n"
  if wrong.message then
    return { status = wrong.message == "Too long line in filter\n" and 255 or 1,
      err = escape.lines(wrong.message) .. pointed }
  end
  local ends = options.usage_error(('ss: bison bellows (while parsing filter): "%s" Sorry.\n'):format(wrong.syntax))
  ends.err = ends.err .. pointed
  return ends
end

--- A filter.
---@class sockq.ss.Filter
---@field tree table         see sockq.ss.parse
---@field matches fun(row: ffi.cdata*, set: ffi.cdata*, is_text: boolean): boolean  whether a row meets it
---   (sockq_row, sockq_set_handle; is_text: the kernel has not compared). States are not its matter
---@field needs { details: boolean?, autobound: boolean? }  what rows must have for it
---@field autobound table<number, boolean>  to be filled: cookies of sockets whose port the kernel chose

--- Compile a filter.
---@param words string[]   arguments behind those of states
---@param file string?     text of the file of -F
---@param choice sockq.ss.Choice  changed where the filter names a family
---@param asked sockq.ss.Lookup
---@return sockq.ss.Filter|nil  # nil: there is none
---@return sockq.ss.End|nil      # it is wrong
function filter.compile(words, file, choice, asked)
  local list = tokens.split(words, file)
  if #list == 0 and not list.too_long then
    return nil
  end
  asked.family = choice.last_family
  local tree, wrong = parse.tree(list, reader(choice, asked))
  if not tree then
    return nil, explain(list, wrong)
  end
  local autobound = {}
  return { tree = tree, matches = match.compile(tree, autobound), needs = match.needs(tree), autobound = autobound }
end

--- What there is to say of a filter's grouping, for those who want to know.
---@param tree table
---@return string|nil
function filter.note(tree)
  return parse.is_left_grouped(tree) and
    "sockq: ss: and, or have one rank here and group from the left: 'a or b and c' is '( a or b ) and c'\n" or nil
end

return filter
