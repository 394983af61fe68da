-- Files that --data NAME=FILE brings in: sockq.data.NAME. What they are says the end of the file's name,
-- or a word behind the name, NAME:csv=FILE:
--
--   .csv, .tsv          a list of tables, a row each; the first line has their keys
--   .json               the value
--   .ndjson, .jsonl     a list of values, one a line
--   anything else       a list of lines
--
-- They were read before the sandbox was locked, and are parsed when they are asked for.

local complaint = require("sockq.complaint")
local core = require("sockq.core")
local hint = require("sockq.hint")

local data = {}

local FORM = "--data %s: %s; give NAME=FILE, or NAME:csv=FILE"

local parsers = {}

local function fail(path, line, what)
  error(("--data: %s:%d: %s"):format(path, line, what), 0)
end

--- The lines of a text, without their line feeds and carriage returns.
function parsers.lines(text)
  local list = {}
  for line in text:gmatch("([^\n]*)\n?") do
    list[#list + 1] = line:gsub("\r$", "")
  end
  -- The empty match behind the last line feed, or behind a last line without one.
  list[#list] = nil
  return list
end

-- A cell is a number if that is how the number is written: 007 and 1.10 are not.
local function value_of(cell)
  local number = cell:find("^%-?%d") and tonumber(cell)
  if number and ("%.14g"):format(number) == cell and (number ~= 0 or cell == "0") then
    return number
  end
  return cell ~= "" and cell or nil
end

-- RFC 4180: a quoted cell may hold the separator, line feeds and, doubled, quotes. From a byte of the
-- text: the cell, the byte behind it, line feeds in it.
local function quoted_cell(text, from, path, line)
  local at = from + 1
  while true do
    local quote = text:find('"', at, true)
    if not quote then
      fail(path, line, "a quote is not closed")
    elseif text:sub(quote + 1, quote + 1) ~= '"' then
      local cell = text:sub(from + 1, quote - 1)
      return (cell:gsub('""', '"')), quote + 1, select(2, cell:gsub("\n", ""))
    end
    at = quote + 2
  end
end

-- The cells of a text, a list a row: visit(cells, line).
local function each_row(text, separator, has_quotes, path, visit)
  local at, line, stop = 1, 1, ("[%s\r\n]"):format(separator)
  while at <= #text do
    local cells, count, first_line = {}, 0, line
    repeat
      local cell, more
      if has_quotes and text:sub(at, at) == '"' then
        local feeds
        cell, at, feeds = quoted_cell(text, at, path, line)
        line = line + feeds
      else
        local behind = text:find(stop, at) or #text + 1
        cell, at = text:sub(at, behind - 1), behind
      end
      count = count + 1
      cells[count] = cell
      local byte = text:sub(at, at)
      more = byte == separator
      if byte == "\r" and text:sub(at + 1, at + 1) == "\n" then
        at = at + 1
      elseif byte ~= "" and not more and byte ~= "\n" then
        fail(path, line, "text stands behind a quoted cell")
      end
      at = at + 1
    until not more
    line = line + 1
    if count > 1 or cells[1] ~= "" then
      visit(cells, count, first_line)
    end
  end
end

local function table_of(separator, has_quotes)
  return function(text, path)
    local names, wanted, list, seen = nil, 0, {}, {}
    each_row(text:gsub("^\239\187\191", ""), separator, has_quotes, path, function(cells, count, line)
      if not names then
        names, wanted = cells, count
        for _, name in ipairs(cells) do
          if name == "" or seen[name] then
            fail(path, line, name == "" and "a column has no name" or "two columns are called " .. hint.quote(name))
          end
          seen[name] = true
        end
        return
      elseif count ~= wanted then
        fail(path, line, ("%d cells, where the first line has %d"):format(count, wanted))
      end
      local row = {}
      for i = 1, count do
        row[names[i]] = value_of(cells[i])
      end
      list[#list + 1] = row
    end)
    return list, names or {}
  end
end

parsers.csv = table_of(",", true)
parsers.tsv = table_of("\t", false)

local MOST_DEPTH = 100

local function decoder()
  local loaded, cjson = pcall(require, "cjson")
  if not loaded then
    error("--data: JSON needs lua-cjson; install it", 0)
  end
  local own = cjson.new()
  own.decode_invalid_numbers(false)
  own.decode_max_depth(MOST_DEPTH)
  local null = own.null
  -- Lua has no null: such a value is not there.
  local function without_nulls(value)
    for key, one in pairs(value) do
      if one == null then
        value[key] = nil
      elseif type(one) == "table" then
        without_nulls(one)
      end
    end
    return value
  end
  return function(text, path, line)
    local ok, value = pcall(own.decode, text)
    if not ok then
      fail(path, line, (tostring(value):gsub("^Expected", "expected")))
    elseif value == null then
      return nil
    end
    return type(value) == "table" and without_nulls(value) or value
  end
end

local decode

function parsers.json(text, path)
  decode = decode or decoder()
  return decode(text, path, 1)
end

function parsers.ndjson(text, path)
  decode = decode or decoder()
  local list = {}
  for number, line in ipairs(parsers.lines(text)) do
    if line:find("%S") then
      list[#list + 1] = decode(line, path, number)
    end
  end
  return list
end
parsers.jsonl = parsers.ndjson

-- What the command line gave, by name: { word, path, kind, number, error }.
local given

local function parse_word(word, number, err)
  local name, path = word:match("^([^=]*)=(.+)$")
  if not name then
    return nil, FORM:format(word, "no form NAME=FILE")
  end
  local bare, kind = name:match("^([^:]*):(.*)$")
  name = bare or name
  if not name:find("^[%a_][%w_]*$") then
    return nil, FORM:format(word, "the name is no word of letters, digits and _")
  elseif require("sockq.tables").named()[name] then
    return nil, ("--data %s: %s is a table of sockets; choose another name"):format(word, name)
  elseif kind and not parsers[kind] then
    return nil, ("--data %s: there is no kind %s; %s"):format(word, kind, hint.remedy(kind, hint.keys(parsers)))
  elseif err then
    return nil, ("--data %s: %s%s"):format(word, err, err:find(";", 1, true) and "" or "; give a file that can be read")
  end
  local ending = path:match("%.(%w+)$")
  ending = ending and ending:lower()
  return { name = name, path = path == "-" and "standard input" or path, is_input = path == "-", number = number,
    kind = kind or parsers[ending] and ending ~= "lines" and ending or "lines" }
end

local function all()
  if not given then
    given = {}
    for number, one in ipairs(core.data()) do
      local parsed, wrong = parse_word(one.word, number, one.error)
      if not parsed then
        complaint.raise(wrong)
      elseif given[parsed.name] then
        complaint.raise(("--data %s: %s is given twice; choose another name"):format(one.word, parsed.name))
      end
      given[parsed.name] = parsed
    end
  end
  return given
end

--- Refuse what is wrong with --data.
---@param taken string?  what standard input is, if it is something else
function data.check(taken)
  local inputs = 0
  for name, one in pairs(all()) do
    inputs = inputs + (one.is_input and 1 or 0)
    if one.is_input and (taken or inputs > 1) then
      complaint.raise(("--data %s=-: standard input is %s; give a file"):format(name, taken or "read once"))
    end
  end
end

--- Whether there is a file of a name.
---@param name string
---@return boolean
function data.has(name)
  return all()[name] ~= nil
end

--- A file's content, parsed anew; of a CSV or TSV file the names of its columns as well.
---@param name string
---@return any content, string[]? names
function data.parse(name)
  local one = all()[name]
  return parsers[one.kind](core.data_text(one.number), one.path)
end

--- A file's rows, for a join, and the names of their columns where the file says them.
---@return table[] rows, string[]? names
function data.rows(name)
  local value, names = data.parse(name)
  if type(value) == "table" and value[1] == nil and next(value) ~= nil then
    complaint.raise(("--data %s: it is a JSON object; a list of objects is expected"):format(name))
  end
  for i, row in ipairs(type(value) == "table" and value or { false }) do
    if type(row) ~= "table" then
      complaint.raise(("--data %s: item %d is a %s; rows have to be tables, as of a CSV file"):format(name, i,
        row and type(row) or type(value)))
    end
  end
  return value, names
end

--- A member of sockq.data: parsed at the first use, and the holder's own then.
---@param holder table
---@param name any
---@return any
function data.member(holder, name)
  local files = all()
  if not files[name] then
    local names = hint.keys(files)
    error(("sockq.data has no %s; %s"):format(tostring(name), #names == 0 and "give it by --data NAME=FILE"
      or hint.remedy(name, names)), 2)
  end
  local value = data.parse(name)
  rawset(holder, name, value)
  return value
end

return data
