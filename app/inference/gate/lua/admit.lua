-- Everything that a call needs, or nothing: {id, executor, request, follows, policies, how many of
-- them count requests, slots, budgets, candidates}. A candidate is {breaker, amount, has a price,
-- its budgets by their place}. Attached: how the call's record begins, and how it goes on with each
-- candidate.

-- The first budget of a candidate that stands against it, and why.
local function budget_against(candidate, budgets)
  for _, i in ipairs(candidate[4]) do
    local budget = budgets[i]
    if budget.cap >= 0 and candidate[3] == 0 then return i, 'price' end
    if not budget_room(budget, candidate[2]) then return i, 'budget' end
  end
end

-- Its place, its breaker and whether it is a probe; or the refusal of the first that is ready, or
-- how long until one of them is, and whether none of them does worse than to ask for a pause.
local function choose(candidates, budgets, at)
  local refusal, soonest
  local rested = 1
  for i, candidate in ipairs(candidates) do
    local breaker = breaker_of(candidate[1])
    local wait, probe = breaker_wait(breaker, at)
    if wait > 0 then
      soonest = math.min(soonest or wait, wait)
      if breaker.n then rested = 0 end
    else
      local against, why = budget_against(candidate, budgets)
      if not against then return i, breaker, probe end
      local budget = budgets[against]
      refusal = refusal or {why, against, budget.s, budget.r, tostring(i)}
    end
  end
  return nil, refusal or {'shut', soonest, rested}
end

local function hold_call(call, candidate, slots, budgets)
  local keys = {}
  for i, place in ipairs(candidate[4]) do
    keys[i] = budgets[place][1]
    redis.call('HINCRBY', keys[i], 'r', exact(candidate[2]))
  end
  if #keys > 0 or #slots > 0 then
    keep_hold(call[2], call[1], {candidate[2], keys, slots, call[3]})
  end
end

local function admit(call, attached, at)
  local policies, requests, slots, budgets = call[5], call[6], call[7], call[8]
  local cold = read_budgets(budgets)
  if cold then return {'cold', {}, cold} end
  local standing, refused = weigh(policies, at)
  if refused then return {'rate', standing} end
  local full = call[4] == 0 and full_slot(slots)
  if full then
    take(policies, standing, at, requests)
    return {'busy', standing, full}
  end
  local chosen, breaker, probe = choose(call[9], budgets, at)
  if not chosen then
    take(policies, standing, at, requests)
    return {'no', standing, breaker}
  end
  local candidate = call[9][chosen]
  take(policies, standing, at, #policies)
  hold_call(call, candidate, take_slots(slots, call[3]), budgets)
  if probe then probe_breaker(candidate[1], breaker, call[1], at) end
  records[#records + 1] = attached[1] .. attached[chosen + 1]
  return {'yes', standing, chosen, probe and 1 or 0}
end
