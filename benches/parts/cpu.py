"""CPU time of Envoy for a request, and requests a second of one worker, over the shortest path there is: Envoy answers
itself. Each filter that decides, for each decision, with each size of table; those that do nothing, once."""

import argparse

import load
from bed import Bed, Beds
from envoy import cpu_seconds
from filters import DECIDING, TITLES
from rounds import added, by, interleaved, spread
from sites import DECISIONS

NAME = "cpu"
SIZES = (10, 10_000, 100_000)
CONNECTIONS = 16
MORE = 4


def measure(asked: argparse.Namespace, beds: Beds) -> list[dict]:
    cells: list[tuple[Bed, str]] = []
    for filter in TITLES:
        for hosts in asked.sizes if filter in DECIDING else asked.sizes[:1]:
            bed = beds.start(filter, hosts)
            for decision in DECISIONS if filter in DECIDING else DECISIONS[:1]:
                load.full(bed.envoy.port, bed.asked[decision], asked.warm_up, CONNECTIONS, ok=is_ok(bed, decision))
                cells.append((bed, decision))
            bed.envoy.stand_still()
    def rounds_of(some: list[int], rounds: int, first: int) -> list[dict]:
        return interleaved(some, rounds, lambda cell: one(*cells[cell], asked.seconds), lambda cell: named(*cells[cell]), first)

    # What the goals are of is measured more often than the rest.
    watched = [number for number, (bed, decision) in enumerate(cells) if decision == "local" and bed.hosts == asked.sizes[0] and bed.filter != "ext_authz"]
    return rounds_of(list(range(len(cells))), asked.rounds, 0) + rounds_of(watched, asked.rounds * MORE, asked.rounds)


def named(bed: Bed, decision: str) -> dict:
    return {"filter": bed.filter, "hosts": bed.hosts, "decision": decision}


def is_ok(bed: Bed, decision: str) -> bool:
    return decision != "refuse" or bed.filter not in DECIDING


def one(bed: Bed, decision: str, seconds: float) -> dict:
    """One round of one cell. The time of the ext_authz service is not Envoy's, and told apart."""
    bed.envoy.go_on()
    before, service = bed.envoy.cpu_seconds(), cpu_seconds(bed.service.pid) if bed.service else 0.0
    done = load.full(bed.envoy.port, bed.asked[decision], seconds, CONNECTIONS, ok=is_ok(bed, decision))
    cpu = bed.envoy.cpu_seconds() - before
    figures = {"requests": done["requests"], "cpu_us": cpu * 1e6 / done["requests"], "per_s": done["requests"] / done["seconds"]}
    if bed.service:
        figures["service_us"] = (cpu_seconds(bed.service.pid) - service) * 1e6 / done["requests"]
    bed.envoy.stand_still()
    bed.envoy.check()
    return figures


def summary(rounds: list[dict]) -> list[dict]:
    """A line a cell: what it costs, and what that is more than no filter in the same round."""
    cells = by(rounds, "filter", "hosts", "decision")
    base = next(entries for (filter, *_), entries in cells.items() if filter == "none")
    lines = []
    for (filter, hosts, decision), entries in cells.items():
        cost = spread([entry["cpu_us"] for entry in entries])
        line = {"filter": filter, "hosts": hosts, "decision": decision, "cpu_us": cost, "added_us": added(entries, base, "cpu_us")}
        line["least_added_us"] = cost["min"] - min(entry["cpu_us"] for entry in base)
        line["per_s"] = spread([entry["per_s"] for entry in entries])
        if filter == "ext_authz":
            line["service_us"] = spread([entry["service_us"] for entry in entries])
        lines.append(line)
    return lines
