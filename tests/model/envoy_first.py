#!/usr/bin/env python3
"""What a real Envoy makes of the corpus's hosts and paths before a filter sees them. Needs PyYAML.

    python tests/model/envoy_first.py --envoy PATH

Starts an Envoy whose connection manager has the settings that DESIGN.md asks for ("In Envoy") and a Lua filter that
echoes what it sees, sends every case's host and path as HTTP/1.1, decides what arrived with the model, and compares
the answer with the case's `envoy` key, or with `expect` where there is none. Exits 1 on any difference and prints the key
that is wanted.
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import corpus
import decision
import grammar

ECHO = """
function envoy_on_request(handle)
  local h = handle:headers()
  local function hex(s) return (s or ""):gsub(".", function(c) return string.format("%02x", c:byte()) end) end
  handle:respond({[":status"] = "299"}, hex(h:get(":authority")) .. " " .. hex(h:get(":path")))
end
"""

CONNECTION_MANAGER = {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    "stat_prefix": "ingress",
    "delayed_close_timeout": "0s",
    "strip_any_host_port": True,
    "strip_trailing_host_dot": True,
    "normalize_path": True,
    "merge_slashes": True,
    "path_with_escaped_slashes_action": "REJECT_REQUEST",
    "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": []}]},
    "http_filters": [
        {
            "name": "echo",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                "default_source_code": {"inline_string": ECHO},
            },
        },
        {
            "name": "router",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
        },
    ],
}


def bootstrap(folder):
    manager = {"name": "http", "typed_config": CONNECTION_MANAGER}
    return {
        "admin": {"address": {"pipe": {"path": f"{folder}/admin.sock"}}},
        "static_resources": {
            "listeners": [
                {"address": {"pipe": {"path": f"{folder}/http.sock"}}, "filter_chains": [{"filters": [manager]}]}
            ]
        },
    }


class Envoy:
    def __init__(self, binary):
        self.folder = tempfile.mkdtemp(prefix="envoy-first-")
        config = Path(self.folder, "envoy.json")
        config.write_text(json.dumps(bootstrap(self.folder)), encoding="utf-8")
        log = Path(self.folder, "log").open("w", encoding="utf-8")
        arguments = [binary, "-c", config, "--concurrency", "1", "--disable-hot-restart", "-l", "warn"]
        self.process = subprocess.Popen(arguments, stderr=log, stdout=log)

    def __enter__(self):
        for _ in range(200):
            try:
                self.connect().close()
                return self
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError(Path(self.folder, "log").read_text(encoding="utf-8")) from None
                time.sleep(0.05)
        raise RuntimeError("Envoy does not listen")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)

    def connect(self):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(5)
        connection.connect(f"{self.folder}/http.sock")
        return connection

    def ask(self, host, path):
        """(status, host, path) as a filter saw them, or (status, None, None) where Envoy answered itself."""
        method = "OPTIONS" if path == "*" else "GET"
        request = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        with self.connect() as connection:
            connection.sendall(request.encode("utf-8"))
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        status = int(answer.split(b" ")[1]) if answer else 0
        if status != 299:
            return status, None, None
        seen = answer.partition(b"\r\n\r\n")[2].decode().split(" ")
        return status, *(bytes.fromhex(text).decode("utf-8", "surrogateescape") for text in seen)


def answer(topic, case, seen):
    """What a filter in Envoy answers to what it saw."""
    status, host, path = seen
    if host is None:
        return {"status": status}
    request = case["request"] | {"host": grammar.in_envoy(host), "path": path}
    return corpus.model_of(topic, case).decide(case["node"], request)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envoy", required=True)
    options = parser.parse_args()
    wrong, skipped = 0, 0
    with Envoy(options.envoy) as envoy:
        for path, topic in corpus.topics():
            for case in topic["cases"]:
                if "skip" in case.get("envoy", {}):
                    skipped += 1
                    continue
                if "expect_shares" in case:
                    continue
                seen = envoy.ask(case["request"]["host"], case["request"].get("path", "/"))
                got = answer(topic, case, seen)
                wanted = case.get("envoy", case["expect"])
                if not decision.agrees(got, wanted) or case.get("envoy") == case["expect"]:
                    wrong += 1
                    print(f"{path.name}: {case['name']}\n  {json.dumps(case['request'])}\n  seen {seen}, so {got}")
    print(f"{wrong} wrong, {skipped} that no client can send")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
