"""Benchmarks print what they measured beside its goal, and still know the files that they change."""

import json
import sys

import pytest

from composer.pipeline import check_all
from tests.bench import bench_composer, peers
from tests.bench.figures import Figure, Job, Taken, data, in_turns, machine, table, take, timed
from tests.bench.workspaces import big_workspace, copy_workspace, heavy_workspace


@pytest.mark.parametrize(("value", "goal", "met"), [(0.1, 0.2, True), (0.2, 0.2, False), (0.3, 0.2, False), (0.3, None, None)])
def test_a_goal_is_met_by_less(value, goal, met):
    assert Figure("x", value, "s", goal).met is met


def test_a_peer_makes_a_ratio():
    assert Figure("x", 0.3, "s", 0.2, "cargo", 0.1).cells == ("x", "0.300 s", "", "< 0.200 s", "no", "3.00", "0.100 s", "cargo")
    assert Figure("x", 1234.5, "MB").cells == ("x", "1234.5 MB", "", "", "", "", "", "")


def test_a_time_comes_with_what_processors_worked():
    figure = timed("x", Taken(0.2, 0.1), 0.3, "mkosi", Taken(0.8, 0.4))
    assert (figure.value, figure.cpu, figure.ratio, figure.met) == (0.2, 0.1, 0.25, True)
    assert timed("x", Taken(0.2, 0.1), None, "none: no such thing").cells[5:] == ("", "", "none: no such thing")


def test_columns_stand_under_their_headings():
    lines = table([Figure("a long name", 1, "s", 2, "peer", 1), Figure("b", 20, "s")]).splitlines()
    assert [line.index(word) for line, word in zip(lines, ("here", "1.000", "20.0"), strict=True)] == [13, 13, 13]


def test_the_same_as_json():
    read = json.loads(data([Figure("x", 0.3, "s", 0.2, "cargo", 0.1)], ["a note"]))
    assert read["notes"] == ["a note"] and read["figures"][0]["ratio"] == pytest.approx(3) and read["figures"][0]["met"] is False


@pytest.mark.parametrize(("load", "busy"), [(0.5, False), (1000.0, True)])
def test_a_busy_machine_is_said(monkeypatch, load, busy):
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    assert ("busy" in machine()) == busy


def test_each_run_is_prepared_and_jobs_take_turns():
    seen = []
    jobs = [Job([sys.executable, "-c", "pass"], before=lambda number, job=job: seen.append((job, number))) for job in "ab"]
    taken = in_turns(jobs, runs=2)
    assert seen == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    assert all(times.wall > 0 and times.cpu > 0 for times in taken)


def test_a_command_that_fails_ends_the_benchmark_with_what_it_said():
    with pytest.raises(SystemExit, match="no such luck"):
        take([sys.executable, "-c", "import sys; sys.exit('no such luck')"], runs=1)


@pytest.mark.parametrize("change", [
    (bench_composer.PROFILE_FILE, bench_composer.BASE, bench_composer._port),
    (bench_composer.APP_FILE, bench_composer.SUMMARY, bench_composer._summary),
    (bench_composer.RUST_FILE, bench_composer.GREETING, bench_composer._greeting),
], ids=["profile", "app", "rust"])
def test_the_lines_that_are_changed_are_there_and_change(tmp_path, change):
    file, line, to = change
    copy = copy_workspace(tmp_path / "copy")
    make = bench_composer.change_line(copy, file, line, to)
    seen = set()
    for number in range(3):
        make(number)
        seen.add((copy / file).read_text())
    assert len(seen) == 3 and not any(line in text for text in seen)


def test_a_line_that_is_gone_is_said(tmp_path):
    with pytest.raises(SystemExit, match="no line with `nonsense`"):
        bench_composer.change_line(tmp_path, "README.md", "nonsense", str)


# What is measured is sound

def test_four_variants_are_checked(tmp_path, monkeypatch):
    monkeypatch.setattr("composer.pipeline._inspected", lambda system, seen: system.then(_judged))
    checked = check_all(copy_workspace(tmp_path / "copy"))
    assert checked.ok and len(checked.value) == 4


def _judged(system):
    from composer.pipeline import Inspected
    from composer.result import Result

    return Result(Inspected(system, {}, {}))


@pytest.mark.parametrize("make", [lambda to: big_workspace(to, 5, 4), lambda to: heavy_workspace(to, 1)], ids=["big", "heavy"])
def test_generated_workspaces_are_sound(tmp_path, monkeypatch, make):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    checked = check_all(make(tmp_path / "work"))
    assert checked.ok and not checked.diagnostics, checked.diagnostics


def test_a_heavy_module_is_as_large_as_it_is_called(tmp_path):
    assert (heavy_workspace(tmp_path, 2) / "apps/heavy/heavy.wasm").stat().st_size == pytest.approx(2e6, rel=0.02)


# Peers

def test_a_peer_that_is_not_here_is_said_and_no_fault(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    assert (peers.osbuild(tmp_path).job, peers.mkosi(tmp_path).job) == (None, None)
    assert "not on the PATH" in peers.osbuild(tmp_path).says and "no Debian" in peers.mkosi(tmp_path).says


def test_a_peer_that_does_not_run_is_said(tmp_path, monkeypatch):
    program = tmp_path / "osbuild"
    program.write_text("#!/bin/sh\necho no such stage >&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert peers.osbuild(tmp_path).says == "osbuild fails here: no such stage" and peers.osbuild(tmp_path).job is None


def test_settings_for_mkosi_are_as_many_as_variants(tmp_path):
    peers.write_settings(tmp_path, peers.VARIANTS)
    files = sorted((tmp_path / "mkosi.files").iterdir())
    assert len(files) == 4 and all("openssh-server" in file.read_text() for file in files)


def test_osbuild_gets_a_pipeline_for_each_variant():
    manifest = peers.osbuild_manifest(peers.VARIANTS)
    assert [pipeline["name"] for pipeline in manifest["pipelines"]] == list(peers.VARIANTS)
    assert {len(pipeline["stages"]) for pipeline in manifest["pipelines"]} == {len(peers.PARTS)}
