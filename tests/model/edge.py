#!/usr/bin/env python3
"""Reads `tests/edge/` by the book, decides with the model, and compares with what the cases say. Needs PyYAML.

    python tests/model/edge.py

The requests are read as RFC 9112 and 9113 and DESIGN.md ("In Envoy") have them, without an Envoy: where those leave a choice,
`LEFT_TO_ENVOY` names it. What is read is decided at `edge`, and what leaves it once more at the household, with the tables
that the model makes of `tests/edge/site.yml`. Exits 1 on any difference.
"""

import re
import sys
from pathlib import Path

import yaml

import decision
import grammar
import view

EDGE = Path(__file__).resolve().parent.parent / "edge"

# Where a reader may refuse or mend, and Envoy mends: each of these reads the same in the filter and the router.
LEFT_TO_ENVOY = """
LF alone ends a line (RFC 9112, 2.2). Blanks and tabs part a request line (3). A folded line is one line (5.2). A CR in a value is a
blank (RFC 9110, 5.5). An absolute URL needs no Host, and its user is left out (RFC 9110, 4.2.4); one with a query and no path has no
route. A port that is too large is a port. A dot segment may have parameters. In HTTP/2 a Host beside `:authority` is left out (RFC
9113, 8.3.1), bytes above ASCII in a path are escaped, and what is malformed ends the connection.
"""

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
METHODS = set("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND".split())
CONTROL = re.compile(rb"[\x00-\x20\x7f]")
UNRESERVED = re.compile(r"%([46][1-9A-Fa-f]|4[Aa-fA-F]|[57][0-9Aa]|3[0-9]|2[DdEe]|5[Ff]|7[Ee])")
HEADER_BYTES, HEADERS = 60 * 1024, 100
CONNECTION_FIELDS = {"connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"}


class Refused(Exception):
    """An answer of the reader's own; whether the connection goes on after it."""

    def __init__(self, answer):
        super().__init__(answer)
        self.answer = answer


def expanded(text):
    return re.sub(r"<([^<>]+?)\*(\d+)>", lambda match: match[1] * int(match[2]), text)


# HTTP/1.1


def read_line(data):
    """A line without its end, and what follows it; None where there is no end."""
    line, end, rest = data.partition(b"\n")
    if not end:
        return None, data
    return line.removesuffix(b"\r"), rest


def read_head(data):
    """The request line, and the header lines, folded ones joined."""
    while data.startswith(b"\r\n"):
        data = data[2:]
    request, data = read_line(data)
    if request is None:
        raise Refused(400)
    lines, size = [], len(request)
    while True:
        line, data = read_line(data)
        if line is None:
            raise Refused(431 if size + len(data) > HEADER_BYTES else 400)
        size += len(line)
        if size > HEADER_BYTES:
            raise Refused(431)
        if not line:
            return request, lines, data
        if line[:1] in b" \t":
            if not lines:
                raise Refused(400)
            lines[-1] += b" " + line.strip()
        else:
            lines.append(line)


def read_headers(lines):
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.match(name) or re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", value):
            raise Refused(400)
        headers.append((name.decode().lower(), value.replace(b"\r", b" ").strip(b" \t").decode("latin-1")))
    if len(headers) > HEADERS:
        raise Refused(431)
    if any("_" in name for name, _ in headers):  # headers_with_underscores_action
        raise Refused(400)
    return headers


def values(headers, name):
    return [value for other, value in headers if other == name]


def read_body(headers, data):
    """What follows the body."""
    lengths, codings = values(headers, "content-length"), values(headers, "transfer-encoding")
    if codings:
        if len(codings) > 1 or codings[0].lower() != "chunked":
            raise Refused(501 if not lengths else 400)
        if lengths:
            raise Refused(400)
        return read_chunks(data)
    if not lengths:
        return data
    if len(lengths) > 1 or not re.fullmatch("[0-9]+", lengths[0]) or int(lengths[0]) >= 1 << 64:
        raise Refused(400)
    return data[int(lengths[0]) :]


def read_chunks(data):
    while True:
        line, data = read_line(data)
        size = re.fullmatch(rb"([0-9A-Fa-f]+)[ \t]*(;.*)?", line or b"")
        if not size or int(size[1], 16) >= 1 << 64:
            raise Refused(400)
        length = int(size[1], 16)
        if length == 0:
            break
        if data[length : length + 2] != b"\r\n":
            raise Refused(400)
        data = data[length + 2 :]
    line, data = read_line(data)
    while line:
        line, data = read_line(data)
    return data


def read_target(method, target, headers):
    """Host and path of the request line and the Host header."""
    hosts = values(headers, "host")
    if len(hosts) > 1:
        raise Refused(400)
    if method == "CONNECT":
        if not re.fullmatch(r"[^/?#]+:[0-9]+", target):
            raise Refused(400)
        return target, None
    url = re.fullmatch(r"(?i:(https?)://)([^/?#]+)(.*)", target)
    if url:
        if url[1].lower() == "https" and not headers.tls:
            raise Refused(403)
        if url[3].startswith("?"):
            raise Refused(404)
        return url[2].rpartition("@")[2], url[3] or "/"
    if not hosts or not (target.startswith("/") or (target == "*" and method == "OPTIONS")):
        raise Refused(400)
    return hosts[0], target


class Headers(list):
    """Header lines, and whether they came over TLS."""

    tls = False


def read_request(data, tls):
    """One request of HTTP/1.1: method, host, path, headers, and what follows it."""
    request, lines, rest = read_head(data)
    words = request.replace(b"\t", b" ").split()
    if request[:1] in b" \t" or len(words) not in (2, 3) or not words or b"\r" in request:
        raise Refused(400)
    method, target = words[0].decode("latin-1"), words[1]
    if not TOKEN.match(words[0]) or method not in METHODS:
        raise Refused(400)
    if CONTROL.search(target) or any(byte > 0x7F for byte in target):
        raise Refused(400)
    version = words[2] if len(words) == 3 else b"HTTP/0.9"
    if not re.fullmatch(rb"HTTP/[0-9]\.[0-9]", version):
        raise Refused(400)
    headers = Headers(read_headers(lines))
    headers.tls = tls
    if version != b"HTTP/1.1":
        raise Refused(426)
    if "host" in ",".join(values(headers, "connection")).lower().replace(" ", "").split(","):
        raise Refused(400)
    rest = read_body(headers, rest)
    host, path = read_target(method, target.decode("ascii"), headers)
    return (method, host, path, headers), rest


# HTTP/2


def read_fields(fields, body):
    """A request of HTTP/2. What is malformed ends the connection; Envoy answers itself only where it could read all of it."""
    pseudo, headers, size = {}, Headers(), 0
    for name, value in fields:
        size += len(name) + len(value)
        raw = value.encode("latin-1")
        if re.search(rb"[\x00\r\n]", raw) or (name.startswith(":") and CONTROL.search(raw.strip(b" \t"))):
            raise Refused("closed")
        if name.startswith(":"):
            known = name in (":method", ":scheme", ":authority", ":path", ":protocol")
            if not known or name in pseudo or headers:
                raise Refused("closed")
            pseudo[name] = value
        elif not TOKEN.match(name.encode("latin-1")) or name != name.lower():
            raise Refused("closed")
        else:
            headers.append((name, value.strip()))
    return pseudo, headers, size


def check_fields(pseudo, headers, size, body):
    method, authority, path = (pseudo.get(name) for name in (":method", ":authority", ":path"))
    hosts = values(headers, "host")
    lengths = values(headers, "content-length")
    upgrade = ":protocol" in pseudo
    if pseudo.get(":protocol", "websocket") != "websocket":
        raise Refused("closed")
    if method is None or not TOKEN.match(method.encode()):
        raise Refused("closed")
    if method == "CONNECT" and not upgrade:
        if ":scheme" in pseudo or path is not None or not authority:
            raise Refused("closed")
    elif not pseudo.get(":scheme") or not path or (path[0] != "/" and (path, method) != ("*", "OPTIONS")):
        raise Refused("closed")
    if authority is None and len(hosts) != 1:
        raise Refused("closed")
    if authority is not None and not re.fullmatch(r"[!-.0-?A-Z\[\]_a-z~;=%:]+", authority):
        raise Refused("closed")
    if authority is not None and "@" in authority:
        raise Refused("closed")
    if any(name in CONNECTION_FIELDS for name, _ in headers) or values(headers, "te") not in ([], ["trailers"]):
        raise Refused("closed")
    if len(lengths) > 1 or (lengths and not lengths[0].isdigit()) or size > HEADER_BYTES:
        raise Refused("closed")
    if (lengths and int(lengths[0]) != len(body)) or len(headers) + len(pseudo) > HEADERS:
        raise Refused("reset")
    if any("_" in name for name, _ in headers):
        raise Refused(400)
    return method, authority if authority is not None else hosts[0], path


# What Envoy and the filter make of it


def normal(path):
    """`normalize_path`, `merge_slashes`, `path_with_escaped_slashes_action: REJECT_REQUEST`"""
    if "#" in path:
        raise Refused(400)
    path, question, query = path.partition("?")
    path = "".join(char if char < "\x80" else f"%{ord(char):02X}" for char in path)
    if re.search("%2f|%5c|%00", path, re.IGNORECASE):
        raise Refused(400)
    path = UNRESERVED.sub(lambda match: chr(int(match[1], 16)), path).replace("\\", "/")
    segments = []
    for segment in path.split("/")[1:]:
        name = segment.partition(";")[0]
        if name == "..":
            segments = segments[:-1]
        elif name != ".":
            segments.append(segment)
    if path.rpartition("/")[2].partition(";")[0] in (".", ".."):
        segments.append("")
    return re.sub("/+", "/", "/" + "/".join(segments)) + question + query


def stripped(host):
    """`strip_any_host_port`, `strip_trailing_host_dot`"""
    port = re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*):[0-9]+", host)
    return (port[1] if port else host).removesuffix(".")


def filled(text):
    """The site with an address for each place."""
    places = {}
    return re.sub(
        r"\$\{([^}]*)\}", lambda match: f"127.0.0.1:{1 + places.setdefault(match[1], len(places))}", text
    )


def textual(value):
    """Names of zones as text, as they are in a table."""
    if isinstance(value, dict):
        named = {key: str(inner) if key in ("to", "home") else textual(inner) for key, inner in value.items()}
        return {str(key): inner for key, inner in named.items()}
    if isinstance(value, list):
        return [str(inner) if isinstance(inner, int) else textual(inner) for inner in value]
    return value


class Site:
    def __init__(self):
        written = yaml.safe_load(filled((EDGE / "site.yml").read_text(encoding="utf-8")))
        self.site = textual(written)
        revision = {"epoch": 1, "sequence": 1}
        models = {zone: decision.Model(view.view(self.site, zone, revision)) for zone in self.site["zones"]}
        self.edge, self.home = models["exposed"], models["403"]

    def answer(self, method, host, path):
        """The status of a request, and what reaches a service."""
        host = grammar.in_envoy(stripped(host))
        answer = self.edge.decide("edge", {"host": host, "path": path, "seed": 1})
        if answer_of(answer).get("action") == "zone":
            peer = {"role": "peer", "source_zone": "exposed", "trail": ["exposed/edge"], "seed": 1}
            answer = self.home.decide("studtop", peer | {"host": host, "path": path})
        answer = answer_of(answer)
        if answer["action"] == "refuse":
            return answer["status"], None
        # A route is a path's: `*` and CONNECT have none.
        if path is None or path == "*" or method == "CONNECT" or not path.startswith("/"):
            return 404, None
        return 200, f"{self.service(host.lower(), path)} {host} {path}"

    def service(self, host, path):
        entry = self.site["hosts"][host]
        if isinstance(entry, str):
            return entry
        rules = entry.get("paths", {"/": entry.get("service")})
        best = max((rule for rule in rules if grammar.path_matches(rule, path.partition("?")[0])), key=len)
        return rules[best] if isinstance(rules[best], str) else rules[best]["service"]


def answer_of(answer):
    return answer.answer if isinstance(answer, decision.Unordered) else answer


def decided(site, method, host, path, headers, upgrade):
    if path is not None and path != "*":
        path = normal(path)
    status, reached = site.answer(method, host, path if path is not None else "")
    if status == 200 and upgrade not in (None, "h2c", "websocket"):
        return 403, None
    return status, reached


def run(site, case, tls):
    """The answers to a case, and what reaches a service."""
    answers, reaches = [], []
    try:
        if "fields" in case:
            scheme = "https" if tls else "http"
            fields = [[expanded(text.replace("${scheme}", scheme)) for text in field] for field in case["fields"]]
            body = expanded(case.get("body", ""))
            pseudo, headers, size = read_fields(fields, body)
            method, host, path = check_fields(pseudo, headers, size, body)
            status, reached = decided(site, method, host, path, headers, pseudo.get(":protocol"))
            return [status], [reached] if reached else []
        text = case["bytes"] if "bytes" in case else "\r\n".join(case["lines"]) + "\r\n\r\n" + case.get("body", "")
        data = expanded(text).encode("latin-1")
        while data.strip(b"\r\n"):
            (method, host, path, headers), data = read_request(data, tls)
            upgrade = (values(headers, "upgrade") or [None])[0]
            status, reached = decided(site, method, host, path, headers, upgrade and upgrade.lower())
            answers.append(status)
            reaches += [reached] if reached else []
    except Refused as refused:
        answers.append(refused.answer)
    return answers, reaches


def main():
    site, wrong, count = Site(), 0, 0
    for path in sorted(EDGE.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["cases"]:
            for tls in (False, True):
                if case.get("only", "tls" if tls else "plain") != ("tls" if tls else "plain"):
                    continue
                count += 1
                got = run(site, case, tls)
                wanted = (case["answers"], [expanded(one) for one in case.get("reaches", [])])
                if got != wanted:
                    wrong += 1
                    if tls or case.get("only") == "plain":
                        print(f"{path.stem}: {case['name']}: the model says {str(got)[:200]}, not {str(wanted)[:200]}")
    print(f"edge: {count} connections, {wrong} differences")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
