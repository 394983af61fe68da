-- What is wrong with the command line: a message, and for an expression its text with the place
-- marked below.

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
function complaint.raise(message, problem)
  error(setmetatable({ message = message, problem = problem }, Complaint), 0)
end

--- An error in lines for standard error, without control bytes: the message, and the marked text.
---@param err any
---@return string
function complaint.text(err)
  local message = tostring(err)
  if type(err) ~= "string" and not (getmetatable(err) and getmetatable(err).__tostring) then
    message = ("a script raised a %s as its error"):format(type(err))
  end
  local text = "sockq: " .. escape.text((message:gsub("%s+$", ""))) .. "\n"
  if getmetatable(err) == Complaint and err.problem then
    text = text .. "  " .. require("sockq.expr").point_at_error(err.problem):gsub("\n", "\n  ") .. "\n"
  end
  return text
end

return complaint
