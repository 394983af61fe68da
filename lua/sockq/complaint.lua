-- What is wrong with the command line or a script: a message, for an expression its text with the
-- place marked below, and of a script the calls that led there.

local core = require("sockq.core")
local escape = require("sockq.escape")

local complaint = {}

local getmetatable_of = debug.getmetatable

-- What there is to tell, by the error: scripts that catch one can read its message, and change nothing.
local details = setmetatable({}, { __mode = "k" })

local Complaint = { __metatable = "sockq.error" }

function Complaint.__index(self, name)
  return name == "message" and details[self].message or nil
end

function Complaint.__newindex()
  error("an error of sockq's cannot be written", 2)
end

function Complaint.__tostring(self)
  return details[self].message
end

local function make(told)
  local err = setmetatable({}, Complaint)
  details[err] = told
  return err
end

--- Give up: the command line ends with this message.
---@param message string
---@param problem table?  from sockq.expr: where in its text the expression is wrong
---@param status integer?  the exit status, 2 if not given
function complaint.raise(message, problem, status)
  error(make({ message = message, problem = problem, status = status }), 0)
end

--- The exit status that an error asks for.
---@param err any
---@return integer|nil
function complaint.status(err)
  return complaint.is(err) and details[err].status or nil
end

--- An error with more lines to tell behind its message.
---@param message string
---@param lines string[]
---@return table
function complaint.new(message, lines)
  return make({ message = message, lines = lines })
end

--- The lines behind the message of such an error.
---@return string[]
function complaint.lines(err)
  return complaint.is(err) and details[err].lines or {}
end

--- True if an error is of this kind.
function complaint.is(err)
  return getmetatable_of(err) == Complaint
end

-- What Lua says of these is neither where nor what to do.
local function place()
  local known = core.memory()
  local line = known == "" and core.command_line()
  known = line and (line.mode == "script" and line.words[1] or line.mode == "chunk" and "-e"
    or line.mode == "stdin" and "stdin") or known
  return known ~= "" and known .. ": " or ""
end

local function out_of_memory()
  local _, limit = core.memory()
  return ("%snot enough memory%s; give more by --max-memory"):format(place(),
    limit and (", the limit is %.0f MiB"):format(limit / 2 ^ 20) or "")
end

--- What an error says, whatever was raised.
---@param err any
---@return string
function complaint.message(err)
  if err == "not enough memory" then
    return out_of_memory()
  elseif err == "stack overflow" or type(err) == "string" and (err:find("^lua/sockq/[%w_/]+%.lua:%d+: stack overflow$")
    or err:find("^[^\n]*:0: stack overflow$")) then
    return place() .. "stack overflow; look for calls without end"
  elseif type(err) == "string" then
    return err:find(": stack overflow$") and err .. "; look for calls without end" or err
  end
  local metatable = getmetatable_of(err)
  local has_text = type(metatable) == "table" and metatable.__tostring
  -- Of a script's own making: it may raise another.
  local told, text = pcall(tostring, has_text and err)
  return has_text and told and type(text) == "string" and text or ("a script raised a %s as its error"):format(type(err))
end

--- An error in lines for standard error, without control bytes: the message, the marked text, the calls.
---@param err any
---@return string
function complaint.text(err)
  local message = complaint.message(err)
  local text = "sockq: " .. escape.bytes((message:gsub("%s+$", ""):gsub("\n", "\\n"))) .. "\n"
  local problem = complaint.is(err) and details[err].problem
  if problem then
    text = text .. "  " .. require("sockq.expr").point_at_error(problem):gsub("\n", "\n  ") .. "\n"
  end
  for _, line in ipairs(complaint.lines(err)) do
    text = text .. "  " .. escape.text(line) .. "\n"
  end
  return text
end

return complaint
