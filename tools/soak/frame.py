"""What a part of the soak has to work with, and what it gives back."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "target/soak"


class Failed(Exception):
    """Something that a part needs did not work; the message says what, and what it said."""


@dataclass
class Outcome:
    """What a part found. `summary` is a sentence or two with the figures that matter, `figures` all of them, and
    `faults` each thing that was wrong: where there is one, the part has failed."""

    summary: str
    figures: dict = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class Soak:
    """One run of one part."""

    def __init__(self, name: str, hours: float) -> None:
        self.name = name
        self.root = ROOT
        # Which build of the filter, where a part runs one alone: `make soak FILTER=module`.
        self.filter = os.environ.get("ZONEWAY_FILTER", "wasm")
        self.envoy = Path(os.environ.get("ZONEWAY_ENVOY", ROOT / ".zoneway/bin/envoy"))
        # Everything that a part writes; what an earlier run left is gone.
        self.folder = FOLDER / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._until = time.monotonic() + hours * 3600

    def left(self) -> float:
        """Seconds that are left. A part that has none left ends early, and says how far it came."""
        return self._until - time.monotonic()

    def say(self, text: str) -> None:
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    def command(
        self,
        words: Sequence[str | Path],
        env: Mapping[str, str] | None = None,
        check: bool = True,
        log: str = "commands",
        folder: Path = ROOT,
    ) -> str:
        """Runs a program to its end in a folder, and gives what it printed, which is appended to a log in the folder too. Raises with
        the end of that where it fails, unless `check` is off."""
        done = subprocess.run(
            [str(word) for word in words],
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        with (self.folder / f"{log}.log").open("a") as file:
            file.write(f"$ {' '.join(map(str, words))}\n{done.stdout}(exit {done.returncode})\n")
        if check and done.returncode:
            tail = "\n".join(done.stdout.splitlines()[-20:])
            raise Failed(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{tail}")
        return done.stdout


def versions() -> dict[str, str]:
    """The versions that tools/versions pins, by name."""
    return dict(re.findall(r"^(\w+)=(\S+)$", (ROOT / "tools/versions").read_text(), re.MULTILINE))
