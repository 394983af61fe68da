-- Fields that sock_diag has of unix, netlink and packet sockets; what an entry is: fields.lua.

local ffi = require("ffi")
local more = require("sockq.fields.more")
local schema = require("sockq.schema")

local C, has = schema.C, schema.has
local band, rshift, tonumber = bit.band, bit.rshift, tonumber

local list = {}
local words = ffi.typeof("const uint32_t *")

local function of(family, read)
  return function(name, flag, of_type, unit, doc, get, needs)
    flag = tonumber(flag)
    list[#list + 1] = { name = name, type = of_type, unit = unit, doc = doc, sources = { family }, from = "diag",
      needs = needs or "details", identifies = of_type == "integer" and not unit or nil,
      get = function(row, set)
        local told = read(row, set)
        if told and has(told.has, flag) then
          return (get(told, set))
        end
      end }
  end
end

local unix, netlink, packet = of("unix", more.unix), of("netlink", more.netlink), of("packet", more.packet)

unix("peer_inode", C.SOCKQ_DIAG_HAS_PEER, "integer", nil, "inode of the unix socket at the other end",
  function(told)
    if told.peer ~= 0 then return tonumber(told.peer) end
  end)
unix("icons", C.SOCKQ_DIAG_HAS_WAITING, "list", nil, "of a listener: inodes of the sockets that wait for accept",
  function(told, set)
    local inodes = {}
    if told.waiting_count > 0 then
      local numbers = ffi.cast(words, schema.at(set, told.waiting))
      for i = 1, told.waiting_count do
        inodes[i] = tonumber(numbers[i - 1])
      end
    end
    return inodes
  end)
unix("vfs_inode", C.SOCKQ_DIAG_HAS_FILE, "integer", nil, "inode of the file that it is bound to",
  function(told) return tonumber(told.vfs_inode) end)
-- include/linux/kdev_t.h: 12 bits and 20.
unix("vfs_dev", C.SOCKQ_DIAG_HAS_FILE, "string", nil, "device of that file, MAJOR:MINOR",
  function(told) return ("%d:%d"):format(rshift(told.vfs_dev, 20), band(told.vfs_dev, 0xfffff)) end)

netlink("dst_port_id", C.SOCKQ_DIAG_HAS_PEER, "integer", nil, "netlink port id that it is connected to, 0 for the kernel's",
  function(told) return tonumber(told.remote_port_id) end)
netlink("dst_group", C.SOCKQ_DIAG_HAS_PEER, "integer", nil, "netlink multicast group that it is connected to",
  function(told) return tonumber(told.remote_groups) end)

-- include/uapi/linux/if_packet.h, packet_diag.h
local VERSION = { [0] = "TPACKET_V1", "TPACKET_V2", "TPACKET_V3" }
local FANOUT = { [0] = "hash", "lb", "cpu", "rollover", "rnd", "qm", "cbpf", "ebpf" }
local FLAGS = { "running", "auxdata", "origdev", "vnethdr", "loss" }

packet("packet_version", C.SOCKQ_DIAG_HAS_INFO, "string", nil, "version of its rings' headers",
  function(told)
    local number = tonumber(told.version)
    return VERSION[number] or "unknown-" .. number
  end)
packet("packet_flags", C.SOCKQ_DIAG_HAS_INFO, "list", nil, "running, auxdata, origdev, vnethdr, loss: those that are set",
  function(told)
    local set = {}
    for i, name in ipairs(FLAGS) do
      if band(rshift(told.flags, i - 1), 1) ~= 0 then set[#set + 1] = name end
    end
    return set
  end)
packet("copy_thresh", C.SOCKQ_DIAG_HAS_INFO, "integer", "bytes", "longer packets are also copied whole to the queue",
  function(told) return tonumber(told.copy_thresh) end)

local function ring(member, flag, what)
  packet(member, flag, "integer", "bytes", ("size of the ring that %s"):format(what),
    function(told) return tonumber(told[member].block_size) * tonumber(told[member].block_nr) end)
  packet(member .. "_frames", flag, "integer", "frames", ("how many the ring that %s holds"):format(what),
    function(told) return tonumber(told[member].frame_nr) end)
end
ring("rx_ring", C.SOCKQ_DIAG_HAS_RX_RING, "takes what is received")
ring("tx_ring", C.SOCKQ_DIAG_HAS_TX_RING, "takes what is to be sent")

packet("fanout_id", C.SOCKQ_DIAG_HAS_FANOUT, "integer", nil, "group of sockets that share what is received",
  function(told) return band(told.fanout, 0xffff) end)
packet("fanout_type", C.SOCKQ_DIAG_HAS_FANOUT, "string", nil, "how they share it: hash, lb, cpu, rollover, rnd, qm, cbpf, ebpf",
  function(told)
    local number = band(rshift(told.fanout, 16), 0xff)
    return FANOUT[number] or "unknown-" .. number
  end)
-- struct sock_filter has 8 bytes.
packet("filter_len", C.SOCKQ_DIAG_HAS_FILTER, "integer", "instructions", "length of its classic filter",
  function(told) return tonumber(told.filter_len) / 8 end, "filters")

return list
