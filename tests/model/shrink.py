"""Makes a JSON value smaller while a property of it holds: what a person wants to read of a random case."""

import copy


def parts(value, path=()):
    """The path of everything that can be taken out, the largest first."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*path, key)
    for key in keys:
        yield from parts(value[key], (*path, key))


def without(value, path):
    smaller = copy.deepcopy(value)
    inner = smaller
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return smaller


def shrink(value, holds, tries=2000):
    """The value with everything taken out that `holds` can do without; `tries` bounds the calls."""
    progress = True
    while progress and tries > 0:
        progress = False
        for path in list(parts(value)):
            try:
                smaller = without(value, path)
            except (KeyError, IndexError):  # gone with something larger
                continue
            tries -= 1
            if tries <= 0:
                break
            if holds(smaller):
                value, progress = smaller, True
    return value
