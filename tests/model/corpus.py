#!/usr/bin/env python3
"""Checks the shared corpus, `tests/cases/`, against the model. Needs PyYAML, as nothing else here does.

    python tests/model/corpus.py [--binary target/debug/zoneway]

Every table must be valid, every expectation must be what the model decides, and of shares the endpoints must be those
that the model orders, in bounds that can hold. With `--binary`, `zoneway decide` must
answer every case as expected too, shares included.
"""

import argparse
import collections
import json
import sys
import tempfile
from pathlib import Path

import yaml

import decision
import table
from product import Product

CASES = Path(__file__).resolve().parent.parent / "cases"
KEYS = {"name", "request", "policy", "expect", "envoy", "requests", "expect_shares"}


def load(path):
    """A topic; its cases have node and zone from `here` unless they say their own."""
    topic = yaml.safe_load(path.read_text(encoding="utf-8"))
    for case in topic["cases"]:
        unknown = case.keys() - KEYS
        if unknown:
            raise ValueError(f"{path.name}: {case['name']}: unknown keys {unknown}")
        case["node"] = case["request"].get("node", topic["here"]["node"])
    return topic


def topics():
    return [(path, load(path)) for path in sorted(CASES.glob("*.yaml"))]


def model_of(topic, case):
    return decision.Model(topic["table"], topic["here"]["zone"], case.get("policy"))


def check_case(topic, case):
    """What is wrong with a case, or None."""
    model = model_of(topic, case)
    if "expect_shares" in case:
        return check_shares(topic, case, model)
    got = model.decide(case["node"], case["request"])
    return None if decision.agrees(got, case["expect"]) else f"the model says {got}"


def check_shares(topic, case, model):
    """The bounds must add up to all, and belong to what is ordered."""
    got = model.decide(case["node"], case["request"] | {"seed": 1})
    names = {"local"} if got == decision.local() else set()
    if isinstance(got, decision.Unordered):
        names = set(got.answer["endpoints"]) | ({"local"} if got.or_local else set())
    bounds = case["expect_shares"]
    if names != bounds.keys():
        return f"the model orders {sorted(names)}"
    least, most = (sum(bound[i] for bound in bounds.values()) for i in (0, 1))
    return None if least <= 1 <= most else f"the bounds are {least} to {most} together"


def check_binary(product, topic, case, name):
    """What is wrong with the binary's answer to a case, or None."""
    where = ["--zone", topic["here"]["zone"]]
    if topic["table"] is not None:
        where = ["--table", product.write(f"{name}.json", topic["table"])]
    request = case["request"] | {"node": case["node"]}
    if "expect_shares" not in case:
        (got,) = product.decide(where, case.get("policy", {}), [request])
        return None if got == case["expect"] else f"the binary says {got}"
    count = case["requests"]
    answers = product.decide(where, case.get("policy", {}), [request | {"seed": seed} for seed in range(1, count + 1)])
    firsts = collections.Counter(
        "local" if a["action"] == "local" else a.get("endpoints", ["none"])[0] for a in answers
    )
    shares = {first: number / count for first, number in firsts.items()}
    bounds = case["expect_shares"]
    good = shares.keys() <= bounds.keys() and all(low <= shares.get(f, 0) <= high for f, (low, high) in bounds.items())
    return None if good else f"the binary's shares are {shares}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", help="a zoneway binary to ask as well")
    options = parser.parse_args()
    product = Product(options.binary, tempfile.mkdtemp(prefix="zoneway-corpus-")) if options.binary else None
    wrong, count, names = 0, 0, set()
    for path, topic in topics():
        faults = table.faults(topic["table"]) if topic["table"] else set()
        if faults:
            print(f"{path.name}: the table is at fault: {faults}")
            wrong += 1
            continue
        for case in topic["cases"]:
            count += 1
            problem = check_case(topic, case)
            if (path, case["name"]) in names:
                problem = "another case has this name"
            if not problem and product:
                problem = check_binary(product, topic, case, path.stem)
            names.add((path, case["name"]))
            if problem:
                wrong += 1
                print(f"{path.name}: {case['name']}\n  {json.dumps(case['request'])}\n  {problem}")
    print(f"{count} cases in {len(topics())} files, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
