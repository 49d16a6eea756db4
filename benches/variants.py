"""The Envoys that are compared: one rendered configuration, and what stands in the place of the filter."""

import copy
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from empty_wasm import module
from measure import Envoy

HTTP_FILTERS = "type.googleapis.com/envoy.extensions.filters.http"
ZONE, NODE = "403", "studtop"
# Of the hosts in the table, those that are asked for, spread over all of them.
ASKED = 1024
PATIENCE = 30.0

# In the order of the report.
TITLES = {
    "none": "none",
    "empty": "a Wasm module that does nothing",
    "lua": "Lua, the same decision",
    "wasm": "`zoneway.wasm`",
    "module": "`libzoneway.so`",
}


@dataclass(frozen=True)
class Variant:
    """One Envoy to compare: `start` gives it ready to be measured."""

    start: Callable[[], Envoy]


@dataclass(frozen=True)
class Prepared:
    """Every variant, and the file of the hosts to ask for."""

    variants: dict[str, Variant]
    hosts: Path


def prepare(root: Path, folder: Path, hosts: int, also: list[Path]) -> Prepared:
    """Writes what every variant is started with into a folder. `also` are further zoneway.wasm, to compare with."""
    envoy = os.environ.get("ZONEWAY_ENVOY", str(root / ".zoneway/bin/envoy"))
    zoneway = str(root / "target/debug/zoneway")
    names = [f"service-{number}.{ZONE}.stuartpb.com" for number in range(hosts)]
    wildcards = [f"*.wide-{number}.stuartpb.com" for number in range(hosts // 10)]
    asked = folder / "hosts"
    asked.write_text("".join(f"{name}\n" for name in names[:: max(1, hosts // ASKED)]))

    def variant(name: str, replace: Callable[[dict], dict | None], wasm: Path | None = None) -> Variant:
        port = free_port()
        # One that decides: it is pushed the table, and keeps its table endpoint.
        real = name == "module" or name.startswith("wasm")
        own = folder / name
        own.mkdir()
        site = own / "site.yaml"
        site.write_text(site_text(port, names + wildcards))
        asked = ["--format", "json", "envoy", "--site", site, "--node", NODE, "--run-dir", own]
        build = ["--filter", "module"] if name == "module" else ["--wasm", wasm or root / "target/zoneway.wasm"]
        bootstrap = json.loads(output(zoneway, *asked, *build))
        strip(bootstrap, port, replace, keeps_filter=real)
        config = own / "envoy.json"
        config.write_text(json.dumps(bootstrap))
        table = own / "table.json"
        table.write_text(output(zoneway, "table", "--site", site, "--zone", ZONE, "--sequence", "1"))

        def start() -> Envoy:
            running = Envoy(envoy, config, port, modules=root / "target")
            wait(running, port)
            if real:
                output(zoneway, "push", "--table", table, "--to", f"unix:{own / 'table.sock'}")
            return running

        return Variant(start)

    empty = folder / "empty.wasm"
    empty.write_bytes(module())
    variants = {
        "none": variant("none", lambda _: None),
        "empty": variant("empty", lambda _: wasm_filter(empty)),
        "wasm": variant("wasm", lambda own: own),
        "module": variant("module", lambda own: own),
    }
    for number, wasm in enumerate(also, 1):
        variants[f"wasm{number}"] = variant(f"wasm{number}", lambda own: own, wasm)
        TITLES[f"wasm{number}"] = f"`{wasm.name}`"
    lua = root / "benches/lua/decide.lua"
    if lua.exists():
        variants["lua"] = variant("lua", lambda _: lua_filter(lua, folder / "wasm/table.json"))
    return Prepared(variants, asked)


def site_text(port: int, hosts: list[str]) -> str:
    lines = [
        "version: 1",
        f'settings: {{home: {ZONE}, peer_authentication: {{none: {{zones: [{ZONE}]}}}}, ingress: ["127.0.0.1:{port}"]}}',
        f'zones: {{{ZONE}: {{nodes: {{{NODE}: "127.0.0.1:{free_port()}"}}}}}}',
        f'services: {{one: {{at: {{{NODE}: "127.0.0.1:{free_port()}"}}}}}}',
        "hosts:",
        *(f'  "{host}": one' for host in hosts),
    ]
    return "\n".join(lines) + "\n"


def strip(bootstrap: dict, port: int, replace: Callable[[dict], dict | None], *, keeps_filter: bool) -> None:
    """Leaves of a bootstrap the client's listener, with a direct_response route, no access log and the filter replaced;
    where the real filter stays, its table endpoint and its singleton too."""
    static = bootstrap["static_resources"]
    kept = []
    for listener in static["listeners"]:
        address = listener["address"]
        if address.get("socket_address", {}).get("port_value") == port:
            for chain in [*listener["filter_chains"], *filter(None, [listener.get("default_filter_chain")])]:
                manager(chain["filters"][0]["typed_config"], replace)
            kept.append(listener)
        elif "pipe" in address and keeps_filter:
            kept.append(listener)
    static["listeners"] = kept
    if not keeps_filter:
        bootstrap.pop("bootstrap_extensions", None)


def manager(config: dict, replace: Callable[[dict], dict | None]) -> None:
    config.pop("rds", None)
    config.pop("access_log", None)
    config["route_config"] = {
        "virtual_hosts": [
            {
                "name": "all",
                "domains": ["*"],
                "routes": [
                    {
                        "match": {"prefix": "/", "headers": [{"name": "x-zoneway-cluster", "present_match": True}]},
                        "route": {"cluster_header": "x-zoneway-cluster", "timeout": "0s"},
                    },
                    {"match": {"prefix": "/"}, "direct_response": {"status": 200}},
                ],
            }
        ]
    }
    own, *others = copy.deepcopy(config["http_filters"])
    replacement = replace(own)
    config["http_filters"] = ([replacement] if replacement else []) + others


def wasm_filter(path: Path) -> dict:
    machine = {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": str(path)}}}
    return {"name": "empty", "typed_config": {"@type": f"{HTTP_FILTERS}.wasm.v3.Wasm", "config": {"vm_config": machine}}}


def lua_filter(decide: Path, table: Path) -> dict:
    """The decision in Lua, which finds the same table as a Lua value in the global ZONEWAY_TABLE."""
    literal = table.with_suffix(".lua")
    literal.write_text(f"return {lua_value(json.loads(table.read_text()))}\n")
    source = f"ZONEWAY_TABLE = dofile({json.dumps(str(literal))})\n{decide.read_text()}"
    config = {"@type": f"{HTTP_FILTERS}.lua.v3.Lua", "default_source_code": {"inline_string": source}}
    return {"name": "lua", "typed_config": config}


def lua_value(value: object) -> str:
    """JSON as a Lua value: arrays count from 1, numbers and strings are written alike in both (names are ASCII)."""
    if isinstance(value, dict):
        return "{" + ",".join(f"[{json.dumps(key)}]={lua_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(map(lua_value, value)) + "}"
    return json.dumps(value)


def wait(envoy: Envoy, port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        envoy.check()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit(f"bench: Envoy does not listen after {PATIENCE:.0f} s; see {envoy.log}") from None
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def output(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(map(str, command))}: {done.stderr}")
    return done.stdout
