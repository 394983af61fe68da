-- Makes doc/types/sockq.lua, from which editors with LuaCATS (lua-language-server, EmmyLua) complete and
-- check scripts: scripts/docs runs this. Everything comes from the registry of fields, the contracts of
-- plug-ins and the doc comments of the sources.
local args = require "sockq.args"
local argument = require "sockq.argument"
local columns = require "sockq.columns"
local comments = require "sockq.help.comments"
local core = require "sockq.core"
local fields = require "sockq.fields"
local hint = require "sockq.hint"
local plugin = require "sockq.plugin"
local tables = require "sockq.tables"

local WIDTH = 100

local function line(...) io.write(table.concat({ ... }), "\n") end

local function text(words)
  local row = "---"
  for word in words:gmatch("%S+") do
    if #row + #word > WIDTH then
      line(row)
      row = "---"
    end
    row = row .. " " .. word
  end
  if row ~= "---" then line(row) end
end

local function source(name)
  return assert(core.embedded("lua/sockq/" .. name .. ".lua"), name)
end

local function of_owner(file, owner)
  local list = {}
  for _, read in ipairs(comments.read(source(file))) do
    if read.owner == owner and not read.name:find("^_") then list[#list + 1] = read end
  end
  assert(#list > 0, file)
  return list
end

-- Parameters that only sockq itself gives.
local INTERNAL = { aliases = true }

-- A documented function as a declaration; retype changes what it says of types.
local function declare(read, prefix, retype)
  retype = retype or function(kind) return kind end
  text(read.text)
  local names = {}
  for _, param in ipairs(read.params) do
    if not INTERNAL[param.name] then
      names[#names + 1] = param.name
      line("---@param ", param.name, param.optional and "?" or "", " ", retype(param.type), param.doc ~= "" and "  " or "",
        param.doc)
    end
  end
  for _, result in ipairs(read.returns) do
    line("---@return ", retype(result.type), result.doc ~= "" and "  # " or "", result.doc)
  end
  for _, note in ipairs(read.notes) do text(note) end
  line("function ", prefix, read.name, "(", table.concat(names, ", "), ") end")
  line ""
end

local function quoted(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = ("%q"):format(word) end
  return table.concat(list, "|")
end

line "---@meta sockq"
line "-- Made by scripts/docs: what sockq's scripts and plug-ins can call, for editors. It is never run."
line "-- In .luarc.json: { \"workspace.library\": [\"/usr/share/sockq/types\"], \"runtime.version\": \"LuaJIT\" }"
line ""

-- Words of fields, and rows

local alias_of = {}
for _, field in ipairs(fields.list) do
  if field.values and not alias_of[field.values] then
    alias_of[field.values] = "sockq.word." .. field.name
    line("---@alias ", alias_of[field.values], " ", quoted(field.values), field.also and "|string" or "")
  end
end
line ""

local LIST_OF = { owners = "sockq.Owner[]" }
local function type_of(field)
  if field.type == "list" then return LIST_OF[field.name] or "string[]" end
  return alias_of[field.values] or field.type
end

line "---@class sockq.Owner  a process that has the socket"
line "---@field pid integer"
line "---@field fd integer"
line "---@field program string?"
line "---@field cmdline string?"
line ""

-- Every row has these; what else a row's table cannot tell is nil.
local ALWAYS = { proto = true, family = true, table = true, line = true }
line "--- A socket. A field that the row's table cannot tell is nil, never 0."
line "---@class sockq.Row"
for _, field in ipairs(fields.list) do
  local doc = field.doc .. (field.unit and ", in " .. field.unit or "")
  for _, name in ipairs { field.name, unpack(field.alias or {}) } do
    line("---@field ", name, ALWAYS[field.name] and "" or "?", " ", type_of(field), "  ", doc)
  end
end
line "local Row = {}"
line ""
for _, read in ipairs(of_owner("row", "methods")) do declare(read, "Row:") end

line "--- A row that group, agg, select or join made: its columns are its fields."
line "---@class sockq.Record"
line "---@field [string] any"
line "local Record = {}"
line ""
for _, read in ipairs(of_owner("record", "methods")) do declare(read, "Record:") end

-- Queries

local MAKES_RECORDS = { group = true, agg = true, select = true, join = true }
local verbs = of_owner("verbs", "verbs")
for _, read in ipairs(of_owner("query", "Query")) do verbs[#verbs + 1] = read end

local function to_records(kind)
  return (kind:gsub("sockq%.Row", "sockq.Record"):gsub("sockq%.Query", "sockq.Records"))
end

line "--- A query: lazy, a value; each verb gives a new one."
line "---@class sockq.Query"
line "local Query = {}"
line ""
for _, read in ipairs(verbs) do
  declare(read, "Query:", MAKES_RECORDS[read.name] and function(kind)
    return kind == "sockq.Query" and "sockq.Records" or kind
  end)
end
line "--- A query whose rows are records."
line "---@class sockq.Records: sockq.Query"
line "local Records = {}"
line ""
for _, read in ipairs(verbs) do
  local has = false
  for _, result in ipairs(read.returns) do has = has or to_records(result.type) ~= result.type end
  for _, param in ipairs(read.params) do has = has or to_records(param.type):find("Record", 1, true) ~= nil end
  if has then declare(read, "Records:", to_records) end
end

-- Specifications: arguments, columns, plug-ins

local function keys_class(name, doc, keys, types)
  line("--- ", doc)
  line("---@class ", name)
  for _, key in ipairs(hint.keys(keys)) do
    line("---@field ", key, types[key] and types[key][1] or "", " ", types[key] and types[key][2] or
      (keys[key]:gsub(" or ", "|"):gsub("function", "fun(row: sockq.Row): any")))
  end
  line ""
end

line("---@alias sockq.word.argument_type ", quoted(hint.keys(argument.types)))
keys_class("sockq.Argument", "An argument of a report or a script.", args.keys, {
  name = { "", "string" }, type = { "", "sockq.word.argument_type" }, doc = { "", "string  one line" },
  default = { "?", "any  what it is if not given" }, optional = { "?", "boolean  nil if not given" },
  many = { "?", "boolean  a list of all that are given" }, named = { "?", "boolean  given as NAME=VALUE only" },
  words = { "?", "string[]  the choices of the type word" },
})
keys_class("sockq.Column", "A column, as columns and print() take it.", columns.keys, setmetatable({
  needs = { "?", "string[]  the fields that get reads" }, align = { "?", '"left"|"right"' },
}, { __index = function(_, key)
  return { "?", (columns.keys[key]:gsub(" or ", "|"):gsub("function", "fun(row: sockq.Row): string|number|nil")) }
end }))

-- What the contracts' "function" and "table" are.
local PRECISE = {
  ["timers.format"] = "fun(row: sockq.Row): string", ["views.columns"] = "(string|sockq.Column)[]",
  ["views.where"] = "string|fun(row: sockq.Row): boolean", ["views.run"] = "fun(args: string[]): integer",
  ["formats.layout"] = '"table"|"fields"', ["reports.args"] = "sockq.Argument[]",
  ["formats.open"] = "fun(columns: table[], options: table, write: fun(text: string)): table",
  ["reports.run"] = "fun(args: table<string, any>, report: sockq.Report)",
}
local CLASS = { timers = "sockq.TimerPlugin", views = "sockq.ViewPlugin", formats = "sockq.FormatPlugin",
  reports = "sockq.ReportPlugin" }
for _, kind in ipairs(hint.keys(plugin.contracts)) do
  line("--- What a file ", kind, "/NAME.lua returns.")
  line("---@class ", (assert(CLASS[kind], kind)))
  local contract = plugin.contracts[kind]
  for _, key in ipairs(hint.keys(contract)) do
    local entry = contract[key]
    local precise = PRECISE[kind .. "." .. key]
    assert(precise or not entry[1]:find("function") and entry[1] ~= "table", key)
    line("---@field ", key, entry[2] and "" or "?", " ", precise or entry[1], "  ", entry[3])
  end
  line ""
end

-- Reports

line "--- What a report's run(args, report) tells by."
line "---@class sockq.Report"
line "local Report = {}"
line ""
for _, read in ipairs(of_owner("report", "Report")) do declare(read, "Report:") end

-- Classes whose sources describe them

local function copy_class(file, name)
  local copied = false
  for one in source(file):gmatch("[^\n]+") do
    if one:find("^%-%-%-@class " .. name:gsub("%.", "%%.") .. "%f[^%w]") then copied = true
    elseif copied and not one:find("^%-%-%-@field") then break end
    if copied then line(one) end
  end
  assert(copied, name)
end

copy_class("facts", "sockq.Ports")
line ""
copy_class("facts", "sockq.Facts")
line ""
for _, name in ipairs { "Snapshot", "Recording" } do
  copy_class("recording", "sockq." .. name)
  line("local ", name, " = {}")
  line ""
  for _, read in ipairs(of_owner("recording", name)) do
    if read.name ~= "client" then declare(read, name .. ":") end
  end
end

-- The module

line "---@class sockq.Field  an entry of the registry"
line "---@field name string"
line "---@field alias string[]?"
line "---@field type string"
line "---@field unit string?"
line "---@field doc string"
line "---@field sources string[]"
line ""
line "---@class sockq"
line "sockq = {}"
line ""

-- Values of the module: what they are.
local VALUES = { version = "string", fields = "sockq.Field[]", messages = "string[]", data = "table<string, any>",
  open = "fun(path: string|nil)" }

for _, read in ipairs(of_owner("init", "sockq")) do
  if read.separator == "[" then
    for _, name in ipairs(hint.keys(tables.groups)) do
      local files = {}
      for i, number in ipairs(tables.groups[name]) do files[i] = tables.list[number].file end
      declare({ name = name, text = ("A query over these tables of /proc/net: %s."):format(table.concat(files, ", ")),
        params = {}, notes = {}, returns = read.returns }, "sockq.")
    end
  elseif read.arguments then
    declare(read, "sockq.")
  else
    text(read.text)
    line("---@type ", (assert(VALUES[read.name], read.name)))
    line("sockq.", read.name, " = nil")
    line ""
  end
end
line "return sockq"
