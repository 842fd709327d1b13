"""Broadcasts: one text to many, previewed, confirmed, then fanned out into deliveries."""
