"""The configuration that all filters are measured in: what `zoneway envoy` renders, without what is not measured."""

from collections.abc import Callable

from filters import AUTHORIZATION

UPSTREAM = "bench_upstream"
# What a forward is answered with, to tell it from 200, what is served here.
FORWARDED = 202


def strip(bootstrap: dict, port: int, replace: Callable[[dict], dict | None], *, upstream: int | None, keeps_endpoint: bool) -> None:
    """Leaves of a bootstrap the client's listener, without an access log, with the filter replaced and with the route to what
    answers: Envoy itself, or the service at the upstream's port. Where the real filter stays, its table endpoint and its
    singleton do too."""
    static = bootstrap["static_resources"]
    kept = []
    for listener in static["listeners"]:
        address = listener["address"]
        if address.get("socket_address", {}).get("port_value") == port:
            for chain in [*listener["filter_chains"], *filter(None, [listener.get("default_filter_chain")])]:
                manager(chain["filters"][0]["typed_config"], replace, local=served(upstream))
            kept.append(listener)
        elif "pipe" in address and keeps_endpoint:
            kept.append(listener)
    static["listeners"] = kept
    if upstream:
        static.setdefault("clusters", []).append(cluster(UPSTREAM, upstream))
    if not keeps_endpoint:
        bootstrap.pop("bootstrap_extensions", None)


def served(upstream: int | None) -> dict:
    if upstream:
        return {"route": {"cluster": UPSTREAM, "timeout": "0s"}}
    return {"direct_response": {"status": 200}}


def manager(config: dict, replace: Callable[[dict], dict | None], local: dict) -> None:
    """A forward is found by its header, as in the real configuration; what it would be sent to answers at once."""
    config.pop("rds", None)
    config.pop("access_log", None)
    forward = {"prefix": "/", "headers": [{"name": "x-zoneway-cluster", "present_match": True}]}
    routes = [{"match": forward, "direct_response": {"status": FORWARDED}}, {"match": {"prefix": "/"}} | local]
    config["route_config"] = {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]}
    own, *others = config["http_filters"]
    replacement = replace(own)
    config["http_filters"] = ([replacement] if replacement else []) + others


def cluster(name: str, port: int, **more: object) -> dict:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    limits = {"thresholds": [{"max_connections": 4096, "max_pending_requests": 4096, "max_requests": 4096}]}
    assignment = {"cluster_name": name, "endpoints": endpoints}
    return {"name": name, "type": "STATIC", "load_assignment": assignment, "circuit_breakers": limits} | more


def authorization(port: int) -> dict:
    """The cluster of the gRPC service."""
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    http2 = {"@type": f"type.googleapis.com/{options}", "explicit_http_config": {"http2_protocol_options": {}}}
    return cluster(AUTHORIZATION, port, typed_extension_protocol_options={options: http2})
