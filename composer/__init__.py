"""Munal's composer: TOML manifests in, one bootable EFI image out."""

__version__ = "0.1.0"
