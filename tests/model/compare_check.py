"""Random tables, most of them at fault: `zoneway check --format json` against the model's rules.

A table of another shape (syntax, types, unknown or repeated fields) must be refused, wherever the reader stops; of any
other the paths of its faults must be the model's.
"""

import collections
import json
import re

import random_faults
import shape
import shrink
import table

SHARE = 0.05
CASES_A_BATCH = 250


def compare(rng, product, name):
    texts = [random_faults.broken_table(rng) for _ in range(CASES_A_BATCH)]
    expected = [model(text) for text in texts]
    got = checked(product, name, texts)
    kinds = collections.Counter("shape" if e is None else "valid" if not e else "at fault" for e in expected)
    wrong = [i for i, (want, have) in enumerate(zip(expected, got, strict=True)) if not same(want, have)]
    differences = [report(product, f"{name}-{i}", texts[i], shorten=place < 3) for place, i in enumerate(wrong)]
    return len(texts), kinds, differences


def model(text):
    """The set of faulty paths, as the names in them; None where the text has another shape."""
    try:
        return {steps(path) for path in table.faults(shape.read(text))}
    except shape.ShapeError:
        return None


def checked(product, name, texts):
    """For each text the paths at which the product found errors."""
    files = [product.write(f"{name}-{i}.json", text) for i, text in enumerate(texts)]
    out, _ = product.run(["check", "--format", "json", *files])
    reports = json.loads(out)["files"]
    if [report["file"] for report in reports] != files:
        raise RuntimeError("the report is of other files")
    return [{steps(error["path"]) for error in report["errors"]} for report in reports]


def steps(path):
    """A path without its punctuation: how a name that holds dots, brackets or control bytes is written there is not
    compared."""
    return tuple(re.findall(r'[^.\[\]"\\]+', re.sub(r"\\u\{[0-9a-f]+\}|[\x00-\x1f\x7f]", "", path)))


def same(expected, got):
    return bool(got) if expected is None else expected == got


def report(product, name, text, shorten):
    def holds(smaller):
        text = json.dumps(smaller, ensure_ascii=False)
        expected = model(text)
        return expected is not None and not same(expected, checked(product, f"{name}-small", [text])[0])

    if shorten and model(text) is not None:
        text = json.dumps(shrink.shrink(json.loads(text), holds, tries=300), ensure_ascii=False)
    file = product.write(f"{name}.json", text)
    expected, got = model(text), checked(product, name + "-last", [text])[0]
    return "\n".join(
        [
            name,
            f"  {product.command(['check', '--format', 'json', file])}",
            f"  table:  {text}",
            f"  model:  {'another shape' if expected is None else sorted(expected, key=str)}",
            f"  binary: {sorted(got, key=str)}",
        ]
    )
