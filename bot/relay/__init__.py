"""The relay: the log, event by event, in order, into a message broker (docs/relay.md)."""
