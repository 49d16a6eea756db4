"""The zone table's rules: which tables are valid, and where the others are at fault.

`faults` takes a table that has the right shape (see `shape`) and returns the set of paths at which a rule of "The zone
table, version 1" is broken. The messages are the product's own affair; the places are not.
"""

import grammar

MILLION = 1_000_000
LIMITS = {"hosts": 100_000, "nodes": 10_000, "zones": 256, "links": 4_096, "rules": 64, "backends": 256}


def repeats(values):
    """The positions of values that stood in the list before."""
    seen = set()
    for position, value in enumerate(values):
        if value in seen:
            yield position
        seen.add(value)


class Faults:
    def __init__(self, table):
        self.table, self.paths = table, set()
        self.zones, self.view = table["zones"], table["view"]
        self.nodes = self.zones.get(self.view, {}).get("nodes", {})

    def want(self, good, path):
        if not good:
            self.paths.add(path)

    def zone_names(self, names, path):
        """A list of zones: each in `zones`, none twice."""
        for i, name in enumerate(names):
            self.want(name in self.zones, f"{path}[{i}]")
        for i in repeats(names):
            self.want(False, f"{path}[{i}]")

    def node_names(self, names, path):
        """A list of nodes of the view's zone, none twice."""
        for i, name in enumerate(names):
            self.want(name in self.nodes, f"{path}[{i}]")
        for i in repeats(names):
            self.want(False, f"{path}[{i}]")

    def check(self):
        table = self.table
        self.want(table["version"] == 1, "version")
        self.want(self.view in self.zones, "view")
        self.want(len(self.zones) <= LIMITS["zones"], "zones")
        self.want(len(table["hosts"]) <= LIMITS["hosts"], "hosts")
        self.want(sum(len(z.get("links", [])) for z in self.zones.values()) <= LIMITS["links"], "zones")
        for name, zone in self.zones.items():
            self.zone(name, zone, f"zones.{name}")
        for i in repeats([host["host"] for host in table["hosts"]]):  # "One entry per pattern."
            self.want(False, f"hosts[{i}].host")
        for i, host in enumerate(table["hosts"]):
            self.host(host, f"hosts[{i}]")
        return self.paths

    def zone(self, name, zone, path):
        own = name == self.view
        self.want(grammar.is_zone_name(name), path)
        # "Only the view's own zone has `nodes`, and only its own links have `gateways` and `egress`"; but "valid:
        # anything empty".
        if zone.get("nodes"):
            self.want(own, f"{path}.nodes")
            self.want(len(zone["nodes"]) <= LIMITS["nodes"], f"{path}.nodes")
            for node, value in zone["nodes"].items():
                at = f"{path}.nodes.{node}"
                self.want(grammar.is_node_id(node), at)
                self.want(grammar.is_address(value["address"]), f"{at}.address")
        links = zone.get("links", [])
        for i, link in enumerate(links):
            self.link(name, link, f"{path}.links[{i}]")
        for i in repeats([link["to"] for link in links]):  # "no other link of its zone has the same target"
            self.want(False, f"{path}.links[{i}].to")
        if "speaks_for" in zone:
            self.zone_names(zone["speaks_for"], f"{path}.speaks_for")
            # "`public` with another `speaks_for`": a public zone speaks for itself alone.
            if zone.get("public", False):
                self.want(zone["speaks_for"] == [name], f"{path}.speaks_for")

    def link(self, zone, link, path):
        self.want(link["to"] in self.zones and link["to"] != zone, f"{path}.to")
        self.want(1 <= link.get("cost", 1) <= MILLION, f"{path}.cost")
        if link.get("egress"):
            self.want(zone == self.view, f"{path}.egress")
            if zone == self.view:
                self.node_names(link["egress"], f"{path}.egress")
            else:  # "repeats in a list", wherever the list stands
                for i in repeats(link["egress"]):
                    self.want(False, f"{path}.egress[{i}]")
        if link.get("gateways"):
            self.want(zone == self.view, f"{path}.gateways")
            for i, gateway in enumerate(link["gateways"]):
                at = f"{path}.gateways[{i}]"
                self.want(grammar.is_node_id(gateway["node"]), f"{at}.node")
                # "either `address` or `\"tunnel\": true`"
                self.want(("address" in gateway) != gateway.get("tunnel", False), at)
                self.want("address" not in gateway or grammar.is_address(gateway["address"]), f"{at}.address")
            for i in repeats([gateway["node"] for gateway in link["gateways"]]):
                self.want(False, f"{path}.gateways[{i}].node")

    def host(self, host, path):
        self.want(grammar.is_host_pattern(host["host"]), f"{path}.host")
        self.zone_names(host["exposed_to"], f"{path}.exposed_to")
        rules = host.get("rules", [])
        self.want(len(rules) <= LIMITS["rules"], f"{path}.rules")
        for i in repeats([rule["path"] for rule in rules]):  # "One rule per path."
            self.want(False, f"{path}.rules[{i}].path")
        for i, rule in enumerate(rules):
            self.rule(host, rule, f"{path}.rules[{i}]")

    def rule(self, host, rule, path):
        self.want(grammar.is_rule_path(rule["path"]), f"{path}.path")
        if "exposed_to" in rule:
            self.zone_names(rule["exposed_to"], f"{path}.exposed_to")
            for i, zone in enumerate(rule["exposed_to"]):  # "a rule's own is a part of it"
                self.want(zone in host["exposed_to"], f"{path}.exposed_to[{i}]")
        backends = rule.get("backends", [])
        self.want(len(backends) <= LIMITS["backends"], f"{path}.backends")
        for i, backend in enumerate(backends):
            at = f"{path}.backends[{i}]"
            # "`{"node": …}` of the view's zone or `{"zone": …}` of another"
            self.want(("node" in backend) != ("zone" in backend), at)
            if "zone" not in backend and "node" in backend:
                self.want(backend["node"] in self.nodes, f"{at}.node")
            if "node" not in backend and "zone" in backend:
                self.want(backend["zone"] in self.zones and backend["zone"] != self.view, f"{at}.zone")
            self.want(backend.get("weight", 1) <= MILLION, f"{at}.weight")
        for i in repeats([(backend.get("node"), backend.get("zone")) for backend in backends]):
            self.want(False, f"{path}.backends[{i}]")


def faults(table):
    """The places at fault; empty for a valid table."""
    return Faults(table).check()
