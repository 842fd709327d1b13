"""Tags: those there are, and giving one by hand or taking it away."""

from typing import Annotated

from fastapi import APIRouter, Path, status

from bot.api.audit import carry_out
from bot.api.auth import Agent, Viewer
from bot.api.pages import USUAL, Cursor, Limit, Page, Told, place
from bot.api.problems import Kind, Problem
from bot.api.whom import NAMED, one
from bot.commands.tag import LONGEST_TAG, as_tag, as_written
from domain.customers.commands import TagCustomer, UntagCustomer
from domain.identity import Tag
from projections.tags import HAND, all_tags, tags_of

router = APIRouter(tags=["tags"])

NAME = Annotated[
    str, Path(min_length=1, max_length=LONGEST_TAG, pattern=r"^[^\s\x00-\x1f\x7f/]+$", description="one word")
]


class TagCount(Told):
    """A tag, and how many customers have it now."""

    tag: str
    customers: int


@router.get("/tags")
def list_tags(caller: Viewer, limit: Limit = USUAL, cursor: Cursor = None) -> Page[TagCount]:
    """Every tag that somebody has now."""
    caller.house.catch_up()
    with caller.house.views.read() as connection:
        known = all_tags(connection)
    begin = place(cursor)
    end = begin + limit
    items = [TagCount.model_validate(count) for count in known[begin:end]]
    return Page[TagCount](items=items, next=str(end) if end < len(known) else None)


@router.put("/customers/{customer}/tags/{tag}", status_code=status.HTTP_204_NO_CONTENT)
def put_tag(caller: Agent, customer: NAMED, tag: NAME) -> None:
    """Give a customer a tag; one that they have stays as it is. Where only width or case differ, it is the tag that there is."""
    whom, word = one(caller, customer), _tag(caller, tag)
    line = f"PUT /customers/#{whom.number}/tags/{word}"
    carry_out(caller, "tag", line, [whom.id], TagCustomer(customer=whom.id, tag=word))


@router.delete("/customers/{customer}/tags/{tag}", status_code=status.HTTP_204_NO_CONTENT)
def delete_tag(caller: Agent, customer: NAMED, tag: NAME) -> None:
    """Take a tag away that was given by hand; one that they do not have is no mistake. What a rule gave stays: that is told."""
    whom, word = one(caller, customer), _tag(caller, tag)
    line = f"DELETE /customers/#{whom.number}/tags/{word}"
    carry_out(caller, "untag", line, [whom.id], UntagCustomer(customer=whom.id, tag=word))
    with caller.house.views.read() as connection:
        by_rule = [held for held in tags_of(connection, whom.id) if held.tag == word and held.source != HAND]
    if by_rule:
        raise Problem(Kind.CONFLICT, "a rule gave this tag: only tags given by hand can be taken away")


def _tag(caller: Agent, word: str) -> Tag:
    name = as_tag(word)
    if name is None:
        raise Problem(Kind.INVALID, f"path.tag: a tag is one word of at most {LONGEST_TAG} characters")
    return as_written(caller.house.views, name)
