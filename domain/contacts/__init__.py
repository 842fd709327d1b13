"""Contacts: one account of somebody on one channel."""
