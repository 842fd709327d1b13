"""Notes: what is written down about a customer."""

from typing import Annotated

from fastapi import APIRouter, Header, status
from pydantic import Field

from bot.api.audit import carry_out, carry_out_once
from bot.api.auth import Agent
from bot.api.pages import Asked
from bot.api.problems import Kind, Problem
from bot.api.whom import NAMED, one
from bot.commands.note import LONGEST_NOTE
from domain.customers.commands import AddNote
from domain.message import Personal
from domain.policies.text import normalised

router = APIRouter(tags=["customers"])

IDEMPOTENCY_KEY = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="a new one for each note: said again with the same one, it is noted once",
    ),
]


class Note(Asked):
    """What to note."""

    text: Annotated[str, Field(min_length=1, max_length=LONGEST_NOTE, pattern=r"\S")]


@router.post("/customers/{customer}/notes", status_code=status.HTTP_204_NO_CONTENT)
def post_note(caller: Agent, customer: NAMED, note: Note, idempotency_key: IDEMPOTENCY_KEY = None) -> None:
    """Write something down about a customer."""
    whom, text = one(caller, customer), normalised(note.text).strip()
    if not text:
        raise Problem(Kind.INVALID, "body.text: say what to note")
    line = f"POST /customers/#{whom.number}/notes"
    command = AddNote(customer=whom.id, operator=caller.operator, note=Personal(text))
    if idempotency_key is None:
        carry_out(caller, "note", line, [whom.id], command)
    else:
        carry_out_once(caller, idempotency_key, text, "note", line, [whom.id], command)
