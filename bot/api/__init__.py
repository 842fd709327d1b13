"""The REST API: what programs may read and do, each as the operator whose token it has."""

from bot.api.mounting import api_routes

__all__ = ["api_routes"]
