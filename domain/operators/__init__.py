"""Operators: the people of the brand, their roles and what they did."""
