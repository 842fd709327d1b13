"""The words under which a text is found: the same on SQLite (FTS5) and PostgreSQL (tsvector)."""

import re
from collections.abc import Callable, Iterable
from functools import cache
from operator import add
from typing import Any

from sqlalchemy import BigInteger, BindParameter, Column, Dialect, Index, Select, Table, Text, cast, select
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

from domain.policies.text import folded
from projections.schema import METADATA

_HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_CHINESE = re.compile(rf"[{_HAN}]")
PAIR = 2
INDEXED_CHARACTERS = 50_000
"""PostgreSQL's tsvector holds 1 MB; nobody searches for what stands behind this."""
LONGEST_WORD = 200
"""Characters; a lexeme of PostgreSQL has 2 kB."""


def words(of: str) -> str:
    """Return the words under which a text is found, separated by blanks.

    Chinese: what jieba takes for words, and every pair of neighbouring characters, since jieba may cut a sentence elsewhere than the person
    who searches would (申请退款项目: 退款 must be found).
    """
    found: list[str] = []
    for run in _RUNS.findall(folded(of[:INDEXED_CHARACTERS])):
        if _CHINESE.match(run):
            found += _cutter()(run)
            found += _pairs(run)
        else:
            found.append(run[:LONGEST_WORD])
    return " ".join(dict.fromkeys(found))


@cache
def _cutter() -> Callable[[str], list[str]]:
    import rjieba  # noqa: PLC0415  # its dictionary is 34 MB: who writes no Chinese needs none

    return rjieba.cut_for_search


def sought(text: str) -> list[str]:
    """Return the words that a text must all have to be found by this one."""
    found: list[str] = []
    for run in _RUNS.findall(folded(text)):
        found.extend(_pairs(run) if len(run) >= PAIR and _CHINESE.match(run) else [run[:LONGEST_WORD]])
    return found


def _pairs(run: str) -> Iterable[str]:
    return map(add, run, run[1:])


class _Words(TypeDecorator[str]):
    """Words as ``words`` returns them; on PostgreSQL exactly these lexemes, whatever its own parsers think of Chinese."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """See TypeDecorator."""
        return TSVECTOR() if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """See TypeDecorator."""
        if value is None or dialect.name != "postgresql":
            return value
        return " ".join(
            f"'{word}'" for word in value.split(" ")
        )  # letters and digits only: nothing to escape


WORDS = Table(
    "timeline_words",
    METADATA,
    Column("rowid", BigInteger, primary_key=True, autoincrement=False),
    Column("words", _Words, nullable=False),
    info={"fts5": 'tokenize = "unicode61 remove_diacritics 0"'},
)
"""``rowid``: the position of the event whose text it is."""
Index("timeline_words_gin", WORDS.c.words, postgresql_using="gin").ddl_if(dialect="postgresql")


@compiles(CreateTable, "sqlite")
def _create_fts5(create: CreateTable, compiler: DDLCompiler, **options: Any) -> str:  # noqa: ANN401  # as SQLAlchemy calls it
    tokenizer = create.element.info.get("fts5")
    if tokenizer is None:
        ordinary: str = compiler.visit_create_table(create, **options)  # type: ignore[no-untyped-call]  # SQLAlchemy's
        return ordinary
    return f"CREATE VIRTUAL TABLE {create.element.name} USING fts5(words, {tokenizer})"


def searched(text: str, *, postgres: bool) -> str | None:
    """Return what ``positions_with`` is to be asked for texts that have all words of this one; None where it has no word at all."""
    wanted = sought(text)
    if not wanted:
        return None
    return (
        " & ".join(f"'{word}'" for word in wanted)
        if postgres
        else " AND ".join(f'"{word}"' for word in wanted)
    )


def positions_with(words_: BindParameter[str], *, postgres: bool) -> Select[Any]:
    """Return the question for the positions whose texts have what was ``searched``."""
    if postgres:
        return select(WORDS.c.rowid).where(WORDS.c.words.op("@@")(cast(words_, TSQUERY)))
    return select(WORDS.c.rowid).where(WORDS.c.words.match(words_))
