-- Whole numbers as the C library's strtol(3) reads them.

local integer = {}

local BASES = { { "^0[xX](%x+)$", 16 }, { "^(0[0-7]*)$", 8 }, { "^([1-9]%d*)$", 10 } }

--- The number of a text: decimal, 0x… or 0…, with blanks and a sign before it, and nothing behind it.
---@param text string
---@return number|nil  # nil: it is none
function integer.read(text)
  local sign, digits = text:match("^[ \t\n\v\f\r]*([+-]?)(%w+)$")
  for _, base in ipairs(digits and BASES or {}) do
    local found = digits:match(base[1])
    if found then
      -- Leading zeros apart, what is longer is beyond every limit.
      found = found:gsub("^0+(.)", "%1")
      local number = #found > 24 and math.huge or tonumber(found, base[2])
      return sign == "-" and -number or number
    end
  end
  return nil
end

--- The same within limits.
---@param text string
---@param low number
---@param high number
---@return number|nil
function integer.within(text, low, high)
  local number = integer.read(text)
  return number and number >= low and number <= high and number or nil
end

return integer
