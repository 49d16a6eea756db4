"""The `zoneway` binary, as these comparisons call it."""

import json
import shlex
import subprocess
from pathlib import Path


class Product:
    def __init__(self, binary, folder):
        self.binary, self.folder = str(binary), Path(folder)

    def run(self, arguments, given=""):
        """Standard output and exit code; a crash or a silent failure is an error."""
        done = subprocess.run(
            [self.binary, *arguments], input=given, capture_output=True, encoding="utf-8", timeout=120, check=False
        )
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{self.command(arguments)}: exit {done.returncode}: {done.stderr.strip()}")
        return done.stdout, done.returncode

    def command(self, arguments):
        return shlex.join([self.binary, *arguments])

    def write(self, name, value):
        """A file in the folder of this run, with a text or with a value as JSON."""
        path = self.folder / name
        path.write_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), encoding="utf-8")
        return str(path)

    def decide_arguments(self, where, node, policy):
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in policy.items()]
        return ["decide", *where, "--node", node, *flags, "--requests", "-"]

    def decide(self, where, policy, requests):
        """One answer a request. `where` is `["--table", FILE]` or `["--zone", ZONE]`."""
        lines = "".join(json.dumps(request, ensure_ascii=False) + "\n" for request in requests)
        out, _ = self.run(self.decide_arguments(where, "ghost", policy), lines)
        answers = [json.loads(line) for line in out.splitlines()]
        if len(answers) != len(requests):
            raise RuntimeError(f"{len(requests)} requests, {len(answers)} answers: {self.command(where)}")
        return answers
