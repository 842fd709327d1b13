"""Deliveries: one message to one recipient, from its plan to its outcome."""
