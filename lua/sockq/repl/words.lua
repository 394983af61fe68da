-- The words of a line, as a shell splits them.

local words = {}

--- Split a line: blanks between words; quotes of both kinds; a backslash, but between single quotes.
---@param text string
---@return string[]|nil list, string|nil message
function words.split(text)
  local list, word, at = {}, nil, 1
  while at <= #text do
    local char = text:sub(at, at)
    if char:find("%s") then
      list[#list + 1], word = word, nil
    elseif char == "'" or char == '"' then
      local close = at + 1
      local piece = {}
      while text:sub(close, close) ~= char do
        if close > #text then
          return nil, ("a %s is not closed; close it"):format(char)
        elseif char == '"' and text:find('^\\["\\]', close) then
          close = close + 1
        end
        piece[#piece + 1] = text:sub(close, close)
        close = close + 1
      end
      word, at = (word or "") .. table.concat(piece), close
    else
      if char == "\\" and at < #text then
        at = at + 1
        char = text:sub(at, at)
      end
      word = (word or "") .. char
    end
    at = at + 1
  end
  list[#list + 1] = word
  return list
end

return words
