"""One run of cargo: what it is given, what is shown of it, and what is tried when crates or the lock file are missing."""

import os
import subprocess
from pathlib import Path

import pytest

from composer import cargo, progress
from composer.cargo import Cargo
from composer.toolchain import Rust
from composer.tools import ToolFailure


@pytest.fixture
def job(tmp_path):
    rust = Rust("made up", Path("/rust/bin/rustc"), Path("/rust/bin/cargo"), tmp_path, "release: 1.96.0")
    return Cargo(rust, tmp_path / "area", tmp_path / "kernel" / "Cargo.toml", "building it", ("--package", "it"), ("-Cx=y",), {"OWN": "1"})


@pytest.fixture
def runs(monkeypatch):
    """Stands in for running cargo: gives each failure of `answers` in turn, then success; notes the words of each run."""

    class Runs(list):
        answers: list[str] = []
        env: dict[str, str] = {}

    made = Runs()

    def run(tool, command, *, cwd, env, says, each_piece, stdout):
        made.append([str(word) for word in command])
        made.env = env
        if made.answers:
            raise ToolFailure(tool, says, made.answers.pop(0))
        stdout.write(b'{"reason":"compiler-artifact","manifest_path":"/x"}\n{"reason":"build-finished"}\n')
        assert each_piece("    Building [=> ] 1/7: core")
        assert not each_piece("   Compiling core v0.0.0")
        return ""

    monkeypatch.setattr(cargo, "run", run)
    monkeypatch.delenv("MUNAL_OFFLINE", raising=False)
    return made


def test_artifacts_are_gathered(job, runs):
    assert job.build() == [{"reason": "compiler-artifact", "manifest_path": "/x"}]
    assert "--locked" in runs[0] and "--offline" in runs[0]


@pytest.mark.parametrize("piece", ["    Building [=====>      ] 12/57: core, alloc", "\x1b[1m\x1b[96m    Building\x1b[0m [=> ] 12/57: core",
                                   "\x1b[K    Building [============] 12/57"])
def test_counts_are_read_with_and_without_colour(piece):
    assert cargo._COUNT.match(piece).groups() == ("12", "57")


def test_missing_crates_are_fetched_once_and_said_so(job, runs, capsys):
    runs.answers = ["error: you specified --offline\nAs a reminder, you're using offline mode (--offline)"]
    job.build()
    assert ["--offline" in words for words in runs] == [True, False] and all("--locked" in words for words in runs)
    assert "fetching the crates" in capsys.readouterr().err


def test_nothing_is_fetched_where_a_person_said_so(job, runs, monkeypatch):
    monkeypatch.setenv("MUNAL_OFFLINE", "1")
    runs.answers = ["error: attempting to make an HTTP request, but --offline was specified"]
    with pytest.raises(ToolFailure):
        job.build()
    assert len(runs) == 1


def test_a_fault_of_the_source_is_tried_once(job, runs):
    runs.answers = ["error[E0425]: cannot find function `offline`"]
    with pytest.raises(ToolFailure, match="building it failed"):
        job.build()
    assert len(runs) == 1


def test_the_lock_file_is_kept_unless_it_may_change(job, runs):
    said = "error: cannot update the lock file /x/Cargo.lock because --locked was passed to prevent this"
    runs.answers = [said]
    with pytest.raises(ToolFailure):
        job.build()
    runs.answers = [said]
    Cargo(job.rust, job.area, job.manifest, job.title, (), may_lock=True).build()
    assert ["--locked" in words for words in runs] == [True, True, False]


def test_a_persons_flags_do_not_change_what_is_built(job, runs, monkeypatch):
    for name in ("RUSTFLAGS", "RUSTC_WRAPPER", "CARGO_BUILD_TARGET", "CARGO_PROFILE_RELEASE_LTO", "CARGO_TARGET_DIR"):
        monkeypatch.setenv(name, "theirs")
    job.build()
    assert "theirs" not in runs.env.values()
    assert runs.env["RUSTC"] == "/rust/bin/rustc" and runs.env["OWN"] == "1" and runs.env["PATH"] == os.environ["PATH"]


def test_folders_get_fixed_names(job, runs, monkeypatch, tmp_path):
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "home"))
    job.build()
    flags = runs.env["CARGO_ENCODED_RUSTFLAGS"].split("\x1f")
    assert f"--remap-path-prefix={tmp_path / 'home'}=/cargo" in flags
    assert f"--remap-path-prefix={tmp_path / 'area'}=/munal" in flags
    assert not any(str(job.manifest.parent) in flag for flag in flags), "flags are the same in every clone"
    assert runs.env["RUSTC_WRAPPER"] == str(tmp_path / "area" / "rustc-with-names"), "and so is what cargo runs"
    assert flags[-1] == "-Cx=y"


@pytest.mark.parametrize(("folder", "adds"), [
    ("/home/x/registry/src/some mirror-1/it-1.2", "[--remap-path-prefix=/home/x/registry/src/some mirror-1/it-1.2=/crate/it-1.2.0]"), (None, "")])
def test_a_crate_is_compiled_with_its_name_in_place_of_its_folder(job, runs, folder, adds):
    """Asked for its version, rustc belongs to no crate."""
    job.build()
    about = {"CARGO_MANIFEST_DIR": folder, "CARGO_PKG_NAME": "it", "CARGO_PKG_VERSION": "1.2.0"} if folder else {}
    said = subprocess.run([runs.env["RUSTC_WRAPPER"], "printf", "[%s]", "-vV", "a b"], env=about, capture_output=True, check=True, text=True)
    assert said.stdout == "[-vV][a b]" + adds


def test_what_another_wrapper_compiled_is_not_taken(job, runs, monkeypatch):
    """Cargo would take it: it compares what it tells rustc, not what rustc is told."""
    job.build()
    first = job.target
    for folder in (first, job.area / "target"):
        (folder / "release").mkdir(parents=True)
    monkeypatch.setattr(cargo, "NAMER", cargo.NAMER + "# another")
    job.build()
    assert str(job.target) in runs[1] and job.target != first
    assert sorted(path.name for path in job.area.iterdir()) == ["rustc-with-names"]


def test_progress_says_nothing_of_quick_work(capsys):
    with progress.task("quick") as task:
        task.update(1, 2)
    assert capsys.readouterr().err == ""


def test_progress_of_long_work_is_one_line_where_nobody_watches(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE_SECONDS", 0)
    made = progress.Task("long")
    made._show()
    made.update(1, 2)
    made.end()
    assert capsys.readouterr().err == "munal: long\n"
    made._show()
    assert capsys.readouterr().err == ""
