"""The demonstration's services: each says what it is, where it runs and which way the request came."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


def start(name: str, node: str, pair: tuple[str, int]) -> ThreadingHTTPServer:
    """Serves `name` of `node` at an address, in a thread that ends with the program."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One write for head and body, sent at once: else the second waits for the first one's acknowledgement.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:  # noqa: N802 (the name is http.server's)
            body = f"{name}{self.path}, served on {node}; {came(self.headers)}\n".encode()
            self.send_response(200)
            self.send_header("content-type", "text/plain")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Envoy's access log tells of requests; twice is too often."""

    server = ThreadingHTTPServer(pair, Handler)
    Thread(target=server.serve_forever, name=f"{name} on {node}", daemon=True).start()
    return server


def came(headers) -> str:
    trail = headers.get("x-zoneway-trail")
    if trail is None:
        return "asked for at this node"
    return f"asked for by zone {headers.get('x-zoneway-source')}, by way of {trail.replace(',', ', ')}"
