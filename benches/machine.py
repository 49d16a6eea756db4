"""What machine the figures are of."""

import os
import platform
import subprocess
import time
from pathlib import Path


def notes(root: Path) -> dict:
    """The machine, the programs' versions and the commit, for whoever reads the figures later."""
    cpu = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": cpu,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "load_before": os.getloadavg(),
        "envoy": (root / ".envoy-version").read_text().strip(),
        "rust": output("rustc", "--version"),
        "commit": output("git", "-C", str(root), "describe", "--always", "--dirty"),
    }


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
