-- How many columns of a terminal a text takes: characters of East Asian scripts and emoji two,
-- combining characters none, every other one. The locale's tables are not asked: under LC_ALL=C they
-- know no character.

local width = {}

-- A list of ranges, as { first, last, first, last, … }, from words GAP or GAP+LENGTH: how far a range
-- begins behind the end of the one before, and how many more code points are in it.
local function ranges(text)
  local list, last = {}, 0
  for gap, more in text:gmatch("(%d+)%+?(%d*)") do
    local first = last + tonumber(gap)
    last = first + (tonumber(more) or 0)
    list[#list + 1] = first
    list[#list + 1] = last
  end
  return list
end

-- General categories Mn, Me and Cf but the soft hyphen, line and paragraph separators, and the Hangul
-- vowels and finals, which join the syllable before them. Source: Unicode 15.1.0, UnicodeData.txt.
local ZERO = ranges([[
768+111 276+6 264+44 2 2+1 2+1 2 57+5 11+10 2 47+20 17 102+7 2+5 3+1 2+3 34 2 31+26 92+10 59+8 10 25+3
2+8 2+2 2+4 44+2 53+15 43+56 56 2 5+7 5 4+6 11+1 30 59 5+3 9 21+1 27+4 58 5+16 31+1 4 12+1 58 5+7 5 21+1
23+7 59 3 2+3 9+9 12+1 31 62 13 51 4 56 2+2 6+16 12+1 30 59 3 7 6+1 21+1 29+1 58+1 5+3 9 21+1 30 73 8+4
91 3+6 13+7 99 3+8 12+6 74+1 28 2 2 56+13 2+4 2+1 6+47 10 103+3 2+5 2+1 3+1 26+1 5+2 17+3 14 3+1 7 16
195+159 350+2 947+2 30+1 31+1 31+1 65+1 2+6 9 3+10 10 46+4 118+1 35 119+2 5+1 10 7+2 220+1 3 59 2+8 2
3+7 7+12 49+83 49 2+4 2 6 41+8 13+1 33+3 3+1 2+2 57 2+1 4 2+2 59+7 3+1 153+2 2+12 2+6 5 7 4+1 199+63
524+4 25+6 50+15 97+32 3071+2 142 97+31 555+3 108+1 30165+3 2+9 33+1 81+1 273 4 5 26+1 6 152+1 27+17 14
39+7 26+10 47+2 49 3+3 3+1 40 68+5 3+1 3+1 13 9 48 52 2+2 3+1 6+1 2 43+1 9 239 3 5 11203+75 8995 738+15
17+15 208 250+2 514 227 150+4 1671+14 41+7 166+1 574+3 388+1 81+2 71+10 50+3 124 55+14 42 3+1 11+2 50+3
3+1 3 5+11 51+2 37+4 2+7 63 13+1 53+8 11+3 3 96+2 3 2+1 7 3 158 4+7 22+1 58+1 4 38+14 196+7 3+2 2 24
85+5 2 5+1 2+1 239+3 7+1 2+1 28+1 86+7 3 2+1 107 2 3+5 2 102+2 3+3 2+4 260+8 2+1 257+1 2 5 145+7 5 33+9
41+5 3+3 9 10+5 3+2 47+12 2+1 407+13 2 83+21 3+6 2+1 2+1 123+20 2 73+1 4 2 348+1 12+1 53+4 6 2 5358+16
7+14 13979+4 60+6 1049 64+3 82 19641+1 2+4774 545+2 10+15 3+6 31+3 149+2 1980+54 5+49 9 15 23+20 1361+42
101 161+6 376 62+3 509+3 993+6 110+6 792247+494
]])

-- East_Asian_Width W and F. Source: Unicode 15.1.0, EastAsianWidth.txt.
local WIDE = ranges([[
4352+95 4539+1 14+1 191+3 4 3 522+1 22+1 51+11 44 20 14 9+1 18+1 6+1 9 6 22 8+1 2 5 3 8 5+1 29 36 2 5+2
2 62+2 25 15 860+1 52 5 811+425 5+16 3+85 5+428 9+7023 65+22214 1178+28 644+11171 8541+511 785+9 23+59
150+95 128+6 28666+3 13+17163 15625 203 191 3+9 102+288 13+8 2+69 2+21 13+42 5+4 13+16 4 4+70 2 2+186
3+62 14+3 2+23 19 27+1 14 87+84 49+69 7 4+2 3+10 12+1 8+8 228+16 284+46 2+9 2+184 113+136 1288+131069
]])

local floor = math.floor

local function is_in(list, code)
  local low, high = 1, #list / 2
  while low <= high do
    local middle = floor((low + high) / 2)
    if code < list[2 * middle - 1] then
      high = middle - 1
    elseif code > list[2 * middle] then
      low = middle + 1
    else
      return true
    end
  end
  return false
end

-- What the first byte of a character of so many bytes has more than its code point's bits.
local MARKS = { [2] = 0xc0, [3] = 0xe0, [4] = 0xf0 }

--- The columns that one character takes.
---@param character string  valid UTF-8
---@return integer  # 0, 1 or 2
function width.of_character(character)
  local code = character:byte()
  if code < 0x80 then
    return 1
  end
  code = code - (MARKS[#character] or code)
  for i = 2, #character do
    code = code * 64 + character:byte(i) - 0x80
  end
  return is_in(ZERO, code) and 0 or is_in(WIDE, code) and 2 or 1
end

--- Walk the characters of a text.
---@param text string  valid UTF-8, as escape.text gives it
---@return fun(): string?
function width.characters(text)
  return text:gmatch("[%z\1-\127\194-\244][\128-\191]*")
end

--- The columns that a text takes.
---@param text string
---@return integer
function width.of(text)
  local sum = 0
  for character in width.characters(text) do
    sum = sum + width.of_character(character)
  end
  return sum
end

--- A text of at most so many columns: the middle is left out, with ~ in its place.
---@param text string
---@param columns integer
---@return string text, integer columns  # that it takes
function width.shorten(text, columns)
  local list, sizes, total = {}, {}, 0
  for character in width.characters(text) do
    list[#list + 1] = character
    sizes[#list] = width.of_character(character)
    total = total + sizes[#list]
  end
  if total <= columns then
    return text, total
  end
  local left, right = 0, #list + 1
  local left_size, right_size = 0, 0
  local left_limit = floor((columns - 1) / 2)
  while left < #list and left_size + sizes[left + 1] <= left_limit do
    left = left + 1
    left_size = left_size + sizes[left]
  end
  while right > left + 1 and left_size + right_size + sizes[right - 1] <= columns - 1 do
    right = right - 1
    right_size = right_size + sizes[right]
  end
  -- What combines belongs to the character before it, which is gone.
  while right <= #list and sizes[right] == 0 do
    right = right + 1
  end
  return table.concat(list, "", 1, left) .. "~" .. table.concat(list, "", right), left_size + 1 + right_size
end

return width
