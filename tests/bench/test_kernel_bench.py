"""`munal bench kernel`: what it prints is complete and plausible. How fast anything is, no test says."""

from __future__ import annotations

import json
import math
import re

import pytest

from composer.tools import ToolFailure
from tests.bench.kernel import interpreted, linux
from tests.bench.kernel.bare import with_bare_calls
from tests.bench.kernel.calls import require_done
from tests.bench.kernel.compute import PEERS, ROUNDS, require_same
from tests.bench.kernel.guests import ANSWER, Question, Reading, Taken, Turns, in_turns, summed_up
from tests.bench.kernel.rows import Goal, Row, against, alone, data, faster, slower, table, together
from tests.bench.kernel.start import here, size_row, start_rows


# Rows

TURNS = Turns(((2e6, 2e6), (1e6, 4e6), (4e6, 4e6)), ("a", "a", "a"))


def test_a_ratio_is_taken_within_each_turn():
    assert TURNS.ratio(0, 2) == Taken(0.5, 0.0)
    assert TURNS.ratio(0, 1) == Taken(1.25, 0.6)


@pytest.mark.parametrize(("goal", "number", "met"), [(Goal(">=", 0.9), 0.9, True), (Goal(">=", 0.9), 0.89, False), (Goal("<=", 0.05), 0.05, True),
                                                     (Goal("<=", 0.05), 0.051, False)])
def test_a_goal_is_met_at_its_bound(goal, number, met):
    assert goal.met(number) is met


def test_less_time_is_a_higher_speed_and_a_smaller_ratio_of_times():
    assert (faster("f", "rounds/s", TURNS, 2, "p").value, faster("f", "rounds/s", TURNS, 2, "p").ratio) == (500, 2.0)
    assert (slower("s", TURNS, 2, "p", unit="us", size=1000).value, slower("s", TURNS, 2, "p").ratio) == (2000, 0.5)


def test_a_goal_of_the_value_needs_no_peer():
    assert alone("boot", "ms", Taken(149, 0), Goal("<=", 150, "value")).met is True
    assert alone("boot", "ms", Taken(151, 0), Goal("<=", 150, "value")).met is False


def test_a_row_without_a_peer_cannot_meet_a_ratio():
    assert Row("a", 1, "ns", peer="none: there is no Linux here", goal=Goal("<=", 1)).met is None


def test_the_mean_of_ratios_is_geometric():
    rows = [Row("a", 2, "x", peer="p", peer_value=1, ratio=2), Row("b", 8, "x", peer="p", peer_value=16, ratio=0.5)]
    whole = together("all", rows, Goal(">=", 1))
    assert math.isclose(whole.value, 4) and math.isclose(whole.ratio, 1) and whole.met


def test_rows_are_complete_as_json():
    row = json.loads(data([slower("s", TURNS, 2, "a peer", Goal("<=", 1))], {}))["rows"][0]
    assert row == {"name": "s", "value": 2e6, "unit": "ns", "peer": "a peer", "peer_value": 4e6, "ratio": 0.5, "goal": "ratio <= 1", "met": True,
                   "spread": 0.0}


def test_a_change_is_told_where_it_is_more_than_noise():
    before = data([Row("a", 10, "ns", 0.1, "p", 10, 1.0), Row("b", 5, "ns", 0.1)], {})
    now = against([Row("a", 20, "ns", 0.1, "p", 10, 2.0), Row("b", 5.2, "ns", 0.1), Row("c", 1, "ns")], before)
    assert [row.change for row in now] == [2.0, 1.04, None]
    shown = table(now).splitlines()
    assert shown[1].endswith("x 2.00") and shown[2].endswith("within noise") and shown[3].endswith("0%")


@pytest.mark.parametrize("text", ["", "[]", '{"rows": [{"name": "a"}]}', '{"figures": []}'])
def test_what_is_no_earlier_run_is_refused(text):
    with pytest.raises(ToolFailure, match="no output of `munal bench kernel"):
        against([], text)


# Guests

class Fake:
    """Answers as it is told to, in order."""

    def __init__(self, *readings):
        self.readings, self.asked = list(readings), []

    def ask(self, name, operations, samples):
        self.asked.append((name, operations, samples))
        return self.readings.pop(0)


def test_what_understanding_a_question_costs_is_not_counted():
    fake = Fake(*[Reading(10, "c", (), worked) for worked in (900, 500 + 100, 500 + 400, 700 + 100, 700 + 400)])
    turns = in_turns([Question(fake, "loop", 10)], turns=2, samples=3)
    assert turns.times == ((10.0, 10.0),) and fake.asked == [("loop", 10, n) for n in (1, 1, 4, 1, 4)]


def test_a_result_that_changes_ends_the_benchmark():
    fake = Fake(*[Reading(1, checksum, (), 1) for checksum in ("c", "c", "d")])
    with pytest.raises(ToolFailure, match="`loop` gave c first and d later"):
        in_turns([Question(fake, "loop", 1)], turns=1, samples=1)


def test_engines_that_disagree_end_the_benchmark():
    with pytest.raises(ToolFailure, match="disagree on `loop`: a by munal, b by native"):
        require_same("loop", ["munal", "native"], ["a", "b"])


def test_no_time_at_all_is_no_measurement():
    with pytest.raises(ToolFailure, match="too short"):
        summed_up([1.0, 0.0])


def test_an_answer_is_whole_or_not_there():
    assert not ANSWER.search("bench loop 3 0123456789abcdef 12 34")
    assert ANSWER.search("x\nbench loop 3 0123456789abcdef 12 34\n")[4] == " 12 34"


def test_an_initramfs_is_as_linux_reads_it():
    archive = linux.cpio({"dev": (0o40755, b""), "init": (0o100755, b"abcde")})
    assert len(archive) % 4 == 0 and archive.count(b"070701") == 3
    at = archive.index(b"070701", 6)
    fields = [int(archive[at + 6 + 8 * k:at + 14 + 8 * k], 16) for k in range(13)]
    assert (fields[1], fields[6], fields[11]) == (0o100755, 5, 5) and archive[at + 110:at + 116] == b"init\0\0"
    assert archive[at + 116:at + 124] == b"abcde\0\0\0"


def test_the_programs_are_those_of_the_source():
    source = (linux.PROGRAMS / "programs.c").read_text()
    assert re.findall(r'\{"(\w+)", run_\1\}', source) == list(ROUNDS) and len(ROUNDS) >= 8


def test_the_programs_run_on_this_machine_too():
    with here(linux.native()) as machine:
        reading = machine.ask("json", 2, 3)
    assert len(reading.samples) == 3 and reading.worked > 0 and reading.checksum == "2fa386849f59e471"


def test_a_start_is_told_as_if_it_were_not_emulated():
    emulation, start = start_rows(1_200_000_000, 10.0)
    assert (emulation.value, start.value, start.met) == (10.0, 120.0, True)
    assert list(start_rows(1_600_000_000, 10.0))[1].met is False


def test_the_image_is_beside_a_kernel_and_its_initramfs():
    row = size_row(1_000_000, 9_000_000, 1_000_000)
    assert (row.value, row.peer_value, row.ratio, row.met) == (1.0, 10.0, 0.1, True)


def test_calls_that_went_wrong_end_the_benchmark():
    with pytest.raises(ToolFailure, match="of 16 operations of `life`, 15 went well"):
        require_done(((Fake(), "life", 16),), Turns(((1.0,),), (f"{15:016x}",)))


GLUE = """
  (func $munal:clock/time#now (export "munal:clock/time#now") (result i64)
    (return_call $raw.clock_now (i32.const 7)))
  (func $munal:clock/time#sleep (export "munal:clock/time#sleep") (param $deadline i64)
    (return_call $raw.clock_sleep (i32.const 7) (local.get $deadline)))
"""


def test_bare_calls_are_made_in_a_loop_beside_the_primitive():
    forged = with_bare_calls(GLUE)
    assert forged.count("call $raw.clock_now (i32.const 7))") == 2 and "clock_sleep" not in forged
    assert forged.count("(") == forged.count(")")


def test_glue_of_another_form_is_not_forged_unnoticed():
    with pytest.raises(ToolFailure, match="no longer as the benchmark knows it"):
        with_bare_calls(GLUE.replace("clock_now", "clock_then"))


# All of it

@pytest.mark.boot
@pytest.mark.slow
@pytest.mark.xdist_group("boot")
def test_the_whole_benchmark_in_its_short_form():
    from tests.bench import bench_kernel

    try:
        linux.find_kernel()
    except ToolFailure as failure:
        pytest.skip(f"no Linux to compare with: {failure.message}")
    rows, notes = bench_kernel.measure(bench_kernel.QUICK)
    assert notes["kernel"].startswith("Linux ") and "Mitigation" in notes["spectre_v2"]
    named = [(row.name, row.peer) for row in rows]
    assert len(set(named)) == len(named)
    for peer in (*(peer for peer, _ in PEERS.values()), interpreted.PEER):
        assert {(f"compute, {name}", peer) for name in (*ROUNDS, "geometric mean")} <= set(named)
    assert {"host call through glue", "service round trip, 64 bytes", "stream, one way", "service round trip, 64 KiB", "tight loop, preempted every 10 ms",
            "image of the profile `minimal`", "hand-over to an app's first instruction, not emulated", "a SIP from start to end"} <= {row.name for row in rows}
    for row in rows:
        assert row.value > 0 and row.unit and row.spread >= 0, row
        assert row.peer_value is None or row.peer_value > 0 and row.ratio > 0, row
        assert row.goal is None or row.met is not None, row
