"""A shop whose operators give commands: the house in memory, its real views, and what the desk does with a reply."""

import itertools
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

from bot import matching, rendering
from bot.campaigns.outreach import Outreach, Records
from bot.commands.command import CLI, Office, Operator, Reply
from bot.commands.execute import execute
from bot.phones import dialling
from bot.reading import SqlAudience
from bot.texts import Texts
from domain.dispatch import Result
from domain.identity import CustomerId, Digest, GroupId, KeyedHash, Locale, OperatorId, Slug, ZoneName
from domain.message import Event, Personal
from domain.operators.commands import AddOperator, BindOperator, IssueBindCode, RecordCommand
from domain.operators.events import CommandGiven, Role
from domain.policies.frequency_cap import FrequencyCap
from domain.policies.may_contact import Controls
from domain.policies.quiet_hours import QuietHours
from projections.engine import Projector, Views
from projections.registry import projections
from tests.projections.house import House, must

CONTROLS = Controls(
    cap=FrequencyCap(1, 2),
    group_cap=FrequencyCap(1, 3),
    quiet=QuietHours(time(22), time(8, 30)),
    zone=ZoneName("Asia/Shanghai"),
)


class Shop(House):
    """It is Friday, 20 November 2026, noon in Shanghai."""

    def __init__(self, folder: Path, *, implied_consent: bool = True) -> None:
        super().__init__(implied_consent=implied_consent)
        self.digest = KeyedHash(b"secret")
        self.views = Views(folder / "views.db")
        self.projector = Projector(self.views, self.log, projections(matching.matches))
        self.office = Office(
            views=self.views,
            audience=SqlAudience(self.views, "Tea House"),
            controls=CONTROLS,
            digest=self.digest,
            say=Texts("en").say,
            brand="Tea House",
            render_check=rendering.template_fault,
            regex_check=matching.regex_fault,
            dialled=dialling("cn"),
            outreach=Outreach(
                records=Records(self.log),
                render=rendering.render,
                variables=rendering.variables_of,
                channels=("telegram", "webchat", "wechat"),
            ),
            status=lambda: (("due", "3"),),
        )
        self._orders = itertools.count(1)

    def speaks(self, language: str) -> "Shop":
        """Let the installation speak another language."""
        self.office = replace(self.office, say=Texts(language).say)
        return self

    def hires(self, name: str, role: Role, code: str | None = None) -> OperatorId:
        """Add an operator, with an open bind code."""
        operator = OperatorId(f"op-{name}")
        digest = self.digest("operator-name", name)
        must(self.do(AddOperator(operator=operator, name=Personal(name), name_digest=digest, role=role)))
        if code is not None:
            expires = self.now + timedelta(hours=24)
            issue = IssueBindCode(operator=operator, code=self.digest("bind-code", code), expires_at=expires)
            must(self.do(issue))
        return operator

    def binds(self, name: str, role: Role, who: str) -> Operator:
        """Add an operator whose account is a contact's."""
        operator = self.hires(name, role, f"CODE{name}")
        contact = self.contact(who)
        must(self.do(BindOperator(code=self.digest("bind-code", f"CODE{name}"), contact=contact)))
        return Operator(operator, role, contact)

    def catch_up(self) -> None:
        while self.projector.step():
            pass

    def request(self) -> Digest:
        return self.digest("command", str(next(self._orders)))

    def asks(
        self,
        line: str,
        role: Role = Role.OWNER,
        *,
        operator: Operator | None = None,
        request: Digest | None = None,
        confirmed: bool = False,
        card: CustomerId | None = None,
        in_group: GroupId | None = None,
        locale: str | None = None,
    ) -> Reply:
        """Return the reply without letting anything happen."""
        self.catch_up()
        who = operator or Operator(CLI, role, locale=Locale(locale) if locale else None)
        return execute(
            line,
            who,
            self.office,
            request or self.request(),
            self.now,
            confirmed=confirmed,
            replying_to=card,
            in_group=in_group,
        )

    def orders(self, line: str, role: Role = Role.OWNER, **how: object) -> Reply:
        """Carry a line out, as the desk does: the commands and the entry of the audit in one append."""
        request = self.request()
        reply = self.asks(line, role, request=request, **how)  # type: ignore[arg-type]  # as asks takes them
        must(self.append(line, reply, request))
        self.catch_up()
        return reply

    def append(self, line: str, reply: Reply, request: Digest) -> Result:
        entry = RecordCommand(
            request=request,
            operator=CLI,
            command=Slug(reply.command or "unknown"),
            line=Personal(line),
            outcome=reply.outcome,
        )
        return self.do(*reply.commands, entry, actor="operator-cli")

    def new_events(self, after: int) -> list[Event]:
        """What was appended after a position, without the audit."""
        return [r.event for r in self.log.read(after, 1_000) if not isinstance(r.event, CommandGiven)]

    def close(self) -> None:
        self.views.close()
