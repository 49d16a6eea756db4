"""The binary against the independent model of the design (tests/model), a million random decisions and their share of checks and views."""

import re
import time

from frame import Outcome, Soak

HOURS = 2.0
CASES = 1_000_000
# So many at a time, each lot with a seed of its own: between two of them the clock is looked at.
LOT = 50_000
TOTAL = re.compile(r"(\d+) (decide|check|table)\b(?= cases|,)")


def run(soak: Soak) -> Outcome:
    # Another run shall see other cases, and say which.
    first = int(time.time())
    counts = {"decide": 0, "check": 0, "table": 0}
    faults: list[str] = []
    for lot in range(-(-CASES // LOT)):
        if soak.left() <= 0:
            break
        seed = str(first + lot)
        command = ["tests/model/compare.py", "--binary", "target/debug/zoneway", "--cases", str(LOT), "--seed", seed]
        printed = soak.command(command, check=False)
        total = next((line for line in reversed(printed.splitlines()) if line.startswith("seed ")), "")
        for number, kind in TOTAL.findall(total):
            counts[kind] += int(number)
        if ", 0 differences," not in total:
            faults.append(f"{' '.join(command)}: {total or printed[-2000:]}")
        soak.say(total or "no total was printed")
    told = ", ".join(f"{number:,} {kind}" for kind, number in counts.items())
    return Outcome(
        f"{told} cases from seed {first} on, of {CASES:,} decisions wanted; {len(faults)} lots of {LOT:,} with differences.",
        {"cases": counts, "wanted": CASES, "first_seed": first, "cases_a_seed": LOT},
        faults,
    )
