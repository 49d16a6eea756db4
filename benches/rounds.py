"""Interleaved rounds, and the figures that are made of them."""

import math
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import TypeVar

Cell = TypeVar("Cell")


def interleaved(
    cells: Sequence[Cell], rounds: int, measure: Callable[[Cell], dict], name: Callable[[Cell], dict]
) -> list[dict]:
    """Measures every cell once a round; the order turns by one in each, so that none always follows the same other."""
    entries = []
    for number in range(rounds):
        turn = number % len(cells)
        for cell in [*cells[turn:], *cells[:turn]]:
            figures = measure(cell)
            entries.append({"round": number, **name(cell), **figures})
            print(" ".join(f"{key}={value:.5g}" if isinstance(value, float) else f"{key}={value}" for key, value in entries[-1].items()), file=sys.stderr)
    return entries


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


def percentile(values: Sequence[float], part: float) -> float:
    """The least of the values that this part of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * part) - 1)]
