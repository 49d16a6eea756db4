"""Resident memory beyond an Envoy without a filter, with one and with two workers; and whether it grows when the table grows and
shrinks again and again."""

import argparse
import statistics
import sys

import load
from bed import Beds
from endpoint import Table
from envoy import ALL_CORES
from filters import REAL
from rounds import added, by, spread

NAME = "memory"
HOSTS, FEW = 10_000, 10
FILTERS = ("none", "empty", "nothing", "lua", *REAL)
WORKERS = (1, 2)
SAMPLES = 40


def measure(asked: argparse.Namespace, beds: Beds) -> dict:
    hosts = min(HOSTS, max(asked.sizes))
    resident = []
    for number in range(asked.memory_rounds):
        for workers in WORKERS:
            for filter in FILTERS:
                bed = beds.start(filter, hosts, workers=workers, cores=ALL_CORES)
                load.full(bed.envoy.port, bed.asked["local"], 1, 64)
                resident.append({"round": number, "filter": filter, "workers": workers, "rss_kib": bed.envoy.resident_kib()})
                print(resident[-1], file=sys.stderr)
                beds.take_down(bed)
    return {"resident": resident, "cycles": [entry for filter in REAL for entry in cycles(asked, beds, filter, hosts)]}


def cycles(asked: argparse.Namespace, beds: Beds, filter: str, hosts: int) -> list[dict]:
    """Shrinks and grows; every worker has each table before the next."""
    bed = beds.start(filter, hosts, workers=2, cores=ALL_CORES)
    few = Table(beds.size(FEW) / "table.json")
    entries = []
    for cycle in range(1, asked.cycles + 1):
        bed.endpoint.push(few)
        bed.endpoint.settle()
        bed.push(cycle)
        if cycle % max(1, asked.cycles // SAMPLES) == 0:
            entries.append({"round": cycle, "filter": filter, "rss_kib": bed.envoy.resident_kib()})
            print(entries[-1], file=sys.stderr)
    beds.take_down(bed)
    return entries


def slope(entries: list[dict]) -> float:
    """KiB a cycle, by least squares over the second half: the first is how an allocator finds its size."""
    later = entries[len(entries) // 2 :]
    if len(later) < 2:
        return 0.0
    return statistics.linear_regression([entry["round"] for entry in later], [entry["rss_kib"] for entry in later]).slope


def summary(raw: dict) -> dict:
    cells = by(raw["resident"], "filter", "workers")
    return {
        "resident": [
            {"filter": filter, "workers": workers, "rss_kib": spread([entry["rss_kib"] for entry in entries]), "added_kib": added(entries, cells["none", workers], "rss_kib")}
            for (filter, workers), entries in cells.items()
        ],
        "cycles": [
            {"filter": filter, "cycles": entries[-1]["round"], "first_kib": entries[0]["rss_kib"], "last_kib": entries[-1]["rss_kib"], "slope_kib": slope(entries)}
            for (filter,), entries in by(raw["cycles"], "filter").items()
        ],
    }
