-- What scripts/bench makes of its samples, on standard output:
--
--   luajit tests/bench/report.lua table GROUP SAMPLES    a Markdown table: medians, and their ratios to the floor
--   luajit tests/bench/report.lua memory GROUP SAMPLES   bytes a row of both processes
--   luajit tests/bench/report.lua steady SAMPLES         whether owners cost more a socket where there are more
--   luajit tests/bench/report.lua rows ROWS SAMPLES      what a row of the captured table costs, as sentences
--   luajit tests/bench/report.lua plot SAMPLES           how listings with owners grow, as SVG
--
-- A sample is a line: round, group, label, floor's label, goal, wall, user and system ns, KiB, exit status. A goal is
-- a ratio, or "5ms": so much more than the floor. A line "rows GROUP N" says how many rows a group's listings had.

local function read(path)
  local groups, rows = {}, {}
  for line in assert(io.open(path)):lines() do
    local group, count = line:match("^rows\t([^\t]*)\t(%d+)$")
    if group then rows[group] = tonumber(count) end
    local name, label, floor, goal, wall, user, system, kib, status =
      line:match("^%d+\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t(%d+)\t(%d+)\t(%d+)\t(%d+)\t(%d+)$")
    if name then
      groups[name] = groups[name] or { list = {} }
      local entry = groups[name][label]
      if not entry then
        entry = { label = label, floor = floor, goal = goal, wall = {}, cpu = {}, kib = {}, status = "0" }
        groups[name][label] = entry
        table.insert(groups[name].list, entry)
      end
      table.insert(entry.wall, tonumber(wall))
      table.insert(entry.cpu, user + system)
      table.insert(entry.kib, tonumber(kib))
      if status ~= "0" then entry.status = status end
    end
  end
  return groups, rows
end

local function median(list)
  local sorted = { unpack(list) }
  table.sort(sorted)
  return (sorted[math.floor((#sorted + 1) / 2)] + sorted[math.floor(#sorted / 2) + 1]) / 2
end

local actions = {}

function actions.table(group, path)
  local groups, rows = read(path)
  local entries = groups[group] or { list = {} }
  -- Where little is read, the start outweighs it.
  local is_small = rows[group] and rows[group] < 100000
  print("| command | ms | to its floor | goal | processor ms | MiB |")
  print("|---|--:|--:|---|--:|--:|")
  for _, entry in ipairs(entries.list) do
    local wall, ratio, goal = median(entry.wall), "floor", ""
    local floor = entries[entry.floor]
    if floor ~= entry and floor then
      ratio = wall / median(floor.wall)
      local more = entry.goal:match("^(%d+)ms$")
      if entry.goal ~= "" and not is_small then
        local met = entry.status == "0" and (more and wall - median(floor.wall) <= more * 1e6
          or not more and ratio <= tonumber(entry.goal))
        goal = ("%s %s"):format(met and "met:" or "**missed:**", more and more .. " ms more" or entry.goal)
      end
      ratio = ("%.2f"):format(ratio)
    end
    local note = entry.status ~= "0" and (" (exit status %s)"):format(entry.status) or ""
    print(("| `%s`%s | %.1f | %s | %s | %.1f | %.0f |"):format(entry.label, note, wall / 1e6, ratio, goal,
      median(entry.cpu) / 1e6, median(entry.kib) / 1024))
  end
end

function actions.memory(group, path)
  local groups, rows = read(path)
  local entries = groups["memory_of_" .. group] or { list = {} }
  local count, empty = rows[group], entries.list[1] and median(entries.list[1].kib) or 0
  print("| command | MiB | bytes a row | goal |")
  print("|---|--:|--:|---|")
  for i, entry in ipairs(entries.list) do
    local kib = median(entry.kib)
    local bytes = (kib - empty) * 1024 / count
    -- A few thousand rows say nothing: what is there once outweighs them.
    local goal = i == 1 and "" or count < 100000 and "" or bytes <= 160 and "met: 160" or "**missed:** 160"
    print(("| `%s` | %.1f | %s | %s |"):format(entry.label, kib / 1024, i == 1 and "" or ("%.0f"):format(bytes), goal))
  end
end

function actions.steady(path)
  local groups, rows = read(path)
  local sizes = {}
  for name, count in pairs(rows) do
    if count >= 100000 and groups[name] then sizes[#sizes + 1] = name end
  end
  table.sort(sizes, function(a, b) return rows[a] < rows[b] end)
  if #sizes < 2 then return end
  local few, many = groups[sizes[1]], groups[sizes[#sizes]]
  for _, label in ipairs { "sockq netstat -tanpo", "sockq -t -g program" } do
    local function ratio(group) return median(group[label].wall) / median(group[group[label].floor].wall) end
    print(("`%s`: %.2f of its floor at %d sockets, %.2f at %d (goal: no worse, %s)."):format(label, ratio(few), rows[sizes[1]],
      ratio(many), rows[sizes[#sizes]], ratio(many) <= ratio(few) * 1.02 and "met" or "missed"))
  end
end

function actions.rows(count, path)
  local groups = read(path)
  count = tonumber(count)
  local start = median(groups.million["sockq -t -A count, of no rows"].wall)
  local function a_row(label, from) return (median(groups.million[label].wall) - from) / count end
  local walk = a_row("sockq -t -A count", start)
  local filter
  for _, entry in ipairs(groups.million.list) do
    if entry.label:find(" -A count$") and #entry.label > #"sockq -t -A count" then
      filter = a_row(entry.label, start)
    end
  end
  local group = a_row("sockq -t -g state", start)
  local function verdict(value, goal)
    return ("%.1f ns (goal: %d, %s)"):format(value, goal, value <= goal and "met" or "missed")
  end
  print(("A row, wall clock less that of no rows: reading and scanning %s; to filter %s more; to group by state %s more."):format(
    verdict(walk, 40), verdict(math.max(0, filter - walk), 10), verdict(math.max(0, group - walk), 10)))
end

-- Both axes logarithmic; a colour and a dash each, so that it can be read without colours.
local CURVES = {
  { "read, and one readlink a descriptor", "the floor: read, one readlink a descriptor", "#888888", "2 3" },
  { "sockq netstat -tanpo", "sockq netstat -tanpo", "#2a8a3a", "" },
  { "netstat -tanpo", "netstat -tanpo", "#c0392b", "8 3" },
  { "ss -tanp", "ss -tanp", "#2e6fb7", "8 3 2 3" },
  { "lsof -nP -iTCP", "lsof -nP -iTCP", "#b07000", "3 2" },
}
local WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 460, 80, 20, 20, 110

function actions.plot(path)
  local groups, rows = read(path)
  local sizes = {}
  for name, count in pairs(rows) do
    if groups[name] then sizes[#sizes + 1] = { name = name, rows = count } end
  end
  table.sort(sizes, function(a, b) return a.rows < b.rows end)
  local low, high = math.huge, 0
  for _, size in ipairs(sizes) do
    for _, curve in ipairs(CURVES) do
      local entry = groups[size.name][curve[1]]
      local seconds = entry and median(entry.wall) / 1e9
      if seconds then low, high = math.min(low, seconds), math.max(high, seconds) end
    end
  end
  local function log(number) return math.log(number) / math.log(10) end
  local x0, x1 = math.floor(log(sizes[1].rows)), math.ceil(log(sizes[#sizes].rows))
  local y0, y1 = math.floor(log(low)), math.ceil(log(high))
  local function x(count) return LEFT + (log(count) - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT) end
  local function y(seconds) return HEIGHT - BOTTOM - (log(seconds) - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM) end
  local function put(format, ...) io.write(format:format(...), "\n") end
  put('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">', WIDTH, HEIGHT)
  put('<rect width="%d" height="%d" fill="#ffffff"/>', WIDTH, HEIGHT)
  put('<g fill="#333333">')
  for power = x0, x1 do
    put('<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#dddddd"/>', x(10 ^ power), TOP, x(10 ^ power), HEIGHT - BOTTOM)
    put('<text x="%.1f" y="%d" text-anchor="middle">%d</text>', x(10 ^ power), HEIGHT - BOTTOM + 18, 10 ^ power)
  end
  for power = y0, y1 do
    put('<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#dddddd"/>', LEFT, y(10 ^ power), WIDTH - RIGHT, y(10 ^ power))
    put('<text x="%d" y="%.1f" text-anchor="end">%g s</text>', LEFT - 8, y(10 ^ power) + 4, 10 ^ power)
  end
  put('<text x="%d" y="%d" text-anchor="middle">TCP sockets</text>', (LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 38)
  for i, curve in ipairs(CURVES) do
    local points = {}
    for _, size in ipairs(sizes) do
      local entry = groups[size.name][curve[1]]
      if entry then
        local px, py = x(size.rows), y(median(entry.wall) / 1e9)
        points[#points + 1] = ("%.1f,%.1f"):format(px, py)
        put('<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>', px, py, curve[3])
      end
    end
    put('<polyline points="%s" fill="none" stroke="%s" stroke-width="2" stroke-dasharray="%s"/>', table.concat(points, " "),
      curve[3], curve[4])
    local at_x, at_y = LEFT + (i - 1) % 2 * 330, HEIGHT - BOTTOM + 60 + math.floor((i - 1) / 2) * 18
    put('<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" stroke-width="2" stroke-dasharray="%s"/>', at_x, at_y, at_x + 36,
      at_y, curve[3], curve[4])
    put('<text x="%d" y="%d">%s</text>', at_x + 44, at_y + 4, curve[2])
  end
  put('</g>\n</svg>')
end

local action = actions[arg[1] or ""]
if not action then
  io.stderr:write("usage: report.lua table|memory|rows|plot ...\n")
  os.exit(2)
end
action(unpack(arg, 2))
