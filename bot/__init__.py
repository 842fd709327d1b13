"""Runs Siyu: settings, event log, commands, command line, and the one place where everything is joined."""
