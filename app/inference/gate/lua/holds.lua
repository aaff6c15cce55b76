-- What an open call holds, by its executor: {amount, budget keys, slot keys, request}; and the
-- guesses of those who swept an executor: {cost, budget keys}. Both are hashes of packed values.
local DAY = 86400
local hashes = {}

local function hash_of(key)
  hashes[key] = hashes[key] or {values = {}, changed = {}}
  return hashes[key]
end

local function holds_of(executor)
  return 'holds:' .. executor
end

-- The values of these ids, read at once: false is none.
local function read_packed(key, ids)
  local values, unknown = hash_of(key).values, {}
  for _, id in ipairs(ids) do
    if values[id] == nil then unknown[#unknown + 1] = id end
  end
  if #unknown == 0 then return values end
  for i, packed in ipairs(redis.call('HMGET', key, unpack(unknown))) do
    values[unknown[i]] = packed and cmsgpack.unpack(packed)
  end
  return values
end

local function packed_of(key, id)
  return read_packed(key, {id})[id]
end

local function keep_packed(key, id, value)
  local hash = hash_of(key)
  put(hash.values, id, value)
  hash.changed[id] = true
end

local function take_packed(key, id)
  local value = packed_of(key, id)
  if value then keep_packed(key, id, false) end
  return value
end

local function hold_for_budget(executor, id, key, amount)
  local hold = packed_of(holds_of(executor), id) or {amount, {}, {}, ''}
  local keys = {key}
  for _, known in ipairs(hold[2]) do
    if known == key then return hold[1] end
    keys[#keys + 1] = known
  end
  keep_packed(holds_of(executor), id, {hold[1], keys, hold[3], hold[4]})
  return hold[1]
end

local function write_hashes()
  for key, hash in pairs(hashes) do
    write_fields(key, hash.changed, function(id)
      local value = hash.values[id]
      return value and cmsgpack.pack(value)
    end)
    if hash.expires then redis.call('EXPIRE', key, DAY) end
  end
  hashes = {}
end
