"""Other programs: their output on failure, and none of them left behind."""

import os
import select
import signal
import sys

import pytest

from composer import tools
from composer.tools import ToolFailure, run


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_output_of_both_kinds_comes_back():
    assert run("py", python("import os; os.write(1, b'out '); os.write(2, b'err')")) == "out err"


def test_a_failure_carries_what_was_said():
    with pytest.raises(ToolFailure) as caught:
        run("py", python("print('the reason'); raise SystemExit(7)"), says="it did not work")
    assert (caught.value.tool, caught.value.message) == ("py", "it did not work")
    assert "the reason" in caught.value.output


def test_a_failure_without_words_tells_the_status():
    with pytest.raises(ToolFailure, match="with status 7"):
        run("py", python("raise SystemExit(7)"))
    with pytest.raises(ToolFailure, match="SIGKILL"):
        run("py", python("import os; os.kill(os.getpid(), 9)"))


def test_a_program_that_is_not_there():
    with pytest.raises(ToolFailure, match="cannot start `/nowhere/zig`: No such file"):
        run("zig", ["/nowhere/zig"])


def test_pieces_are_cut_at_both_line_ends_and_progress_is_not_kept():
    seen = []

    def each_piece(piece):
        seen.append(piece)
        return piece.startswith("%")

    kept = run("py", python("print('%1\\r%2\\nwords')"), each_piece=each_piece)
    assert seen == ["%1", "%2", "words"]
    assert kept == "words"


def test_bytes_that_are_no_text_do_no_harm():
    assert run("py", python("import os; os.write(1, bytes([255, 65]))")) == "\ufffdA"


def test_no_input_is_inherited():
    assert run("py", python("import sys; print(repr(sys.stdin.read()))")).strip() == "''"


def test_an_interrupt_ends_the_program_and_what_it_started(tmp_path):
    pids = tmp_path / "pids"
    code = f"""
import os, time
os.fork()
with open({str(pids)!r}, "a") as file:
    file.write(f"{{os.getpid()}}\\n")
os.write(1, b"up\\n")
time.sleep(60)
"""
    ups = []

    def each_piece(piece):
        ups.append(piece)
        if ups.count("up") == 2:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        run("py", python(code), each_piece=each_piece)
    assert ups == ["up", "up"]
    first, second = map(int, pids.read_text().split())
    for pid in (first, second):
        assert _ends(pid)


def test_a_program_that_ignores_the_request_is_killed(monkeypatch):
    monkeypatch.setattr(tools, "GRACE_SECONDS", 0.05)
    pid = []

    def each_piece(piece):
        pid.append(int(piece))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("py", python("import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid(), flush=True);"
                         "time.sleep(60)"), each_piece=each_piece)
    assert _ends(pid[0])


def _ends(pid: int) -> bool:
    """Waits for a process that is not our child to end; False where it goes on for ten seconds."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 10)[0])
    finally:
        os.close(process)


def test_the_failure_reads_as_a_sentence():
    assert str(ToolFailure("cargo", "building the kernel failed")) == "cargo: building the kernel failed"


def test_signals_have_their_names():
    assert tools._how(-signal.SIGSEGV) == ": ended by SIGSEGV"


def test_what_a_program_answers_stays_apart_from_what_it_draws(tmp_path):
    """On a terminal cargo draws its progress between the lines of its answer, without an end of line of its own."""
    code = """
import sys
for number in range(200):
    sys.stderr.write(f"\\r\\x1b[KBuilding [=> ] {number}/200")
    sys.stderr.flush()
    print('{"number": %d}' % number, flush=True)
"""
    drawn = []
    with open(tmp_path / "answer", "wb") as answer:
        run("py", python(code), each_piece=lambda piece: drawn.append(piece) or True, stdout=answer)
    assert (tmp_path / "answer").read_text().splitlines() == [f'{{"number": {number}}}' for number in range(200)]
    assert "\x1b[KBuilding [=> ] 3/200" in drawn
