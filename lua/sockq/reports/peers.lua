-- Peers: with whom we talk, and how much of it.

local sformat = string.format

local COUNTS = "sockets=count, established=count(ESTABLISHED), time_wait=count(TIME_WAIT), close_wait=count(CLOSE_WAIT), "
  .. "other=count(not (ESTABLISHED or TIME_WAIT or CLOSE_WAIT)), unread=sum(recv_q), unsent=sum(send_q)"

return {
  help = "with which remote addresses do we talk, and with whom most?",
  doc = [[
A line for each remote address: its sockets by state, and the bytes that wait on
them, received and not read, or written and not acknowledged. remote_scope says
how far away it is. Sockets without a peer, as listeners have none, are left out.]],
  args = {
    { name = "where", type = "expression", many = true, doc = "count only sockets that match" },
    { name = "top", type = "count", named = true, default = 20, doc = "how many addresses to show" },
  },
  run = function(args, report)
    local rows = report:query("tcp,udp,udplite,sctp", args.where):where("remote_port > 0")
    local peers = rows:group("remote_addr, remote_scope"):agg(COUNTS):sort("-sockets, remote_addr"):keep()
    local all = peers:agg("addresses=count, sockets=sum(sockets), most=max(sockets)"):first()
    local public = peers:where('remote_scope == "public"'):agg("addresses=count, sockets=sum(sockets)"):first()
    local public_sockets = public and public.sockets or 0
    local first = peers:first()
    if first then
      report:text(sformat("remote addresses: %d, with sockets: %d", all.addresses, all.sockets))
      report:text(sformat("public ones: %d, with sockets: %d", public and public.addresses or 0, public_sockets))
      report:text(sformat("most: %s, with %.0f %% of the sockets", first.remote_addr, 100 * first.sockets / all.sockets))
    end
    report:rows({ rows = peers:limit(args.top), empty = "there is no socket with a peer",
      columns = "remote_addr, remote_scope, sockets, established, time_wait, close_wait, other, unread, unsent" })
    if not first then
      return
    end
    if all.addresses > args.top then
      report:next(sformat("sockq peers top=%d", all.addresses), sformat("all of them; %d are not shown",
        all.addresses - args.top))
    end
    report:next(sformat("sockq 'remote_addr == \"%s\"' -g program,state", first.remote_addr),
      "whose the sockets to the first one are")
    if public_sockets > 0 then
      report:next("sockq 'remote_scope == \"public\"' -g program,remote_addr", "which programs talk to the outside")
    end
  end,
}
