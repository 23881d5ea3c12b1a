"""Benchmarks print what they measured beside its goal, and still know the files that they change."""

import sys

import pytest

from tests.bench import bench_composer
from tests.bench.figures import Figure, machine, seconds, table


@pytest.mark.parametrize(("value", "goal", "met"), [(0.1, 0.2, "yes"), (0.2, 0.2, "no"), (0.3, 0.2, "no"), (0.3, None, "")])
def test_a_goal_is_met_by_less(value, goal, met):
    assert Figure("x", value, "s", goal).met == met


def test_a_peer_makes_a_ratio():
    assert Figure("x", 0.3, "s", 0.2, "cargo", 0.1).cells == ("x", "0.300 s", "< 0.200 s", "no", "3.0 x cargo")
    assert Figure("x", 1234.5, "MB").cells == ("x", "1234.5 MB", "", "", "")


def test_columns_stand_under_their_headings():
    lines = table([Figure("a long name", 1, "s", 2, "peer", 1), Figure("b", 20, "s")]).splitlines()
    assert [line.index(word) for line, word in zip(lines, ("here", "1.000", "20.0"), strict=True)] == [13, 13, 13]


@pytest.mark.parametrize(("load", "busy"), [(0.5, False), (1000.0, True)])
def test_a_busy_machine_is_said(monkeypatch, load, busy):
    monkeypatch.setattr("os.getloadavg", lambda: (load, 0.0, 0.0))
    assert ("busy" in machine()) == busy


def test_each_run_is_prepared_outside_of_its_time():
    seen = []
    assert seconds([sys.executable, "-c", "pass"], runs=3, before=seen.append) > 0
    assert seen == [0, 1, 2]


def test_a_command_that_fails_ends_the_benchmark_with_what_it_said():
    with pytest.raises(SystemExit, match="no such luck"):
        seconds([sys.executable, "-c", "import sys; sys.exit('no such luck')"], runs=1)


def test_the_line_that_is_changed_is_there_and_changes(tmp_path):
    copy = bench_composer.copy_workspace(tmp_path / "copy")
    change = bench_composer.move_port(copy)
    seen = set()
    for number in range(3):
        change(number)
        seen.add((copy / bench_composer.PROFILE_FILE).read_text())
    assert len(seen) == 3 and not any(bench_composer.BASE in text for text in seen)
