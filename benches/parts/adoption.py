"""How long a push takes until every worker serves it, in an Envoy of two workers that is asked nothing; and what an idle Envoy
with the filter costs beyond one without."""

import argparse
import time

from bed import Beds
from envoy import ALL_CORES
from filters import REAL
from rounds import added, by, interleaved, percentile, spread

NAME = "adoption"
SIZES = (1_000, 10_000, 100_000)
WORKERS = 2
IDLE = ("none", "empty", *REAL)


def measure(asked: argparse.Namespace, beds: Beds) -> dict:
    sizes = [size for size in SIZES if size <= max(asked.sizes)]
    pushes = []
    for hosts in sizes:
        ready = {filter: beds.start(filter, hosts, workers=WORKERS, cores=ALL_CORES) for filter in REAL}
        for bed in ready.values():
            # What the first pushes set up is not what a push costs.
            for number in range(4):
                bed.push(number + 1)
            bed.envoy.stand_still()

        def one(filter: str) -> dict:
            bed = ready[filter]
            bed.envoy.go_on()
            # Not in step with the ticks.
            time.sleep(0.05 + 0.05 * (time.monotonic_ns() % 1000) / 1000)
            sequence = bed.endpoint.sequence + 1
            began = time.monotonic()
            bed.endpoint.push(bed.tables[sequence % 2])
            answered = time.monotonic()
            bed.endpoint.settle()
            figures = {"answered_ms": (answered - began) * 1e3, "adopted_ms": (time.monotonic() - began) * 1e3}
            bed.envoy.stand_still()
            return figures

        pushes += interleaved(list(ready), asked.pushes, one, lambda filter: {"filter": filter, "hosts": hosts})
        beds.clear()
    return {"pushes": pushes, "idle": idle(asked, beds)}


def idle(asked: argparse.Namespace, beds: Beds) -> list[dict]:
    """All of them do nothing at the same time, so that each is asked in the same seconds."""
    ready = {filter: beds.start(filter, min(10_000, max(asked.sizes)), workers=WORKERS, cores=ALL_CORES) for filter in IDLE}
    entries = []
    for number in range(asked.rounds):
        before = {filter: (bed.envoy.cpu_seconds(), time.monotonic()) for filter, bed in ready.items()}
        time.sleep(asked.idle)
        for filter, bed in ready.items():
            cpu, moment = before[filter]
            share = (bed.envoy.cpu_seconds() - cpu) / (time.monotonic() - moment)
            entries.append({"round": number, "filter": filter, "core_percent": share * 100})
    beds.clear()
    return entries


def summary(raw: dict) -> dict:
    quiet = by(raw["idle"], "filter")
    return {
        "pushes": [
            {"filter": filter, "hosts": hosts, "pushes": len(entries)}
            | {
                key: {name: percentile([entry[key] for entry in entries], part) for name, part in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))}
                for key in ("answered_ms", "adopted_ms")
            }
            for (filter, hosts), entries in by(raw["pushes"], "filter", "hosts").items()
        ],
        "idle": [
            {"filter": filter, "core_percent": spread([entry["core_percent"] for entry in entries]), "added": added(entries, quiet[("none",)], "core_percent")}
            for (filter,), entries in quiet.items()
        ],
    }
