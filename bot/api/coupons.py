"""``/coupons``: codes that customers show at the till."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path

from bot.api.auth import Agent
from bot.api.commanding import commanded
from bot.api.pages import Told
from bot.commands.redeem import redeem

router = APIRouter(tags=["coupons"])

CODE = Annotated[
    str,
    Path(min_length=1, max_length=64, pattern=r"^[^\s/\x00-\x1f\x7f]+$", description="as it was given out"),
]


class Redeemed(Told):
    """Whose pool and campaign the code was of, and when the customer was given it."""

    pool: str
    campaign: str
    given_at: datetime


@router.post("/coupons/{code}/redemption")
def post_redemption(caller: Agent, code: CODE) -> Redeemed:
    """Use a code up. It counts once: a second time is refused with 409."""
    reply = commanded(caller, redeem, code, "POST /coupons/redemption")  # the code is a secret of the shop's
    (row,) = reply.rows
    return Redeemed.model_validate(row)
