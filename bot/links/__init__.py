"""Short links: ``/l/TOKEN`` leads one recipient to one address of a campaign, and tells that they followed it."""

from bot.links.clicks import Clicks, link_route
from bot.links.tokens import ShortLinks

__all__ = ["Clicks", "ShortLinks", "link_route"]
