-- Pages of help as manual pages: blocks of sockq.help.page in mdoc(7).
local core = require "sockq.core"
local page = require "sockq.help.page"

local mdoc = {}

-- The date of the manual pages; it changes with what they say.
local DATE = "November 26, 2026"

--- Text as roff wants it.
local function escape(text)
  return (text:gsub("\\", "\\e"):gsub("…", "..."):gsub("→", "->"):gsub('"', "\\(dq"):gsub("^[.']", "\\&%0"))
end

-- One argument of a macro.
local function argument(text)
  local quoted = '"' .. escape(text) .. '"'
  return #text <= 3 and quoted:gsub('^"', '"\\&') or quoted
end

local function add_plain(lines, text)
  -- Each sentence begins a line.
  for sentence in (text:gsub("([.:?]) +(%u)", "%1\n%2") .. "\n"):gmatch("([^\n]*)\n") do
    if sentence:find("%S") then
      for _, line in ipairs(page.fold(sentence, 78)) do lines[#lines + 1] = escape(line) end
    end
  end
end

--- Add a paragraph; what stands between backquotes is literal.
local function add_text(lines, text)
  local at = 1
  while at <= #text do
    local first, last, code, behind = text:find("`([^`]*)`([%)%.,:;]*)", at)
    local before = text:sub(at, (first or #text + 1) - 1)
    local opening = first and before:match("%($") or ""
    add_plain(lines, before:sub(1, #before - #opening))
    if not first then break end
    local marks = behind:gsub(".", " %0")
    lines[#lines + 1] = (".Ql %s%s%s"):format(opening == "" and "" or "( ", argument(code), marks)
    at = last + 1
    -- What is joined to it, as the s of `word`s, would stand apart.
    assert(not text:find("^[%w_]", at), text)
  end
end

local function add_literal(lines, text)
  lines[#lines + 1] = ".Bd -literal -offset indent"
  for line in (text:gsub("\n$", "") .. "\n"):gmatch("([^\n]*)\n") do lines[#lines + 1] = escape(line) end
  lines[#lines + 1] = ".Ed"
end

local function add_list(lines, list)
  lines[#lines + 1] = ".Bl -tag -width Ds"
  for _, item in ipairs(list) do
    lines[#lines + 1] = ".It Cm " .. argument(item[1])
    add_text(lines, item[2])
  end
  lines[#lines + 1] = ".El"
end

local function add_block(lines, block, before)
  if block.head then
    lines[#lines + 1] = ".Ss " .. escape(block.head)
  elseif block.text then
    if before and not before.head then lines[#lines + 1] = ".Pp" end
    add_text(lines, block.text)
  elseif block.list then
    add_list(lines, block.list)
  elseif block.commands then
    add_literal(lines, page.text({ block }):gsub("^  ", ""):gsub("\n  ", "\n"))
  else
    add_literal(lines, block.code or block.plain)
  end
end

--- A manual page.
---@param about { name: string, title: string, number: integer, line: string }
---@param sections table[]  { heading, blocks }
---@return string
function mdoc.page(about, sections)
  local lines = {
    (".\\\" Made by scripts/docs from %s."):format(about.from),
    ".Dd " .. DATE,
    (".Dt %s %d"):format(about.title:upper(), about.number),
    ".Os sockq " .. core.version,
    ".Sh NAME",
    ".Nm " .. about.title,
    ".Nd " .. about.line,
  }
  for _, section in ipairs(sections) do
    lines[#lines + 1] = ".Sh " .. section[1]:upper()
    for i, block in ipairs(section[2]) do add_block(lines, block, section[2][i - 1]) end
  end
  lines[#lines + 1] = ".Sh SEE ALSO"
  for i, also in ipairs(about.also) do
    lines[#lines + 1] = ".Xr " .. also .. (i < #about.also and " ," or "")
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Blocks as sections: each heading begins one.
---@param first string  the heading of what stands before the first
---@param blocks table[]
---@return table[]
function mdoc.sections(first, blocks)
  local sections = { { first, {} } }
  for _, block in ipairs(blocks) do
    if block.head then
      sections[#sections + 1] = { block.head, {} }
    else
      table.insert(sections[#sections][2], block)
    end
  end
  return sections
end

return mdoc
