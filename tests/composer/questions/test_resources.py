"""The grammar of resources: how people write them, what they mean, and what is said of words that mean nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.questions.resources import Names, Resource, Unclear, read_question, read_resource
from composer.system import Range

NAMES = Names(("clock", "com1", "rtc"), ("console", "minimal"), ("com1.serial", "rtc.time"))


@pytest.mark.parametrize(("words", "meant"), [
    ("0x3f8", Resource("port", Range(0x3F8, 1))),
    ("1016", Resource("port", Range(0x3F8, 1))),
    ("port 0x3F8..0x3ff", Resource("port", Range(0x3F8, 8))),
    ("write port 0x604 16-bit", Resource("port", Range(0x604, 1), access="w", width=16)),
    ("read 0x60 8 bits", Resource("port", Range(0x60, 1), access="r", width=8)),
    ("irq 4", Resource("irq", Range(4, 1))),
    ("isa 4", Resource("irq", Range(4, 1), "isa")),
    ("gsi 20", Resource("irq", Range(20, 1), "gsi")),
    ("irq", Resource("irq")),
    ("device 00:1f.2", Resource("device", Range(0xFA, 1))),
    ("device", Resource("device")),
    ("device.card", Resource("device", need="card")),
    ("port.regs", Resource("port", need="regs")),
    ("acpi", Resource("acpi")),
    ("clock", Resource("clock")),
    ("com1", Resource("", server="com1")),
    ("com1.serial", Resource("", server="com1.serial")),
    ("stream com1.serial", Resource("stream", server="com1.serial")),
    ("stream com1", Resource("stream", server="com1")),
    ("kernel.log", Resource("stream", server="kernel.log")),
    ("control clock", Resource("control", server="clock")),
    ("control", Resource("control")),
    ("memory", Resource("memory")),
    ("memory 1 MiB", Resource("memory", amount=1 << 20)),
    ("cpu 12.5%", Resource("cpu", amount=125)),
])
def test_what_words_mean(words, meant):
    assert read_resource(words.split(), NAMES) == meant


@pytest.mark.parametrize(("words", "said"), [
    ("com2", "did you mean `com1`?"),
    ("com1.serail", "`com1` provides no `serail`; it provides `com1.serial`"),
    ("rtc.nothing", "it provides `rtc.time`"),
    ("clock.x.y", "`clock` provides no `x.y`"),
    ("prot 0x3f8", "names no resource"),
    ("port nine", "`nine` is no port"),
    ("device 3", "`3` is no place of a function"),
    ("port 0x3ff..0x3f8", "ends before it starts"),
    ("port 0xfffc..0x10000", "past the last port, 0xffff"),
    ("irq four", "write a number, like `irq 4`"),
    ("control nobody", "there is no instance `nobody`"),
    ("memory 1", "is not a size"),
    ("cpu 5 parsecs", "is no unit of a share"),
    ("acpi tables", "takes no `tables`"),
    ("read", "names no resource"),
    ("port 0x3f8 0x3f9 0x3fa", "says too much"),
])
def test_what_is_said_of_words_without_meaning(words, said):
    with pytest.raises(Unclear, match="(?s).*") as problem:
        read_resource(words.split(), NAMES)
    assert said in str(problem.value)


@pytest.mark.parametrize(("words", "profile"), [
    (("port", "0x3f8", "minimal"), "minimal"),
    (("port 0x3f8", "minimal@q35"), "minimal@q35"),
    (("com1", "@q35"), "@q35"),
    (("control", "console"), "console"),
    (("memory", "minimal"), "minimal"),
    (("control", "clock"), None),
    (("control", "clock", "console"), "console"),
])
def test_what_is_left_over_is_a_profile(words, profile):
    assert read_question(words, NAMES)[1] == profile


@pytest.mark.parametrize(("words", "said"), [
    (("port", "0x3f8", "nowhere"), "there is no profile `nowhere`; the profiles are `console` and `minimal`"),
    (("com1", "consol"), "there is no profile `consol`; did you mean `console`?"),
    (("port", "nine", "nowhere"), "says too much"),
])
def test_a_last_word_that_is_no_profile_is_told_as_one_where_the_rest_is_clear(words, said):
    with pytest.raises(Unclear) as problem:
        read_question(words, NAMES)
    assert said in str(problem.value)


@given(st.lists(st.one_of(st.sampled_from(("read", "port", "irq", "0x3f8", "16-bit", "com1", "control", "memory", "stream", "8", "bits")),
                          st.text(max_size=5)), max_size=4))
def test_no_words_do_anything_but_mean_or_not(words):
    try:
        resource, _ = read_question(words, NAMES)
    except Unclear as problem:
        assert str(problem)
    else:
        assert read_resource(str(resource).split(), NAMES) == resource
