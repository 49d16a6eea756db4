"""The nodes of the demonstration, running: for each a real Envoy and a sidecar (`zoneway run`), with mutual TLS between
them. The household's sidecars read the site; the public node's knows its own table and no more, and is handed a new one
whenever the site changes, as a person would copy it there."""

import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import service
import unix
from places import NODES, Places
from program import end

ROOT = Path(__file__).resolve().parents[2]
ZONEWAY = ROOT / "target/debug/zoneway"
WASM = ROOT / "target/zoneway.wasm"
# Which build of the filter the nodes run: `make demo FILTER=module`. Envoy finds a module by its folder.
FILTER = os.environ.get("ZONEWAY_FILTER", "wasm")
# How many say that they adopted a table, of two workers: the Wasm filter's main thread has it too. One that never did says nothing.
ADOPTERS = {"wasm": 3, "module": 2}[FILTER]
MODULES = {"ENVOY_DYNAMIC_MODULES_SEARCH_PATH": str(ROOT / "target")}
ENVOY = Path(os.environ.get("ZONEWAY_ENVOY", ROOT / ".zoneway/bin/envoy"))
# Where the site file is put for people to edit; whatever is in the way of an earlier demonstration goes.
FOLDER = ROOT / ".zoneway/demo"
PATIENCE = 60.0


class Failed(Exception):
    """Something that the demonstration needs did not work; the message says what, and what it said."""


class Node:
    """One node: its Envoy and its sidecar."""

    def __init__(self, name: str, zone: str, public: bool, folder: Path) -> None:
        self.name, self.zone, self.public, self.folder = name, zone, public, folder
        self.programs: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir()

    @property
    def run_dir(self) -> Path:
        return self.folder / "run"

    @property
    def table_file(self) -> Path:
        return self.folder / "table.json"

    def start(self, program: str, command: list[str | Path]) -> None:
        with (FOLDER / f"{self.name}-{program}.log").open("wb") as log:
            self.programs[program] = subprocess.Popen(
                command,
                # Certificates stand in the site, and so in Envoy's configuration, by their path from here.
                cwd=FOLDER,
                env=os.environ | MODULES,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    def alive(self, program: str) -> bool:
        return program in self.programs and self.programs[program].poll() is None

    def check(self) -> None:
        """Raises if a program has ended by itself, with the end of its log."""
        for program, process in self.programs.items():
            if process.poll() is not None:
                log = FOLDER / f"{self.name}-{program}.log"
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
                raise Failed(f"{program} of {self.name} ended with {process.returncode}; the end of {log}:\n{tail}")

    def stop(self) -> None:
        """Ends the sidecar, then Envoy; kills what has not ended in five seconds."""
        for program in reversed(list(self.programs)):
            end(self.programs[program], 5)

    def status(self) -> dict | None:
        """What its table endpoint says of itself; nothing where it does not answer."""
        return unix.get_json(self.run_dir / "table.sock", "/v1/status")

    def table(self) -> dict | None:
        """The table that it serves."""
        return unix.get_json(self.run_dir / "table.sock", "/v1/table")

    def unhealthy(self) -> list[str]:
        """Members of the clusters between nodes that it would not dial now."""
        clusters = unix.get_json(self.run_dir / "admin.sock", "/clusters?format=json") or {}
        return [
            f"{cluster['name']} {status}"
            for cluster in clusters.get("cluster_statuses", [])
            if cluster["name"].startswith("zoneway/")
            for status in (host.get("health_status", {}) for host in cluster.get("host_statuses", []))
            if status.get("failed_active_health_check") or status.get("failed_outlier_check")
        ]

    def requests(self) -> dict[str, int] | None:
        """Requests that its Envoy has decided, by action."""
        text = unix.get(self.run_dir / "admin.sock", "/stats/prometheus?filter=zoneway")
        if text is None:
            return None
        counts: dict[str, int] = {}
        for line in text.splitlines():
            if line.startswith("envoy_zoneway_requests_total{"):
                action = line.partition('action="')[2].partition('"')[0]
                counts[action] = counts.get(action, 0) + int(float(line.rsplit(" ", 1)[1]))
        return counts


class Household:
    """The running demonstration. Use it as a context: leaving it stops every program, and removes their folder."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.site = FOLDER / "site.yaml"
        self.refused = ""
        self._seen = 0
        self._nodes: dict[str, Node] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "Household":
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def _start(self) -> None:
        self._alone()
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        # Unix sockets have short names only: a clone may lie deep, /tmp does not.
        folder = Path(tempfile.mkdtemp(prefix="zoneway-demo-"))
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)

        self.site.write_text(self.places.fill((Path(__file__).parent / "site.yaml").read_text()))
        run(ZONEWAY, "pki", "init", "--dir", FOLDER / "pki", "--domain", "stuartpb.com")
        run(ZONEWAY, "pki", "issue", "--dir", FOLDER / "pki", "--site", self.site)
        for name, (zone, _, services) in NODES.items():
            for what in services:
                server = service.start(what, name, self.places.pair(f"{name}.{what}"))
                self._stack.callback(server.server_close)
                self._stack.callback(server.shutdown)
            self._nodes[name] = Node(name, zone, zone == "exposed", folder / name)
        for node in self:
            self._stack.callback(node.stop)
            self._render(node)
        self.follow()
        for node in self:
            self.start(node, "envoy")
            self.start(node, "sidecar")
        self.settle()

    def _alone(self) -> None:
        """Keeps others of this checkout away for as long as this one runs: they would take its folder from under it."""
        FOLDER.parent.mkdir(parents=True, exist_ok=True)
        lock = self._stack.enter_context(FOLDER.with_suffix(".lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failed(f"another demonstration runs from this checkout, with its files in {FOLDER}: stop it first") from None

    def start(self, node: Node, program: str) -> None:
        """Starts a node's Envoy or its sidecar; again, where it has ended."""
        envoy = [ENVOY, "-c", node.folder / "envoy.yaml", "--concurrency", "2", "--disable-hot-restart", "--log-level", "warning"]
        sidecar = [ZONEWAY, "run", "--config", node.folder / "run.yaml"]
        node.start(program, {"envoy": envoy, "sidecar": sidecar}[program])

    def _render(self, node: Node) -> None:
        """Writes what the node's two programs are started with."""
        asked = ["--site", self.site, "--node", node.name, "--filter", FILTER, "--run-dir", node.run_dir]
        if FILTER == "wasm":
            asked += ["--wasm", WASM]
        (node.folder / "envoy.yaml").write_text(run(ZONEWAY, "envoy", *asked))
        source = {"table": str(node.table_file)} if node.public else {"site": str(self.site)}
        config = {
            "version": 1,
            "source": source,
            "state": str(node.folder / "state"),
            "envoys": [{"node": node.name, "run_dir": str(node.run_dir)}],
            "listen": self.places[f"{node.name}.sidecar"],
        }
        (node.folder / "state").mkdir()
        (node.folder / "run.yaml").write_text(json.dumps(config))

    def follow(self) -> bool:
        """Hands the public node its table anew where the site file has changed, and notes what is wrong with the file
        if that is refused. True where it had changed."""
        changed = self.site.stat().st_mtime_ns if self.site.exists() else 0
        if changed == self._seen:
            return False
        self._seen = changed
        self.refused = ""
        for node in self:
            if node.public:
                try:
                    text = self._view(node.zone)
                except Failed as failed:
                    self.refused = str(failed)
                    return True
                beside = node.table_file.with_suffix(".next")
                beside.write_text(text)
                beside.rename(node.table_file)
        return True

    def _view(self, zone: str) -> str:
        return run(ZONEWAY, "table", "--site", self.site, "--zone", zone)

    def settle(self) -> None:
        """Waits until every worker of every node serves the table that the site file says, and finds its neighbours
        well. Raises where that takes longer than a minute."""
        deadline = time.monotonic() + PATIENCE
        for node in self:
            expected = without_revision(json.loads(self._view(node.zone)))
            while why := self._unsettled(node, expected):
                node.check()
                if time.monotonic() > deadline:
                    raise Failed(f"{node.name} was not ready in {PATIENCE:.0f} s: {why}; its logs are in {FOLDER}")
                time.sleep(0.05)

    def _unsettled(self, node: Node, expected: dict) -> str:
        table, status = node.table(), node.status()
        if table is None or status is None or status.get("table") is None:
            return "it has no table yet"
        if without_revision(table) != expected:
            return "it serves an older table"
        adopted = [worker for worker in status["workers"] if worker["revision"] == table["revision"]]
        if len(adopted) < max(ADOPTERS, len(status["workers"])):
            return "a worker has not adopted the newest table"
        if unhealthy := node.unhealthy():
            return f"not healthy: {', '.join(unhealthy)}"
        return ""


def without_revision(table: dict) -> dict:
    return {key: value for key, value in table.items() if key != "revision"}


def run(*command: str | Path) -> str:
    """Runs a program to its end, and gives what it printed. Raises with what it complained of where it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"{done.stderr.strip()}\n(by: {' '.join(map(str, command))})")
    return done.stdout


def end_with_parent() -> None:
    """In a child: has the kernel end it when the demonstration is killed (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
