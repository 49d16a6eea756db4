"""HTTP over a Unix socket, as far as the demonstration asks Envoy's admin and the table endpoint."""

import http.client
import json
import socket
from pathlib import Path


class Connection(http.client.HTTPConnection):
    """A connection to a socket's path."""

    def __init__(self, path: Path) -> None:
        super().__init__("zoneway", timeout=5)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def get(path: Path, target: str) -> str | None:
    """The body of a 200 answer; nothing where there is no other answer."""
    connection = Connection(path)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        body = response.read().decode()
        return body if response.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def get_json(path: Path, target: str) -> dict | None:
    """The same, of JSON."""
    body = get(path, target)
    return json.loads(body) if body else None
