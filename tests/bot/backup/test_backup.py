"""Taking a backup: what is in it, what never is, and that nothing half-done looks like one."""

import json
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bot.backup.manifest import MANIFEST, read_manifest
from bot.backup.taking import PARTIAL, take
from domain.errors import BadInput, Rejected, StoreUnavailable
from tests.bot.backup.moving import backed_up, is_fine, key_of, opened, restored, texts
from tests.bot.premises import Premises
from tests.scenarios.bytescan import scan

ROOT = Path(__file__).resolve().parents[3]
CANARIES = {"text": "jasmine-canary-7d1f", "who": "wang-canary-55ab"}
DEADLINE_S = 30.0


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_is_the_log_the_vault_the_media_and_a_manifest_for_its_owner_alone(
    premises: Premises, tmp_path: Path
) -> None:
    premises.says("wang", "hi")
    told = backed_up(premises, tmp_path / "monday")
    assert names(tmp_path / "monday") == ["keys.db", "log.db", MANIFEST, "media", "media.jsonl"]
    manifest = read_manifest(tmp_path / "monday")
    identity = premises.house.log.identity()
    assert (manifest.log_id, manifest.incarnation, manifest.head) == (
        identity.id,
        identity.incarnation,
        premises.house.log.head(),
    )
    assert manifest.taken_at == premises.now
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "monday").iterdir()}
    assert modes == {"keys.db": 0o600, "log.db": 0o600, MANIFEST: 0o600, "media": 0o700, "media.jsonl": 0o600}
    assert told[-1].endswith(f"The master key is not in it: keep {key_of(premises)} apart")


def test_nothing_personal_and_no_secret_lies_in_clear_in_a_backup(premises: Premises, tmp_path: Path) -> None:
    premises.says(CANARIES["who"], CANARIES["text"])
    backed_up(premises, tmp_path / "monday")
    master = bytes.fromhex(key_of(premises).read_text("ascii"))
    secrets: dict[str, str | bytes] = {"master": master, "secret": premises.house.vault.secret()}
    premises.house.catch_up()
    data = premises.house.settings.data
    assert scan({**CANARIES, **secrets}, tmp_path / "monday") == {}
    assert {name for file, found in scan(CANARIES, data).items() for name in found} == set(CANARIES)


def test_everything_acknowledged_up_to_the_head_is_there_though_others_write_meanwhile(
    premises: Premises, tmp_path: Path
) -> None:
    said: list[str] = []
    stop = threading.Event()

    def talk() -> None:
        while not stop.is_set():
            text = f"message {len(said)}"
            premises.says(f"somebody new {len(said)}", text)  # with a key of their own
            said.append(text)

    talking = threading.Thread(target=talk)
    talking.start()
    try:
        while len(said) < 50:
            time.sleep(0.01)
        before = list(said)
        backed_up(premises, tmp_path / "busy")
    finally:
        stop.set()
        talking.join()
    head = read_manifest(tmp_path / "busy").head
    restored(tmp_path / "busy", tmp_path / "new", premises.now, key_of(premises))
    with opened(tmp_path / "new", premises.now) as copy:
        assert copy.everything()[:-1] == [r for r in premises.everything() if r.position <= head]
        assert texts(copy) == said[: len(texts(copy))]
        assert len(texts(copy)) >= len(before)
        assert is_fine(copy)


def test_a_backup_never_goes_where_something_is(premises: Premises, tmp_path: Path) -> None:
    backed_up(premises, tmp_path / "monday")
    before = (tmp_path / "monday" / MANIFEST).read_bytes()
    with pytest.raises(Rejected, match="is not empty: name a new folder"):
        backed_up(premises, tmp_path / "monday")
    assert (tmp_path / "monday" / MANIFEST).read_bytes() == before
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine", "ascii")
    with pytest.raises(Rejected, match="is not empty"):
        backed_up(premises, tmp_path / "notes")
    assert names(tmp_path / "notes") == ["mine.txt"]


def test_two_at_once_into_one_folder_are_one(premises: Premises, tmp_path: Path) -> None:
    first = take(premises.house, tmp_path / "monday")
    next(first)
    with pytest.raises(Rejected, match="another backup is being written into"):
        backed_up(premises, tmp_path / "monday")
    list(first)
    assert read_manifest(tmp_path / "monday").head == premises.house.log.head()


def test_who_stops_listening_leaves_nothing_behind(premises: Premises, tmp_path: Path) -> None:
    premises.says("wang", "hi")
    begun = take(premises.house, tmp_path / "monday")
    next(begun)
    begun.close()  # type: ignore[attr-defined]  # a generator
    assert not (tmp_path / "monday").exists()
    backed_up(premises, tmp_path / "monday")


def test_what_a_crash_left_is_no_backup_and_goes_with_the_next_one(
    premises: Premises, tmp_path: Path
) -> None:
    left = tmp_path / "monday" / PARTIAL
    left.mkdir(parents=True)
    (left / "log.db").write_bytes(b"half")
    (left / MANIFEST).write_bytes(b"{}")
    with pytest.raises(BadInput, match="holds no complete backup"):
        read_manifest(tmp_path / "monday")
    backed_up(premises, tmp_path / "monday")
    assert not left.exists()
    assert read_manifest(tmp_path / "monday").head == premises.house.log.head()


def test_killed_while_it_is_written_nothing_looks_complete(premises: Premises, tmp_path: Path) -> None:
    for n in range(100):
        premises.says("wang", f"{n} " + os.urandom(20_000).hex())
    data = premises.house.settings.data
    premises.close()
    process = subprocess.Popen(
        [sys.executable, "-m", "bot", "backup", str(tmp_path / "monday")],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SIYU_DATA": str(data)},
        stdout=subprocess.DEVNULL,
    )
    started = time.monotonic()
    while not (tmp_path / "monday" / PARTIAL / "log.db").exists():
        assert time.monotonic() - started < DEADLINE_S
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait(DEADLINE_S)
    with pytest.raises(BadInput, match="holds no complete backup"):
        read_manifest(tmp_path / "monday")
    with opened(data, premises.now) as again:
        backed_up(again, tmp_path / "monday")
        assert read_manifest(tmp_path / "monday").head == again.house.log.head()


def test_a_full_disk_is_one_line_and_leaves_nothing(premises: Premises, tmp_path: Path) -> None:
    for n in range(50):
        premises.says("wang", f"{n} " + os.urandom(20_000).hex())
    data = premises.house.settings.data
    size = (data / "log.db").stat().st_size + (data / "log.db-wal").stat().st_size
    premises.close()
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "backup", str(tmp_path / "monday")],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SIYU_DATA": str(data)},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2)),
    )
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1), ran
    assert ran.stderr.startswith(f"siyu: the backup into {tmp_path / 'monday'} failed: ")
    assert not (tmp_path / "monday").exists()


def test_a_folder_that_cannot_be_made_is_told(premises: Premises, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match=r"the backup into .* failed: Not a directory"):
        backed_up(premises, tmp_path / "file" / "monday")


def test_a_copy_is_one_file_that_needs_no_write_ahead_log(premises: Premises, tmp_path: Path) -> None:
    premises.says("wang", "hi")
    backed_up(premises, tmp_path / "monday")
    for name in ("log.db", "keys.db"):
        with sqlite3.connect(f"file:{tmp_path / 'monday' / name}?mode=ro", uri=True) as copy:
            assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        copy.close()


def media(premises: Premises, name: str, content: bytes) -> Path:
    """Put an encrypted file where the media store keeps them."""
    file = premises.house.settings.data / "media" / "0a" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def test_files_are_copied_and_those_that_did_not_change_are_linked_to_the_backup_beside(
    premises: Premises, tmp_path: Path
) -> None:
    media(premises, "photo", b"first")
    media(premises, "photo.0123.part", b"unfinished")
    backed_up(premises, tmp_path / "monday")
    media(premises, "voice", b"second")
    backed_up(premises, tmp_path / "tuesday")
    monday, tuesday = (tmp_path / day / "media" / "0a" for day in ("monday", "tuesday"))
    assert (names(monday), names(tuesday)) == (["photo"], ["photo", "voice"])
    assert (monday / "photo").samefile(tuesday / "photo")
    assert not (tuesday / "photo").samefile(premises.house.settings.data / "media" / "0a" / "photo")
    restored(tmp_path / "tuesday", tmp_path / "new", premises.now, key_of(premises))
    assert (tmp_path / "new" / "media" / "0a" / "voice").read_bytes() == b"second"


def test_a_damaged_file_of_an_earlier_backup_is_not_taken_over(premises: Premises, tmp_path: Path) -> None:
    media(premises, "photo", b"first")
    backed_up(premises, tmp_path / "monday")
    (tmp_path / "monday" / "media" / "0a" / "photo").write_bytes(b"fir5t")
    backed_up(premises, tmp_path / "tuesday")
    assert (tmp_path / "tuesday" / "media" / "0a" / "photo").read_bytes() == b"first"


def test_the_manifest_is_plain_json(premises: Premises, tmp_path: Path) -> None:
    backed_up(premises, tmp_path / "monday")
    manifest = json.loads((tmp_path / "monday" / MANIFEST).read_text("utf8"))
    assert set(manifest) == {
        "format",
        "taken_at",
        "log_id",
        "incarnation",
        "head",
        "vault",
        "log",
        "keys",
        "index",
    }
