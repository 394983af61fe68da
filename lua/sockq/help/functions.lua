-- The functions that scripts and plug-ins call, as the doc comments of their sources describe them.

local comments = require("sockq.help.comments")
local core = require("sockq.core")

local functions = {}

-- What of a source is public: the tables that hold it there.
local SOURCES = {
  module = { { "init", sockq = true } },
  query = { { "verbs", verbs = true }, { "query", Query = true } },
  row = { { "row", methods = true } },
  report = { { "report", Report = true } },
}

--- How calls are written: what stands before the name.
functions.PREFIX = { module = "sockq.", query = "query:", row = "row:", report = "report:" }

local function call_of(kind, read)
  local arguments = {}
  for _, param in ipairs(read.params) do
    arguments[#arguments + 1] = param.optional and "[" .. param.name .. "]" or param.name
  end
  local is_value = not read.arguments and #read.params + #read.returns == 0
  return functions.PREFIX[kind] .. read.name .. (is_value and "" or "(" .. table.concat(arguments, ", ") .. ")")
end

local function read_source(kind, source, list)
  local text = core.embedded(("lua/sockq/%s.lua"):format(source[1])) or ""
  for _, read in ipairs(comments.read(text)) do
    if source[read.owner] and not read.name:find("^_") then
      -- One of several that a loop makes.
      read.name = read.separator == "[" and "NAME" or read.name
      read.call = call_of(kind, read)
      list[#list + 1] = read
    end
  end
end

--- The functions of a kind, in the order of their sources.
---@param kind string  "module", "query", "row" or "report"
---@return table[]  # as sockq.help.comments gives them, and call: "query:where(predicate)"
function functions.of(kind)
  local list = {}
  for _, source in ipairs(SOURCES[kind]) do
    read_source(kind, source, list)
  end
  return list
end

--- What one does, in its first sentence.
---@return string
function functions.summary(one)
  local text = one.text:gsub("%. %u.*$", ""):gsub("%.$", "")
  return text
end

--- The kinds, in the order of the manual.
functions.KINDS = { "module", "query", "row", "report" }

--- The blocks of sockq.help.page for a function.
---@param one table
---@return table[]
function functions.blocks(one)
  local blocks, list = { { head = one.call }, { text = one.text } }, {}
  for _, param in ipairs(one.params) do
    list[#list + 1] = { param.name, param.doc ~= "" and ("%s: %s"):format(param.type, param.doc) or param.type }
  end
  for _, value in ipairs(one.returns) do
    list[#list + 1] = { "gives", value.doc ~= "" and ("%s: %s"):format(value.type, value.doc) or value.type }
  end
  if #list > 0 then
    blocks[#blocks + 1] = { list = list }
  end
  for _, note in ipairs(one.notes) do
    blocks[#blocks + 1] = { text = note }
  end
  return blocks
end

return functions
