"""Customers: a person, behind one or more contacts."""
