-- Drain: the sockets in TIME_WAIT, and when they are gone.

local sockq = require("sockq")

local sformat = string.format
local ceil = math.ceil

-- The times at which a tenth, two tenths … all of the sockets are gone.
local function tenths(waiting)
  local times = {}
  waiting:where("expires ~= nil"):sort("expires"):each(function(row)
    times[#times + 1] = row.expires
  end)
  local lines = {}
  for part = 1, #times > 0 and 10 or 0 do
    local count = ceil(#times * part / 10)
    lines[part] = { gone = part * 10, sockets = count, after = times[count] }
  end
  return lines, times[#times]
end

local function key(row)
  return row.local_addr .. " " .. row.local_port .. " " .. row.remote_addr .. " " .. row.remote_port
end

-- What a second look tells: how many came and went. One that was there and has more time left than it
-- can have was used anew.
local function second_look(report, before, again, seconds)
  local elapsed = report:sleep(seconds)
  local known, left = {}, 0
  before:each(function(row)
    known[key(row)] = row.expires or 0
    left = left + 1
  end)
  local new, all = 0, 0
  again:each(function(row)
    all = all + 1
    local expires = known[key(row)]
    if not expires or (row.expires or 0) > expires - elapsed + 1 then
      new = new + 1
    end
  end)
  local gone = left - (all - new)
  return sformat("after %.4g s: %d; new: %d (%.1f a second), gone: %d (%.1f a second)", elapsed, all, new, new / elapsed,
    gone, gone / elapsed)
end

local function limit_text(count)
  local most = sockq.facts().sysctl["net.ipv4.tcp_max_tw_buckets"]
  if type(most) ~= "number" then
    return nil
  end
  local text = sformat("the kernel keeps at most %d (tcp_max_tw_buckets)", most)
  return count >= most * 0.9 and text .. ": the table is all but full, and further ones are closed at once" or text
end

return {
  help = "how many sockets are in TIME_WAIT, and when are they gone?",
  doc = [[
TIME_WAIT lasts 60 s after the side that closed first has closed; it costs little
memory, but holds the pair of addresses and ports. gone: percent of the sockets,
after: in so many seconds. look=10 looks a second time and tells how fast new
ones come.]],
  args = {
    { name = "where", type = "expression", many = true, doc = "only sockets that match" },
    { name = "top", type = "count", named = true, default = 10, doc = "how many peers to show" },
    { name = "look", type = "duration", named = true, optional = true, doc = "look again after this time" },
  },
  run = function(args, report)
    local rows = report:query("tcp", args.where):where("TIME_WAIT")
    local waiting = rows:keep()
    local count = waiting:count()
    local look = args.look and args.look > 0 and second_look(report, waiting, rows, args.look)
    if count == 0 then
      report:rows({ rows = waiting, empty = look and "no socket was in TIME_WAIT; " .. look or "no socket is in TIME_WAIT" })
      return
    end
    local lines, last = tenths(waiting)
    report:text(sformat("sockets in TIME_WAIT: %d%s", count, last and sformat("; the last is gone in %.1f s", last) or ""))
    local limit = limit_text(count)
    if limit then
      report:text(limit)
    end
    if look then
      report:text(look)
    end
    report:rows({ name = "tenths", title = "when they are gone", rows = lines, columns = {
      { field = "gone", unit = "percent", identifies = true, doc = "of the sockets" },
      { field = "sockets", doc = "how many that are" },
      { field = "after", unit = "seconds", doc = "until they are gone" } } })
    report:rows({ name = "peers", title = "by peer", rows = waiting:group("remote_addr")
      :agg("sockets=count, ports=distinct(remote_port), first=min(expires), last=max(expires)")
      :sort("-sockets, remote_addr"):limit(args.top) })
    local worst = waiting:group("remote_addr, remote_port"):sort("-count, remote_addr, remote_port"):first()
    report:next(sformat("sockq TIME_WAIT 'remote_addr == \"%s\"' -g local_port,remote_port -L 10", worst.remote_addr),
      "which ports: of a service of ours, or of connections that we make")
    report:next("sockq ports", "whether connections that we make run out of ports")
    report:next("sockq drain look=10", "how fast new ones come")
  end,
}
