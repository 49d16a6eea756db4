"""What a large table costs a request, and what ten pushes a second of it cost those who ask meanwhile.

The first is CPU time over Envoy's own answer, as in `cpu`. In the second a steady load asks, Envoy has both cores, and the
tables that are pushed differ from one another. The worst request while they are adopted is of these rounds too.

Who pushes shares the two cores with the load and with Envoy. What that costs by itself is measured beside it: the same bytes
are sent to a process that forgets them, while the same load asks the same Envoy, and one without a filter."""

import argparse
import os
import threading
import time

import load
from bed import Bed, Beds
from endpoint import Endpoint, Table
from envoy import ALL_CORES
from filters import REAL, TITLES
from parts import cpu
from rounds import by, interleaved, ratio, spread

NAME = "tables"
# 1 KB and 1 MB of JSON.
SMALL, LARGE = 10, 8_600
PUSHES_A_SECOND = 10
RATE, CONNECTIONS, SECONDS = 4_000, 16, 4
# Where they are pushed: nowhere, to the Envoy that is asked, or to a process that forgets them.
TO = (None, "itself", "a sink")


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
    under_load = {filter: beds.start(filter, LARGE, cores=ALL_CORES) for filter in ("none", *REAL)}
    for bed in under_load.values():
        load.full(bed.envoy.port, bed.asked["local"], asked.warm_up, CONNECTIONS)
        bed.envoy.stand_still()
    sink, sent = beds.sink(), under_load[REAL[0]].tables
    cells = [(filter, to) for filter in under_load for to in TO if to != "itself" or filter in REAL]

    def one(cell: tuple[str, str | None]) -> dict:
        bed = under_load[cell[0]]
        return steady(bed, {None: None, "itself": bed.endpoint, "a sink": sink}[cell[1]], sent)

    pushes = interleaved(cells, asked.rounds, one, lambda cell: {"filter": cell[0], "to": cell[1]})
    sink.close()
    return {"bytes": sizes, "cost": cost, "pushes": pushes}


def steady(bed: Bed, to: Endpoint | None, tables: list[Table]) -> dict:
    """One round of the steady load, with or without a thread that pushes these tables, to the same Envoy or past it."""
    bed.envoy.go_on()
    running = load.steady(bed.envoy.port, bed.asked["local"], RATE, CONNECTIONS, SECONDS)
    over, pushed = threading.Event(), []
    pusher = threading.Thread(target=push, args=(to, tables, over, pushed))
    if to:
        pusher.start()
    try:
        figures = load.finished(running)
    finally:
        over.set()
        if to:
            pusher.join()
    bed.envoy.stand_still()
    bed.envoy.check()
    return {**figures, "pushes": len(pushed)}


def push(to: Endpoint, tables: list[Table], over: threading.Event, pushed: list[float]) -> None:
    """Pushes ten times a second, until it is over. Who pushes takes a core's time only where neither Envoy nor the load wants it:
    what is measured is what a push costs where it is received."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    due = time.monotonic()
    while not over.wait(max(0.0, due - time.monotonic())):
        to.push(tables[len(pushed) % 2])
        pushed.append(time.monotonic())
        due += 1 / PUSHES_A_SECOND


def summary(raw: dict) -> dict:
    cost, pushes = by(raw["cost"], "filter", "hosts"), by(raw["pushes"], "filter", "to")
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
            {"filter": filter, "to": to, "p99_ratio": ratio(entries, pushes[filter, None], "p99_us")}
            | {key: spread([entry[key] for entry in entries]) for key in ("p50_us", "p99_us", "p999_us", "worst_us", "pushes")}
            for (filter, to), entries in sorted(pushes.items(), key=lambda cell: (list(TITLES).index(cell[0][0]), TO.index(cell[0][1])))
        ],
    }
