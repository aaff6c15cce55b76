-- How a cold budget's counter is loaded. It is rare, and goes straight to Valkey: what the questions
-- before it have changed is written first.

local function begin_load(key, token)
  if redis.call('EXISTS', key) == 1 then return 'live' end
  if redis.call('HSETNX', key .. ':load', '', token) == 0 then return 'busy' end
  redis.call('EXPIRE', key .. ':load', LOAD_KEPT)
  return 'go'
end

-- `merged` are calls that `settled` includes already; `opens` are {id, executor, amount}. The counter
-- is kept so many seconds, and loaded anew after that.
local function end_load(key, token, settled, opens, merged, kept)
  local load = key .. ':load'
  if redis.call('HGET', load, '') ~= token then return 'lost' end
  local meanwhile, entries = {}, redis.call('HGETALL', load)
  for i = 1, #entries, 2 do
    if entries[i] ~= '' then meanwhile[entries[i]] = tonumber(entries[i + 1]) end
  end
  local counted = {}
  for _, id in ipairs(merged) do counted[id] = true end
  for id, cost in pairs(meanwhile) do
    if not counted[id] then settled = settled + cost end
  end
  local reserved = 0
  for _, open in ipairs(opens) do
    if not meanwhile[open[1]] then
      reserved = reserved + hold_for_budget(open[2], open[1], key, open[3])
    end
  end
  redis.call('DEL', load)
  redis.call('HSET', key, 's', exact(settled), 'r', exact(reserved))
  redis.call('EXPIRE', key, kept)
  return 'live'
end
