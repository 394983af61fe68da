-- Made by scripts/docs: what sockq gives to scripts and plug-ins, for luacheck:
--
--   luacheck --config /usr/share/sockq/types/sockq.luacheckrc FILE.lua
std = "luajit+sockq"
stds.sockq = {
  read_globals = {
    arg = { other_fields = true },
    sockq = {
      fields = {
        all = {},
        args = {},
        data = { other_fields = true },
        dccp = {},
        escape = {},
        events = {},
        facts = {},
        field = {},
        fields = {},
        from = {},
        icmp = {},
        inet = {},
        messages = {},
        mptcp = {},
        netlink = {},
        open = {},
        open_recording = {},
        packet = {},
        raw = {},
        recording = {},
        rows = {},
        sctp = {},
        tcp = {},
        tipc = {},
        udp = {},
        udplite = {},
        unix = {},
        version = {},
        vsock = {},
        xdp = {},
      },
    },
  },
}
