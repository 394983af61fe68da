-- The picture of a look: its lines with what changed since the look before, and the text of those
-- that are to be seen. In the first two columns stands what a line is: + new, - gone, ~ changed.

local changes = require("sockq.watch.changes")
local fields = require("sockq.fields")
local grid = require("sockq.grid")
local identity = require("sockq.identity")
local look = require("sockq.watch.look")
local text = require("sockq.watch.text")
local theme = require("sockq.theme")
local width = require("sockq.width")

local picture = {}

local MARK_COLUMNS = 2
local NEW, GONE, CHANGED = "\27[32m", "\27[2;9m", "\27[1;33m"

-- Where the rows that are gone stand: behind the row that they stood behind.
local function in_order(was, is)
  local now_of, behind = {}, {}
  for _, entry in ipairs(is) do
    if entry.was then
      now_of[entry.was] = entry
    end
  end
  local anchor, any = was, false
  for _, entry in ipairs(was) do
    if entry.gone then
      any = true
      behind[anchor] = behind[anchor] or {}
      table.insert(behind[anchor], entry)
    else
      anchor = now_of[entry]
    end
  end
  if not any then
    return is
  end
  local list = {}
  local function add_gone(place)
    for _, entry in ipairs(behind[place] or {}) do
      list[#list + 1] = entry
    end
  end
  add_gone(was)
  for _, entry in ipairs(is) do
    list[#list + 1] = entry
    add_gone(entry)
  end
  return list
end

-- By what a section is known in the next look: its title and columns, and a number among its like.
local function section_key(section, counts)
  local names = { section.title or "text" }
  for _, column in ipairs(section.columns or {}) do
    names[#names + 1] = column.name
  end
  local key = table.concat(names, "|")
  counts[key] = (counts[key] or 0) + 1
  return key .. "#" .. counts[key]
end

local function add_section(made, section, before)
  section.is_text = section.parts ~= nil
  section.entries = section.is_text and text.entries(look.text(section)) or identity.entries(section.rows)
  local list = section.entries
  if before then
    identity.pair(before.entries, list)
    section.widths, section.delta_widths = before.widths, before.delta_widths
    list = in_order(before.entries, list)
  end
  if not section.is_text then
    made.rows = (made.rows or 0) + #section.rows
    section.kinds = changes.kinds(section.columns, type(section.rows[1]) == "userdata")
    for _, kind in ipairs(section.kinds) do
      made.runs = made.runs or kind == "clock"
    end
    if section.header and #list > 0 then
      made.items[#made.items + 1] = { section = section, is_header = true }
    end
  end
  for _, entry in ipairs(list) do
    local is_new = before ~= nil and not entry.was and not entry.gone
    made.new = made.new + (is_new and 1 or 0)
    made.gone = made.gone + (entry.gone and 1 or 0)
    made.runs = made.runs or section.is_text and text.runs(entry.row)
    made.items[#made.items + 1] = { section = section, entry = entry, is_new = is_new }
  end
end

--- Make the picture of a look.
---@param sections table[]       of look.captor
---@param before table|nil       the picture of the look before
---@return table  # items: lines; rows: how many, nil of text alone; new, gone: how many; runs: true if
---   it shows timers
function picture.make(sections, before)
  local made = { by_key = {}, items = {}, new = 0, gone = 0 }
  local counts = {}
  for _, section in ipairs(sections) do
    local key = section_key(section, counts)
    made.by_key[key] = section
    add_section(made, section, before and before.by_key[key])
  end
  return made
end

-- As much of a text as fits into some columns.
local function cut(given, room)
  if #given <= room then
    return given, #given
  end
  local parts, used = {}, 0
  for character in width.characters(given) do
    local size = width.of_character(character)
    if used + size > room then
      break
    end
    parts[#parts + 1], used = character, used + size
  end
  return table.concat(parts), used
end
picture.cut = cut

local function difference(before, now)
  if type(before) ~= "number" or type(now) ~= "number" or before == now then
    return ""
  end
  return (now > before and "+" or "-") .. grid.cell(math.abs(now - before), "", 0)
end

-- The cells of one row: texts, sizes, deltas, and which of them changed.
local function cells_of(item, age)
  local section, entry = item.section, item.entry
  local was = entry.was
  local cells = { changed = false }
  for i, column in ipairs(section.columns) do
    local cell = { delta = "" }
    if was then
      local before, now
      cell.changed, before, now = changes.cell(column, section.kinds[i], was.row, entry.row)
      cells.changed = cells.changed or cell.changed
      if cell.changed and changes.is_counter(column, entry.row) then
        cell.delta = difference(before, now)
      end
    end
    cells[i] = cell
  end
  fields.set_age(entry.gone and 0 or age)
  for i, column in ipairs(section.columns) do
    local ok, value = pcall(column.get, entry.row)
    if not ok then
      fields.set_age(0)
      error(value, 0)
    end
    cells[i].text, cells[i].size = grid.cell(value, column.unknown, #column.unknown)
  end
  fields.set_age(0)
  return cells
end

-- Columns only grow from look to look: what jumps cannot be read.
local function widen(section, all)
  local titles, sizes = grid.titles(section.columns)
  section.titles, section.title_sizes = titles, sizes
  section.widths = section.widths or {}
  section.delta_widths = section.delta_widths or {}
  for i, column in ipairs(section.columns) do
    local most = math.max(section.widths[i] or 0, column.width or 0, section.header and sizes[i] or 0)
    local most_delta = section.delta_widths[i] or 0
    for _, cells in ipairs(all) do
      most = math.max(most, cells[i].size)
      most_delta = math.max(most_delta, #cells[i].delta)
    end
    section.widths[i], section.delta_widths[i] = most, most_delta
  end
end

-- What a line of a section has room for: a width a column, and the gap between them.
local function layout(section, room)
  local widths = {}
  for i, size in ipairs(section.widths) do
    local delta = section.delta_widths[i]
    widths[i] = size + (delta > 0 and delta + 1 or 0)
  end
  local gap = grid.fit(section.columns, widths, room)
  for i in ipairs(widths) do
    local delta = section.delta_widths[i]
    widths[i] = widths[i] - (delta > 0 and delta + 1 or 0)
  end
  return widths, gap
end

-- Cells side by side, at most `room` columns; style(i) → what stands before the text of a cell, or nil.
local function join(section, cells, room, style)
  local widths, gap = section.fitted, section.gap
  local parts, used = {}, 0
  local function put(given, size, before)
    if used + size > room then
      given, size = cut(given, room - used)
    end
    used = used + size
    parts[#parts + 1] = before and size > 0 and before .. given .. theme.reset or given
  end
  for i, column in ipairs(section.columns) do
    local cell = cells[i]
    local shown, size = cell.text, cell.size
    if column.shrink then
      shown, size = grid.shorten(shown, size, widths[i])
    end
    local blanks = (" "):rep(widths[i] - size)
    put((" "):rep(i > 1 and gap or 0), i > 1 and gap or 0)
    if column.align == "right" then
      put(blanks, #blanks)
    end
    put(shown, size, style(i))
    if column.align ~= "right" then
      put(blanks, #blanks)
    end
    local delta_width = section.delta_widths[i]
    if delta_width > 0 then
      put(" " .. cell.delta .. (" "):rep(delta_width - #cell.delta), delta_width + 1, style(i))
    end
  end
  return (table.concat(parts):gsub(" +$", ""))
end

local function mark_of(item, changed)
  return item.is_new and "+ " or item.entry.gone and "- " or changed and "~ " or "  "
end

local function style_of_line(item, color)
  return color and (item.is_new and NEW or item.entry.gone and GONE) or nil
end

local function row_line(item, cells, options)
  local section, line_style = item.section, style_of_line(item, options.color)
  return mark_of(item, cells.changed) .. join(section, cells, options.columns - MARK_COLUMNS, function(i)
    if not options.color then
      return nil
    elseif line_style then
      return line_style
    elseif cells[i].changed then
      return CHANGED
    end
    local colours = theme.of(section.columns[i])
    return colours and colours[cells[i].text]
  end)
end

local function header_line(section, options)
  local cells = {}
  for i, title in ipairs(section.titles) do
    cells[i] = { text = title, size = section.title_sizes[i], delta = "" }
  end
  return "  " .. join(section, cells, options.columns - MARK_COLUMNS, function()
    return options.color and theme.title or nil
  end)
end

local function text_line(item, options, age)
  local entry = item.entry
  local changed = entry.was and text.changed(entry.was.row, entry.row)
  local line = cut(entry.gone and entry.row or text.aged(entry.row, age), options.columns - MARK_COLUMNS)
  local line_style, number = style_of_line(item, options.color), 0
  if line_style then
    line = line_style .. line .. theme.reset
  elseif changed and options.color then
    line = line:gsub("%S+", function(word)
      number = number + 1
      return changed[number] and CHANGED .. word .. theme.reset or nil
    end)
  end
  return mark_of(item, changed) .. line
end

-- The items from one on that there is room for. A header that has scrolled away stands in the place
-- of the first row.
local function visible(made, offset, room)
  local list, at = {}, offset
  local first = made.items[offset + 1]
  if offset > 0 and room > 0 and first and first.entry and not first.section.is_text and first.section.header then
    list[1], at = { section = first.section, is_header = true }, offset + 1
  end
  while #list < room and made.items[at + 1] do
    at = at + 1
    list[#list + 1] = made.items[at]
  end
  return list, #made.items - at
end

--- How far a picture can be scrolled.
---@param made table
---@param room integer  lines
---@return integer
function picture.last_offset(made, room)
  return math.max(0, #made.items - math.max(1, room))
end

--- The lines of a picture from one on.
---@param made table
---@param offset integer   how many lines are scrolled away
---@param options { columns: integer, color: boolean }
---@param room integer     lines
---@param age number       seconds since the look
---@return string[] lines, integer more  # how many are below
function picture.lines(made, offset, options, room, age)
  local list, more = visible(made, offset, room)
  local cells, by_section = {}, {}
  for i, item in ipairs(list) do
    local section = item.section
    if not section.is_text then
      by_section[section] = by_section[section] or {}
      if not item.is_header then
        cells[i] = cells_of(item, age)
        table.insert(by_section[section], cells[i])
      end
    end
  end
  for section, all in pairs(by_section) do
    widen(section, all)
    section.fitted, section.gap = layout(section, options.columns - MARK_COLUMNS)
  end
  local lines = {}
  for i, item in ipairs(list) do
    if item.is_header then
      lines[i] = header_line(item.section, options)
    elseif item.section.is_text then
      lines[i] = text_line(item, options, age)
    else
      lines[i] = row_line(item, cells[i], options)
    end
  end
  return lines, more
end

return picture
