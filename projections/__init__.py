"""Remembers for reading: tables that can be dropped and rebuilt from the log at any time."""
