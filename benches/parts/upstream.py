"""Throughput and latency of requests that are served here by a real service behind Envoy, at one and at 64 connections. The
load waits for each answer, so that a latency is one that a client without haste would see."""

import argparse

import load
from bed import Beds
from filters import TITLES
from rounds import by, interleaved, ratio, spread

NAME = "upstream"
HOSTS = 10_000
CONNECTIONS = (1, 64)


def measure(asked: argparse.Namespace, beds: Beds) -> list[dict]:
    port = beds.upstream()
    hosts = min(HOSTS, max(asked.sizes))
    ready = {filter: beds.start(filter, hosts, upstream=port) for filter in TITLES}
    for bed in ready.values():
        load.full(bed.envoy.port, bed.asked["local"], asked.warm_up, max(CONNECTIONS))
        bed.envoy.stand_still()

    def one(cell: tuple[str, int]) -> dict:
        filter, connections = cell
        bed = ready[filter]
        bed.envoy.go_on()
        before = bed.envoy.cpu_seconds()
        done = load.full(bed.envoy.port, bed.asked["local"], asked.seconds, connections)
        cpu = (bed.envoy.cpu_seconds() - before) * 1e6 / done["requests"]
        bed.envoy.stand_still()
        bed.envoy.check()
        return {"requests": done["requests"], "per_s": done["requests"] / done["seconds"], "cpu_us": cpu, "p50_us": done["p50_us"], "p99_us": done["p99_us"]}

    cells = [(filter, connections) for filter in ready for connections in CONNECTIONS]
    return interleaved(cells, asked.rounds, one, lambda cell: {"filter": cell[0], "connections": cell[1]})


def summary(rounds: list[dict]) -> list[dict]:
    cells = by(rounds, "filter", "connections")
    return [
        {"filter": filter, "connections": connections, "throughput": ratio(entries, cells["none", connections], "per_s")}
        | {key: spread([entry[key] for entry in entries]) for key in ("per_s", "cpu_us", "p50_us", "p99_us")}
        for (filter, connections), entries in cells.items()
    ]
