"""Every end-to-end test, with the native module in the place of the Wasm filter."""

import re
import time

from frame import Outcome, Soak

HOURS = 0.5
RESULT = re.compile(r"^test result: .* (\d+) passed; (\d+) failed", re.MULTILINE)
FAILED = re.compile(r"^test (\S+) \.\.\. FAILED$", re.MULTILINE)


def run(soak: Soak) -> Outcome:
    soak.command(["make", "build", "module"])
    soak.command(["cargo", "test", "--locked", "--quiet", "-p", "zoneway-tests", "--no-run"])
    began = time.monotonic()
    words = ["cargo", "test", "--locked", "-p", "zoneway-tests", "--test", "e2e"]
    said = soak.command(words, {"ZONEWAY_FILTER": "module"}, check=False, log="tests")
    seconds = round(time.monotonic() - began, 1)
    passed, failed = (sum(int(found[at]) for found in RESULT.findall(said)) for at in (0, 1))
    faults = [f"{test} failed; see {soak.folder}/tests.log" for test in FAILED.findall(said)]
    if not passed and not failed:
        faults.append(f"no test ran; see {soak.folder}/tests.log")
    return Outcome(
        f"{passed} end-to-end tests passed with the native module, {failed} failed, in {seconds:.0f} s.",
        {"passed": passed, "failed": failed, "seconds": seconds},
        faults,
    )
