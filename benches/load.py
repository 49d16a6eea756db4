"""The two loads: `wrk`, as fast as answers come, and `steady`, so many requests a second whatever the answers do."""

import json
import subprocess
from pathlib import Path

from envoy import LOAD_CORE

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "benches/lua/load.lua"
STEADY = ROOT / "target/benches/release/steady"


def full(port: int, hosts: Path, seconds: float, connections: int, *, ok: bool = True) -> dict:
    """Asks for the hosts in turn over kept connections. `ok` says whether each answer is to be one below 400, or none."""
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", str(SCRIPT)]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/", "--", str(hosts)], capture_output=True, text=True, check=True
    )
    figures = json.loads(done.stdout.rpartition("\nzoneway ")[2])
    expected = 0 if ok else figures["requests"]
    if figures["broken"] or not figures["requests"] or abs(figures["not_ok"] - expected) > connections:
        raise SystemExit(f"bench: not the answers that were meant, of {hosts.name}: {figures}")
    return figures


def steady(port: int, hosts: Path, rate: int, connections: int, seconds: int) -> subprocess.Popen:
    """Starts the steady load; `finished` gives what it saw."""
    words = [f"127.0.0.1:{port}", hosts, rate, connections, seconds]
    return subprocess.Popen(
        ["taskset", "-c", LOAD_CORE, str(STEADY), *map(str, words)], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )


def finished(load: subprocess.Popen) -> dict:
    text, _ = load.communicate()
    if load.returncode:
        raise SystemExit(f"bench: the steady load ended with {load.returncode}")
    figures = json.loads(text)
    if figures["wrong"]:
        raise SystemExit(f"bench: {figures['wrong']} of {figures['requests']} answers were not 200")
    return figures
