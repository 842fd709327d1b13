"""Mirrors: which of our tags a provider shows for a contact, as far as we know."""
