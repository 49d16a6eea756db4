"""One Envoy that is measured: started, pinned, stood still between its rounds, and its own account of CPU and memory."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

# One core for Envoy, another for the load: they must not share, or the load's cache misses are Envoy's.
ENVOY_CORE, LOAD_CORE = "0", "1"
ALL_CORES = "0,1"
# A table of 100,000 hosts as Lua is read for a while.
PATIENCE = 180.0


class Envoy:
    """Stands still except while it is measured, so that others can be measured between."""

    def __init__(self, binary: str, config: Path, port: int, modules: Path, *, workers: int, cores: str) -> None:
        self.port = port
        self.workers = workers
        self.log = config.with_suffix(".log")
        command = ["taskset", "-c", cores, binary, "-c", str(config), "--concurrency", str(workers), "--disable-hot-restart"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--log-level", "warning"],
                env=os.environ | {"ENVOY_DYNAMIC_MODULES_SEARCH_PATH": str(modules)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def listens(self) -> None:
        """Waits until it does."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self.check()
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise SystemExit(f"bench: Envoy does not listen after {PATIENCE:.0f} s; see {self.log}") from None
                time.sleep(0.05)

    def stand_still(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        self.go_on()
        end(self.process)

    def check(self) -> None:
        if self.process.poll() is not None:
            raise SystemExit(f"bench: Envoy ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.process.pid)

    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])


def cpu_seconds(process: int) -> float:
    """Time on a core of all threads so far, to the nanosecond (the kernel's scheduler statistics, first field)."""
    total = 0
    for task in Path(f"/proc/{process}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
