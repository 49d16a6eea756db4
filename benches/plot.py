"""The plot of docs/performance.md: what each filter adds to a request, as bars, in SVG."""

from html import escape

from filters import DECIDING
from sites import DECISIONS

# Short enough to stand beside a bar.
LABELS = {
    "empty": "empty Wasm filter",
    "nothing": "do-nothing module",
    "lua": "Lua",
    "ext_authz": "ext_authz, Envoy alone",
    "wasm": "zoneway.wasm",
    "module": "libzoneway.so",
}
COLOURS = {"local": "#2b6cb0", "forward": "#dd6b20", "refuse": "#718096"}
MEANS = {"local": "served here", "forward": "sent on", "refuse": "refused"}
LEFT, WIDTH, BAR, GAP, TOP = 180, 560, 13, 12, 58


def svg(results) -> str:
    bars = [(name, [(decision, results.added(name, decision)) for decision in (DECISIONS if name in DECIDING else DECISIONS[:1])]) for name in LABELS]
    longest = max(value for _, values in bars for _, value in values)
    parts, y = [], TOP
    for name, values in bars:
        middle = y + len(values) * BAR / 2 + 4
        parts.append(text(LEFT - 10, middle, LABELS[name], "end"))
        for decision, value in values:
            length = max(1.0, value / longest * WIDTH)
            colour = COLOURS[decision] if name in DECIDING else "#a0aec0"
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 2}" fill="{colour}"/>')
            parts.append(text(LEFT + length + 6, y + BAR - 3, f"{value:.1f}", "start", 11))
            y += BAR
        y += GAP
    legend = [
        f'<rect x="{LEFT + 110 * n}" y="32" width="11" height="11" fill="{COLOURS[decision]}"/>' + text(LEFT + 110 * n + 17, 42, MEANS[decision], "start", 12)
        for n, decision in enumerate(DECISIONS)
    ]
    title = text(10, 20, "CPU time of Envoy added to a request, in µs; table of 10,000 hosts", "start", 14)
    size = f'width="{LEFT + WIDTH + 70}" height="{y}" viewBox="0 0 {LEFT + WIDTH + 70} {y}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', title, *legend, *parts, "</svg>", ""])


def text(x: float, y: float, content: str, anchor: str, size: int = 13) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#1a202c">{escape(content)}</text>'
