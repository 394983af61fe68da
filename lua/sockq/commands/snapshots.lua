-- sockq snapshots FILE: what a recording holds, a row a snapshot.

local chain = require("sockq.chain")
local complaint = require("sockq.complaint")
local listing = require("sockq.listing")
local output = require("sockq.output")
local record = require("sockq.record")
local recording = require("sockq.recording")
local set = require("sockq.set")

local ENTRIES = {
  { name = "index", type = "integer", identifies = true, doc = "what --at takes: 1 is the first" },
  { name = "time", type = "string", doc = "when the sockets were listed, in local time" },
  { name = "unixtime", type = "number", unit = "seconds", doc = "the same since 1970" },
  { name = "sockets", type = "integer", doc = "how many sockets it has" },
  { name = "bytes", type = "integer", unit = "bytes", doc = "of the file" },
}
local SNAPSHOT = assert(record.schema(ENTRIES))
local COLUMNS = { "index", "time", "sockets", "bytes" }

return {
  usage = "snapshots FILE",
  doc = "what a recording holds: when, and how many sockets",
  options = { "distinct", "group", "agg", "sort", "limit", "columns", "format", "json", "ndjson", "csv", "tsv", "no-header",
    "color" },
  run = function(words, given)
    if #words ~= 1 then
      complaint.raise(("snapshots: %s; sockq snapshots FILE is the form"):format(
        words[2] and words[2] .. ": one recording is enough" or "a recording is missing"))
    end
    local opened, wrong, damaged = recording.try(words[1])
    if not opened then
      complaint.raise("snapshots " .. wrong, nil, damaged and 3 or nil)
    end
    recording.tell_cut(opened)
    local rows = {}
    for i, snapshot in ipairs(opened:snapshots()) do
      rows[i] = record.new(SNAPSHOT, { index = i, time = recording.moment(snapshot.time), unixtime = snapshot.time,
        sockets = snapshot.rows, bytes = snapshot.size })
    end
    local listed = listing.shape(chain.of_rows(rows, SNAPSHOT), given)
    local chosen = listing.columns(given) or output.layout() ~= "fields" and listed:schema() == SNAPSHOT and COLUMNS or nil
    local count, message, problem = output.list(listed, chosen, "-c", { title = "snapshots" })
    if not count then
      complaint.raise(message, problem)
    end
    return set.incomplete and 3 or 0
  end,
}
