"""Rows about codes: who was given one, and that it was used. An event of its use knows the code by its keyed hash only."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from domain.codes.events import CodeAssigned, CouponRedeemed
from domain.identity import Digest
from domain.message import Recorded
from projections.projection import Row, of_kind
from projections.question import Question
from projections.schema import one_asked_for
from projections.timeline.tables import TIMELINE, Kind

CouponEvent = CodeAssigned | CouponRedeemed
_TEXTS = Question(
    select(TIMELINE.c.subject, TIMELINE.c.text).where(one_asked_for(TIMELINE.c.subject, "subjects"))
)


class Coupons:
    """The codes that are used in a batch, as their owners read them. Of one whose owner was forgotten no row is left, and none is added."""

    def __init__(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        used = {_subject(event.code) for event in of_kind(batch, {CouponRedeemed})}
        self._texts: dict[str, str] = dict(_TEXTS.ask(connection, subjects=list(used))) if used else {}

    def columns(self, event: CouponEvent) -> tuple[Kind, Row] | None:
        """Return the kind of the row that tells of an event, and what else stands in it; None where it is nobody's."""
        told: Row = {"customer": event.customer, "value": event.pool}
        if isinstance(event, CouponRedeemed):
            text = self._texts.get(_subject(event.code))
            return None if event.customer is None else (Kind.REDEEMED, {**told, "text": text})
        subject, text = _subject(event.digest), event.code.value
        self._texts[subject] = text
        return Kind.GIVEN, {**told, "text": text, "subject": subject}


def _subject(code: Digest) -> str:
    return f"coupon-{code}"
