"""What stands in the place of the filter: the seven that are compared, and the least that a Wasm filter can be."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from empty_wasm import module

HTTP_FILTERS = "type.googleapis.com/envoy.extensions.filters.http"
ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "target/benches"

# In the order of the reports. The first two words of a title tell it from the others.
TITLES = {
    "none": "none",
    "least": "an empty Wasm filter by hand: two entries a request",
    "empty": "an empty Wasm filter of the SDK, exports pruned",
    "nothing": "a do-nothing dynamic module",
    "lua": "Lua, the same decision",
    "ext_authz": "ext_authz and a gRPC service in Rust, the same decision",
    "wasm": "`zoneway.wasm`",
    "module": "`libzoneway.so`",
}
# Those that decide; the others cost the same whatever the table and the request are.
DECIDING = ("lua", "ext_authz", "wasm", "module")
IDLE = tuple(name for name in TITLES if name not in DECIDING)
# Those that are pushed a table, and keep its endpoint.
REAL = ("wasm", "module")


@dataclass(frozen=True)
class Place:
    """Where a filter finds what it needs: the filter as it is rendered, a folder to write into, and the table."""

    own: dict
    folder: Path
    table: Path


def stand_in(name: str, place: Place) -> dict | None:
    """The filter in the configuration; nothing for none."""
    return REPLACEMENTS.get(name, lambda place: place.own)(place)


def least(place: Place) -> dict:
    file = place.folder / "least.wasm"
    file.write_bytes(module())
    return wasm(file)


def wasm(file: Path) -> dict:
    machine = {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": str(file)}}}
    return {"name": "empty", "typed_config": {"@type": f"{HTTP_FILTERS}.wasm.v3.Wasm", "config": {"vm_config": machine}}}


def nothing(_: Place) -> dict:
    config = {"@type": f"{HTTP_FILTERS}.dynamic_modules.v3.DynamicModuleFilter", "filter_name": "nothing"}
    return {"name": "nothing", "typed_config": config | {"dynamic_module_config": {"name": "empty-module"}}}


def lua(place: Place) -> dict:
    """The decision in Lua, which finds the same table as a Lua value in the global ZONEWAY_TABLE."""
    literal = place.folder / "table.lua"
    literal.write_text(lua_table(json.loads(place.table.read_text())))
    decide = (ROOT / "benches/lua/decide.lua").read_text()
    source = place.folder / "decide.lua"
    source.write_text(f"ZONEWAY_TABLE = dofile({json.dumps(str(literal))})\n{decide}")
    config = {"@type": f"{HTTP_FILTERS}.lua.v3.Lua", "default_source_code": {"filename": str(source)}}
    return {"name": "lua", "typed_config": config}


# A function of LuaJIT has no more than 65,536 constants.
HOSTS_IN_A_FUNCTION = 2_000


def lua_table(table: dict) -> str:
    hosts = table.pop("hosts")
    lines = [f"local t = {lua_value(table)}", "local hosts = {}", "t.hosts = hosts"]
    for start in range(0, len(hosts), HOSTS_IN_A_FUNCTION):
        some = lua_value(hosts[start : start + HOSTS_IN_A_FUNCTION])
        lines.append(f"for _, host in ipairs((function() return {some} end)()) do hosts[#hosts + 1] = host end")
    return "\n".join([*lines, "return t", ""])


def lua_value(value: object) -> str:
    """JSON as a Lua value: arrays count from 1, numbers and strings are written alike in both (names are ASCII)."""
    if isinstance(value, dict):
        return "{" + ",".join(f"[{json.dumps(key)}]={lua_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(map(lua_value, value)) + "}"
    return json.dumps(value)


def ext_authz(_: Place) -> dict:
    service = {"envoy_grpc": {"cluster_name": AUTHORIZATION}, "timeout": "1s"}
    config = {"@type": f"{HTTP_FILTERS}.ext_authz.v3.ExtAuthz", "transport_api_version": "V3", "grpc_service": service}
    return {"name": "ext_authz", "typed_config": config | {"clear_route_cache": True}}


AUTHORIZATION = "bench_authorization"
REPLACEMENTS: dict[str, Callable[[Place], dict | None]] = {
    "none": lambda _: None,
    "least": least,
    "empty": lambda _: wasm(BUILT / "empty-filter.wasm"),
    "nothing": nothing,
    "lua": lua,
    "ext_authz": ext_authz,
}
