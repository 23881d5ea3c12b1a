"""The image of the repository's own profiles with the real kernel, as other tools see it."""

import pefile
import pytest

from composer.elf import read_kernel
from composer.interfaces import load_interfaces
from composer.kernel_build import build_kernel
from composer.pipeline import compose
from tests.boot.workspace import copy_workspace

LARGEST = 1_500_000
"""Bytes that the smallest image that prints from a driver may have."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory):
    return [copy_workspace(tmp_path_factory.mktemp(name) / "workspace") for name in ("one", "another-folder")]


@pytest.fixture(scope="module")
def images(workspaces):
    return [compose(root, "minimal").value.image.read_bytes() for root in workspaces]


def test_two_folders_give_the_same_bytes(images):
    assert images[0] == images[1]


def test_the_smallest_image_is_small(images):
    assert len(images[0]) < LARGEST


def test_sections_are_aligned_and_never_writable_and_executable(images):
    read = pefile.PE(data=images[0])
    assert read.verify_checksum() and read.FILE_HEADER.TimeDateStamp == 0
    assert {s.Name.rstrip(b"\0") for s in read.sections} >= {b".text", b".rodata", b".data", b".reloc", b".munal"}
    for section in read.sections:
        assert section.VirtualAddress % 4096 == 0 and section.PointerToRawData % 512 == 0
        assert not (section.IMAGE_SCN_MEM_WRITE and section.IMAGE_SCN_MEM_EXECUTE)


def test_every_pointer_of_the_kernel_is_listed(images):
    """Loaded elsewhere, exactly the kernel's relocations move: each by as much as the image."""
    kernel = read_kernel(build_kernel().read_bytes())
    read = pefile.PE(data=images[0])
    listed = [e.rva for block in read.DIRECTORY_ENTRY_BASERELOC for e in block.entries if e.type]
    shift = min(s.VirtualAddress for s in read.sections) - kernel.segments[0].address // 4096 * 4096
    assert listed == sorted(r.address + shift for r in kernel.relocations)


def test_the_kernel_speaks_the_interfaces_abi():
    assert read_kernel(build_kernel().read_bytes()).abi == load_interfaces().abi
