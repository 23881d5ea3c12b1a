"""A picture as a tree of text: each instance with what it holds, whom it asks, and who asks it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from composer.drawing.picture import Box, Line, Picture, Tie

Branch = tuple[str, Sequence[str]]


def to_text(picture: Picture) -> str:
    """The tree, drawn with lines. Ends with a line end."""
    lines = [f"{picture.name}: {picture.summary}"]
    branches = [(f"{box.name}  ({box.app}, {box.kind})", list(_leaves(picture, box))) for box in picture.boxes]
    for last, (head, leaves) in _marked(branches):
        lines.append(f"{'└─' if last else '├─'} {head}")
        lines += [f"{'   ' if last else '│  '}{'└─' if final else '├─'} {leaf}" for final, leaf in _marked(leaves)]
    return "".join(f"{line}\n" for line in lines)


def _marked(items: Sequence) -> Iterator[tuple[bool, object]]:
    """Each with whether it is the last."""
    return ((place == len(items) - 1, item) for place, item in enumerate(items))


def _leaves(picture: Picture, box: Box) -> Iterator[str]:
    for need in box.needs:
        own = [line for line in picture.lines if (line.client, line.need) == (box.name, need.key)]
        ends = [_end(picture, line) for line in own] or ["nothing"]
        yield f"{need.name} → {', '.join(ends)}"
    for provide in box.provides:
        clients = [line for line in picture.lines if (line.server, line.provide) == (box.name, provide.key)]
        asked = ", ".join(f"{line.client} ({line.label})" for line in clients) or "nobody"
        yield f"{provide.name} ← {asked}"
    if masters := [line.client for line in picture.lines if line.tie is Tie.CONTROL and line.server == box.name]:
        yield f"controlled by {', '.join(masters)}"


def _end(picture: Picture, line: Line) -> str:
    source = next((source for source in picture.sources if source.key == line.server), None)
    if line.tie in (Tie.HARDWARE, Tie.KERNEL) and source:
        return f"{source.name} ({source.detail})"
    provide = line.provide.partition(".")[2]
    return f"{line.server}.{provide} ({line.label})" if provide else line.server
