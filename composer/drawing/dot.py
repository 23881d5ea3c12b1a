"""A picture in Graphviz' language DOT, for those who lay graphs out with it. Every name is a quoted, escaped string."""

from __future__ import annotations

from collections.abc import Iterator

from composer.drawing.picture import Box, Line, Picture, Source, Tie

_STYLES = {
    Tie.HARDWARE: 'color="#b45309", arrowhead=none', Tie.KERNEL: 'color="#64748b", arrowhead=none', Tie.STREAM: 'color="#1d4ed8"',
    Tie.CHANNEL: 'color="#a21caf"', Tie.SERVICE: 'color="#047857"', Tie.FILES: 'color="#0e7490"', Tie.CONTROL: 'color="#be123c", style=dashed, constraint=false',
}
_FILLS = {"driver": "#fef3c7", "service": "#d1fae5", "program": "#dbeafe"}


def to_dot(picture: Picture) -> str:
    """A digraph from left to right; lines point from who asks to who answers. Ends with a line end."""
    body = [*map(_source, picture.sources), *map(_box, picture.boxes), *_edges(picture)]
    head = ["rankdir=RL", f"label={quoted(f'{picture.name}: {picture.summary}')}", 'node [shape=box, style="rounded,filled", fontname="Helvetica"]',
            'edge [fontname="Helvetica", fontsize=10]']
    return "".join((f"digraph {quoted(picture.name)} {{\n", *(f"  {line};\n" for line in (*head, *body)), "}\n"))


def quoted(text: str) -> str:
    """A DOT string: quotes and backslashes are escaped, and nothing in it is an escape of DOT's own."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _source(source: Source) -> str:
    return f'{quoted(f"source {source.key}")} [label={_lines(source.name, source.detail)}, fillcolor="#f1f5f9", style=filled]'


def _box(box: Box) -> str:
    return f'{quoted(box.name)} [label={_lines(box.name, f"{box.app}, {box.kind}")}, fillcolor="{_FILLS[box.kind]}"]'


def _lines(first: str, second: str) -> str:
    return f"{quoted(first)[:-1]}\\n{quoted(second)[1:]}"


def _edges(picture: Picture) -> Iterator[str]:
    for line in picture.lines:
        yield f"{quoted(line.client)} -> {quoted(_target(line))} [{_label(line)}{_STYLES[line.tie]}]"


def _target(line: Line) -> str:
    return f"source {line.server}" if line.tie in (Tie.HARDWARE, Tie.KERNEL) else line.server


def _label(line: Line) -> str:
    words = line.need.partition(".")[2] if line.tie in (Tie.HARDWARE, Tie.KERNEL) else line.label
    return f"label={quoted(words)}, " if words else ""
