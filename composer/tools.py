"""Running other programs: what they say is kept and shown only where they fail, and none outlives the run that started it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess

GRACE_SECONDS = 2.0
"""How long a program that was asked to end may take before it is ended."""


class ToolFailure(Exception):
    """A program that the composer needs is missing or failed; exit status 3.

    `message` says in a sentence what happened and what to do; `output` is what the program itself said, or nothing.
    """

    def __init__(self, tool: str, message: str, output: str = "") -> None:
        super().__init__(f"{tool}: {message}")
        self.tool = tool
        self.message = message
        self.output = output


def run(tool: str, command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None,
        says: str = "", each_piece: Callable[[str], bool] | None = None, stdout: IO[bytes] | None = None) -> str:
    """Run `command` to its end and give what it wrote, standard output and errors together; the errors alone where `stdout`
    is a file for the other: on a terminal's behalf some programs write over their own lines in the midst of it.

    `says` is the sentence of the failure, if it comes to that. `each_piece` sees every line, and every state of a line that
    is written over, as it comes; where it answers True, the piece is progress and not kept.
    Raises ToolFailure. A KeyboardInterrupt, or any other way out, ends the program and all that it started.
    """
    import subprocess

    try:
        child = subprocess.Popen([str(word) for word in command], cwd=cwd, env=None if env is None else dict(env),
                                 stdin=subprocess.DEVNULL, stdout=stdout or subprocess.PIPE,
                                 stderr=subprocess.PIPE if stdout else subprocess.STDOUT, start_new_session=True)
    except OSError as error:
        raise ToolFailure(tool, f"cannot start `{command[0]}`: {error.strerror}") from error
    try:
        output = _follow(child, each_piece)
        status = child.wait()
    finally:
        end(child)
    if status != 0:
        raise ToolFailure(tool, says or f"`{Path(command[0]).name}` failed{_how(status)}", output)
    return output


def end(child: subprocess.Popen[bytes]) -> None:
    """End a child that leads its own process group, and its group with it: first asked to, then made to."""
    import subprocess

    if child.poll() is None:
        _signal(child, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_SECONDS)
        # Whatever of the group did not listen.
        _signal(child, signal.SIGKILL)
        child.wait()
    _said_by(child).close()


def _said_by(child: subprocess.Popen[bytes]) -> IO[bytes]:
    """The pipe that the child's words come through."""
    pipe = child.stdout or child.stderr
    assert pipe is not None
    return pipe


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _follow(child: subprocess.Popen[bytes], each_piece: Callable[[str], bool] | None) -> str:
    """Read the child's output to its end, cut at both `\\n` and `\\r`."""
    pipe = _said_by(child)
    if each_piece is None:
        return pipe.read().decode(errors="replace")
    kept: list[str] = []
    rest = b""
    while chunk := os.read(pipe.fileno(), 65536):
        *pieces, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
        for piece in pieces:
            text = piece.decode(errors="replace")
            if not each_piece(text):
                kept.append(text)
    if rest:
        kept.append(rest.decode(errors="replace"))
    return "\n".join(kept)


def _how(status: int) -> str:
    if status > 0:
        return f" with status {status}"
    with suppress(ValueError):
        return f": ended by {signal.Signals(-status).name}"
    return f": ended by signal {-status}"
