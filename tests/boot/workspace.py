"""Copies of the repository's own workspace, to build where nothing else is changed."""

import shutil
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def copy_workspace(folder: Path) -> Path:
    """Copy manifests and apps into the new folder `folder`."""
    folder.mkdir(parents=True)
    shutil.copy(REPOSITORY / "munal.toml", folder)
    for name in ("apps", "profiles"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("target"))
    return folder
