--- The name that a mistyped word was probably meant to be.
local abs, floor, min = math.abs, math.floor, math.min

-- Rows of the distance table, kept between calls.
local before, above, current = {}, {}, {}

--- Edits that turn one text into the other: insert, delete, replace, swap of two neighbours.
---@param a string
---@param b string
---@return integer
local function distance(a, b)
  for j = 0, #b do above[j] = j end
  for i = 1, #a do
    current[0] = i
    local x, x_left = a:byte(i), a:byte(i - 1)
    for j = 1, #b do
      local y = b:byte(j)
      local best = min(above[j] + 1, current[j - 1] + 1, above[j - 1] + (x == y and 0 or 1))
      if i > 1 and j > 1 and x == b:byte(j - 1) and x_left == y then
        best = min(best, before[j - 2] + 1)
      end
      current[j] = best
    end
    before, above, current = above, current, before
  end
  return above[#b]
end

--- The closest of some names, upper and lower case being equal.
---@param word string
---@param names string[]  in any order, the answer does not depend on it
---@return string?  # nil when a third of the letters or more would have to change
--- Among equally close names the one of the same length wins, then the first in byte order.
--- Example: nearest("stat", { "state", "proto" }) --> "state"
local function nearest(word, names)
  local limit = floor((#word + 1) / 3)
  local lowered = word:lower()
  local found, found_edits, found_longer
  for i = 1, #names do
    local name = names[i]
    local longer = abs(#name - #word)
    if longer <= limit then
      local edits = distance(lowered, name:lower())
      if edits <= limit and (not found or edits < found_edits or edits == found_edits
        and (longer < found_longer or longer == found_longer and name < found)) then
        found, found_edits, found_longer = name, edits, longer
      end
    end
  end
  return found
end

return nearest
