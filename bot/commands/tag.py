"""/tag and /untag: tags by hand."""

import unicodedata

from bot.commands.arguments import first_word
from bot.commands.command import Call, OperatorCommand, Reply, Usage
from bot.commands.customers import Follows, label, whom
from bot.commands.questions import ask_for
from domain.customers.commands import TagCustomer, UntagCustomer
from domain.errors import Rejected
from domain.identity import Tag
from domain.operators.events import Role, Verb
from domain.policies.text import folded
from projections.engine import Views
from projections.people.customers import Customer
from projections.tags import HAND, all_tags, tags_of

LONGEST_TAG = 50


def tag_named(call: Call, word: str) -> Tag:
    """Return the tag of this name: as it is written already where only width or case differ. Raises Rejected for what can be none."""
    name = as_tag(word)
    if name is None:
        raise Rejected(
            call.say("A tag is one word of at most {longest} characters.").format(longest=LONGEST_TAG)
        )
    return as_written(call.office.views, name)


def as_tag(word: str) -> Tag | None:
    """Return a word as a tag, None for what can be none."""
    name = unicodedata.normalize("NFC", word.strip())
    fits = len(name) <= LONGEST_TAG and not any(unicodedata.category(sign).startswith("C") for sign in name)
    return Tag(name) if fits else None


def as_written(views: Views, name: Tag) -> Tag:
    """Return a tag as it is written already, where only width or case differ."""
    with views.read() as connection:
        known = [entry.tag for entry in all_tags(connection)]
    if name in known:
        return name
    return next((tag for tag in known if folded(tag) == folded(name)), name)


def _asked(call: Call) -> tuple[Customer, Tag]:
    customer, rest = whom(call, call.rest, Follows.WORD)
    word, more = first_word(rest)
    if not word or more:
        raise Usage("")
    return customer, tag_named(call, word)


def _tag(call: Call) -> Reply:
    question = ask_for(call, Verb.TAG)
    if question is not None:
        return question
    customer, tag = _asked(call)
    said = call.say("{customer} has the tag {tag} now.").format(customer=label(customer), tag=tag)
    return Reply(said, (TagCustomer(customer=customer.id, tag=tag),))


def _untag(call: Call) -> Reply:
    customer, tag = _asked(call)
    with call.office.views.read() as connection:
        held = [tagging for tagging in tags_of(connection, customer.id) if tagging.tag == tag]
    if not held:
        raise Rejected(call.say("{customer} has no tag {tag}.").format(customer=label(customer), tag=tag))
    if all(tagging.source != HAND for tagging in held):
        raise Rejected(
            call.say("A rule gave the tag {tag}; only tags given by hand can be taken away.").format(tag=tag)
        )
    said = call.say("{customer} has the tag {tag} no more.")
    if any(tagging.source != HAND for tagging in held):
        said = call.say("{customer} keeps the tag {tag}: a rule gave it too.")
    said = said.format(customer=label(customer), tag=tag)
    return Reply(said, (UntagCustomer(customer=customer.id, tag=tag),))


tag = OperatorCommand(
    name="tag",
    role=Role.AGENT,
    usage=("/tag CUSTOMER TAG",),
    help="give a customer a tag",
    run=_tag,
    words=("标签",),
)
untag = OperatorCommand(
    name="untag",
    role=Role.AGENT,
    usage=("/untag CUSTOMER TAG",),
    help="take a tag away",
    run=_untag,
    words=("去标签",),
)
