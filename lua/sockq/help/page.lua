-- Pages of help: a list of blocks, and their text for a screen of 80 columns.
--
-- A block is one of
--   { head = "…" }                     a heading
--   { text = "…" }                     a paragraph, folded
--   { list = { { term, text }, … } }   terms and what they mean, the latter folded beside them
--   { commands = { { command, what for }, … } }   as typed into a shell; the second may be missing
--   { code = "…" }                     lines as they are, set in by two blanks
--   { plain = "…" }                    lines as they are
-- The documents that scripts/docs makes write the same blocks in other ways.

local escape = require("sockq.escape")

local page = {}

--- How wide a page is: a column less than a terminal, which else may add an empty line.
page.WIDTH = 79

--- Whether what is printed may hold more than ASCII.
page.utf8 = true

local ASCII = { ["…"] = "...", ["→"] = "->", ["–"] = "-" }

-- Text as the terminal can show it.
local function legible(text)
  return page.utf8 and text or (text:gsub("[\194-\244][\128-\191]+", function(character)
    return ASCII[character] or "?"
  end))
end

-- Terms longer than this stand on a line of their own.
local LONGEST_TERM = 28

-- Characters of a text, not bytes: help has none that are wide.
local function width_of(text)
  return select(2, text:gsub("[^\128-\191]", ""))
end
page.width_of = width_of

--- Fold a text to lines; blanks in `code` stay together.
---@param text string
---@param width integer
---@return string[]
function page.fold(text, width)
  local lines, line = {}, ""
  text = legible(text):gsub("`[^`]*`", function(code)
    return (code:gsub(" ", "\1"))
  end)
  for word in text:gmatch("%S+") do
    word = word:gsub("\1", " ")
    if line == "" then
      line = word
    elseif width_of(line) + 1 + width_of(word) <= width then
      line = line .. " " .. word
    else
      lines[#lines + 1] = line
      line = word
    end
  end
  lines[#lines + 1] = line
  return lines
end

local function pad(text, width)
  return text .. (" "):rep(width - width_of(text))
end

-- Terms with their texts beside them, in columns.
local function add_pairs(lines, list, indent, gap)
  local column = 0
  for _, item in ipairs(list) do
    local width = width_of(legible(item[1]))
    column = width <= LONGEST_TERM and math.max(column, width) or column
  end
  local left = (" "):rep(indent + column + gap)
  for _, item in ipairs(list) do
    local folded = page.fold(item[2] or "", page.WIDTH - #left)
    local term, first = legible(item[1]), 1
    if width_of(term) > column then
      lines[#lines + 1] = (" "):rep(indent) .. term
    else
      lines[#lines + 1] = (" "):rep(indent) .. pad(term, column) .. (" "):rep(gap) .. folded[1]
      first = 2
    end
    for i = first, #folded do
      lines[#lines + 1] = left .. folded[i]
    end
  end
end

-- Commands with what they are for: beside them where all fit, else below.
local function add_commands(lines, list)
  local column, widest = 0, 0
  for _, item in ipairs(list) do
    column = math.max(column, width_of(item[1]))
    widest = math.max(widest, width_of(item[2] or ""))
  end
  for _, item in ipairs(list) do
    if not item[2] then
      lines[#lines + 1] = "  " .. item[1]
    elseif 2 + column + 3 + widest <= page.WIDTH then
      lines[#lines + 1] = "  " .. pad(item[1], column) .. "   " .. item[2]
    else
      lines[#lines + 1] = "  " .. item[1]
      for _, line in ipairs(page.fold(item[2], page.WIDTH - 6)) do
        lines[#lines + 1] = "      " .. line
      end
    end
  end
end

local function add_lines(lines, text, indent)
  for line in (legible(text):gsub("\n$", "") .. "\n"):gmatch("([^\n]*)\n") do
    lines[#lines + 1] = line ~= "" and indent .. line or ""
  end
end

-- The blocks of one paragraph of plain text.
local function add_paragraph(blocks, lines)
  local current
  for _, line in ipairs(lines) do
    local term, rest = line:match("^%s*(%S.-)%s%s+(%S.*)$")
    if term then
      if not (current and current.list) then
        current = { list = {} }
        blocks[#blocks + 1] = current
      end
      table.insert(current.list, { term, (rest:gsub("%s%s+", ": ", 1)) })
    elseif current and current.list and line:find("^%s") then
      local item = current.list[#current.list]
      item[2] = item[2] .. " " .. line
    elseif current and current.text then
      current.text = current.text .. " " .. line
    else
      current = { text = line }
      blocks[#blocks + 1] = current
    end
  end
end

--- The blocks of plain text as people write it: paragraphs with empty lines between, and lists of terms
--- with two blanks or more before their texts.
---@param plain string
---@return table[]
function page.blocks_of(plain)
  local blocks, paragraph = {}, {}
  for line in (plain .. "\n\n"):gmatch("([^\n]*)\n") do
    if line:find("%S") then
      paragraph[#paragraph + 1] = line
    else
      add_paragraph(blocks, paragraph)
      paragraph = {}
    end
  end
  return blocks
end

--- The text of a page.
---@param blocks table[]
---@return string  # ends in a line feed
function page.text(blocks)
  local lines = {}
  for i, block in ipairs(blocks) do
    local before = blocks[i - 1]
    if before and not before.head then
      lines[#lines + 1] = ""
    end
    if block.head then
      lines[#lines + 1] = legible(block.head)
    elseif block.text then
      for _, line in ipairs(page.fold(block.text, page.WIDTH)) do
        lines[#lines + 1] = line
      end
    elseif block.list then
      add_pairs(lines, block.list, 2, 2)
    elseif block.commands then
      add_commands(lines, block.commands)
    else
      add_lines(lines, block.code or block.plain, block.code and "  " or "")
    end
  end
  for i, line in ipairs(lines) do
    lines[i] = line:gsub("%s+$", "")
  end
  -- Plug-ins have a say in it.
  return escape.lines(table.concat(lines, "\n") .. "\n")
end

return page
