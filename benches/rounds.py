"""Interleaved rounds, pairs, and the figures that are made of them."""

import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

Cell = TypeVar("Cell")


def interleaved(
    cells: Sequence[Cell], rounds: int, measure: Callable[[Cell], dict], name: Callable[[Cell], dict], first: int = 0
) -> list[dict]:
    """Measures every cell once a round, in another order each time, so that none always follows the same other. Rounds count
    from `first`."""
    entries = []
    for number in range(first, first + rounds):
        for cell in random.Random(number).sample(list(cells), len(cells)):
            entries.append({"round": number, **name(cell), **attended(lambda cell=cell: measure(cell))})
            say(entries[-1])
    return entries


def paired(base: Cell, others: Sequence[Cell], pairs: int, measure: Callable[[Cell], dict], name: Callable[[Cell], dict]) -> list[dict]:
    """Measures base, other, other, base in a row, so many times for each other: what drifts while a pair is measured drifts for both."""
    entries = []
    for number in range(pairs):
        for other in random.Random(number).sample(list(others), len(others)):
            for place, cell in enumerate((base, other, other, base)):
                figures = attended(lambda cell=cell: measure(cell))
                entries.append({"round": number, "pair": name(other), "is_base": place in (0, 3), **figures})
                say(entries[-1])
    return entries


def attended(measure: Callable[[], dict]) -> dict:
    """Notes how much of both cores somebody else's machine took meanwhile."""
    began, stolen = time.monotonic(), steal_seconds()
    figures = measure()
    return figures | {"stolen": (steal_seconds() - stolen) / (time.monotonic() - began)}


def steal_seconds() -> float:
    with open("/proc/stat") as stat:
        return int(stat.readline().split()[8]) / 100


def say(entry: dict) -> None:
    print(" ".join(f"{key}={value:.5g}" if isinstance(value, float) else f"{key}={value}" for key, value in entry.items()), file=sys.stderr)


def by(entries: list[dict], *keys: str) -> dict[tuple, list[dict]]:
    """The entries of each combination of these keys, in the order of rounds."""
    groups: dict[tuple, list[dict]] = {}
    for entry in sorted(entries, key=lambda entry: entry["round"]):
        groups.setdefault(tuple(entry.get(key) for key in keys), []).append(entry)
    return groups


def spread(values: Sequence[float]) -> dict:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def added(entries: list[dict], base: list[dict], key: str) -> float:
    """The median over the rounds of the difference within a round, so that a slow minute of the machine counts for both."""
    of_base = {entry["round"]: entry[key] for entry in base}
    return statistics.median(entry[key] - of_base[entry["round"]] for entry in entries)


def ratio(entries: list[dict], base: list[dict], key: str) -> float:
    """The median over the rounds of the ratio within a round."""
    of_base = {entry["round"]: entry[key] for entry in base}
    return statistics.median(entry[key] / of_base[entry["round"]] for entry in entries)


def of_pairs(entries: list[dict], key: str) -> dict[str, dict]:
    """For each other its median ratio to the base over the pairs, and where the true median is with a confidence of 95% (the
    order statistics of a binomial distribution)."""
    found: dict[str, dict[int, list[float]]] = {}
    for entry in entries:
        quad = found.setdefault(entry["pair"], {}).setdefault(entry["round"], [0.0, 0.0])
        quad[entry["is_base"]] += entry[key]
    return {other: centre([own / base for own, base in quads.values()]) for other, quads in found.items()}


def centre(values: Sequence[float]) -> dict:
    """The median, and the bounds of its interval of confidence."""
    ordered, half = sorted(values), 0.98 * math.sqrt(len(values))
    low, high = math.floor(len(ordered) / 2 - half), math.ceil(len(ordered) / 2 + half)
    return {"median": statistics.median(ordered), "low": ordered[max(0, low)], "high": ordered[min(len(ordered) - 1, high)], "pairs": len(ordered)}


def percentile(values: Sequence[float], part: float) -> float:
    """The least of the values that this part of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * part) - 1)]
