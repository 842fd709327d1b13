"""aiogram, with each of its classes completed when it is first used.

On import it completes the validators of all its classes, some 440: 4 s of processor time and 100 MB, for a dozen that are used here
(docs/adr/0021-aiogram-s-classes-are-completed-when-used.md). Pydantic completes a class by itself on first use, given the names in its
annotations; so aiogram's order to complete is kept, with the names it comes with, until then.

To be imported before anything of aiogram, which the package does.
"""

import threading
from typing import Any

from pydantic import BaseModel

_ORDER = BaseModel.__dict__["model_rebuild"]
_names: dict[str, Any] = {}
"""What the annotations of aiogram's classes speak of, by aiogram's own telling."""
_one_at_a_time = threading.RLock()
"""Pydantic's completing is not thread-safe."""


def _keep(cls: type[BaseModel], /, **order: Any) -> bool | None:  # noqa: ANN401  # pydantic's own parameters
    """Take an order to complete a class: not now, if it is aiogram's."""
    if not cls.__module__.startswith("aiogram."):
        depth = order.get("_parent_namespace_depth", 2) + 2  # the two calls here
        return _carry_out(cls, **{**order, "_parent_namespace_depth": depth})
    _names.update(order.get("_types_namespace") or {})
    return None


def _complete(cls: type[BaseModel], /, **order: Any) -> bool | None:  # noqa: ANN401  # pydantic's own parameters
    """Take pydantic's order to complete a class of aiogram's that is used for the first time."""
    with _one_at_a_time:
        return _carry_out(cls, **{**order, "_types_namespace": _names})


def _carry_out(cls: type[BaseModel], /, **order: Any) -> bool | None:  # noqa: ANN401  # pydantic's own parameters
    done: bool | None = _ORDER.__func__(cls, **order)
    return done


BaseModel.model_rebuild = classmethod(_keep)  # type: ignore[method-assign,assignment]
try:
    from aiogram.methods.base import Request, Response, TelegramMethod
    from aiogram.types import TelegramObject
finally:
    BaseModel.model_rebuild = _ORDER  # type: ignore[method-assign]

for _base in (TelegramObject, TelegramMethod, Request, Response):
    _base.model_rebuild = classmethod(_complete)  # type: ignore[method-assign,assignment]
