"""The decision of DESIGN.md, steps 0 to 9, one function a step.

`Model(table, zone, policy).decide(node, request)` answers with the dict that `zoneway decide` prints. Where a seed
orders endpoints, the order is the product's own affair: the answer is then an `Unordered`, which says what any order
must have. The steps quote the sentences that they follow.
"""

from heapq import heappop, heappush
from typing import NamedTuple

import grammar

STATUS = {
    "bad_hop": 400,
    "malformed_host": 400,
    "malformed_path": 400,
    "not_spoken_for": 403,
    "unknown_host": 404,
    "not_exposed": 404,
    "no_rule": 404,
    "no_table": 503,
    "no_backend": 503,
    "no_path": 503,
    "loop": 508,
    "too_many_hops": 508,
}
DEFAULT_POLICY = {"unknown_host": "refuse", "no_table": "refuse", "max_hops": 8}


class Item(NamedTuple):
    """One to be ordered: an endpoint's name, its weight, and its address (None: a tunnel)."""

    name: str
    weight: int
    address: str | None


class Unordered(NamedTuple):
    """An answer whose endpoints a seed orders, whether here may come first (then the answer is local), and all that is
    ordered."""

    answer: dict
    or_local: bool
    items: list


def refuse(reason):
    return {"action": "refuse", "reason": reason, "status": STATUS[reason]}


def local():
    return {"action": "local", "reason": "here"}


def forward(action, reason, items, zone=None):
    """ "`endpoints` with peer and zone; `zone` (the next hop's) and `tunnels` with zone only; empty ones are left out" """
    answer = {
        "action": action,
        "reason": reason,
        "zone": zone,
        "endpoints": [item.address for item in items if item.address is not None],
        "tunnels": [item.name for item in items if item.address is None],
    }
    return {key: value for key, value in answer.items() if value}


class Model:
    """One table (or None: none yet) as the nodes of one zone read it."""

    def __init__(self, table, zone=None, policy=None):
        self.table = table
        self.zone = table["view"] if table else zone
        self.policy = DEFAULT_POLICY | (policy or {})
        self.entries = {host["host"]: host for host in table["hosts"]} if table else {}
        self.zones = table["zones"] if table else {}
        self.nodes = self.zones.get(self.zone, {}).get("nodes", {})

    def decide(self, node, request):
        """`request` has the fields of a `zoneway decide` line; all but `host` may be left out."""
        return Request(self, node, request).decide()

    def speaks_for(self, zone, source):
        """ "`speaks_for`: absent means the zone itself alone" """
        return source in self.zones[zone].get("speaks_for", [zone])

    def entry(self, name):
        """ "Exact, then `*.`, then `**.` with the longest suffix." """
        labels = name.split(".")
        suffixes = [".".join(labels[i:]) for i in range(1, len(labels))]  # longest first
        patterns = [name] + [f"*.{suffix}" for suffix in suffixes[:1]] + [f"**.{suffix}" for suffix in suffixes]
        return next((self.entries[pattern] for pattern in patterns if pattern in self.entries), None)

    def best_paths(self, source, visited):
        """The best path from here's zone to every zone that has one, as (cost, links, names); cheapest first.

        "The best path: least total cost over links, then fewer links, then the zone names in order; through no zone
        that the trail has visited; and every zone that it leaves, here's own too, speaks for the source zone." The
        triples compare in just that order, and a longer path never compares lower than what it began with.
        """
        best, frontier = {}, [(0, 0, (self.zone,))]
        while frontier:
            cost, links, names = heappop(frontier)
            zone = names[-1]
            if zone in best:
                continue
            best[zone] = (cost, links, names)
            if self.speaks_for(zone, source):
                for link in self.zones[zone].get("links", []):
                    if link["to"] not in visited:
                        heappush(frontier, (cost + link.get("cost", 1), links + 1, (*names, link["to"])))
        return best


class Request:
    """One request at one node, while it is decided."""

    def __init__(self, model, node, request):
        self.model, self.table = model, model.table
        self.here = (model.zone, node)
        self.host = request["host"]
        self.path = request.get("path", "/")
        self.role = request.get("role", "ingress")
        self.source = request.get("source_zone", model.zone)
        self.seed = request.get("seed")
        # "a trail is ignored for `ingress`, loops for `peer`"
        trail = request.get("trail", [])
        trail = (trail.split(",") if trail else []) if isinstance(trail, str) else trail
        self.trail = [grammar.trail_item(item) for item in trail] if self.role == "peer" else []
        self.loops = request.get("loops", 0) if self.role == "ingress" else 0

    def decide(self):
        """ "The first step that answers ends it." """
        answer = self.arrival() or self.read_host() or self.no_table() or self.find_entry() or self.host_exposure()
        answer = answer or self.find_rule() or self.loop() or self.this_zone() or self.other_zones()
        return answer or self.nothing()

    def arrival(self):
        """Step 0, for the role `peer` alone."""
        if self.role != "peer":
            return None
        if not 1 <= len(self.trail) <= 64 or None in self.trail or not grammar.is_zone_name(self.source):
            return refuse("bad_hop")
        zone = self.trail[-1][0]
        if self.table and zone != self.model.zone:
            if zone not in self.model.zones or not self.model.speaks_for(zone, self.source):
                return refuse("not_spoken_for")
        return None

    def read_host(self):
        """Step 1."""
        kind, self.name = grammar.parse_host(self.host)
        return refuse("malformed_host") if kind == grammar.MALFORMED else None

    def passes(self, reason):
        """As configured, pass or refuse: "*pass* is only ever for the role ingress and a source zone that is here's
        own; any other is refused, whatever is configured"."""
        own = self.role == "ingress" and self.source == self.model.zone
        if own and self.model.policy[reason] == "pass":
            return {"action": "pass", "reason": reason}
        return refuse(reason)

    def no_table(self):
        """Step 2."""
        return None if self.table else self.passes("no_table")

    def find_entry(self):
        """Step 3. An address "is a valid host that no entry matches"."""
        self.entry = self.model.entry(self.name) if self.name else None
        return None if self.entry else self.passes("unknown_host")

    def host_exposure(self):
        """Step 4."""
        return None if self.source in self.entry["exposed_to"] else refuse("not_exposed")

    def find_rule(self):
        """Step 5."""
        path = self.path.split("?")[0].split("#")[0]  # "The path ends at the first `?` or `#`."
        rules = self.entry.get("rules", [])
        if any(rule["path"] != "/" for rule in rules) and not grammar.is_normal_path(path):
            return refuse("malformed_path")
        matching = [rule for rule in rules if grammar.path_matches(rule["path"], path)]
        if not matching:
            return refuse("no_rule")
        self.rule = max(matching, key=lambda rule: len(rule["path"].encode()))  # "Longest prefix wins"
        exposed_to = self.rule.get("exposed_to", self.entry["exposed_to"])
        return None if self.source in exposed_to else refuse("not_exposed")

    def loop(self):
        """Step 6."""
        zones = [zone for zone, _ in self.trail]
        # "a trail that left here's zone before (an item of here's zone and later one of another)"
        left = self.model.zone in zones and any(
            zone != self.model.zone for zone in zones[zones.index(self.model.zone) :]
        )
        if self.here in self.trail or left:
            return refuse("loop")
        if max(len(self.trail), self.loops) >= self.model.policy["max_hops"]:
            return refuse("too_many_hops")
        return None

    def order(self, items):
        """ "without a seed by weight (highest first) then id" """
        return sorted(items, key=lambda item: (-item.weight, item.name))

    def is_drawn(self, items):
        """Whether a seed orders these."""
        return self.seed is not None and len(items) > 1

    def this_zone(self):
        """Step 7."""
        node_backends = [
            Item(b["node"], b.get("weight", 1), self.model.nodes[b["node"]]["address"])
            for b in self.rule.get("backends", [])
            if "node" in b
        ]
        # "Node backends with weight above 0, without those in the trail."
        items = [b for b in node_backends if b.weight > 0 and (self.model.zone, b.name) not in self.trail]
        if not items:
            return None
        here_serves = self.here[1] in [item.name for item in items]
        arrived_from_own_zone = bool(self.trail) and self.trail[-1][0] == self.model.zone
        prefer_zone = self.entry.get("prefer", "node") == "zone"
        # "With here among them, and `prefer: node` or a trail whose last item is of here's zone: local."
        if here_serves and (not prefer_zone or arrived_from_own_zone):
            return local()
        ordered = self.order(items)
        others = [item for item in ordered if item.name != self.here[1]]
        # "With `prefer: zone` and here first: local. Else peer, with the addresses of all but here, in that order."
        peer = forward("peer", "peer", others)
        if self.is_drawn(items):
            return Unordered(peer, here_serves, items)
        return local() if ordered[0].name == self.here[1] else peer

    def other_zones(self):
        """Step 8: "the zone backends with weight above 0, by the cost of their best path from here's zone, then weight
        (highest first), then name"."""
        best = self.model.best_paths(self.source, visited={zone for zone, _ in self.trail})
        zone_backends = [b for b in self.rule.get("backends", []) if "zone" in b and b.get("weight", 1) > 0]
        reachable = [b for b in zone_backends if b["zone"] in best]
        for backend in sorted(reachable, key=lambda b: (best[b["zone"]][0], -b.get("weight", 1), b["zone"])):
            _, _, names = best[backend["zone"]]
            answer = self.first_link(names[1])
            if answer:  # "For the first that works"; "its second-best path is not tried"
                return answer
        return None

    def first_link(self, target):
        """The next hop over here's link to a zone, or None where it has "neither left"."""
        link = next(link for link in self.model.zones[self.model.zone]["links"] if link["to"] == target)
        # "If that link has `egress` without here: peer to the egress nodes not in the trail, by id."
        if "egress" in link and self.here[1] not in link["egress"]:
            nodes = [node for node in sorted(link["egress"]) if (self.model.zone, node) not in self.trail]
            items = [Item(node, 1, self.model.nodes[node]["address"]) for node in nodes]
            return forward("peer", "peer_egress", items) if items else None
        # "Else zone: the link's target, with its gateways not in the trail, ordered as in 7 (weight 1 each)."
        gateways = [g for g in link.get("gateways", []) if (target, g["node"]) not in self.trail]
        items = self.order([Item(g["node"], 1, g.get("address")) for g in gateways])
        if not items:
            return None
        answer = forward("zone", "cross_zone", items, zone=target)
        return Unordered(answer, False, items) if self.is_drawn(items) else answer

    def nothing(self):
        """Step 9."""
        weights = [backend.get("weight", 1) for backend in self.rule.get("backends", [])]
        return refuse("no_path" if any(weights) else "no_backend")


def agrees(expected, got):
    """Whether an answer of the product is one that the model allows."""
    if not isinstance(expected, Unordered):
        return got == expected
    if expected.or_local and got == local():
        return True
    return unordered(got) == unordered(expected.answer)


def unordered(answer):
    return {key: sorted(value) if isinstance(value, list) else value for key, value in answer.items()}
