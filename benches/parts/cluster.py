"""A sidecar that reads a real cluster: from a changed EndpointSlice, or Ingress, to every worker of a real Envoy, and the sidecar's
memory.

The cluster is kube-apiserver and etcd on this machine, so they have their share of the two cores too. The time begins before
the change is sent to the API server."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

from bed import ROOT, Beds

NAME = "cluster"
NODES, CHANGES = 100, 200
# Services, hosts, changes and what is changed: a household's size ten times over, and ten times the services once more for the memory, which
# is the sidecar's, whatever filter its Envoy loads.
RUNS = (
    ("wasm", 1_000, 10_000, CHANGES, "endpoints"),
    ("module", 1_000, 10_000, CHANGES, "endpoints"),
    ("module", 1_000, 10_000, CHANGES, "routes"),
    ("module", 10_000, 10_000, 20, "endpoints"),
)


def measure(asked: argparse.Namespace, beds: Beds) -> list[dict]:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    # As `make dist` builds it: static, for small memory.
    machine = f"{platform.machine()}-unknown-linux-musl"
    sidecar = target / machine / "sidecar/zoneway"
    subprocess.run(["tools/zigbuild", machine, "--profile", "sidecar", "-p", "zoneway-sidecar"], cwd=ROOT, check=True)
    subprocess.run(["cargo", "build", "--locked", "-p", "zoneway-tests", "--bin", "cluster-measure"], cwd=ROOT, check=True)
    found = []
    for filter, services, hosts, changes, changed in RUNS:
        words = [target / "debug/cluster-measure", f"--services={services}", f"--hosts={hosts}", f"--nodes={NODES}", f"--changes={changes}"]
        words += ["--routes"] if changed == "routes" else []
        environment = os.environ | {"ZONEWAY_FILTER": filter, "ZONEWAY_BIN": str(sidecar)}
        done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, check=True, text=True)
        found.append(json.loads(done.stdout) | {"changed": changed})
        print(summary(found[-1:]), file=sys.stderr)
    return found


def summary(raw: list[dict]) -> list[dict]:
    lines = []
    for run in raw:
        times = sorted(change["ms"] for change in run["changes"])
        lines.append(
            {key: run[key] for key in ("filter", "changed", "services", "hosts", "nodes", "rss_kib", "peak_kib")}
            | {
                "changes": len(times),
                "median_ms": statistics.median(times),
                "p99_ms": times[min(len(times) - 1, len(times) * 99 // 100)],
                "write_median_ms": statistics.median(change["write_ms"] for change in run["changes"]),
            }
        )
    return lines
