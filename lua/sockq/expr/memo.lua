--- Remember what a function of one text answered: processes and addresses come again and again.

-- Answers that are kept; beyond that all are forgotten, so that nothing grows without end.
local LIMIT = 16384

-- Stands for nil.
local UNKNOWN = {}

---@param compute fun(text: string): any
---@return fun(text: string): any  # the same, remembered
--- Cost: a table access where the text was seen before; up to 16,384 answers are kept.
local function memo(compute)
  local known, count = {}, 0
  return function(text)
    local answer = known[text]
    if answer == nil then
      answer = compute(text)
      if answer == nil then answer = UNKNOWN end
      if count >= LIMIT then known, count = {}, 0 end
      known[text], count = answer, count + 1
    end
    if answer == UNKNOWN then return nil end
    return answer
  end
end

return memo
