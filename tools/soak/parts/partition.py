"""A node is cut off from its cluster's API server for ten minutes, with a real kube-apiserver and a real Envoy: every answer meanwhile is as before, and afterwards what changed meanwhile is what decides."""

import re

from frame import Outcome, Soak

HOURS = 0.4
SECONDS = 600
# Building, starting the cluster and asking afterwards.
AROUND = 300
TEST = "a_partition_changes_no_decision_and_ends_with_what_changed_meanwhile"
PASSED = re.compile(r"^test result: ok\. 1 passed", re.MULTILINE)


def run(soak: Soak) -> Outcome:
    soak.command(["tools/cluster/build"])
    seconds = max(60, min(SECONDS, round(soak.left()) - AROUND))
    words = ["cargo", "test", "--locked", "-p", "zoneway-tests", "--test", "cluster", TEST]
    printed = soak.command(words, env={"ZONEWAY_PARTITION_S": str(seconds), "RUST_BACKTRACE": "0"}, check=False)
    faults = [] if PASSED.search(printed) else [f"the test failed: {soak.folder}/commands.log has what it printed"]
    told = f"Cut off for {seconds} s under 100 requests a second; {len(faults)} faults."
    return Outcome(told, {"seconds": seconds}, faults)
