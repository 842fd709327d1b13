"""Outgoing webhooks: what happens is told to other systems, signed, in order, again until they take it (docs/hooks.md)."""
