"""The sites that are measured: so many hosts, half of the exact ones served here, and the hosts to ask for."""

from dataclasses import dataclass
from pathlib import Path

from envoy import free_port

ZONE, NODE, OTHER = "403", "studtop", "stuchip"
# What a request comes to: served here, sent on to the other node, or refused since no table names its host.
DECISIONS = ("local", "forward", "refuse")
# Of the hosts in the table, those that are asked for, spread over all of them.
ASKED = 1024


@dataclass(frozen=True)
class Hosts:
    """The names of a table of so many hosts, a tenth of them wildcards."""

    here: list[str]
    away: list[str]
    wildcards: list[str]

    @classmethod
    def of(cls, size: int) -> "Hosts":
        exact = size - size // 10
        names = [f"service-{number}.{ZONE}.stuartpb.com" for number in range(exact)]
        wildcards = [f"*.wide-{number}.stuartpb.com" for number in range(size // 10)]
        return cls(names[::2], names[1::2], wildcards)

    def write_asked(self, folder: Path) -> dict[str, Path]:
        """For each decision a file of the hosts that come to it."""
        unknown = [f"nothing-{number}.{ZONE}.stuartpb.com" for number in range(ASKED)]
        files = {}
        for decision, names in zip(DECISIONS, (self.here, self.away, unknown), strict=True):
            spread = names[:: max(1, len(names) // ASKED)]
            files[decision] = folder / f"asked-{decision}"
            files[decision].write_text("".join(f"{name}\n" for name in spread))
        return files

    def site(self, port: int) -> str:
        """A site of two nodes with these hosts; its ingress is at this port of this node."""
        return "\n".join(
            [
                "version: 1",
                f'settings: {{home: {ZONE}, peer_authentication: {{none: {{zones: [{ZONE}]}}}}}}',
                "zones:",
                f"  {ZONE}:",
                "    nodes:",
                f'      {NODE}: {{address: "127.0.0.1:{free_port()}", ingress: ["127.0.0.1:{port}"]}}',
                f'      {OTHER}: {{address: "127.0.0.1:{free_port()}"}}',
                "services:",
                f'  one: {{at: {{{NODE}: "127.0.0.1:{free_port()}"}}}}',
                f'  two: {{at: {{{OTHER}: "127.0.0.1:{free_port()}"}}}}',
                "hosts:",
                *(f'  "{host}": one' for host in self.here + self.wildcards),
                *(f'  "{host}": two' for host in self.away),
                "",
            ]
        )
