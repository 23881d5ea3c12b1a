"""Munal's own guest: the repository's profile `bench`, composed as anybody composes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from composer import pipeline
from composer.tools import ToolFailure
from composer.variant import make_variant
from tests.bench.kernel.bare import link_with_bare_calls
from tests.boot.workspace import copy_workspace

PROFILE, MEASURING = "bench", "measure"


@dataclass(frozen=True, slots=True)
class Built:
    """The image, and the wasm of the app in it that measures."""

    image: Path
    wasm: bytes


def build(folder: Path) -> Built:
    """Compose the repository's profile `bench` in a copy of its workspace, with one glue that makes bare calls, too.

    Raises ToolFailure where the profile is refused.
    """
    compiled = pipeline.compose(copy_workspace(folder), make_variant(PROFILE), pipeline.Stage.COMPILE)
    if not compiled.ok:
        raise ToolFailure("bench", f"the profile `{PROFILE}` is refused: see `munal check {PROFILE}`")
    image = folder / "bench.efi"
    link_with_bare_calls(compiled.value, MEASURING, image)
    return Built(image, compiled.value.generated.wasm[MEASURING].read_bytes())
