-- Leaks: sockets whose peer has closed, and whose program has not.

local sformat = string.format

-- net/ipv4/tcp.c, tcp_recvmsg: the peer's FIN counts as one unread byte until the program has read the
-- end of the data.
local COUNTS = "sockets=count, seen_end=count(recv_q == 0), unread=count(recv_q > 0), bytes=sum(max(0, recv_q - 1))"

local function verdict(all)
  if all.seen_end == all.sockets then
    return "all programs have read the end and keep the socket open: they forget to close it"
  elseif all.seen_end == 0 then
    return "no program has read the end yet: they are busy, stuck, or do not watch the socket"
  end
  return sformat("of %d the program has read the end and keeps the socket open; on %d it has not read that far",
    all.seen_end, all.unread)
end

-- How many of the first look are still there: those leak.
local function second_look(report, first, again, seconds)
  local passed = report:sleep(seconds)
  local before = {}
  first:each(function(row)
    before[row.inode or false] = true
  end)
  local both, now = 0, 0
  again:each(function(row)
    now = now + 1
    both = both + (row.inode and before[row.inode] and 1 or 0)
  end)
  return sformat("after %.4g s there are %d; %d of the first are still there", passed, now, both)
end

-- A name that can stand in an expression in a shell as it is.
local function is_plain(name)
  return name and name:find("^[%w._@/+-]+$")
end

return {
  help = "which programs do not close what their peers have closed (CLOSE_WAIT)?",
  doc = [[
In CLOSE_WAIT the peer has closed, and the kernel waits for our program, without
limit. seen_end: of these the program has read the end of the data and must only
close; unread: it has not read that far; bytes: what waits there, without the
end itself.

/proc does not say since when. A few are normal; those that stay and grow are a
leak, and end the program when it has no descriptors left. look=60 looks a second
time and counts those that were there both times.]],
  args = {
    { name = "where", type = "expression", many = true, doc = "only sockets that match" },
    { name = "top", type = "count", named = true, default = 10, doc = "how many ports and peers to show" },
    { name = "look", type = "duration", named = true, optional = true, doc = "look again after this time" },
  },
  run = function(args, report)
    local rows = report:query("tcp", args.where):where("CLOSE_WAIT"):needs({ "program" })
    local leaks = rows:keep()
    local all = leaks:agg(COUNTS):first()
    local look = args.look and second_look(report, leaks, rows, args.look)
    if not all or all.sockets == 0 then
      report:rows({ rows = leaks, empty = "no socket is in CLOSE_WAIT: no program forgets to close" })
      return
    end
    report:text(sformat("sockets in CLOSE_WAIT: %d; /proc does not say since when", all.sockets))
    report:text(verdict(all))
    if look then
      report:text(look)
    end
    report:rows({ name = "programs", title = "by program",
      rows = leaks:group("program, pid"):agg(COUNTS .. ", peers=distinct(remote_addr)"):sort("-sockets, program, pid") })
    report:rows({ name = "ports", title = "by port and peer",
      rows = leaks:group("program, local_port, remote_addr, remote_port"):agg(COUNTS)
        :sort("-sockets, local_port, remote_addr, remote_port"):limit(args.top) })
    local worst = leaks:group("program"):sort("-count, program"):first()
    if is_plain(worst.program) then
      report:next(sformat("sockq CLOSE_WAIT 'program == \"%s\"' -c pid,fd,local_port,remote_addr,recv_q", worst.program),
        "its descriptors: what the program must close")
    elseif leaks:where("pid == nil"):first() then
      report:next("sockq CLOSE_WAIT -c local_port,remote_addr,user,owner_why", "why no owner is known; root sees all")
    end
    report:next("sockq leaks look=60", "whether they stay")
    report:next("sockq CLOSE_WAIT -g program --watch=10", "whether they grow")
  end,
}
