-- Queues: whose data is not read, not taken by the peer, or not accepted.

local sockq = require("sockq")

local sformat = string.format

-- net/ipv4/tcp_ipv4.c, get_tcp4_sock: a SYN or FIN on its way counts as a byte of the queue.
local UNREAD = 'recv_q > 0 and not LISTEN and not (recv_q == 1 and (CLOSE_WAIT or CLOSING or LAST_ACK))'
local UNSENT = 'send_q > 0 and not LISTEN and not SYN_SENT and not (send_q == 1 and (FIN_WAIT1 or LAST_ACK or CLOSING))'

local function total(rows, field)
  local all = rows:agg(sformat("n=count, bytes=sum(%s)", field)):first()
  return all and all.n or 0, all and all.bytes or 0
end

local function bytes_text(bytes)
  if bytes >= 1048576 then
    return sformat("%.1f MiB", bytes / 1048576)
  elseif bytes >= 1024 then
    return sformat("%.1f KiB", bytes / 1024)
  end
  return sformat("%d bytes", bytes)
end

local function accept_text(waiting, facts)
  local overflows = facts.netstat.TcpExt.ListenOverflows
  local most = facts.sysctl["net.core.somaxconn"]
  return sformat("%d connections wait for accept(); a queue's limit is the listen() backlog, at most somaxconn (%s); "
    .. "full so far: %s", waiting, most or "not known", overflows and sformat("%d times", overflows) or "not known")
end

return {
  help = "whose data waits: unread by us, unsent to them, connections not accepted?",
  doc = [[
unread   received, and our program does not read it: the program is slow or stuck.
         Of UDP the queue counts memory, not payload.
unsent   written, and the peer has not acknowledged it: the peer or the network is
         slow. retransmitting: of these sockets, those that send again.
closed   the peer's window is closed: it has said that it takes nothing more now. The
         probe timer asks again. Unanswered probes: the peer may be gone.
accept   connections that the kernel has made and the program has not accepted. /proc
         has no limit of the queue; ss and sock_diag do.]],
  run = function(_, report)
    local rows = report:query("tcp,udp,udplite"):needs({ "program" }):keep()
    local unread, unsent = rows:where(UNREAD), rows:where(UNSENT)
    local closed = rows:where('timer == "probe"')
    local accept = rows:where("LISTEN and recv_q > 0")

    local count, bytes = total(unread, "recv_q")
    report:text(count == 0 and "unread: nothing, our programs keep up"
      or sformat("unread: %s on %d sockets: our side is slow", bytes_text(bytes), count))
    local sending, sent = total(unsent, "send_q")
    report:text(sending == 0 and "unsent: nothing, everything is acknowledged"
      or sformat("unsent: %s on %d sockets: the peer or the network is slow", bytes_text(sent), sending))
    local windows = closed:count()
    report:text(windows == 0 and "closed windows: none" or sformat("closed windows: %d", windows))
    local _, waiting = total(accept, "recv_q")
    if waiting > 0 then
      report:text(accept_text(waiting, sockq.facts()))
    else
      report:text("accept queues: empty")
    end

    report:rows({
      name = "unread", title = "Unread data, by program",
      rows = unread:group("program, proto"):agg("sockets=count, bytes=sum(recv_q), most=max(recv_q)"):sort("-bytes"),
    })
    report:rows({
      name = "unsent", title = "Unsent data, by program",
      rows = unsent:group("program, proto"):agg("sockets=count, peers=distinct(remote_addr), bytes=sum(send_q), "
        .. "most=max(send_q), retransmitting=count(retrans > 0)"):sort("-bytes"),
    })
    report:rows({
      name = "closed", title = "Closed windows",
      rows = closed:sort("-send_q"):select("program, local_addr, local_port, remote_addr, remote_port, state, send_q, "
        .. "probes, next=expires"),
    })
    report:rows({
      name = "accept", title = "Connections that wait for accept()",
      rows = accept:sort("-recv_q"):select("program, local_addr, local_port, waiting=recv_q"),
    })

    if count > 0 then
      report:next("sockq 'recv_q > 0 and not LISTEN' -s -recv_q -L 20", "the sockets with the most unread data")
    end
    if sending > 0 then
      report:next("sockq retrans", "who sends again, and until when")
    end
    if waiting > 0 then
      report:next("sockq 'LISTEN and recv_q > 0'", "the listeners, with their processes")
    end
  end,
}
