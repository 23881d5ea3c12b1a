"""The script `munal`, from a machine that has nothing: the programs that it calls are stand-ins that write down how."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SYSTEM = ("cat", "find", "flock", "id", "mkdir", "mktemp", "mv", "readlink", "rm", "sha256sum", "sh", "tail", "env", "cp", "sleep", "true")

START = "-P -S -c from composer.__main__ import main; main()"

PYTHON = """#!/bin/sh
echo "python $*" >> "$LOG"
case "$*" in
*ensurepip*) printf '%s\\n' "$0"; exit ${OLD_PYTHON:-0} ;;
*version_info*) echo 3.11 ;;
"-m venv"*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
*"pip install"*) echo "what pip says"; exit ${PIP_STATUS:-0} ;;
*) echo "composer $PYTHONPATH|$*" ;;
esac
"""
APT = """#!/bin/sh
echo "apt-get $* $DEBIAN_FRONTEND" >> "$LOG"
echo "what apt says"
exit ${APT_STATUS:-0}
"""
SUDO = """#!/bin/sh
echo "sudo $*" >> "$LOG"
[ "$1" = -n ] && shift
[ -z "$SUDO_STATUS" ] || exit $SUDO_STATUS
exec "$@"
"""


@pytest.fixture
def machine(tmp_path):
    """A checkout on a machine with a shell, small tools and the stand-ins."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in SYSTEM:
        (programs / name).symlink_to(shutil.which(name))
    checkout = tmp_path / "check out"
    checkout.mkdir()
    shutil.copy(CHECKOUT / "munal", checkout)
    shutil.copy(CHECKOUT / "requirements.lock", checkout)
    # The real machine's Python is not this one's.
    script = checkout / "munal"
    script.write_text(script.read_text().replace("/usr/bin/python3", str(programs / "none")))
    return Machine(tmp_path, checkout, programs)


class Machine:
    def __init__(self, folder: Path, checkout: Path, programs: Path) -> None:
        self.folder, self.checkout, self.programs = folder, checkout, programs
        self.cache = folder / "ca che"
        self.add("python3", PYTHON)

    def add(self, name: str, text: str) -> None:
        (self.programs / name).unlink(missing_ok=True)
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def environment(self, **more: str) -> dict[str, str]:
        return {"PATH": str(self.programs), "HOME": str(self.folder), "MUNAL_CACHE": str(self.cache), "LOG": str(self.folder / "log"), **more}

    def munal(self, *words: str, program: Path | None = None, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program or self.checkout / "munal", *words], capture_output=True, text=True, cwd=cwd, check=False,
                              stdin=subprocess.DEVNULL, env=self.environment(**env))

    def called(self, name: str) -> list[str]:
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        return [line.removeprefix(f"{name} ").strip() for line in lines if line.startswith(f"{name} ")]


def pips(machine: Machine) -> list[str]:
    return [line for line in machine.called("python") if "pip install" in line]


def test_the_first_start_makes_the_environment_and_says_so(machine):
    done = machine.munal("check", "a b")
    assert done.returncode == 0 and done.stdout == f"composer {machine.checkout}|{START} check a b\n"
    assert "setting up: installing the composer's Python packages" in done.stderr
    (pip,) = pips(machine)
    for word in ("--require-hashes", "--no-deps", "--only-binary=:all:", f"-r {machine.checkout}/requirements.lock"):
        assert word in pip


def test_the_second_start_makes_nothing_and_says_nothing(machine):
    machine.munal("check")
    done = machine.munal("check")
    assert done.stdout and done.stderr == "" and len(pips(machine)) == 1


def test_another_lock_file_is_another_environment(machine):
    machine.munal("check")
    with (machine.checkout / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    machine.munal("check")
    assert len(pips(machine)) == 2


def test_it_works_from_anywhere_and_through_links(machine):
    machine.munal("check")
    (machine.folder / "one").symlink_to("check out/munal")
    (machine.programs / "two").symlink_to(machine.folder / "one")
    expected = f"composer {machine.checkout}|{START} check\n"
    assert machine.munal("check", program=machine.folder / "one", cwd=Path("/")).stdout == expected
    assert machine.munal("check", program=machine.programs / "two", cwd=machine.folder).stdout == expected
    by_shell = subprocess.run(["sh", "munal", "check"], capture_output=True, text=True, cwd=machine.checkout, env=machine.environment(), check=False)
    assert by_shell.stdout == expected


def test_a_pip_that_fails_leaves_nothing_behind(machine):
    done = machine.munal("check", PIP_STATUS="1")
    assert done.returncode == 3 and done.stdout == ""
    assert "what pip says" in done.stderr and "pip could not install" in done.stderr
    assert [p.name for p in (machine.cache / "python").iterdir()] == [".lock"]
    assert machine.munal("check").returncode == 0


def test_two_first_starts_at_once_make_one_environment(machine):
    machine.add("python3", PYTHON.replace('echo "what pip says"', "sleep 0.2"))
    starts = [subprocess.Popen([machine.checkout / "munal", "check"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               env=machine.environment()) for _ in range(3)]
    assert {start.communicate()[0] for start in starts} == {f"composer {machine.checkout}|{START} check\n"}
    assert len(pips(machine)) == 1
    assert len(list((machine.cache / "python").glob("[!.]*"))) == 1


def test_a_start_without_flock_works_too(machine):
    (machine.programs / "flock").unlink()
    assert machine.munal("check").returncode == 0
    assert len(list((machine.cache / "python").glob("[!.]*"))) == 1


def test_an_environment_whose_python_is_gone_is_made_anew(machine):
    machine.munal("check")
    (python,) = (machine.cache / "python").glob("*/bin/python")
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    assert machine.munal("check").returncode == 0 and len(pips(machine)) == 2


def test_a_missing_python_is_installed(machine):
    root(machine)
    (machine.programs / "python3").rename(machine.folder / "packaged")
    machine.add("apt-get", APT.replace("exit", f'case "$*" in *install*) cp {machine.folder}/packaged {machine.programs}/python3 ;; esac\nexit'))
    done = machine.munal("check")
    assert done.returncode == 0 and done.stdout.endswith(f"{START} check\n")
    assert machine.called("apt-get")[1].endswith("python3 python3-venv noninteractive")
    assert done.stderr.index("Python 3.11 or later is missing") < done.stderr.index("installing with apt-get: python3 python3-venv")


def test_a_python_that_stays_too_old_is_said_so(machine):
    root(machine)
    done = machine.munal("check", OLD_PYTHON="1")
    assert done.returncode == 3 and "there is no Python 3.11 or later here" in done.stderr
    assert [call.split()[-3:-1] for call in machine.called("apt-get")[1:]] == [["python3", "python3-venv"], ["python3.11", "python3.11-venv"]]


def test_a_named_python_that_is_too_old_is_refused(machine):
    done = machine.munal("check", MUNAL_PYTHON="python3", OLD_PYTHON="1")
    assert done.returncode == 3 and "MUNAL_PYTHON=python3 is no Python 3.11 or later" in done.stderr


def root(machine: Machine) -> None:
    machine.add("id", "#!/bin/sh\necho 0\n")
    machine.add("apt-get", APT)


def person(machine: Machine) -> None:
    machine.add("id", "#!/bin/sh\necho 1000\n")
    machine.add("apt-get", APT)


def test_root_installs_after_saying_so_and_without_what_is_only_recommended(machine):
    root(machine)
    done = machine.munal("packages", "qemu-system-x86", "ovmf")
    assert done.returncode == 0 and done.stderr == "munal: setting up: installing with apt-get: qemu-system-x86 ovmf\n"
    update, install = machine.called("apt-get")
    assert " update" in update and "-y" in install and "--no-install-recommends" in install and "--no-remove" in install
    assert install.endswith("qemu-system-x86 ovmf noninteractive")


def test_lists_are_fetched_once_a_day(machine):
    root(machine)
    for _ in range(2):
        machine.munal("packages", "ovmf")
    assert [" update" in call for call in machine.called("apt-get")] == [True, False, False]
    os.utime(machine.cache / "apt-updated", (0, 0))
    machine.munal("packages", "ovmf")
    assert [" update" in call for call in machine.called("apt-get")] == [True, False, False, True, False]


def test_an_apt_get_that_fails_shows_why(machine):
    root(machine)
    done = machine.munal("packages", "ovmf", APT_STATUS="100")
    assert done.returncode == 3 and "what apt says" in done.stderr
    assert "apt-get install -y --no-install-recommends ovmf" in done.stderr


def test_sudo_is_used_where_it_asks_for_nothing(machine):
    person(machine)
    machine.add("sudo", SUDO)
    assert machine.munal("packages", "ovmf").returncode == 0
    assert len(machine.called("apt-get")) == 2
    assert all(call.startswith(("-n true", "-n env DEBIAN_FRONTEND=noninteractive")) for call in machine.called("sudo"))


@pytest.mark.parametrize("sudo", [None, "1"])
def test_who_may_not_install_gets_the_one_command(machine, sudo):
    person(machine)
    if sudo:
        machine.add("sudo", SUDO)
    done = machine.munal("packages", "qemu-system-x86", "ovmf", SUDO_STATUS=sudo or "")
    assert done.returncode == 3 and machine.called("apt-get") == []
    assert "Run this, then try again: sudo apt-get install -y --no-install-recommends qemu-system-x86 ovmf" in done.stderr


def test_nothing_is_installed_where_a_person_said_so(machine):
    root(machine)
    done = machine.munal("packages", "ovmf", MUNAL_NO_INSTALL="1")
    assert done.returncode == 3 and machine.called("apt-get") == [] and "apt-get install" in done.stderr


def test_a_machine_without_apt_get(machine):
    done = machine.munal("packages", "ovmf")
    assert done.returncode == 3 and "missing: ovmf" in done.stderr


def test_no_folder_for_the_cache(machine):
    done = subprocess.run([machine.checkout / "munal"], capture_output=True, text=True, env={"PATH": str(machine.programs)}, check=False)
    assert done.returncode == 3 and "set HOME or MUNAL_CACHE" in done.stderr
