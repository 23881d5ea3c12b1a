"""The content cache: what is stored comes back whole or not at all."""

import errno
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer import cache
from composer.tools import ToolFailure


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def everything_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_what_is_stored_comes_back():
    path = cache.store("wasm", "k", b"content")
    assert path.read_bytes() == b"content"
    assert cache.entry("wasm", "k") == path
    assert cache.read("wasm", "k") == b"content"


def test_a_file_and_a_writer_are_stored_alike(tmp_path):
    (tmp_path / "file").write_bytes(b"same")
    first = cache.store("a", "1", tmp_path / "file")
    assert cache.store("a", "2", lambda out: out.write(b"same")) == first
    assert cache.read("a", "2") == b"same"


def test_kinds_and_keys_are_apart():
    cache.store("wasm", "k", b"1")
    assert cache.read("elf", "k") is None
    assert cache.read("wasm", "l") is None


@pytest.mark.parametrize("damage", [b"", b"conten", b"Content", b"content!"])
def test_damaged_content_is_not_there(damage):
    cache.store("wasm", "k", b"content").write_bytes(damage)
    assert cache.read("wasm", "k") is None
    assert cache.entry("wasm", "k") is None


def test_damaged_content_can_be_stored_again():
    cache.store("wasm", "k", b"content").write_bytes(b"other")
    assert cache.read("wasm", "k") is None
    cache.store("wasm", "k", b"content")
    assert cache.read("wasm", "k") == b"content"


def test_a_damaged_name_is_not_followed_out_of_the_cache(own_cache):
    cache.store("wasm", "k", b"content")
    (own_cache / "refs/wasm/k").write_bytes(b"../../../etc/hostname")
    assert cache.read("wasm", "k") is None
    (own_cache / "refs/wasm/k").write_bytes(b"\xff\x00")
    assert cache.read("wasm", "k") is None


def test_a_writer_that_fails_leaves_nothing(own_cache):
    def writer(out):
        out.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.store("wasm", "k", writer)
    assert everything_in(own_cache) == []


def test_a_full_disk_is_said_so_and_leaves_nothing(own_cache):
    def writer(out):
        out.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "object")

    with pytest.raises(ToolFailure, match="No space left on device; make room"):
        cache.store("wasm", "k", writer)
    assert everything_in(own_cache) == []


def test_a_cache_below_a_file_is_refused_in_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MUNAL_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ToolFailure, match="cannot write"):
        cache.store("wasm", "k", b"content")


def test_two_that_store_the_same_entry_leave_one_of_them_whole():
    contents = [bytes([n]) * 100_000 for n in range(8)]
    together = threading.Barrier(len(contents))

    def store(content):
        together.wait()
        cache.store("wasm", "k", content)

    threads = [threading.Thread(target=store, args=(c,)) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.read("wasm", "k") in contents


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_keys_are_equal_only_for_equal_parts(a, b):
    assert (cache.digest(*a) == cache.digest(*b)) == (a == b)


def test_what_was_not_used_for_a_month_goes_and_the_rest_stays(own_cache):
    old, new = cache.store("wasm", "old", b"old"), cache.store("wasm", "new", b"new")
    with cache.work("idle") as idle, cache.work("busy") as busy:
        (idle / "file").touch()
    now = old.stat().st_mtime + 2 * cache.DAY
    long_ago = now - (cache.KEEP_DAYS + 1) * cache.DAY
    for path in (own_cache / "refs/wasm/old", old, idle / ".lock"):
        os.utime(path, (long_ago, long_ago))
    cache.prune(now)
    assert cache.read("wasm", "new") == b"new"
    assert cache.read("wasm", "old") is None
    assert not old.exists() and new.exists()
    assert not idle.exists() and busy.exists()


def test_an_entry_in_use_is_marked_as_used(own_cache):
    cache.store("wasm", "k", b"content")
    ref = own_cache / "refs/wasm/k"
    os.utime(ref, (0, 0))
    cache.read("wasm", "k")
    assert ref.stat().st_mtime > 0


def test_an_object_without_a_name_waits_a_day_for_one(own_cache):
    path = cache.store("wasm", "k", b"content")
    (own_cache / "refs/wasm/k").unlink()
    cache.prune(path.stat().st_mtime + cache.DAY / 2)
    assert path.exists()
    cache.prune(path.stat().st_mtime + cache.DAY * 2)
    assert not path.exists()


def test_pruning_happens_once_a_day(own_cache):
    own_cache.mkdir()
    cache.prune_sometimes(now=cache.DAY * 100.0)
    first = (own_cache / ".pruned").stat().st_mtime
    cache.prune_sometimes(now=cache.DAY * 100.5)
    assert (own_cache / ".pruned").stat().st_mtime == first
    cache.prune_sometimes(now=cache.DAY * 101.5)
    assert (own_cache / ".pruned").stat().st_mtime > first


def test_clean_empties_what_was_built_and_keeps_what_was_installed(own_cache):
    cache.store("wasm", "k", b"content")
    (own_cache / "python").mkdir()
    (own_cache / "python" / "tool").write_bytes(b"12345")
    assert cache.clean() > 0
    assert cache.read("wasm", "k") is None
    assert everything_in(own_cache) == [".pruned", "python/tool"]
    assert cache.clean(everything=True) == 5
    assert everything_in(own_cache) == []


def test_an_unchanged_file_keeps_its_time(tmp_path):
    path = tmp_path / "folder" / "file"
    cache.write_if_changed(path, b"1")
    os.utime(path, (1, 1))
    cache.write_if_changed(path, b"1")
    assert path.stat().st_mtime == 1
    cache.write_if_changed(path, b"2")
    assert path.read_bytes() == b"2" and path.stat().st_mtime > 1


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("MUNAL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert cache.root() == tmp_path / "x" / "munal"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "h"))
    assert cache.root() == tmp_path / "h" / ".cache" / "munal"


def test_an_output_that_cannot_be_written_is_no_fault_of_the_cache(tmp_path):
    (tmp_path / "image.efi").mkdir()
    with pytest.raises(ToolFailure, match="cannot write .*image.efi: Is a directory"):
        cache.write_output(tmp_path / "image.efi", b"image")
    assert everything_in(tmp_path / "image.efi") == []
    with pytest.raises(ToolFailure, match="cannot write /proc/") as caught:
        cache.write_output(Path("/proc/image.efi"), b"image")
    assert "MUNAL_CACHE" not in caught.value.message


def test_a_name_that_is_no_text_has_a_digest_of_its_own():
    """Folders have names of bytes, and Python shows those that are no UTF-8 by surrogates."""
    assert cache.digest("b\udcfcro") == cache.digest(b"b\xfcro") != cache.digest("b\udcfdro")
