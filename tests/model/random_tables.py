"""Random tables and requests, small and hostile: names that nearly match, paths that are nearly normal, trails that
are nearly loops.

Every function draws from the `random.Random` that it is given, so a seed names a case for ever.
"""

ZONES = ["403", "exposed", "a", "B", "a.b", "z_1", "Z-9", "0"]
NODES = ["studtop", "stuchip", "n1", "n2.rack", "0", "a-b", "a"]
LABELS = ["a", "b", "ab", "x-y", "_q", "xn--9ca", "1", "notes"]
TOPS = ["com", "b", "a", "example", "4"]
SEGMENTS = ["api", "a", "b", "admin", "v1", "a;x", "%20", "%C3%A9", "A", "é", "..a", "x.y"]
ODD_SEGMENTS = [
    "",
    ".",
    "..",
    "..;x",
    ".;",
    "%2e",
    "%2F",
    "%61",
    "%zz",
    "%",
    "%4",
    "a\\b",
    "\x01",
    "\x7f",
    "%00",
    "%7f",
    "%7E",
]
ODD_PATHS = [
    "",
    "*",
    "api",
    "/",
    "//",
    "/api//",
    "/?",
    "?",
    "#",
    "/#/../",
    "/api?x=/../",
    "/api#%zz",
    "/%",
    "/api/..",
    "\\",
]
ODD_HOSTS = [
    "", ".", "..", ":", ":80", "a..b", ".a", "a.b..", "a:", "a:b", "a:65536", "a:-1", "a:+1", "a: 1", "a:99999999999999999999",
    "1.2.3.4", "1.2.3.4:80", "1.2.3.4.", "1.2.3.4..", "01.2.3.4", "1.2.3.256", "1.2.3", "1.2.3.4.5", "256", "[::1]", "[::1]:80",
    "[::1].", "[::1]:", "[::1", "::1", "[1.2.3.4]", "[::ffff:1.2.3.4]", "[::1%25eth0]", "[::1%eth0]", "[]", "[:]", "[::1]x",
    "[FE80::1]:00443", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7::]", "[1:2:3:4::5:6:7:8]", "[1:2:3::5:6:7:8]", "[::2:3:4:5:6:7:8]", "[1::1.2.3.4]", "[::1.2.3.04]", "[1:2:3:4:5:6:7:1.2.3.4]", "[::1:2:3:4:5:6:7]", "[12345::]", "*.a.b", "**.b", "*", "-a.b",
    "a-.b", "a.-b", "_.b", "a b", " a.b", "a.b ", "a/b", "a@b", "a,b", "a%2eb", "ä.b", "a\u3002b", "\u212a.b", "a.b\x00", "a\tb",
]  # fmt: skip


def some(rng, values, least=0, most=None):
    """A random part of the values, in random order."""
    most = len(values) if most is None else min(most, len(values))
    return rng.sample(values, rng.randint(min(least, most), most))


def weight(rng):
    return rng.choice([0, 1, 1, 1, 2, 2, 3, 1_000_000])


def with_weight(rng, backend):
    if rng.random() < 0.5:
        backend["weight"] = weight(rng)
    return backend


def pattern(rng):
    name = [rng.choice(LABELS) for _ in range(rng.choice([0, 1, 1, 2]))] + [rng.choice(TOPS)]
    return rng.choice(["", "", "*.", "**."]) + ".".join(name)


def rule_path(rng):
    return "/" + "/".join(rng.choice(SEGMENTS) for _ in range(rng.choice([0, 0, 1, 1, 2, 3])))


def table(rng):
    names = some(rng, ZONES, least=1, most=7)
    if rng.random() < 0.1:  # a crowd, where many paths cost the same
        names += [f"zone{i}" for i in range(rng.randint(3, 14))]
    view = names[0]
    generous = rng.choice([rng.random(), 0.8, 0.9, 1.0])  # how often a zone speaks for another
    density = rng.choice([0.2, 0.4, 0.6, 1.0])
    nodes = {id: {"address": f"10.0.0.{i + 1}:15443"} for i, id in enumerate(some(rng, NODES, most=5))}
    zones = {}
    for name in names:
        zone = {}
        targets = [to for to in names if to != name and rng.random() < density]
        links = [link(rng, to, sorted(nodes) if name == view else None) for to in rng.sample(targets, len(targets))]
        if links or rng.random() < 0.2:
            zone["links"] = links
        if rng.random() < 0.15:
            zone["public"] = True
        elif rng.random() < 0.85:
            zone["speaks_for"] = [z for z in rng.sample(names, len(names)) if rng.random() < generous]
        if name == view and (nodes or rng.random() < 0.5):
            zone["nodes"] = nodes
        zones[name] = zone
    hosts = [
        host(rng, p, names, view, sorted(nodes))
        for p in {pattern(rng): 0 for _ in range(rng.choice([0, *range(1, 9), 6, 7, 8]))}
    ]
    revision = {"epoch": rng.choice([0, 7, 2**64 - 1]), "sequence": rng.choice([0, 42])}
    return {"version": 1, "revision": revision, "view": view, "zones": zones, "hosts": hosts}


def link(rng, to, own_nodes):
    value = {"to": to}
    if rng.random() < 0.5:
        value["cost"] = rng.choice([1, 2, 2, 3, 10, 1_000_000])
    if own_nodes is not None:
        if rng.random() < 0.4:
            value["egress"] = some(rng, own_nodes, most=3)
        if rng.random() < 0.9:
            value["gateways"] = [gateway(rng, id, i) for i, id in enumerate(some(rng, NODES, most=4))]
    return value


def gateway(rng, node, i):
    if rng.random() < 0.25:
        return {"node": node, "tunnel": True}
    value = {"node": node, "address": rng.choice([f"203.0.113.{i + 1}:443", f"[2001:db8::{i + 1}]:15443"])}
    return value | ({"tunnel": False} if rng.random() < 0.1 else {})


def host(rng, name, zones, view, nodes):
    exposed_to = some(rng, zones) if rng.random() < 0.3 else rng.sample(zones, len(zones))
    value = {"host": name, "exposed_to": exposed_to}
    if rng.random() < 0.6:
        value["prefer"] = rng.choice(["zone", "zone", "node"])
    if rng.random() < 0.95:
        paths = {rule_path(rng): 0 for _ in range(rng.choice([0, 1, 1, 1, 2, 3, 4]))}
        paths |= {"/": 0} if rng.random() < 0.6 else {}
        value["rules"] = [rule(rng, path, exposed_to, zones, view, nodes) for path in paths]
    return value


def rule(rng, path, exposed_to, zones, view, nodes):
    value = {"path": path}
    if rng.random() < 0.15:
        value["exposed_to"] = some(rng, exposed_to)
    if rng.random() < 0.95:
        others = [zone for zone in zones if zone != view]
        mine = some(rng, nodes) if rng.random() < 0.5 else []
        backends = [{"node": node} for node in mine] + [{"zone": zone} for zone in some(rng, others, least=1)]
        value["backends"] = [with_weight(rng, backend) for backend in rng.sample(backends, len(backends))]
    return value


# Requests.


def requests(rng, value, count):
    """Requests that find their way into every corner of the table."""
    return [request(rng, value) for _ in range(count)]


def request(rng, value):
    zones, view = list(value["zones"]), value["view"]
    nodes = list(value["zones"][view].get("nodes", {}))
    entry = rng.choice(value["hosts"]) if value["hosts"] and rng.random() < 0.97 else None
    made = {"host": authority(rng, entry["host"] if entry else pattern(rng))}
    if rng.random() < 0.9:
        made["path"] = path(rng, entry)
    made["node"] = rng.choice(nodes) if nodes and rng.random() < 0.9 else "ghost"
    sources = entry["exposed_to"] if entry and entry["exposed_to"] and rng.random() < 0.8 else [*zones, "ghost"]
    if rng.random() < 0.8:
        made["source_zone"] = rng.choice(sources)
    if rng.random() < 0.5:
        made["role"] = "peer"
        made["trail"] = trail(rng, value, view, nodes, made.get("source_zone", view))
        if rng.random() < 0.02:
            made["source_zone"] = rng.choice(["", "-a", "a/b", "a,b", "x" * 64, "ä", "a."])
    elif rng.random() < 0.2:
        made["role"] = "ingress"
        made["trail"] = trail(rng, value, view, nodes, view)  # is ignored
    if rng.random() < 0.1:
        made["loops"] = rng.choice([0, 1, 2, 3, 7, 8, 9, 64, 2**32 - 1])
    if rng.random() < 0.5:
        made["seed"] = rng.choice([0, 1, 2**63, 2**64 - 1, rng.getrandbits(64)])
    if "trail" in made and rng.random() < 0.3 and not any("," in item for item in made["trail"]):
        made["trail"] = ",".join(made["trail"])
    return made


def authority(rng, name):
    if rng.random() < 0.04:
        return rng.choice(ODD_HOSTS)
    if name.startswith("*"):
        stars = name.split(".")[0]
        depth = rng.choice([0, 1, 1, 1, 1, 1, 1, 2]) if stars == "*" else rng.choice([0, 1, 1, 2, 2, 3])
        name = ".".join([rng.choice(LABELS) for _ in range(depth)] + name.split(".")[1:])
    if rng.random() < 0.02:
        name = rng.choice(["a" * 63, "a" * 64, ".".join(["a" * 49] * 5)]) + "." + name
    if rng.random() < 0.1:
        name = name.upper()
    if rng.random() < 0.1:
        name += "."
    if rng.random() < 0.1:
        name += ":" + rng.choice(["80", "443", "8443", "0", "00080", "65535", "65536", "", "x"])
    return name


def path(rng, entry):
    if rng.random() < 0.1:
        return rng.choice(ODD_PATHS)
    rules = entry.get("rules", []) if entry else []
    made = rng.choice(rules)["path"] if rules and rng.random() < 0.85 else rule_path(rng)
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        made = made.removesuffix("/") + "/" + rng.choice(SEGMENTS)
    if rng.random() < 0.15:
        made = made.removesuffix("/") + "/" + rng.choice(ODD_SEGMENTS)
    made += rng.choice(["", "", "", "", "/", "x", "?q=/../", "#f", "?a#b"])
    return made


def trail(rng, value, view, nodes, source):
    zones = list(value["zones"])
    if rng.random() < 0.03:
        return [
            rng.choice(["", "a", "/", "a/", "/n", "a/n/m", "a/N", "a b/n", "403/studtop,a/n", "a./n", "é/n", "a/n "])
        ]
    if rng.random() < 0.02:
        return [f"{rng.choice(zones)}/{rng.choice(NODES)}" for _ in range(rng.choice([0, 63, 64, 65, 66]))]
    others = [zone for zone in zones if zone != view] or ["ghost"]
    items = [f"{rng.choice(others)}/{rng.choice(NODES)}" for _ in range(rng.choice([0, 0, 0, 0, 1, 1, 2, 3, 8]))]
    speakers = [zone for zone in others if zone in zones and source in value["zones"][zone].get("speaks_for", [zone])]
    if speakers and rng.random() < 0.9:
        items.append(f"{rng.choice(speakers)}/{rng.choice(NODES)}")
    if rng.random() < 0.4:
        items += [f"{view}/{node}" for node in some(rng, [*nodes, "ghost2"], least=1, most=2)]
    if rng.random() < 0.02:
        items.insert(rng.randint(0, len(items)), rng.choice(["a/B", "ghost/n", f"{view}/n1", ""]))
    if rng.random() < 0.05:
        rng.shuffle(items)
    return items


def policy(rng):
    made = {}
    if rng.random() < 0.5:
        made["unknown_host"] = rng.choice(["pass", "refuse"])
    if rng.random() < 0.5:
        made["no_table"] = rng.choice(["pass", "refuse"])
    if rng.random() < 0.4:
        made["max_hops"] = rng.choice([1, 2, 3, 3, 4, 8, 9, 64])
    return made
