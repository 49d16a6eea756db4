"""Everything that one figure needs, made ready: an Envoy with a filter in it, its table, and the hosts to ask for."""

import http.client
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import bootstrap
import filters
from endpoint import Endpoint, Table
from envoy import ALL_CORES, ENVOY_CORE, LOAD_CORE, Envoy, end, free_port
from sites import DECISIONS, NODE, ZONE, Hosts

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "target/benches"
ZONEWAY = ROOT / "target/debug/zoneway"


@dataclass
class Bed:
    """An Envoy with this filter and a table of so many hosts."""

    filter: str
    hosts: int
    envoy: Envoy
    asked: dict[str, Path]
    tables: list[Table]
    endpoint: Endpoint | None
    service: subprocess.Popen | None

    def push(self, number: int = 0) -> None:
        """Puts one of its two tables, which differ in a wildcard, and waits until every worker serves it."""
        assert self.endpoint
        self.endpoint.push(self.tables[number % 2])
        self.endpoint.settle()


class Beds:
    """Makes beds in a folder, and takes everything down that it started."""

    def __init__(self, folder: Path, envoy: str, wasm: Path) -> None:
        self.folder = folder
        self.binary = envoy
        self.wasm = wasm
        self.made: list[Bed] = []
        self.processes: list[subprocess.Popen] = []
        self.sizes: dict[int, Path] = {}

    def __enter__(self) -> "Beds":
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        while self.made:
            self.take_down(self.made[-1])
        while self.processes:
            end(self.processes.pop())

    def take_down(self, bed: Bed) -> None:
        self.made.remove(bed)
        if bed.endpoint:
            bed.endpoint.close()
        bed.envoy.stop()
        if bed.service:
            self.processes.remove(bed.service)
            end(bed.service)

    def upstream(self) -> int:
        """Starts the service behind Envoy, on the core of the load; gives its port."""
        return self.port_of(self.serve(BUILT / "release/upstream"))

    def sink(self) -> Endpoint:
        """Starts what takes tables as an Envoy does, and forgets them."""
        path = self.folder / f"sink-{len(self.processes)}.sock"
        self.serve(BUILT / "release/sink", path, cores=ALL_CORES)
        return Endpoint(path, 0)

    def serve(self, *command: Path, cores: str = LOAD_CORE) -> subprocess.Popen:
        words = ["taskset", "-c", cores, *map(str, command)]
        self.processes.append(subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return self.processes[-1]

    @staticmethod
    def port_of(service: subprocess.Popen) -> int:
        line = service.stdout.readline()
        if not line:
            raise SystemExit(f"bench: {service.args} ended with {service.wait()} before it had a port")
        return int(line.rpartition(":")[2])

    def size(self, hosts: int) -> Path:
        """The folder of a size: its table, and the hosts to ask for."""
        if hosts not in self.sizes:
            folder = self.folder / f"{hosts}"
            folder.mkdir()
            names = Hosts.of(hosts)
            names.write_asked(folder)
            (folder / "site.yaml").write_text(names.site(free_port()))
            table = output(ZONEWAY, "table", "--site", folder / "site.yaml", "--zone", ZONE, "--sequence", "1")
            (folder / "table.json").write_text(table)
            self.sizes[hosts] = folder
        return self.sizes[hosts]

    def start(self, name: str, hosts: int, *, workers: int = 1, cores: str = ENVOY_CORE, upstream: int | None = None) -> Bed:
        """Starts an Envoy with this filter, gives it its table, and makes sure that it decides as is meant."""
        port, size = free_port(), self.size(hosts)
        own = self.folder / f"{name}-{hosts}-{port}"
        own.mkdir()
        # Nothing of the hosts is in Envoy's own configuration.
        (own / "site.yaml").write_text(Hosts.of(10).site(port))
        build = ["--filter", "module"] if name == "module" else ["--wasm", self.wasm]
        words = ["--format", "json", "envoy", "--site", own / "site.yaml", "--node", NODE, "--run-dir", own, *build]
        config = json.loads(output(ZONEWAY, *words))
        service = None
        if name == "ext_authz":
            service = self.authorization(own, size / "table.json")
            config["static_resources"].setdefault("clusters", []).append(bootstrap.authorization(self.port_of(service)))

        def replace(rendered: dict) -> dict | None:
            return filters.stand_in(name, filters.Place(rendered, own, size / "table.json"))

        real = name in filters.REAL
        bootstrap.strip(config, port, replace, upstream=upstream, keeps_endpoint=real)
        (own / "envoy.json").write_text(json.dumps(config))
        modules = BUILT if name == "nothing" else ROOT / "target"
        envoy = Envoy(self.binary, own / "envoy.json", port, modules, workers=workers, cores=cores)
        tables = [Table(size / "table.json"), Table(size / "table.json", changed=True)] if real else []
        # The Wasm filter has a VM on the main thread too.
        adopters = workers + (1 if name == "wasm" else 0)
        endpoint = Endpoint(own / "table.sock", adopters) if real else None
        asked = {decision: size / f"asked-{decision}" for decision in DECISIONS}
        bed = Bed(name, hosts, envoy, asked, tables, endpoint, service)
        self.made.append(bed)
        envoy.listens()
        if real:
            bed.push()
        verify(bed)
        return bed

    def authorization(self, own: Path, table: Path) -> subprocess.Popen:
        settings = {"role": "ingress", "zone": ZONE, "node": NODE, "source_zone": ZONE}
        (own / "settings.json").write_text(json.dumps(settings))
        return self.serve(BUILT / "release/bench-ext-authz", own / "settings.json", table)


def verify(bed: Bed) -> None:
    """A figure of a decision that is not made is none."""
    decides = bed.filter in filters.DECIDING
    meant = {"local": 200, "forward": bootstrap.FORWARDED if decides else 200, "refuse": 404 if decides else 200}
    for decision, status in meant.items():
        host = bed.asked[decision].read_text().split("\n")[0]
        connection = http.client.HTTPConnection("127.0.0.1", bed.envoy.port, timeout=30)
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != status:
            raise SystemExit(f"bench: {bed.filter}, {bed.hosts} hosts, {decision}: {answer.status} for {host}, not {status}; see {bed.envoy.log}")


def output(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(map(str, command))}: {done.stderr}")
    return done.stdout
