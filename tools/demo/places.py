"""Where everything of the demonstration listens: the one place for its addresses. Each node has a loopback address of
its own, so that its ports are those of a real one; where something else has them, the next block of addresses is taken."""

import socket
import sys
from string import Template

NODES = {
    # node: (zone, last byte of its address, its services)
    "studtop": ("403", 11, {"dashboard": 9001, "notes": 9002}),
    "stuchip": ("403", 12, {"notes": 9002}),
    "edge": ("exposed", 21, {"status": 9003}),
}
INGRESS = 8080
PEER = 15443
SIDECAR = 9911


class Places:
    """The addresses of one demonstration, `ip:port` by `NODE.NAME`."""

    def __init__(self, block: int) -> None:
        self.addresses: dict[str, str] = {}
        for node, (_, last, services) in NODES.items():
            ports = {"ingress": INGRESS, "peer": PEER, "sidecar": SIDECAR, **services}
            for name, port in ports.items():
                self.addresses[f"{node}.{name}"] = f"127.0.{block}.{last}:{port}"

    def __getitem__(self, name: str) -> str:
        return self.addresses[name]

    def pair(self, name: str) -> tuple[str, int]:
        ip, port = self.addresses[name].rsplit(":", 1)
        return ip, int(port)

    def fill(self, template: str) -> str:
        """The text with `${NODE.NAME}` replaced by that address."""
        return Dotted(template).substitute(self.addresses)

    def taken(self) -> list[str]:
        """The addresses that somebody else listens on."""
        return [address for name, address in self.addresses.items() if not can_bind(self.pair(name))]

    def free(self) -> bool:
        return not self.taken()


class Dotted(Template):
    """A template whose names have a dot in them."""

    idpattern = r"[a-z]+\.[a-z]+"


def find() -> Places:
    """The first block of loopback addresses in which every place is free."""
    for block in range(256):
        places = Places(block)
        if not (taken := places.taken()):
            return places
        print(f"demo: {', '.join(taken)} in use, by another demonstration? Trying the addresses 127.0.{block + 1}.x", file=sys.stderr)
    raise SystemExit("demo: every block of addresses 127.0.X.0 is in use; is an earlier demonstration still running?")


def can_bind(pair: tuple[str, int]) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(pair)
        except OSError:
            return False
    return True
