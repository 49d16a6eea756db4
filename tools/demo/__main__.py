#!/usr/bin/env python3
"""`make demo`: two zones, three nodes, each with a real Envoy, on this machine.

On a terminal: a live board, and curl lines to try with what each must answer, until Ctrl-C. Without one: runs those
lines itself, edits the site while everything runs, prints each line with what it got, and exits 0 only if all were
right. Standard library only."""

import signal
import subprocess
import sys
import time

import places
from board import Board
from household import ROOT, Failed, Household
from trials import EDIT, EDITED, TRIALS, TWINS, Answer, Trial


def main() -> int:
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    began = time.monotonic()
    try:
        with Household(places.find()) as household:
            print(f"three nodes are up after {time.monotonic() - began:.1f} s; their site: {household.site}\n", file=sys.stderr)
            return watch(household) if sys.stdout.isatty() else try_all(household)
    except Failed as failed:
        print(f"demo: {failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nall stopped", file=sys.stderr)
        return 0 if sys.stdout.isatty() else 1


def watch(household: Household) -> int:
    """Prints what to try, and keeps the board until Ctrl-C."""
    print("Try these in another terminal:\n")
    for trial in TRIALS:
        show(household, trial)
    print(f"# Change the site, with an editor or so:\n{EDIT}\n")
    show(household, EDITED)
    board = Board()
    while True:
        household.follow()
        board.draw(household)
        time.sleep(1)


def show(household: Household, trial: Trial) -> None:
    print(f"# {trial.shows}\n{trial.line(household.places)}\n# → {trial.status} {trial.body}\n")


def try_all(household: Household) -> int:
    """Runs every trial, then the edit; prints each and what came back."""
    answers = [attempt(household, trial) for trial in TRIALS]
    right = [answer.fits(trial) for trial, answer in zip(TRIALS, answers, strict=True)]
    first, second = (answers[twin] for twin in TWINS)
    if first != second:
        right.append(False)
        print(f"WRONG: the two refusals differ:\n{first.headers}\nand\n{second.headers}")

    print(f"# The site is edited while everything runs.\n{EDIT}\n")
    subprocess.run(["bash", "-c", EDIT], cwd=ROOT, check=True)
    household.follow()
    household.settle()
    right.append(attempt(household, EDITED).fits(EDITED))

    print(f"{right.count(True)} of {len(right)} answers were right")
    return 0 if all(right) else 1


def attempt(household: Household, trial: Trial) -> Answer:
    answer = trial.run(household.places)
    print(f"# {trial.shows}\n{trial.line(household.places)}\n→ {answer}")
    if not answer.fits(trial):
        print(f"WRONG: it must answer {trial.status} {trial.body}")
    print(flush=True)
    return answer


if __name__ == "__main__":
    sys.exit(main())
