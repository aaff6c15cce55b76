-- Write the fields of a hash that have these names: gone where their value is false or 0, as they
-- are where it is nil.
local function write_fields(key, names, values)
  local kept, gone = {}, {}
  local most_kept, most_gone = 0, 0
  for name in pairs(names) do
    local value = values[name]
    if value and value ~= 0 then
      kept[most_kept + 1], kept[most_kept + 2] = name, value
      most_kept = most_kept + 2
    elseif value ~= nil then
      most_gone = most_gone + 1
      gone[most_gone] = name
    end
  end
  call_with('HSET', key, kept)
  call_with('HDEL', key, gone)
end

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
  write_fields('usage:starts', starts, starts)
  starts = {}
end
