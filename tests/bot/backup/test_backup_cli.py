"""The command line's backup and restore: what is wrong is one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.control_server import ControlServer
from tests.bot.backup.moving import backed_up, key_of, opened, texts
from tests.bot.premises import Premises

ROOT = Path(__file__).resolve().parents[3]
DEADLINE_S = 60.0


def siyu(data: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a command; returns its exit code and what it said, and complained of."""
    ran = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=data.parent,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SIYU_DATA": str(data), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    return ran.returncode, ran.stdout, ran.stderr


def test_a_backup_and_its_restore_while_nothing_runs(premises: Premises, tmp_path: Path) -> None:
    premises.says("wang", "hi")
    data, key = premises.house.settings.data, key_of(premises).read_bytes()
    premises.close()
    code, out, err = siyu(data, "backup", "monday")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith(f"{tmp_path / 'monday'}: a backup of ")
    code, _, err = siyu(tmp_path / "new", "restore", "monday")
    assert (code, err.count("\n")) == (2, 1)
    assert "is missing, and nothing opens this vault without it" in err
    (tmp_path / "new" / "master.key").write_bytes(key)
    (tmp_path / "new" / "master.key").chmod(0o600)
    code, out, err = siyu(tmp_path / "new", "restore", "monday")
    assert (code, err, out.splitlines()[-1]) == (0, "", "Nothing is sent until: siyu resume-sending")
    code, _, err = siyu(tmp_path / "new", "restore", "monday")
    assert (code, err) == (
        2,
        "siyu: there is a log already: restore into an empty data folder (SIYU_DATA) or database\n",
    )
    with opened(tmp_path / "new", premises.now) as copy:
        assert texts(copy) == ["hi"]


@pytest.mark.parametrize("keep", [0, 1, 100])
def test_a_truncated_backup_is_refused_in_one_line(keep: int, premises: Premises, tmp_path: Path) -> None:
    premises.says("wang", "hi")
    backed_up(premises, tmp_path / "monday")
    log = tmp_path / "monday" / "log.db"
    log.write_bytes(log.read_bytes()[:keep])
    assert siyu(tmp_path / "new", "restore", "monday") == (
        1,
        f"checking {tmp_path / 'monday'}\n",
        f"siyu: {log} is damaged or missing: use another backup\n",
    )


async def test_where_siyu_runs_nothing_is_restored(premises: Premises, tmp_path: Path) -> None:
    backed_up(premises, tmp_path / "monday")
    server = ControlServer(premises.house)
    await server.start()
    try:
        data = premises.house.settings.data
        assert siyu(data, "restore", "../monday")[::2] == (1, f"siyu: a Siyu runs on {data}: stop it first\n")
    finally:
        await server.stop()
