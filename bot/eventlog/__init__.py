"""Keeps the promise of domain.ports.event_log: codec, vault, SQLite and PostgreSQL logs, and the thread that commits groups."""
