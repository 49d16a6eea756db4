"""Envoys and sidecars of the demonstration are killed one after the other: each time every node serves its table again by itself, and every answer is right."""

import os
import random
import signal
import time

import places
from frame import Failed, Outcome, Soak
from household import Failed as NotServed, Household
from trials import TRIALS

HOURS = 0.5
KILLS = 100


def run(soak: Soak) -> Outcome:
    seconds: dict[str, list[float]] = {"envoy": [], "sidecar": []}
    faults: list[str] = []
    seed = int(time.time())
    chance = random.Random(seed)
    try:
        with Household(places.find()) as nodes:
            while sum(map(len, seconds.values())) < KILLS and soak.left() > 0:
                node, program = chance.choice(list(nodes)), chance.choice(list(seconds))
                began = time.monotonic()
                os.killpg(node.programs[program].pid, signal.SIGKILL)
                node.programs[program].wait()
                nodes.start(node, program)
                nodes.settle()
                seconds[program].append(time.monotonic() - began)
                for trial in TRIALS:
                    answer = trial.run(nodes.places)
                    if not answer.fits(trial):
                        faults.append(f"{program} of {node.name} was killed, then {trial.line(nodes.places)}: {answer}")
    except NotServed as failed:
        raise Failed(str(failed)) from failed
    figures = {program: {"kills": len(took), "longest_s": round(max(took, default=0), 2)} for program, took in seconds.items()}
    told = ", ".join(f"{f['kills']} {program}s killed (at most {f['longest_s']} s until all served)" for program, f in figures.items())
    return Outcome(f"{told}; {len(faults)} wrong answers to {len(TRIALS)} requests after each.", {"seed": seed, **figures}, faults)
