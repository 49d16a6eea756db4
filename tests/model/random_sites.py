"""Random sites without mistakes, small: few zones, nodes that several services share, hosts that cover each other."""

from random_tables import NODES, pattern, rule_path, some, weight

ZONES = ["403", "exposed", "a", "B", "a.b", "z_1"]


def site(rng):
    names = some(rng, ZONES, least=1, most=5)
    nodes = rng.sample(NODES, len(NODES))
    public = set(some(rng, names[1:], most=2))  # one zone at least is not public, so that there is a home
    of = {name: [] for name in names}
    for node in nodes:
        if rng.random() < 0.8:
            of[rng.choice(names)].append(node)
    zones = {name: zone(rng, name, names, of, name in public) for name in names}
    taken = [node for own in of.values() for node in own]
    services = {f"s{i}": service(rng, taken) for i in range(rng.randint(1, 4))}
    patterns = list({pattern(rng): 0 for _ in range(rng.randint(0, 8))})
    made = {
        "version": 1,
        "zones": zones,
        "services": services,
        "hosts": {p: host(rng, names, list(services)) for p in patterns},
    }
    private = [name for name in names if name not in public]
    if len(private) > 1 or rng.random() < 0.3:
        made["settings"] = {"home": rng.choice(private)}
    return made


def zone(rng, name, names, of, public):
    made = {}
    if public:
        made["public"] = True
    if rng.random() < 0.7:
        made["speaks_for"] = some(rng, names)
    if of[name]:
        made["nodes"] = {node: node_value(rng, i) for i, node in enumerate(of[name])}
    targets = [to for to in names if to != name and rng.random() < 0.6]
    if targets:
        made["links"] = [link(rng, to, of[name], of[to]) for to in rng.sample(targets, len(targets))]
    return made


def node_value(rng, i):
    address = f"10.{rng.randrange(256)}.0.{i}" + rng.choice(["", ":15443", ":443"])
    return address if rng.random() < 0.6 else {"address": address}


def link(rng, to, own_nodes, target_nodes):
    made = {"to": to}
    if rng.random() < 0.5:
        made["cost"] = rng.choice([1, 2, 10, 1_000_000])
    if own_nodes and rng.random() < 0.4:
        made["egress"] = some(rng, own_nodes, least=1)
    if target_nodes and rng.random() < 0.5:
        made["gateways"] = some(rng, target_nodes, least=1)
    if rng.random() < 0.2:
        made["tunnel"] = rng.random() < 0.7
    gateways = made.get("gateways", target_nodes)
    if gateways and not made.get("tunnel", False) and rng.random() < 0.4:
        made["address"] = {node: f"203.0.113.{rng.randrange(256)}:15443" for node in some(rng, gateways, least=1)}
    return made


def service(rng, nodes):
    return {"at": {node: at(rng) for node in some(rng, nodes)}}


def at(rng):
    address = f"127.0.0.1:{rng.randrange(1, 65536)}"
    value = rng.choice([address, address, [address], [address, "127.0.0.1:80"]])
    return value if rng.random() < 0.5 else {"address": value, "weight": weight(rng)}


def host(rng, zones, services):
    if rng.random() < 0.2:
        return rng.choice(services)
    made = {}
    if rng.random() < 0.6:
        made["expose_to"] = some(rng, zones)
    if rng.random() < 0.4:
        made["prefer"] = rng.choice(["zone", "node"])
    if rng.random() < 0.3:
        made["service"] = rng.choice(services)
    else:
        paths = list({rule_path(rng): 0 for _ in range(rng.randint(1, 4))})
        made["paths"] = {path: rule(rng, zones, services) for path in paths}
    return made


def rule(rng, zones, services):
    if rng.random() < 0.3:
        return rng.choice(services)
    made = {"service": rng.choice(services)}
    if rng.random() < 0.6:
        made["expose_to"] = some(rng, zones)
    return made
