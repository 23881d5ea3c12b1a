"""The kernel's ELF: what it is a function of."""

import os
import shutil
from pathlib import Path

import pytest

from composer import cache, kernel_build
from composer.interfaces import load_interfaces


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
    monkeypatch.setattr(kernel_build, "_build", lambda rust, interfaces: made.append(1) or b"")
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


@pytest.mark.slow
def test_the_kernel_is_the_same_from_another_folder_and_an_empty_cache(request):
    here = kernel_build.build_kernel().read_bytes()
    kernel = request.getfixturevalue("elsewhere")
    assert kernel_build.build_kernel().read_bytes() == here
    for folder in (str(kernel), os.fspath(cache.root()), str(Path.home())):
        assert folder.encode() not in here
