"""Throughput and latency of requests that are served here by a real service behind Envoy, at one and at 64 connections. The
load waits for each answer, so that a latency is one that a client without haste would see.

What a filter leaves of the throughput is a matter of a few parts in a hundred, less than a second differs from the next: it is
measured in pairs with no filter, many of them."""

import argparse

import load
from bed import Beds
from filters import TITLES
from rounds import by, interleaved, of_pairs, paired, ratio, spread

NAME = "upstream"
HOSTS = 10_000
CONNECTIONS = (1, 64)
# Those that are paired with none, at so many connections, for a second each time.
PAIRED = ("empty", "nothing", "wasm", "module")


def measure(asked: argparse.Namespace, beds: Beds) -> dict:
    port = beds.upstream()
    hosts = min(HOSTS, max(asked.sizes))
    ready = {filter: beds.start(filter, hosts, upstream=port) for filter in TITLES}
    for bed in ready.values():
        load.full(bed.envoy.port, bed.asked["local"], asked.warm_up, max(CONNECTIONS))
        bed.envoy.stand_still()

    def one(cell: tuple[str, int], seconds: float = asked.seconds) -> dict:
        filter, connections = cell
        bed = ready[filter]
        bed.envoy.go_on()
        before = bed.envoy.cpu_seconds()
        done = load.full(bed.envoy.port, bed.asked["local"], seconds, connections)
        cpu = (bed.envoy.cpu_seconds() - before) * 1e6 / done["requests"]
        bed.envoy.stand_still()
        bed.envoy.check()
        return {"requests": done["requests"], "per_s": done["requests"] / done["seconds"], "cpu_us": cpu, "p50_us": done["p50_us"], "p99_us": done["p99_us"]}

    cells = [(filter, connections) for filter in ready for connections in CONNECTIONS]
    rounds = interleaved(cells, asked.rounds, one, lambda cell: {"filter": cell[0], "connections": cell[1]})
    many = max(CONNECTIONS)
    others = [(filter, many) for filter in PAIRED]
    pairs = paired(("none", many), others, asked.pairs, lambda cell: one(cell, 1), lambda cell: cell[0])
    return {"rounds": rounds, "pairs": pairs}


def summary(raw: dict) -> list[dict]:
    """A line a cell; its throughput is that of the pairs, where there are some."""
    cells, pairs = by(raw["rounds"], "filter", "connections"), of_pairs(raw["pairs"], "per_s")
    return [
        {"filter": filter, "connections": connections, "throughput": ratio(entries, cells["none", connections], "per_s")}
        | ({"paired": pairs[filter]} if connections == max(CONNECTIONS) and filter in pairs else {})
        | {key: spread([entry[key] for entry in entries]) for key in ("per_s", "cpu_us", "p50_us", "p99_us")}
        for (filter, connections), entries in cells.items()
    ]
