/*
 * The schema of the memory file: one socket row, one row set, and what hangs off them.
 *
 * This text is read twice: by the C compiler and, without its lines that begin with '#', by
 * LuaJIT's ffi.cdef. So it keeps to the subset that both understand: enums, structs of
 * fixed-width integers, no macros, no pointers. Sizes and offsets are asserted in rowset.c and
 * compared with LuaJIT's in tests/lua.
 *
 * A row holds what the kernel said, in the kernel's units: USER_HZ ticks (of sock_diag:
 * milliseconds), addresses in network order, ports in host order, kernel state numbers. Positions
 * in the string arena are byte offsets, 0 meaning "none"; no pointer crosses the border between the
 * processes.
 */
#ifndef SOCKQ_ROW_H
#define SOCKQ_ROW_H
#include <stdint.h>

/* The socket tables, in the order in which they are collected: from MPTCP on of sock_diag alone. */
enum sockq_table {
    SOCKQ_TCP,
    SOCKQ_TCP6,
    SOCKQ_SCTP_EPS,
    SOCKQ_SCTP_ASSOCS,
    SOCKQ_UDP,
    SOCKQ_UDP6,
    SOCKQ_UDPLITE,
    SOCKQ_UDPLITE6,
    SOCKQ_RAW,
    SOCKQ_RAW6,
    SOCKQ_ICMP,
    SOCKQ_ICMP6,
    SOCKQ_UNIX,
    SOCKQ_NETLINK,
    SOCKQ_PACKET,
    SOCKQ_MPTCP,
    SOCKQ_MPTCP6,
    SOCKQ_DCCP,
    SOCKQ_DCCP6,
    SOCKQ_VSOCK,
    SOCKQ_TIPC,
    SOCKQ_XDP,
    SOCKQ_TABLES,
    /* Those below have text under /proc/net. */
    SOCKQ_TEXT_TABLES = SOCKQ_MPTCP
};

/* Address families, by their Linux numbers (include/linux/socket.h). */
enum sockq_family {
    SOCKQ_AF_UNIX = 1,
    SOCKQ_AF_INET = 2,
    SOCKQ_AF_INET6 = 10,
    SOCKQ_AF_NETLINK = 16,
    SOCKQ_AF_PACKET = 17,
    SOCKQ_AF_TIPC = 30,
    SOCKQ_AF_VSOCK = 40,
    SOCKQ_AF_XDP = 44
};

/* Kernel socket states of the inet tables (include/net/tcp_states.h). */
enum sockq_state {
    SOCKQ_ESTABLISHED = 1,
    SOCKQ_SYN_SENT,
    SOCKQ_SYN_RECV,
    SOCKQ_FIN_WAIT1,
    SOCKQ_FIN_WAIT2,
    SOCKQ_TIME_WAIT,
    SOCKQ_CLOSE,
    SOCKQ_CLOSE_WAIT,
    SOCKQ_LAST_ACK,
    SOCKQ_LISTEN,
    SOCKQ_CLOSING,
    SOCKQ_NEW_SYN_RECV,
    SOCKQ_BOUND_INACTIVE
};

/* Unix socket states (include/uapi/linux/net.h, socket_state). */
enum sockq_unix_state {
    SOCKQ_SS_FREE,
    SOCKQ_SS_UNCONNECTED,
    SOCKQ_SS_CONNECTING,
    SOCKQ_SS_CONNECTED,
    SOCKQ_SS_DISCONNECTING
};

/* Timer codes: the "tr" column (net/ipv4/tcp_ipv4.c, get_tcp4_sock). */
enum sockq_timer {
    SOCKQ_TIMER_OFF,
    SOCKQ_TIMER_ON,
    SOCKQ_TIMER_KEEPALIVE,
    SOCKQ_TIMER_TIMEWAIT,
    SOCKQ_TIMER_PROBE
};

/* row.known: which of the values that a table can lack this row has. */
enum sockq_known {
    SOCKQ_HAS_STATE = 0x1,
    SOCKQ_HAS_QUEUES = 0x2,
    SOCKQ_HAS_TIMER = 0x4,
    SOCKQ_HAS_RETRANS = 0x8,
    SOCKQ_HAS_PROBES = 0x10,
    SOCKQ_HAS_UID = 0x20,
    SOCKQ_HAS_INODE = 0x40,
    SOCKQ_HAS_REFS = 0x80,
    SOCKQ_HAS_TCP = 0x100,
    SOCKQ_HAS_DROPS = 0x200,
    SOCKQ_HAS_ADDRS = 0x400
};

/* row.flags */
enum sockq_row_flag {
    /* A request row: a SYN was answered, no socket exists yet. */
    SOCKQ_ROW_REQUEST = 0x1,
    /* A mini-socket in TIME_WAIT, or an orphan in FIN_WAIT2. */
    SOCKQ_ROW_MINI = 0x2,
    /* Stood in the file's first line, where a header belongs. */
    SOCKQ_ROW_FIRST_LINE = 0x4,
    /* A unix name with line breaks: the row goes over several lines. */
    SOCKQ_ROW_JOINED = 0x8,
    /* A unix name longer than any that a kernel gives (108 bytes). */
    SOCKQ_ROW_LONG_NAME = 0x10,
    /* A row before it, of whatever table, has its inode: of two unix rows one is forged. */
    SOCKQ_ROW_REPEATED = 0x20,
    /* A unix row that may be text of another socket's name: it contradicts what else is known. */
    SOCKQ_ROW_SUSPECT = 0x40,
    /* The name of this unix socket has lines in the form of rows, which are left out. */
    SOCKQ_ROW_FORGES = 0x80,
    /* A unix row that may be text of a name, and neither socket is there any more. */
    SOCKQ_ROW_UNSURE = 0x100,
    /* Either of the two: the inode may be that of another socket. */
    SOCKQ_ROW_NO_OWNER = 0x140,
    /* sock_diag told of it: the union holds diag in an inet row, when is in milliseconds. */
    SOCKQ_ROW_DIAG = 0x200,
    /* The socket was destroyed: when is the time at which that was heard, in ns since the epoch. */
    SOCKQ_ROW_CLOSED = 0x400,
    /* A unix row of text whose pointer has low 32 bits that are not 0. */
    SOCKQ_ROW_POINTER = 0x800,
    /* An inet row of text, of a line of 255 bytes or more. */
    SOCKQ_ROW_LONG_LINE = 0x1000
};

/*
 * The tail of a full TCP row; rto and ato in USER_HZ ticks, cwnd and ssthresh in segments. line:
 * arena offset of a sockq_line, in units of 8 bytes, 0: none.
 */
struct sockq_tcp {
    uint32_t rto;
    uint32_t ato;
    uint32_t qack;
    uint32_t cwnd;
    int32_t ssthresh;
    uint32_t line;
};

/* path: arena offset of the name's bytes; flags: 0x10000 while listening. */
struct sockq_unix {
    uint64_t path;
    uint32_t path_len;
    uint32_t flags;
    uint32_t protocol;
    uint16_t type;
};

/* line: as of tcp. */
struct sockq_netlink {
    uint32_t port_id;
    uint32_t groups;
    uint32_t drops;
    uint32_t locks;
    uint16_t protocol;
    uint8_t dump;
    uint32_t line;
};

/* ifindex 0: any device, -1: the device is gone; protocol: an ethertype in host order. */
struct sockq_packet {
    int32_t ifindex;
    uint16_t protocol;
    uint16_t type;
    uint8_t running;
};

/*
 * An SCTP row of text. Arena offsets of the first local and remote sockq_address; assoc_id and
 * state of associations. One of sock_diag has diag.
 */
struct sockq_sctp {
    uint64_t local;
    uint64_t remote;
    uint32_t assoc_id;
    uint8_t style;
    uint8_t state;
};

/* sockq_inet_diag.has */
enum sockq_inet_diag_has {
    SOCKQ_DIAG_HAS_SHUTDOWN = 0x1,
    SOCKQ_DIAG_HAS_V6ONLY = 0x2,
    SOCKQ_DIAG_HAS_PROTOCOL = 0x4,
    /* An SCTP association: row.state is that of its socket. */
    SOCKQ_DIAG_IS_ASSOC = 0x8
};

/*
 * An inet row of sock_diag (include/uapi/linux/inet_diag.h). more: arena offset of a sockq_diag, or
 * 0; ifindex: the device it is bound to, of an SCTP association that of its route, 0: none;
 * backlog_max: how many connections may wait for accept(2), of a listener; shutdown: bit 0:
 * receiving, bit 1: sending was shut down; protocol: the number that a raw socket was made with;
 * assoc_state: of an association (enum sctp_state of include/net/sctp/constants.h).
 */
struct sockq_inet_diag {
    uint64_t more;
    uint32_t ifindex;
    uint32_t backlog_max;
    uint8_t has;
    uint8_t shutdown;
    uint8_t v6only;
    uint8_t protocol;
    uint8_t assoc_state;
};

/* A vsock row: context ids and ports of 32 bits; 0xffffffff: any. */
struct sockq_vsock {
    uint32_t local_cid;
    uint32_t local_port;
    uint32_t remote_cid;
    uint32_t remote_port;
    uint8_t type;
    uint8_t shutdown;
};

/*
 * A TIPC row (net/tipc/socket.c, tipc_sk_fill_sock_diag): the node and the reference number of the
 * socket, and of the one that it is connected to.
 */
struct sockq_tipc {
    uint32_t local_node;
    uint32_t local_ref;
    uint32_t remote_node;
    uint32_t remote_ref;
    uint8_t type;
    uint8_t connected;
};

/* An AF_XDP row: the device, 0: none, and the queue of it that the socket is bound to. */
struct sockq_xdp {
    uint32_t ifindex;
    uint32_t queue;
};

/* One socket, 128 bytes. */
struct sockq_row {
    uint8_t local_addr[16];
    uint8_t remote_addr[16];
    uint64_t inode;
    union {
        uint64_t when;
        /* Of sock_diag's rows that are not inet's: arena offset of what more it told, or 0. */
        uint64_t more;
    };
    uint32_t known;
    uint32_t line;
    uint32_t recv_q;
    uint32_t send_q;
    uint32_t retrans;
    uint32_t probes;
    uint32_t uid;
    int32_t refs;
    uint16_t local_port;
    uint16_t remote_port;
    uint8_t table;
    uint8_t family;
    uint8_t state;
    uint8_t timer;
    /* Arena offset of the first sockq_owner, 0 when none is known. */
    uint64_t owner;
    uint16_t flags;
    /* Which of the set's namespaces the row is from, counted from 0. */
    uint16_t netns;
    /* The row at the other end of the connection: its index + 1, 0 when none is known. */
    uint32_t peer;
    union {
        struct sockq_tcp tcp;
        struct sockq_unix un;
        struct sockq_netlink nl;
        struct sockq_packet packet;
        struct sockq_sctp sctp;
        struct sockq_inet_diag diag;
        struct sockq_vsock vsock;
        struct sockq_tipc tipc;
        struct sockq_xdp xdp;
        uint32_t drops;
    };
};

/*
 * What a question with SOCKQ_WITH_LINES keeps of a line of text besides: the socket's pointer; of
 * netlink the column Dump, a pointer in old kernels; of tcp the text behind ssthresh. With
 * SOCKQ_WITH_PORT_NAMES, process: of netlink, of whatever source: arena offset of the sockq_process
 * whose pid is the port id, 0 where there is none; its comm alone is read.
 */
struct sockq_line {
    uint64_t pointer;
    uint64_t callback;
    uint64_t rest;
    uint64_t process;
    uint32_t rest_len;
    /* 0 where what stands for the pointer is no number: ss reads the line no further. */
    uint32_t has_pointer;
};

/* has of what more sock_diag told: which attributes came with the socket. */
enum sockq_diag_has {
    SOCKQ_DIAG_HAS_COOKIE = 0x1,
    SOCKQ_DIAG_HAS_CGROUP = 0x2,
    SOCKQ_DIAG_HAS_MARK = 0x4,
    SOCKQ_DIAG_HAS_CLASS = 0x8,
    SOCKQ_DIAG_HAS_TOS = 0x10,
    SOCKQ_DIAG_HAS_TCLASS = 0x20,
    SOCKQ_DIAG_HAS_SOCKOPT = 0x40,
    SOCKQ_DIAG_HAS_PEER = 0x80,
    SOCKQ_DIAG_HAS_FILE = 0x100,
    SOCKQ_DIAG_HAS_WAITING = 0x200,
    SOCKQ_DIAG_HAS_UNIX_SHUTDOWN = 0x400,
    SOCKQ_DIAG_HAS_UID = 0x800,
    SOCKQ_DIAG_HAS_INFO = 0x1000,
    SOCKQ_DIAG_HAS_RX_RING = 0x2000,
    SOCKQ_DIAG_HAS_TX_RING = 0x4000,
    SOCKQ_DIAG_HAS_FANOUT = 0x8000,
    SOCKQ_DIAG_HAS_FILTER = 0x10000,
    SOCKQ_DIAG_HAS_CC = 0x20000,
    SOCKQ_DIAG_HAS_VEGAS = 0x40000,
    SOCKQ_DIAG_HAS_DCTCP = 0x80000,
    SOCKQ_DIAG_HAS_BBR = 0x100000,
    SOCKQ_DIAG_HAS_UMEM = 0x200000,
    SOCKQ_DIAG_HAS_FILL_RING = 0x400000,
    SOCKQ_DIAG_HAS_COMPLETION_RING = 0x800000,
    SOCKQ_DIAG_HAS_STATS = 0x1000000,
    SOCKQ_DIAG_HAS_LINK_CONG = 0x2000000,
    SOCKQ_DIAG_HAS_CONN_CONG = 0x4000000,
    SOCKQ_DIAG_HAS_PUBL = 0x8000000,
    SOCKQ_DIAG_HAS_SERVICE = 0x10000000
};

/* SK_MEMINFO_*, in their order (include/uapi/linux/sock_diag.h), in bytes but for drops. */
struct sockq_memory {
    uint32_t rmem_alloc;
    uint32_t rcvbuf;
    uint32_t wmem_alloc;
    uint32_t sndbuf;
    uint32_t fwd_alloc;
    uint32_t wmem_queued;
    uint32_t optmem;
    uint32_t backlog;
    uint32_t drops;
    /* How many of these the kernel sent, from the first. */
    uint32_t count;
};

/*
 * What more sock_diag told of an inet socket. info: the kernel's struct tcp_info, mptcp_info or
 * sctp_info, as long as the kernel has it; ulp: the attributes within INET_DIAG_ULP_INFO; md5sig:
 * an array of struct tcp_diag_md5sig; of SCTP rows, which have neither, locals and peers: arrays of
 * struct sockaddr_storage: arena offset and bytes of each, 0 for none. cc_info: the words of
 * tcpvegas_info, tcp_dctcp_info or tcp_bbr_info, whichever has says. sockopt: the two bytes of
 * inet_diag_sockopt, bit by bit from the first.
 */
struct sockq_diag {
    uint64_t cookie;
    uint64_t cgroup_id;
    uint64_t info;
    union {
        uint64_t ulp;
        uint64_t locals;
    };
    union {
        uint64_t md5sig;
        uint64_t peers;
    };
    uint32_t info_len;
    union {
        uint32_t ulp_len;
        uint32_t locals_len;
    };
    union {
        uint32_t md5sig_len;
        uint32_t peers_len;
    };
    uint32_t has;
    uint32_t mark;
    uint32_t class_id;
    struct sockq_memory memory;
    uint32_t cc_info[5];
    char cc[16];
    uint16_t sockopt;
    uint8_t tos;
    uint8_t tclass;
    uint32_t reserved;
};

/*
 * What more sock_diag told of a unix socket: the other end by its inode, 0: none; the file by which
 * it is bound; waiting: arena offset of the inodes (32 bits each) of sockets that wait for
 * accept(2), 0 for those without one.
 */
struct sockq_unix_diag {
    uint64_t cookie;
    uint64_t waiting;
    uint32_t waiting_count;
    uint32_t has;
    uint32_t peer;
    uint32_t vfs_inode;
    uint32_t vfs_dev;
    uint32_t uid;
    struct sockq_memory memory;
    uint32_t shutdown;
    uint32_t reserved;
};

/* What more sock_diag told of a netlink socket: the port id and group it is connected to. */
struct sockq_netlink_diag {
    uint64_t cookie;
    uint32_t has;
    uint32_t remote_port_id;
    uint32_t remote_groups;
    uint32_t reserved;
    struct sockq_memory memory;
};

/* struct packet_diag_ring */
struct sockq_packet_ring {
    uint32_t block_size;
    uint32_t block_nr;
    uint32_t frame_size;
    uint32_t frame_nr;
    uint32_t retire_tmo;
    uint32_t sizeof_priv;
    uint32_t features;
};

/*
 * What more sock_diag told of a packet socket (include/uapi/linux/packet_diag.h). flags: PDI_*;
 * fanout: its id in the low 16 bits, its type above; filter: arena offset of filter_len bytes, an
 * array of struct sock_filter.
 */
struct sockq_packet_diag {
    uint64_t cookie;
    uint64_t filter;
    uint32_t filter_len;
    uint32_t has;
    uint32_t version;
    uint32_t reserve;
    uint32_t copy_thresh;
    uint32_t tstamp;
    uint32_t flags;
    uint32_t uid;
    struct sockq_packet_ring rx_ring;
    struct sockq_packet_ring tx_ring;
    uint32_t fanout;
    uint32_t reserved;
    struct sockq_memory memory;
};

/*
 * What more sock_diag told of a TIPC socket: drops, messages that were rejected; service: the type
 * and instance by which it was connected.
 */
struct sockq_tipc_diag {
    uint64_t cookie;
    uint32_t has;
    uint32_t drops;
    uint32_t service_type;
    uint32_t service_instance;
    /* Never sent: count is 0. */
    struct sockq_memory memory;
};

/* struct xdp_diag_umem */
struct sockq_xdp_umem {
    uint64_t size;
    uint32_t id;
    uint32_t num_pages;
    uint32_t chunk_size;
    uint32_t headroom;
    uint32_t ifindex;
    uint32_t queue_id;
    uint32_t flags;
    uint32_t refs;
};

/* struct xdp_diag_stats */
struct sockq_xdp_stats {
    uint64_t rx_dropped;
    uint64_t rx_invalid;
    uint64_t rx_queue_full;
    uint64_t rx_fill_ring_empty;
    uint64_t tx_invalid;
    uint64_t tx_ring_empty;
};

/* What more sock_diag told of an AF_XDP socket (include/uapi/linux/xdp_diag.h): rings by their
   entries. */
struct sockq_xdp_diag {
    uint64_t cookie;
    struct sockq_xdp_umem umem;
    struct sockq_xdp_stats stats;
    uint32_t has;
    uint32_t uid;
    uint32_t rx_ring;
    uint32_t tx_ring;
    uint32_t fill_ring;
    uint32_t completion_ring;
    struct sockq_memory memory;
};

/* A cgroup that sockets are in, by its id, and its path below the mount. next: the following one.
 */
struct sockq_cgroup {
    uint64_t next;
    uint64_t id;
    uint64_t path;
    uint32_t path_len;
    uint32_t reserved;
};

/* A process that holds sockets; text by arena offset, bytes as the process wrote them. */
struct sockq_process {
    uint64_t program;
    uint64_t cmdline;
    uint64_t cgroup;
    uint64_t comm;
    uint64_t exe;
    /* Ticks after the machine's start, if flags say that it is known. */
    uint64_t started;
    uint32_t program_len;
    uint32_t cmdline_len;
    uint32_t cgroup_len;
    uint32_t comm_len;
    uint32_t exe_len;
    uint32_t pid;
    uint32_t flags;
    uint32_t thread; /* 0: the first one; of a question with SOCKQ_WITH_THREADS alone */
};

enum sockq_process_flag {
    /* The name came from comm: cmdline was empty, as with kernel threads and zombies. */
    SOCKQ_PROCESS_COMM = 0x1,
    /* cmdline could not be read. */
    SOCKQ_PROCESS_NO_CMDLINE = 0x2,
    /* started is known; the first processes have 0 ticks. */
    SOCKQ_PROCESS_STARTED = 0x4
};

/* One descriptor of one process on a socket; next: the following one on the same inode, or 0. */
struct sockq_owner {
    uint64_t next;
    uint64_t process;
    uint32_t fd;
    uint32_t flags;
};

/* owner.flags: the link read "[0000]:N", as kernels before 2.6 wrote it. */
enum sockq_owner_flag { SOCKQ_OWNER_OLD_LINK = 0x1 };

/* A socket inode that some process holds: what a question for owners alone lists. */
struct sockq_holder {
    uint64_t next;
    uint64_t inode;
    uint64_t owner;
};

/* One address of an SCTP socket; next: the following one, or 0. */
struct sockq_address {
    uint64_t next;
    uint8_t bytes[16];
    uint8_t family;
    uint8_t primary;
    uint8_t reserved[6];
};

/*
 * A file of /proc that is no socket table, read whole: text in the arena. next: the following one,
 * or 0. A set that was asked with SOCKQ_WITH_FACTS has the chain in its own arena, so it is
 * recorded and must be checked with the rest: next, and text with text_len. file: its number in
 * facts.c, whose numbers never change; a reader passes over one that it does not know.
 */
struct sockq_fact {
    uint64_t next;
    uint64_t text;
    uint32_t text_len;
    uint32_t file;
    /* errno where the file exists and could not be read: text_len is then 0. */
    int32_t error;
    uint32_t reserved;
};

/*
 * A network namespace that was read. next: the following one, or 0; inode: of its ns link, 0 when
 * not known; pid: a process or thread in it, through whose /proc/PID/net it was read, 0: through
 * /proc/net; name: its name in /run/netns, or the path by which it was asked for; first: the lowest
 * pid in it, 0 when none is known, and program, that process's name; error: why nothing, or
 * nothing more, was read of it, final with the set's status: ESRCH: no process of it was left,
 * ENOENT: it was not captured, EACCES: no process of it may be read, EPERM: so, and all were asked
 * for.
 */
struct sockq_netns {
    uint64_t next;
    uint64_t inode;
    uint64_t name;
    uint64_t program;
    uint32_t name_len;
    uint32_t program_len;
    uint32_t pid;
    uint32_t first;
    int32_t error;
    uint32_t reserved;
};

/* What was wrong with a line or a file; the words stand in problem.c. */
enum sockq_reason {
    SOCKQ_OK,
    SOCKQ_BAD_COLUMNS,
    SOCKQ_BAD_SLOT,
    SOCKQ_BAD_ADDRESS,
    SOCKQ_BAD_PORT,
    SOCKQ_BAD_STATE,
    SOCKQ_BAD_QUEUE,
    SOCKQ_BAD_TIMER,
    SOCKQ_BAD_RETRANS,
    SOCKQ_BAD_UID,
    SOCKQ_BAD_TIMEOUT,
    SOCKQ_BAD_INODE,
    SOCKQ_BAD_REFS,
    SOCKQ_BAD_TAIL,
    SOCKQ_BAD_TWO_ROWS,
    SOCKQ_BAD_NUL,
    SOCKQ_BAD_NUMBER,
    SOCKQ_BAD_CONTINUATION,
    SOCKQ_BAD_SEPARATOR,
    SOCKQ_BAD_TRUNCATED,
    SOCKQ_BAD_LENGTH,
    SOCKQ_BAD_EMPTY_LINE,
    SOCKQ_BAD_SECOND_HEADER,
    SOCKQ_BAD_NO_HEADER,
    SOCKQ_BAD_FIRST_LINE,
    SOCKQ_BAD_EMPTY_FILE,
    /* Of sock_diag: it was asked again and again, and told each time that its answer had gaps. */
    SOCKQ_BAD_INTERRUPTED,
    /* Sockets were closed faster than they were read: line is how many, 0: not known. */
    SOCKQ_BAD_OVERRUN,
    /* From here on: what ended the table. */
    SOCKQ_BAD_WRONG_TABLE,
    SOCKQ_BAD_GARBAGE,
    SOCKQ_BAD_FILE_TYPE,
    SOCKQ_BAD_TOO_LARGE,
    SOCKQ_BAD_ERRNO,
    SOCKQ_REASONS
};

/* A report on one line of one table (line 0: on the file); next: the following one, or 0. */
struct sockq_problem {
    uint64_t next;
    uint32_t table;
    uint32_t line;
    uint32_t reason;
    int32_t error;
    /* 1 if no row was delivered for the line. */
    uint32_t lost;
    /* Which of the set's namespaces, as in a row. */
    uint32_t netns;
};

enum sockq_table_status {
    /* Not asked for, or not reached yet. */
    SOCKQ_TABLE_UNREAD,
    SOCKQ_TABLE_READING,
    SOCKQ_TABLE_COMPLETE,
    /* The file does not exist. */
    SOCKQ_TABLE_MISSING,
    /* Could not be opened or read to its end; error has errno, or 0 for a bad file. */
    SOCKQ_TABLE_FAILED
};

/* Where a table's rows are from. */
enum sockq_source_choice {
    /* sock_diag where the kernel answers, else the text of /proc. */
    SOCKQ_SOURCE_AUTO,
    SOCKQ_SOURCE_PROC,
    SOCKQ_SOURCE_DIAG
};

/*
 * How reading one table went; published before the first row of the next table. source: what it was
 * read from, PROC or DIAG; refusal: the errno by which sock_diag was not, where it was asked.
 */
struct sockq_table_info {
    uint32_t status;
    int32_t error;
    /* Reports on lines and on the file; apart from them, lines that continued a unix name. */
    uint32_t bad;
    uint32_t continued;
    uint64_t first_row;
    uint64_t rows;
    /* Rows that the file held twice, left out. */
    uint64_t duplicates;
    uint32_t source;
    int32_t refusal;
};

/* How the pass over /proc/PID/fd went. */
struct sockq_owner_info {
    /* Processes looked at, and those whose fd folder was refused (EACCES, EPERM). */
    uint32_t processes;
    uint32_t refused;
    /* Descriptors that lead to sockets. */
    uint64_t sockets;
    /* errno if /proc itself could not be listed, or for bit 16 of odd. */
    int32_t error;
    /* 1 once the pass is done. */
    uint32_t done;
    /*
     * In a captured tree, bits: 1: a PID entry is no folder, 2: an fd entry is no symbolic link,
     * 4: a link names a socket by a number that no inode has, 8: where a file of a process belongs
     * is a FIFO, a device or a folder, 32: a cgroup file has a line without two colons. In every
     * tree, 16: a process could not be read, neither because it ended nor for want of rights:
     * `error` says why.
     */
    uint32_t odd;
    /* Processes whose fd folder could be listed, but not the links in it. */
    uint32_t shut;
    /* Arena offset of an owner whose link reads "[0000]:0": netstat gives it rows without inode. */
    uint64_t zero;
    /* Arena offset of the first sockq_holder, if no table was asked for. */
    uint64_t holders;
    /*
     * When the machine started, in seconds after the epoch; 0 when not known. Read with
     * SOCKQ_WITH_STARTED alone. It is the kernel's clock less its uptime: setting one moves it.
     */
    uint64_t boot_time;
};

enum sockq_set_status {
    SOCKQ_SET_READING,
    SOCKQ_SET_COMPLETE,
    /* Some rows or files could not be read: see tables and problems. */
    SOCKQ_SET_INCOMPLETE,
    SOCKQ_SET_CANCELLED,
    /* Collecting stopped: error has errno. */
    SOCKQ_SET_FAILED
};

/* Request flags. */
enum sockq_request_flag {
    SOCKQ_WITH_OWNERS = 0x1,
    SOCKQ_WITH_CGROUPS = 0x2,
    /* Settings and counters of the network and their like: the files of facts.c. */
    SOCKQ_WITH_FACTS = 0x4,
    /* Of each owner: comm, where its program lies, when it was started. */
    SOCKQ_WITH_COMM = 0x8,
    SOCKQ_WITH_EXE = 0x10,
    SOCKQ_WITH_STARTED = 0x20,
    /* Each of these takes the owners. */
    SOCKQ_OWNER_FLAGS = 0x18003b,
    /* Which row is at the other end (peers.h); rows are then committed all at once. */
    SOCKQ_WITH_PEERS = 0x40,
    /* Name the namespace that is read where no other was asked for. */
    SOCKQ_WITH_NETNS = 0x80,
    /* Rows that a captured table has twice, or sock_diag tells of twice, as they come; else the
       second is left out. */
    SOCKQ_KEEP_DUPLICATES = 0x100,
    /* Of sock_diag: tcp_info and its like, INET_DIAG_INFO. */
    SOCKQ_WITH_INFO = 0x200,
    /* The congestion control's name and what it tells of itself. */
    SOCKQ_WITH_CC = 0x400,
    SOCKQ_WITH_MEMORY = 0x800,
    SOCKQ_WITH_TOS = 0x1000,
    /* What the kernel sends unasked or costs it little: cookie, mark, cgroup id, socket options,
       files. */
    SOCKQ_WITH_DETAILS = 0x2000,
    /* The paths of the cgroup ids. */
    SOCKQ_WITH_CGROUP_PATHS = 0x4000,
    /* The classic filters of packet sockets. */
    SOCKQ_WITH_FILTERS = 0x8000,
    /* What else stands in the lines of text: see sockq_line. */
    SOCKQ_WITH_LINES = 0x20000,
    SOCKQ_WITH_PORT_NAMES = 0x40000,
    /* Of each owner: as comm, what /proc/PID/stat has between its first two brackets, as ss does.
     */
    SOCKQ_WITH_STAT_NAMES = 0x80000,
    /* As owners the threads of each process too, with the descriptors of each. */
    SOCKQ_WITH_THREADS = 0x100000,
    /* Each of these makes a row have more. */
    SOCKQ_DIAG_FLAGS = 0xfe00,
    /* Not the sockets that there are: those that are closed from now on, without end. */
    SOCKQ_FOLLOW = 0x10000,
    /* All that a collector understands. */
    SOCKQ_REQUEST_FLAGS = 0x1fffff
};

/* sockq_narrow.has */
enum sockq_narrow_has {
    SOCKQ_NARROW_LOCAL_PORT = 0x1,
    SOCKQ_NARROW_REMOTE_PORT = 0x2,
    SOCKQ_NARROW_EITHER_PORT = 0x4,
    SOCKQ_NARROW_LOCAL_ADDR = 0x8,
    SOCKQ_NARROW_REMOTE_ADDR = 0x10,
    SOCKQ_NARROW_EITHER_ADDR = 0x20,
    /* The kernel chose the local port, or the socket has none. */
    SOCKQ_NARROW_AUTO = 0x40,
    SOCKQ_NARROW_ALL = 0x7f
};

/* From low to high, both included. */
struct sockq_ports {
    uint16_t low;
    uint16_t high;
};

/* The first bits of an address of a family; one of inet also means its v4-mapped form. */
struct sockq_prefix {
    uint8_t bytes[16];
    uint8_t family;
    uint8_t bits;
    uint8_t reserved[2];
};

/*
 * What a row of the inet tables must meet, all of it, to be of use: the kernel then sends no others
 * where it can tell. A hint: other sources give all rows.
 */
struct sockq_narrow {
    uint32_t has;
    struct sockq_ports local_port;
    struct sockq_ports remote_port;
    struct sockq_ports either_port;
    struct sockq_prefix local_addr;
    struct sockq_prefix remote_addr;
    struct sockq_prefix either_addr;
};

/* What is asked of the collector. */
struct sockq_question {
    /* Bit N: enum sockq_table N; none: owners or facts alone. */
    uint64_t tables;
    /* Bit N: rows of the inet tables whose state is N; 0 means every state. */
    uint64_t states;
    uint32_t flags;
    /* enum sockq_source_choice */
    uint32_t source;
    struct sockq_narrow narrow;
    /* With SOCKQ_FOLLOW: the subscription to go on with, as its row sets have it; 0: a new one. */
    uint32_t subscription;
};

/*
 * A row set: this header fills the first of its blocks, 1 MiB each. row_blocks and arena_blocks
 * list the blocks that follow, by their number in the memory file: row I is row I % 8192 of
 * row_blocks[I / 8192], arena byte O is byte O % 2^20 of arena_blocks[O / 2^20].
 * rows and arena are committed counts: what lies below them never changes again.
 */
struct sockq_set {
    char magic[8];
    uint32_t version;
    uint32_t byte_order;
    uint32_t row_size;
    uint32_t block_size;
    uint32_t user_hz;
    uint32_t live;
    int64_t realtime_ns;
    int64_t monotonic_ns;
    /* Inode of the network namespace read, 0 when not known. */
    uint64_t netns;
    /* Arena offset of the first sockq_netns, 0 where rows are of that namespace alone. */
    uint64_t namespaces;
    char host[72];
    char kernel[72];
    struct sockq_question question;
    uint64_t rows;
    uint64_t arena;
    uint32_t status;
    int32_t error;
    /* Arena offset of the first sockq_problem, and how many there were, kept or not. */
    uint64_t problems;
    uint64_t problem_count;
    /* Arena offset of the first sockq_fact, and of the first sockq_cgroup. */
    uint64_t facts;
    uint64_t cgroups;
    /* In a recording: the conditions that its rows met, an expression a line; arena offset or 0. */
    uint64_t filter;
    uint32_t filter_len;
    /* Processes whose namespace may not be read, and namespaces more than there are numbers for. */
    uint32_t netns_refused;
    uint32_t netns_left;
    /* Rows left out that are text of names of unix sockets; rows that may be. At most 65535. */
    uint16_t forged;
    uint16_t suspect;
    struct sockq_owner_info owners;
    struct sockq_table_info tables[24];
    uint32_t row_blocks[131072];
    uint32_t arena_blocks[65536];
};
#endif
