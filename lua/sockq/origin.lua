-- Where the rows of a query are from: the text of /proc, or sock_diag, which knows other things.
--
-- A query leans to one of them by the fields that it names: "diag" where only sock_diag knows one of
-- them, else "proc" where /proc knows one that sock_diag does not know, or not as cheaply; nil: both
-- know all. A function may read any field, and what /proc knows has always been there for it.

local fields = require("sockq.fields")
local hint = require("sockq.hint")
local C = require("sockq.schema").C

local origin = {}

local SOURCES = { auto = C.SOCKQ_SOURCE_AUTO, proc = C.SOCKQ_SOURCE_PROC, diag = C.SOCKQ_SOURCE_DIAG }

--- What --source says: "auto", "proc" or "diag".
origin.default = "auto"

--- What is wrong with a source's name, nil if nothing is.
---@param name any
---@return string|nil  # "WHAT; REMEDY"
function origin.wrong(name)
  if SOURCES[name] then
    return nil
  end
  return ("%s is no source; %s"):format(hint.quote(tostring(name)), hint.remedy(tostring(name), { "auto", "diag", "proc" }))
end

--- How a query leans that reads some fields more.
---@param lean string|nil  how it did
---@param names table<string, boolean>  ["*"]: a function may read any
---@return string|nil
function origin.lean(lean, names)
  local more = fields.source(names)
  return (lean == "diag" or more == "diag") and "diag" or lean or more or names["*"] and "proc" or nil
end

--- How a query leans that calls a function of somebody's.
---@param lean string|nil
---@return string
function origin.open(lean)
  return lean or "proc"
end

--- Which source a query reads, for set.collect.
---@param query sockq.Query
---@param is_closed? boolean  no other fields are read of its rows than it names
---@return integer  # SOCKQ_SOURCE_AUTO, _PROC or _DIAG
function origin.of(query, is_closed)
  local asked = query.asked or origin.default
  if asked == "auto" and (query.lean == "proc" or not query.lean and not is_closed) then
    asked = "proc"
  end
  return SOURCES[asked]
end

return origin
