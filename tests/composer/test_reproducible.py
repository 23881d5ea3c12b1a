"""The same bytes anywhere: one workspace, built in other folders, by other people, in other places of the world.

A made-up kernel and apps in WAT are built in many environments; the real kernel's turn is in test_kernel_build.py, and that of
apps in Rust and C below, since those builds take long.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from composer import cache, toolchain
from tests.composer.elves import Elf
from tests.composer.workspaces import make_workspace

CHECKOUT = Path(__file__).resolve().parents[2]
COPIED = ("composer", "kernel", "apps", "profiles", "munal.toml", "requirements.lock", "requirements-c.lock")

BUILD = """
import os, sys
from pathlib import Path
os.umask(int(sys.argv[3], 8))
if os.environ.get("AFFINITY"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from composer import compile, kernel_build, pipeline
compile.POOL_BYTES = int(os.environ.get("POOL_BYTES", compile.POOL_BYTES))
if os.environ.get("KERNEL"):
    kernel_build.build_kernel = lambda: Path(os.environ["KERNEL"])
built = pipeline.compose(Path(sys.argv[1]), sys.argv[2])
assert built.ok, built.diagnostics
sys.stdout.write(str(built.value.image))
"""

ENVIRONMENTS = {
    "as it is": {},
    "another time zone and language": {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    "no language at all": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "other hashes": {"PYTHONHASHSEED": "1"},
    "again other hashes": {"PYTHONHASHSEED": "4242"},
    "one processor": {"AFFINITY": "1"},
    "a process for each module": {"POOL_BYTES": "1"},
    "nobody's files": {"UMASK": "077"},
    "everybody's files": {"UMASK": "000", "SOURCE_DATE_EPOCH": "0", "USER": "somebody", "LOGNAME": "somebody", "HOSTNAME": "elsewhere"},
}


NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
"""Another user, who may read what is root's: Python and its packages are, where root has set them up."""


def build(workspace: Path, profile: str, home: Path, source: Path = CHECKOUT, as_user: tuple[str, ...] = (), **env: str) -> Path:
    """Build in a process of its own, with a home and a cache of its own; gives the image."""
    home.mkdir(parents=True, exist_ok=True)
    made = {**os.environ, "HOME": str(home), "MUNAL_CACHE": str(home / "cache"), "PYTHONPATH": str(source), **env}
    done = subprocess.run([*as_user, sys.executable, "-P", "-c", BUILD, workspace, profile, env.get("UMASK", "022")], env=made, cwd=home, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """The image that all others must be, and the kernel that all of them are made with."""
    folder = tmp_path_factory.mktemp("first")
    kernel = folder / "kernel.elf"
    kernel.write_bytes(Elf().build())
    return build(make_workspace(folder / "work"), "main", folder / "home", KERNEL=str(kernel)).read_bytes(), kernel


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_image_is_the_same_in_any_environment(environment, first, tmp_path):
    image, kernel = first
    workspace = make_workspace(tmp_path / "ein anderer Ordner, mit Ümlaut" / "work")
    assert build(workspace, "main", tmp_path / "home", KERNEL=str(kernel), **ENVIRONMENTS[environment]).read_bytes() == image


def test_the_order_in_which_files_were_made_is_no_matter(first, tmp_path):
    image, kernel = first
    made = make_workspace(tmp_path / "made")
    workspace = tmp_path / "work"
    for path in sorted((p for p in made.rglob("*") if p.is_file()), reverse=True):
        target = workspace / path.relative_to(made)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        os.utime(target, (1, 1))
    assert build(workspace, "main", tmp_path / "home", KERNEL=str(kernel)).read_bytes() == image


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can become another user")
def test_an_image_is_the_same_for_another_user(first, tmp_path_factory):
    image, kernel = first
    folder = tmp_path_factory.mktemp("nobody")
    workspace, home = make_workspace(folder / "work"), folder / "home"
    home.mkdir()
    shutil.copyfile(kernel, folder / "kernel.elf")
    for path in (*folder.parents[:2], folder, *folder.rglob("*")):
        path.chmod(0o777)
    built = build(workspace, "main", home, as_user=NOBODY, KERNEL=str(folder / "kernel.elf"))
    assert built.read_bytes() == image and built.stat().st_uid == 65534


@pytest.mark.slow
def test_real_apps_are_the_same_from_another_clone_for_another_person(first, tmp_path):
    """Every app of the profile `test`, in Rust, C and WAT, compiled twice from nothing; the kernel's own test does that for it."""
    _, kernel = first
    toolchain.require_zig()
    images = []
    for name, env in (("one", {}), ("another, far away", ENVIRONMENTS["another time zone and language"] | {"UMASK": "077", "PYTHONHASHSEED": "7"})):
        source, home = tmp_path / name / "munal", tmp_path / name / "home"
        for part in COPIED:
            _copy(CHECKOUT / part, source / part)
        (home / "cache").mkdir(parents=True)
        (home / "cache" / "zig").symlink_to(cache.root() / "zig")
        images.append(build(source, "test", home, source, KERNEL=str(kernel), CARGO_HOME=_cargo_home(), RUSTUP_HOME=_rustup_home(), **env).read_bytes())
    assert images[0] == images[1]
    for folder in (str(tmp_path), str(Path.home()), _cargo_home(), str(cache.root())):
        assert folder.encode() not in images[0]


def _copy(one: Path, other: Path) -> None:
    other.parent.mkdir(parents=True, exist_ok=True)
    if one.is_dir():
        shutil.copytree(one, other, ignore=shutil.ignore_patterns("target", "build", "__pycache__"))
    else:
        shutil.copyfile(one, other)


def _cargo_home() -> str:
    return os.environ.get("CARGO_HOME") or str(Path.home() / ".cargo")


def _rustup_home() -> str:
    return os.environ.get("RUSTUP_HOME") or str(Path.home() / ".rustup")
