"""What does a like job elsewhere: mkosi and osbuild check a configuration of four variants, cargo finds nothing to build.

Gets a folder to write in; gives jobs to be timed, or why one cannot be had. Nothing is installed: mkosi's Debian package is
unpacked into the cache, and osbuild is taken where it is on the PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Job

MKOSI = "14-2"
"""Debian 12's. Later ones have another command line and other settings."""

VARIANTS = ("console", "minimal", "quiet", "kiosk")
PARTS = ("systemd", "openssh-server", "login", "dbus", "udev", "iproute2", "less")
"""As many as a variant of the workspace measured has instances."""

WAIT = 120


@dataclass(frozen=True, slots=True)
class Peer:
    """`job` is None where it cannot be had; `says` is then the reason, else what it does."""

    name: str
    says: str
    job: Job | None = None


def mkosi(folder: Path) -> Peer:
    """mkosi reads four settings files, checks them and prints what each would build; run by the Python that runs the composer."""
    name = f"mkosi {MKOSI.split('-')[0]}"
    package = _unpacked_mkosi()
    if isinstance(package, str):
        return Peer(name, package)
    write_settings(folder / "mkosi", VARIANTS)
    env = {**os.environ, "PYTHONPATH": str(package)}
    return _tried(Peer(name, "`mkosi --all summary` over four settings files of seven packages each; it keeps nothing between runs",
                       Job([sys.executable, "-P", "-m", "mkosi", "--all", "summary"], env=env, cwd=folder / "mkosi")))


def osbuild(folder: Path) -> Peer:
    """osbuild checks a manifest of four pipelines against the schemas of its stages and prints it, where it is on the PATH."""
    found = shutil.which("osbuild")
    if not found:
        return Peer("osbuild", "osbuild is not on the PATH; Debian 12 has no package, and PyPI's of that name is another program")
    manifest = folder / "osbuild.json"
    manifest.write_text(json.dumps(osbuild_manifest(VARIANTS)))
    return _tried(Peer("osbuild", "`osbuild --inspect` of a manifest with four pipelines of seven stages each", Job([found, "--inspect", manifest])))


def cargo(folder: Path) -> Peer:
    """What a build tool of the same machine takes to find that nothing changed, in a crate without dependencies."""
    from composer import toolchain

    rust = toolchain.find_rust(kernel=False)
    if rust is None:
        return Peer("cargo", "there is no Rust toolchain here")
    crate = folder / "crate"
    (crate / "src").mkdir(parents=True)
    (crate / "Cargo.toml").write_text('[package]\nname = "peer"\nversion = "0.1.0"\nedition = "2021"\n')
    (crate / "src/lib.rs").write_text("pub fn nothing() {}\n")
    env = {**os.environ, "RUSTC": str(rust.rustc)}
    return _tried(Peer("cargo", "`cargo build` of a crate of one line with nothing to build", Job([rust.cargo, "build", "--offline", "--quiet"], env=env, cwd=crate)))


def write_settings(folder: Path, names: Sequence[str]) -> None:
    """mkosi's settings for `names`, each complete in itself, as mkosi 14 wants several in one folder."""
    (folder / "mkosi.files").mkdir(parents=True)
    for name in names:
        (folder / "mkosi.files" / f"mkosi.{name}.conf").write_text(
            f"[Distribution]\nDistribution=debian\nRelease=bookworm\n\n[Output]\nFormat=gpt_ext4\nBootable=yes\nOutput={name}.raw\n"
            f"ImageId={name}\nHostname={name}\n\n[Content]\nPackages={(chr(10) + ' ' * 9).join(PARTS)}\n")


def osbuild_manifest(names: Sequence[str]) -> dict[str, object]:
    """A manifest, version 2, with a pipeline for each of `names`; its stages need no sources."""
    stages = [("hostname", {"hostname": "x"}), ("locale", {"language": "C.UTF-8"}), ("timezone", {"zone": "UTC"}), ("machine-id", {"first-boot": "yes"}),
              ("keymap", {"keymap": "us"}), ("groups", {"groups": {"users": {"gid": 100}}}), ("systemd", {"enabled_services": ["sshd.service"]})]
    listed = [{"type": f"org.osbuild.{name}", "options": options} for name, options in stages]
    return {"version": "2", "pipelines": [{"name": name, "runner": "org.osbuild.linux", "stages": listed} for name in names]}


def _unpacked_mkosi() -> Path | str:
    """The folder to import mkosi from, or why there is none."""
    from composer import cache

    folder = cache.root() / "peers" / f"mkosi-{MKOSI}"
    inside = folder / "usr/lib/python3/dist-packages"
    if (inside / "mkosi").is_dir():
        return inside
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return "mkosi is fetched as a Debian package, and this is no Debian"
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f".new-{os.getpid()}")
    new.mkdir()
    try:
        for command in (["apt-get", "download", "-q", f"mkosi={MKOSI}"], ["dpkg-deb", "-x", f"mkosi_{MKOSI}_all.deb", "."]):
            done = subprocess.run(command, cwd=new, capture_output=True, text=True, timeout=WAIT, check=False)
            if done.returncode != 0:
                return f"`{' '.join(command)}` failed: {(done.stderr.strip().splitlines() or ['it says nothing'])[-1]}"
        new.rename(folder)
    except (OSError, subprocess.TimeoutExpired) as problem:
        return f"mkosi could not be fetched: {problem}"
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return inside


def _tried(peer: Peer) -> Peer:
    """The peer, if its job runs here."""
    assert peer.job is not None
    try:
        done = subprocess.run([str(word) for word in peer.job.command], env=peer.job.env, cwd=peer.job.cwd, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=WAIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        return Peer(peer.name, f"{peer.name} does not run here: {problem}")
    if done.returncode != 0:
        return Peer(peer.name, f"{peer.name} fails here: {((done.stderr or done.stdout).strip().splitlines() or ['it says nothing'])[-1]}")
    return peer
