"""Measures and colours of the SVG: one place for what it looks like, in light and in dark."""

from __future__ import annotations

import unicodedata

from composer.drawing.picture import Tie

MARGIN, TITLE = 28, 48
HEAD, ROW, SOURCE = 42, 22, 42
"""Heights in pixels: of a box's head, of one of its rows, of a source."""
CHAR, SMALL = 7.3, 6.7
"""Widths of a character of the two sizes of text: wide enough for every monospaced font."""

ARROW_TIES = (Tie.STREAM, Tie.CHANNEL, Tie.SERVICE, Tie.FILES, Tie.CONTROL)
LEGEND = {Tie.HARDWARE: "holds", Tie.KERNEL: "may use, of the kernel", Tie.STREAM: "stream", Tie.CHANNEL: "channel", Tie.SERVICE: "service", Tie.FILES: "files", Tie.CONTROL: "may start and stop"}

_LIGHT = {
    "paper": "#ffffff", "ink": "#0f172a", "muted": "#64748b", "body": "#ffffff", "edge": "#cbd5e1", "driver": "#fde68a", "service": "#a7f3d0",
    "program": "#bfdbfe", "source": "#f8fafc", "kernelsource": "#eef2ff", "hardware": "#b45309", "kernel": "#6366f1", "stream": "#2563eb", "channel": "#a21caf", "svc": "#059669",
    "files": "#0e7490", "control": "#e11d48",
}
_DARK = {
    "paper": "#0b1120", "ink": "#e2e8f0", "muted": "#94a3b8", "body": "#111c30", "edge": "#334155", "driver": "#713f12", "service": "#065f46",
    "program": "#1e40af", "source": "#0f1a2e", "kernelsource": "#1e1b4b", "hardware": "#f59e0b", "kernel": "#a5b4fc", "stream": "#60a5fa", "channel": "#e879f9", "svc": "#34d399",
    "files": "#22d3ee", "control": "#fb7185",
}
_RULES = """\
.paper{{fill:{paper}}}text{{fill:{ink}}}text.detail{{fill:{muted}}}
.box .body{{fill:{body};stroke:{edge}}}.driver .head{{fill:{driver}}}.service .head{{fill:{service}}}.program .head{{fill:{program}}}
.box .detail{{fill:{muted}}}.box .head~.detail{{fill:{muted}}}.box circle{{fill:{body};stroke:{muted}}}
.source rect{{fill:{source};stroke:{hardware}}}.source.kernel rect{{fill:{kernelsource};stroke:{kernel}}}
.line.hardware{{stroke:{hardware}}}.line.kernel{{stroke:{kernel}}}.line.stream{{stroke:{stream}}}.line.channel{{stroke:{channel}}}.line.service{{stroke:{svc}}}.line.files{{stroke:{files}}}.line.control{{stroke:{control}}}
marker.stream{{fill:{stream}}}marker.channel{{fill:{channel}}}marker.service{{fill:{svc}}}marker.files{{fill:{files}}}marker.control{{fill:{control}}}
"""
_SHAPES = """
text{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:12px}
text.title{font-size:19px;font-weight:700}text.name{font-size:13px;font-weight:700}text.detail{font-size:11px}
text.middle{text-anchor:middle}text.end{text-anchor:end}
.line{fill:none;stroke-width:1.6}.line.kernel{stroke-dasharray:1.5 4;stroke-linecap:round}.line.control{stroke-width:1.2;stroke-dasharray:6 4}
.box .body,.source rect{stroke-width:1.2}.box circle{stroke-width:1.4}
"""
STYLE = f"{_SHAPES}{_RULES.format(**_LIGHT)}@media (prefers-color-scheme:dark){{\n{_RULES.format(**_DARK)}}}\n"


def columns(text: str) -> int:
    """Columns of a monospaced font that a text takes (Unicode Standard Annex 11)."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
