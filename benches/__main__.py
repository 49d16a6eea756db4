#!/usr/bin/env python3
"""`make bench`: what a local decision costs, in CPU time of Envoy for each request.

Every variant is the same rendered configuration (`zoneway envoy`), one worker, with a `direct_response` route, the
shortest path there is; they differ in the filter alone. Rounds are interleaved in one run, each variant pinned to the
same core while the others stand still. Raw rounds and notes of the machine go to benches/results/.

    python3 benches [--rounds N] [--seconds S] [--warm-up S] [--connections C] [--hosts N]
                    [--only VARIANT…] [--also FILE…] [--output NAME]"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import machine
import variants
from measure import Envoy

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benches/results"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benches", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=5, help="of load in a round")
    parser.add_argument("--warm-up", type=int, default=20, help="seconds of load before the first round, for V8 and LuaJIT to compile")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--hosts", type=int, default=10_000, help="exact hosts in the table; a tenth as many wildcards")
    parser.add_argument("--also", nargs="+", default=[], type=Path, help="further builds of zoneway.wasm, to compare with")
    parser.add_argument("--only", nargs="+", help="these variants alone; `none` is always there")
    parser.add_argument("--output", default="filters", help="the name of the results in benches/results/")
    asked = parser.parse_args()
    for tool in ("wrk", "taskset"):
        if not shutil.which(tool):
            raise SystemExit(f"bench: {tool} is not installed; on Debian: apt-get install wrk util-linux")

    with tempfile.TemporaryDirectory(prefix="zoneway-bench-") as folder:
        prepared = variants.prepare(ROOT, Path(folder), asked.hosts, [wasm.resolve() for wasm in asked.also])
        rounds = measure(prepared, asked)
    report = summary(rounds)
    RESULTS.mkdir(exist_ok=True)
    raw = {"machine": machine.notes(ROOT), "asked": {name: str(value) for name, value in vars(asked).items()}, "rounds": rounds, "summary": report}
    (RESULTS / f"{asked.output}.json").write_text(json.dumps(raw, indent=1) + "\n")
    text = table(report, raw["machine"], asked)
    (RESULTS / f"{asked.output}.md").write_text(text)
    print(text)
    return 0


def measure(prepared: variants.Prepared, asked: argparse.Namespace) -> list[dict]:
    """Runs all rounds; the order of the variants turns by one in each, so that none always follows the same other."""
    envoys: dict[str, Envoy] = {}
    rounds = []
    try:
        chosen = {"none", *(asked.only or prepared.variants)}
        for name, variant in prepared.variants.items():
            if name not in chosen:
                continue
            envoys[name] = variant.start()
            envoys[name].round(prepared.hosts, asked.warm_up, asked.connections)
        names = list(envoys)
        for number in range(asked.rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                figures = envoys[name].round(prepared.hosts, asked.seconds, asked.connections)
                rounds.append({"round": number, "variant": name, **figures})
                print(f"round {number} {name:<8} {figures['cpu_us']:6.2f} µs/request", file=sys.stderr)
                envoys[name].check()
    finally:
        for envoy in envoys.values():
            envoy.stop()
    return rounds


def summary(rounds: list[dict]) -> dict:
    """For each variant the median and minimum, and what it adds to no filter: the median over the rounds of the
    difference within a round, so that a slow minute of the machine counts for all alike."""
    by_variant: dict[str, dict[int, float]] = {}
    for entry in rounds:
        by_variant.setdefault(entry["variant"], {})[entry["round"]] = entry["cpu_us"]
    none = by_variant["none"]
    report = {}
    for name, costs in by_variant.items():
        added = [costs[number] - none[number] for number in costs]
        report[name] = {
            "median_us": statistics.median(costs.values()),
            "min_us": min(costs.values()),
            "added_us": statistics.median(added),
            "ratio": statistics.median(costs[number] / none[number] for number in costs),
        }
    return report


def table(report: dict, notes: dict, asked: argparse.Namespace) -> str:
    lines = [
        "# CPU time of Envoy for a request that is served here",
        "",
        f"`make bench` on {notes['when']}: {notes['cpu']}, {notes['cores']} cores, Linux {notes['kernel']}, Envoy "
        f"{notes['envoy']}, {notes['rust']}, at {notes['commit']}.",
        f"One worker on a core of its own, a direct_response route, {asked.connections} connections, {asked.hosts:,} exact "
        f"hosts and {asked.hosts // 10:,} wildcards in the table; {asked.rounds} interleaved rounds of {asked.seconds} s, after "
        f"{asked.warm_up} s of load on each.",
        "",
        "| filter | median µs | least µs | added to no filter, µs | ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in (name for name in variants.TITLES if name in report):
        figures = report[name]
        lines.append(
            f"| {variants.TITLES[name]} | {figures['median_us']:.2f} | {figures['min_us']:.2f} "
            f"| {figures['added_us']:+.2f} | {figures['ratio']:.2f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
