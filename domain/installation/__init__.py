"""The installation: one brand with one log."""
