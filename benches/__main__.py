#!/usr/bin/env python3
"""`make bench`: what the filter costs, against what people would use instead, on two cores.

    make bench [PARTS="cpu upstream tables adoption memory core cluster"] [ROUNDS=N] [BENCH="further options of python3 benches"]

Every Envoy has the configuration that `zoneway envoy` renders; they differ in the filter alone. Rounds are interleaved in one
run, each Envoy pinned to the same core while the others stand still. Raw rounds, notes of the machine and what is made of them
go to benches/results/, and from there into docs/performance.md."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import machine
import page
from bed import ROOT, Beds
from parts import adoption, cluster, core, cpu, memory, tables, upstream

PARTS = {part.NAME: part for part in (cpu, upstream, tables, adoption, memory, core, cluster)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="benches", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all of them where none is named")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2, help="of load in a round")
    parser.add_argument("--warm-up", type=int, default=5, help="seconds of load on each cell before the first round, for V8 and LuaJIT to compile")
    parser.add_argument("--pairs", type=int, default=15, help="with no filter, four seconds each, of every filter that `upstream` pairs")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 10, 100_000], help="hosts of the tables of `cpu`")
    parser.add_argument("--pushes", type=int, default=120, help="of each size in `adoption`")
    parser.add_argument("--idle", type=float, default=5, help="seconds of a round of doing nothing, in `adoption`")
    parser.add_argument("--memory-rounds", type=int, default=3)
    parser.add_argument("--cycles", type=int, default=1_000, help="of growing and shrinking, in `memory`")
    parser.add_argument("--wasm", type=Path, default=ROOT / "target/zoneway.wasm", help="another build of zoneway.wasm")
    parser.add_argument("--results", type=Path, default=ROOT / "benches/results", help="another folder; the page stays as it is")
    parser.add_argument("--page", action="store_true", help="only make the page of the results that are there")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    for tool in ("wrk", "taskset"):
        if not shutil.which(tool):
            raise SystemExit(f"bench: {tool} is not installed; on Debian: apt-get install wrk util-linux")

    asked.results.mkdir(exist_ok=True)
    if not asked.page:
        for name in asked.parts or PARTS:
            run(name, asked)
    if asked.results == ROOT / "benches/results":
        page.write(ROOT)
    return 0


def run(name: str, asked: argparse.Namespace) -> None:
    """Measures a part and writes its file."""
    part, notes, began = PARTS[name], machine.notes(ROOT), time.monotonic()
    envoy = os.environ.get("ZONEWAY_ENVOY", str(ROOT / ".zoneway/bin/envoy"))
    with tempfile.TemporaryDirectory(prefix="zoneway-bench-") as folder, Beds(Path(folder), envoy, asked.wasm.resolve()) as beds:
        raw = part.measure(asked, beds)
    options = {key: value for key, value in vars(asked).items() if key not in ("parts", "results", "page", "wasm")}
    notes |= {"took_s": round(time.monotonic() - began), "load_after": os.getloadavg()}
    result = {"machine": notes, "asked": options, "summary": part.summary(raw), "rounds": raw}
    (asked.results / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"{name}: {notes['took_s']} s", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
