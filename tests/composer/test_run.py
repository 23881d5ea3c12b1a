"""Running a machine, without one: what of the serial line is shown, what is kept back, and how an ending is told."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer import accel, qemu
from composer.guest import Ending, Guest, Outcome
from composer.qmp import Event, Qmp
from composer.run import RunOptions, Session, Why
from composer.screen import MOST_HIDDEN, LastWords, Screen
from composer.system import Access
from composer.terminal import Ended, Keys, ending_signals
from composer.tools import ToolFailure
from tests.composer.systems import app, instance, need, system

FIRMWARE = b"\x1b[2J\x1b[01;01H\x1b[=3hBdsDxe: starting Boot0001 munal disk\r\n"
BANNER = b"munal 0.1.0: console\r\nmunal> "


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(p % (len(data) + 1) for p in places), len(data)]
    return [data[a:b] for a, b in zip(ends, ends[1:], strict=False)]


@given(st.lists(st.integers(0, 1000), max_size=12))
def test_however_it_is_cut_the_screen_begins_at_the_banner(places):
    screen = Screen()
    assert b"".join(screen.feed(part) for part in cut(FIRMWARE + BANNER, places)) == BANNER
    assert (screen.open, screen.hidden()) == (True, b"")


@pytest.mark.parametrize("text", [b"say munal here\r\n", b"munalx", FIRMWARE, b"\x1b[1mmuna"])
def test_what_is_no_banner_stays_hidden_and_is_kept(text):
    screen = Screen()
    assert (screen.feed(text), screen.open, screen.hidden()) == (b"", False, text)


@pytest.mark.parametrize("before", [b"", b"\r\n", b"\n", b"\x1b[0m", b"\r\x1b[2J\x1b[1;1H"])
def test_a_banner_may_follow_what_moves_the_cursor(before):
    assert Screen().feed(before + BANNER) == BANNER


@pytest.mark.parametrize("words", [b"munal: this image does not boot: it is odd\r\n", b"kernel panic: no memory (boot.rs)\r\n"])
def test_why_a_kernel_does_not_start_is_shown(words):
    assert Screen().feed(FIRMWARE + words) == words


def test_all_is_shown_where_the_firmware_is_wanted():
    screen = Screen(show_firmware=True)
    assert screen.feed(FIRMWARE) + screen.feed(BANNER) == FIRMWARE + BANNER
    assert screen.open


def test_a_reset_hides_again_and_what_is_hidden_is_bounded():
    screen = Screen()
    screen.feed(BANNER)
    screen.close()
    assert screen.feed(b"x" * (MOST_HIDDEN + 9)) == b"" and len(screen.hidden()) == MOST_HIDDEN


@given(st.binary())
def test_keys_pass_all_but_control_a(typed):
    plain = typed.replace(b"\x01", b"")
    keys = Keys()
    assert (keys.feed(plain), keys.leave) == (plain, False)


@pytest.mark.parametrize(("parts", "passed", "leave"), [
    ([b"a\x01x"], b"a", True), ([b"\x01", b"X"], b"", True), ([b"\x01\x01x"], b"\x01x", False), ([b"\x01cx"], b"x", False),
])
def test_control_a_x_leaves_even_in_two_pieces(parts, passed, leave):
    keys = Keys()
    assert (b"".join(keys.feed(p) for p in parts), keys.leave) == (passed, leave)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_once_and_handlers_come_back(number):
    before = signal.getsignal(number)
    with pytest.raises(Ended) as ended, ending_signals():
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)
    assert ended.value.status == 128 + number
    assert signal.getsignal(number) is before


class FakeQemu:
    """The other ends of a guest's sockets, and a process that never ran."""

    def __init__(self, folder, **options):
        self.serial, serial = socket.socketpair()
        self.qmp, qmp = socket.socketpair()
        self.returncode = 0
        (folder / "stderr").write_text("")
        machine = qemu.Machine(**options)
        self.guest = Guest(self, serial, Qmp(qmp), machine, folder)
        serial.setblocking(False)
        self.typed, self.keyboard = os.pipe()
        self.shown, self.screen = os.pipe()

    def wait(self, _timeout=None):
        return self.returncode

    def kill(self):
        self.killed = True

    def says(self, **message):
        self.qmp.sendall(json.dumps(message).encode() + b"\r\n")

    def ends(self, status=0):
        self.returncode = status
        self.serial.close()
        self.qmp.close()

    def session(self, *, deadline=None, may_fall_back=False, **options):
        made = RunOptions(input=self.typed, output=self.screen, **options)
        return Session(self.guest, made, False, deadline, may_fall_back)

    def printed(self):
        os.close(self.screen)
        with open(self.shown, "rb") as reader:
            return reader.read()


@pytest.fixture
def fake(tmp_path):
    def make(**options):
        return FakeQemu(tmp_path, **options)

    return make


def test_input_waits_for_the_banner(fake):
    qemu_ = fake()
    os.write(qemu_.keyboard, b"ps\n")
    session = qemu_.session()
    qemu_.serial.sendall(FIRMWARE)
    session._turn([qemu_.guest.serial], [])
    assert qemu_.typed not in session._readers()
    qemu_.serial.sendall(BANNER)
    session._turn([qemu_.guest.serial], [])
    session._turn([qemu_.typed], [])
    session._turn([], session._writers())
    assert qemu_.serial.recv(100) == b"ps\n"


def test_no_byte_is_lost_to_a_guest_that_reads_slowly(fake):
    """A megabyte through sockets whose buffers hold little; the guest reads in small pieces and then powers off."""
    qemu_ = fake()
    for end in (qemu_.serial, qemu_.guest.serial):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    sent, got = os.urandom(1 << 20), bytearray()

    def type_all():
        with open(qemu_.keyboard, "wb") as keyboard:
            keyboard.write(sent)

    def listen():
        qemu_.serial.sendall(BANNER)
        while len(got) < len(sent):
            got.extend(qemu_.serial.recv(777))
        qemu_.says(event="SHUTDOWN", data={"guest": True, "reason": "guest-shutdown"})
        qemu_.ends()

    threads = [threading.Thread(target=each) for each in (type_all, listen)]
    for thread in threads:
        thread.start()
    session = qemu_.session()
    assert session.status(session.serve()) == 0
    for thread in threads:
        thread.join()
    assert got == sent


@pytest.mark.parametrize(("reason", "status", "options", "told"), [
    ("guest-shutdown", 0, {}, (Ending.POWER_OFF, 0)),
    ("guest-reset", 0, {"reboot": False}, (Ending.RESET, 0)),
    ("host-ui", 0, {}, (Ending.WINDOW_CLOSED, 0)),
    (None, 15, {"debug_exit": True}, (Ending.DEBUG_EXIT, 7)),
    (None, 1, {"debug_exit": True}, (Ending.DEBUG_EXIT, 0)),
    (None, 15, {}, (Ending.BROKEN, 15)),
    (None, -9, {"debug_exit": True}, (Ending.BROKEN, -9)),
    ("guest-panic", 0, {}, (Ending.BROKEN, 0)),
])
def test_how_qemu_ended_is_told(fake, reason, status, options, told):
    qemu_ = fake(**options)
    if reason:
        qemu_.says(event="SHUTDOWN", data={"guest": True, "reason": reason})
    qemu_.ends(status)
    assert qemu_.guest.outcome() == Outcome(*told, "")


def test_a_qemu_that_did_not_start_is_no_debug_exit(fake):
    qemu_ = fake(debug_exit=True)
    (qemu_.guest.folder / "stderr").write_text("qemu: no such option\n")
    qemu_.ends(1)
    assert qemu_.guest.outcome() == Outcome(Ending.BROKEN, 1, "qemu: no such option")


def test_a_machine_that_ends_before_its_banner_shows_what_it_said(fake):
    qemu_ = fake()
    qemu_.serial.sendall(FIRMWARE)
    qemu_.ends(2)
    session = qemu_.session()
    with pytest.raises(ToolFailure, match="before the kernel said anything"):
        session.status(session.serve())
    assert qemu_.printed() == FIRMWARE + b"\n"


def test_a_run_that_takes_too_long_is_stopped(fake, capsys):
    qemu_ = fake()
    session = qemu_.session(deadline=0.0, timeout=3.0)
    assert session.status(session.serve()) == 124
    assert "still ran after 3 seconds" in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_the_run(fake):
    qemu_ = fake()
    os.close(qemu_.shown)
    qemu_.serial.sendall(BANNER)
    session = qemu_.session()
    assert session.status(session.serve()) == 141


@pytest.mark.parametrize(("may_fall_back", "why"), [(True, Why.ACCELERATOR_FAILED), (False, Why.GUEST_ENDED)])
def test_an_internal_error_makes_room_for_the_next_accelerator(fake, may_fall_back, why):
    qemu_ = fake(accel="kvm")
    qemu_.says(**{"return": {"status": "internal-error", "running": False}})
    session = qemu_.session(may_fall_back=may_fall_back)
    assert session.serve() is why
    if not may_fall_back:
        with pytest.raises(ToolFailure, match="internal error of kvm .*--accel tcg"):
            session.status(why)


def test_a_machine_that_says_nothing_makes_room_for_the_next_accelerator(fake):
    qemu_ = fake(accel="kvm")
    session = qemu_.session(may_fall_back=True)
    session.first_word_by = 0.0
    assert session.serve() is Why.ACCELERATOR_FAILED


def test_qmp_is_greeted_and_its_messages_come_in_any_pieces():
    theirs, ours = socket.socketpair()
    qmp = Qmp(ours)
    told = b'{"QMP": {}}\r\n{"event": "RESET", "data": {"guest": true}}\r\nnonsense\r\n[1]\r\n{"return": {"status": "running"}}\r\n'
    events = []
    for part in cut(told, [3, 20, 50, 51, 90]):
        theirs.sendall(part)
        events += list(qmp.receive())
    assert events == [Event("RESET", {"guest": True}), Event("status", {"status": "running"})]
    assert [json.loads(line)["execute"] for line in theirs.recv(1000).splitlines()] == ["qmp_capabilities", "query-status"]
    theirs.close()
    assert (list(qmp.receive()), qmp.open) == ([], False)


FILES = qemu.Firmware("/code.fd", "/vars.fd")


@pytest.mark.parametrize(("options", "present", "absent"), [
    ({}, "-vga none -device VGA,id=picture", "isa-debug"),
    ({"picture": False}, "-vga none -drive", "VGA"),
    ({}, "base=utc", "-no-reboot"),
    ({"debug_exit": True}, "isa-debug-exit,iobase=0xf4,iosize=1", "-no-reboot"),
    ({"reboot": False}, "-no-reboot", "isa-debug-exit"),
    ({"rtc": "2026-01-02T03:04:05"}, "base=2026-01-02T03:04:05", "base=utc"),
    ({"accel": "kvm"}, "-accel kvm -cpu host", "tcg"),
    ({}, "-machine q35", "-machine pc"),
    ({"type": "pc"}, "-machine pc", "q35"),
    ({"memory_mib": 2048}, "-m 2048 ", "-m 512 "),
    ({"counted": True}, "-icount shift=3,sleep=off", "clock=host"),
    ({"counted": True, "instruction_shift": 4}, "clock=vm -icount shift=4,sleep=off", "clock=host"),
    ({"counted": True, "accel": "kvm"}, "clock=host", "-icount"),
    ({}, "clock=host", "-icount"),
])
def test_the_command_line_holds_what_was_chosen(options, present, absent):
    words = " ".join(qemu.command("qemu", qemu.Machine(**options), FILES, "/copy.fd", "disk", 7, 8))
    assert present in words and absent not in words


def test_a_comma_in_a_path_does_not_end_an_option():
    words = qemu.command("qemu", qemu.Machine(), FILES, "/a,b/copy.fd", "fat:/a,b", 7, 8)
    assert any(w.endswith("file=/a,,b/copy.fd") for w in words) and any(w.endswith("file=fat:/a,,b") for w in words)


@given(st.integers(0, 255))
def test_the_debug_exit_gives_back_what_was_written(value):
    status = value << 1 | 1
    assert qemu.guest_status(status & 0xFF) == value & 0x7F
    assert qemu.guest_status(status & 0xFE) is None


def test_the_quickest_firmware_is_found_first(tmp_path):
    with pytest.raises(ToolFailure, match="install the package"):
        qemu.find_firmware([str(tmp_path)])
    for name in ("OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd", "OVMF_CODE.fd"):
        (tmp_path / name).write_bytes(b"")
    assert qemu.find_firmware([str(tmp_path)]).code.name == "OVMF_CODE_4M.fd"
    (tmp_path / "OVMF_VARS.fd").write_bytes(b"")
    assert qemu.find_firmware([str(tmp_path)]).code.name == "OVMF_CODE.fd"


@pytest.mark.parametrize(("base", "length", "granted"), [(0xF4, 1, True), (0xF0, 5, True), (0xF5, 1, False), (0xF0, 4, False)])
def test_the_debug_exit_is_there_for_who_may_write_it(base, length, granted):
    exit_ = need("port", "exit", length=length, access=Access.WRITE)
    assert qemu.grants_debug_exit(system(instance("one", app("one", exit_), exit={"base": base}))) == granted


@pytest.fixture
def kvm(tmp_path, monkeypatch):
    """A computer with a KVM device, and nothing remembered about it."""
    device = tmp_path / "kvm"
    device.write_bytes(b"")
    monkeypatch.setattr(accel, "DEVICE", device)
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    return device


def test_kvm_is_tried_first_and_a_failure_is_remembered(kvm, monkeypatch):
    assert accel.candidates("auto", "true") == ("kvm", "tcg")
    accel.remember_failure("true")
    assert accel.candidates("auto", "true") == ("tcg",)
    assert accel.candidates("kvm", "true") == ("kvm",)
    monkeypatch.setattr(accel, "_processor", lambda: "another processor")
    assert accel.candidates("auto", "true") == ("kvm", "tcg")


def test_without_kvm_nothing_is_tried(kvm):
    kvm.unlink()
    assert accel.candidates("auto", "true") == ("tcg",)


@pytest.mark.parametrize(("display", "headless", "chosen"), [("", False, None), (":0", True, None), (":0", False, "gtk")])
def test_a_window_opens_only_where_there_is_a_display(monkeypatch, display, headless, chosen):
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(qemu, "windows", lambda _: ("gtk", "sdl"))
    assert qemu.choose_display("qemu", headless) == chosen




@given(st.lists(st.integers(1, 9)))
def test_a_panic_is_noticed_by_its_first_and_last_line_in_pieces_of_any_size(sizes):
    said = b"munal 1\r\nkernel panic: no\r\n  at here\r\nthe machine is halted\r\n"
    watch, pieces = LastWords(), []
    for size in [*sizes, len(said)]:
        pieces.append(said[:size])
        said = said[size:]
    assert [watch.feed(piece) for piece in pieces].count(True) == 1 and watch.heard


@pytest.mark.parametrize("said", [
    b"the machine is halted\n", b"a kernel panic: no\nthe machine is halted\n", b"kernel panic: no\nthe machine is reset\n",
    b"kernel panic: no\nthe machine is halted", b"kernel panic: no\n> the machine is halted\n", b"x" * 100_000,
])
def test_what_is_no_panic_that_halts_is_none(said):
    watch = LastWords()
    assert not watch.feed(said) and not watch.heard


@pytest.mark.parametrize(("registers", "halted", "asks"), [
    ("RIP=0 RFL=00000046 HLT=1", True, 0), ("RIP=0 RFL=00000246 HLT=1", False, 0), ("RIP=0 RFL=00000046 HLT=0", False, 1), ("", False, 0),
])
def test_a_processor_halts_for_good_where_nothing_can_interrupt_it(registers, halted, asks):
    """One that is about to halt is asked again; one that merely sleeps is not, whatever was said on its line."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        guest = Guest(None, None, Qmp(ours), qemu.Machine(), Path())
        guest.ask_whether_halted()
        theirs.sendall(json.dumps({"return": registers}).encode() + b"\n")
        guest.watch()
        assert guest.halted is halted
        assert theirs.recv(4096).count(b"info registers") == 1 + asks
