#!/usr/bin/env python3
"""`make soak`: the demonstration's nodes under a steady load for long, while the site changes every few seconds.

Every answer is checked; so is what each Envoy holds in memory, after a first tenth of the time against the end. Exits 0
if no answer was wrong or failed and no Envoy grew by more than a tenth.

    python3 tools/demo/soak.py [--seconds N] [--rate REQUESTS_PER_SECOND] [--clients N]"""

import argparse
import http.client
import random
import sys
import threading
import time
from pathlib import Path

import places
from household import Failed, Household
from trials import TRIALS, Trial

EDIT_EVERY = 5.0
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


def main() -> int:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rate", type=int, default=300, help="requests a second, of all clients together")
    parser.add_argument("--clients", type=int, default=6)
    asked = parser.parse_args()
    try:
        with Household(places.find()) as household:
            return soak(household, asked)
    except Failed as failed:
        print(f"soak: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1


def soak(household: Household, asked: argparse.Namespace) -> int:
    began = time.monotonic()
    until = began + asked.seconds
    clients = [Client(household, asked.clients / asked.rate, until) for _ in range(asked.clients)]
    for client in clients:
        client.start()

    site, edits, early = household.site.read_text(), 0, None
    while time.monotonic() < until:
        time.sleep(EDIT_EVERY)
        edits += 1
        household.site.write_text(f"{site}  edit-{edits}.stuartpb.com: {{service: notes, expose_to: [403, exposed]}}\n")
        household.follow()
        household.settle()
        if early is None and time.monotonic() - began > asked.seconds / 10:
            early = resident(household)
    for client in clients:
        client.join()

    latencies = sorted(second for client in clients for second in client.latencies)
    wrong = [answer for client in clients for answer in client.wrong]
    late = resident(household)
    for answer in wrong[:20]:
        print(f"WRONG: {answer}")
    grown = [node for node in late if early and late[node] > early[node] * GROWTH]
    for node, kib in late.items():
        print(f"{node}: Envoy holds {kib / 1024:.0f} MiB, {(early or late)[node] / 1024:.0f} MiB early on")
    middle, most = (latencies[int(len(latencies) * share)] * 1e3 for share in (0.5, 0.99))
    print(f"{len(latencies)} requests in {asked.seconds} s over {edits} edits of the site, {len(wrong)} wrong or failed")
    print(f"latency p50 {middle:.1f} ms, p99 {most:.1f} ms (clients and services are Python's)")
    return 1 if wrong or grown else 0


if __name__ == "__main__":
    sys.exit(main())
