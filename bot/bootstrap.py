"""The composition root: everything is joined here, and nowhere else."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette

from bot import matching, rendering
from bot.accounts import Accounts
from bot.app import App, Binding
from bot.bulk.opening import open_runner
from bot.campaigns.outreach import Outreach, Records, Way
from bot.commands.command import Office
from bot.commands.line import is_command
from bot.connect import Connecting, pages
from bot.eventlog.codec import Codec
from bot.eventlog.folder import lock_folder
from bot.eventlog.log import StoredEventLog
from bot.eventlog.vault import Vault
from bot.eventlog.writer import Writer
from bot.forgetting import complete, destroy_old_raw_keys
from bot.house import House, utc_now
from bot.ids import fresh_id
from bot.intake import way_in
from bot.links import ShortLinks
from bot.media.letters import Attachments
from bot.media.links import Links
from bot.media.store import FileMedia
from bot.media.uploads import MEDIA, UPLOADS, FileUploads
from bot.metrics import Metrics
from bot.neighbours import PostgresNeighbours
from bot.operations.jobs import works_of
from bot.phones import dialling
from bot.reading import Reading, SqlAgenda, SqlAudience, SqlCanaries
from bot.roles import ProcessRole
from bot.settings import MAIN, Settings, accounts_of
from bot.snapshots import SqlSnapshots
from bot.staff import left_behind
from bot.texts import Texts
from bot.web import watched, web
from channels.channel import Adapter, Desk
from channels.registry import CHANNELS
from domain.deliveries.commands import AcceptDelivery, ConfirmDelivery
from domain.deliveries.events import Confirmation
from domain.dispatch import Dispatcher, Request
from domain.errors import BadSettings
from domain.identity import (
    MARKETING_TOPIC,
    Account,
    Address,
    Channel,
    ContactId,
    DeliveryId,
    KeyedHash,
    Party,
    RuleId,
    stream,
)
from domain.installation.commands import PrepareInstallation
from domain.installation.installation import INSTALLATION, installation
from domain.message import Command, Personal
from domain.policies.stop_words import StopWords
from domain.ports.event_log import EventLog
from domain.processes.registry import Outside, processes
from domain.registry import EVENT_TYPES, registry
from domain.rules.commands import AddRule, SetWelcome
from domain.rules.events import Match
from projections.engine import Projector, Views
from projections.registry import projections
from projections.timeline import TimelineHistory
from scheduler.letters import Letters

if TYPE_CHECKING:
    from bot.together import Together

log_ = structlog.get_logger(__name__)


def open_house(
    settings: Settings,
    variables: Mapping[str, str],
    clock: Callable[[], datetime] = utc_now,
    through: Callable[[EventLog], EventLog] = lambda log: log,
) -> House:
    """Open the stores, making them where they are missing, and join what works on them.

    ``through``: what the one who decides reads and writes the log through. Raises StoreInUse where another process owns the data folder,
    StoreUnavailable, BadSettings.
    """
    data = settings.data
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    vault_database = settings.vault_database or settings.database or data / "keys.db"
    master_key = settings.master_key_file or data / "master.key"
    log, vault = _open_log(settings, vault_database, master_key, clock)
    texts = Texts(settings.locale)
    digest = KeyedHash(vault.secret())
    reactions = processes(
        Outside(
            say=texts.say,
            matches=matching.matches,
            is_command=lambda text: is_command(text, bound=False),
            words=StopWords.of(settings.stop_words, topics=settings.marketing.topics),
            silence=settings.silence,
            implied_consent=settings.region == "cn",
            dialled=dialling(settings.region),
            consent_text=settings.marketing.consent_text,
        )
    )
    views = Views(settings.database or data / "views.db")
    snapshots = SqlSnapshots(views, log)
    dispatcher = Dispatcher(through(log), vault, registry(reactions), digest, fresh_id, snapshots)
    metrics = Metrics(log, views)
    house = House(
        settings=settings,
        variables=variables,
        texts=texts,
        log=log,
        vault=vault,
        views=views,
        projector=Projector(views, log, projections(matching.matches)),
        snapshots=snapshots,
        dispatcher=dispatcher,
        writer=Writer(dispatcher),
        processes=reactions,
        digest=digest,
        office=_office(settings, views, log, digest, texts, metrics),
        metrics=metrics,
        media=FileMedia(data / MEDIA, vault, digest),
        uploads=FileUploads(data / UPLOADS, settings.media.max_bytes),
        bulk=open_runner(settings, vault.secret(), lambda: works_of(house)),
        clock=clock,
        neighbours=None
        if settings.database is None
        else PostgresNeighbours(settings.database, vault.address_of),
    )
    return house


def _office(
    settings: Settings,
    views: Views,
    log: StoredEventLog,
    digest: KeyedHash,
    texts: Texts,
    metrics: Metrics,
) -> Office:
    topics = settings.marketing.topics
    return Office(
        views=views,
        audience=SqlAudience(views, settings.brand_name),
        controls=settings.controls,
        digest=digest,
        say=texts.say,
        brand=settings.brand_name,
        render_check=rendering.template_fault,
        regex_check=matching.regex_fault,
        dialled=dialling(settings.region),
        outreach=Outreach(
            records=Records(log),
            render=rendering.render,
            variables=rendering.variables_of,
            channels=[kind.name for kind in CHANNELS],
            topics=[MARKETING_TOPIC, *topics] if topics else [],
        ),
        status=lambda: _status(metrics),
    )


def _status(metrics: Metrics) -> Sequence[tuple[str, str]]:
    """Return what /stats says of the house itself."""
    head, lags = metrics.lags()
    return (("log", str(head)), ("views behind", str(max(lags.values(), default=0))))


def _open_log(
    settings: Settings, vault_database: str | Path, master_key: Path, clock: Callable[[], datetime]
) -> tuple[StoredEventLog, Vault]:
    """Open the log and its vault. On SQLite the folder's lock comes first: whoever holds it is the one writer."""
    from bot.eventlog.postgres import PostgresEventLog
    from bot.eventlog.sqlite import SqliteEventLog

    if settings.database is not None:
        vault = Vault(vault_database, master_key)
        return PostgresEventLog(settings.database, Codec(EVENT_TYPES, vault), clock), vault
    lock = lock_folder(settings.data)
    try:
        vault = Vault(vault_database, master_key)
        return SqliteEventLog(settings.data / "log.db", Codec(EVENT_TYPES, vault), clock, lock), vault
    except BaseException:
        lock.release()
        raise


def prepare(house: House) -> None:
    """Bring the views up to date, keep what was promised to the forgotten, and give an empty installation its starter rules, once."""
    complete(house)
    destroy_old_raw_keys(house)
    for unbind in left_behind(house.log):
        house.do("system", unbind)
    settings = house.settings
    if house.log.read_stream(stream(installation.category, INSTALLATION)):
        return
    commands: list[Command] = []
    if settings.starter_rules:
        say = house.texts.say
        hello = say("Hello! Write to us any time; write “help” to see what we can do.", None)
        help_ = say("Write your question here and we will answer. Write STOP to get no more offers.", None)
        starter = RuleId(house.digest("rule", "starter-help"))
        commands = [
            SetWelcome(in_group=False, text=Personal(hello)),
            AddRule(
                rule=starter,
                match=Match.REGEX,
                pattern=Personal("^/?(help|帮助)[?？!！。.]*$"),
                answer=Personal(help_),
            ),
        ]
    house.do("system", *commands, PrepareInstallation(starter_rules=settings.starter_rules))


def open_channels(house: House) -> list[Adapter]:
    """Open every account of every channel that is configured. Raises BadSettings, naming what is missing."""
    adapters = [open_account(house, channel, name) for channel, name in configured(house)]
    known = [(adapter.channel, adapter.account) for adapter in adapters]
    twice = next((where for where in known if known.count(where) > 1), None)
    if twice is not None:
        raise BadSettings(
            "two accounts of {channel} are the same one: {account}", channel=twice[0], account=twice[1]
        )
    return adapters


def configured(house: House) -> list[tuple[str, str]]:
    """Return every account that is configured: its channel, and what it is called in the settings."""
    accounts = {kind: list(accounts_of(kind.name, house.variables)) for kind in CHANNELS}
    for kind, names in accounts.items():
        if kind.always and MAIN not in names:
            names.append(MAIN)
    return [(kind.name, name) for kind, names in accounts.items() for name in names]


def open_account(house: House, channel: str, name: str) -> Adapter:
    """Open one account as it is configured now. Raises BadSettings, naming what is missing."""
    kind = next(kind for kind in CHANNELS if kind.name == channel)
    settings = accounts_of(channel, house.variables).get(name, {})
    return kind.load()(name, settings, desk_of(house))


def desk_of(house: House) -> Desk:
    """Return what every channel of this house is given."""
    return Desk(
        intake=way_in(house),
        # Where there are several, another one drives the views.
        history=TimelineHistory(
            house.projector, catch_up=None if house.settings.database is None else house.catch_up
        ),
        cursors=house.log,
        contact_of=_contact_of(house),
        confirmed=_confirmed(house),
        accepted=_accepted(house),
        all_said=house.unsaid.all_said,
        clock=house.clock,
        public_url=house.settings.public_url,
        brand=house.settings.brand_name,
        locale=house.settings.locale,
        say=house.texts.say,
        uploads=house.uploads,
        link=Links(house.vault.secret(), house.clock).link,
        neighbours=house.neighbours,
    )


def _contact_of(house: House) -> Callable[[Channel, Account, str], ContactId | None]:
    def contact_of(channel: Channel, account: Account, external_id: str) -> ContactId | None:
        known = house.vault.find(Address(Party.CONTACT, channel, account, external_id))
        return None if known is None else ContactId(known)

    return contact_of


def _confirmed(house: House) -> Callable[[str], Awaitable[None]]:
    async def confirmed(delivery: str) -> None:
        seen = ConfirmDelivery(delivery=DeliveryId(delivery), how=Confirmation.DELIVERED)
        await house.submit(Request(house.context("customer"), (seen,)))

    return confirmed


def _accepted(house: House) -> Callable[[str], Awaitable[None]]:
    async def accepted(delivery: str) -> None:
        proven = AcceptDelivery(delivery=DeliveryId(delivery), attempt=0)
        await house.submit(Request(house.context("scheduler"), (proven,)))

    return accepted


def open_app(
    house: House,
    binding: Binding,
    adapters: Sequence[Adapter] | None = None,
    role: ProcessRole = ProcessRole.ALL,
) -> App:
    """Join the running parts. ``adapters``: those of ``open_channels`` where none are given, which raises BadSettings."""
    reading = Reading(
        agenda=SqlAgenda(house.views),
        audience=SqlAudience(house.views, house.settings.brand_name),
        letters=Letters(
            house.log,
            Attachments(house.log, house.media).find,
            ShortLinks(house.vault.secret(), house.settings.public_url, house.variables).links,
        ),
        canaries=SqlCanaries(house.views),
        log=house.log,
    )
    if adapters is None:
        opened = dict(zip(configured(house), open_channels(house), strict=True))
    else:
        opened = {(str(adapter.channel), str(number)): adapter for number, adapter in enumerate(adapters)}
    site = web(house, tuple(opened.values())) if role.serves else Starlette(routes=watched(house))
    accounts = Accounts(opened, partial(open_account, house), house.views, site)
    house.office.outreach.ways.read = lambda: [
        Way(a.channel, a.account, a.limits.rate_per_s, a.limits.routes) for a in accounts.adapters
    ]
    connecting = Connecting(house, accounts)
    if role.serves:
        site.router.routes.extend(pages(connecting))
    url = house.settings.database
    together = None if url is None else _together(url)
    return App(house, accounts, connecting, reading, rendering.render, binding, role, together)


def _together(url: str) -> "Together":
    from bot.together import open_together

    return open_together(url)
