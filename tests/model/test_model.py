"""What the comparisons themselves must hold: that they notice a product that is wrong.

python3 -m unittest discover -s tests/model
"""

import json
import random
import tempfile
import unittest
from pathlib import Path

import compare_decide
import decision
import random_sites
import random_tables
import shrink
import table
import view

EXAMPLE = {
    "version": 1,
    "revision": {"epoch": 1, "sequence": 1},
    "view": "403",
    "zones": {"403": {"nodes": {"a": {"address": "10.0.0.1:15443"}, "b": {"address": "10.0.0.2:15443"}}}},
    "hosts": [
        {
            "host": "x.c",
            "exposed_to": ["403"],
            "prefer": "zone",
            "rules": [{"path": "/", "backends": [{"node": "a"}, {"node": "b"}]}],
        }
    ],
}


class Lying:
    """A product that answers as the model does, but for what it is told to get wrong."""

    def __init__(self, lie):
        self.lie, self.folder = lie, Path(tempfile.mkdtemp())

    def write(self, name, value):
        return name

    def decide(self, where, policy, requests):
        return [self.lie(request) for request in requests]


def wrong(lie, request):
    case = compare_decide.Case(Lying(lie), "case", EXAMPLE, "403", {})
    return case.differences([request])


def peer(*addresses):
    return {"action": "peer", "reason": "peer", "endpoints": list(addresses)}


class TheComparisonNotices(unittest.TestCase):
    def test_an_answer_that_is_right_is_no_difference(self):
        ordered = ["10.0.0.1:15443", "10.0.0.2:15443"]
        self.assertEqual([], wrong(lambda _: peer(*ordered), {"host": "x.c", "node": "c"}))

    def test_another_order_without_a_seed_is_a_difference(self):
        self.assertTrue(wrong(lambda _: peer("10.0.0.2:15443", "10.0.0.1:15443"), {"host": "x.c", "node": "c"}))

    def test_a_missing_endpoint_is_a_difference_whatever_the_seed(self):
        self.assertTrue(wrong(lambda _: peer("10.0.0.2:15443"), {"host": "x.c", "node": "c", "seed": 1}))

    def test_local_must_follow_from_the_order_at_another_node(self):
        def both_say_the_other(request):
            return decision.local() if request["node"] == "a" else peer("10.0.0.2:15443", "10.0.0.1:15443")

        self.assertTrue(wrong(both_say_the_other, {"host": "x.c", "node": "a", "seed": 1}))

    def test_a_case_is_made_smaller_while_it_stays_what_it_is(self):
        small = shrink.shrink({"a": [1, 2, 3], "b": {"c": 4}}, lambda value: 2 in value.get("a", []))
        self.assertEqual({"a": [2]}, small)


class TheRandomCases(unittest.TestCase):
    def test_random_tables_are_valid_and_reach_every_answer(self):
        reached = set()
        for seed in range(150):
            rng = random.Random(seed)
            value = random_tables.table(rng)
            self.assertEqual(set(), table.faults(value))
            model = decision.Model(value, policy=random_tables.policy(rng))
            for request in random_tables.requests(rng, value, 100):
                answer = model.decide(request["node"], request)
                answer = answer.answer if isinstance(answer, decision.Unordered) else answer
                reached.add(answer["reason"])
        everything = set(decision.STATUS) | {"here", "peer", "peer_egress", "cross_zone"}
        self.assertEqual(everything - {"no_table"}, reached)

    def test_every_view_of_a_random_site_is_a_valid_table(self):
        for seed in range(100):
            site = random_sites.site(random.Random(seed))
            for zone in site["zones"]:
                made = view.view(site, zone, {"epoch": 1, "sequence": 1})
                self.assertEqual(set(), table.faults(made), json.dumps(site))


if __name__ == "__main__":
    unittest.main()
