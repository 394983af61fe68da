-- Q: Which connections moved most bytes between two looks?
-- sockq --path "$PWD/examples/plugins" --read tests/data/recordings/busy-1.rec --at 1 busiest 2s
--> program  peer           port     sent  received
--> rsync    192.0.2.1       443  1483657         9
--> nginx    198.51.100.7  38301        9   1483657
--> nginx    203.0.113.5   59489   445097        19
--> backup   192.0.2.1       443       19    445097
--> nginx    192.0.2.20    55587     3461       593
--> monitor  192.0.2.1       443      593      3461

return {
  help = "which connections moved most bytes between two looks?",
  args = { { name = "between", type = "duration", default = "1s", doc = "time between the looks" },
    { name = "top", type = "count", named = true, default = 10, doc = "how many to show" } },
  run = function(args, report)
    -- sock_diag counts the bytes; its cookie is one connection's for ever, addresses may be another's later.
    local rows = report:query("tcp"):where("ESTAB and bytes_acked ~= nil"):needs({ "cookie", "program" })
    local before, list = {}, {}
    for row in rows:rows() do
      before[row.cookie] = { sent = row.bytes_acked, received = row.bytes_received }
    end
    local passed = math.max(report:sleep(args.between), 0.001)
    for row in rows:rows() do
      local earlier = before[row.cookie] or { sent = 0, received = 0 }
      local sent, received = row.bytes_acked - earlier.sent, row.bytes_received - earlier.received
      if sent + received > 0 then
        list[#list + 1] = { program = row.program, peer = row.remote_addr, port = row.remote_port, both = sent + received,
          sent = math.floor(sent / passed), received = math.floor(received / passed) }
      end
    end
    table.sort(list, function(a, b) return a.both > b.both or a.both == b.both and a.sent > b.sent end)
    report:rows({ rows = { unpack(list, 1, args.top) }, empty = "none that sock_diag tells of moved a byte", columns = {
      { field = "program" }, { field = "peer", identifies = true }, { field = "port", identifies = true },
      { field = "sent", unit = "bytes/s" }, { field = "received", unit = "bytes/s" } } })
  end,
}
