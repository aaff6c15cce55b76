-- Everything that a call needs, or nothing: {'admit', time, tokens to take, amounts, whether what a
-- call may come to is known}; each call's own are its id and its request. What calls share is
-- {executor, follows, policies, how many of them count requests, slots, budgets, candidates}, a
-- candidate being {breaker, has a price, its budgets by their place}; the amounts are one a candidate,
-- null where nothing is reserved. Attached: how each call's record begins, and what calls share of how
-- it goes on with each candidate.

local function amount_of(call, place)
  local amount = call[4][place]
  return amount ~= cjson.null and amount or 0
end

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
-- until one of them is, and whether none of them does worse than to ask for a pause. Of `many` calls
-- only those that would choose the same, one after the other: nil where they might not.
local function choose(call, shared, at, many)
  local refusal, soonest
  local rested = 1
  for i, candidate in ipairs(shared[7]) do
    local breaker = breaker_of(candidate[1])
    local wait, probe = breaker_wait(breaker, at)
    if wait > 0 then
      soonest = math.min(soonest or wait, wait)
      if breaker.n then rested = 0 end
    else
      local amount = amount_of(call, i) * many
      local against, why, settled, reserved = budget_against(candidate, amount, call[5], shared[6])
      if many > 1 and (against or probe) then return end
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

local function hold_call(id, request, shared, chosen, amount)
  local terms = terms_of(shared, chosen, amount)
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

-- The answer to the calls from the first to the last of those that are alike; nil, and nothing done,
-- where they are several and need answers of their own.
local function admit(call, owns, attached, common, at, first, last)
  local rows, shared = common[1], common[2]
  local policies, requests, taken = shared[3], shared[4], call[3]
  local many = last - first + 1
  local short = weigh(policies, at, taken, many)
  local full = not short and shared[2] == 0 and full_slot(shared[5], many)
  if many > 1 and (short or full) then return end
  if short then return {'rate', take(policies, at, 0), short} end
  if full then return {'busy', take(policies, at, requests), full} end
  local chosen, found = choose(call, shared, at, many)
  if many > 1 and not chosen then return end
  if not chosen then return {'no', take(policies, at, requests), found} end
  local standing = take(policies, at, #policies, taken, many)
  local amount, reserved = amount_of(call, chosen), 'null'
  if call[4][chosen] ~= cjson.null then reserved = exact(amount) end
  local row = rows[chosen] .. reserved .. '}'
  for i = first, last do
    local id, request = owns[2 * i - 1], owns[2 * i]
    hold_call(id, request, shared, chosen, amount)
    put(starts, id, attached[i] .. row)
  end
  if found then probe_breaker(shared[7][chosen][1], owns[2 * first - 1], at) end
  return {'yes', standing, chosen, found and 1 or 0}
end

-- All that are alike at once, or one by one: {how many, their answer}.
local function admit_alike(call, owns, attached, common, at)
  local shared, many = common[2], #owns / 2
  local cold = cold_budgets(shared[6])
  if cold then return {{many, {'cold', {}, cold}}} end
  if anew then
    for i = 1, many do give_back(shared[1], owns[2 * i - 1]) end
  end
  local answer = admit(call, owns, attached, common, at, 1, many)
  if answer then return {{many, answer}} end
  local answers = {}
  for i = 1, many do answers[i] = {1, admit(call, owns, attached, common, at, i, i)} end
  return answers
end
