#!/usr/bin/env sockq
-- Q: Which programs have most bytes waiting in their sockets, by a field that we define?
-- sockq --proc tests/data/captures/mixed-2/proc examples/which-sockets-hold-most-memory.lua 3
--> program                sockets     waiting        most
--> java                         2  2181038077  2164260862
--> sshd                         2  2147553656  2147483647
--> main: stats collector        1    16777215    16777215

local args = sockq.args({ { name = "top", type = "count", default = 5, doc = "how many programs" } })

-- From here on `waiting` is a field like others, in every expression, key and column.
sockq.field({ name = "waiting", expr = "recv_q + send_q", unit = "bytes", doc = "bytes on either side" })

sockq.tcp():where("waiting > 0 and not LISTEN and program ~= nil"):group("program")
  :agg("sockets=count, waiting=sum(waiting), most=max(waiting)"):sort("-waiting"):limit(args.top):print()
