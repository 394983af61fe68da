-- Timers: every one that runs, and what it will do.

return {
  help = "which timers run, when does each fire, and what then?",
  doc = [[
Every running timer of TCP, soonest first, with the text of the timer plug-in
`explain`; sockets without one are left out. The kernel shows one timer a socket: a
retransmission hides keepalive. doc/timers.md has all about them.]],
  run = function(_, report)
    local rows = report:query("tcp"):where("expires ~= nil"):keep()
    report:rows({
      name = "counts", title = "By timer",
      rows = rows:group("timer, state"):agg("count, soonest=min(expires), latest=max(expires)"):sort("-count, timer, state"),
      empty = "no timer runs",
    })
    report:rows({
      name = "timers", title = "Soonest first",
      rows = rows:sort("expires"),
      columns = { "expires", "timer", "local_addr", "local_port", "remote_addr", "remote_port", "state",
        { timer = "explain", title = "what", name = "what" } },
    })
    if rows:first() then
      report:next("sockq help timers", "what the timers are")
      report:next("sockq 'expires < 5' --timer explain", "those that fire in the next five seconds")
    end
  end,
}
