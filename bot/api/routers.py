"""The parts of the API there are: one literal tuple."""

from fastapi import APIRouter

from bot.api import campaigns, coupons, customers, events, notes, orders, tags

ROUTERS: tuple[APIRouter, ...] = (
    customers.router,
    tags.router,
    notes.router,
    orders.router,
    campaigns.router,
    coupons.router,
    events.router,
)
