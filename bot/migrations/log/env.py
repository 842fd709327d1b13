"""Alembic's way in: bot.eventlog.migrate says which database, and how."""

from bot.eventlog.migrate import run_migrations

run_migrations()
