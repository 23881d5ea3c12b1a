"""The numbers that glue, kernel and simulator share: handles, streams and services (docs/formats.md, "Handles")."""

import pytest

from composer.badge import decode
from composer.layout import Channel, Handle, HandleKind, Service, Stream, make_layout, mirrored
from composer.system import SHARE, Access
from tests.composer.systems import CARD, UART, app, driver_and_client, instance, need, provide, system, wire


def test_a_driver_and_its_client_hold_both_ends_of_one_stream():
    layout = make_layout(driver_and_client())
    assert layout.streams == (Stream("com1.serial", 0, 1, 4096),)
    assert layout.handles["com1"] == (
        Handle(0, "munal:irq/line", "line", HandleKind.IRQ_ISA, 4, 3),
        Handle(1, "munal:stream-server/serial", "serial", HandleKind.STREAM_SERVER, 0, Access.READ.bits),
    )
    assert layout.handles["hello"] == (
        Handle(0, "munal:stream/console", "console", HandleKind.STREAM_CLIENT, 0, Access.WRITE.bits),)


def test_ports_take_no_handle_and_leave_no_gap():
    made = app("two", need("log", "log"), need("port", "regs"), need("clock", "clock"))
    layout = make_layout(system(instance("two", made, log={}, regs={"base": 1}, clock={})))
    assert [(h.number, h.kind) for h in layout.handles["two"]] == [(0, HandleKind.LOG), (1, HandleKind.CLOCK)]


def test_an_optional_need_without_grant_takes_no_handle():
    made = app("two", need("irq", "line", optional=True), need("log", "log"))
    layout = make_layout(system(instance("two", made, log={})))
    assert [(h.number, h.name) for h in layout.handles["two"]] == [(0, "log")]


def test_connections_follow_the_clients_names_then_their_needs():
    com1 = instance("com1", UART, regs={"base": 0x3F8}, line={"gsi": 4})
    both = app("both", need("stream", "out", access=Access.WRITE), need("stream", "in", access=Access.READ))
    one, two = (instance(name, both, out={}, **{"in": {}}) for name in ("a", "z"))
    wires = tuple(wire(client, name, com1, "serial") for client in (two, one) for name in ("in", "out"))
    layout = make_layout(system(two, com1, one, wires=wires))
    assert [s.client for s in layout.streams] == [0, 0, 2, 2]
    server = layout.of("com1", "munal:stream-server/serial")
    assert [(h.number, h.object, h.rights) for h in server] == [(1, 0, 1), (2, 1, 2), (3, 2, 1), (4, 3, 2)]
    assert [h.object for h in layout.handles["z"]] == [2, 3]
    assert layout.handles["com1"][0].kind is HandleKind.IRQ_GLOBAL


def test_streams_are_numbered_by_server_and_then_by_what_it_provides():
    pair = app("pair", provide("stream", "second"), provide("stream", "first"))
    a, b = instance("a", pair), instance("b", pair)
    user = app("user", *(need("stream", n) for n in ("w", "x", "y", "z")))
    u = instance("u", user, w={}, x={}, y={}, z={})
    wires = (wire(u, "w", b, "first"), wire(u, "x", b, "second"), wire(u, "y", a, "first"), wire(u, "z", a, "second"))
    layout = make_layout(system(a, b, u, wires=wires))
    assert [s.name for s in layout.streams] == ["a.second", "a.first", "b.second", "b.first"]
    assert [h.object for h in layout.handles["u"]] == [3, 2, 1, 0]
    assert [(h.name, h.object) for h in layout.handles["b"]] == [("second", 2), ("first", 3)]


def test_a_service_has_one_handle_whoever_asks():
    rtc = instance("rtc", app("rtc", provide("service", "time")))
    asker = app("asker", need("service", "time"))
    a, b = (instance(n, asker, time={"from": "rtc.time"}) for n in ("a", "b"))
    layout = make_layout(system(a, b, rtc, wires=(wire(a, "time", rtc, "time"), wire(b, "time", rtc, "time"))))
    assert layout.services == (Service("rtc.time", 2),)
    assert [h.kind for h in layout.handles["rtc"]] == [HandleKind.SERVICE_SERVER]
    assert {layout.handles[n][0] for n in "ab"} == {
        Handle(0, "munal:service/time", "time", HandleKind.SERVICE_CLIENT, 0, 3)}


def test_a_service_that_nobody_asks_still_has_its_handle():
    layout = make_layout(system(instance("rtc", app("rtc", provide("service", "time")))))
    assert len(layout.handles["rtc"]) == len(layout.services) == 1


def test_the_kernels_log_is_read_and_never_written():
    reader = instance("r", app("r", need("stream", "kernel")), kernel={"from": "kernel.log"})
    layout = make_layout(system(reader, wires=(wire(reader, "kernel", None),)))
    assert layout.handles["r"] == (Handle(0, "munal:stream/kernel", "kernel", HandleKind.KERNEL_LOG, 0, 1),)
    assert layout.streams == ()


@pytest.mark.parametrize(("names", "indexes"), [(["*"], (0, 1, 2)), (["c", "a", "c"], (0, 2)), ([], ())])
def test_control_lists_instances_by_index(names, indexes):
    shell = app("shell", need("control", "all"))
    layout = make_layout(system(instance("b", shell, all={"instances": names}), instance("a", app("a")), instance("c", app("c"))))
    assert layout.handles["b"][0].instances == indexes


@pytest.mark.parametrize(("client", "server"), [(1, 2), (2, 1), (3, 3), (0, 0)])
def test_the_ends_of_a_connection_mirror_each_other(client, server):
    assert mirrored(client) == server


def test_a_channel_joins_both_ends_with_what_the_provider_says_of_it():
    broker = app("broker", provide("channel", "jobs", depth=3, carries=("stream", "service")), provide("channel", "idle"))
    envoy = app("envoy", need("log", "log"), need("channel", "jobs", share=True))
    server, client = instance("broker", broker), instance("envoy", envoy, log={}, jobs={"from": "broker.jobs"})
    layout = make_layout(system(server, client, wires=(wire(client, "jobs", server, "jobs"),)))
    assert layout.channels == (Channel("broker.jobs", 0, 1, 3, 4096, 5),)
    assert layout.handles["envoy"][1:] == (Handle(1, "munal:channel/jobs", "jobs", HandleKind.CHANNEL_CLIENT, 0, 3 | SHARE),)
    assert layout.handles["broker"] == (Handle(0, "munal:channel-server/jobs", "jobs", HandleKind.CHANNEL_SERVER, 0, 3),)


def test_what_may_be_shared_has_the_right_at_its_own_end_alone():
    uart = app("uart", provide("stream", "serial"))
    talker = app("talker", need("stream", "console", access=Access.WRITE, share=True))
    com1, hello = instance("com1", uart), instance("hello", talker, console={"from": "com1.serial"})
    layout = make_layout(system(com1, hello, wires=(wire(hello, "console", com1, "serial"),)))
    assert [handles[0].rights for handles in layout.handles.values()] == [1, 2 | SHARE]


def test_a_device_is_numbered_by_instance_and_need_and_an_ungranted_one_is_none():
    card = app("net", need("device", "card"), need("log", "log"), need("device", "other", optional=True))
    made = system(instance("b", card, card={"slot": "any", "skip": 1}, log={}), instance("a", card, card={"slot": "00:03.1", "skip": 0}, other={"slot": "any", "skip": 0}, log={}))
    layout = make_layout(made)
    assert [(d.need, d.instance, d.slot, d.skip) for d in layout.devices] == [("card", 0, 0x19, 0), ("other", 0, None, 0), ("card", 1, None, 1)]
    assert [[(h.name, h.kind, h.object) for h in layout.handles[name]] for name in "ab"] == [
        [("card", HandleKind.DEVICE, 0), ("log", HandleKind.LOG, 0), ("other", HandleKind.DEVICE, 1)], [("card", HandleKind.DEVICE, 2), ("log", HandleKind.LOG, 0)]]
    assert layout.devices[0].regions == CARD.regions and layout.devices[0].reset == CARD.reset


def test_files_are_asked_by_a_badge_of_each_grant():
    store = instance("store", app("store", provide("service", "tree"), provide("files", "tree")))
    user = app("user", need("files", "home", access=Access.BOTH, share=True), need("files", "more"))
    one = instance("one", user, home={"from": "store.tree", "path": "/one", "quota": 4096}, more={"from": "store.tree", "path": "/"})
    two = instance("two", user, home={"from": "store.tree", "path": "/two"}, more=None)
    layout = make_layout(system(store, two, one, wires=(wire(one, "more", store, "tree"), wire(two, "home", store, "tree"), wire(one, "home", store, "tree"))))
    assert layout.services == (Service("store.tree", 1), Service("store.tree", 1))
    assert [(b.service, b.capability, b.words) for b in layout.badges] == [
        (1, "files", "read and write /one, at most 4 KiB"), (1, "files", "read /"), (1, "files", "read and write /two")]
    assert [decode(b.data).instance for b in layout.badges] == ["one", "one", "two"]
    assert layout.handles["one"] == (Handle(0, "munal:files/home", "home", HandleKind.SERVICE_BADGED, 0, 3 | SHARE),
                                     Handle(1, "munal:files/more", "more", HandleKind.SERVICE_BADGED, 1, 3))
    assert [(h.module, h.kind, h.object) for h in layout.handles["store"]] == [
        ("munal:service-server/tree", HandleKind.SERVICE_SERVER, 0), ("munal:files-server/tree", HandleKind.SERVICE_SERVER, 1)]
    assert [h.object for h in layout.handles["two"]] == [2]
