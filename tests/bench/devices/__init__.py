"""Devices beside Linux's drivers of the same devices: what bench_devices.py is made of."""
