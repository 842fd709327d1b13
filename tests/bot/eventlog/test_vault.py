import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from bot.eventlog.codec import Codec
from bot.eventlog.keys import KEY_ID_BYTES, Remembered, seal, unseal
from bot.eventlog.sqlite import SqliteEventLog
from bot.eventlog.vault import Vault
from domain.conversations.events import MessageReceived
from domain.errors import BadSettings, StoreUnavailable, SubjectForgotten
from domain.identity import BRAND, Account, Address, Channel, ContactId, Party, SubjectId
from domain.message import FORGOTTEN, Personal
from domain.ports.identities import Identities, MemoryIdentities
from domain.registry import EVENT_TYPES
from tests.bot.eventlog.children import addresses, children, results
from tests.bot.eventlog.examples import message, unit, write
from tests.bot.eventlog.proxy import proxy_to

Opener = Callable[[], Vault]
ALICE, BOB = addresses(2)
GROUP = Address(Party.GROUP, Channel("telegram"), Account("1"), "0")


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens the same vault again and again, each time with nothing in memory; all are closed after the test."""
    database = (
        tmp_path / "keys.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
    )
    vaults: list[Vault] = []

    def open_vault() -> Vault:
        vaults.append(Vault(database, tmp_path / "master.key"))
        return vaults[-1]

    yield open_vault
    for vault in vaults:
        vault.close()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def identities(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Identities]:
    """What domain.ports.identities promises, everywhere."""
    if request.param == "memory":
        yield MemoryIdentities(lambda: os.urandom(16).hex())
        return
    database = (
        tmp_path / "keys.db" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))
    )
    vault = Vault(database, tmp_path / "master.key")
    yield vault
    vault.close()


def test_an_address_leads_to_the_same_id_for_ever_and_back(identities: Identities) -> None:
    ids = identities.resolve([ALICE, BOB, GROUP])

    assert set(ids) == {ALICE, BOB, GROUP}
    assert len(set(ids.values())) == 3
    assert identities.resolve([GROUP, BOB]) == {GROUP: ids[GROUP], BOB: ids[BOB]}
    assert identities.find(ALICE) == ids[ALICE]
    assert identities.address_of(Party.CONTACT, ids[ALICE]) == ALICE
    assert identities.address_of(Party.GROUP, ids[GROUP]) == GROUP


def test_nobody_is_behind_an_address_or_an_id_that_was_never_seen(identities: Identities) -> None:
    (alice,) = identities.resolve([ALICE]).values()

    assert identities.find(BOB) is None
    assert identities.address_of(Party.CONTACT, "never") is None
    assert identities.address_of(Party.GROUP, alice) is None
    assert identities.resolve([]) == {}


def test_an_alias_leads_to_the_same_id_and_is_its_newest_address(identities: Identities) -> None:
    (group,) = identities.resolve([GROUP]).values()
    supergroup = Address(Party.GROUP, Channel("telegram"), Account("1"), "-100")

    identities.alias(supergroup, group)
    assert identities.resolve([GROUP, supergroup]) == {GROUP: group, supergroup: group}
    assert identities.address_of(Party.GROUP, group) == supergroup

    identities.alias(GROUP, group)
    assert identities.address_of(Party.GROUP, group) == GROUP


def test_a_reopened_vault_knows_everything(opened: Opener) -> None:
    first = opened()
    many = addresses(1_200)
    ids = first.resolve(many)
    keys = first.keys_for([BRAND, SubjectId("operator-1")])
    first.alias(GROUP, ids[ALICE])

    second = opened()

    assert second.resolve(many) == ids
    assert second.find(GROUP) == ids[ALICE]
    assert second.address_of(Party.CONTACT, ids[BOB]) == BOB
    assert second.secret() == first.secret()
    assert {key.id for key in second.keys_for([BRAND, SubjectId("operator-1")]).values()} == {
        key.id for key in keys.values()
    }


def test_what_one_sealed_the_other_opens_by_the_id_of_the_key(opened: Opener) -> None:
    key = opened().keys_for([BRAND])[BRAND]
    sealed = seal(key, b"hello", b"here")

    found = opened().keys_named([key.id, b"\0" * KEY_ID_BYTES])

    assert set(found) == {key.id}
    cipher = found[key.id].cipher
    assert cipher is not None
    assert unseal(cipher, sealed, b"here") == b"hello"


def test_every_subject_has_a_key_of_its_own_and_contacts_have_theirs_at_once(opened: Opener) -> None:
    vault = opened()
    (alice,) = vault.resolve([ALICE]).values()
    subjects = [SubjectId(f"contact-{alice}"), BRAND, SubjectId("customer-1"), SubjectId("raw-2026-11")]

    keys = vault.keys_for(subjects)

    assert set(keys) == set(subjects)
    assert len({key.id for key in keys.values()}) == 4


def test_who_was_destroyed_gets_no_key_again_and_is_a_stranger_when_they_return(opened: Opener) -> None:
    vault = opened()
    ids = vault.resolve([ALICE, BOB])
    alice = SubjectId(f"contact-{ids[ALICE]}")
    key = vault.keys_for([alice])[alice]
    vault.alias(GROUP, ids[ALICE])

    vault.destroy(alice)
    vault.destroy(alice)

    for found in (vault, opened()):
        assert found.keys_named([key.id])[key.id].cipher is None
        with pytest.raises(SubjectForgotten, match=alice):
            found.keys_for([alice])
        with pytest.raises(SubjectForgotten):
            found.alias(Address(Party.CONTACT, Channel("webchat"), Account("w"), "x"), ids[ALICE])
        assert found.find(ALICE) is None
        assert found.find(BOB) == ids[BOB]
        assert found.address_of(Party.CONTACT, ids[ALICE]) is None
    assert vault.resolve([ALICE])[ALICE] != ids[ALICE]


def test_somebody_destroyed_before_their_first_key_never_gets_one(opened: Opener) -> None:
    opened().destroy(SubjectId("customer-1"))

    with pytest.raises(SubjectForgotten):
        opened().keys_for([SubjectId("customer-1")])


def test_threads_that_meet_the_same_strangers_agree(opened: Opener) -> None:
    vaults = [opened(), opened()]
    many = addresses(300)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: vaults[n % 2].resolve(many[n * 20 : n * 20 + 150]), range(8)))
        keys = list(pool.map(lambda n: vaults[n % 2].keys_for([SubjectId("customer-7"), BRAND]), range(8)))

    ids: dict[Address, str] = {}
    for part in found:
        for address, key in part.items():
            assert ids.setdefault(address, key) == key
    assert len({(pair[BRAND].id, pair[SubjectId("customer-7")].id) for pair in keys}) == 1


def test_two_processes_that_meet_the_same_strangers_agree(postgres_url: str, tmp_path: Path) -> None:
    master = tmp_path / "master.key"
    with children(*[("resolve", postgres_url, str(master), "1500")] * 2) as started:
        first, second = results(started)
    vault = Vault(postgres_url, master)

    known = vault.resolve(addresses(1_500))
    assert first == second == [known[address] for address in addresses(1_500)]
    vault.close()


def test_the_vault_s_tables_show_no_address_and_no_key(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "keys.db", tmp_path / "master.key")
    vault.resolve([Address(Party.CONTACT, Channel("telegram"), Account("bot-account"), "canary-openid-oXyz")])
    vault.close()

    written = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("keys.db"))
    assert b"contact" in written
    for secret in (
        b"canary-openid-oXyz",
        b"bot-account",
        bytes.fromhex((tmp_path / "master.key").read_text()),
    ):
        assert secret not in written


def test_nothing_personal_lies_in_clear_in_any_file(tmp_path: Path) -> None:
    canary = "金丝雀-canary-8231"
    vault = Vault(tmp_path / "keys.db", tmp_path / "master.key")
    log = SqliteEventLog(tmp_path / "log.db", Codec(EVENT_TYPES, vault))
    address = Address(Party.CONTACT, Channel("telegram"), Account("1"), canary)
    (contact,) = vault.resolve([address]).values()
    event = MessageReceived(
        contact=ContactId(contact), text=Personal(canary), details=Personal({canary: [canary]})
    )
    log.append([unit(write("inbound-1", 0, event))])
    (recorded,) = log.read(0, 10)
    assert recorded.event == event

    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {"log.db", "keys.db", "master.key"} <= {path.name for path in files}
    for path in files:
        written = path.read_bytes()
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "unicode_escape"):
            assert canary.encode(encoding) not in written, path
    log.close()
    vault.close()


def test_after_destroying_neither_key_nor_identity_lies_in_any_file_of_the_vault(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "keys.db", tmp_path / "master.key")
    (alice,) = vault.resolve([ALICE]).values()
    vault.resolve([BOB])
    with sqlite3.connect(tmp_path / "keys.db") as other:
        ((wrapped,),) = other.execute("SELECT wrapped FROM keys WHERE subject = ?", (f"contact-{alice}",))
        ((index, sealed),) = other.execute("SELECT address, sealed FROM identities WHERE id = ?", (alice,))
    other.close()

    def found() -> list[bool]:
        written = b"".join(path.read_bytes() for path in tmp_path.glob("keys.db*"))
        return [secret in written for secret in (wrapped, index, sealed)]

    assert found() == [True, True, True]
    vault.destroy(SubjectId(f"contact-{alice}"))
    assert found() == [False, False, False]
    vault.close()


def test_what_was_said_reads_as_forgotten_after_the_key_is_destroyed(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "keys.db", tmp_path / "master.key")
    log = SqliteEventLog(tmp_path / "log.db", Codec(EVENT_TYPES, vault))
    (contact,) = vault.resolve([ALICE]).values()
    log.append([unit(write("inbound-1", 0, message("hello", ContactId(contact))))])
    vault.destroy(SubjectId(f"contact-{contact}"))

    (recorded,) = log.read(0, 10)

    assert recorded.event == message(FORGOTTEN, ContactId(contact))
    log.close()
    vault.close()


def test_rotating_the_master_key_keeps_everything_and_only_the_new_one_opens_it(
    opened: Opener, tmp_path: Path
) -> None:
    vault = opened()
    ids = vault.resolve(addresses(700))
    vault.destroy(SubjectId(f"contact-{ids[BOB]}"))
    before = (tmp_path / "master.key").read_text()
    newest = os.urandom(32)

    vault.rotate_master(newest)

    assert (tmp_path / "master.key").read_text() == f"{newest.hex()}\n"
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600
    again = opened()
    assert again.secret() == vault.secret()
    assert again.address_of(Party.CONTACT, ids[ALICE]) == ALICE
    assert again.find(BOB) is None
    (tmp_path / "master.key").write_text(before)
    with pytest.raises(BadSettings, match="not the master key of this vault"):
        opened()


def test_a_rotation_that_was_interrupted_loses_nothing_and_can_be_run_again(
    opened: Opener, tmp_path: Path
) -> None:
    vault = opened()
    ids = vault.resolve([ALICE, BOB])
    newest = os.urandom(32)
    # As a crash between the first and the last step leaves it: both keys in the file, some keys wrapped again.
    with (tmp_path / "master.key").open("r+") as file:
        old = file.read()
        file.seek(0)
        file.write(f"{newest.hex()}\n{old}")

    found = opened()
    (_,) = found.resolve([GROUP]).values()  # wrapped by the new key, the others by the old one
    assert found.address_of(Party.CONTACT, ids[ALICE]) == ALICE
    found.rotate_master(newest)

    assert (tmp_path / "master.key").read_text() == f"{newest.hex()}\n"
    assert opened().address_of(Party.CONTACT, ids[BOB]) == BOB


def test_a_process_that_was_running_during_a_rotation_reads_the_new_key_by_itself(opened: Opener) -> None:
    running, rotating = opened(), opened()
    ids = rotating.resolve([ALICE])
    rotating.rotate_master(os.urandom(32))

    assert running.address_of(Party.CONTACT, ids[ALICE]) == ALICE


def test_the_master_key_is_made_for_its_owner_alone(opened: Opener, tmp_path: Path) -> None:
    opened()

    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600
    assert len(bytes.fromhex((tmp_path / "master.key").read_text())) == 32
    assert not list(tmp_path.glob(".master.key*"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_master_key_that_others_may_read_is_refused(opened: Opener, tmp_path: Path, mode: int) -> None:
    opened()
    (tmp_path / "master.key").chmod(mode)

    with pytest.raises(BadSettings, match="chmod 600"):
        opened()


@pytest.mark.parametrize("content", ["", "not hexadecimal", "abcd"])
def test_a_file_that_holds_no_master_key_is_refused(opened: Opener, tmp_path: Path, content: str) -> None:
    opened()
    (tmp_path / "master.key").write_text(content)

    with pytest.raises(BadSettings, match="holds no master key"):
        opened()


def test_a_lost_master_key_is_not_quietly_replaced(opened: Opener, tmp_path: Path) -> None:
    opened()
    (tmp_path / "master.key").unlink()

    with pytest.raises(BadSettings, match="is missing"):
        opened()
    assert not (tmp_path / "master.key").exists()


def test_a_vault_that_is_away_is_said_and_goes_on_once_it_is_back(postgres_url: str, tmp_path: Path) -> None:
    with proxy_to(postgres_url) as proxy:
        vault = Vault(proxy.url, tmp_path / "master.key")
        proxy.refuse()
        with pytest.raises(StoreUnavailable, match="vault"):
            vault.resolve([ALICE])
        proxy.admit()
        assert set(vault.resolve([ALICE])) == {ALICE}
        vault.close()


def test_a_vault_whose_file_somebody_locks_is_unavailable_and_keeps_nothing(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "keys.db", tmp_path / "master.key")
    other = sqlite3.connect(tmp_path / "keys.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        vault.resolve([ALICE])
    other.execute("ROLLBACK")
    other.close()

    (alice,) = vault.resolve([ALICE]).values()
    assert Vault(tmp_path / "keys.db", tmp_path / "master.key").find(ALICE) == alice
    vault.close()


def test_the_vault_has_a_schema_of_its_own(postgres_url: str, tmp_path: Path) -> None:
    vault = Vault(postgres_url, tmp_path / "master.key")
    vault.resolve([ALICE])
    vault.close()

    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT count(*) FROM vault.identities").fetchone() == (1,)


def test_what_is_remembered_is_bounded_and_grows_old() -> None:
    now = [0.0]
    remembered: Remembered[str, int] = Remembered(2, 60.0, lambda: now[0])
    remembered.put("a", 1)
    remembered.put("b", 2)
    assert remembered.get("a") == 1  # used last: the other one makes room
    remembered.put("c", 3)
    assert [remembered.get(name) for name in "abc"] == [1, None, 3]

    now[0] = 60.1
    assert [remembered.get(name) for name in "abc"] == [None, None, None]
