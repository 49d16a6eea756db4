"""Random faults: a valid table, broken in some places, by its meaning or by its shape."""

import json

from random_tables import table

WRONG_VALUES = [
    "", "-a", "a/b", "A" * 64, "UP.case", "a..b", "x_y", "ghost", "1.2.3.4:0", "1.2.3.4:080", "01.2.3.4:80", "1.2.3.4", "[::1]:80",
    "[::0001]:80", "::1:80", "[fe80::1%1]:80", "host:80", "[::FFFF]:80", "1.2.3.4:65536", "[::ffff:1.2.3.4]:80", "[1:0:0:2::]:80",
    "*.a.b", "**.1.2.3.4", "1.2.3.4", "*", "**", "*.", "a.b.", "a.b:80", "*.*.b", "***.b", "a.*.b", "A.b", "a" * 64 + ".b",
    "/a/", "/a//b", "/%61", "/%zz", "/a?b", "/a#", "a", "/./a", "/..;/", "/a\\b", "/\u00e9", "/ ", "/a;b", "/%2f", "/%20", "/\x7f",
]  # fmt: skip


def broken_table(rng):
    """A table that may be at fault, of the right shape in nine cases of ten."""
    value = table(rng)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        value = break_something(rng, value)
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    return break_shape(rng, value, text) if rng.random() < 0.1 else text


def places(value, path=()):
    """Every place of a JSON value, as (path, value)."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield from places(child, (*path, key))


def holder(value, path):
    for key in path[:-1]:
        value = value[key]
    return value


def break_something(rng, value):
    """One change at a random place, by its kind: text, number, list or map."""
    value = json.loads(json.dumps(value))
    path, found = rng.choice([(p, v) for p, v in places(value) if p and p[0] != "version"])
    parent, key = holder(value, path), path[-1]
    if isinstance(found, bool):
        parent[key] = not found
    elif isinstance(found, str):
        texts = [v for _, v in places(value) if isinstance(v, str) and v not in ("node", "zone")]
        parent[key] = rng.choice(WRONG_VALUES + texts) if key != "prefer" else "node"
    elif isinstance(found, int):
        parent[key] = rng.choice([0, 1_000_000, 1_000_001, 2**64 - 1])
    elif isinstance(found, list) and found:
        found.append(json.loads(json.dumps(rng.choice(found))))
    elif (
        isinstance(found, dict)
        and isinstance(parent, dict)
        and path[:-1] in (("zones",), ("zones", value["view"], "nodes"))
    ):
        parent[rng.choice([w for w in WRONG_VALUES if "." not in w or "/" not in w])] = parent.pop(key)
    elif isinstance(found, dict) and rng.random() < 0.5:
        add_field(rng, found, path)
    return value


def add_field(rng, found, path):
    """A field that belongs there by its shape and often not by its rules."""
    if len(path) == 2 and path[0] == "zones":
        found |= rng.choice(
            [{"public": True}, {"nodes": {}}, {"nodes": {"n1": {"address": "1.2.3.4:5"}}}, {"speaks_for": []}]
        )
    elif len(path) == 4 and path[2] == "links":
        found |= rng.choice(
            [{"egress": []}, {"gateways": []}, {"gateways": [{"node": "n1", "tunnel": True}]}, {"cost": 0}]
        )
    elif path[-2:-1] == ("gateways",):
        found |= rng.choice([{"tunnel": True}, {"tunnel": False}, {"address": "1.2.3.4:5"}])
    elif path[-2:-1] == ("backends",):
        found |= rng.choice([{"node": "n1"}, {"zone": "a"}, {"weight": 1_000_001}])


def break_shape(rng, value, text):
    """Text that is JSON of another shape, or none."""
    path, found = rng.choice([(p, v) for p, v in places(value) if p])
    parent, key = holder(value, path), path[-1]
    kind = rng.randrange(7)
    if kind == 0:
        return text[: rng.randrange(len(text))]
    if kind == 1:
        return text.replace('"view":', '"view": "403", "view":')
    if kind == 2 and isinstance(found, dict) and path not in (("zones",), ("zones", value["view"], "nodes")):
        found["colour"] = 1
    elif kind == 3 and isinstance(parent, dict):
        parent[key] = None
    elif kind == 4:
        parent[key] = rng.choice([1.0, -1, 2**64, True, "1", [], {}, [None]])
    elif kind == 5 and isinstance(found, dict) and "node" not in found:  # an object's values alone, in order
        parent[key] = list(found.values())
    elif isinstance(parent, dict) and key in ("version", "view", "zones", "hosts", "host", "exposed_to", "path", "to"):
        del parent[key]
    return json.dumps(value)
