"""`munal bench devices`: what it prints is complete and plausible. How fast anything is, no test says."""

from __future__ import annotations

import json
import lzma
import re
import socket

import pytest

from composer.tools import ToolFailure
from tests.bench import bench_devices
from tests.bench.devices import keys, linux, machines, work
from tests.bench.kernel import debian
from tests.bench.kernel.guests import Question, Reading, in_turns, passed_of
from tests.bench.kernel.linux import SOURCES
from tests.bench.kernel.rows import Row
from tests.boot.workspace import REPOSITORY


# Figures

class Guest:
    """Takes so many nanoseconds for each operation, and does all of them but `failed`."""

    def __init__(self, nanoseconds: int, failed: int = 0):
        self.nanoseconds, self.failed, self.asked = nanoseconds, failed, []

    def ask(self, name, operations, samples):
        self.asked.append((name, operations, samples))
        times = [operations * self.nanoseconds] * samples
        return Reading(operations, f"{operations - self.failed:016x}", (10 * times[0], *times[1:]), 1)


def test_a_disks_speed_is_in_bytes_of_its_requests():
    ours, theirs = Guest(100_000), Guest(400_000)
    rows = {row.name: row for row in work.disk_rows(ours, theirs, turns=2, samples=3)}
    row = rows["virtio disk, reads of 64 KiB in order"]
    assert (row.value, row.peer_value, row.ratio, row.met) == (pytest.approx(655.36), pytest.approx(163.84), 4.0, True)
    assert rows["SATA disk, reads of 4 KiB anywhere"].value == pytest.approx(40.96)
    assert ours.asked[:3] == [("virtio/read-65536", 64, count) for count in (1, 3, 3)] and len(rows) == 12


def test_a_network_is_measured_in_answers_a_second():
    row = work.network_row(Guest(50_000), Guest(40_000), turns=1, samples=3)
    assert (row.value, row.peer_value, row.ratio, row.met) == (pytest.approx(20_000), pytest.approx(25_000), pytest.approx(0.8), False)


def test_a_request_that_was_not_done_ends_the_benchmark():
    with pytest.raises(ToolFailure, match="of 128 operations of `network`, 127 went well"):
        work.network_row(Guest(1), Guest(1, failed=1), turns=1, samples=1)


def test_a_sample_that_was_held_up_does_not_count():
    guest = Guest(7)
    assert in_turns([Question(guest, "network", 10)], 1, 3, passed_of).times == ((7.0,),)


# Keys

class Pressed:
    """A guest that says what it is to say for each key, at once."""

    def __init__(self, says, saw):
        self.ours, self.signal = socket.socketpair()
        self.signal.settimeout(0.05)
        self.machine, self.guest, self.qmp, self.question, self.text = self, self, self, "ps2", "its last words"
        self.says, self.saw, self.moved = list(says), saw, []

    def begin(self, name, operations, samples):
        self.ours.send(b"r")
        return operations

    def finish(self, before):
        return Reading(before, f"{self.saw:016x}", (1,), 1)

    def execute(self, command, events):
        self.moved.append((command, events[0]["data"]["down"]))
        self.ours.send(self.says.pop(0))

    def watch(self):
        pass


def test_keys_go_down_and_up_and_each_is_timed():
    guest = Pressed([b"k"] * 4, 4)
    assert all(taken > 0 for taken in keys.latencies(guest, 4))
    assert guest.moved == [("input-send-event", down) for down in (True, False, True, False)]


def test_the_first_round_of_keys_is_not_counted():
    measured = keys.in_turns([Pressed([b"k"] * 6, 2), Pressed([b"k"] * 6, 2)], turns=2, keys=2)
    assert [len(times) for times in measured.times] == [2, 2]


@pytest.mark.parametrize(("says", "saw", "why"), [([b""], 1, "does not see the keys"), ([b"x"], 1, "b'x' where b'k' was due"), ([b"k"], 0, "of 1 keys of `ps2`, the guest saw 0")])
def test_keys_that_are_lost_end_the_benchmark(says, saw, why):
    with pytest.raises(ToolFailure, match=why):
        keys.latencies(Pressed(says, saw), 1)


class Silent:
    """A machine whose monitor says nothing."""

    def __init__(self):
        self.guest = self.qmp = self
        self.ours, self.other = socket.socketpair()

    def fileno(self):
        return self.ours.fileno()

    def execute(self, command):
        pass

    def watch(self):
        pass


def test_a_monitor_that_does_not_answer_ends_the_benchmark(monkeypatch):
    monkeypatch.setattr(keys, "SILENCE", 0.05)
    with pytest.raises(ToolFailure, match="monitor does not answer"):
        keys.monitor_times(Silent(), 1)


# Guests

def test_both_guests_know_what_they_are_asked():
    sources = "".join((SOURCES / name).read_text() for name in linux.SOURCES)
    ours = "".join((REPOSITORY / "apps/bench/measure-devices/src" / name).read_text() for name in ("main.rs", "disk.rs"))
    for name in (*work.DISKS, *(each.name for each in work.REQUESTS), "network", *work.KEYBOARDS):
        assert f'"{name}"' in sources and f'"{name}"' in ours, name
    assert set(work.DISKS) == set(machines.DISKS)
    assert set(work.KEYBOARDS) == set(machines.KEYBOARDS) == set(bench_devices.KEYBOARDS)


def test_a_sector_begins_with_its_number():
    disk = machines.pattern(300)
    assert len(disk) == 300 * 512 and disk[299 * 512:299 * 512 + 10] == b"\x2b\x01" + bytes(8)


def test_both_guests_have_the_same_devices(tmp_path, monkeypatch):
    monkeypatch.setattr(machines, "SECTORS", 8)
    words = machines.devices(tmp_path, "munal", "ps2")
    assert [word.replace("linux", "munal") for word in machines.devices(tmp_path, "linux", "ps2")] == list(words)
    assert machines.devices(tmp_path, "munal", "virtio-keyboard") == (*words, "-device", "virtio-keyboard-pci")
    assert (tmp_path / "munal-sata.disk").stat().st_size == 4096


def test_a_disk_that_cannot_be_made_is_told(tmp_path):
    with pytest.raises(ToolFailure, match="cannot make the disk .*: No such file or directory"):
        machines.make_disk(tmp_path / "nowhere" / "disk", 1)


# Linux's modules

DEPENDS = {"virtio": [], "virtio_ring": ["virtio"], "virtio_blk": ["virtio", "virtio_ring"], "evdev": [], "unwanted": []}


def test_modules_come_after_those_that_they_want_and_nothing_else_comes():
    order = linux.in_order(("virtio_blk", "evdev", "built_in"), DEPENDS)
    assert sorted(order) == ["evdev", "virtio", "virtio_blk", "virtio_ring"]
    assert order.index("virtio") < order.index("virtio_ring") < order.index("virtio_blk")


def test_a_module_that_is_missing_is_told():
    with pytest.raises(ToolFailure, match="want `virtio`, which the package has not"):
        linux.in_order(("virtio_blk",), {"virtio_blk": ["virtio"]})


@pytest.mark.parametrize(("info", "wanted"), [(b"license=GPL\0depends=virtio,virtio-ring\0name=x\0", ["virtio", "virtio_ring"]), (b"depends=\0", []), (b"license=GPL\0", []),
                                              (b"softdepends=a\0depends=b\0", ["b"])])
def test_what_a_module_wants_is_in_the_module(info, wanted):
    assert linux.depends_on(b"\x7fELF\0" + info) == wanted


def test_modules_and_the_kernel_are_kept_of_a_package(tmp_path, monkeypatch):
    files, folder = tmp_path / "files", tmp_path / "kept"
    modules = files / "lib/modules/6.1/kernel"
    for path in (files / "boot", modules, folder):
        path.mkdir(parents=True)
    (files / "boot/vmlinuz-6.1").write_bytes(b"MZ")
    (modules / "virtio-blk.ko.xz").write_bytes(lzma.compress(b"\0depends=virtio\0"))
    (modules / "virtio.ko").write_bytes(b"\0depends=\0")
    linux.keep(files, folder)
    assert {path.name: path.read_bytes() for path in (folder / "modules").iterdir()} == {"00-virtio.ko": b"\0depends=\0", "01-virtio_blk.ko": b"\0depends=virtio\0"}
    assert debian.kernel_of(folder).name == "vmlinuz-6.1"
    with pytest.raises(ToolFailure, match="remove that folder"):
        debian.kernel_of(tmp_path)


# All of it

@pytest.mark.boot
@pytest.mark.slow
@pytest.mark.xdist_group("boot")
def test_the_whole_benchmark_in_its_short_form():
    try:
        linux.fetched()
    except ToolFailure as failure:
        pytest.skip(f"no Linux to compare with: {failure.message}")
    rows, notes = bench_devices.measure(bench_devices.QUICK)
    assert notes["kernel"].startswith("Linux ") and notes["clock"]
    assert [row.name for row in rows] == [*(f"{disk} disk, {each.title}" for disk in ("virtio", "SATA") for each in work.REQUESTS), "network, questions and answers", "a key, PS/2", "a key, virtio", "a question to QEMU's monitor alone"]
    assert rows[-1].value > 0 and rows[-1].met is None
    for row in rows[:-1]:
        assert row.value > 0 and row.peer_value > 0 and row.ratio > 0 and row.spread >= 0 and row.met is not None, row
        assert re.fullmatch(r"(virtio_blk|ahci|virtio_net|evdev) on Linux.*", row.peer), row
        assert json.loads(json.dumps(row.as_json()))["goal"] in ("ratio >= 1", "ratio <= 1") and isinstance(row, Row)
