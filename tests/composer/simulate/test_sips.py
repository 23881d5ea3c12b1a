"""What simulated SIPs may do, what ends them, and what their peers notice: each fault beside its innocent neighbour."""

from __future__ import annotations

import dataclasses
import re

import pytest

from composer.interfaces import Raw, load_interfaces
from composer.simulate import raw
from composer.simulate.sip import Status
from composer.system import Access, Restart
from tests.composer.systems import app, instance, need, provide, system, wire

EXIT = need("port", "exit", length=1, access=Access.WRITE)
EXIT_AT = {"base": 0xF4}
NEVER, TWICE = Restart("never"), Restart("on-failure", 1, 2)
IMPORT_EXIT = '(import "munal:port/exit" "write8" (func $exit (param i32 i32)))'
MEMORY = '(memory (export "memory") 1 1)'


def wat(*parts: str, start: str) -> str:
    return f'(module {" ".join(parts)} {MEMORY} (func (export "_start") {start}))'


def exits_with(value: str, *imports: str, before: str = "") -> str:
    """An app that tells a number by the debug exit."""
    return wat(IMPORT_EXIT, *imports, start=f"(local $n i32) {before} (call $exit (i32.const 0) {value})")


def test_a_value_written_to_the_debug_exit_is_the_status(run):
    made = system(instance("one", app("teller", EXIT), exit=EXIT_AT))
    assert run(made, {"teller": exits_with("(i32.const 42)")}) == (42, b"")


def test_a_primitive_that_is_missing_is_named_at_the_start():
    interfaces = load_interfaces()
    raw.require_complete(interfaces)
    more = dataclasses.replace(interfaces)
    more.__dict__["raw"] = {**interfaces.raw, "gpu_draw": Raw("gpu_draw", (), None), "usb_send": Raw("usb_send", (), None)}
    with pytest.raises(LookupError, match="gpu_draw, usb_send"):
        raw.require_complete(more)


@pytest.mark.parametrize(("offset", "ended"), [(0, Status.ENDED), (7, Status.ENDED), (8, Status.FAILED)])
def test_glue_stops_an_offset_outside_the_grant(boot, offset, ended):
    made = system(instance("com1", app("uart", need("port", "regs")), restart=NEVER, regs={"base": 0x3F8}))
    text = wat('(import "munal:port/regs" "read8" (func $read (param i32) (result i32)))', start=f"(drop (call $read (i32.const {offset})))")
    booted = boot(made, {"uart": text})
    booted.until(lambda: not booted.sip("com1").lives_on)
    assert booted.sip("com1").status is ended
    assert ("unreachable" in booted.log("com1")) == (ended is Status.FAILED)


@pytest.mark.parametrize(("port", "width", "allowed"), [(0x3FF, 8, True), (0x400, 8, False), (0x3F7, 8, False), (0x3F8, 16, False)])
def test_the_kernel_refuses_what_glue_would_let_through(boot, port, width, allowed):
    forged = f"""(module (import "munal:raw" "port_in{width}" (func $in (param i32) (result i32)))
      (func (export "munal:port/regs#read8") (param i32) (result i32) (call $in (i32.const {port}))))"""
    made = system(instance("com1", app("uart", need("port", "regs")), restart=NEVER, regs={"base": 0x3F8}))
    text = wat('(import "munal:port/regs" "read8" (func $read (param i32) (result i32)))', start="(drop (call $read (i32.const 0)))")
    booted = boot(made, {"uart": text}, glue={"com1": forged})
    booted.until(lambda: not booted.sip("com1").lives_on)
    assert booted.sip("com1").error == ("" if allowed else f"was refused to read {width} bits at port {port:#x}")


TIMER_AT = 0xFED0_0000
TIMER = need("mmio", "regs", length=0x20, widths=(32, 64))


@pytest.mark.parametrize(("offset", "ended"), [
    (0, Status.ENDED), (0x18, Status.ENDED), (0x1C, Status.FAILED), (0x20, Status.FAILED), (-1, Status.FAILED), (-8, Status.FAILED),
    (0x7FFF_FFFF, Status.FAILED), (-0x8000_0000, Status.FAILED), (-TIMER_AT & 0xFFFF_FFFF, Status.FAILED),
])
def test_glue_stops_an_offset_that_leaves_device_memory(boot, offset, ended):
    made = system(instance("timer", app("hpet", TIMER), restart=NEVER, regs={"base": TIMER_AT}))
    text = wat('(import "munal:mmio/regs" "read64" (func $read (param i32) (result i64)))', start=f"(drop (call $read (i32.const {offset})))")
    booted = boot(made, {"hpet": text})
    booted.until(lambda: not booted.sip("timer").lives_on)
    assert booted.sip("timer").status is ended
    assert ("unreachable" in booted.log("timer")) == (ended is Status.FAILED)


@pytest.mark.parametrize(("address", "width", "allowed"), [
    (TIMER_AT, 64, True), (TIMER_AT + 0x1C, 32, True), (TIMER_AT + 0x1C, 64, False), (TIMER_AT - 4, 64, False), (TIMER_AT, 8, False),
    (0xFFFF_FFFF_FFFF_FFF8, 64, False), (TIMER_AT | 1 << 32, 32, False),
])
def test_the_kernel_refuses_device_memory_that_glue_would_let_through(boot, address, width, allowed):
    result = "i64" if width == 64 else "i32"
    forged = f"""(module (import "munal:raw" "mmio_read{width}" (func $in (param i64) (result {result})))
      (func (export "munal:mmio/regs#read32") (param i32) (result i32) (drop (call $in (i64.const {address}))) (i32.const 0)))"""
    made = system(instance("timer", app("hpet", TIMER), restart=NEVER, regs={"base": TIMER_AT}))
    text = wat('(import "munal:mmio/regs" "read32" (func $read (param i32) (result i32)))', start="(drop (call $read (i32.const 0)))")
    booted = boot(made, {"hpet": text}, glue={"timer": forged})
    booted.until(lambda: not booted.sip("timer").lives_on)
    assert booted.sip("timer").error == ("" if allowed else f"was refused to read {width} bits of device memory at {address:#x}")


@pytest.mark.parametrize(("at", "length", "fine"), [(65530, 6, True), (65536, 0, True), (65530, 7, False), (-1, 2, False)])
def test_a_pointer_outside_the_memory_ends_that_sip_alone(boot, at, length, fine):
    logger = app("logger", need("log", "log"))
    made = system(instance("bad", logger, restart=NEVER, log={}), instance("good", app("sleeper", need("clock", "time")), time={}))
    text = wat('(import "munal:log/log" "write" (func $write (param i32 i32)))', start=f"(call $write (i32.const {at}) (i32.const {length}))")
    sleeper = wat('(import "munal:clock/time" "sleep" (func $sleep (param i64)))', start="(call $sleep (i64.const -1))")
    booted = boot(made, {"logger": text, "sleeper": sleeper})
    booted.until(lambda: not booted.sip("bad").lives_on)
    assert ("which leave its memory" in booted.sip("bad").error) != fine
    assert booted.sip("good").status is not Status.FAILED


def test_a_failure_is_told_as_the_kernel_tells_it(boot):
    """The sentence, then a frame a line, innermost first, with offsets in the wasm; leaving with a code has none."""
    text = wat('(func $deep unreachable) (func $middle (call $deep))', start="(call $middle)")
    booted = boot(system(instance("bad", app("bad"), restart=NEVER)), {"bad": text})
    booted.until(lambda: not booted.sip("bad").lives_on)
    sentence, *frames = bytes(booted.sip("bad").log.bytes).decode().splitlines()
    assert sentence == booted.sip("bad").error == "wasm trap: wasm `unreachable` instruction executed"
    assert [re.sub("0x[0-9a-f]+", "AT", frame).split() for frame in frames[:2]] == [["0:", "AT", "deep"], ["1:", "AT", "middle"]]


WAITER = wat(start="(loop $l (br $l))")


def controller(verb: str, name: str) -> str:
    return (f'(module (import "munal:control/all" "{verb}" (func $do (param i32 i32) (result i32))) {IMPORT_EXIT} {MEMORY}'
            f' (data (i32.const 0) "{name}") (func (export "_start") (local $answer i32)'
            f' (local.set $answer (call $do (i32.const 0) (i32.const {len(name)})))'
            ' (call $exit (i32.const 0) (select (i32.const 0) (i32.sub (i32.const 0) (local.get $answer)) (i32.ge_s (local.get $answer) (i32.const 0))))))')


def control_system(names: list[str]):
    boss = app("boss", need("control", "all"), EXIT)
    return system(instance("boss", boss, restart=NEVER, all={"instances": names}, exit=EXIT_AT),
                  instance("looper", app("looper"), restart=NEVER), instance("other", app("looper"), restart=NEVER))


@pytest.mark.parametrize(("granted", "name", "status"), [(["looper"], "looper", 0), (["*"], "other", 0), (["looper"], "other", 1), (["*"], "nobody", 7)])
def test_control_reaches_only_the_instances_that_were_granted(boot, granted, name, status):
    booted = boot(control_system(granted), {"boss": controller("stop", name), "looper": WAITER})
    assert booted.status() == status


def test_an_endless_loop_is_stopped_and_its_neighbour_is_not(boot):
    made = control_system(["looper"])
    boss = made.instances[0]
    made = dataclasses.replace(made, instances=(dataclasses.replace(boss, grants=boss.grants[:1], app=app("boss", boss.app.needs[0])), *made.instances[1:]))
    text = f"""(module (import "munal:control/all" "stop" (func $do (param i32 i32) (result i32))) {MEMORY}
      (data (i32.const 0) "looper") (func (export "_start") (drop (call $do (i32.const 0) (i32.const 6)))))"""
    booted = boot(made, {"boss": text, "looper": WAITER})
    booted.until(lambda: booted.sip("looper").status is Status.STOPPED)
    booted.until(lambda: booted.sip("boss").status is Status.ENDED)
    assert booted.sip("other").status is Status.RUNNING


def test_who_controls_can_wait_for_the_end_of_the_next_life(boot):
    """It starts what ended, waits for that life's end, and times out where there is none to come."""
    boss = app("boss", need("control", "all"))
    made = system(instance("boss", boss, restart=NEVER, all={"instances": ["short"]}), instance("short", app("short"), restart=NEVER))
    text = f"""(module (import "munal:control/all" "start" (func $start (param i32 i32) (result i32)))
      (import "munal:control/all" "wait" (func $wait (param i32 i32 i32 i64) (result i32))) {MEMORY}
      (data (i32.const 0) "short") (func $check (param i32) (if (i32.eqz (local.get 0)) (then unreachable)))
      (func (export "_start") (local $over i32)
        (call $check (i32.eq (call $wait (i32.const 0) (i32.const 5) (i32.const 0) (i64.const -1)) (i32.const 1)))
        (local.set $over (call $start (i32.const 0) (i32.const 5)))
        (call $check (i32.gt_s (call $wait (i32.const 0) (i32.const 5) (i32.const 1) (i64.const -1)) (i32.const 1)))
        (call $check (i32.eq (call $wait (i32.const 0) (i32.const 5) (i32.const 2) (i64.const 1000000)) (i32.const -4)))))"""
    booted = boot(made, {"boss": text, "short": wat(start="")})
    booted.until(lambda: not booted.sip("boss").lives_on)
    assert (booted.sip("boss").status, booted.sip("boss").error, booted.sip("short").over) == (Status.ENDED, "", 2)


@pytest.mark.parametrize(("policy", "start", "status", "restarts"), [
    ("never", "unreachable", Status.FAILED, 0), ("on-failure", "unreachable", Status.FAILED, 2),
    ("on-failure", "", Status.ENDED, 0), ("always", "", Status.ENDED, 2),
])
def test_the_restart_policy_decides_and_its_limit_ends_it(boot, policy, start, status, restarts):
    booted = boot(system(instance("one", app("short"), restart=Restart(policy, 1, 2))), {"short": wat(start=start)})
    booted.until(lambda: not booted.sip("one").lives_on)
    assert (booted.sip("one").status, booted.sip("one").restarts) == (status, restarts)


@pytest.mark.parametrize(("code", "status"), [(0, Status.ENDED), (3, Status.FAILED)])
def test_exit_ends_a_sip_with_a_code(boot, code, status):
    text = wat('(import "munal:sip" "exit" (func $leave (param i32)))', start=f"(call $leave (i32.const {code})) unreachable")
    booted = boot(system(instance("one", app("short"), restart=NEVER)), {"short": text})
    booted.until(lambda: not booted.sip("one").lives_on)
    assert (booted.sip("one").status, booted.sip("one").error) == (status, "left with code 3" if code else "")


def pipe_system(restart: Restart = NEVER):
    server = instance("server", app("server", EXIT, provide("stream", "bytes", capacity=64)), restart=restart, exit=EXIT_AT)
    client = instance("client", app("client", need("stream", "out"), EXIT), restart=NEVER, out={"from": "server.bytes"}, exit=None)
    return system(server, client, wires=(wire(client, "out", server, "bytes"),))


WRITES = """(import "munal:stream/out" "write" (func $write (param i32 i32) (result i32)))"""
SERVES = """(import "munal:stream-server/bytes" "try_read" (func $read (param i32 i32 i32) (result i32)))
  (import "munal:stream-server/bytes" "handle" (func $handle (param i32) (result i32)))
  (import "munal:sip" "wait" (func $wait (param i32 i32 i64) (result i32)))"""


def test_every_byte_passes_a_small_stream_in_order_until_it_closes(boot):
    """10,000 bytes through 64: the server checks that each is the next one, and exits with 9 once the client has ended."""
    client = wat(WRITES, start="""(local $n i32)
      (loop $more
        (i32.store8 (i32.const 0) (local.get $n))
        (drop (call $write (i32.const 0) (i32.const 1)))
        (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 10000))))""")
    server = wat(IMPORT_EXIT, SERVES, start="""(local $n i32) (local $got i32)
      (i32.store (i32.const 100) (call $handle (i32.const 0)))
      (i32.store16 (i32.const 104) (i32.const 5))
      (loop $more
        (drop (call $wait (i32.const 100) (i32.const 8) (i64.const -1)))
        (local.set $got (call $read (i32.const 0) (i32.const 0) (i32.const 1)))
        (if (i32.eq (local.get $got) (i32.const -2)) (then
          (call $exit (i32.const 0) (select (i32.const 9) (i32.const 1) (i32.eq (local.get $n) (i32.const 10000))))))
        (if (i32.ne (i32.load8_u (i32.const 0)) (i32.and (local.get $n) (i32.const 255))) (then
          (call $exit (i32.const 0) (i32.const 2))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br $more))""")
    assert boot(pipe_system(), {"client": client, "server": server}).status() == 9


@pytest.mark.parametrize(("wanted", "timeout", "answer", "ready"), [(2, -1, 1, 2), (3, 0, 1, 2), (1, 0, -4, 0)])
def test_wait_tells_what_is_ready_and_when_nothing_was(boot, wanted, timeout, answer, ready):
    """A client whose stream is empty can write and cannot read."""
    client = app("client", need("stream", "out"), EXIT)
    one = instance("client", client, restart=NEVER, out={"from": "server.bytes"}, exit=EXIT_AT)
    other = instance("server", app("server", need("clock", "time"), provide("stream", "bytes")), time={})
    text = wat(IMPORT_EXIT, '(import "munal:stream/out" "handle" (func $handle (result i32)))',
               '(import "munal:sip" "wait" (func $wait (param i32 i32 i64) (result i32)))', start=f"""(local $answer i32)
      (i32.store (i32.const 0) (call $handle)) (i32.store16 (i32.const 4) (i32.const {wanted})) (i32.store16 (i32.const 6) (i32.const 255))
      (local.set $answer (call $wait (i32.const 0) (i32.const 8) (i64.const {timeout})))
      (call $exit (i32.const 0) (i32.or (i32.and (local.get $answer) (i32.const 15)) (i32.shl (i32.load16_u (i32.const 6)) (i32.const 4))))""")
    sleeper = wat('(import "munal:clock/time" "sleep" (func $sleep (param i64)))', start="(call $sleep (i64.const -1))")
    made = system(one, other, wires=(wire(one, "out", other, "bytes"),))
    assert boot(made, {"client": text, "server": sleeper}).status() == answer & 15 | ready << 4


def asking_system(restart: Restart):
    server = instance("server", app("server", provide("service", "time")), restart=restart)
    client = instance("client", app("client", need("service", "rtc"), EXIT), restart=NEVER, rtc={"from": "server.time"}, exit=EXIT_AT)
    return system(server, client, wires=(wire(client, "rtc", server, "time"),))


ASK = '(import "munal:service/rtc" "call" (func $ask (param i32 i32 i32 i32) (result i32)))'
ANSWERS = """(import "munal:service-server/time" "receive" (func $receive (param i32 i32 i64) (result i32)))
  (import "munal:service-server/time" "reply" (func $reply (param i32 i32) (result i32)))"""


def asks(*, request: int = 4, buffer: int = 8) -> str:
    return exits_with("(i32.and (local.get $n) (i32.const 255))", ASK,
                      before=f"(local.set $n (call $ask (i32.const 0) (i32.const {request}) (i32.const 64) (i32.const {buffer})))")


def test_a_reply_is_told_whole_though_only_what_fits_is_stored(boot):
    server = wat(ANSWERS, start="""(loop $l (drop (call $receive (i32.const 0) (i32.const 64) (i64.const -1)))
      (drop (call $reply (i32.const 0) (i32.const 100))) (br $l))""")
    assert boot(asking_system(NEVER), {"client": asks(buffer=8), "server": server}).status() == 100


@pytest.mark.parametrize(("restart", "error"), [(TWICE, -8), (NEVER, -2)])
def test_a_client_hears_that_its_server_trapped(boot, restart, error):
    server = wat(ANSWERS, start="(drop (call $receive (i32.const 0) (i32.const 64) (i64.const -1))) unreachable")
    assert boot(asking_system(restart), {"client": asks(), "server": server}).status() == error & 255


@pytest.mark.parametrize(("length", "answer"), [(1 << 20, 0), ((1 << 20) + 1, -6)])
def test_a_request_has_a_largest_size(boot, length, answer):
    server = wat(ANSWERS, start="""(loop $l (drop (call $receive (i32.const 0) (i32.const 64) (i64.const -1)))
      (drop (call $reply (i32.const 0) (i32.const 0))) (br $l))""")
    made = asking_system(NEVER)
    roomy = dataclasses.replace(made, instances=tuple(dataclasses.replace(each, memory=2 << 20) for each in made.instances))
    client = asks(request=length).replace(MEMORY, '(memory (export "memory") 17 17)')
    assert boot(roomy, {"client": client, "server": server}).status() == answer & 255


def test_the_memory_limit_holds(boot):
    made = system(dataclasses.replace(instance("one", app("big", EXIT), restart=NEVER, exit=EXIT_AT), memory=load_interfaces().quota.used(3 << 16)))
    text = f"""(module {IMPORT_EXIT} (memory (export "memory") 1 9)
      (func (export "_start") (drop (memory.grow (i32.const 2))) (call $exit (i32.const 0) (i32.add (i32.mul (i32.const 16) (memory.size)) (i32.eq (memory.grow (i32.const 1)) (i32.const -1))))))"""
    assert boot(made, {"big": text}).status() == 3 * 16 + 1


def test_a_reset_starts_anew_until_something_else_ends_it(run):
    """It resets while the clock still shows the second in which it was started."""
    clock, reset = need("port", "rtc", length=2), need("port", "reset", length=1, access=Access.WRITE)
    made = system(instance("one", app("resetter", clock, reset, EXIT), rtc={"base": 0x70}, reset={"base": 0xCF9}, exit=EXIT_AT))
    text = wat(IMPORT_EXIT, '(import "munal:port/rtc" "write8" (func $index (param i32 i32)))',
               '(import "munal:port/rtc" "read8" (func $data (param i32) (result i32)))',
               '(import "munal:port/reset" "write8" (func $reset (param i32 i32)))', start="""
      (call $index (i32.const 0) (i32.const 0))
      (if (i32.eqz (call $data (i32.const 1))) (then (call $reset (i32.const 0) (i32.const 15))))
      (call $exit (i32.const 0) (i32.const 5))""")
    assert run(made, {"resetter": text}, rtc="2026-01-01T00:00:00")[0] == 5
    assert run(made, {"resetter": text}, rtc="2026-01-01T00:00:00", reboot=False)[0] == 0


def test_a_simulation_that_does_not_end_is_stopped_in_the_end(run, capsys):
    assert run(system(instance("one", app("looper"))), {"looper": WAITER}, timeout=0.2)[0] == 124
    assert "still ran after 0.2 seconds" in capsys.readouterr().err
