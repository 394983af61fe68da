-- What is wrong with the command line or a script: a message, for an expression its text with the
-- place marked below, and of a script the calls that led there.

local escape = require("sockq.escape")

local complaint = {}

local Complaint = {}
Complaint.__index = Complaint

function Complaint.__tostring(self)
  return self.message
end

--- Give up: the command line ends with this message.
---@param message string
---@param problem table?  from sockq.expr: where in its text the expression is wrong
---@param status integer?  the exit status, 2 if not given
function complaint.raise(message, problem, status)
  error(setmetatable({ message = message, problem = problem, status = status }, Complaint), 0)
end

--- The exit status that an error asks for.
---@param err any
---@return integer|nil
function complaint.status(err)
  return getmetatable(err) == Complaint and err.status or nil
end

--- An error with more lines to tell behind its message.
---@param message string
---@param lines string[]
---@return table
function complaint.new(message, lines)
  return setmetatable({ message = message, lines = lines }, Complaint)
end

--- True if an error is of this kind.
function complaint.is(err)
  return getmetatable(err) == Complaint
end

--- What an error says, whatever was raised.
---@param err any
---@return string
function complaint.message(err)
  if type(err) == "string" then
    return err
  end
  local metatable = getmetatable(err)
  local has_text = type(metatable) == "table" and metatable.__tostring
  return has_text and tostring(err) or ("a script raised a %s as its error"):format(type(err))
end

--- An error in lines for standard error, without control bytes: the message, the marked text, the calls.
---@param err any
---@return string
function complaint.text(err)
  local message = complaint.message(err)
  local text = "sockq: " .. escape.bytes((message:gsub("%s+$", ""):gsub("\n", "\\n"))) .. "\n"
  if complaint.is(err) and err.problem then
    text = text .. "  " .. require("sockq.expr").point_at_error(err.problem):gsub("\n", "\n  ") .. "\n"
  end
  for _, line in ipairs(complaint.is(err) and err.lines or {}) do
    text = text .. "  " .. escape.text(line) .. "\n"
  end
  return text
end

return complaint
