-- Pages of help as Markdown: blocks of sockq.help.page, one line a paragraph folded at 120 columns.
local page = require "sockq.help.page"

local markdown = {}

local function cell(text) return (text:gsub("|", "\\|")) end

-- Text outside of code: what Markdown would take for its own.
local function plain(text)
  return ((text .. "`"):gsub("([^`]*)`([^`]*)", function(before, code)
    return before:gsub("[*_<]", "\\%0") .. "`" .. code
  end):gsub("`$", ""))
end

local function fenced(add, language, text)
  add("```" .. language)
  add((text:gsub("\n$", "")))
  add "```"
end

local function commands_of(list)
  local lines = {}
  for i, item in ipairs(list) do
    lines[i] = item[2] and ("%s  # %s"):format(item[1], item[2]) or item[1]
  end
  return table.concat(lines, "\n")
end

--- The text of some blocks.
---@param blocks table[]
---@return string  # ends in a line feed
function markdown.text(blocks)
  local lines = {}
  local function add(line) lines[#lines + 1] = line end
  for _, block in ipairs(blocks) do
    if #lines > 0 then add "" end
    if block.head then
      add("## " .. block.head)
    elseif block.text then
      for _, line in ipairs(page.fold(plain(block.text), 120)) do add(line) end
    elseif block.list then
      add "| | |"
      add "|---|---|"
      for _, item in ipairs(block.list) do
        add(("| `%s` | %s |"):format(cell(item[1]), cell(plain(item[2]))))
      end
    elseif block.commands then
      fenced(add, "sh", commands_of(block.commands))
    else
      fenced(add, "lua", block.code or block.plain)
    end
  end
  return table.concat(lines, "\n") .. "\n"
end

return markdown
