"""What a command line said, kept with the status of every file that it depends on: asked again with none of them touched,
the same is said again.

Gets the words of a command line; prints what was printed then and gives its exit status, or None. Imports next to nothing, for
this is what a person waits for most often. Where a file was touched, stamp.py looks at content.
"""

from __future__ import annotations

import os
import sys
import time
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO, Any

    Looks = dict[str, os.stat_result | None]

FOLDER = "recall"
FORM = b"munal recall 1\n"
SETTLED_NS = 100_000_000
"""A file whose status changed this recently may change again without showing it."""

OUT, ERR = 1, 2
NAMES = frozenset(("PATH", "HOME", "LANG", "LANGUAGE", "TERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TMPDIR"))
PREFIXES = ("MUNAL_", "XDG_", "LC_", "RUST", "CARGO", "PYTHON")
"""The environment's variables that an answer or its looks can depend on."""


def answered(words: list[str]) -> int | None:
    """Say what was said to the same words, where nothing that it depends on was touched since; gives the exit status.

    None where there is nothing to say again: then this run's own answer may be kept by `saying`.
    """
    question = _question(words)
    RUN.start(question)
    kept = _read(question) if question else None
    if kept is None:
        return None
    status, *said = kept
    for stream, text in zip(said[::2], said[1::2], strict=True):
        (sys.stdout if stream == b"1" else sys.stderr).write(text.decode("utf-8", "surrogatepass"))
    return int(status)


def look(path: str) -> os.stat_result | None:
    """The status of a file or folder; None for what is not there."""
    try:
        return os.stat(path)
    except OSError:
        return None


def shown(stat: os.stat_result | None) -> str:
    """A status as text: another one whenever a file changes, or what is in a folder."""
    return f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}" if stat else ""


def cache_root() -> str:
    """The folder of all that is kept: $MUNAL_CACHE, else $XDG_CACHE_HOME/munal, else ~/.cache/munal."""
    named, base = os.environ.get("MUNAL_CACHE"), os.environ.get("XDG_CACHE_HOME")
    return os.path.abspath(named or (os.path.join(base, "munal") if base else os.path.expanduser("~/.cache/munal")))


class Run:
    """What this process was asked, and what it looked at so far for an answer that an earlier run had found."""

    def __init__(self) -> None:
        self.start(None)

    def start(self, question: bytes | None) -> None:
        self.question = question
        self.started = time.time_ns()
        self.found = False
        self.looks: list[Looks] = []

    def look(self, *paths: str | os.PathLike[str]) -> None:
        """Note that the answer depends on whether these are there, and what they are."""
        names = [os.path.abspath(path) for path in paths]
        self.looks.append({name: look(name) for name in names})

    def depend(self, *looks: Looks) -> None:
        """An answer was found again by content, after looking at all of these; they may still grow."""
        self.found = True
        self.looks += looks

    def forget(self) -> None:
        """An answer had to be made anew: what is said now is not what is said the next time."""
        self.question = None

    def seen(self) -> dict[str, str] | None:
        """The status of all that the answer depends on. None where one changed too recently, or while this ran."""
        settled = self.started - SETTLED_NS
        merged: dict[str, str] = {}
        for path, stat in (item for looks in self.looks for item in looks.items()):
            if stat and stat.st_ctime_ns > settled or merged.setdefault(path, shown(stat)) != shown(stat):
                return None
        return merged


RUN = Run()


def saying(say: Callable[[], int]) -> int:
    """Do what prints an answer and gives the exit status, and keep both where the answer was found again by content."""
    if not (RUN.question and RUN.found):
        return say()
    said: list[tuple[int, str]] = []
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Tee(out, OUT, said), _Tee(err, ERR, said)  # type: ignore[assignment]
    try:
        status = say()
    finally:
        sys.stdout, sys.stderr = out, err
    _keep(status, said)
    return status


class _Tee:
    """A text stream that also notes what is written to it."""

    def __init__(self, stream: IO[str], number: int, said: list[tuple[int, str]]) -> None:
        self._stream, self._number, self._said = stream, number, said

    def write(self, text: str) -> int:
        self._said.append((self._number, text))
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _question(words: list[str]) -> bytes | None:
    """All that decides the answer and is no file: the words, where and with what they are said, and what they are said to."""
    try:
        here = os.getcwd()
    except OSError:
        return None
    screens = [str(os.get_terminal_size(stream)) if os.isatty(stream) else "" for stream in (OUT, ERR)]
    settings = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name in NAMES or name.startswith(PREFIXES)]
    return _pack([os.fsencode(part) for part in (__file__, sys.executable, sys.version, here, *screens, *settings, "", *words)])


def _read(question: bytes) -> list[bytes] | None:
    """The status and what was said, unless a file that counts is another now."""
    try:
        with open(_path(question), "rb") as file:
            form, checksum, packed = file.readline(), file.readline(), file.read()
        if form != FORM or int(checksum, 16) != crc32(packed):
            return None
        asked, seen, *answer = _unpack(packed)
    except (OSError, ValueError):
        return None
    looks = os.fsdecode(seen).split("\0")
    unchanged = asked == question and all(shown(look(path)) == status for path, status in zip(looks[::2], looks[1::2], strict=True))
    return answer if unchanged else None


def _keep(status: int, said: list[tuple[int, str]]) -> None:
    """An answer that cannot be kept is found by content the next time: no reason to fail."""
    from composer import cache
    from composer.tools import ToolFailure

    seen, question = RUN.seen(), RUN.question
    if not seen or not question:
        return
    looks = "\0".join(part for look in seen.items() for part in look)
    pieces = [piece for stream, text in said for piece in (b"%d" % stream, text.encode("utf-8", "surrogatepass"))]
    packed = _pack([question, os.fsencode(looks), b"%d" % status, *pieces])
    try:
        cache.write_if_changed(cache.root() / FOLDER / os.path.basename(_path(question)), FORM + b"%08x\n" % crc32(packed) + packed)
    except ToolFailure:
        return


def _path(question: bytes) -> str:
    """Where the answer to a question lies. Two that share a name take turns: the file holds the whole question."""
    return os.path.join(cache_root(), FOLDER, f"{crc32(question):08x}")


def _pack(parts: list[bytes]) -> bytes:
    """Parts that `_unpack` gives back, whatever they hold."""
    return b" ".join(b"%d" % len(part) for part in parts) + b"\n" + b"".join(parts)


def _unpack(packed: bytes) -> list[bytes]:
    """Raises ValueError for what `_pack` did not make."""
    lengths, _, rest = packed.partition(b"\n")
    parts, start = [], 0
    for length in map(int, lengths.split()):
        parts.append(rest[start:start + length])
        start += length
    if start != len(rest):
        raise ValueError("cut off")
    return parts
