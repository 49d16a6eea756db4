"""A table that grows to 10,000 hosts and shrinks to ten, a thousand times, in one real Envoy with the Wasm filter and one with the native module: what they hold in memory, whether each table is adopted by every worker, whether the status stays good and each table decides."""

import http.client
import json
import os
import socket
import statistics
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import service
import unix
from frame import Failed, Outcome, Soak
from program import end

HOURS = 2.0
CYCLES = 1_000
LARGE, SMALL = 10_000, 10
# The one that the large table has and the small one has not.
LAST = f"service-{LARGE - 1}.apps.example.org"
# A tenth as many wildcards stand beside the exact hosts.
WILDCARDS = 10
# How many adopt a table with two workers: those, and of the Wasm filter the main thread's VM too.
ADOPTERS = {"wasm": 3, "module": 2}
PATIENCE = 30.0
# A layout of 10,000 hosts is about a megabyte: who kept one of them a cycle, or a piece of one, would pass this by far.
SLOPE_KIB = 4.0
SITE = """version: 1
settings: {{home: home}}
zones:
  home: {{nodes: {{here: {{address: 127.0.0.1, ingress: ["127.0.0.1:{ingress}"]}}}}}}
services:
  hello: {{at: {{here: "127.0.0.1:{service}"}}}}
hosts: {{{last}: hello}}
"""


def run(soak: Soak) -> Outcome:
    figures, faults = {}, []
    for number, build in enumerate(ADOPTERS):
        seconds = soak.left() / (len(ADOPTERS) - number)
        figures[build], wrong = cycles(soak, build, seconds)
        faults += [f"{build}: {fault}" for fault in wrong]
    told = "; ".join(
        f"`{build}`: {f['cycles']:,} of {CYCLES:,} cycles in {f['seconds']:.0f} s, resident {f['early_kib'] // 1024} MiB after "
        f"a tenth of them and {f['late_kib'] // 1024} MiB at the end, slope over the second half {f['slope_kib']:+.2f} KiB a "
        f"cycle, adopted by every worker in at most {f['longest_ms']:.0f} ms"
        for build, f in figures.items()
    )
    return Outcome(f"{told}.", figures, faults)


def cycles(soak: Soak, build: str, seconds: float) -> tuple[dict, list[str]]:
    began = time.monotonic()
    resident: list[int] = []
    faults: list[str] = []
    longest = 0.0
    with node(soak, build) as (process, run_dir, ingress):
        bodies = {hosts: table(hosts) for hosts in (LARGE, SMALL)}
        for cycle in range(CYCLES):
            if time.monotonic() - began > seconds or len(faults) > 20:
                break
            for step, hosts in enumerate((LARGE, SMALL)):
                revision = {"epoch": 1, "sequence": 2 * cycle + step + 1}
                body = bodies[hosts].replace('"revision":null', f'"revision":{json.dumps(revision)}', 1)
                started = time.monotonic()
                faults += push(run_dir, body, revision, hosts, ADOPTERS[build])
                longest = max(longest, time.monotonic() - started)
                status = ask(ingress, LAST)
                if status != (200 if hosts == LARGE else 404):
                    faults.append(f"cycle {cycle}: with {hosts} hosts {LAST} was answered with {status}")
            if process.poll() is not None:
                raise Failed(f"Envoy ended with {process.returncode} in cycle {cycle}; its log is in {soak.folder}")
            resident.append(resident_kib(process.pid))
            if cycle % 100 == 99:
                soak.say(f"{build}: {cycle + 1} cycles, {resident[-1] / 1024:.0f} MiB")
    if not resident:
        raise Failed("there was no time for a single cycle")
    slope = growth(resident[len(resident) // 2 :])
    if slope > SLOPE_KIB and len(resident) >= CYCLES // 4:
        faults.append(f"it grows by {slope:.1f} KiB a cycle")
    figures = {
        "cycles": len(resident),
        "seconds": round(time.monotonic() - began, 1),
        "early_kib": resident[len(resident) // 10],
        "late_kib": resident[-1],
        "slope_kib": round(slope, 3),
        "longest_ms": round(longest * 1000, 1),
        "resident_kib_each_tenth": resident[:: max(1, len(resident) // 10)],
    }
    return figures, faults


@contextmanager
def node(soak: Soak, build: str):
    """One Envoy of two workers with this build of the filter, and a service beside it."""
    folder = soak.folder / build
    folder.mkdir()
    # Unix sockets have short names only.
    run_dir = Path(os.path.relpath(folder / "run", soak.root))
    ports = {"ingress": free_port(), "service": free_port()}
    (folder / "site.yaml").write_text(SITE.format(last=LAST, **ports))
    asked = ["--site", folder / "site.yaml", "--node", "here", "--filter", build, "--run-dir", run_dir]
    if build == "wasm":
        asked += ["--wasm", soak.root / "target/zoneway.wasm"]
    config = folder / "envoy.yaml"
    config.write_text(soak.command([soak.root / "target/debug/zoneway", "envoy", *asked]))
    server = service.start("hello", "here", ("127.0.0.1", ports["service"]))
    with (folder / "envoy.log").open("wb") as log:
        process = subprocess.Popen(
            [soak.envoy, "-c", config, "--concurrency", "2", "--disable-hot-restart", "--log-level", "warning"],
            cwd=soak.root,
            env={**os.environ, "ENVOY_DYNAMIC_MODULES_SEARCH_PATH": str(soak.root / "target")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process, run_dir, ports["ingress"]
    finally:
        end(process, 10)
        server.shutdown()
        server.server_close()


def table(hosts: int) -> str:
    """A table of so many exact hosts, and wildcards, all of them served here; its revision is to be filled in."""
    rules = [{"path": "/", "backends": [{"node": "here"}]}, {"path": "/admin", "exposed_to": [], "backends": [{"node": "here"}]}]
    names = [f"service-{number}.apps.example.org" for number in range(hosts)]
    names += [f"*.tenant-{number}.example.org" for number in range(hosts // WILDCARDS)]
    whole = {
        "version": 1,
        "revision": None,
        "view": "home",
        "zones": {"home": {"nodes": {"here": {"address": "127.0.0.1:15443"}}}},
        "hosts": [{"host": name, "exposed_to": ["home"], "rules": rules} for name in names],
    }
    return json.dumps(whole, separators=(",", ":"))


def push(run_dir: Path, body: str, revision: dict, hosts: int, adopters: int) -> list[str]:
    """Pushes a table and waits until every worker has adopted it; gives what was wrong with the answer or the status."""
    endpoint = run_dir / "table.sock"
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = unix.Connection(endpoint)
        try:
            connection.request("PUT", "/v1/table", body=body.encode())
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
            if answer.status == 200:
                break
        except (OSError, http.client.HTTPException) as error:
            # Envoy has just been started.
            text = repr(error)
        finally:
            connection.close()
        if time.monotonic() > deadline:
            return [f"table {revision} was not taken: {text[:500]}"]
        time.sleep(0.1)
    while True:
        status = unix.get_json(endpoint, "/v1/status") or {}
        workers = status.get("workers", [])
        if len(workers) >= adopters and all(worker["revision"] == revision for worker in workers):
            break
        if time.monotonic() > deadline:
            return [f"table {revision} was not adopted by all: {status}"]
        time.sleep(0.01)
    if status.get("errors") or status["table"]["hosts"] != hosts + hosts // WILDCARDS or len(workers) != adopters:
        return [f"the status is not good: {status}"]
    return []


def ask(port: int, host: str) -> int:
    """The status of the answer; 0 where there is none."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/", headers={"host": host})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def resident_kib(pid: int) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0])


def growth(values: list[int]) -> float:
    """The slope of the line that fits best, per step."""
    return statistics.linear_regression(range(len(values)), values).slope if len(values) > 1 else 0.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
