"""Random tables and requests: `zoneway decide --requests -` against the model.

Where a seed orders endpoints the model knows only what is to be ordered. Then the same request is asked at a node that
serves nothing (`OBSERVER`), whose answer shows the order; here's own answer must follow from that order, and one seed
must order two nodes the same in every answer ("weighted rendezvous hashing on the seed").
"""

import collections
import itertools
import json
import shlex

import decision
import random_tables
import shrink
import table

SHARE = 1.0
CASES_A_BATCH = 500
OBSERVER = "observer"


def compare(rng, product, name):
    value = random_tables.table(rng)
    wrong = table.faults(value)
    if wrong:
        raise AssertionError(f"the random table is at fault: {wrong}")
    policy = random_tables.policy(rng)
    requests = random_tables.requests(rng, value, CASES_A_BATCH)
    case = Case(product, name, None if rng.random() < 0.03 else value, value["view"], policy)
    differences = case.differences(requests)
    return len(requests), case.kinds, [case.report(*difference) for difference in differences[:2]] + differences[2:]


class Case:
    """One table with its policies."""

    def __init__(self, product, name, value, zone, policy):
        self.product, self.name, self.value, self.zone, self.policy = product, name, value, zone, policy
        self.kinds = collections.Counter()

    def model(self):
        return decision.Model(self.value, self.zone, self.policy)

    def where(self):
        if self.value is None:
            return ["--zone", self.zone]
        return ["--table", self.product.write(f"{self.name}.json", self.value)]

    def differences(self, requests):
        """(request, what the model allows, what the product answered) of every request where they differ."""
        model = self.model()
        expected = [model.decide(request["node"], request) for request in requests]
        watched = [i for i, answer in enumerate(expected) if isinstance(answer, decision.Unordered)]
        observers = [requests[i] | {"node": OBSERVER} for i in watched]
        answers = self.product.decide(self.where(), self.policy, requests + observers)
        got, seen = answers[: len(requests)], dict(zip(watched, answers[len(requests) :], strict=True))
        self.kinds.update(f"{answer['action']} {answer['reason']}" for answer in got if "action" in answer)

        wrong, orders = [], {}
        for i, request in enumerate(requests):
            if not decision.agrees(expected[i], got[i]):
                wrong.append((request, expected[i], got[i]))
            elif i in seen and not self.follows(request, got[i], seen[i]):
                wrong.append((request, f"what follows from the order at another node: {seen[i]}", got[i]))
            elif i in seen and not self.consistent(request["seed"], expected[i].items, seen[i], orders):
                wrong.append((request, "an order that one seed gives everywhere", seen[i]))
        return wrong

    def follows(self, request, got, seen):
        """Whether here's answer follows from the order that the observer saw."""
        nodes = self.value["zones"][self.zone].get("nodes", {})
        here = nodes.get(request["node"], {}).get("address")
        if seen["reason"] == "peer" and here in seen["endpoints"]:
            if seen["endpoints"][0] == here:
                return got["action"] == "local"
            return got.get("endpoints") == [address for address in seen["endpoints"] if address != here]
        return got["reason"] == "peer_egress" or seen["reason"] == "peer_egress" or got == seen

    def consistent(self, seed, items, seen, orders):
        """Whether any two endpoints stand in the order that this seed gave them in every answer before."""
        if seen["reason"] == "peer_egress":  # ordered by id
            return True
        known = {item.address or item.name: item for item in items}
        if len(known) < len(items):  # one address for two
            return True
        for listed in (seen.get("endpoints", []), seen.get("tunnels", [])):
            for pair in itertools.combinations([known[name] for name in listed], 2):
                if orders.setdefault((seed, frozenset(pair)), pair) != pair:
                    return False
        return True

    # Reports.

    def report(self, request, expected, got):
        """The difference as a command, made as small as it stays one."""
        small = shrink.shrink(request, lambda smaller: self.differs(self.value, smaller), tries=60)
        if self.value is not None:
            self.value = shrink.shrink(self.value, lambda smaller: self.differs(smaller, small), tries=600)
        again = self.differences([small])
        if again:
            request, expected, got = again[0]
        arguments = self.product.decide_arguments(self.where(), "ghost", self.policy)
        line = shlex.quote(json.dumps(request, ensure_ascii=False))
        table_text = "none" if self.value is None else json.dumps(self.value, ensure_ascii=False)
        return "\n".join(
            [
                f"{self.name}: {request['host']!r}",
                f"  printf '%s\\n' {line} | {self.product.command(arguments)}",
                f"  table:  {table_text}",
                f"  model:  {expected}",
                f"  binary: {got}",
            ]
        )

    def differs(self, value, request):
        """Whether a smaller table and request are still a valid case that differs."""
        if "host" not in request or "node" not in request:
            return False
        try:
            if value is not None and table.faults(value):
                return False
            return bool(Case(self.product, f"{self.name}-small", value, self.zone, self.policy).differences([request]))
        except (KeyError, TypeError, AttributeError, RuntimeError, json.JSONDecodeError):
            return False
