"""Backup and restore: the log, the vault and the media of an installation, in one form for every store (docs/backup.md)."""
