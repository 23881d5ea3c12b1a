"""Where the program starts: `python -m composer`, or `munal`. Turns whatever comes out of the CLI into an exit status.

0 done, 1 a system was refused, 2 wrong usage, 3 a tool failed, 130 stopped from the keyboard. No fault of a person's input
shows a traceback; a fault of ours writes one into a file and says where.
"""

from __future__ import annotations

import os
import sys

from composer import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

MANY = 100_000
TOOL_FAILED, BUG, STOPPED, READER_GONE = 3, 70, 130, 141


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the CLI and exit."""
    words = sys.argv[1:] if arguments is None else arguments
    lost = True
    try:
        status = _status(words)
        sys.stdout.flush()
        lost = status == READER_GONE
    except BrokenPipeError:
        status = READER_GONE
    except OSError as error:
        # As where standard output is a file on a full disk.
        print(f"munal: files: standard output: {error.strerror}", file=sys.stderr)
        status = TOOL_FAILED
    if lost:
        # What is still buffered has nowhere to go; without this, Python complains about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _exit(status)


def _exit(status: int) -> NoReturn:
    """Exit without Python's last search for garbage: it looks at every object once more, and the system takes all of them back."""
    import gc

    gc.freeze()
    sys.exit(status)


def _status(words: list[str]) -> int:
    if words == ["--version"]:
        print(f"munal {__version__}")
        return 0
    from composer import recall

    try:
        status = recall.answered(words)
    except KeyboardInterrupt:
        return STOPPED
    except BrokenPipeError:
        return READER_GONE
    return _run(words) if status is None else status


def _run(words: list[str]) -> int:
    import gc

    # Starting makes many objects and hardly any garbage: looking through them all again and again costs more than it frees.
    gc.set_threshold(MANY, 10, 10)
    if sys.flags.no_site:
        # `munal` starts Python without what only this needs: where packages are.
        import site

        site.main()
    from composer.tools import ToolFailure

    _end_on_request()
    try:
        from composer.cli import run

        return run(words)
    except ToolFailure as failure:
        _show_failure(failure)
        return TOOL_FAILED
    except KeyboardInterrupt:
        print("munal: stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:
        return READER_GONE
    except Exception as error:
        if isinstance(error, OSError) and _full_or_closed(error):
            if error.filename is None:
                # What is opened by name says its name: this is the output itself.
                raise
            print(f"munal: files: {error.filename}: {error.strerror}", file=sys.stderr)
            return TOOL_FAILED
        _report_bug(words)
        return BUG


def _full_or_closed(error: OSError) -> bool:
    """A disk without room, or one that may not be written: wherever it is met, no fault of ours."""
    import errno

    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


def _end_on_request() -> None:
    """Let SIGTERM and SIGHUP unwind like any exit, so that children end and temporary files go."""
    import signal

    def leave(number: int, frame: object) -> NoReturn:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, leave)


def _show_failure(failure: Exception) -> None:
    output = getattr(failure, "output", "").rstrip()
    if output:
        print(output, file=sys.stderr)
    print(f"munal: {failure}", file=sys.stderr)


def _report_bug(words: list[str]) -> None:
    import platform
    import traceback

    text = f"munal {__version__}, Python {platform.python_version()}, {platform.platform()}\n{words}\n\n{traceback.format_exc()}"
    try:
        import tempfile

        from composer import cache

        folder = cache.root() / "bugs"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix="bug-", suffix=".txt", delete=False) as file:
            file.write(text)
        where = f"What happened is written down in {file.name}: please report it with that file."
    except Exception:
        where = f"Please report it with this:\n{text}"
    print(f"munal: this is a bug in Munal and no fault of yours. {where}", file=sys.stderr)


if __name__ == "__main__":
    main()
