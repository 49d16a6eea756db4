#!/usr/bin/env python3
"""Compares the Lua that the benchmark runs, `benches/lua/decide.lua`, with the model on random cases.

    tests/model/compare_lua.py --lua luajit --cases 20000

`luajit` or `lua5.1` are packages of most systems; Envoy has LuaJIT. The decision is asked for as Envoy would: one role,
one node and no seed a table, and hosts without port and trailing dot.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import decision
import grammar
import random_tables

DECIDE = Path(__file__).resolve().parent.parent.parent / "benches/lua/decide.lua"
CASES_A_BATCH = 400

DRIVER = """
dofile(DECIDE)
for _, r in ipairs(REQUESTS) do
  local action, reason, zone, endpoints, tunnels = zoneway_decide(r.host, r.path, r.source_zone, r.trail, r.loops)
  print(action .. "|" .. reason .. "|" .. (zone or "") .. "|" .. table.concat(endpoints or {}, ",") .. "|"
    .. table.concat(tunnels or {}, ","))
end
"""


def lua(value):
    """A value as a Lua literal."""
    if isinstance(value, dict):
        return "{" + ",".join(f"[{lua(key)}]={lua(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ",".join(map(lua, value)) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + "".join(f"\\{byte:03}" for byte in value.encode()) + '"'
    return str(value)


def expected(model, node, request):
    answer = model.decide(node, request)
    return "|".join(
        [
            answer["action"],
            answer["reason"],
            answer.get("zone", ""),
            ",".join(answer.get("endpoints", [])),
            ",".join(answer.get("tunnels", [])),
        ]
    )


def batch(rng, binary, folder, name):
    """(cases, differences as texts) of one table."""
    value = random_tables.table(rng)
    zone, role = value["view"], rng.choice(["ingress", "peer"])
    node = rng.choice([*value["zones"][zone].get("nodes", {}), "ghost"])
    policy = {"unknown_host": rng.choice(["pass", "refuse"]), "max_hops": rng.choice([1, 3, 8])}
    requests = []
    for made in random_tables.requests(rng, value, CASES_A_BATCH):
        trail = made.get("trail", "")
        request = {
            "role": role,
            "host": grammar.in_envoy(made["host"]),
            "path": made.get("path", "/"),
            "source_zone": made.get("source_zone", zone),
            "trail": trail if isinstance(trail, str) else ",".join(trail),
            "loops": made.get("loops", 0),
        }
        requests.append(request)

    config = {"node": node, "role": role, "source_zone": zone, "balance": "none"} | policy
    given = {"ZONEWAY_TABLE": value, "ZONEWAY_CONFIG": config, "REQUESTS": requests, "DECIDE": str(DECIDE)}
    script = Path(folder, f"{name}.lua")
    script.write_text("".join(f"{key} = {lua(inner)}\n" for key, inner in given.items()) + DRIVER, encoding="utf-8")
    done = subprocess.run([binary, script], capture_output=True, encoding="utf-8", timeout=60, check=False)
    if done.returncode != 0:
        return len(requests), [f"{script}: {done.stderr.strip()}"]

    model = decision.Model(value, zone, policy)
    answers = zip(requests, done.stdout.splitlines(), strict=True)
    differences = []
    for request, got in answers:
        wanted = expected(model, node, request)
        if got != wanted:
            differences.append(f"{binary} {script}\n  {request}\n  model: {wanted}\n  lua:   {got}")
    return len(requests), differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lua", default="luajit")
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    folder, cases, differences = tempfile.mkdtemp(prefix="zoneway-lua-"), 0, []
    while cases < options.cases:
        rng = random.Random(f"{options.seed}/{cases}")
        count, found = batch(rng, options.lua, folder, f"from-{cases}")
        cases, differences = cases + count, differences + found
    print("\n".join(differences[:5]))
    print(f"seed {options.seed}: {cases} cases, {len(differences)} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
