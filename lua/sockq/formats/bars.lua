-- The bars format: rows as in the table, with a horizontal bar for the first number that is no name:
-- the first aggregate of a group. A histogram has a bar a bucket. Everything is kept until the last
-- row has come: the longest bar is the greatest number.

local cells = require("sockq.cells")
local escape = require("sockq.escape")
local grid = require("sockq.grid")
local value = require("sockq.value")

-- What a line has where no terminal says it, and the least that is left for a bar and for a text.
local WIDTH, LEAST_BAR, LEAST_TEXT = 80, 10, 6

local NUMERIC = { integer = true, number = true }

local FULL, EIGHTHS = "█", { "▏", "▎", "▍", "▌", "▋", "▊", "▉" }

-- A bar of a share of the room; what is not 0 can be seen.
local function bar(number, greatest, room, utf8)
  if type(number) ~= "number" or number ~= number or number <= 0 then
    return ""
  end
  local share = greatest == math.huge and (number == greatest and 1 or 0) or number / greatest
  if not utf8 then
    return ("#"):rep(math.max(1, math.floor(share * room + 0.5)))
  end
  local eighths = math.max(1, math.floor(share * room * 8 + 0.5))
  return FULL:rep(math.floor(eighths / 8)) .. (EIGHTHS[eighths % 8] or "")
end

local function max_of(greatest, number)
  return type(number) == "number" and number > greatest and number or greatest
end

-- The column that has bars: the first histogram, else the first aggregate, else the first number.
local function find_column(columns)
  local first, aggregate
  for i, column in ipairs(columns) do
    if column.type == "histogram" then
      return i
    elseif NUMERIC[column.type] and column.role ~= "key" then
      aggregate = aggregate or (column.role == "value" and i)
      first = first or (not column.identifies and i)
    end
  end
  return aggregate or first
end

local UNITS = { { 2 ^ 40, "Ti" }, { 2 ^ 30, "Gi" }, { 2 ^ 20, "Mi" }, { 2 ^ 10, "Ki" } }

-- The end of a bucket: bytes in units that can be read.
local function bucket_end(number, in_bytes)
  for _, unit in ipairs(in_bytes and UNITS or {}) do
    if number ~= 0 and number % unit[1] == 0 then
      return value.text(number / unit[1]) .. unit[2]
    end
  end
  return value.text(number)
end

local function line(parts, gap)
  return (table.concat(parts, (" "):rep(gap or 2)):gsub(" +$", "")) .. "\n"
end

local function pad(text, size, width, align)
  local blanks = (" "):rep(width - size)
  return align == "right" and blanks .. text or text .. blanks
end

-- One histogram: its buckets, their counts and their bars.
local function put_histogram(put, histogram, column, indent, options)
  local in_bytes = column.unit == "bytes"
  local names, counts, name_width, count_width, greatest = {}, {}, 0, 0, 0
  for i, bucket in ipairs(histogram) do
    names[i] = bucket_end(bucket.from, in_bytes) .. ".." .. bucket_end(bucket.to, in_bytes)
    counts[i] = value.text(bucket.count)
    name_width, count_width = math.max(name_width, #names[i]), math.max(count_width, #counts[i])
    greatest = max_of(greatest, bucket.count)
  end
  local room = math.max(LEAST_BAR, (options.terminal or WIDTH) - #indent - name_width - count_width - 4)
  for i, bucket in ipairs(histogram) do
    put(line({ indent .. pad(names[i], #names[i], name_width, "right"), pad(counts[i], #counts[i], count_width, "right"),
      bar(bucket.count, greatest, room, options.utf8) }))
  end
end

-- Histograms, each under the other columns of its row.
local function histograms(columns, chosen, options, write)
  local count = 0
  return {
    row = function(row)
      count = count + 1
      local heading = {}
      for i, column in ipairs(columns) do
        if i ~= chosen then
          local text = grid.cell(column.get(row), column.unknown, 0)
          heading[#heading + 1] = (options.header and escape.text(cells.name(column)) .. "=" or "") .. text
        end
      end
      if #heading > 0 then
        write((count > 1 and "\n" or "") .. table.concat(heading, "  ") .. "\n")
      end
      local histogram = columns[chosen].get(row)
      if type(histogram) == "table" then
        put_histogram(write, histogram, columns[chosen], #heading > 0 and "  " or "", options)
      end
    end,
    finish = function() end,
  }
end

local function open(columns, options, write)
  local chosen = find_column(columns)
  if not chosen then
    return nil, "bars: no column is a number to draw; group the rows, -g state, or name one, -c program,recv_q"
  elseif columns[chosen].type == "histogram" then
    return histograms(columns, chosen, options, write)
  end
  local texts, sizes, widths, numbers, greatest = {}, {}, {}, {}, 0
  local shrinking = {}
  local titles, title_sizes = grid.titles(columns)
  for i, column in ipairs(columns) do
    shrinking[i] = { shrink = column.align ~= "right" and LEAST_TEXT or nil }
    widths[i] = options.header and title_sizes[i] or 0
  end

  local function put_line(line_texts, line_sizes, at, drawn, gap)
    local parts = {}
    for i, column in ipairs(columns) do
      local text, size = grid.shorten(line_texts[at + i], line_sizes[at + i], widths[i])
      parts[i] = pad(text, size, widths[i], column.align)
    end
    parts[#parts + 1] = drawn
    write(line(parts, gap))
  end

  local count = #columns
  return {
    row = function(row)
      local at = #numbers * count
      local number = columns[chosen].get(row)
      numbers[#numbers + 1] = number or false
      greatest = max_of(greatest, number)
      for i, column in ipairs(columns) do
        local text, size = grid.cell(column.get(row), column.unknown, escape.width(column.unknown))
        texts[at + i], sizes[at + i] = text, size
        widths[i] = math.max(widths[i], size)
      end
    end,
    finish = function()
      local room = options.terminal or WIDTH
      local gap = grid.fit(shrinking, widths, options.terminal and math.max(0, room - LEAST_BAR - 2))
      for _, width in ipairs(widths) do
        room = room - width - gap
      end
      room = math.max(LEAST_BAR, room)
      if options.header and #numbers > 0 then
        put_line(titles, title_sizes, 0, "", gap)
      end
      for i, number in ipairs(numbers) do
        put_line(texts, sizes, (i - 1) * count, bar(number, greatest, room, options.utf8), gap)
      end
    end,
  }
end

return {
  doc = "a horizontal bar for the first aggregate or number, or a bucket of a histogram",
  layout = "table",
  open = open,
}
