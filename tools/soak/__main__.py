#!/usr/bin/env python3
"""`make soak`: what takes too long for `make test`. Each part is a file of tools/soak/parts/; its last result is kept in
benches/results/soak/, with when, where and for how long it ran.

    make soak [PARTS="fuzz cycles"] [HOURS=0.1] [FILTER=module]
    python3 tools/soak [--hours H] [--summary] [PART…]

Without PARTS all of them run, one after the other. HOURS is the most that each may take; without it, each has its own
(`HOURS` in its file). Exits 0 if no part found a fault."""

import argparse
import importlib
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "demo"))

import results  # noqa: E402 (beside this file)
from frame import Failed, Outcome, Soak  # noqa: E402

PARTS = sorted(path.stem for path in (HERE / "parts").glob("[a-z]*.py"))


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--hours", type=float, help="the most that each part may take")
    parser.add_argument("--summary", action="store_true", help="run nothing; write the summary of the results anew")
    asked = parser.parse_args()
    if unknown := [part for part in asked.parts if part not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    failed = []
    if not asked.summary:
        for name in asked.parts or PARTS:
            if not run(name, asked.hours):
                failed.append(name)
    results.summarise()
    if failed:
        print(f"soak: FAILED: {', '.join(failed)}; see {results.FOLDER}", file=sys.stderr)
    return 1 if failed else 0


def run(name: str, hours: float | None) -> bool:
    """Runs a part and keeps its result; false where it found a fault."""
    part = importlib.import_module(f"parts.{name}")
    hours = part.HOURS if hours is None else hours
    soak = Soak(name, hours)
    soak.say(f"{part.__doc__.partition(chr(10))[0]} At most {hours:g} h.")
    began = time.monotonic()
    notes = results.notes()
    try:
        outcome = part.run(soak)
    except Failed as failed:
        outcome = Outcome(summary="It could not be run to its end.", faults=[str(failed)])
    results.keep(name, part.__doc__, hours, time.monotonic() - began, notes, outcome)
    for fault in outcome.faults[:20]:
        soak.say(f"FAULT: {fault}")
    soak.say(outcome.summary)
    return not outcome.faults


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
