"""Names out of a binary, made fit to be shown: nothing that a binary calls itself can disturb a terminal or a message."""

from __future__ import annotations

_LONGEST = 96
"""Characters that are shown of a name."""
_EMPTY = "(no name)"


def shown(name: str) -> str:
    """The name on one line, without quotes, control characters or text that runs backwards, cut where it is long; never nothing."""
    text = "".join(char if _is_plain(char) else f"\\u{{{ord(char):x}}}" for char in name[:_LONGEST])
    return text + "..." if len(name) > _LONGEST else text or _EMPTY


def _is_plain(char: str) -> bool:
    return char.isprintable() and char not in "`\"\\"
