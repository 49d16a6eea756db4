"""What was to be reached, and whether the results reach it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    text: str
    limit: str
    found: str
    met: bool


def of_medians(text: str, shares: tuple[float, float], limit: float) -> Goal:
    """Judged by the medians; the least stands beside them."""
    goal = most(text, shares[0], limit)
    return Goal(goal.text, goal.limit, f"{goal.found}; of the least rounds {shares[1]:.2f}", goal.met)


def of_tails(text: str, tails: dict[tuple[str, str | None], float], filter: str, limit: float) -> Goal:
    """Judged by the pushes that Envoy gets; what the same bytes do that are sent past it stands beside them, where that was measured."""
    goal, past = most(text, tails[filter, "itself"], limit), tails.get((filter, "a sink"))
    return Goal(goal.text, goal.limit, goal.found + (f"; sent past it {past:.2f}" if past else ""), goal.met)


def most(text: str, value: float, limit: float, unit: str = "", digits: int = 2) -> Goal:
    return Goal(text, f"≤ {limit:g}{unit}", f"{value:.{digits}f}{unit}", value <= limit)


def least(text: str, line: dict, limit: float, control: dict, name: str) -> Goal:
    """Judged by the median of the pairs; its interval of confidence stands beside it, and what a filter of that kind has that does
    nothing."""
    value, beside = line["throughput"], ""
    if pairs := line.get("paired"):
        value, beside = pairs["median"], f" ({pairs['low']:.3f} to {pairs['high']:.3f})"
    floor = control["paired"]["median"] if "paired" in control else control["throughput"]
    return Goal(text, f"≥ {limit:g}", f"{value:.3f}{beside}; {name} {floor:.3f}", value >= limit)


def all_of(results) -> list[Goal]:
    """In the order of the page."""
    added = results.added

    def share(of: str, to: str) -> tuple[float, float]:
        """Of the medians, and of the least of all rounds."""
        least = {name: results.cell(name, "local", 10_000)["least_added_us"] for name in (of, to)}
        return added(of) / added(to), least[of] / least[to]

    behind = {line["filter"]: line for line in results["upstream"] if line["connections"] == 64}
    cost = {line["filter"]: line["ratio"] for line in results["tables"]["cost"]}
    tail = {(line["filter"], line["to"]): line["p99_ratio"] for line in results["tables"]["pushes"]}
    adopted = {line["filter"]: line["adopted_ms"]["p99"] for line in results["adoption"]["pushes"] if line["hosts"] == 10_000}
    resident = {line["filter"]: line["added_kib"] / 1024 for line in results["memory"]["resident"] if line["workers"] == 2}
    clusters = {(line["filter"], line["changed"], line["services"]): line for line in results["cluster"]}

    def heard(filter: str) -> float:
        return clusters[filter, "endpoints", 1_000]["p99_ms"]

    def sidecar(services: int) -> float:
        return max(line["peak_kib"] for (_, _, of), line in clusters.items() if of == services) * 1024 / 1e6

    slope = {line["filter"]: line["slope_kib"] for line in results["memory"]["cycles"]}
    return [
        of_medians("added CPU of a local decision, module to Lua", share("module", "lua"), 0.35),
        of_medians("the same, Wasm to Lua", share("wasm", "lua"), 1.0),
        of_medians("the same, Wasm to an empty filter of the same SDK, exports pruned", share("wasm", "empty"), 2.2),
        of_medians("the same, Wasm to an empty filter by hand, two entries", share("wasm", "least"), 2.2),
        least("throughput over a real upstream, module to no filter", behind["module"], 0.97, behind["nothing"], "a do-nothing module"),
        least("the same, Wasm", behind["wasm"], 0.90, behind["empty"], "the SDK's empty filter"),
        most("cost of a request with a table of 1 MB to one of 1 KB, module", cost["module"], 1.02, digits=3),
        most("the same, Wasm", cost["wasm"], 1.02, digits=3),
        of_tails("p99 with ten pushes a second of 1 MB to none, module", tail, "module", 1.10),
        of_tails("the same, Wasm", tail, "wasm", 1.10),
        most("push of 10,000 hosts until every worker serves it, p99, module", adopted["module"], 10, " ms", 1),
        most("the same, Wasm", adopted["wasm"], 100, " ms", 1),
        most("resident memory with two workers and 10,000 hosts, module", resident["module"], 5, " MiB", 1),
        most("the same, Wasm", resident["wasm"], 60, " MiB", 1),
        most("growth over grow/shrink cycles, module", slope["module"], 0.5, " KiB a cycle"),
        most("the same, Wasm", slope["wasm"], 0.5, " KiB a cycle"),
        most("a changed EndpointSlice among 10,000 hosts until every worker decides by it, p99, module", heard("module"), 100, " ms", 0),
        most("the same, Wasm", heard("wasm"), 200, " ms", 0),
        most("resident memory of a cluster's sidecar at 1,000 services and 10,000 hosts, at most", sidecar(1_000), 25, " MB", 1),
        most("the same at 10,000 services", sidecar(10_000), 80, " MB", 1),
    ]
