-- The words of a filter of ss: arguments and lines of a file, split at blanks; a backslash makes the
-- next byte literal. Behind every word stands a NUL, which none can hold.

local lpeg = require("lpeg")

local Cs, Ct, P, S = lpeg.Cs, lpeg.Ct, lpeg.P, lpeg.S

local tokens = {}

tokens.END = "\0"

-- ss reads lines of a file into a buffer of this size.
local LINE_MOST = 1022

local blank = S(" \t")
-- A backslash at the very end stands for nothing.
local escaped = P("\\") / "" * P(1) + P("\\") * -1 / ""
local words = Ct(blank ^ 0 * (Cs((escaped + (1 - blank)) ^ 1) * blank ^ 0) ^ 0)

local function add(list, text)
  for _, found in ipairs(words:match(text)) do
    if found ~= "" then
      list[#list + 1] = found
    end
  end
end

--- The words of a filter; too_long is true where a line of the file ends it.
---@param arguments string[]
---@param file string?  text of the file of -F; lines that begin with # or 0 are passed over
---@return string[]
function tokens.split(arguments, file)
  local list = {}
  for _, argument in ipairs(arguments) do
    add(list, argument)
  end
  for line, feed in (file or ""):gmatch("([^\n]*)(\n?)") do
    local text = line:match("^%Z*")
    if #text + (text == line and #feed or 0) > LINE_MOST then
      list.too_long = true
      break
    elseif not text:find("^[#0]") then
      add(list, text)
    end
  end
  return list
end

--- The text that the grammar reads; with a blank for each NUL it is one for people.
---@param list string[]
---@return string
function tokens.text(list)
  return #list > 0 and table.concat(list, tokens.END) .. tokens.END or ""
end

return tokens
