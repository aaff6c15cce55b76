-- A budget's counter is a hash: `s` is settled, `r` is reserved, both nano-dollars. One that is not
-- there is cold: unknown, never zero. While it is loaded, `<key>:load` keeps who does so (`''`) and
-- the cost of every call that is settled meanwhile, by its id.
local LOAD_KEPT = 30
local budgets = {}

local function exact(number)
  return string.format('%.0f', number)
end

-- What Valkey has (`s` and `r`, none if it is cold) and what this batch adds to it; of a cold one,
-- what it costs that is settled `meanwhile`.
local function budget_of(key)
  local budget = budgets[key]
  if not budget then
    local found = redis.call('HMGET', key, 's', 'r')
    budget = {s = tonumber(found[1] or nil), r = tonumber(found[2] or nil)}
    budget.settled, budget.reserved, budget.meanwhile = 0, 0, {}
    budgets[key] = budget
  end
  return budget
end

-- What is settled and reserved.
local function budget_standing(budget)
  return budget.s + budget.settled, budget.r + budget.reserved
end

-- The places of those that are cold, or nil.
local function cold_budgets(limits)
  local cold
  for i, limit in ipairs(limits) do
    if not budget_of(limit[1]).s then
      cold = cold or {}
      cold[#cold + 1] = i
    end
  end
  return cold
end

local function is_loading(key, budget)
  if budget.loading == nil then budget.loading = redis.call('EXISTS', key .. ':load') == 1 end
  return budget.loading
end

local function add_to_budget(key, settled, reserved, id)
  local budget = budget_of(key)
  if budget.s then
    if settled ~= 0 then put(budget, 'settled', budget.settled + settled) end
    if reserved ~= 0 then put(budget, 'reserved', budget.reserved + reserved) end
  elseif is_loading(key, budget) then
    put(budget.meanwhile, id, (budget.meanwhile[id] or 0) + settled)
  end
end

local function write_budgets()
  for key, budget in pairs(budgets) do
    if budget.settled ~= 0 then redis.call('HINCRBY', key, 's', exact(budget.settled)) end
    if budget.reserved ~= 0 then redis.call('HINCRBY', key, 'r', exact(budget.reserved)) end
    for id, cost in pairs(budget.meanwhile) do
      redis.call('HINCRBY', key .. ':load', id, exact(cost))
    end
  end
  budgets = {}
end
