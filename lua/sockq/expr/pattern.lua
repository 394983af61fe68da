--- Lua patterns: what is wrong with one, told before a text is searched.
--
-- string.find() raises its errors when the search comes to the faulty place, which depends on the
-- text; and a pattern of many parts may need more C stack than it gets.
local pattern = {}

--- Parts that may each need a level of recursion; LuaJIT gives 200.
local MAX_PARTS = 100
local MAX_CAPTURES = 32

local NO_BRACKET = "the pattern has a [ without its ]; write %[ for the character"

--- The place behind a set.
---@param text string
---@param i integer  of its "["
---@return integer?
local function behind_set(text, i)
  i = i + 1
  if text:sub(i, i) == "^" then i = i + 1 end
  repeat
    i = i + (text:sub(i, i) == "%" and 2 or 1)
    if i > #text then return nil end
  until text:sub(i, i) == "]"
  return i + 1
end

-- What follows a "%" and is no class: each gives the place behind it, or nil and what is wrong.
local escapes = {
  [""] = function() return nil, "the pattern ends in %; write %% for a percent sign" end,
  b = function(text, i)
    if #text < i + 3 then return nil, "%b in the pattern needs two characters; write %b() or the like" end
    return i + 4
  end,
  f = function(text, i)
    if text:sub(i + 2, i + 2) ~= "[" then
      return nil, "%f in the pattern needs a set; write %f[%w] or the like"
    end
    return i + 2
  end,
}
for digit = 0, 9 do
  escapes[tostring(digit)] = function(_, i, state)
    if digit < 1 or digit > state.captures or state.open[digit] then
      return nil, ("%%%d in the pattern names no finished (...); write %%%% for a percent sign"):format(digit)
    end
    return i + 2
  end
end

-- Parts that take no * + - ? behind them, and sets.
local parts = {}

parts["%"] = function(text, i, state)
  local escape = escapes[text:sub(i + 1, i + 1)]
  if escape then return escape(text, i, state) end
  return i + 2, nil, true
end

parts["("] = function(text, i, state)
  state.captures = state.captures + 1
  if state.captures > MAX_CAPTURES then return nil, "the pattern has more than 32 (...); leave some out" end
  if text:sub(i + 1, i + 1) == ")" then return i + 2 end
  state.open[state.captures] = true
  return i + 1
end

parts[")"] = function(_, i, state)
  local last = state.captures
  while last > 0 and not state.open[last] do last = last - 1 end
  if last == 0 then return nil, "the pattern has a ) without its (; write %) for the character" end
  state.open[last] = nil
  return i + 1
end

parts["["] = function(text, i)
  local behind = behind_set(text, i)
  if not behind then return nil, NO_BRACKET end
  return behind, nil, true
end

--- What is wrong with a pattern.
---@param text string
---@return string?  # "what is wrong; what to do"; nil: nothing
function pattern.problem(text)
  if text:find "%z" then return "the pattern has a zero byte; write %z for it" end
  local state, count = { captures = 0, open = {} }, 0
  local i = text:sub(1, 1) == "^" and 2 or 1
  while i <= #text do
    local part = parts[text:sub(i, i)]
    local behind, problem, repeats = i + 1, nil, true
    if part then behind, problem, repeats = part(text, i, state) end
    if problem then return problem end
    local repeated = repeats and text:find("^[*+?-]", behind)
    i = repeated and behind + 1 or behind
    if repeated or not repeats then count = count + 1 end
  end
  if next(state.open) then return "the pattern has a ( without its ); write %( for the character" end
  if count > MAX_PARTS then return "the pattern has too many parts; write a shorter one" end
end

--- Whether a pattern is just a text to be found.
---@param text string
---@return boolean
function pattern.is_plain(text) return not text:find "[%^%$%(%)%%%.%[%]%*%+%-%?]" end

return pattern
