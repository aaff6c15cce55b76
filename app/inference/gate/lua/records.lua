-- The records that a whole batch of questions leaves become one entry of the stream.
local records, recorded = {}, {pieces = 0}

local function record(row)
  local pieces = recorded.pieces
  records[pieces + 1], records[pieces + 2] = ',', row
  put(recorded, 'pieces', pieces + 2)
end

local function write_records()
  if recorded.pieces == 0 then return end
  records[1], records[recorded.pieces + 1] = '[', ']'
  local rows = table.concat(records, '', 1, recorded.pieces + 1)
  redis.call('XADD', 'usage:calls', '*', 'records', rows)
  records, recorded = {}, {pieces = 0}
end

-- How calls began, by their ids, until the ledger has stored it or they have ended: most of them end
-- before anybody has to know. One that has ended is false.
local starts = {}

local function write_starts()
  local kept, gone = {}, {}
  for id, row in pairs(starts) do
    if row then
      kept[#kept + 1], kept[#kept + 2] = id, row
    else
      gone[#gone + 1] = id
    end
  end
  call_with('HSET', 'usage:starts', kept)
  call_with('HDEL', 'usage:starts', gone)
  starts = {}
end
