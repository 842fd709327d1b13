"""Translates between the providers' bytes and the domain's commands and messages."""
