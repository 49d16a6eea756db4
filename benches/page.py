"""What the results say, as Markdown: the parts of docs/performance.md and README.md that nobody writes by hand.

A generated part stands between `<!-- benches: NAME -->` and `<!-- end of NAME -->`. benches/test_page.py holds the documents and the
results together."""

import json
import re
from pathlib import Path

import goals
import plot
from filters import DECIDING, IDLE, TITLES
from sites import DECISIONS

DOCUMENTS = ("docs/performance.md", "README.md")
PLOT = "docs/performance.svg"
PARTS = {"adoption", "cluster", "core", "cpu", "memory", "tables", "upstream"}


class Results:
    """What is under benches/results/, by part."""

    def __init__(self, folder: Path) -> None:
        self.parts = {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}

    def __getitem__(self, part: str):
        return self.parts[part]["summary"]

    def asked(self, part: str) -> dict:
        return self.parts[part]["asked"]

    def machine(self, part: str) -> dict:
        return self.parts[part]["machine"]

    def added(self, filter: str, decision: str = "local", hosts: int = 10_000) -> float:
        """Microseconds beyond no filter; those of a filter that decides nothing, whatever is asked."""
        return self.cell(filter, decision, hosts)["added_us"]

    def cell(self, filter: str, decision: str, hosts: int) -> dict:
        decides = filter in DECIDING
        return next(
            line
            for line in self["cpu"]
            if line["filter"] == filter and (not decides or (line["decision"], line["hosts"]) == (decision, hosts))
        )


def write(root: Path) -> None:
    missing = PARTS - set(Results(root / "benches/results").parts)
    if missing:
        return print(f"bench: {', '.join(DOCUMENTS)} stay as they are until there are results of {', '.join(sorted(missing))}")
    for name, text in made(root).items():
        (root / name).write_text(text)


def made(root: Path) -> dict[str, str]:
    """Every document as the results would have it."""
    results = Results(root / "benches/results")
    texts = {name: filled((root / name).read_text(), results) for name in DOCUMENTS}
    return texts | {PLOT: plot.svg(results)}


def filled(text: str, results: Results) -> str:
    def block(found: re.Match) -> str:
        name = found[1]
        return f"<!-- benches: {name} -->\n{BLOCKS[name](results)}\n<!-- end of {name} -->"

    return re.sub(r"<!-- benches: (\w+) -->\n.*?<!-- end of \1 -->", block, text, flags=re.DOTALL)


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine(results: Results) -> str:
    notes = results.machine("cpu")
    return (
        f"Measured from {min(results.machine(part)['when'] for part in PARTS)} on: {notes['cpu']}, {notes['cores']} cores, Linux "
        f"{notes['kernel']}, Envoy {notes['envoy']},\n{notes['rust']}. The load averages before and after each part, the commit and the "
        "raw rounds\nare in `benches/results/`."
    )


def cpu(results: Results) -> str:
    asked, sizes = results.asked("cpu"), sorted({line["hosts"] for line in results["cpu"]})
    rows = []
    for filter in IDLE:
        line = results.cell(filter, "local", 0)
        rows.append([TITLES[filter], "any", *[f"{line['added_us']:+.2f}"] * len(sizes), *costs(line)])
    for filter in DECIDING:
        for decision in DECISIONS:
            lines = [results.cell(filter, decision, hosts) for hosts in sizes]
            rows.append([TITLES[filter], decision, *[f"{line['added_us']:+.2f}" for line in lines], *costs(lines[sizes.index(10_000)])])
    head = ["filter", "decision", *[f"{hosts:,} hosts" for hosts in sizes], "whole cost", "least", "requests/s"]
    service = results.cell("ext_authz", "local", 10_000)["service_us"]["median"]
    return (
        f"{table(head, rows)}\n\n{asked['rounds']} rounds of {asked['seconds']} s; added µs for each size, then, with 10,000 hosts, the "
        f"median and the least of the whole cost in µs,\nand what one worker answers a second. The gRPC service takes {service:.1f} µs more of "
        "its own for each request."
    )


def costs(line: dict) -> list[str]:
    cost, rate = line["cpu_us"], line["per_s"]["median"]
    return [f"{cost['median']:.2f}", f"{cost['min']:.2f}", f"{rate:,.0f}"]


def upstream(results: Results) -> str:
    asked, rows = results.asked("upstream"), []
    for filter in TITLES:
        one, many = ([line for line in results["upstream"] if line["filter"] == filter and line["connections"] == c][0] for c in (1, 64))
        rows.append(
            [
                TITLES[filter],
                f"{one['per_s']['median']:,.0f}",
                *[f"{one[key]['median']:.0f}" for key in ("p50_us", "p99_us")],
                f"{many['per_s']['median']:,.0f}",
                of_none(many),
                *[f"{many[key]['median']:.0f}" for key in ("p50_us", "p99_us")],
            ]
        )
    head = ["filter", "1 connection: requests/s", "p50, µs", "p99, µs", "64 connections: requests/s", "of no filter", "p50, µs", "p99, µs"]
    pairs = f"; of no filter: of {asked['pairs']} pairs, with the bounds that hold the true median in 95 of 100 cases" if "pairs" in asked else ""
    return f"{table(head, rows)}\n\nMedians of {asked['rounds']} rounds of {asked['seconds']} s, 10,000 hosts{pairs}."


def of_none(line: dict) -> str:
    """With the bounds of its confidence, where it was paired."""
    pairs = line.get("paired")
    return f"{pairs['median']:.3f} ({pairs['low']:.3f} to {pairs['high']:.3f})" if pairs else f"{line['throughput']:.3f}"


def tables(results: Results) -> str:
    figures, rows = results["tables"], []
    small, large = (f"{size / 1000:,.1f} KB" for size in sorted(figures["bytes"].values()))
    for line in figures["cost"]:
        rows.append([TITLES[line["filter"]], *[f"{line[key]['median']:.2f}" for key in ("small_us", "large_us")], f"{line['ratio']:.3f}"])
    return table(["filter", f"table of {small}, µs a request", f"table of {large}", "ratio"], rows)


def pushes(results: Results) -> str:
    rows = [
        [
            TITLES[line["filter"]],
            line["to"] or "nowhere",
            *[f"{line[key]['median']:.0f}" for key in ("pushes", "p50_us", "p99_us", "p999_us", "worst_us")],
            f"{line['p99_ratio']:.2f}",
        ]
        for line in results["tables"]["pushes"]
    ]
    return table(["filter", "pushed to", "pushes in a round", "p50, µs", "p99, µs", "p99.9, µs", "worst, µs", "p99 to none"], rows)


def adoption(results: Results) -> str:
    rows = [
        [TITLES[line["filter"]], f"{line['hosts']:,}", *[f"{line[key][part]:.1f}" for key in ("answered_ms", "adopted_ms") for part in ("p50", "p99", "max")]]
        for line in results["adoption"]["pushes"]
    ]
    head = ["filter", "hosts", "answered: p50, ms", "p99", "worst", "every worker: p50, ms", "p99", "worst"]
    return f"{table(head, rows)}\n\n{results['adoption']['pushes'][0]['pushes']} pushes of each."


def idle(results: Results) -> str:
    lines = results["adoption"]["idle"]
    rows = [[TITLES[line["filter"]], f"{line['core_percent']['median']:.2f}", f"{line['added']:+.2f}"] for line in lines]
    return table(["filter", "of a core, %", "added, %"], rows)


def memory(results: Results) -> str:
    by_filter: dict[str, list[str]] = {}
    for line in results["memory"]["resident"]:
        row = by_filter.setdefault(line["filter"], [TITLES[line["filter"]]])
        row += [f"{line['rss_kib']['median'] / 1024:.1f}", f"{line['added_kib'] / 1024:+.1f}"]
    return table(["filter", "1 worker: MiB", "added", "2 workers: MiB", "added"], list(by_filter.values()))


def cycles(results: Results) -> str:
    rows = [
        [TITLES[line["filter"]], f"{line['cycles']:,}", f"{line['first_kib'] / 1024:.1f}", f"{line['last_kib'] / 1024:.1f}", f"{line['slope_kib']:+.2f}"]
        for line in results["memory"]["cycles"]
    ]
    return table(["filter", "cycles", "first, MiB", "last, MiB", "slope, KiB a cycle"], rows)


def cluster(results: Results) -> str:
    changed = {"endpoints": "an EndpointSlice", "routes": "an Ingress"}
    rows = [
        [
            TITLES[line["filter"]],
            changed[line["changed"]],
            f"{line['services']:,}",
            f"{line['changes']:,}",
            f"{line['median_ms']:.0f}",
            f"{line['p99_ms']:.0f}",
            f"{line['write_median_ms']:.0f}",
            f"{line['rss_kib'] * 1024 / 1e6:.1f}",
            f"{line['peak_kib'] * 1024 / 1e6:.1f}",
        ]
        for line in results["cluster"]
    ]
    head = ["filter", "changed", "services", "changes", "every worker: p50, ms", "p99", "of it the write, ms", "sidecar's RSS, MB", "peak"]
    return table(head, rows)


def core(results: Results) -> str:
    kinds: dict[str, dict[int, float]] = {}
    for line in results["core"]:
        title = line["kind"] if line["group"] == "layout" else f"decide: {line['kind']}"
        kinds.setdefault(title, {})[line["hosts"]] = line["median_ns"]
    sizes = sorted({size for kind in kinds.values() for size in kind})
    rows = [[title, *[duration(kind.get(size)) for size in sizes]] for title, kind in kinds.items()]
    return table(["", *[f"{size:,} hosts" for size in sizes]], rows)


def duration(nanoseconds: float | None) -> str:
    if nanoseconds is None:
        return ""
    for unit, size in (("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.1f} {unit}"
    return f"{nanoseconds:.0f} ns"


def met(results: Results) -> str:
    rows = [[goal.text, goal.limit, goal.found, "met" if goal.met else "**missed**"] for goal in goals.all_of(results)]
    return table(["goal", "limit", "measured", ""], rows)


def short(results: Results) -> str:
    """README's own."""
    names = ("empty", "nothing", "lua", "ext_authz", "wasm", "module")
    rows = [[TITLES[name], *[f"{results.added(name, decision):.1f}" if name in DECIDING or decision == "local" else "" for decision in DECISIONS]] for name in names]
    return table(["µs of CPU added to a request that is", "served here", "sent on", "refused"], rows)


BLOCKS = {
    block.__name__: block for block in (machine, met, cpu, upstream, tables, pushes, adoption, idle, memory, cycles, cluster, core, short)
}
