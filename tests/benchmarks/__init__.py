"""Measured beside peers in the same run, never asserted by a test: ``make bench``, ``make bench-large``, docs/benchmarks.md."""
