"""What happens around the composer while it runs: it is stopped or killed, another runs beside it, the disk fills or is closed.

Each test runs real processes. Whatever happens, no half of a file is found under its name, and the next run gives the right image.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.composer.stopping import STAGES
from tests.composer.workspaces import PROFILE, change, make_workspace

CHECKOUT = Path(__file__).resolve().parents[2]
PLACES = [*STAGES, "object", "image"]
pytestmark = pytest.mark.slow


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "work")


@pytest.fixture(scope="module")
def right_image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The image that a run gives to which nothing happens."""
    folder = tmp_path_factory.mktemp("right")
    munal(make_workspace(folder / "work"))
    return (folder / "work/build/main.efi").read_bytes()


def command(place: str, root: Path, words: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    chosen = words or ("build",)
    env = {**os.environ, "PYTHONPATH": str(CHECKOUT), "MUNAL_CACHE": str(root.parent / "cache")}
    return [sys.executable, "-P", "-m", "tests.composer.stopping", place, *chosen, "-C", str(root)], env


def start(place: str, root: Path, *words: str) -> subprocess.Popen[bytes]:
    """A run that has come to a place and stands still there."""
    line, env = command(place, root, words)
    child = subprocess.Popen(line, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    assert child.stdout.readline() == b"here\n", child.stderr and child.stderr.read()
    return child


def munal(root: Path, *words: str, within: str = "") -> subprocess.CompletedProcess[str]:
    """A whole run; `within` is a shell's line around it, in which it is called "$@"."""
    line, env = command("nowhere", root, words)
    around = ["unshare", "--mount", "sh", "-c", within, "sh", *line] if within else line
    return subprocess.run(around, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def halves(root: Path) -> list[Path]:
    """Files under temporary names."""
    return [path for path in root.parent.rglob(".*") if path.name.startswith(".new-")]


def holds(root: Path, right: bytes) -> None:
    """A further run, to which nothing happens, gives the right image."""
    done = munal(root)
    assert done.returncode == 0, done.stderr
    assert (root / "build/main.efi").read_bytes() == right


# Stopped and killed

@pytest.mark.parametrize("place", PLACES)
def test_a_run_that_is_stopped_leaves_nothing_half_done(root, right_image, place):
    child = start(place, root)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate()
    assert (child.returncode, said.split(b"\n")[-2:]) == (130, [b"munal: stopped", b""]) and b"Traceback" not in said
    assert halves(root) == [] and not (root / "build/main.efi").exists()
    holds(root, right_image)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("place", ["compile", "image"])
def test_a_run_that_is_asked_to_end_leaves_nothing_half_done(root, right_image, place, number):
    child = start(place, root)
    child.send_signal(number)
    _, said = child.communicate()
    assert child.returncode == 128 + number and b"Traceback" not in said
    assert halves(root) == []
    holds(root, right_image)


@pytest.mark.parametrize("place", ["check", "object", "image"])
def test_after_a_run_that_was_killed_the_next_one_is_right(root, right_image, place):
    child = start(place, root)
    child.kill()
    child.communicate()
    assert not (root / "build/main.efi").exists()
    holds(root, right_image)


def test_what_a_killed_run_left_beside_the_image_goes_in_time(root, right_image):
    child = start("image", root)
    child.kill()
    child.communicate()
    [left] = halves(root)
    change(root, "munal.toml", (root / "munal.toml").read_text() + "# again\n")
    holds(root, right_image)
    assert left.exists(), "it might be another's who is still writing"
    os.utime(left, (1, 1))
    change(root, "munal.toml", (root / "munal.toml").read_text() + "# and again\n")
    holds(root, right_image)
    assert not left.exists()


def test_an_image_is_the_old_one_until_it_is_the_new_one(root, right_image):
    holds(root, right_image)
    change(root, "profiles/main.toml", PROFILE.replace("0x3f8", "0x2f8"))
    child = start("image", root)
    assert (root / "build/main.efi").read_bytes() == right_image
    child.communicate(b"\n")
    assert child.returncode == 0 and (root / "build/main.efi").read_bytes() != right_image


def test_what_a_run_has_started_ends_with_it(root, right_image):
    """An app whose build command never ends."""
    pipe = root.parent / "pipe"
    os.mkfifo(pipe)
    sound = (root / "apps/uart/app.toml").read_text()
    change(root, "apps/uart/app.toml", sound.replace('build.wat = "uart.wat"', f'build = {{ command = ["sh", "-c", "echo $$ >{pipe}; exec sleep 1000"], output = "x.wasm" }}'))
    line, env = command("nowhere", root, ())
    child = subprocess.Popen(line, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    started = os.pidfd_open(int(pipe.read_text()))
    child.send_signal(signal.SIGINT)
    _, said = child.communicate()
    assert child.returncode == 130 and said.endswith(b"munal: stopped\n")
    assert select.select([started], [], [], 10)[0], "the build command still runs"
    os.close(started)
    change(root, "apps/uart/app.toml", sound)
    holds(root, right_image)


# Two at once

@pytest.mark.parametrize("place", ["load", "compile", "object", "image"])
def test_two_builds_at_once_are_both_right(root, right_image, place):
    both = [start(place, root) for _ in range(2)]
    for child in both:
        child.stdin.write(b"\n")
        child.stdin.flush()
    for child in both:
        out, said = child.communicate()
        assert child.returncode == 0 and out, said
    assert (root / "build/main.efi").read_bytes() == right_image and halves(root) == []
    holds(root, right_image)


def test_a_build_beside_one_that_stands_still_does_not_wait_for_it(root, right_image):
    slow = start("image", root)
    holds(root, right_image)
    slow.communicate(b"\n")
    assert slow.returncode == 0 and (root / "build/main.efi").read_bytes() == right_image


def test_an_entry_that_was_cut_is_made_again(root, right_image):
    """As after a power failure: the file has its name, and half of its bytes."""
    holds(root, right_image)
    objects = list((root.parent / "cache/objects").iterdir())
    assert objects
    for path in objects:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (root / "build/main.efi").unlink()
    holds(root, right_image)


# Disks

def _may_mount() -> bool:
    return bool(shutil.which("unshare")) and subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False).returncode == 0


mounts = pytest.mark.skipif(not _may_mount(), reason="takes a mount namespace of its own")


@mounts
@pytest.mark.parametrize("kib", [4, 16, 64, 160, 320])
def test_a_disk_that_fills_is_said_and_room_is_all_it_takes(root, right_image, kib):
    """The cache lies on a small disk: it is full sooner or later. Then the disk grows, and the same build is right."""
    cache = root.parent / "cache"
    cache.mkdir()
    within = f"""
        mount -t tmpfs -o size={kib}k,nr_inodes=10k none {cache} || exit 9
        "$@"; first=$?
        find {cache} -name '.new-*' >&2
        mount -o remount,size=64m {cache} || exit 9
        echo "first $first" >&2
        "$@" """
    done = munal(root, within=within)
    said, _, _ = done.stderr.partition("first ")
    assert done.returncode == 0 and "Traceback" not in done.stderr and "bug" not in done.stderr
    assert ".new-" not in said
    if "first 3" in done.stderr:
        assert "No space left on device" in said and "munal clean" in said
    else:
        assert "first 0" in done.stderr
    assert (root / "build/main.efi").read_bytes() == right_image


@mounts
def test_an_image_that_does_not_fit_is_not_left_in_part(root):
    (root / "build").mkdir()
    within = f'mount -t tmpfs -o size=8k none {root}/build || exit 9; "$@"; status=$?; ls -A {root}/build; exit $status'
    done = munal(root, within=within)
    assert (done.returncode, done.stdout) == (3, "")
    assert "No space left on device" in done.stderr and "main.efi" in done.stderr and len(done.stderr.splitlines()) == 1


@mounts
def test_a_workspace_that_cannot_be_written_can_be_checked_and_not_built(root):
    within = f'mount --bind {root} {root} && mount -o remount,bind,ro {root} || exit 9; "$@"'
    assert munal(root, "check", within=within).returncode == 0
    done = munal(root, within=within)
    assert done.returncode == 3 and done.stdout == ""
    assert "Read-only file system" in done.stderr and "choose a place that can be written" in done.stderr and len(done.stderr.splitlines()) == 1


@mounts
def test_a_cache_that_cannot_be_written_is_said_with_what_helps(root):
    cache = root.parent / "cache"
    cache.mkdir()
    done = munal(root, within=f'mount --bind {cache} {cache} && mount -o remount,bind,ro {cache} || exit 9; "$@"')
    assert done.returncode == 3 and "set MUNAL_CACHE to a folder that can be written" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [("check",), ("check", "--format", "json"), ("build",), ("reference",), ("--help",)])
def test_output_that_nobody_can_take_is_said(root, words):
    line, env = command("nowhere", root, words)
    if words == ("--help",) or words == ("reference",):
        line = line[:-2]
    with open("/dev/full", "w") as full:
        done = subprocess.run(line, env=env, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr == "munal: files: standard output: No space left on device\n"
