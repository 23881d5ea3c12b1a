"""Path dependencies, found without cargo."""

import pytest

from composer.crates import find_crate
from composer.tools import ToolFailure
from composer.tree import Index


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "apps"

    def write(folder, text):
        path = root / folder / "Cargo.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path.parent

    write(".", '[workspace]\nmembers = ["*"]\n[workspace.dependencies]\nshared = { path = "lib/shared" }\nserde = "1"\n')
    write("lib/shared", '[package]\nname = "shared"\n[target."cfg(unix)".dependencies]\nbase = { path = "../base" }\n')
    write("lib/base", '[package]\nname = "base"\n')
    write("one", '[package]\nname = "one"\n[dependencies]\nshared.workspace = true\nserde.workspace = true\nlog = "0.4"\n')
    write("two", '[package]\nname = "two"\n[build-dependencies]\nbase = { path = "../lib/base" }\n')
    return root, write


def folders(root, name):
    crate = find_crate(root / name, Index(root))
    return crate.workspace, sorted(f.relative_to(root).as_posix() for f in crate.folders)


def test_dependencies_are_followed_all_the_way(workspace):
    root, _ = workspace
    assert folders(root, "one") == (root, ["lib/base", "lib/shared", "one"])


def test_build_dependencies_count(workspace):
    root, _ = workspace
    assert folders(root, "two") == (root, ["lib/base", "two"])


def test_a_crate_without_a_workspace_is_its_own(tmp_path, workspace):
    root, write = workspace
    (root / "Cargo.toml").unlink()
    assert folders(root, "two") == (root / "two", ["lib/base", "two"])


def test_circles_end(workspace):
    root, write = workspace
    write("lib/base", '[package]\nname = "base"\n[dependencies]\nshared = { path = "../shared" }\n')
    assert folders(root, "two") == (root, ["lib/base", "lib/shared", "two"])


def test_a_changed_manifest_is_read_again(workspace):
    root, write = workspace
    index = Index(root)
    find_crate(root / "two", index)
    write("two", '[package]\nname = "two"\n')
    assert find_crate(root / "two", index).folders == (root / "two",)


def test_no_manifest(workspace):
    root, _ = workspace
    with pytest.raises(ToolFailure, match="there is no Cargo.toml in"):
        find_crate(root / "three", Index(root))


def test_a_manifest_that_is_no_toml(workspace):
    root, write = workspace
    write("two", "[package")
    with pytest.raises(ToolFailure, match="cannot read .*two/Cargo.toml"):
        find_crate(root / "two", Index(root))
