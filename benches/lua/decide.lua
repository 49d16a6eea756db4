-- The whole decision of Zoneway in Lua, for Envoy's Lua filter: what somebody would write who knows Lua well and has no
-- Zoneway. The benchmark compares the filter with it, so it is to be fast, and `tests/model/compare_lua.py` holds it
-- against the model of the design, so it is to be right.
--
-- Before this text stands `ZONEWAY_TABLE = …`, the zone table as a Lua value with the keys of its JSON. It must not have
-- changed when a worker loads it: this runs once a worker, and everything below is looked up, not computed, per request.

local TABLE = ZONEWAY_TABLE
local CONFIG = ZONEWAY_CONFIG
  or { node = "studtop", role = "ingress", source_zone = TABLE.view, unknown_host = "refuse", max_hops = 8, balance = "random" }

local VIEW, NODE, MAX_HOPS = TABLE.view, CONFIG.node, CONFIG.max_hops
local HERE = VIEW .. "/" .. NODE
local REVISION = string.format("%.0f.%.0f", TABLE.revision.epoch, TABLE.revision.sequence)
local ZONES = TABLE.zones
local NODES = ZONES[VIEW].nodes or {}
local NOTHING = {}

local byte, find, gmatch, lower, match, sub = string.byte, string.find, string.gmatch, string.lower, string.match, string.sub
local concat, sort = table.concat, table.sort
local COLON, DOT, SLASH = byte(":"), byte("."), byte("/")

local STATUS = {
  bad_hop = "400", malformed_host = "400", malformed_path = "400", not_spoken_for = "403", unknown_host = "404",
  not_exposed = "404", no_rule = "404", no_backend = "503", no_path = "503", loop = "508", too_many_hops = "508",
}
local ERROR = {
  ["400"] = "http_request_error", ["403"] = "http_request_denied", ["404"] = "destination_not_found",
  ["503"] = "destination_unavailable", ["508"] = "proxy_loop_detected",
}

-- Loading: indexes over the table.

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do
    set[name] = true
  end
  return set
end

local speaks_for, links, own_link = {}, {}, {}
for name, zone in pairs(ZONES) do
  speaks_for[name] = set_of(zone.speaks_for or { name })
  links[name] = zone.links or NOTHING
end
for _, link in ipairs(links[VIEW]) do
  local gateways = {}
  for i, gateway in ipairs(link.gateways or NOTHING) do
    gateways[i] = { name = gateway.node, item = link.to .. "/" .. gateway.node, weight = 1, address = gateway.address }
  end
  local egress = link.egress and { unpack(link.egress) }
  if egress then
    sort(egress)
  end
  own_link[link.to] = { gateways = gateways, egress = egress, is_ours = not egress or set_of(egress)[NODE] or false }
end

local function by_weight(a, b)
  if a.weight ~= b.weight then
    return a.weight > b.weight
  end
  return a.name < b.name
end

-- A rule as requests need it: its backends apart and in order, and whether the shortest answer is right.
local function compile_rule(rule, host)
  local nodes, zones, any, here = {}, {}, false, nil
  for _, backend in ipairs(rule.backends or NOTHING) do
    local weight = backend.weight or 1
    if weight > 0 then
      any = true
      if backend.node then
        local name = backend.node
        local node = { name = name, item = VIEW .. "/" .. name, weight = weight, address = NODES[name].address }
        nodes[#nodes + 1] = node
        if name == NODE then
          here = node
        end
      else
        zones[#zones + 1] = { name = backend.zone, weight = weight }
      end
    end
  end
  sort(nodes, by_weight)
  local prefer_zone = host.prefer == "zone"
  return {
    path = rule.path, length = #rule.path, exposed_to = rule.exposed_to and set_of(rule.exposed_to),
    nodes = nodes, zones = zones, any = any, here = here, prefer_zone = prefer_zone,
    -- Without a trail: local whatever the seed.
    always_local = here ~= nil and (not prefer_zone or #nodes == 1),
  }
end

local exact, one, deep = {}, {}, {}
for _, host in ipairs(TABLE.hosts) do
  local entry = { exposed_to = set_of(host.exposed_to), rules = {} }
  for i, rule in ipairs(host.rules or NOTHING) do
    entry.rules[i] = compile_rule(rule, host)
    entry.parted = entry.parted or rule.path ~= "/"
  end
  sort(entry.rules, function(a, b) return a.length > b.length end)
  entry.only = not entry.parted and entry.rules[1] or nil
  local stars, suffix = match(host.host, "^(%*+)%.(.*)$")
  if not stars then
    exact[host.host] = entry
  elseif stars == "*" then
    one[suffix] = entry
  else
    deep[suffix] = entry
  end
end

-- Steps 1 and 3: the entry of a host. An exact name of the table is canonical, so whatever equals one is well-formed.

local function is_ipv4(text)
  for octet in gmatch(text, "[^.]+") do
    if #octet > 3 or find(octet, "^0%d") or tonumber(octet) > 255 then
      return false
    end
  end
  return true
end

local function groups_of(text)
  local count = 0
  if text == "" then
    return 0
  end
  for group, mark in gmatch(text .. ":", "([^:]*)(:)") do
    if not find(group, "^%x%x?%x?%x?$") then
      return nil
    end
    count = count + (mark and 1 or 0)
  end
  return count
end

local function is_ipv6(text)
  local head, octets = match(text, "^(.*:)(%d+%.%d+%.%d+%.%d+)$")
  if head then
    if not is_ipv4(octets) then
      return false
    end
    text = head .. "0:0"
  end
  local gap = find(text, "::", 1, true)
  if not gap then
    return groups_of(text) == 8
  end
  local before, after = groups_of(sub(text, 1, gap - 1)), groups_of(sub(text, gap + 2))
  return before ~= nil and after ~= nil and before + after <= 7
end

-- The entry; or nil and the reason.
local function lookup(host)
  local entry = exact[host]
  if entry then
    return entry
  end
  if host == nil or host == "" then
    return nil, "malformed_host"
  end
  if byte(host) == 91 then -- [
    local literal = match(host, "^%[([%x:.]+)%]$")
    return nil, literal and is_ipv6(literal) and "unknown_host" or "malformed_host"
  end
  -- A port or a trailing dot: Envoy has taken one of each off, and its router would see what is left.
  if #host > 253 or byte(host, -1) == DOT or find(host, "[^%w._-]") then
    return nil, "malformed_host"
  end
  if find(host, "%u") then
    host = lower(host)
    entry = exact[host]
    if entry then
      return entry
    end
  end
  local start = 1
  repeat -- every label: 1 to 63 bytes, no dash at either end
    local dot = find(host, ".", start, true) or #host + 1
    if dot == start or dot - start > 63 or byte(host, start) == 45 or byte(host, dot - 1) == 45 then
      return nil, "malformed_host"
    end
    start = dot + 1
  until start > #host + 1
  if find(host, "^%d+%.%d+%.%d+%.%d+$") and is_ipv4(host) then
    return nil, "unknown_host"
  end
  local dot = find(host, ".", 1, true)
  local suffix = dot and sub(host, dot + 1)
  entry = suffix and one[suffix]
  while suffix and not entry do
    entry = deep[suffix]
    dot = find(suffix, ".", 1, true)
    suffix = dot and sub(suffix, dot + 1)
  end
  return entry, "unknown_host"
end

-- Step 5.

local function is_normal(path)
  if byte(path) ~= SLASH or find(path, "//", 1, true) or find(path, "[\\%c]") then
    return false
  end
  if find(path, "/.", 1, true) then
    for segment in gmatch(path, "/([^/]*)") do
      if find(segment, "^%.%.?$") or find(segment, "^%.%.?;") then
        return false
      end
    end
  end
  if find(path, "%", 1, true) then
    local at = find(path, "%", 1, true)
    while at do
      local digits = match(path, "^%x%x", at + 1)
      if not digits or find(string.char(tonumber(digits, 16)), "[%w%-._~/\\%c%z]") then
        return false
      end
      at = find(path, "%", at + 3, true)
    end
  end
  return true
end

local function rule_for(entry, path)
  for _, rule in ipairs(entry.rules) do
    local length = rule.length
    if length == 1 then -- `/` matches every path; it is the shortest and so the last
      return rule
    end
    if sub(path, 1, length) == rule.path then
      local border = byte(path, length + 1)
      if border == nil or border == SLASH then
        return rule
      end
    end
  end
end

-- Steps 7 and 8.

-- The order of a request's endpoints: shares by weight, or as listed without a balance.
local function order(items)
  local left = { unpack(items) }
  if CONFIG.balance == "none" or #left < 2 then
    sort(left, by_weight)
    return left
  end
  local drawn = {}
  for _, item in ipairs(left) do
    drawn[item] = -math.log(1 - math.random()) / item.weight
  end
  sort(left, function(a, b) return drawn[a] < drawn[b] end)
  return left
end

local function without(items, passed)
  if not passed then
    return items
  end
  local left = {}
  for _, item in ipairs(items) do
    if not passed.items[item.item] then
      left[#left + 1] = item
    end
  end
  return left
end

-- Whether one way is better than another: cost, then links, then the zones' names.
local function better(a, b)
  if a.cost ~= b.cost then
    return a.cost < b.cost
  end
  if a.links ~= b.links then
    return a.links < b.links
  end
  for i = 1, a.links do
    if a[i] ~= b[i] then
      return a[i] < b[i]
    end
  end
  return false
end

-- The best way to every zone for a source, around the zones that the trail has visited.
local function ways(source, visited)
  local best, open = {}, { [VIEW] = { cost = 0, links = 0 } }
  while true do
    local zone, way = nil, nil
    for name, candidate in pairs(open) do
      if not way or better(candidate, way) then
        zone, way = name, candidate
      end
    end
    if not zone then
      return best
    end
    open[zone], best[zone] = nil, way
    if speaks_for[zone][source] then
      for _, link in ipairs(links[zone]) do
        if not best[link.to] and not (visited and visited[link.to]) then
          local further = { unpack(way) }
          further.cost, further.links = way.cost + (link.cost or 1), way.links + 1
          further[further.links] = link.to
          if not open[link.to] or better(further, open[link.to]) then
            open[link.to] = further
          end
        end
      end
    end
  end
end

local known_ways = {} -- by source, where no trail excludes anything

local function other_zone(rule, source, passed)
  local best
  if passed then
    best = ways(source, passed.zones)
  else
    best = known_ways[source]
    if not best then
      best = ways(source)
      if ZONES[source] then -- a client's words must not fill the memory
        known_ways[source] = best
      end
    end
  end
  local reachable = {}
  for _, zone in ipairs(rule.zones) do
    if best[zone.name] then
      reachable[#reachable + 1] = zone
    end
  end
  sort(reachable, function(a, b)
    local cost_a, cost_b = best[a.name].cost, best[b.name].cost
    if cost_a ~= cost_b then
      return cost_a < cost_b
    end
    return by_weight(a, b)
  end)
  for _, zone in ipairs(reachable) do
    local target = best[zone.name][1]
    local link = own_link[target]
    local endpoints, tunnels = {}, {}
    if not link.is_ours then
      for _, node in ipairs(link.egress) do
        if not (passed and passed.items[VIEW .. "/" .. node]) then
          endpoints[#endpoints + 1] = NODES[node].address
        end
      end
      if #endpoints > 0 then
        return "peer", "peer_egress", nil, endpoints
      end
    else
      local gateways = order(without(link.gateways, passed))
      for _, gateway in ipairs(gateways) do
        if gateway.address then
          endpoints[#endpoints + 1] = gateway.address
        else
          tunnels[#tunnels + 1] = gateway.name
        end
      end
      if #gateways > 0 then
        return "zone", "cross_zone", target, endpoints, tunnels
      end
    end
  end
  return "refuse", rule.any and "no_path" or "no_backend"
end

-- Steps 0 and 6: what a peer says of the way so far; nil where it is none.

local function is_zone_name(text)
  return #text <= 63 and find(text, "^%w[%w_.-]*$") and find(text, "%w$") and true or false
end

local function is_node_id(text)
  if #text > 253 or not find(text, "^[%l%d.-]+$") then
    return false
  end
  for label in gmatch(text .. ".", "([^.]*)%.") do
    if #label == 0 or #label > 63 or not find(label, "^[%l%d]") or not find(label, "[%l%d]$") then
      return false
    end
  end
  return true
end

local function read_trail(text)
  local passed = { items = {}, zones = {}, count = 0, left = false }
  if text == nil or text == "" then
    return nil
  end
  for item in gmatch(text .. ",", "([^,]*),") do
    local zone, node = match(item, "^([^/]*)/([^/]*)$")
    passed.count = passed.count + 1
    if not zone or passed.count > 64 or not is_zone_name(zone) or not is_node_id(node) then
      return nil
    end
    passed.left = passed.left or (passed.zones[VIEW] and zone ~= VIEW) or false
    passed.items[item], passed.zones[zone], passed.last = true, true, zone
  end
  return passed
end

local function count_loops(lines)
  local count = 0
  for item in gmatch(lines, "[^,]+") do
    if find(lower(item), "^%s*zoneway%s*$") or find(lower(item), "^%s*zoneway%s*;") then
      count = count + 1
    end
  end
  return count
end

-- The decision: action, reason, zone, endpoints, tunnels. `passed` is a peer's trail, nil from a client.
local function decide(host, path, source, passed, loops)
  if passed and passed.last ~= VIEW then
    local speaker = speaks_for[passed.last]
    if not (speaker and speaker[source]) then
      return "refuse", "not_spoken_for"
    end
  end
  local entry, reason = lookup(host)
  if not entry then
    if reason == "unknown_host" and CONFIG.unknown_host == "pass" and not passed and source == VIEW then
      return "pass", reason
    end
    return "refuse", reason
  end
  if not entry.exposed_to[source] then
    return "refuse", "not_exposed"
  end
  local rule = entry.only
  if not rule then
    local finish = find(path, "[?#]")
    path = finish and sub(path, 1, finish - 1) or path
    if entry.parted and not is_normal(path) then
      return "refuse", "malformed_path"
    end
    rule = rule_for(entry, path)
    if not rule then
      return "refuse", "no_rule"
    end
  end
  if rule.exposed_to and not rule.exposed_to[source] then
    return "refuse", "not_exposed"
  end
  if passed then
    if passed.items[HERE] or passed.left then
      return "refuse", "loop"
    end
    loops = passed.count
  end
  if loops >= MAX_HOPS then
    return "refuse", "too_many_hops"
  end
  if rule.here and (rule.always_local or passed and passed.last == VIEW) then
    return "local", "here"
  end
  local nodes = without(rule.nodes, passed)
  if #nodes == 0 then
    return other_zone(rule, source, passed)
  end
  if rule.here and not rule.prefer_zone then
    return "local", "here"
  end
  nodes = order(nodes)
  if nodes[1] == rule.here then
    return "local", "here"
  end
  local endpoints = {}
  for _, node in ipairs(nodes) do
    if node ~= rule.here then
      endpoints[#endpoints + 1] = node.address
    end
  end
  return "peer", "peer", nil, endpoints
end

-- What a peer sent is judged before anything else.
function zoneway_decide(host, path, source, trail, loops)
  if CONFIG.role ~= "peer" then
    return decide(host, path, source, nil, loops)
  end
  local passed = read_trail(trail)
  if not passed or not source or not is_zone_name(source) then
    return "refuse", "bad_hop"
  end
  return decide(host, path, source, passed, 0)
end

-- Envoy.

local OURS = { "x-zoneway-cluster", "x-zoneway-endpoints", "x-zoneway-tunnel", "x-zoneway-source", "x-zoneway-trail" }
local STRAYS = CONFIG.role == "peer" and 3 or 5 -- a peer's source and trail are meant

local function refuse(handle, reason, source)
  local status = STATUS[reason]
  local text = "zoneway; error=" .. ERROR[status]
  local zone = ZONES[source]
  if status ~= "404" and zone and not zone.public then
    text = text .. '; details="node=' .. NODE .. " reason=" .. reason .. " revision=" .. REVISION .. '"'
  end
  handle:respond({ [":status"] = status, ["proxy-status"] = text }, "")
end

local function forward(headers, source, trail, zone, endpoints, tunnels)
  headers:replace("x-zoneway-cluster", zone and "zoneway/zone/" .. zone or "zoneway/peers")
  if #endpoints == 0 then
    headers:replace("x-zoneway-tunnel", tunnels[1])
  else
    headers:replace("x-zoneway-endpoints", concat(endpoints, ",", 1, math.min(#endpoints, 16)))
  end
  headers:replace("x-zoneway-source", source)
  headers:replace("x-zoneway-trail", trail and trail .. "," .. HERE or HERE)
  headers:add("cdn-loop", "zoneway")
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local source, trail = CONFIG.source_zone, nil
  if STRAYS == 3 then
    source, trail = headers:get("x-zoneway-source"), headers:get("x-zoneway-trail")
  end
  for i = 1, STRAYS do
    if headers:get(OURS[i]) then
      headers:remove(OURS[i])
    end
  end
  local loops = headers:get("cdn-loop") -- all its lines, joined
  loops = loops and count_loops(loops) or 0
  local action, reason, zone, endpoints, tunnels =
    zoneway_decide(headers:get(":authority"), headers:get(":path") or "", source, trail, loops)
  if action == "local" or action == "pass" then
    return
  end
  handle:streamInfo():dynamicMetadata():set("zoneway", "decision", action .. " " .. reason .. " " .. (zone or "-"))
  if action == "refuse" then
    return refuse(handle, reason, source)
  end
  forward(headers, source, trail, zone, endpoints, tunnels)
end
