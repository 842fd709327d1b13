"""/rule: what the bot answers and tags by itself."""

import re

from bot.commands.arguments import argument, first_word
from bot.commands.command import Ambiguous, Call, OperatorCommand, Reply, Usage
from bot.commands.find import snippet
from bot.commands.messages import checked
from bot.commands.tag import tag_named
from domain.errors import Rejected, UnknownRecipient
from domain.identity import RuleId
from domain.message import Personal
from domain.operators.events import Role
from domain.rules.commands import AddRule, RemoveRule, SetWelcome
from domain.rules.events import Match
from projections.rules import RuleLine, listed, welcome

ARROW = re.compile(r"(?:^|\s)(?:=>|＝＞|=＞|＝>|⇒|→)(?:\s|$)")
IN_GROUP = {"in:group", "in:群"}
OFF = {"off", "关闭"}
LONGEST_PATTERN = 1_000
SHORT_ID = 8
SHORTEST_PREFIX = 4


def _rule(call: Call) -> Reply:
    word, rest = first_word(call.rest)
    match word.casefold():
        case "add" | "添加":
            return _add(call, rest)
        case "list" | "列表" | "":
            return _list(call)
        case "remove" | "删除":
            return _remove(call, rest)
        case "welcome" | "欢迎语":
            return _welcome(call, rest)
        case _:
            raise Usage("")


def _add(call: Call, text: str) -> Reply:
    arrow = ARROW.search(text)
    if arrow is None:
        raise Usage("")
    kind, pattern = first_word(text[: arrow.start()])
    match = next((known for known in Match if known == kind.casefold()), None)
    if match is None:
        raise Usage("")
    pattern, in_group = _where(pattern.strip())
    _check_pattern(call, match, pattern)
    does = text[arrow.end() :].strip()
    tag = _tag(does)
    add = AddRule(
        rule=RuleId(call.derived("rule")),
        match=match,
        pattern=Personal(pattern),
        in_group=in_group,
        answer=None if tag else Personal(checked(call, does)),
        tag=tag_named(call, tag) if tag else None,
    )
    said = call.say("Rule {rule} is added, as the last one.").format(rule=add.rule[:SHORT_ID])
    return Reply(said, (add,))


def _where(pattern: str) -> tuple[str, bool]:
    """Cut ``in:group`` off the end of a pattern."""
    words = pattern.rsplit(maxsplit=1)
    if words and argument(words[-1]).casefold() in IN_GROUP:
        return words[0] if len(words) > 1 else "", True
    return pattern, False


def _tag(does: str) -> str | None:
    word, more = first_word(does)
    kind, colon, name = word.partition(":")
    return name if colon and name and not more and kind.casefold() in {"tag", "标签"} else None


def _check_pattern(call: Call, match: Match, pattern: str) -> None:
    if not pattern and match is not Match.ANY:
        raise Usage("")
    if len(pattern) > LONGEST_PATTERN:
        told = call.say("This text has {units} characters, {longest} are possible: shorten it by {over}.")
        over = len(pattern) - LONGEST_PATTERN
        raise Rejected(told.format(units=len(pattern), longest=LONGEST_PATTERN, over=over))
    fault = call.office.regex_check(pattern) if match is Match.REGEX else None
    if fault is not None:
        raise Rejected(call.say("This is no regular expression: {fault}").format(fault=fault))


def _list(call: Call) -> Reply:
    with call.office.views.read() as connection:
        found = listed(connection)
        greetings = [(in_group, welcome(connection, in_group=in_group)) for in_group in (False, True)]
    lines = [_shown(rule) for rule in found] or [call.say("There are no rules yet.")]
    for in_group, text in greetings:
        if text:
            where = call.say("Welcome in groups: {text}") if in_group else call.say("Welcome: {text}")
            lines.append(where.format(text=snippet(text)))
    return Reply("\n".join(lines), rows=tuple(_row(rule) for rule in found))


def _shown(rule: RuleLine) -> str:
    does = f"tag:{rule.tag}" if rule.tag is not None else snippet(rule.answer or "")
    words = [rule.match.value, rule.pattern, "in:group" if rule.in_group else ""]
    return f"{rule.id[:SHORT_ID]}  {' '.join(word for word in words if word)} => {does}"


def _row(rule: RuleLine) -> dict[str, object]:
    return {
        "id": rule.id,
        "match": rule.match.value,
        "pattern": rule.pattern,
        "in_group": rule.in_group,
        "answer": rule.answer,
        "tag": rule.tag,
    }


def _remove(call: Call, text: str) -> Reply:
    wanted, more = first_word(text)
    if len(wanted) < SHORTEST_PREFIX or more:
        raise Usage("")
    with call.office.views.read() as connection:
        found = [rule for rule in listed(connection) if rule.id.startswith(wanted.lower())]
    if not found:
        raise UnknownRecipient(
            call.say("There is no rule {rule}. /rule list shows them.").format(rule=wanted)
        )
    if len(found) > 1:
        told = call.say("Which rule do you mean by {rule}?").format(rule=wanted)
        raise Ambiguous(told, [(_shown(rule), f"/rule remove {rule.id}") for rule in found])
    said = call.say("This rule is removed: {rule}").format(rule=_shown(found[0]))
    return Reply(said, (RemoveRule(rule=found[0].id),))


def _welcome(call: Call, text: str) -> Reply:
    word, rest = first_word(text)
    in_group = word.casefold() in IN_GROUP
    said = rest if in_group else text
    if said.strip().casefold() in OFF:
        return Reply(
            call.say("Nobody is welcomed there any more."),
            (SetWelcome(in_group=in_group, text=Personal("")),),
        )
    greeting = SetWelcome(in_group=in_group, text=Personal(checked(call, said)))
    if in_group:
        return Reply(call.say("New members of groups are welcomed like this from now on."), (greeting,))
    return Reply(
        call.say("Whoever writes for the first time is welcomed like this from now on."), (greeting,)
    )


rule = OperatorCommand(
    name="rule",
    role=Role.MARKETER,
    usage=(
        "/rule add exact|contains|regex|any PATTERN [in:group] => TEXT|tag:TAG",
        "/rule list",
        "/rule remove ID",
        "/rule welcome [in:group] TEXT|off",
    ),
    help="what the bot answers and tags by itself",
    run=_rule,
    words=("规则",),
)
