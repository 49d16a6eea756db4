"""The words of a table and of a request: which texts are names, addresses, hosts and paths.

Each function answers for one sentence of DESIGN.md, which the comments quote. It knows no table and no decision.
"""

import ipaddress
import re

# "Zone name: a Kubernetes label value ([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)."
ZONE_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")

# "Node id: a DNS subdomain (labels of 1 to 63, 253 in all)." Kubernetes' own grammar for it: lower case.
NODE_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")

# "Labels are 1 to 63 of letters, digits, `-`, `_`, with no `-` at either end" (after lower-casing).
HOST_LABEL = re.compile(r"[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?")

# "An IPv4 (four octets, 0 to 255, no leading zeros; other digits are a name)".
OCTET = r"(0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
IPV4 = re.compile(rf"{OCTET}\.{OCTET}\.{OCTET}\.{OCTET}")

# "split off a port (...; digits, at most 65535, not empty, leading zeros allowed)".
PORT = re.compile(r"0*([0-9]{1,5})")


def is_zone_name(text):
    return ZONE_NAME.fullmatch(text) is not None


def is_node_id(text):
    return len(text) <= 253 and all(NODE_LABEL.fullmatch(label) for label in text.split("."))


def trail_item(text):
    """`ZONE/NODE` as a pair, or None where it is not one."""
    zone, slash, node = text.partition("/")
    return (zone, node) if slash and is_zone_name(zone) and is_node_id(node) else None


def parse_ipv6(text):
    """The address, or None. "no zone id": a `%` is never part of one."""
    if not text.isascii() or "%" in text:
        return None
    try:
        return ipaddress.IPv6Address(text)
    except ValueError:
        return None


def is_address(text):
    """ "`address` is `ip:port` (IPv6 always in brackets)"; invalid is "an address that is not written canonically, has
    port 0 or a zone id"."""
    ip, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch(r"[1-9][0-9]{0,4}", port) or int(port) > 65535:
        return False
    if ip.startswith("[") and ip.endswith("]"):
        parsed = parse_ipv6(ip[1:-1])
        return parsed is not None and canonical_ipv6(parsed) == ip[1:-1]
    return IPV4.fullmatch(ip) is not None


def canonical_ipv6(address):
    """RFC 5952: the compressed form, with the IPv4 inside a mapped address in dots (its section 5)."""
    mapped = address.ipv4_mapped
    return f"::ffff:{mapped}" if mapped is not None else str(address)


# Step 1 of the decision.

MALFORMED, ADDRESS, NAME = "malformed", "address", "name"


def parse_host(authority):
    """What an authority is: (NAME, canonical name), (ADDRESS, None) or (MALFORMED, None)."""
    if not authority.isascii():  # "and bytes above ASCII too"
        return MALFORMED, None
    if authority.startswith("["):  # "after bracket parsing"
        literal, bracket, rest = authority[1:].partition("]")
        if not bracket or parse_ipv6(literal) is None:
            return MALFORMED, None
        if rest and not (rest.startswith(":") and is_port(rest[1:])):
            return MALFORMED, None
        return ADDRESS, None
    host, colon, port = authority.partition(":")
    if colon and not is_port(port):
        return MALFORMED, None
    host = host.removesuffix(".")  # "drop one trailing dot of a name or IPv4"
    host = host.lower()
    if IPV4.fullmatch(host):
        return ADDRESS, None
    if len(host) > 253 or not all(HOST_LABEL.fullmatch(label) for label in host.split(".")):
        return MALFORMED, None
    return NAME, host


def in_envoy(authority):
    """What of an authority the filter in Envoy takes: "a host that still differs from its canonical form other than in
    case" is malformed, whoever strips what comes first; then this is the empty one."""
    kind, name = parse_host(authority)
    canonical = name
    if kind == ADDRESS:
        canonical = authority[: authority.index("]") + 1] if authority.startswith("[") else authority.split(":")[0]
        canonical = canonical.removesuffix(".").lower()
    return authority if authority.lower() == canonical else ""


def is_port(text):
    digits = PORT.fullmatch(text)
    return digits is not None and int(digits[1]) <= 65535


def is_host_pattern(text):
    """ "an exact name; `*.suffix`; or `**.suffix`. Lower case, no trailing dot, no port, at most 253 bytes; of a pattern,
    step 1 judges the suffix"."""
    if len(text.encode()) > 253:
        return False
    judged = text.removeprefix("**.") if text.startswith("**.") else text.removeprefix("*.")
    # Step 1 mends what a table must not have: a canonical name is the one that it leaves alone.
    return parse_host(judged) == (NAME, judged)


# Step 5 of the decision.

UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def is_control(byte):
    return byte < 0x20 or byte == 0x7F


def is_normal_path(path):
    """Whether a path (without `?`, `#` and what follows) is normal: nothing in it has a second spelling."""
    raw = path.encode("utf-8", "surrogateescape")
    if not raw.startswith(b"/") or b"//" in raw or b"\\" in raw or any(map(is_control, raw)):
        return False
    # "a segment whose part before any `;` is `.` or `..`"
    if any(segment.split(b";")[0] in (b".", b"..") for segment in raw.split(b"/")):
        return False
    for after in raw.split(b"%")[1:]:
        if not re.match(rb"[0-9A-Fa-f]{2}", after):  # "a `%` without two hex digits"
            return False
        # "an encoded letter, digit, `-`, `.`, `_`, `~`, `/`, `\` or control byte"
        byte = int(after[:2], 16)
        if byte in UNRESERVED or byte in b"/\\" or is_control(byte):
            return False
    return True


def is_rule_path(text):
    """ "a normal absolute path without `?`, `#` or a trailing slash (`/` itself aside)"."""
    if "?" in text or "#" in text or not is_normal_path(text):
        return False
    return text == "/" or not text.endswith("/")


def path_matches(prefix, path):
    """ "matched as a prefix at segment borders"; and of step 5 "`/` matches every path, `*` and an empty one too"."""
    return prefix == "/" or path == prefix or path.startswith(prefix + "/")
