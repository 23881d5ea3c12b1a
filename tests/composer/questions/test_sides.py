"""A profile and the image that was made of it are one and the same to every question."""

from __future__ import annotations

import pytest

from composer import kernel_build
from composer.pipeline import compose
from composer.questions import sides
from composer.questions.diff import diff
from tests.composer.elves import Elf
from tests.composer.workspaces import PROFILE, change, make_workspace


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "kernel.elf").write_bytes(Elf().build())
    monkeypatch.setattr(kernel_build, "build_kernel", lambda: tmp_path / "kernel.elf")
    root = make_workspace(tmp_path / "workspace")
    change(root, "profiles/wider.toml", PROFILE.replace("grant.port.regs = { base = 0x3f8 }", "grant.port.regs = { base = 0x2f8 }\ngrant.irq.line = { isa = 4 }"))
    return root


def side(root, word, linked=True):
    made = sides.side_of(root, str(word), (), linked)
    assert made.ok, made.diagnostics
    return made.value


def test_an_image_does_not_differ_from_the_profile_it_was_made_of(root):
    image = compose(root, "main").value.image
    assert diff(side(root, image), side(root, "main")).empty
    assert side(root, image).parts == side(root, "main").parts


def test_an_image_and_another_profile_differ_as_the_profiles_do(root):
    image = compose(root, "main").value.image
    by_image, by_name = diff(side(root, image), side(root, "wider")), diff(side(root, "main"), side(root, "wider"))
    assert (by_image.gained, by_image.lost, by_image.modules, by_image.sizes) == (by_name.gained, by_name.lost, by_name.modules, by_name.sizes)
    assert [change.kind for change in by_image.gained] == ["irq", "port"]


def test_without_an_image_the_kernel_is_not_built(root, monkeypatch):
    monkeypatch.setattr(kernel_build, "build_kernel", lambda: pytest.fail("the kernel was built"))
    assert set(side(root, "main", linked=False).parts) == {"apps", "glue"}


def test_a_damaged_image_is_refused(root):
    image = compose(root, "main").value.image
    (root / "damaged.efi").write_bytes(image.read_bytes()[:-200])
    assert not sides.side_of(root, str(root / "damaged.efi")).ok


@pytest.mark.parametrize(("word", "image"), [("main", False), ("main@q35", False), ("main@q3.5", False), ("./main", True), ("main.efi", True),
                                             ("build/x", True), ("C:\\main", True)])
def test_a_word_with_a_slash_or_a_dot_is_a_file(word, image):
    assert sides.is_image(word) is image
