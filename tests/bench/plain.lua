-- What a script without sockq does: read the text by lines and patterns.
--   luajit tests/bench/plain.lua filter|group|sort FILE
local what, path = arg[1], arg[2]

local function rows(visit)
  local first = true
  for line in io.lines(path) do
    if not first then
      local remote, st, send, unread = line:match("^%s*%d+: %S+ (%S+) (%x%x) (%x+):(%x+)")
      visit(remote, st, tonumber(send, 16), tonumber(unread, 16))
    end
    first = false
  end
end

if what == "filter" then
  local count = 0
  rows(function(_, st, _, unread)
    if st == "01" and unread > 0 then count = count + 1 end
  end)
  print(count)
elseif what == "group" then
  local groups = {}
  rows(function(_, st)
    groups[st] = (groups[st] or 0) + 1
  end)
  for st, count in pairs(groups) do print(st, count) end
else
  local list = {}
  rows(function(remote, _, _, unread)
    list[#list + 1] = { remote, unread }
  end)
  table.sort(list, function(a, b) return a[2] > b[2] end)
  for i = 1, 10 do print(list[i][1], list[i][2]) end
end
