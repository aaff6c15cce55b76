-- What an open call holds, by its executor: {amount, budget keys, slot keys, request}. A slot is a
-- hash of requests under way: how many attempts each has open.
local function holds_of(executor)
  return 'holds:' .. executor
end

local function keep_hold(executor, id, hold)
  redis.call('HSET', holds_of(executor), id, cmsgpack.pack(hold))
end

local function hold_of(executor, id)
  local packed = redis.call('HGET', holds_of(executor), id)
  return packed and cmsgpack.unpack(packed)
end

local function take_hold(executor, id)
  local hold = hold_of(executor, id)
  if hold then redis.call('HDEL', holds_of(executor), id) end
  return hold
end

local function hold_for_budget(executor, id, key, amount)
  local hold = hold_of(executor, id) or {amount, {}, {}, ''}
  local listed = false
  for _, known in ipairs(hold[2]) do listed = listed or known == key end
  if not listed then
    hold[2][#hold[2] + 1] = key
    keep_hold(executor, id, hold)
  end
  return hold[1]
end

-- The first slot that has no room, or nil.
local function full_slot(slots)
  for i, slot in ipairs(slots) do
    if redis.call('HLEN', slot[1]) >= slot[2] then return i end
  end
end

local function take_slots(slots, request)
  local keys = {}
  for i, slot in ipairs(slots) do
    redis.call('HINCRBY', slot[1], request, 1)
    keys[i] = slot[1]
  end
  return keys
end

local function free_slots(keys, request)
  for _, key in ipairs(keys) do
    if redis.call('HINCRBY', key, request, -1) <= 0 then redis.call('HDEL', key, request) end
  end
end
