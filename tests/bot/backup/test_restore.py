"""Restoring: the same facts in a new incarnation, nothing sent again, and whoever was forgotten stays forgotten."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from bot.backup.manifest import MANIFEST, part_of, read_manifest
from bot.operations.moving import resume_sending
from bot.reading import SqlAgenda
from domain.broadcasts.commands import ConfirmBroadcast, DraftBroadcast
from domain.broadcasts.events import AudienceKind, BroadcastCancelled
from domain.campaigns.commands import LaunchCampaign, PauseCampaign, StartRun
from domain.campaigns.events import CampaignCancelled, RunPlanned
from domain.campaigns.plan import Cadence, Timing
from domain.contacts.events import AddressSuppressed
from domain.contacts.suppression import address_digest
from domain.customers.events import CustomerForgotten
from domain.deliveries.commands import AcceptDelivery
from domain.deliveries.events import RESTORED, DeliveryClass, DeliveryUnknown
from domain.errors import BadInput, BadSettings, Rejected, StoreInUse
from domain.gate import ClaimDelivery
from domain.identity import BroadcastId, CampaignId, RunId, ScheduleId, Slug, SubjectId, ZoneName
from domain.installation.events import InstallationRestored, SendingResumed
from domain.message import FORGOTTEN, Personal
from domain.ports.event_log import Append, Progress
from domain.schedules.commands import CreateSchedule
from domain.schedules.events import ScheduleFired
from tests.bot.backup.moving import backed_up, is_fine, key_of, opened, restored, shown, texts
from tests.bot.premises import BOT, TELEGRAM, Premises
from tests.domain.controls import commands
from tests.scenarios.bytescan import scan

HERE = [(TELEGRAM, BOT)]
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_a_restored_log_is_the_same_log_in_a_new_incarnation_and_verify_finds_nothing(
    premises: Premises, tmp_path: Path
) -> None:
    premises.says("wang", "hi")
    premises.says("li", "你好")
    backed_up(premises, tmp_path / "monday")
    before, identity = premises.everything(), premises.house.log.identity()
    told = restored(tmp_path / "monday", tmp_path / "new", premises.now + DAY, key_of(premises))
    assert told[-1] == "Nothing is sent until: siyu resume-sending"
    with opened(tmp_path / "new", premises.now + DAY) as copy:
        *same, last = copy.everything()
        assert same == before
        head = before[-1].position
        assert last.event == InstallationRestored(head=head, taken_at=premises.now)
        assert copy.house.log.identity().id == identity.id
        assert copy.house.log.identity().incarnation > identity.incarnation
        assert is_fine(copy)
        copy.says("wang", "again")
        assert texts(copy) == ["hi", "你好", "again"]
        assert copy.contact("wang") == premises.contact("wang")


def test_a_backup_goes_from_one_store_to_the_other_and_back(
    premises: Premises, tmp_path: Path, postgres_url: str
) -> None:
    for n in range(20):
        premises.says("wang", f"message {n}")
    backed_up(premises, tmp_path / "monday")
    before, customer = premises.everything(), premises.customer("wang")
    restored(tmp_path / "monday", tmp_path / "there", premises.now, key_of(premises), postgres_url)
    with opened(tmp_path / "there", premises.now, SIYU_DATABASE=postgres_url) as there:
        assert there.everything()[:-1] == before
        there.says("wang", "on PostgreSQL")
        there.says("li", "somebody new")
        assert there.customer("wang") == customer
        assert is_fine(there)
        backed_up(there, tmp_path / "tuesday")
        on_server = there.everything()
    restored(tmp_path / "tuesday", tmp_path / "back", premises.now + HOUR, key_of(premises))
    with opened(tmp_path / "back", premises.now + HOUR) as back:
        assert back.everything()[:-1] == on_server
        back.says("wang", "home again")
        assert texts(back)[-3:] == ["on PostgreSQL", "somebody new", "home again"]
        assert is_fine(back)


def test_where_there_is_a_log_nothing_is_restored(
    premises: Premises, tmp_path: Path, postgres_url: str
) -> None:
    premises.says("wang", "hi")
    backed_up(premises, tmp_path / "monday")
    with pytest.raises(StoreInUse):
        restored(tmp_path / "monday", premises.house.settings.data, premises.now)
    premises.close()
    with pytest.raises(Rejected, match="there is a log already"):
        restored(tmp_path / "monday", premises.house.settings.data, premises.now)
    restored(tmp_path / "monday", tmp_path / "there", premises.now, key_of(premises), postgres_url)
    with pytest.raises(Rejected, match="there is a log already"):
        restored(tmp_path / "monday", tmp_path / "there", premises.now, None, postgres_url)


def cut(folder: Path) -> None:
    whole = (folder / "log.db").read_bytes()
    (folder / "log.db").write_bytes(whole[: len(whole) // 2])


def flip(folder: Path) -> None:
    whole = bytearray((folder / "keys.db").read_bytes())
    whole[len(whole) // 2] ^= 1
    (folder / "keys.db").write_bytes(whole)


def take_away(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def scribble(folder: Path) -> None:
    (folder / MANIFEST).write_bytes(b'{"format": 1')


@pytest.mark.parametrize(
    "harm, said",
    [
        (cut, r"log\.db is damaged or missing: use another backup"),
        (flip, r"keys\.db is damaged or missing: use another backup"),
        (take_away("log.db"), r"log\.db is damaged or missing"),
        (take_away("keys.db"), r"keys\.db is damaged or missing"),
        (take_away("media.jsonl"), r"media\.jsonl is damaged or missing"),
        (take_away("media/0a/photo"), r"media/0a/photo is damaged or missing"),
        (take_away(MANIFEST), r"holds no complete backup"),
        (scribble, r"manifest\.json is damaged"),
    ],
)
def test_a_damaged_or_incomplete_backup_is_refused_and_nothing_is_changed(
    harm: Callable[[Path], None], said: str, premises: Premises, tmp_path: Path
) -> None:
    premises.says("wang", "hi")
    photo = premises.house.settings.data / "media" / "0a" / "photo"
    photo.parent.mkdir(parents=True)
    photo.write_bytes(b"sealed")
    backed_up(premises, tmp_path / "monday")
    harm(tmp_path / "monday")
    with pytest.raises(BadInput, match=said):
        restored(tmp_path / "monday", tmp_path / "new", premises.now, key_of(premises))
    assert {path.name for path in (tmp_path / "new").iterdir()} <= {"master.key", "siyu.lock"}


def test_a_backup_of_a_newer_siyu_is_refused(premises: Premises, tmp_path: Path) -> None:
    backed_up(premises, tmp_path / "monday")
    with closing(sqlite3.connect(tmp_path / "monday" / "keys.db", isolation_level=None)) as vault:
        vault.execute("UPDATE alembic_version SET version_num = '9999'")
    manifest = read_manifest(tmp_path / "monday")
    newer = msgspec.structs.replace(manifest, keys=part_of(tmp_path / "monday", "keys.db"))
    (tmp_path / "monday" / MANIFEST).write_bytes(msgspec.json.encode(newer))
    with pytest.raises(BadInput, match="was made by another version of Siyu"):
        restored(tmp_path / "monday", tmp_path / "new", premises.now, key_of(premises))


def test_a_wrong_or_missing_master_key_says_so_and_nothing_is_changed(
    premises: Premises, tmp_path: Path
) -> None:
    premises.says("wang", "hi")
    backed_up(premises, tmp_path / "monday")
    with pytest.raises(BadSettings, match=r"the master key .* is missing"):
        restored(tmp_path / "monday", tmp_path / "new", premises.now)
    (tmp_path / "new" / "master.key").write_text("ab" * 32, "ascii")
    (tmp_path / "new" / "master.key").chmod(0o600)
    with pytest.raises(BadSettings, match="is not the master key of this vault"):
        restored(tmp_path / "monday", tmp_path / "new", premises.now)
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"master.key", "siyu.lock"}
    restored(tmp_path / "monday", tmp_path / "new", premises.now, key_of(premises))


def test_another_installations_vault_is_refused(premises: Premises, tmp_path: Path) -> None:
    premises.says("wang", "hi")
    backed_up(premises, tmp_path / "monday")
    with opened(tmp_path / "other", premises.now) as other:
        other.says("wang", "hi")
    (tmp_path / "other" / "log.db").unlink()
    shutil.copy2(key_of(premises), tmp_path / "key")
    with pytest.raises(BadSettings, match="is not the master key of this vault"):
        restored(tmp_path / "monday", tmp_path / "other", premises.now)
    with closing(sqlite3.connect(tmp_path / "other" / "keys.db")) as vault:
        assert vault.execute("SELECT COUNT(*) FROM keys").fetchone()[0] > 0


def test_what_a_crash_left_of_a_restore_is_no_log_and_the_restore_can_be_done_again(
    premises: Premises, tmp_path: Path
) -> None:
    premises.says("wang", "hi")
    backed_up(premises, tmp_path / "monday")
    restored(tmp_path / "monday", tmp_path / "new", premises.now, key_of(premises))
    (tmp_path / "new" / "log.db").rename(tmp_path / "as if it had never been put there")
    (tmp_path / "new" / ".restoring").mkdir()
    (tmp_path / "new" / ".restoring" / "log.db").write_bytes(b"half")
    restored(tmp_path / "monday", tmp_path / "new", premises.now)
    with opened(tmp_path / "new", premises.now) as copy:
        assert texts(copy) == ["hi"]


def test_views_of_another_incarnation_are_gone(premises: Premises, tmp_path: Path) -> None:
    premises.says("wang", "hi")
    premises.house.catch_up()
    backed_up(premises, tmp_path / "monday")
    premises.says("li", "lost")
    premises.house.catch_up()
    premises.close()
    data = premises.house.settings.data
    for file in data.glob("log.db*"):
        file.unlink()
    restored(tmp_path / "monday", data, premises.now)
    assert list(data.glob("views.db*")) == []
    with opened(data, premises.now) as copy:
        assert is_fine(copy)


def test_processes_go_on_behind_the_restore_and_polling_begins_where_the_provider_says(
    premises: Premises, tmp_path: Path
) -> None:
    premises.says("wang", "hi")
    log = premises.house.log
    log.set_cursor("telegram:42:offset", "1000")
    log.set_cursor("parked:auto-reply", "[[1, 'KeyError']]")
    log.append([Append(progress=Progress("auto-reply", 0, 1))])
    backed_up(premises, tmp_path / "monday")
    with closing(sqlite3.connect(tmp_path / "monday" / "log.db")) as copy:
        before = copy.execute("SELECT value FROM cursors").fetchall()
    restored(tmp_path / "monday", tmp_path / "new", premises.now, key_of(premises))
    with opened(tmp_path / "new", premises.now) as there:
        assert (len(before), there.house.log.get_cursor("telegram:42:offset")) == (2, None)
        assert there.house.log.progress("auto-reply") == there.house.log.head()
        assert there.house.log.get_cursor("parked:auto-reply") == "[[1, 'KeyError']]"


# --- what may have been sent since (D18) ---------------------------------------------------------------------------


def claim(premises: Premises, plan_id: str) -> ClaimDelivery:
    return ClaimDelivery(
        delivery=plan_id,  # type: ignore[arg-type]  # a NewType of str
        worker=Slug("worker-1"),
        until=premises.now + timedelta(seconds=45),
        controls=premises.house.settings.controls,
    )


def test_what_was_open_and_due_is_unknown_and_what_was_not_due_goes_on_resume(
    premises: Premises, tmp_path: Path
) -> None:
    premises.says("wang", "hi")
    offer = premises.plan("wang", "offer", DeliveryClass.MARKETING)
    notice, begun, done = (premises.plan("wang", text) for text in ("notice", "begun", "done"))
    later = replace(
        premises.plan("wang", "later"), not_before=premises.now + 2 * DAY, expires_at=premises.now + 3 * DAY
    )
    premises.house.do("system", offer, notice, begun, done, later)
    for delivery in (begun.delivery, done.delivery):
        premises.house.do("scheduler", claim(premises, delivery))
    premises.house.do("scheduler", AcceptDelivery(delivery=done.delivery, attempt=1))
    backed_up(premises, tmp_path / "monday")
    told = restored(tmp_path / "monday", tmp_path / "new", premises.now + HOUR, key_of(premises))
    assert any("not sent again: 3 messages, 0 broadcasts, 0 recurring ones" in line for line in told)
    with opened(tmp_path / "new", premises.now + HOUR) as there:
        unknown = [e for e in there.events(DeliveryUnknown) if e.reason == RESTORED]
        assert {e.delivery for e in unknown} == {offer.delivery, notice.delivery, begun.delivery}
        there.now += 2 * DAY
        there.house.catch_up()
        assert there.house.do("scheduler", claim(there, later.delivery)).events == ()
        assert shown(resume_sending(there.house)) == ["messages leave again"]
        there.house.catch_up()
        due = SqlAgenda(there.house.views).due(there.now, 100, HERE)
        assert [hint.delivery for hint in due] == [later.delivery]
        assert len(there.house.do("scheduler", claim(there, later.delivery)).events) == 1
        assert there.events(SendingResumed) == [SendingResumed()]


def test_a_broadcast_that_was_due_is_cancelled_and_an_occurrence_counts_as_fired(
    premises: Premises, tmp_path: Path
) -> None:
    premises.says("wang", "hi")
    now, later = BroadcastId("now"), BroadcastId("later")
    for broadcast, at in ((now, premises.now), (later, premises.now + 2 * DAY)):
        draft = DraftBroadcast(
            broadcast=broadcast, audience=AudienceKind.ALL, text=Personal("spring"), not_before=at
        )
        premises.house.do("system", draft, ConfirmBroadcast(broadcast=broadcast))
    weekly = ScheduleId("weekly")
    create = CreateSchedule(
        schedule=weekly,
        recurrence=Slug("fri@13:00"),
        zone=ZoneName("Asia/Shanghai"),
        text=Personal("tea time"),
        starts_at=premises.now,
        contact=premises.contact("wang"),
        customer=premises.customer("wang"),
    )
    premises.house.do("system", create)
    backed_up(premises, tmp_path / "monday")
    evening = premises.now + 8 * HOUR
    restored(tmp_path / "monday", tmp_path / "new", evening, key_of(premises))
    with opened(tmp_path / "new", evening) as there:
        assert there.events(BroadcastCancelled) == [BroadcastCancelled(broadcast=now)]
        (fired,) = there.events(ScheduleFired)
        assert (fired.schedule, fired.day) == (weekly, premises.now.date())
        there.house.catch_up()
        agenda = SqlAgenda(there.house.views)
        assert agenda.broadcasts(evening + 3 * DAY) == [later]
        assert [schedule.last_day for schedule in agenda.schedules()] == [fired.day]
        assert agenda.due(evening + DAY, 100, HERE) == []


def test_a_campaign_that_had_begun_goes_to_nobody_else_and_one_that_recurs_goes_on_with_its_next_run(
    premises: Premises, tmp_path: Path
) -> None:
    premises.says("wang", "hi")
    shanghai = ZoneName("Asia/Shanghai")
    daily = Timing(zone=shanghai, cadence=Cadence.RECURRING, recurrence=Slug("daily@13:00"))
    timings = {
        "now": Timing(zone=shanghai),
        "later": Timing(zone=shanghai, at=premises.now + 2 * DAY),
        "daily": daily,
        "paused": daily,
    }
    for name, timing in timings.items():
        draft = replace(commands.DRAFT_CAMPAIGN, campaign=CampaignId(name), timing=timing)
        launch = LaunchCampaign(campaign=CampaignId(name), meant=1, alone=True)
        premises.house.do("system", draft, launch)
    for name in ("now", "daily"):
        begun = StartRun(run=RunId(name), campaign=CampaignId(name), at=premises.now, meant=300, sample=20)
        premises.house.do("scheduler", begun)
    premises.house.do("system", PauseCampaign(campaign=CampaignId("paused"), reason=Slug("operator")))
    backed_up(premises, tmp_path / "monday")
    evening = premises.now + 8 * HOUR
    restored(tmp_path / "monday", tmp_path / "new", evening, key_of(premises))
    with opened(tmp_path / "new", evening) as there:
        assert {e.campaign for e in there.events(CampaignCancelled)} == {"now", "paused"}
        assert {e.run for e in there.events(RunPlanned)} >= {"daily"}
        there.house.catch_up()
        (daily_one, later_one) = SqlAgenda(there.house.views).campaigns()
        assert (daily_one.campaign, daily_one.runs) == ("daily", ())
        assert daily_one.last_at == premises.now.replace(
            hour=5, minute=0, second=0, microsecond=0
        )  # 13:00 there
        assert (later_one.campaign, later_one.last_at) == ("later", None)


# --- whoever was forgotten (P2, P3) --------------------------------------------------------------------------------


def forget(premises: Premises, who: str) -> None:
    """Destroy what forgetting destroys."""
    for subject in (f"customer-{premises.customer(who)}", f"contact-{premises.contact(who)}"):
        premises.house.vault.destroy(SubjectId(subject))


@pytest.mark.parametrize("with_keys", [True, False], ids=["with-its-vault", "without-its-vault"])
def test_an_old_log_beside_the_current_vault_leaves_the_forgotten_forgotten(
    with_keys: bool, premises: Premises, tmp_path: Path
) -> None:
    premises.says("wang", "my secret")
    premises.says("li", "hello")
    backed_up(premises, tmp_path / "monday")
    wang, li, customer = premises.contact("wang"), premises.contact("li"), premises.customer("wang")
    forget(premises, "wang")
    premises.says("chen", "after the backup")
    premises.close()
    data = premises.house.settings.data
    for file in data.glob("log.db*"):
        file.unlink()
    if not with_keys:
        (tmp_path / "monday" / "keys.db").unlink()
    told = restored(tmp_path / "monday", data, premises.now + HOUR)
    assert "forgotten since, and forgotten again: 1 customers" in told
    with opened(data, premises.now + HOUR) as there:
        assert texts(there) == [FORGOTTEN, "hello"]
        (again,) = there.events(CustomerForgotten)
        assert (again.customer, again.contacts) == (customer, (wang,))
        address = address_digest(there.house.digest, TELEGRAM, BOT, "wang")
        assert (AddressSuppressed(address=address) in there.events(AddressSuppressed)) is with_keys
        assert there.contact("wang") != wang
        assert there.contact("li") == li
        assert is_fine(there)
    assert scan({"text": "my secret", "name": "Wang"}, data) == {}
