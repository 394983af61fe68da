-- What to do about a name that does not exist: the remedy of every such message.

local escape = require("sockq.escape")
local nearest = require("sockq.nearest")

local hint = {}

--- A piece of the user's text as a message may show it: quoted, short, no control bytes.
---@param text string
---@return string
function hint.quote(text)
  if #text > 40 then
    -- Not within a character.
    text = text:sub(1, 37):gsub("[\192-\255][\128-\191]*$", "") .. "..."
  end
  return '"' .. escape.bytes((text:gsub('["\\]', "\\%0"))) .. '"'
end

--- The keys of a table, sorted.
---@return string[]
function hint.keys(names)
  local list = {}
  for name in pairs(names) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

--- "did you mean X?", or what there is.
---@param word any           what was given
---@param names string[]     what exists
---@param otherwise? string  instead of the list, where it would be long
---@return string
function hint.remedy(word, names, otherwise)
  local near = type(word) == "string" and nearest(word, names)
  if near then
    return ("did you mean %s?"):format(near)
  end
  return otherwise or "known are " .. table.concat(names, ", ")
end

return hint
