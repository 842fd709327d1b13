"""Processes: event in, commands out."""
