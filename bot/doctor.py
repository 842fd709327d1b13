"""The doctor: how an installation is."""

from collections.abc import Generator

from bot.checking import channel_health
from bot.house import House
from bot.reading import parked_by
from bot.settings import accounts_of
from bot.texts import Told, told
from channels.registry import CHANNELS
from domain.dispatch import fold
from domain.identity import stream
from domain.installation.installation import INSTALLATION, installation
from projections.engine import parked, positions


def examine(house: House) -> Generator[str | Told, None, bool]:
    """Say how settings, channels, stores and lag are. Returns whether something needs a person. Raises StoreUnavailable."""
    settings = house.settings
    store = "PostgreSQL" if settings.database else f"SQLite in {settings.data}"
    head = house.log.head()
    house.projector.step(until=0)  # where nothing ran yet, its tables are made
    yield told(
        "stores     {store}; {head} events; log {log}",
        store=store,
        head=head,
        log=house.log.identity().id[:8],
    )
    yield told(
        "brand      {brand}; region {region}; {zone}; {locale}",
        brand=settings.brand_name,
        region=settings.region,
        zone=settings.time_zone,
        locale=settings.locale,
    )
    if settings.public_url:
        yield told("reached at {url}", url=settings.public_url)
    else:
        yield told("reached at no SIYU_PUBLIC_URL: webhooks cannot be used")
    for kind in CHANNELS:
        accounts = sorted(accounts_of(kind.name, house.variables)) or (["main"] if kind.always else [])
        if accounts:
            yield told("channel    {channel:<12} {accounts}", channel=kind.name, accounts=", ".join(accounts))
        else:
            yield told("channel    {channel:<12} not configured", channel=kind.name)
    healthy = True
    for well, account in channel_health(house):
        healthy = healthy and well
        yield account
    held = fold(installation, house.log.read_stream(stream(installation.category, INSTALLATION)))
    if held.sending_held:
        yield told("sending    on hold after an import or a restore: siyu resume-sending")
    if held.marketing_paused:
        yield told("marketing  paused: /resume")
    with house.views.read() as connection:
        known = positions(connection)
        waiting = list(parked(connection, house.projector.names))
    for view in known:
        if view.position < head:
            yield told("view       {view:<12} {behind} behind", view=view.view, behind=head - view.position)
    yield told("views      {count}", count=len(known))
    stuck = [f"{entry.view} at {entry.position}: {entry.error}" for entry in waiting]
    stuck += [
        f"{p.name} at {at}: {error}" for p in house.processes for at, error in parked_by(house.log, p.name)
    ]
    for line in stuck:
        yield told("parked     {line}; siyu replay tries again", line=line)
    return bool(stuck) or not healthy
