"""A proxy-wasm module that does nothing, as bytes: what Envoy's Wasm filter costs by itself. It exports what the real
one does on a request: one call when a stream begins, one for its headers."""

I32 = 0x7F
# (parameters, results) of each function, and its body after the locals' count: `i32.const 0` (41 00), `end` (0b).
FUNCTIONS = {
    "proxy_abi_version_0_2_1": (0, 0, b"\x0b"),
    "proxy_on_memory_allocate": (1, 1, b"\x41\x00\x0b"),
    "proxy_on_context_create": (2, 0, b"\x0b"),
    "proxy_on_request_headers": (3, 1, b"\x41\x00\x0b"),
}


def module() -> bytes:
    types = [bytes([0x60]) + vector([bytes([I32])] * taken) + vector([bytes([I32])] * given) for taken, given, _ in FUNCTIONS.values()]
    exports = [name_of("memory") + b"\x02\x00"]
    exports += [name_of(name) + b"\x00" + bytes([index]) for index, name in enumerate(FUNCTIONS)]
    bodies = [sized(b"\x00" + body) for _, _, body in FUNCTIONS.values()]
    sections = {
        1: vector(types),
        3: vector([bytes([index]) for index in range(len(FUNCTIONS))]),
        5: vector([b"\x00\x01"]),  # one page of memory, no maximum
        7: vector(exports),
        10: vector(bodies),
    }
    return b"\0asm\1\0\0\0" + b"".join(bytes([number]) + sized(content) for number, content in sections.items())


def sized(content: bytes) -> bytes:
    return unsigned(len(content)) + content


def vector(items: list[bytes]) -> bytes:
    return unsigned(len(items)) + b"".join(items)


def name_of(name: str) -> bytes:
    return sized(name.encode())


def unsigned(number: int) -> bytes:
    """LEB128."""
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)
