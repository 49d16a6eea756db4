"""The corpus decided by an Envoy of choice: the program `corpus` of tests/, for the parts that need it."""

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from frame import ROOT, Soak


@dataclass
class Seen:
    """`cases` is none where Envoy could not be asked; `log` is what its programs said."""

    cases: int | None
    faults: list[str]
    log: list[str] = field(repr=False)
    seconds: float = 0.0


class Runner:
    def __init__(self, soak: Soak) -> None:
        soak.command(["cargo", "build", "--locked", "--quiet", "-p", "zoneway-tests", "--bin", "corpus"])
        self._program = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/corpus"
        self._log = soak.folder / "corpus.log"

    def all_cases(self, decider: str, more: Sequence[str | Path], env: Mapping[str, str] | None = None) -> Seen:
        words = [str(word) for word in (self._program, decider, *more)]
        began = time.monotonic()
        done = subprocess.run(words, cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False)
        seconds = round(time.monotonic() - began, 1)
        with self._log.open("a") as file:
            file.write(f"$ {' '.join(words)}\n{done.stderr}{done.stdout}(exit {done.returncode})\n")
        log = done.stderr.splitlines()
        if done.returncode:
            return Seen(None, [next((line for line in reversed(log) if line), "it said nothing")], log, seconds)
        told = json.loads(done.stdout)
        return Seen(told["cases"], told["differences"], log, seconds)
