"""Munal's own guest: the repository's profile `bench`, composed as anybody composes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composer import pipeline
from composer.tools import ToolFailure
from composer.variant import make_variant
from tests.bench.kernel.bare import link_with_bare_calls
from tests.boot.workspace import copy_workspace

PROFILE, MEASURING, SMALLEST = "bench", "measure", "minimal"


@dataclass(frozen=True, slots=True)
class Built:
    """The image, the wasm of the app in it that measures, and how many bytes the smallest image has."""

    image: Path
    wasm: bytes
    smallest: int


def build(folder: Path) -> Built:
    """Compose the repository's profile `bench` in a copy of its workspace, with one glue that makes bare calls, too.

    Raises ToolFailure where the profile is refused.
    """
    root = copy_workspace(folder)
    compiled = composed(root, PROFILE, pipeline.Stage.COMPILE)
    image = folder / "bench.efi"
    link_with_bare_calls(compiled, MEASURING, image)
    smallest = composed(root, SMALLEST, pipeline.Stage.LINK).image
    return Built(image, compiled.generated.wasm[MEASURING].read_bytes(), smallest.stat().st_size)


def composed(root: Path, profile: str, until: pipeline.Stage) -> Any:
    made = pipeline.compose(root, make_variant(profile), until)
    if not made.ok:
        raise ToolFailure("bench", f"the profile `{profile}` is refused: see `munal check {profile}`")
    return made.value
