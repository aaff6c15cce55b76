-- Everything that a call needs, or nothing: {'admit', time, id, request, tokens to take, amounts,
-- whether what a call may come to is known}. What calls share is {executor, follows, policies, how
-- many of them count requests, slots, budgets, candidates}, a candidate being {breaker, has a price,
-- its budgets by their place}; the amounts are one a candidate, null where nothing is reserved.
-- Attached: how the call's record begins, and what calls share of how it goes on with each candidate.

-- The first budget of a candidate that stands against it, why, and what is settled and reserved.
local function budget_against(candidate, amount, is_bounded, limits)
  for _, i in ipairs(candidate[3]) do
    local settled, reserved = budget_standing(budget_of(limits[i][1]))
    local cap = limits[i][2]
    if cap >= 0 then
      if candidate[2] * is_bounded == 0 then return i, 'price', settled, reserved end
      if settled + reserved + amount > cap then return i, 'budget', settled, reserved end
    end
  end
end

-- Its place and whether it is a probe; or nil and the refusal of the first that is ready, or how long
-- until one of them is, and whether none of them does worse than to ask for a pause.
local function choose(call, shared, at)
  local refusal, soonest
  local rested = 1
  for i, candidate in ipairs(shared[7]) do
    local breaker = breaker_of(candidate[1])
    local wait, probe = breaker_wait(breaker, at)
    if wait > 0 then
      soonest = math.min(soonest or wait, wait)
      if breaker.n then rested = 0 end
    else
      local amount = call[6][i] ~= cjson.null and call[6][i] or 0
      local against, why, settled, reserved = budget_against(candidate, amount, call[7], shared[6])
      if not against then return i, probe end
      refusal = refusal or {why, against, exact(settled), exact(reserved), tostring(i)}
    end
  end
  return nil, refusal or {'shut', soonest, rested}
end

-- What calls hold that come to the same amount with this candidate, worked out once.
local function terms_of(shared, chosen, amount)
  local candidate = shared[7][chosen]
  local terms = candidate.terms
  if terms and terms.amount == amount then return terms end
  local keys, slots = {}, {}
  for i, place in ipairs(candidate[3]) do keys[i] = shared[6][place][1] end
  for i, limit in ipairs(shared[5]) do slots[i] = limit[1] end
  terms = {amount = amount, keys = keys, slots = slots}
  if #keys > 0 or #slots > 0 then terms.packed = packed_terms(amount, keys, slots) end
  candidate.terms = terms
  return terms
end

local function hold_call(call, shared, chosen, amount)
  local id, request, terms = call[3], call[4], terms_of(shared, chosen, amount)
  for _, key in ipairs(terms.keys) do add_to_budget(key, 0, amount, id) end
  take_slots(terms.slots, request, shared[2] == 0 and not anew)
  if terms.packed then
    keep_value(holds_of(shared[1]), id, packed_hold(terms.packed, request))
  end
end

-- Of a call that may have been admitted before, since the answer to it was lost.
local function give_back(executor, id)
  local hold = take_value(holds_of(executor), id)
  if not hold then return end
  local said, request = said_in(hold)
  free_slots(said[3], request)
  for _, key in ipairs(said[2]) do add_to_budget(key, 0, -said[1], id) end
end

local function admit(call, attached, common, at)
  local rows, shared = common[1], common[2]
  local policies, requests, taken = shared[3], shared[4], call[5]
  local cold = cold_budgets(shared[6])
  if cold then return {'cold', {}, cold} end
  if anew then give_back(shared[1], call[3]) end
  local short = weigh(policies, at, taken)
  if short then return {'rate', take(policies, at, 0), short} end
  local full = shared[2] == 0 and full_slot(shared[5])
  if full then return {'busy', take(policies, at, requests), full} end
  local chosen, found = choose(call, shared, at)
  if not chosen then return {'no', take(policies, at, requests), found} end
  local candidate, amount = shared[7][chosen], call[6][chosen]
  local standing = take(policies, at, #policies, taken)
  hold_call(call, shared, chosen, amount ~= cjson.null and amount or 0)
  if found then probe_breaker(candidate[1], call[3], at) end
  local reserved = amount ~= cjson.null and exact(amount) or 'null'
  put(starts, call[3], attached[1] .. rows[chosen] .. reserved .. '}')
  return {'yes', standing, chosen, found and 1 or 0}
end
