"""The kernel's ELF: what it is a function of."""

import os
import shutil
from pathlib import Path

import pytest

from composer import cache, kernel_build
from composer.interfaces import load_interfaces
from tests.composer.mirror import mirror


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A copy of the kernel's source at another place, with an empty cache."""
    kernel = tmp_path / "another" / "kernel"
    shutil.copytree(kernel_build.KERNEL, kernel, ignore=shutil.ignore_patterns("target"))
    monkeypatch.setattr(kernel_build, "KERNEL", kernel)
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    return kernel


@pytest.fixture
def builds(monkeypatch):
    """Counts builds, which here give an empty file."""
    made = []
    monkeypatch.setattr(kernel_build, "_build", lambda rust, interfaces, features: made.append(1) or b"")
    return made


def test_the_same_source_is_built_once(elsewhere, builds):
    assert kernel_build.build_kernel() == kernel_build.build_kernel()
    assert len(builds) == 1


@pytest.mark.parametrize("name", ["src/main.rs", "Cargo.toml", "Cargo.lock", "x86_64-munal-linux-gnu.json"])
def test_any_of_its_files_is_part_of_it(elsewhere, builds, name):
    kernel_build.build_kernel()
    with (elsewhere / name).open("a") as file:
        file.write("\n")
    kernel_build.build_kernel()
    assert len(builds) == 2


def test_another_dispatch_is_another_kernel(elsewhere, builds, tmp_path, monkeypatch):
    kernel_build.build_kernel()
    copy = tmp_path / "composer"
    shutil.copytree(kernel_build.HERE / "templates", copy / "templates")
    monkeypatch.setattr(kernel_build, "HERE", copy)
    kernel_build.build_kernel()
    with (copy / "templates" / kernel_build.DISPATCH).open("a") as file:
        file.write("// changed\n")
    kernel_build.build_kernel()
    assert len(builds) == 2


def test_the_dispatch_names_every_raw_primitive():
    interfaces = load_interfaces()
    text = kernel_build.render_dispatch(interfaces)
    for name in interfaces.raw:
        assert name in text


@pytest.fixture
def another_person(tmp_path, monkeypatch):
    """Somebody else's account, on a machine that fetches crates from a mirror with an address of its own."""
    toolchains = os.environ.get("RUSTUP_HOME") or str(Path.home() / ".rustup")
    store = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo") / "registry"
    home = tmp_path / "home of another"
    (home / "cargo").mkdir(parents=True)
    for name, value in {"HOME": str(home), "CARGO_HOME": str(home / "cargo"), "RUSTUP_HOME": toolchains, "TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MUNAL_OFFLINE", raising=False)
    with mirror(store) as address:
        (home / "cargo" / "config.toml").write_text(
            f'[source.crates-io]\nreplace-with = "of-tests"\n[source.of-tests]\nregistry = "{address}"\n')
        before = os.umask(0o077)
        yield home
        os.umask(before)


@pytest.mark.slow
def test_the_kernel_is_the_same_for_another_person_in_another_folder_by_another_mirror(request):
    here = kernel_build.build_kernel().read_bytes()
    folders = [os.fspath(cache.root()), str(Path.home()), os.environ.get("CARGO_HOME", "")]
    home, kernel = request.getfixturevalue("another_person"), request.getfixturevalue("elsewhere")
    assert kernel_build.build_kernel().read_bytes() == here
    [named] = [path.name for path in (home / "cargo" / "registry" / "src").iterdir()]
    for folder in filter(None, (*folders, str(kernel), os.fspath(cache.root()), str(home), named, "registry/src", "index.crates.io")):
        assert folder.encode() not in here, folder
