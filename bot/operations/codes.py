"""Pools of codes: filled from a file, all of it or nothing, listed, and settled after a restore."""

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from bot.commands.command import CLI
from bot.house import House
from bot.ingest.table import rows
from bot.operations.said import Exit, Said
from bot.texts import Told, told
from domain.codes.commands import AddCodes, SetPoolExpiry, SettlePool
from domain.codes.pool import CODES_AT_ONCE, code_digest
from domain.errors import BadInput, Rejected, UnknownRecipient
from domain.identity import Digest, Slug
from domain.message import Command, Personal
from domain.policies.text import folded
from projections.codes import Pool, known, numbers, pool_named, pools_listed

MOST_CODES = 100_000
"""Of one file: they come in one append."""
LONGEST_CODE = 64
TOLD_FAULTS = 20
HEADERS = frozenset({"code", "codes", "coupon", "coupons", "券码", "优惠码", "兑换码", "卡券码"})
"""What may stand above the codes."""
_POOL = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class _Read:
    """A code as it stands in the file. ``fault``: what is wrong with it."""

    line: int
    code: str
    digest: Digest
    fault: Told | None = None


def add_codes(house: House, pool: str, file: str, expires: str = "") -> Said:
    """Put the codes of a CSV file's first column into a pool; where one of them is wrong or known, none is added. ``expires``: last day."""
    if not _POOL.fullmatch(pool):
        raise Rejected("a pool's name is of a-z, 0-9 and -, 40 at most, such as summer-2026")
    expires_at = _end_of_day(expires, house.settings.time_zone) if expires else None
    house.catch_up()
    read = _in_file(house, Path(file))
    with house.views.read() as connection:
        elsewhere = known(connection, {one.digest for one in read})
    if (yield from _faults(_wrong(read, elsewhere))):
        yield told("Nothing was added: correct the file and try again.")
        yield Exit(2)
        return
    with house.views.read() as connection:
        before = pool_named(connection, pool)
    since = 0 if before is None else before.added
    commands: list[Command] = list(_adding(Slug(pool), since, read))
    if expires_at is not None:
        commands.append(SetPoolExpiry(pool=Slug(pool), expires_at=expires_at, operator=CLI))
    house.do("operator-cli", *commands)
    passed = 0 if before is None else before.passed
    left = since + len(read) - passed
    yield told(
        "{count} codes added to the pool {pool}: {left} are left.", count=len(read), pool=pool, left=left
    )
    if before is not None and before.doubted:
        yield in_doubt(before)


def settle_codes(
    house: House, pool: str, *, none_given: bool = False, given: str = "", withdraw: bool = False
) -> Said:
    """End the doubt about a pool after a restore. ``given``: a file of codes that were given out since the backup.

    They are given in their order, so whatever stands before one of them was given, too; it need not be in the file. ``none_given``: all
    that are left are given out again; ``withdraw``: none of them.
    """
    if [none_given, bool(given), withdraw].count(True) != 1:
        raise Rejected("say one of --none-given, --given FILE and --withdraw")
    house.catch_up()
    with house.views.read() as connection:
        before = pool_named(connection, pool)
    if before is None:
        raise UnknownRecipient("there is no pool {pool}", pool=pool)
    through = before.added if withdraw else 0
    if given:
        read = _in_file(house, Path(given))
        with house.views.read() as connection:
            places = numbers(connection, before.name, {one.digest for one in read})
        if (yield from _faults(_missing(read, places, before.name))):
            yield told("Nothing was settled: correct the file and try again.")
            yield Exit(2)
            return
        through = max(places.values())
    house.do("operator-cli", SettlePool(pool=before.name, through=through, operator=CLI))
    yield told(
        "The pool {pool} gives out codes again: {left} are left, {withdrawn} are given to nobody.",
        pool=pool,
        left=before.added - max(before.passed, through),
        withdrawn=max(before.passed, through) - before.taken,
    )


def in_doubt(pool: Pool) -> Told:
    """Tell that none of its codes is given out, and what to do."""
    return told(
        "{pool}: nobody knows which of its codes were given out since the backup, so none is: siyu codes settle {pool}",
        pool=pool.name,
    )


def _adding(pool: Slug, since: int, read: Sequence[_Read]) -> Iterator[AddCodes]:
    for start in range(0, len(read), CODES_AT_ONCE):
        chunk = read[start : start + CODES_AT_ONCE]
        yield AddCodes(
            pool=pool,
            since=since + start,
            codes=Personal([one.code for one in chunk]),
            digests=tuple(one.digest for one in chunk),
            operator=CLI,
        )


def _in_file(house: House, file: Path) -> list[_Read]:
    read = list(_codes(house, file))
    if not read:
        raise BadInput("{file} holds no codes", file=file.name)
    return read


def _codes(house: House, file: Path) -> Iterator[_Read]:
    """Yield what stands in the file. Raises OSError, BadInput."""
    count = 0
    for number, row in enumerate(rows(file)):
        code = row.cells[0] if row.cells else ""
        if number == 0 and folded(code) in HEADERS:
            continue
        count += 1
        if count > MOST_CODES:
            raise BadInput("{file} holds more than {most} codes: split it", file=file.name, most=MOST_CODES)
        problem = row.problem
        fault = _fault(code) if problem is None else told(problem.text, **problem.values)
        yield _Read(row.line, code, code_digest(house.digest, code), fault)


def _fault(code: str) -> Told | None:
    plain = code.isprintable() and not any(sign.isspace() for sign in code)
    if 1 <= len(code) <= LONGEST_CODE and plain:
        return None
    return told("a code has 1 to {most} letters, digits and signs, and no blank", most=LONGEST_CODE)


def _faults(wrong: Iterable[tuple[int, Told]]) -> Generator[Told, None, bool]:
    """Tell what is wrong, a line each, without the codes themselves. Returns whether anything is."""
    faults = list(wrong)
    for line, why in faults[:TOLD_FAULTS]:
        yield told("line {line}: {why}", line=line, why=why)
    if len(faults) > TOLD_FAULTS:
        yield told("… and {count} more", count=len(faults) - TOLD_FAULTS)
    return bool(faults)


def _wrong(read: Sequence[_Read], elsewhere: Mapping[Digest, Slug]) -> Iterator[tuple[int, Told]]:
    lines: dict[Digest, int] = {}
    for one in read:
        if one.fault is not None:
            yield one.line, one.fault
        elif one.digest in lines:
            yield one.line, told("the same code stands in line {other}", other=lines[one.digest])
        elif one.digest in elsewhere:
            yield one.line, told("this code is in the pool {pool} already", pool=elsewhere[one.digest])
        lines.setdefault(one.digest, one.line)


def _missing(read: Sequence[_Read], places: Mapping[Digest, int], pool: Slug) -> Iterator[tuple[int, Told]]:
    for one in read:
        if one.fault is not None:
            yield one.line, one.fault
        elif one.digest not in places:
            yield one.line, told("this code is not in the pool {pool}", pool=pool)


def _end_of_day(text: str, zone: str) -> datetime:
    try:
        day = date.fromisoformat(text)
        ends = datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(zone))
    except (ValueError, OverflowError):
        raise Rejected("{text!r} is no date: write it as 2026-12-31", text=text) from None
    return ends.astimezone(UTC)


def list_codes(house: House, *, json: bool = False) -> Said:
    """List the pools."""
    house.catch_up()
    now = house.clock()
    with house.views.read() as connection:
        found = pools_listed(connection)
    for pool in found:
        counts = {
            "pool": pool.name,
            "added": pool.added,
            "taken": pool.taken,
            "redeemed": pool.redeemed,
            "left": pool.left(now),
        }
        if json:
            more = {"withdrawn": pool.withdrawn, "in_doubt": pool.doubted, "expires_at": pool.expires_at}
            yield msgspec.json.encode({**counts, **more}).decode()
            continue
        yield told("{pool}: {left} left of {added}, {taken} given out, {redeemed} redeemed", **counts)
        if pool.withdrawn:
            yield told(
                "{pool}: {count} are given to nobody since a restore", pool=pool.name, count=pool.withdrawn
            )
        if pool.doubted:
            yield in_doubt(pool)
    if not found and not json:
        yield told("There are no codes yet: siyu codes add POOL FILE.csv puts some in.")
