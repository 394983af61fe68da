-- Q: Which connections go away by themselves within some time, and which never?
-- sockq --path "$PWD/examples/plugins" --proc tests/data/captures/mixed-2/proc ages 10s
--> 2 end within 10 s, 3 have no timer at all
-->
--> remote_addr          remote_port  expires
--> fe80::4382:6caa             5432        0
--> 2001:db8::9ded:6514           22     0.05
-->
--> next: sockq --proc tests/data/captures/mixed-2/proc ESTAB -g timer  # how many have no timer: is keepalive off on purpose?

return {
  help = "which connections go away by themselves within some time, and which never?",
  args = { { name = "within", type = "duration", default = "1m", doc = "how soon is soon" } },
  run = function(args, report)
    local rows = report:query("tcp"):where("not LISTEN"):keep()
    local soon = rows:where("TIME_WAIT and expires <= " .. args.within)
    local never = rows:where('ESTAB and timer == "off"')
    report:text(("%d end within %g s, %d have no timer at all"):format(soon:count(), args.within, never:count()))
    report:rows({ name = "soon", rows = soon:sort("expires"):select("remote_addr, remote_port, expires") })
    report:next("sockq ESTAB -g timer", "how many have no timer: is keepalive off on purpose?")
  end,
}
