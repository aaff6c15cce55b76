-- A budget's counter is a hash: `s` is settled, `r` is reserved, both nano-dollars. One that is not
-- there is cold: unknown, never zero. While it is loaded, `<key>:load` keeps who does so (`''`) and
-- the cost of every call that is settled meanwhile, by its id.
local LOAD_KEPT, DAY = 30, 86400

local function exact(number)
  return string.format('%.0f', number)
end

-- Whether a budget has room for `amount` more, and what is settled and reserved.
local function budget_room(budget, amount)
  local settled, reserved = tonumber(budget.s), tonumber(budget.r)
  return budget.cap < 0 or settled + reserved + amount <= budget.cap
end

-- Fills in what the counters hold; gives the keys of those that are cold, or nil.
local function read_budgets(budgets)
  local cold
  for i, budget in ipairs(budgets) do
    local found = redis.call('HMGET', budget[1], 's', 'r')
    if found[1] then
      budget.cap, budget.s, budget.r = budget[2], found[1], found[2]
    else
      cold = cold or {}
      cold[#cold + 1] = i
    end
  end
  return cold
end

local function add_to_budget(key, settled, reserved, id)
  if redis.call('EXISTS', key) == 1 then
    if settled ~= 0 then redis.call('HINCRBY', key, 's', exact(settled)) end
    if reserved ~= 0 then redis.call('HINCRBY', key, 'r', exact(reserved)) end
  elseif redis.call('EXISTS', key .. ':load') == 1 then
    redis.call('HINCRBY', key .. ':load', id, exact(settled))
  end
end

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
