"""Every case of the corpus for arm64, under qemu: by an arm64 Envoy with the Wasm filter, by one with the module, and by `zoneway`.

The module is built as `make arm64` does, `zoneway` as for a release but for its optimisation; CI has a handful of the same
cases for Envoy."""

import shutil

import corpus
from frame import ROOT, Outcome, Soak

HOURS = 0.5
TARGET = "aarch64-unknown-linux-musl"


def run(soak: Soak) -> Outcome:
    soak.command(["make", "arm64", "wasm"])
    soak.command(["tools/zigbuild", TARGET, "-p", "zoneway-sidecar"])
    shutil.copy(ROOT / "target" / TARGET / "debug/zoneway", ROOT / "target/arm64/zoneway")
    decide = corpus.Runner(soak)
    figures, faults = {}, []
    for decider in ("zoneway", "wasm", "module"):
        seen = decide.all_cases(decider, ["--arm64"])
        figures[decider] = {"cases": seen.cases, "seconds": seen.seconds}
        faults += [f"{decider}: {fault}" for fault in seen.faults]
        soak.say(f"{decider}: {seen.cases} cases in {seen.seconds:.0f} s, {len(seen.faults)} faults")
    cases = ", ".join(f"{figures[decider]['cases']} by {decider}" for decider in figures)
    return Outcome(f"Cases decided for arm64: {cases}; {len(faults)} faults.", figures, faults)
