"""The demonstration's nodes under a steady load, every answer checked, while the site changes every few seconds."""

import http.client
import random
import threading
import time
from pathlib import Path

import places
from frame import Failed, Outcome, Soak
from household import Failed as NotServed, Household
from trials import TRIALS, Trial

HOURS = 0.5
# Requests a second, of all clients together.
RATE = 300
CLIENTS = 6
EDIT_EVERY = 5.0
# An Envoy that holds so much more at the end than after a first tenth of the time has a leak.
GROWTH = 1.10


class Client(threading.Thread):
    """One of several that share the rate: a kept connection to each node, a random trial at each beat."""

    def __init__(self, household: Household, beat: float, until: float) -> None:
        super().__init__(daemon=True)
        self.latencies: list[float] = []
        self.wrong: list[str] = []
        self._places, self._beat, self._until = household.places, beat, until
        self._connections: dict[str, http.client.HTTPConnection] = {}

    def run(self) -> None:
        due = time.monotonic()
        while (now := time.monotonic()) < self._until:
            if now < due:
                time.sleep(due - now)
            # Timed from when it was due: a stall delays no one out of sight.
            trial = random.choice(TRIALS)
            try:
                got = self._ask(trial)
                if got != (trial.status, trial.body):
                    self.wrong.append(f"{trial.line(self._places)}: {got}")
            except (OSError, http.client.HTTPException) as error:
                self._connections.pop(trial.node, None)
                self.wrong.append(f"{trial.line(self._places)}: {error!r}")
            self.latencies.append(time.monotonic() - due)
            due += self._beat

    def _ask(self, trial: Trial) -> tuple[int, str]:
        if trial.node not in self._connections:
            self._connections[trial.node] = http.client.HTTPConnection(*self._places.pair(f"{trial.node}.ingress"), timeout=10)
        connection = self._connections[trial.node]
        headers = {"host": trial.host}
        if trial.header:
            name, _, value = trial.header.partition(": ")
            headers[name] = value
        connection.request("GET", trial.path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read().decode().rstrip("\n")


def resident(household: Household) -> dict[str, int]:
    """What each Envoy holds in memory, in KiB."""
    found = {}
    for node in household:
        status = Path(f"/proc/{node.programs['envoy'].pid}/status").read_text()
        found[node.name] = int(status.partition("VmRSS:")[2].split()[0])
    return found


def run(soak: Soak) -> Outcome:
    try:
        with Household(places.find()) as nodes:
            return load(soak, nodes)
    except NotServed as failed:
        raise Failed(str(failed)) from failed


def load(soak: Soak, household: Household) -> Outcome:
    began, seconds = time.monotonic(), soak.left()
    until = began + seconds
    clients = [Client(household, CLIENTS / RATE, until) for _ in range(CLIENTS)]
    for client in clients:
        client.start()

    site, edits, early = household.site.read_text(), 0, None
    while time.monotonic() < until:
        time.sleep(min(EDIT_EVERY, max(0.0, until - time.monotonic())))
        edits += 1
        household.site.write_text(f"{site}  edit-{edits}.stuartpb.com: {{service: notes, expose_to: [403, exposed]}}\n")
        household.follow()
        household.settle()
        if early is None and time.monotonic() - began > seconds / 10:
            early = resident(household)
    for client in clients:
        client.join()

    latencies = sorted(second for client in clients for second in client.latencies)
    faults = [answer for client in clients for answer in client.wrong]
    wrong, late = len(faults), resident(household)
    early = early or late
    faults += [
        f"{node}'s Envoy grew from {early[node]} to {late[node]} KiB" for node in late if late[node] > early[node] * GROWTH
    ]
    middle, most = (latencies[int(len(latencies) * share)] * 1e3 for share in (0.5, 0.99))
    figures = {
        "requests": len(latencies), "wrong_or_failed": wrong, "edits": edits, "seconds": round(seconds),
        "latency_ms": {"p50": round(middle, 2), "p99": round(most, 2)}, "resident_kib": {"early": early, "late": late},
    }
    told = (
        f"{len(latencies):,} requests to the `{soak.filter}` filter in {seconds:.0f} s over {edits} edits of the site, {wrong} wrong "
        f"or failed; p50 {middle:.1f} ms, p99 {most:.1f} ms (clients and services are Python's); Envoys hold "
        f"{min(late.values()) // 1024} to {max(late.values()) // 1024} MiB."
    )
    return Outcome(told, figures, faults)
