import pytest

from domain.installation.installation import InstallationState, installation
from domain.message import Command, Event
from tests.domain.controls import commands, events
from tests.domain.given import given


@pytest.mark.parametrize(
    "before, command, event, after",
    [
        (
            [],
            commands.PREPARE_INSTALLATION,
            events.INSTALLATION_PREPARED,
            InstallationState(prepared=True),
        ),
        ([], commands.PAUSE_MARKETING, events.MARKETING_PAUSED, InstallationState(marketing_paused=True)),
        (
            [events.MARKETING_PAUSED],
            commands.RESUME_MARKETING,
            events.MARKETING_RESUMED,
            InstallationState(),
        ),
        (
            [events.HISTORY_IMPORTED],
            commands.RESUME_SENDING,
            events.SENDING_RESUMED,
            InstallationState(),
        ),
    ],
    ids=["prepare", "pause", "resume-marketing", "resume-sending"],
)
def test_what_is_said_once_counts_once(
    before: list[Event], command: Command, event: Event, after: InstallationState
) -> None:
    assert given(installation, *before).when(command).then(event) == after
    given(installation, *before, event).when(command).then_nothing()


def test_every_import_holds_sending() -> None:
    held = InstallationState(sending_held=True)
    for before in ([], [events.HISTORY_IMPORTED], [events.HISTORY_IMPORTED, events.SENDING_RESUMED]):
        decided = given(installation, *before).when(commands.MARK_HISTORY_IMPORTED)
        assert decided.then(events.HISTORY_IMPORTED) == held


def test_every_restore_holds_sending_until_it_is_resumed() -> None:
    held = InstallationState(sending_held=True)
    for before in ([], [events.INSTALLATION_RESTORED], [events.HISTORY_IMPORTED, events.SENDING_RESUMED]):
        decided = given(installation, *before).when(commands.MARK_RESTORED)
        assert decided.then(events.INSTALLATION_RESTORED) == held
    resumed = given(installation, events.INSTALLATION_RESTORED).when(commands.RESUME_SENDING)
    assert resumed.then(events.SENDING_RESUMED) == InstallationState()


def test_a_pause_and_a_hold_end_apart() -> None:
    both = given(installation, events.MARKETING_PAUSED, events.HISTORY_IMPORTED)
    state = both.when(commands.RESUME_MARKETING).then(events.MARKETING_RESUMED)
    assert state == InstallationState(sending_held=True)
