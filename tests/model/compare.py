#!/usr/bin/env python3
"""Compares the `zoneway` binary with the model on random cases, and prints the first differences as commands.

    tests/model/compare.py --binary target/release/zoneway --cases 100000 --seed 1

Three comparisons, each with a share of the cases: `decide` (random tables and requests), `check` (tables with random
faults) and `table` (the views of random sites). Exits 1 on any difference. A batch depends on the seed and its number
alone, so a difference can be had again.
"""

import argparse
import collections
import multiprocessing
import random
import sys
import tempfile
import time

import compare_check
import compare_decide
import compare_table
from product import Product

COMPARISONS = {"decide": compare_decide, "check": compare_check, "table": compare_table}


def batch(job):
    """One batch in a worker: how many cases it had, their kinds, and the differences as texts."""
    name, number, seed, binary, folder = job
    rng = random.Random(f"{seed}/{name}/{number}")
    try:
        return name, *COMPARISONS[name].compare(rng, Product(binary, folder), f"{name}-{number}")
    except Exception as error:  # a worker tells what stopped it, and where to see it again
        return name, 0, collections.Counter(), [f"{name} batch {number}: {type(error).__name__}: {error}"]


def jobs(options, folder):
    for name in options.only:
        comparison = COMPARISONS[name]
        batches = max(1, -(-int(options.cases * comparison.SHARE) // comparison.CASES_A_BATCH))
        for number in range(options.first, options.first + batches):
            yield name, number, options.seed, options.binary, folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the zoneway binary")
    parser.add_argument("--cases", type=int, default=100_000, help="decisions; the other comparisons get a share")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--first", type=int, default=0, help="the number of the first batch")
    parser.add_argument("--only", nargs="+", choices=COMPARISONS, default=list(COMPARISONS))
    parser.add_argument("--show", type=int, default=5, help="how many differences to print")
    parser.add_argument("--jobs", type=int, default=2, help="processes beside this one")
    options = parser.parse_args()

    folder = tempfile.mkdtemp(prefix="zoneway-compare-")
    started, cases, kinds, differences = time.monotonic(), collections.Counter(), collections.Counter(), []
    with multiprocessing.Pool(options.jobs) as pool:
        for name, count, seen, found in pool.imap_unordered(batch, jobs(options, folder)):
            cases[name] += count
            kinds.update({(name, kind): number for kind, number in seen.items()})
            for difference in found:
                if len(differences) < options.show:
                    print(difference, end="\n\n", flush=True)
                differences.append(difference)

    for (name, kind), number in sorted(kinds.items()):
        print(f"{number:>9} {name} {kind}")
    total = ", ".join(f"{number} {name}" for name, number in cases.items())
    print(f"seed {options.seed}: {total} cases, {len(differences)} differences, {time.monotonic() - started:.0f} s")
    if differences:
        print(f"the files are in {folder}")
        sys.exit(1)


if __name__ == "__main__":
    main()
