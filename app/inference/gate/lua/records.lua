-- The records that a whole batch of questions leaves become one entry of the stream. One is written
-- in pieces.
local records, recorded = {}, {pieces = 0}

local function record(...)
  local pieces = recorded.pieces
  records[pieces + 1] = ','
  for i = 1, select('#', ...) do records[pieces + 1 + i] = select(i, ...) end
  put(recorded, 'pieces', pieces + 1 + select('#', ...))
end

local function write_records()
  if recorded.pieces == 0 then return end
  records[1], records[recorded.pieces + 1] = '[', ']'
  local rows = table.concat(records, '', 1, recorded.pieces + 1)
  redis.call('XADD', 'usage:calls', '*', 'records', rows)
  records, recorded = {}, {pieces = 0}
end
