"""The last result of each part, as JSON, and one page that sums them up."""

import importlib.util
import json

from frame import ROOT, Outcome

FOLDER = ROOT / "benches/results/soak"
# Faults that a result keeps as text; their number is told whole.
MOST = 50


def notes() -> dict:
    """When, on what machine and of which commit (`-dirty` where the tree had changes), in the form of the benches."""
    spec = importlib.util.spec_from_file_location("machine", ROOT / "benches/machine.py")
    machine = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(machine)
    return machine.notes(ROOT)


def keep(name: str, what: str, hours: float, seconds: float, notes: dict, outcome: Outcome) -> None:
    result = {
        "part": name,
        "what": what.partition("\n")[0],
        "machine": notes,
        "hours_at_most": hours,
        "seconds": round(seconds, 1),
        "summary": outcome.summary,
        "figures": outcome.figures,
        "faults": len(outcome.faults),
        "first_faults": outcome.faults[:MOST],
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def summarise() -> None:
    """Writes the page anew from every result that is there."""
    found = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    lines = [
        "# The last soak",
        "",
        "What `make soak` found last, part by part; written by it (`python3 tools/soak --summary`), with all figures in the JSON",
        "beside this page. A part that was given less time than it has by itself says so by its duration.",
        "",
        "| part | ran | for | at | result |",
        "| --- | --- | --- | --- | --- |",
    ]
    for result in found:
        notes = result["machine"]
        verdict = "no fault" if not result["faults"] else f"**{result['faults']} faults**"
        lines.append(
            f"| [{result['part']}]({result['part']}.json) | {notes['when'][:10]} | {duration(result['seconds'])} of at most "
            f"{result['hours_at_most']:g} h | {notes['commit']} | {verdict} |"
        )
    for result in found:
        lines += ["", f"## {result['part']}", "", result["what"], "", result["summary"]]
        lines += [f"* {fault.splitlines()[0]}" for fault in result["first_faults"][:10]]
    machines = {f"{n['cpu']}, {n['cores']} cores, Linux {n['kernel']}, {n['rust']}" for n in (r["machine"] for r in found)}
    lines += ["", *(f"Machine: {machine}. It was shared with other work." for machine in sorted(machines))]
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "README.md").write_text("\n".join(lines) + "\n")


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
