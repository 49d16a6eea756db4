"""One pinned Envoy under load, and the CPU time that a request costs it."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

# One core for Envoy, another for the load: they must not share, or the load's cache misses are Envoy's.
ENVOY_CORE, LOAD_CORE = "0", "1"
TICKS = os.sysconf("SC_CLK_TCK")
SCRIPT = Path(__file__).parent / "hosts.lua"


class Envoy:
    """An Envoy of one worker that stands still except while it is measured, so that others can be measured between."""

    def __init__(self, binary: str, config: Path, port: int, modules: Path) -> None:
        self.port = port
        self.log = config.with_suffix(".log")
        command = ["taskset", "-c", ENVOY_CORE, binary, "-c", str(config), "--concurrency", "1", "--disable-hot-restart"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--log-level", "warning"],
                env=os.environ | {"ENVOY_DYNAMIC_MODULES_SEARCH_PATH": str(modules)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def stand_still(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.go_on()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def check(self) -> None:
        if self.process.poll() is not None:
            raise SystemExit(f"bench: Envoy ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far, from /proc/PID/stat (proc(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def round(self, hosts: Path, seconds: int, connections: int) -> dict:
        """Loads it for some seconds; gives the requests answered and the CPU time a request cost, in microseconds."""
        self.go_on()
        load(self.port, hosts, 1, connections)
        cpu, began = self.cpu_seconds(), time.monotonic()
        done = load(self.port, hosts, seconds, connections)
        cpu, wall = self.cpu_seconds() - cpu, time.monotonic() - began
        self.stand_still()
        if done["wrong"] or not done["requests"]:
            raise SystemExit(f"bench: {done['wrong']} of {done['requests']} answers were not 200")
        return {
            "requests": done["requests"],
            "cpu_us": cpu * 1e6 / done["requests"],
            "busy": cpu / wall,
            "rss_kib": self.resident_kib(),
        }


def load(port: int, hosts: Path, seconds: int, connections: int) -> dict:
    """Asks for the hosts in turn over kept connections, as fast as answers come."""
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT)]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/", "--", str(hosts)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.rpartition("\nzoneway ")[2])
