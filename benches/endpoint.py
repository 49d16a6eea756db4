"""The table endpoint of one Envoy: tables go in over its Unix socket, and its status says who serves which."""

import http.client
import json
import socket
import time
from pathlib import Path

PATIENCE = 30.0


class Endpoint(http.client.HTTPConnection):
    """One kept connection. Tables get sequences of their own, from 1."""

    def __init__(self, path: Path, adopters: int) -> None:
        super().__init__("zoneway", timeout=PATIENCE)
        self.path = str(path)
        self.adopters = adopters
        self.sequence = 0

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.sock.connect(self.path)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def push(self, table: "Table") -> None:
        """Puts the table with the next sequence; it is answered when the table is served."""
        self.sequence += 1
        self.request("PUT", "/v1/table", table.at(self.sequence), {"content-type": "application/json"})
        answer = self.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"bench: a table is refused with {answer.status}: {body[:500]!r}")

    def adopted(self) -> bool:
        """Whether every worker serves the last table."""
        self.request("GET", "/v1/status")
        workers = json.loads(self.getresponse().read())["workers"]
        serving = [worker for worker in workers if (worker["revision"] or {}).get("sequence") == self.sequence]
        return len(serving) == len(workers) and len(workers) >= self.adopters

    def settle(self) -> None:
        """Waits until every worker serves it; looks each half millisecond."""
        deadline = time.monotonic() + PATIENCE
        while not self.adopted():
            if time.monotonic() > deadline:
                raise SystemExit(f"bench: not every worker of {self.path} serves table {self.sequence}")
            time.sleep(0.0005)


class Table:
    """A table whose sequence can be set without writing it anew. A `changed` one has another wildcard, of the same length,
    that nobody asks for."""

    def __init__(self, path: Path, *, changed: bool = False) -> None:
        value = json.loads(path.read_text())
        if changed:
            one = next(host for host in value["hosts"] if host["host"].startswith("*."))
            one["host"] = one["host"].replace("wide", "wild")
        value["revision"] = {"epoch": 1, "sequence": 0}
        text = json.dumps(value, separators=(",", ":")).encode()
        mark = b'"sequence":0}'
        if text.count(mark) != 1:
            raise SystemExit("bench: a table has its revision more than once")
        self.before, _, self.after = text.partition(mark)
        self.bytes = len(text)

    def at(self, sequence: int) -> bytes:
        return self.before + b'"sequence":%d}' % sequence + self.after
