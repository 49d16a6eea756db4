"""The decision alone, in a process of its own: what criterion finds in core/benches/decide.rs."""

import argparse
import json
import os
import subprocess
from pathlib import Path

from bed import ROOT, Beds

NAME = "core"
# criterion's own defaults take a minute a size.
WARM_UP, MEASUREMENT = "0.5", "1.5"


def measure(asked: argparse.Namespace, beds: Beds) -> list[dict]:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    words = ["cargo", "bench", "--locked", "-p", "zoneway-core", "--bench", "decide", "--"]
    done = subprocess.run([*words, "--warm-up-time", WARM_UP, "--measurement-time", MEASUREMENT, "--noplot"], cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit("bench: cargo bench -p zoneway-core failed")
    found = []
    for file in sorted((target / "criterion").glob("*/*/*/new/estimates.json")):
        group, kind, hosts = file.parts[-5:-2]
        median = json.loads(file.read_text())["median"]
        low, high = (median["confidence_interval"][bound] for bound in ("lower_bound", "upper_bound"))
        found.append({"group": group, "kind": kind, "hosts": int(hosts), "median_ns": median["point_estimate"], "low_ns": low, "high_ns": high})
    return sorted(found, key=lambda entry: (entry["group"], entry["kind"], entry["hosts"]))


def summary(raw: list[dict]) -> list[dict]:
    return raw
