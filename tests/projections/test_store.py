"""The file of the views."""

import stat
from pathlib import Path

from sqlalchemy import func, select

from projections.engine import Projector, Views
from projections.question import Question
from tests.projections.house import House
from tests.projections.reading import catch_up
from tests.projections.test_engine import notebook


def test_the_file_is_readable_by_its_owner_only_and_overwrites_what_is_deleted(
    tmp_path: Path, house: House
) -> None:
    views = Views(tmp_path / "folder" / "views.db")
    house.says("wang", "hello")
    catch_up(Projector(views, house.log, [notebook()]))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "folder").iterdir()}
    assert modes == {"views.db": 0o600, "views.db-wal": 0o600, "views.db-shm": 0o600}
    with views.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 1, "secure_delete": 1, "busy_timeout": 10_000}
    views.close()


def test_a_scratch_store_leaves_nothing_behind(views: Views, tmp_path: Path, house: House) -> None:
    house.says("wang", "hello")
    catch_up(Projector(views, house.log, [notebook()]))
    before = _stores(views, tmp_path)
    with views.scratch() as scratch:
        catch_up(Projector(scratch, house.log, [notebook()]))
    assert _stores(views, tmp_path) == before


def _stores(views: Views, folder: Path) -> set[str]:
    files = {file.name for file in folder.iterdir()}
    if not views.is_postgres:
        return files
    with views.read() as connection:
        like = f"{views.schema}%"
        names = "SELECT nspname FROM pg_namespace WHERE nspname LIKE %(like)s"
        return files | set(connection.exec_driver_sql(names, {"like": like}).scalars())


def test_a_snapshot_shows_one_moment_however_it_is_asked(views: Views, house: House) -> None:
    """SQLite's begins with its first question, PostgreSQL's, too."""
    book = notebook()
    house.says("wang", "hello")
    projector = Projector(views, house.log, [book])
    catch_up(projector)
    question = Question(select(func.count()).select_from(book.tables[0]))
    with views.snapshot() as connection:
        ((before,),) = question.ask(connection)
        house.says("li", "hello")
        catch_up(projector)
        with views.read() as now:
            assert question.ask(now) == [(before + 1,)]
        assert question.ask(connection) == [(before,)]
        assert connection.execute(select(func.count()).select_from(book.tables[0])).scalar_one() == before
