"""The JSON of the API, and the lists that tell what it answers with."""

from typing import Any, Literal

Json = dict[str, Any]

AccountKind = Literal["service", "subscription"]
