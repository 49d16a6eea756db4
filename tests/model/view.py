"""The site's views: what each zone's table says of a site ("Views", rules 1 to 9 of DESIGN.md).

`view(site, zone, revision)` computes one zone's table from a site in its written form (as JSON). It is called for sites
without mistakes; names of machines are not resolved here, so rule 8 is not modelled, nor are the rules about listeners.
"""

MILLION = 1_000_000


def with_port(address):
    """ "port 15443 unless given" """
    bare_ipv6 = address.endswith("]") or (":" not in address)
    return f"{address}:15443" if bare_ipv6 else address


def node_address(node):
    return with_port(node if isinstance(node, str) else node["address"])


def weight(backend):
    """ "A service is `at` nodes: an address, a list of addresses, or `{address, weight}` with either." """
    return backend.get("weight", 1) if isinstance(backend, dict) else 1


def is_public(zone):
    return zone.get("public", False)


def home(site):
    """ "default: the only zone that is not public" """
    named = site.get("settings", {}).get("home")
    private = [name for name, zone in site["zones"].items() if not is_public(zone)]
    return str(named) if named is not None else (private[0] if len(private) == 1 else None)


def speaks_for(site, name):
    """ "default: itself alone"; "public: speaks for itself alone, whatever is written" """
    zone = site["zones"][name]
    return {name} if is_public(zone) else set(zone.get("speaks_for", [name]))


def zone_of_node(site):
    return {node: name for name, zone in site["zones"].items() for node in zone.get("nodes", {})}


# What a host of the site is, before any zone looks at it: its rules with exposure and backends spelled out.


def rules_of(site, host):
    """The rules of a host as {path: (exposure, {node: weight})}."""
    if isinstance(host, str):  # "short form: home alone may ask"
        host = {"service": host}
    paths = host["paths"] if "paths" in host else {"/": host["service"]}
    rules = {}
    for path, rule in paths.items():
        if isinstance(rule, str):
            rule = {"service": rule}
        # "a path's exposure is its own, else the host's, else home"
        exposure = rule.get("expose_to", host.get("expose_to", [home(site)]))
        at = site.get("services", {})[rule["service"]].get("at", {})
        rules[path] = (set(map(str, exposure)), {node: weight(backend) for node, backend in at.items()})
    return rules


def covers(pattern, host):
    """Whether all names of one pattern (or the one name) are names of another pattern."""
    if pattern.startswith("**."):
        suffix = "." + pattern[3:]  # one label or more before it; of `*.suffix` and `**.suffix` too
        return host.removeprefix("*").removeprefix("*").endswith(suffix)
    if pattern.startswith("*.") and not host.startswith("*"):  # exactly one label before the suffix
        return host.partition(".")[2] == pattern[2:]
    return False


class View:
    """One zone's reading of a site."""

    def __init__(self, site, zone):
        self.site, self.zone = site, zone
        self.public = is_public(site["zones"][zone])
        self.zone_of = zone_of_node(site)

    def serves(self, backends):
        """ "a node of Z serves it (is among a path's nodes, with weight 0 too)" """
        return any(self.zone_of[node] == self.zone for node in backends)

    def table(self, revision):
        return {
            "version": 1,
            "revision": revision,
            "view": self.zone,
            "zones": {name: self.zone_entry(name) for name in sorted(self.site["zones"])},
            "hosts": self.hosts(),
        }

    def zone_entry(self, name):
        """Rules 1 and 2."""
        zone, own = self.site["zones"][name], name == self.zone
        entry = {}
        if is_public(zone):
            entry["public"] = True
        if own and zone.get("nodes"):
            entry["nodes"] = {id: {"address": node_address(node)} for id, node in sorted(zone["nodes"].items())}
        if zone.get("links"):
            entry["links"] = [self.link(link, own) for link in sorted(zone["links"], key=lambda link: str(link["to"]))]
        if speaks_for(self.site, name) != {name}:
            entry["speaks_for"] = sorted(speaks_for(self.site, name))
        return entry

    def link(self, link, own):
        target = str(link["to"])
        entry = {"to": target}
        if link.get("cost", 1) != 1:
            entry["cost"] = link["cost"]
        if own and "egress" in link:
            entry["egress"] = sorted(link["egress"])
        if own:
            gateways = [self.gateway(link, target, node) for node in sorted(self.gateway_nodes(link, target))]
            if gateways:
                entry["gateways"] = gateways
        return entry

    def gateway_nodes(self, link, target):
        """ "default: the target's nodes" """
        return link.get("gateways", self.site["zones"][target].get("nodes", {}))

    def gateway(self, link, target, node):
        """ "address: the link's, else the node's" """
        if link.get("tunnel", False):
            return {"node": node, "tunnel": True}
        own_address = self.site["zones"][target]["nodes"][node]
        address = link.get("address", {}).get(node)
        return {"node": node, "address": with_port(address) if address else node_address(own_address)}

    def hosts(self):
        """Rules 3 to 7, sorted."""
        site_hosts = self.site.get("hosts", {})
        seen = {pattern: self.host(pattern, host) for pattern, host in site_hosts.items()}
        seen = {pattern: host for pattern, host in seen.items() if host}
        masks = set()
        if not self.public:  # rule 7: "a wildcard never answers for it"
            masks = {name for name in site_hosts if name not in seen and any(covers(p, name) for p in seen)}
        return [seen.get(name) or {"host": name, "exposed_to": []} for name in sorted(seen.keys() | masks)]

    def host(self, pattern, host):
        """A host's entry, or None where the view does not have it."""
        rules = rules_of(self.site, host)
        if self.public:  # rule 5: "rules that are neither exposed to Z nor served there are dropped first"
            rules = {p: rule for p, rule in rules.items() if self.zone in rule[0] or self.serves(rule[1])}
        served_here = any(self.serves(backends) for _, backends in rules.values())
        exposure = set().union(*(exposure for exposure, _ in rules.values()))  # rule 3: "the union of its rules'"
        if not served_here and not exposure & speaks_for(self.site, self.zone):  # rule 4
            return None
        cut = {self.zone} if self.public and not served_here else exposure  # rule 5: "exposure is cut to Z"
        entry = {"host": pattern, "exposed_to": sorted(exposure & cut)}
        if isinstance(host, dict) and host.get("prefer", "node") == "zone":
            entry["prefer"] = "zone"
        if rules:
            entry["rules"] = [self.rule(path, *rules[path], exposure & cut, cut) for path in sorted(rules)]
        return entry

    def rule(self, path, exposure, backends, whole, cut):
        entry = {"path": path}
        if exposure & cut != whole:  # rule 3: "a rule's is written where it is narrower"
            entry["exposed_to"] = sorted(exposure & cut)
        if backends:
            entry["backends"] = self.backends(backends)
        return entry

    def backends(self, backends):
        """Rule 6, and of rule 9 "a rule's backends: nodes, then zones"."""
        nodes = {node: weight for node, weight in backends.items() if self.zone_of[node] == self.zone}
        zones = {}
        for node, node_weight in backends.items():
            if node not in nodes:
                zones[self.zone_of[node]] = zones.get(self.zone_of[node], 0) + node_weight
        named = [({"node": node}, nodes[node]) for node in sorted(nodes)]
        named += [({"zone": zone}, min(zones[zone], MILLION)) for zone in sorted(zones)]
        return [name if weight == 1 else name | {"weight": weight} for name, weight in named]


def view(site, zone, revision):
    """Zone's table of the site."""
    return View(site, zone).table(revision)
