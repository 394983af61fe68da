---@meta sockq
-- Made by scripts/docs: what sockq's scripts and plug-ins can call, for editors. It is never run.
-- In .luarc.json: { "workspace.library": ["/usr/share/sockq/types"], "runtime.version": "LuaJIT" }

---@alias sockq.word.proto "tcp"|"tcp6"|"sctp"|"udp"|"udp6"|"udplite"|"udplite6"|"raw"|"raw6"|"icmp"|"icmp6"|"unix"|"netlink"|"packet"|"mptcp"|"mptcp6"|"dccp"|"dccp6"|"vsock"|"tipc"|"xdp"
---@alias sockq.word.family "inet"|"inet6"|"unix"|"netlink"|"packet"|"vsock"|"tipc"|"xdp"
---@alias sockq.word.state "BOUND_INACTIVE"|"CLOSE"|"CLOSE_WAIT"|"CLOSING"|"CONNECTED"|"CONNECTING"|"DISCONNECTING"|"ESTABLISHED"|"FIN_WAIT1"|"FIN_WAIT2"|"FREE"|"LAST_ACK"|"LISTEN"|"SYN_RECV"|"SYN_SENT"|"TIME_WAIT"|"UNCONN"
---@alias sockq.word.scope "any"|"loopback"|"link"|"private"|"multicast"|"public"
---@alias sockq.word.timer "off"|"on"|"keepalive"|"timewait"|"probe"|string
---@alias sockq.word.runtime "docker"|"podman"|"containerd"|"cri-o"|"buildkit"|"lxc"|"libvirt-lxc"|"systemd-nspawn"|"garden"
---@alias sockq.word.suspect "repeated"|"forged"|"forges"|"long"|"joined"
---@alias sockq.word.ca_state "Open"|"Disorder"|"CWR"|"Recovery"|"Loss"|string
---@alias sockq.word.fastopen_client_fail "cookie_unavailable"|"data_not_acked"|"syn_retransmitted"
---@alias sockq.word.shutdown "none"|"read"|"write"|"both"
---@alias sockq.word.assoc_state "CLOSED"|"COOKIE_WAIT"|"COOKIE_ECHOED"|"ESTABLISHED"|"SHUTDOWN_PENDING"|"SHUTDOWN_SENT"|"SHUTDOWN_RECEIVED"|"SHUTDOWN_ACK_SENT"|string

---@class sockq.Owner  a process that has the socket
---@field pid integer
---@field fd integer
---@field program string?
---@field cmdline string?

--- A socket. A field that the row's table cannot tell is nil, never 0.
---@class sockq.Row
---@field proto sockq.word.proto  protocol: tcp, tcp6, udp, …, unix, netlink, packet
---@field family sockq.word.family  address family: inet, inet6, unix, netlink, packet, vsock, tipc, xdp
---@field table string  file below /proc/net that has such rows
---@field line integer  line of that file
---@field state? sockq.word.state  socket state as netstat spells it; ss's UNCONN for unconnected
---@field state_code? integer  the kernel's number of the state
---@field local_addr? string  local address; of vsock the context id, of tipc the node
---@field laddr? string  local address; of vsock the context id, of tipc the node
---@field local_port? integer  local port; of raw sockets the protocol, of ping sockets the identifier, of tipc the reference
---@field lport? integer  local port; of raw sockets the protocol, of ping sockets the identifier, of tipc the reference
---@field remote_addr? string  remote address; of vsock the context id, of tipc the node
---@field raddr? string  remote address; of vsock the context id, of tipc the node
---@field remote_port? integer  remote port, 0 for none
---@field rport? integer  remote port, 0 for none
---@field scope? sockq.word.scope  how far the local address reaches: any, loopback, link, private, multicast, public
---@field remote_scope? sockq.word.scope  how far away the remote address is
---@field recv_q? integer  received and not read; of a listener connections that wait for accept; of udp and raw memory, in bytes
---@field send_q? integer  written and not acknowledged; of udp and raw memory, in bytes
---@field timer? sockq.word.timer  timer that runs: off, on, keepalive, timewait, probe, unkn-N
---@field timer_code? integer  the kernel's number of the timer (column tr)
---@field expires? number  until the timer fires; 0 if due or overdue, unknown if off, in seconds
---@field when? number  the kernel's tm->when, whatever the timer, in ticks
---@field retrans? integer  timeouts since the last progress: unanswered retransmissions
---@field probes? integer  unanswered zero-window or keepalive probes (column timeout)
---@field uid? integer  user of the socket, as the reader's user namespace sees it
---@field user? string  name of that user, its number if it has none
---@field inode? integer  inode of the socket, exact up to 2^53
---@field pid? integer  first process that has the socket, as netstat shows
---@field fd? integer  its descriptor there
---@field program? string  that process's name: argv[0] without folders, else comm
---@field cmdline? string  that process's arguments, at most 4 KiB
---@field comm? string  that process's name in the kernel, at most 15 bytes
---@field exe? string  that process's program file, with (deleted) behind it if it is gone
---@field started? number  when that process was started, after the epoch, in seconds
---@field owners? sockq.Owner[]  every owner: { { pid, fd, program, cmdline }, … }
---@field nprocs? integer  how many processes have the socket, unknown where no owner is, in processes
---@field owner_why? string  why no owner is known
---@field peer_pid? integer  first process at the other end of a local connection
---@field peer_program? string  that process's name
---@field cgroup? string  cgroup of the first process
---@field unit? string  systemd unit of the first process, in its container if that runs a systemd
---@field container? string  innermost container of the first process: 12 digits of its id, or its name
---@field runtime? sockq.word.runtime  what runs that container, unknown where the cgroup's path does not tell
---@field pod? string  uid of the Kubernetes pod of the first process; of podman's 12 digits of the id
---@field netns? string  network namespace: its name in /run/netns, else its first process: 1/systemd
---@field netns_inode? integer  that namespace by the inode of its ns link
---@field host? string  name of the machine
---@field refs? integer  the kernel's reference count
---@field rto? number  retransmission timeout, in seconds
---@field ato? number  delayed acknowledgement timeout, in seconds
---@field cwnd? integer  congestion window, in segments
---@field ssthresh? integer  slow start threshold, unknown in initial slow start, in segments
---@field drops? integer  dropped on receipt; of tcp segments, of a listener connections, in datagrams
---@field path? string  name of a unix socket, @ first if abstract
---@field suspect? sockq.word.suspect  why the row may be forged or damaged: repeated, forged, forges, long, joined
---@field type? string  socket type: STREAM, DGRAM, SEQPACKET, RAW
---@field protocol? string  protocol of a raw or netlink socket, ethertype of a packet socket
---@field port_id? integer  netlink port id, 0 for the kernel's; often the pid
---@field groups? integer  the first 32 netlink multicast groups, a bit each
---@field ifindex? integer  device that the socket is bound to: 0 any, -1 gone
---@field dev? string  name of that device, in the namespace of sockq alone
---@field closed? number  when a socket of --follow was closed, since 1970, in seconds
---@field rtt? number  smoothed round-trip time, in seconds
---@field rttvar? number  mean deviation of the round-trip time, in seconds
---@field min_rtt? number  least round-trip time of the last minutes, in seconds
---@field rcv_rtt? number  round-trip time as the receiving side estimates it, in seconds
---@field mss? integer  largest segment that is sent now, in bytes
---@field rcv_mss? integer  largest segment that is received, an estimate, in bytes
---@field advmss? integer  largest segment that was announced to the peer, in bytes
---@field pmtu? integer  largest packet that the path lets through, as far as known, in bytes
---@field rcv_ssthresh? integer  how far the receive window may grow now, in bytes
---@field rcv_space? integer  read in a round trip, by which the receive buffer grows, in bytes
---@field snd_wnd? integer  receive window of the peer, scaled, in bytes
---@field rcv_wnd? integer  receive window that was announced to the peer, scaled, in bytes
---@field bytes_sent? integer  data sent, with what was sent again, in bytes
---@field bytes_acked? integer  data that the peer acknowledged, in bytes
---@field bytes_received? integer  data received in order, in bytes
---@field bytes_retrans? integer  data sent again, in bytes
---@field segs_out? integer  sent, with bare acknowledgements, in segments
---@field segs_in? integer  received, in segments
---@field data_segs_out? integer  sent that hold data, with what was sent again, in segments
---@field data_segs_in? integer  received that hold data, in segments
---@field delivery_rate? integer  latest measured rate at which data got to the peer, in bytes/second
---@field pacing_rate? integer  rate at which data leaves at most, unknown if unlimited, in bytes/second
---@field max_pacing_rate? integer  limit that was set for that rate, unknown without one, in bytes/second
---@field busy_time? number  how long there was data to send or unacknowledged, in seconds
---@field rwnd_limited? number  how long of that the peer's receive window held it up, in seconds
---@field sndbuf_limited? number  how long of that the send buffer held it up, in seconds
---@field delivered? integer  that got to the peer, with what was sent again, in segments
---@field delivered_ce? integer  of those marked for congestion, by ECN, in segments
---@field unacked? integer  sent and not acknowledged, in segments
---@field notsent? integer  written and not sent yet, in bytes
---@field retrans_now? integer  sent again and not acknowledged, in segments
---@field retrans_total? integer  sent again since the connection began, in segments
---@field lost? integer  that are taken for lost, in segments
---@field sacked? integer  acknowledged out of order, by SACK, in segments
---@field fackets? integer  below the highest acknowledged one; 0 since Linux 4.15, in segments
---@field reordering? integer  how far out of order they are thought to arrive, in segments
---@field reord_seen? integer  reordering was seen, in times
---@field dsack_dups? integer  that the peer got twice, by DSACK, in segments
---@field rcv_ooopack? integer  received out of order, in segments
---@field rehash? integer  another path was tried, after timeouts or congestion, in times
---@field backoff? integer  how often the retransmission timeout was doubled
---@field total_rto? integer  the retransmission timer ran out, in times
---@field total_rto_recoveries? integer  of recovery from that, in times
---@field total_rto_time? number  how long such recoveries took, in seconds
---@field received_ce? integer  received that bear a mark for congestion, by AccECN, in segments
---@field delivered_e1_bytes? integer  data that got to the peer with ECT(1), by AccECN, in bytes
---@field delivered_e0_bytes? integer  data that got to the peer with ECT(0), by AccECN, in bytes
---@field delivered_ce_bytes? integer  data that got to the peer with CE, by AccECN, in bytes
---@field received_e1_bytes? integer  data received with ECT(1), by AccECN, in bytes
---@field received_e0_bytes? integer  data received with ECT(0), by AccECN, in bytes
---@field received_ce_bytes? integer  data received with CE, by AccECN, in bytes
---@field last_snd? number  since data was sent, in seconds
---@field last_rcv? number  since data was received, in seconds
---@field last_ack? number  since an acknowledgement was received, in seconds
---@field ca_state? sockq.word.ca_state  state of loss recovery
---@field timestamps? boolean  timestamps are in use
---@field sack? boolean  selective acknowledgements are in use
---@field ecn? boolean  explicit congestion notification is in use
---@field ecn_seen? boolean  a packet that can bear ECN marks was received
---@field fastopen? boolean  data went with the SYN and was acknowledged with it
---@field usec_ts? boolean  timestamps are in microseconds
---@field tfo_child? boolean  accepted by TCP Fast Open
---@field snd_wscale? integer  window scale of the peer, unknown if not negotiated, in bits
---@field rcv_wscale? integer  window scale of this side, unknown if not negotiated, in bits
---@field app_limited? boolean  delivery_rate was held down by the program, not by the network
---@field fastopen_client_fail? sockq.word.fastopen_client_fail  why TCP Fast Open failed
---@field cc? string  congestion control
---@field bbr_bw? integer  bbr: bandwidth of the path, an estimate, in bytes/second
---@field bbr_min_rtt? number  bbr: least round-trip time, in seconds
---@field bbr_pacing_gain? number  bbr: by how much the pacing rate exceeds the bandwidth
---@field bbr_cwnd_gain? number  bbr: by how much the window exceeds what the path holds
---@field vegas_enabled? boolean  vegas: it is in charge
---@field vegas_rttcnt? integer  vegas: round trips measured in the last one, in times
---@field vegas_rtt? number  vegas: latest round-trip time, in seconds
---@field vegas_minrtt? number  vegas: least round-trip time of the last one, in seconds
---@field dctcp_enabled? boolean  dctcp: it is in charge
---@field dctcp_ce_state? integer  dctcp: 1 if the last packet received was marked
---@field dctcp_alpha? number  dctcp: share of data that is marked, 0 to 1
---@field dctcp_ab_ecn? integer  dctcp: acknowledged and marked in this window, in bytes
---@field dctcp_ab_tot? integer  dctcp: acknowledged in this window, in bytes
---@field backlog? integer  of a listener: those that wait for accept, in connections
---@field backlog_max? integer  of a listener: how many may wait for accept, in connections
---@field rmem_alloc? integer  memory of what was received and not read, in bytes
---@field rcvbuf? integer  limit of that: the receive buffer, in bytes
---@field wmem_alloc? integer  memory of what is on its way out, below the socket, in bytes
---@field sndbuf? integer  limit of what may be queued to be sent: the send buffer, in bytes
---@field fwd_alloc? integer  memory that is set aside and not in use, in bytes
---@field wmem_queued? integer  memory of what is queued to be sent, in bytes
---@field optmem? integer  memory of socket options and filters, in bytes
---@field sk_backlog? integer  memory of packets that came while the socket was locked, in bytes
---@field cookie? string  the kernel's number of the socket in hex, never used again
---@field mark? integer  mark of its packets; the kernel tells root alone, in the view ss and in a query that names it, without plug-ins
---@field class_id? integer  class of its packets: of net_cls, else the priority
---@field tos? integer  type of service of its IPv4 packets
---@field tclass? integer  traffic class of its IPv6 packets
---@field cgroup_id? integer  cgroup that the socket was made in, by its id
---@field sk_cgroup? string  that cgroup's path; cgroup is that of the process
---@field sockopts? string[]  socket options that are set
---@field shutdown? sockq.word.shutdown  which directions were shut down
---@field v6only? boolean  of an IPv6 socket: it takes no IPv4
---@field md5_keys? integer  keys of TCP MD5 signatures; told as mark is
---@field ulp? string  upper layer in the kernel: tls, mptcp, …
---@field tls_version? string  TLS version in the kernel
---@field tls_cipher? string  its cipher
---@field tls_tx? string  who encrypts: none, sw (the kernel), hw, hw-record
---@field tls_rx? string  who decrypts: none, sw (the kernel), hw, hw-record
---@field mptcp_token_remote? string  of a subflow: the peer's token of the connection, in hex
---@field mptcp_token_local? string  of a subflow: the token of the connection here, in hex
---@field mptcp_id_remote? integer  of a subflow: id of the remote address
---@field mptcp_id_local? integer  of a subflow: id of the local address
---@field mptcp_subflow_flags? string[]  of a subflow: what was agreed, as the kernel calls it
---@field mptcp_token? string  token of the connection, in hex
---@field mptcp_subflows? integer  that joined the first one, in subflows
---@field mptcp_subflows_max? integer  that may join, in subflows
---@field mptcp_subflows_total? integer  with the first one, in subflows
---@field mptcp_add_addr_signal? integer  that were announced to the peer, in addresses
---@field mptcp_add_addr_signal_max? integer  that may be announced, in addresses
---@field mptcp_add_addr_accepted? integer  of the peer that were accepted, in addresses
---@field mptcp_add_addr_accepted_max? integer  of the peer that may be accepted, in addresses
---@field mptcp_local_addr_used? integer  of this host that are in use, in addresses
---@field mptcp_local_addr_max? integer  of this host that may be in use, in addresses
---@field mptcp_fallback? boolean  the peer knows no MPTCP: it is plain TCP
---@field mptcp_remote_key_received? boolean  the peer's key was received
---@field mptcp_csum? boolean  data bears checksums
---@field mptcp_retransmits? integer  the connection's timer sent data again, in times
---@field peer_inode? integer  inode of the unix socket at the other end
---@field icons? string[]  of a listener: inodes of the sockets that wait for accept
---@field vfs_inode? integer  inode of the file that it is bound to
---@field vfs_dev? string  device of that file, MAJOR:MINOR
---@field dst_port_id? integer  netlink port id that it is connected to, 0 for the kernel's
---@field dst_group? integer  netlink multicast group that it is connected to
---@field packet_version? string  version of its rings' headers
---@field packet_flags? string[]  running, auxdata, origdev, vnethdr, loss: those that are set
---@field copy_thresh? integer  longer packets are also copied whole to the queue, in bytes
---@field rx_ring? integer  size of the ring that takes what is received, in bytes
---@field rx_ring_frames? integer  how many the ring that takes what is received holds, in frames
---@field tx_ring? integer  size of the ring that takes what is to be sent, in bytes
---@field tx_ring_frames? integer  how many the ring that takes what is to be sent holds, in frames
---@field fanout_id? integer  group of sockets that share what is received
---@field fanout_type? string  how they share it: hash, lb, cpu, rollover, rnd, qm, cbpf, ebpf
---@field filter_len? integer  length of its classic filter, in instructions
---@field local_addrs? string[]  every local address of an SCTP socket
---@field remote_addrs? string[]  every remote address of an SCTP association
---@field assoc_id? integer  identifier of an SCTP association
---@field assoc_state? sockq.word.assoc_state  state of an SCTP association
---@field sctp_rwnd? integer  of an SCTP association: receive window here, in bytes
---@field sctp_peer_rwnd? integer  of an SCTP association: receive window of the peer, in bytes
---@field sctp_unackdata? integer  of an SCTP association: sent and not acknowledged, in chunks
---@field sctp_penddata? integer  of an SCTP association: received and not read, in chunks
---@field sctp_instrms? integer  of an SCTP association: from the peer, in streams
---@field sctp_outstrms? integer  of an SCTP association: to the peer, in streams
---@field sctp_ipackets? integer  of an SCTP association: received, in packets
---@field sctp_opackets? integer  of an SCTP association: sent, in packets
---@field sctp_rtxchunks? integer  of an SCTP association: sent again, in chunks
---@field sctp_cwnd? integer  of an SCTP association: congestion window of its primary path, in bytes
---@field sctp_ssthresh? integer  of an SCTP association: slow start threshold of its primary path, in bytes
---@field sctp_rto? number  of an SCTP association: retransmission timeout of its primary path, in seconds
---@field sctp_flight_size? integer  of an SCTP association: on their way on its primary path, in bytes
---@field tipc_congestion? string  of a TIPC socket: what holds it up: none, link, conn
---@field tipc_drops? integer  of a TIPC socket: dropped on receipt, in messages
---@field tipc_published? boolean  of a TIPC socket: it is bound to a service
---@field tipc_service? string  of a TIPC socket: type and instance by which it was connected, TYPE:INSTANCE
---@field xdp_queue? integer  queue of the device that an AF_XDP socket is bound to
---@field xdp_rx_ring? integer  of an AF_XDP socket: ring of what was received, in entries
---@field xdp_tx_ring? integer  of an AF_XDP socket: ring of what is to be sent, in entries
---@field xdp_fill_ring? integer  of an AF_XDP socket: ring of frames to receive into, in entries
---@field xdp_completion_ring? integer  of an AF_XDP socket: ring of frames that were sent, in entries
---@field umem_id? integer  of an AF_XDP socket: the memory that it shares, by its number
---@field umem_size? integer  of an AF_XDP socket: that memory, in bytes
---@field umem_chunk_size? integer  of an AF_XDP socket: a frame of that memory, in bytes
---@field umem_headroom? integer  of an AF_XDP socket: kept free before what is received, in bytes
---@field umem_refs? integer  of an AF_XDP socket: that share that memory, in sockets
---@field xdp_rx_dropped? integer  of an AF_XDP socket: dropped on receipt, for whatever else, in packets
---@field xdp_rx_invalid? integer  of an AF_XDP socket: dropped on receipt for frames that are none, in packets
---@field xdp_rx_queue_full? integer  of an AF_XDP socket: dropped on receipt for want of room in the ring, in packets
---@field xdp_rx_fill_ring_empty? integer  of an AF_XDP socket: times that no frame was there to receive into, in packets
---@field xdp_tx_invalid? integer  of an AF_XDP socket: not sent for frames that are none, in packets
---@field xdp_tx_ring_empty? integer  of an AF_XDP socket: times that nothing was there to send, in packets
---@field timer_text? string  the timer in the words of --timer, human if there is none
local Row = {}

--- What the kernel's text said, also where it means nothing for this row (a TIME_WAIT row's retrans
--- of 0). For views that imitate a program which prints it.
---@param name string  retrans, probes, when, uid, inode, refs or state_code
---@return number
function Row:raw(name) end

--- A row of one's own from a cursor; of a row that is one's own, the row itself or its like.
---@return sockq.Row
function Row:keep() end

--- The row at the other end of a TCP or UDP connection, if both ends are in tables that are read:
--- over the loopback, or between network namespaces. Without needs{"peer_pid"} or an expression over
--- it the tables are looked at once more at the first call, and what has ended meanwhile has no
--- other end. A socket that is connected to itself is its own.
---@return sockq.Row|nil
function Row:peer() end

--- Walk the fields that this row knows, in the registry's order: for name, value in row:fields().
--- Owners are read if they have not been.
---@return fun(): string|nil, any
function Row:fields() end

--- A row that group, agg, select or join made: its columns are its fields.
---@class sockq.Record
---@field [string] any
local Record = {}

--- The record itself: unlike a cursor it stays valid.
---@return sockq.Record
function Record:keep() end

--- Walk the fields that this record knows: for name, value in row:fields().
---@return fun(): string|nil, any
function Record:fields() end

--- A query: lazy, a value; each verb gives a new one.
---@class sockq.Query
local Query = {}

--- Keep the rows for which a predicate is true; several where() are and-ed.
---@param predicate string|fun(row: sockq.Row): boolean  an expression, or a function of a row that is valid during the call only
---@return sockq.Query
--- Cost: keeps no rows. An expression on state or proto narrows what is collected; owners are read
--- first if it names one of their fields.
function Query:where(predicate) end

--- One row for each different combination of keys. Without agg or count behind it a group has its
--- keys and `count` (`rows` if a key is called so). A key that tells of a socket's owner, such as
--- program, pid or container, counts a socket of several processes once for each different value, so
--- that groups may add up to more than there are sockets; several such keys are those of one owner.
---@param given string|function|table  "state, net=subnet(remote_addr, 24)"
---@return sockq.Records
--- Memory: the keys of every group, and what its aggregates say.
function Query:group(given) end

--- Aggregates of each group, or of all rows: "count, worst=max(expires), p99(recv_q)".
---@param given string|string[]
---@return sockq.Records
--- Memory: as the aggregates say: sockq help aggregates
function Query:agg(given) end

--- Order the rows: "-count, remote_addr"; - descends, unknown comes last.
---@param given string|function|table
---@return sockq.Query
--- Memory: a number and its keys a row; with limit behind it, for twice the limit at most.
function Query:sort(given) end

--- At most so many rows; the rest is not read.
---@param count integer
---@return sockq.Query
function Query:limit(count) end

--- Rows of these columns only: "program, wait=60-expires".
---@param given string|function|table
---@return sockq.Records
--- Memory: none; a record a row.
function Query:select(given) end

--- The first row of each different combination of keys; without keys, of all columns.
---@param given? string|function|table
---@return sockq.Query
--- Memory: the keys of every row that passes.
function Query:distinct(given) end

--- Join each row with those rows of another query, or of a list of tables, that have equal keys.
---@param other sockq.Query|table[]
---@param on string|table  keys: a field that both sides have, or RIGHT=EXPR: its field, our expression
---@param options? { how: "inner"|"left"|"semi"|"anti", prefix: string, names: string[] }  left keeps rows without a match; semi and anti only ask whether there is one; prefix (default "other_") is put before the right side's fields whose names are taken
---@return sockq.Records
--- Memory: all rows of the other side.
function Query:join(other, on, options) end

--- The fields of this query's rows: { list = { entry, … }, by_name }.
---@return table
function Query:schema() end

--- Read these fields' sources from the start, as a function or loop will need them.
---@param names string[]
---@return sockq.Query
function Query:needs(names) end

--- Call visit(row) for every matching row while rows arrive, until it returns true. The row is a
--- cursor, valid during the call only.
---@param visit fun(row: sockq.Row): boolean?
function Query:each(visit) end

--- Iterate matching rows: for s in query:rows() do … end. Each row is the script's own.
---@return fun(): sockq.Row?
function Query:rows() end

--- All matching rows in an array. Cost: a userdata a row; the rows themselves stay where they are.
---@return sockq.Row[]
function Query:list() end

--- Read the rows now, and give a query over them: several questions to one look at the tables.
---@return sockq.Query
--- Memory: a userdata a row, and the row set. Owners are read now if needs() or an expression names
--- them.
function Query:keep() end

--- How many rows match. Behind group it is a verb: each group gets its number of rows.
---@param name? string  behind group: what to call it (default "count")
---@return integer|sockq.Query
function Query:count(name) end

--- The first matching row, nil if none matches. The rest is not collected.
---@return sockq.Row|nil
function Query:first() end

--- Print the matching rows to standard output.
---@param options? { columns: string|table[], format: string, header: boolean, timer: string }
---@return integer  # how many rows were printed
function Query:print(options) end

--- A query whose rows are records.
---@class sockq.Records: sockq.Query
local Records = {}

--- Keep the rows for which a predicate is true; several where() are and-ed.
---@param predicate string|fun(row: sockq.Record): boolean  an expression, or a function of a row that is valid during the call only
---@return sockq.Records
--- Cost: keeps no rows. An expression on state or proto narrows what is collected; owners are read
--- first if it names one of their fields.
function Records:where(predicate) end

--- One row for each different combination of keys. Without agg or count behind it a group has its
--- keys and `count` (`rows` if a key is called so). A key that tells of a socket's owner, such as
--- program, pid or container, counts a socket of several processes once for each different value, so
--- that groups may add up to more than there are sockets; several such keys are those of one owner.
---@param given string|function|table  "state, net=subnet(remote_addr, 24)"
---@return sockq.Records
--- Memory: the keys of every group, and what its aggregates say.
function Records:group(given) end

--- Aggregates of each group, or of all rows: "count, worst=max(expires), p99(recv_q)".
---@param given string|string[]
---@return sockq.Records
--- Memory: as the aggregates say: sockq help aggregates
function Records:agg(given) end

--- Order the rows: "-count, remote_addr"; - descends, unknown comes last.
---@param given string|function|table
---@return sockq.Records
--- Memory: a number and its keys a row; with limit behind it, for twice the limit at most.
function Records:sort(given) end

--- At most so many rows; the rest is not read.
---@param count integer
---@return sockq.Records
function Records:limit(count) end

--- Rows of these columns only: "program, wait=60-expires".
---@param given string|function|table
---@return sockq.Records
--- Memory: none; a record a row.
function Records:select(given) end

--- The first row of each different combination of keys; without keys, of all columns.
---@param given? string|function|table
---@return sockq.Records
--- Memory: the keys of every row that passes.
function Records:distinct(given) end

--- Join each row with those rows of another query, or of a list of tables, that have equal keys.
---@param other sockq.Records|table[]
---@param on string|table  keys: a field that both sides have, or RIGHT=EXPR: its field, our expression
---@param options? { how: "inner"|"left"|"semi"|"anti", prefix: string, names: string[] }  left keeps rows without a match; semi and anti only ask whether there is one; prefix (default "other_") is put before the right side's fields whose names are taken
---@return sockq.Records
--- Memory: all rows of the other side.
function Records:join(other, on, options) end

--- Read these fields' sources from the start, as a function or loop will need them.
---@param names string[]
---@return sockq.Records
function Records:needs(names) end

--- Call visit(row) for every matching row while rows arrive, until it returns true. The row is a
--- cursor, valid during the call only.
---@param visit fun(row: sockq.Record): boolean?
function Records:each(visit) end

--- Iterate matching rows: for s in query:rows() do … end. Each row is the script's own.
---@return fun(): sockq.Record?
function Records:rows() end

--- All matching rows in an array. Cost: a userdata a row; the rows themselves stay where they are.
---@return sockq.Record[]
function Records:list() end

--- Read the rows now, and give a query over them: several questions to one look at the tables.
---@return sockq.Records
--- Memory: a userdata a row, and the row set. Owners are read now if needs() or an expression names
--- them.
function Records:keep() end

--- How many rows match. Behind group it is a verb: each group gets its number of rows.
---@param name? string  behind group: what to call it (default "count")
---@return integer|sockq.Records
function Records:count(name) end

--- The first matching row, nil if none matches. The rest is not collected.
---@return sockq.Record|nil
function Records:first() end

---@alias sockq.word.argument_type "address"|"cidr"|"count"|"duration"|"expression"|"number"|"port"|"string"|"word"
--- An argument of a report or a script.
---@class sockq.Argument
---@field default? any  what it is if not given
---@field doc string  one line
---@field many? boolean  a list of all that are given
---@field name string
---@field named? boolean  given as NAME=VALUE only
---@field optional? boolean  nil if not given
---@field type sockq.word.argument_type
---@field words? string[]  the choices of the type word

--- A column, as columns and print() take it.
---@class sockq.Column
---@field align? "left"|"right"
---@field doc? string
---@field field? string
---@field get? fun(row: sockq.Row): string|number|nil
---@field identifies? boolean
---@field name? string
---@field needs? string[]  the fields that get reads
---@field shrink? number
---@field timer? string|boolean
---@field title? string
---@field type? string
---@field unit? string
---@field unknown? string
---@field width? number

--- What a file formats/NAME.lua returns.
---@class sockq.FormatPlugin
---@field doc string  a line for lists
---@field layout? "table"|"fields"  which columns it likes: "table", made for people, or "fields", a field a column
---@field open fun(columns: table[], options: table, write: fun(text: string)): table  open(columns, options, write) gives { row = function(row), finish = function() }
---@field people? boolean  true if it has layout "fields" and is read by people all the same

--- What a file reports/NAME.lua returns.
---@class sockq.ReportPlugin
---@field args? sockq.Argument[]  typed arguments, as sockq.args() takes them
---@field doc? string  more about it
---@field help string  the question, in a line
---@field run fun(args: table<string, any>, report: sockq.Report)  run(args, report) asks, and tells by the methods of report

--- What a file timers/NAME.lua returns.
---@class sockq.TimerPlugin
---@field doc string  a line for lists
---@field format fun(row: sockq.Row): string  format(row) gives the text of a row, which is lent for the call

--- What a file views/NAME.lua returns.
---@class sockq.ViewPlugin
---@field columns? (string|sockq.Column)[]  the columns, as query:print() takes them
---@field doc string  a line for lists
---@field from? string  the tables, as sockq.from() takes them
---@field run? fun(args: string[]): integer  run(args) does everything itself, in place of columns; it returns the exit status
---@field where? string|fun(row: sockq.Row): boolean  which rows: an expression, or a function of a row

--- What a report's run(args, report) tells by.
---@class sockq.Report
local Report = {}

--- Sockets of some tables, as far as the command line's -t -u -w -x --from -4 -6 -l want them.
--- Options that leave none of the tables are an error.
---@param names string  a comma list as for sockq.from: "tcp,unix"
---@param conditions? string[]  expressions that all must hold, as of an argument with many = true
---@return sockq.Query
function Report:query(names, conditions) end

--- Tell a fact in one line. Machine formats leave it out.
---@param line string  control bytes are escaped
function Report:text(line) end

--- Name a command that shows more, and say what for. They are printed at the end, for people.
---@param command string  as typed into a shell; --proc and --read are added to sockq's own
---@param why string
function Report:next(command, why) end

--- Wait before a second look at the sockets. In a recording it is the first snapshot that is so much
--- later; without one that is an error.
---@param seconds number
---@return number  # seconds between the two looks
function Report:sleep(seconds) end

--- The argument of an option of the command line, the last one if it was given more than once; true
--- if it takes none, nil if it was not given.
---@param name string
---@return string|boolean|nil
function Report:option(name) end

--- Decide the exit status.
---@param status integer
function Report:status(status) end

--- Show rows.
---@param section { rows: sockq.Query|table[], columns: string|table[]?, name: string?, title: string?, empty: string? }  columns as for query:print(); name: the table's name in machine formats (default: the report's); title: its heading for people; empty: what people are told where there is no row
---@return integer|nil  # how many rows; nil where a machine format reads them at the end
function Report:rows(section) end

---@class sockq.Ports   which local ports the kernel chooses itself
---@field low integer   net.ipv4.ip_local_port_range, both ends included
---@field high integer
---@field reserved integer[][]|nil  { { from, to }, … } of ip_local_reserved_ports; nil: not known
---@field count integer              ports of the range that are not reserved
---@field ephemeral table<integer, boolean>  true for each of them

---@class sockq.Facts
---@field sysctl table<string, number|string>  by sysctl(8)'s names; several numbers are one text
---@field snmp table     /proc/net/snmp: facts.snmp.Tcp.ActiveOpens
---@field netstat table  /proc/net/netstat: facts.netstat.TcpExt.ListenOverflows
---@field snmp6 table    /proc/net/snmp6: facts.snmp6.Udp6InErrors
---@field sockstat table   /proc/net/sockstat: facts.sockstat.TCP.tw; memory in pages
---@field sockstat6 table  /proc/net/sockstat6
---@field softnet table|nil   sums over the processors: processed, dropped, squeezed
---@field file_nr table|nil   file handles: allocated, max
---@field uptime number|nil   seconds since boot
---@field loadavg number[]|nil  over 1, 5 and 15 minutes
---@field ports sockq.Ports|nil
---@field numbers fun(value: any): number[]|nil  # facts.numbers(facts.sysctl["net.ipv4.tcp_mem"])

---@class sockq.Snapshot
---@field index integer  its number, from 1
---@field time number    seconds since 1970
---@field rows integer   how many sockets it has
---@field size integer   bytes of the file
local Snapshot = {}

--- Read this snapshot from here on: queries, facts, everything. Its rows are those that were
--- recorded, its host, namespace and clock those of then. Example: for _, s in
--- ipairs(sockq.recording("F"):snapshots()) do s:open() print(sockq.tcp():count()) end
function Snapshot:open() end

---@class sockq.Recording
---@field path string
local Recording = {}

--- Its snapshots, in the order of the file.
---@return sockq.Snapshot[]
function Recording:snapshots() end

--- The snapshot that a text means: a number (1 the first, -1 the last), or the newest one not after
--- a time of day, a date and time, or an age before the last snapshot.
---@param text string|integer|nil  nil: the last
---@return sockq.Snapshot|nil, string|nil message
function Recording:choose(text) end

---@class sockq.Field  an entry of the registry
---@field name string
---@field alias string[]?
---@field type string
---@field unit string?
---@field doc string
---@field sources string[]

---@class sockq
sockq = {}

--- The version, "0.1.0".
---@type string
sockq.version = nil

--- The field registry: { { name, type, unit, doc, … }, … }.
---@type sockq.Field[]
sockq.fields = nil

--- A query over these tables of /proc/net: tcp, tcp6, sctp/eps, sctp/assocs, udp, udp6, udplite,
--- udplite6, raw, raw6, icmp, icmp6, unix, netlink, packet.
---@return sockq.Query  # lazy; nothing is read yet
function sockq.all() end

--- A query over these tables of /proc/net: .
---@return sockq.Query  # lazy; nothing is read yet
function sockq.dccp() end

--- A query over these tables of /proc/net: icmp, icmp6.
---@return sockq.Query  # lazy; nothing is read yet
function sockq.icmp() end

--- A query over these tables of /proc/net: tcp, tcp6, sctp/eps, sctp/assocs, udp, udp6, udplite,
--- udplite6, raw, raw6, icmp, icmp6.
---@return sockq.Query  # lazy; nothing is read yet
function sockq.inet() end

--- A query over these tables of /proc/net: .
---@return sockq.Query  # lazy; nothing is read yet
function sockq.mptcp() end

--- A query over these tables of /proc/net: netlink.
---@return sockq.Query  # lazy; nothing is read yet
function sockq.netlink() end

--- A query over these tables of /proc/net: packet.
---@return sockq.Query  # lazy; nothing is read yet
function sockq.packet() end

--- A query over these tables of /proc/net: raw, raw6.
---@return sockq.Query  # lazy; nothing is read yet
function sockq.raw() end

--- A query over these tables of /proc/net: sctp/eps, sctp/assocs.
---@return sockq.Query  # lazy; nothing is read yet
function sockq.sctp() end

--- A query over these tables of /proc/net: tcp, tcp6.
---@return sockq.Query  # lazy; nothing is read yet
function sockq.tcp() end

--- A query over these tables of /proc/net: .
---@return sockq.Query  # lazy; nothing is read yet
function sockq.tipc() end

--- A query over these tables of /proc/net: udp, udp6.
---@return sockq.Query  # lazy; nothing is read yet
function sockq.udp() end

--- A query over these tables of /proc/net: udplite, udplite6.
---@return sockq.Query  # lazy; nothing is read yet
function sockq.udplite() end

--- A query over these tables of /proc/net: unix.
---@return sockq.Query  # lazy; nothing is read yet
function sockq.unix() end

--- A query over these tables of /proc/net: .
---@return sockq.Query  # lazy; nothing is read yet
function sockq.vsock() end

--- A query over these tables of /proc/net: .
---@return sockq.Query  # lazy; nothing is read yet
function sockq.xdp() end

--- A query over tables by name: sockq.from("tcp6,unix").
---@param names string  comma list of protocols, or of files below /proc/net; one that this kernel lacks is told, where sockq.udplite() and its like are then silently empty
---@param options? { source: "auto"|"proc"|"diag" }  as for sockq.tcp()
---@return sockq.Query
function sockq.from(names, options) end

--- A query over sockets as they are closed, from when its rows are asked for: tcp and udp, with
--- their last tcp_info; the field closed is the time. It has no end of its own: each() ends when its
--- function returns true, limit() after so many. One is followed at a time. What the kernel had to
--- drop is counted and told. Ctrl-C stops the script.
---@param names? string  comma list of tables: tcp, tcp6, udp, udp6; all of them without
---@return sockq.Query
--- Example: for s in sockq.events("tcp"):limit(10):rows() do print(s.closed, s.remote_addr,
--- s.remote_port) end
function sockq.events(names) end

--- A query over rows that are there already: a list of rows, or of plain tables.
---@param list table[]
---@param names? string[]  the fields of plain tables, in order; else all of them by name
---@return sockq.Query
--- Example: sockq.rows({ { host = "a", load = 3 } }):sort("-load"):print()
function sockq.rows(list, names) end

--- Add a field that is computed from others; it is used like a built-in one from here on.
---@param given table  name; then either expr, an expression, or get, a function of a row, with type ("string", "number", …) and needs (the fields that it reads); unit, doc and values (the words that it can be) if you like
--- Example: sockq.field{ name = "waiting", expr = "recv_q + send_q", unit = "bytes" }
function sockq.field(given) end

--- The typed arguments of the script that runs: sockq.args({ { name = "port", type = "port", doc =
--- "…" }, … }) --> { port = 443 }. Types: port, address, cidr, duration (seconds), count,
--- number, string, expression, word (with words = { … }). default, optional and many say what may
--- be left out. The command line gives them in order or as NAME=VALUE; `FILE.lua --help` prints what
--- there are. What is given wrong ends the script with one line and status 2.
---@param spec table[]  doc beside the entries: what the script is for
---@return table<string, any>
function sockq.args(spec) end

--- Read a captured /proc tree, or the live /proc for nil. Only in a stock luajit: the program takes
--- --proc DIR.
---@type fun(path: string|nil)
sockq.open = nil

--- A recording that `sockq record FILE` made, to walk its snapshots. In the program it is that of
--- --read FILE, whose name may be left out.
---@param path? string
---@return sockq.Recording
--- Example: for _, s in ipairs(sockq.recording("F"):snapshots()) do s:open() print(s.time,
--- sockq.tcp():count()) end
function sockq.recording(path) end

--- Read a snapshot of a recording from here on, as sockq.open does a captured tree.
---@param path? string
---@param at? string|integer  its number (-1: the last, and what nil means), "14:05", "2026-11-26T14:05:30", "-90s"
---@return sockq.Snapshot
function sockq.open_recording(path, at) end

--- What /proc says besides sockets: sysctl settings, the counters of snmp, netstat and sockstat, the
--- ports that the kernel chooses from. Read anew at each call; what is absent is nil.
---@return sockq.Facts
function sockq.facts() end

--- Text of other people's processes, made fit for a terminal: control bytes, overrides of direction,
--- what has no width and what is no UTF-8 as \\xNN, a line feed as \\n. Fields give the bytes as
--- they are; print tables escape by themselves.
---@param text string
---@return string
function sockq.escape(text) end

--- Messages about what could not be read so far: { "WHERE: WHAT; REMEDY", … }.
---@type string[]
sockq.messages = nil

--- Files that --data NAME=FILE brings in: sockq.data.NAME is a list of lines; of a file that ends in
--- .csv or .tsv a list of tables, their keys from its first line; of .json its value; of .ndjson or
--- .jsonl a list of values. NAME:csv=FILE says so whatever the file is called; FILE - is standard
--- input. Example: sockq.tcp():join(sockq.data.hosts, "address=remote_addr"):print()
---@type table<string, any>
sockq.data = nil

return sockq
