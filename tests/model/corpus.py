#!/usr/bin/env python3
"""Checks the shared corpus, `tests/cases/`, against the model. Needs PyYAML, as nothing else here does.

    python tests/model/corpus.py

Every table must be valid, every expectation must be what the model decides, and of shares the endpoints must be those
that the model orders, in bounds that hold their weights' share.
"""

import json
import sys
from pathlib import Path

import yaml

import decision
import table

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


def main():
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
            names.add((path, case["name"]))
            if problem:
                wrong += 1
                print(f"{path.name}: {case['name']}\n  {json.dumps(case['request'])}\n  {problem}")
    print(f"{count} cases in {len(topics())} files, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
