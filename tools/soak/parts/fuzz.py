"""Every fuzz target of core/fuzz (bytes that others write: pushed tables, layouts, records, configuration), with libFuzzer and AddressSanitizer."""

import json
import os
import re
from pathlib import Path

from frame import Failed, Outcome, Soak, versions

HOURS = 3.0
# A body of at most this size: what is found is found in small ones.
LONGEST = 65_536
# Inputs that have shown something new, kept from run to run.
CORPORA = "target/fuzz-corpus"


def run(soak: Soak) -> Outcome:
    pinned, whole = versions(), soak.left()
    toolchain = pinned["FUZZ_TOOLCHAIN"]
    programs = tools(soak, toolchain, pinned["CARGO_FUZZ_VERSION"])
    cargo = ["env", f"PATH={programs}:{os.environ['PATH']}", "cargo", f"+{toolchain}", "fuzz"]
    targets = re.findall(r'^name = "(\w+)"\npath', (soak.root / "core/fuzz/Cargo.toml").read_text(), re.MULTILINE)
    for target in targets:
        soak.command([*cargo, "build", target], folder=soak.root / "core")
    figures, faults = {"toolchain": toolchain, "targets": {}}, []
    # What it takes to build them is not counted.
    seconds = max(1, int(whole / len(targets)))
    for target in targets:
        soak.say(f"{target} for {seconds} s")
        found, wrong = fuzz(soak, cargo, target, seconds)
        figures["targets"][target] = found
        faults += wrong
    told = "; ".join(f"`{name}` {f['executions']:,} inputs in {f['seconds']} s" for name, f in figures["targets"].items())
    return Outcome(f"{told}. {len(faults) or 'No'} crashes, time-outs or inputs that take too much memory.", figures, faults)


def tools(soak: Soak, toolchain: str, version: str) -> Path:
    """Installs the pinned nightly compiler and cargo-fuzz where they are not there; gives the folder of cargo-fuzz."""
    try:
        soak.command(["rustup", "run", toolchain, "rustc", "--version"])
    except Failed:
        soak.say(f"installing Rust {toolchain}")
        soak.command(["rustup", "toolchain", "install", toolchain, "--profile", "minimal"])
    folder = soak.root / ".zoneway/fuzz"
    program = folder / "bin/cargo-fuzz"
    if not program.is_file() or version not in soak.command([program, "--version"]):
        soak.say(f"installing cargo-fuzz {version}")
        soak.command(["cargo", "install", "--locked", "--root", folder, f"cargo-fuzz@{version}"])
    return program.parent


def fuzz(soak: Soak, cargo: list[str], target: str, seconds: int) -> tuple[dict, list[str]]:
    corpus = soak.root / CORPORA / target
    corpus.mkdir(parents=True, exist_ok=True)
    if target == "accept":
        seed(soak, corpus)
    artifacts = soak.folder / f"{target}-"
    printed = soak.command(
        [*cargo, "run", target, corpus, "--", f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=10",
         "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={artifacts}"],
        check=False,
        log=target,
        folder=soak.root / "core",
    )
    number = lambda name: int((re.findall(rf"{name}:? +(\d+)", printed) or ["0"])[-1])  # noqa: E731
    found = {
        "seconds": seconds,
        "executions": number("stat::number_of_executed_units"),
        "coverage": number("cov"),
        "features": number("ft"),
        "corpus": len(list(corpus.iterdir())),
        "peak_mib": number("stat::peak_rss_mb"),
    }
    faults = [f"{target}: {path.name} in {soak.folder}" for path in sorted(soak.folder.glob(f"{target}-*"))]
    if not found["executions"]:
        faults.append(f"{target}: it ran nothing:\n{printed[-2000:]}")
    return found, faults


def seed(soak: Soak, corpus: Path) -> None:
    """Tables to begin with: whole ones, so that what is behind the syntax is reached at once."""
    for file in [soak.root / "core/fuzz/table.json", soak.root / "site/tests/data/example.403.json"]:
        (corpus / f"seed-{file.stem}").write_text(json.dumps(json.loads(file.read_text()), separators=(",", ":")))
