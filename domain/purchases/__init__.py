"""Purchases: what the shop tells of orders, payments and refunds, and whose they are."""
