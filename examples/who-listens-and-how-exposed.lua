#!/usr/bin/env sockq
-- Q: Who listens, on which port, and from how far away can it be reached?
-- sockq --proc tests/data/captures/mixed-1/proc examples/who-listens-and-how-exposed.lua
--> proto  port  reached from       waiting    pid  program
--> tcp     783  every interface          0  74411  main: stats collector
--> tcp     443  the internet             0  28185  python3
--> tcp    3306  the internet           128  58762  /opt/x/bin/very
--> tcp6    443  every interface        128  62000  (paren) name
--> tcp6   4369  this machine only        0  72157  beam
--> tcp6     80  the internet             3  96725  mysqld

-- What an address to listen on means for those who want to connect.
local reach = {
  any = "every interface", public = "the internet", private = "the private network",
  link = "the same link", loopback = "this machine only",
}

sockq.tcp():where("LISTEN"):print({
  columns = {
    "proto",
    { title = "port", field = "local_port" },
    { title = "reached from", get = function(row) return reach[row.scope] or row.scope end },
    { title = "waiting", field = "recv_q" },
    "pid",
    "program",
  },
})
