"""What a large table costs a request, and what ten pushes a second of it cost those who ask meanwhile.

The first is CPU time over Envoy's own answer, as in `cpu`. In the second a steady load asks, Envoy has both cores, and the
tables that are pushed differ from one another. The worst request while they are adopted is of these rounds too."""

import argparse
import os
import threading
import time

import load
from bed import Bed, Beds
from envoy import ALL_CORES
from filters import REAL
from parts import cpu
from rounds import by, interleaved, ratio, spread

NAME = "tables"
# 1 KB and 1 MB of JSON.
SMALL, LARGE = 10, 8_600
PUSHES_A_SECOND = 10
RATE, CONNECTIONS, SECONDS = 4_000, 16, 4


def measure(asked: argparse.Namespace, beds: Beds) -> dict:
    beds_of = {(filter, hosts): beds.start(filter, hosts) for filter in REAL for hosts in (SMALL, LARGE)}
    for bed in beds_of.values():
        load.full(bed.envoy.port, bed.asked["local"], asked.warm_up, cpu.CONNECTIONS)
        bed.envoy.stand_still()
    sizes = {str(hosts): beds_of[REAL[0], hosts].tables[0].bytes for hosts in (SMALL, LARGE)}
    cost = interleaved(
        list(beds_of),
        asked.rounds,
        lambda cell: cpu.one(beds_of[cell], "local", asked.seconds),
        lambda cell: {"filter": cell[0], "hosts": cell[1]},
    )
    beds.clear()
    under_load = {filter: beds.start(filter, LARGE, cores=ALL_CORES) for filter in REAL}
    for bed in under_load.values():
        load.full(bed.envoy.port, bed.asked["local"], asked.warm_up, CONNECTIONS)
        bed.envoy.stand_still()
    cells = [(filter, pushing) for filter in REAL for pushing in (False, True)]
    pushes = interleaved(
        cells,
        asked.rounds,
        lambda cell: steady(under_load[cell[0]], pushing=cell[1]),
        lambda cell: {"filter": cell[0], "pushing": cell[1]},
    )
    return {"bytes": sizes, "cost": cost, "pushes": pushes}


def steady(bed: Bed, *, pushing: bool) -> dict:
    """One round of the steady load, with or without a thread that pushes."""
    bed.envoy.go_on()
    running = load.steady(bed.envoy.port, bed.asked["local"], RATE, CONNECTIONS, SECONDS)
    over, pushed = threading.Event(), []
    pusher = threading.Thread(target=push, args=(bed, over, pushed))
    if pushing:
        pusher.start()
    try:
        figures = load.finished(running)
    finally:
        over.set()
        if pushing:
            pusher.join()
    bed.envoy.stand_still()
    bed.envoy.check()
    return {**figures, "pushes": len(pushed)}


def push(bed: Bed, over: threading.Event, pushed: list[float]) -> None:
    """Pushes ten times a second, until it is over. Who pushes takes a core's time only where neither Envoy nor the load wants it:
    what is measured is what a push costs where it is received."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    due = time.monotonic()
    while not over.wait(max(0.0, due - time.monotonic())):
        bed.endpoint.push(bed.tables[len(pushed) % 2])
        pushed.append(time.monotonic())
        due += 1 / PUSHES_A_SECOND


def summary(raw: dict) -> dict:
    cost, pushes = by(raw["cost"], "filter", "hosts"), by(raw["pushes"], "filter", "pushing")
    return {
        "bytes": raw["bytes"],
        "cost": [
            {
                "filter": filter,
                "small_us": spread([entry["cpu_us"] for entry in cost[filter, SMALL]]),
                "large_us": spread([entry["cpu_us"] for entry in cost[filter, LARGE]]),
                "ratio": ratio(cost[filter, LARGE], cost[filter, SMALL], "cpu_us"),
            }
            for filter in REAL
        ],
        "pushes": [
            {"filter": filter, "pushing": pushing, "p99_ratio": ratio(entries, pushes[filter, False], "p99_us")}
            | {key: spread([entry[key] for entry in entries]) for key in ("p50_us", "p99_us", "p999_us", "worst_us", "pushes")}
            for (filter, pushing), entries in pushes.items()
        ],
    }
