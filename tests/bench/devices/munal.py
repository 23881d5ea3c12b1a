"""Munal's own guest: the repository's profile `bench-devices`, composed as anybody composes it."""

from __future__ import annotations

from pathlib import Path

from composer import pipeline
from tests.bench.kernel.munal import composed
from tests.boot.workspace import copy_workspace

PROFILE = "bench-devices"


def build(folder: Path) -> Path:
    """The image, made in a copy of the repository's workspace. Raises ToolFailure where the profile is refused."""
    image: Path = composed(copy_workspace(folder), PROFILE, pipeline.Stage.LINK).image
    return image
