"""Strict JSON: the text of a table becomes plain dicts and lists, or one error.

"Syntax, type and unknown-field errors, repeated keys and nulls among them, stop at the first." What the values mean is
judged elsewhere.
"""

import json


class ShapeError(Exception):
    """Not the JSON that was asked for; where is not compared, for readers find the first one in their own order."""


class Fields:
    """An object: which fields it may have, which it must have, and what is in them."""

    def __init__(self, required, optional):
        self.required, self.optional = required, optional

    def check(self, value):
        if type(value) is not dict:
            raise ShapeError("an object is wanted")
        known = self.required | self.optional
        for name in value:
            if name not in known:
                raise ShapeError(f"unknown field {name}")
        for name in self.required:
            if name not in value:
                raise ShapeError(f"missing field {name}")
        for name, inner in value.items():
            known[name].check(inner)


class ListOf:
    def __init__(self, inner):
        self.inner = inner

    def check(self, value):
        if type(value) is not list:
            raise ShapeError("a list is wanted")
        for item in value:
            self.inner.check(item)


class MapOf:
    def __init__(self, inner):
        self.inner = inner

    def check(self, value):
        if type(value) is not dict:
            raise ShapeError("an object is wanted")
        for item in value.values():
            self.inner.check(item)


class Text:
    def check(self, value):
        if type(value) is not str:
            raise ShapeError("a string is wanted")


class Count:
    """A whole number that is not negative, of 64 bits."""

    def check(self, value):
        if type(value) is not int or not 0 <= value < 2**64:
            raise ShapeError("a whole number is wanted")


class Flag:
    def check(self, value):
        if type(value) is not bool:
            raise ShapeError("true or false is wanted")


class OneOf:
    def __init__(self, *words):
        self.words = words

    def check(self, value):
        if value not in self.words:
            raise ShapeError(f"one of {self.words} is wanted")


REVISION = Fields({"epoch": Count(), "sequence": Count()}, {})
GATEWAY = Fields({"node": Text()}, {"address": Text(), "tunnel": Flag()})
LINK = Fields({"to": Text()}, {"cost": Count(), "egress": ListOf(Text()), "gateways": ListOf(GATEWAY)})
NODE = Fields({"address": Text()}, {})
ZONE = Fields({}, {"public": Flag(), "nodes": MapOf(NODE), "links": ListOf(LINK), "speaks_for": ListOf(Text())})
BACKEND = Fields({}, {"node": Text(), "zone": Text(), "weight": Count()})
RULE = Fields({"path": Text()}, {"exposed_to": ListOf(Text()), "backends": ListOf(BACKEND)})
HOST = Fields({"host": Text(), "exposed_to": ListOf(Text())}, {"prefer": OneOf("node", "zone"), "rules": ListOf(RULE)})
TABLE = Fields(
    {"version": Count(), "revision": REVISION, "view": Text(), "zones": MapOf(ZONE), "hosts": ListOf(HOST)}, {}
)


def unique(pairs):
    """Objects without repeated keys."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ShapeError("a repeated key")
    return value


def read(text, shape=TABLE):
    """The value that the text holds; `ShapeError` where it is of another shape."""
    try:
        value = json.loads(text, object_pairs_hook=unique)
    except ValueError as error:
        raise ShapeError(str(error)) from error
    shape.check(value)
    return value
