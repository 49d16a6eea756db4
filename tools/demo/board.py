"""The live board: one line a node, refreshed in place."""

import shutil
import sys
import time

from household import Household, Node

ACTIONS = ["local", "peer", "zone", "refuse", "pass"]
COLUMNS = "{:<9} {:<8} {:<6} {:<8} {:>9} {:>6} {:>8}" + " {:>7}" * len(ACTIONS)


class Board:
    """What was drawn last, so that the next drawing covers it."""

    def __init__(self) -> None:
        self._drawn = 0

    def draw(self, household: Household) -> None:
        lines = [COLUMNS.format("node", "zone", "envoy", "sidecar", "table", "hosts", "workers", *ACTIONS)]
        lines += [row(node) for node in household]
        lines.append("")
        if household.refused:
            lines += ["The site file is refused, the last good one serves on:", *household.refused.splitlines()[:-1], ""]
        lines.append(f"{time.strftime('%H:%M:%S')}  site file: {household.site}  (Ctrl-C stops everything)")
        # A line that wraps, or more lines than the terminal has, would not be covered by the next drawing.
        columns, height = shutil.get_terminal_size()
        lines = [line[: columns - 1] for line in lines[: height - 1]]
        if self._drawn:
            sys.stdout.write(f"\x1b[{self._drawn}F\x1b[J")
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        self._drawn = len(lines)


def row(node: Node) -> str:
    status = node.status() or {}
    table = status.get("table") or {}
    workers = status.get("workers", [])
    serving = [worker for worker in workers if worker["revision"] == table.get("revision")]
    counts = node.requests()
    return COLUMNS.format(
        node.name,
        node.zone,
        up(node.alive("envoy")),
        up(node.alive("sidecar")),
        "{epoch}.{sequence}".format(**table["revision"]) if table else "none",
        table.get("hosts", "-"),
        f"{len(serving)}/{len(workers)}" if workers else "-",
        *(counts.get(action, 0) if counts is not None else "-" for action in ACTIONS),
    )


def up(alive: bool) -> str:
    return "up" if alive else "down"
