"""Random sites: what `zoneway table` prints for each zone against the model's view."""

import collections
import json

import random_sites
import shrink
import table
import view

SHARE = 0.005
CASES_A_BATCH = 25
REVISION = {"epoch": 7, "sequence": 42}


def compare(rng, product, name):
    kinds, differences, cases = collections.Counter(), [], 0
    for i in range(CASES_A_BATCH):
        site = random_sites.site(rng)
        file = f"{name}-{i}.yaml"
        for zone in site["zones"]:
            cases += 1
            kinds["public view" if view.is_public(site["zones"][zone]) else "view"] += 1
            if differs(product, file, site, zone):
                differences.append(report(product, file, site, zone, shorten=len(differences) < 2))
    return cases, kinds, differences


def arguments(product, file, site, zone):
    return ["table", "--site", product.write(file, site), "--zone", zone, "--epoch", "7", "--sequence", "42"]


def printed(product, file, site, zone):
    """The table that the product prints, or what it printed instead."""
    out, code = product.run(arguments(product, file, site, zone))
    return json.loads(out) if code == 0 else {"exit": code, "out": out}


def differs(product, file, site, zone):
    expected = view.view(site, zone, REVISION)
    wrong = table.faults(expected)
    if wrong:
        raise AssertionError(f"the model's view breaks the rules of a table: {wrong}")
    return printed(product, file, site, zone) != expected


def report(product, file, site, zone, shorten):
    def holds(smaller):
        try:
            return "hosts" in smaller and differs(product, "small-" + file, smaller, zone)
        except (KeyError, TypeError, AttributeError, AssertionError):
            return False

    small = shrink.shrink(site, holds, tries=300) if shorten else site
    return "\n".join(
        [
            f"{file}, zone {zone}",
            f"  {product.command(arguments(product, file, small, zone))}",
            f"  site:   {json.dumps(small, ensure_ascii=False)}",
            f"  model:  {json.dumps(view.view(small, zone, REVISION), ensure_ascii=False)}",
            f"  binary: {json.dumps(printed(product, file, small, zone), ensure_ascii=False)}",
        ]
    )
