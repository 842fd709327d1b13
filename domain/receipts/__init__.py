"""Receipts: what a provider tells of a message later, and which delivery that message was."""
