from dataclasses import replace
from datetime import timedelta

from domain.operators.desk import DeskState, MuteState, Question, desks, digests, mutes
from domain.operators.events import Verb
from tests.domain.controls import commands, events
from tests.domain.controls.ids import MRS_WANG, NOON
from tests.domain.given import given

ASKED, MUTED = events.ANSWER_ASKED, events.CARDS_MUTED


def test_a_question_waits_until_its_time_is_over() -> None:
    state = given(desks).when(commands.ASK_FOR_ANSWER).then(ASKED)
    assert state.asked(ASKED.until - timedelta(seconds=1)) == Question(MRS_WANG, Verb.REPLY, ASKED.until)
    assert state.asked(ASKED.until) is None


def test_a_new_question_replaces_the_one_before() -> None:
    tag = replace(commands.ASK_FOR_ANSWER, verb=Verb.TAG)
    state = given(desks, ASKED).when(tag).then(replace(ASKED, verb=Verb.TAG))
    assert state.question == Question(MRS_WANG, Verb.TAG, ASKED.until)


def test_a_question_ends_once() -> None:
    assert given(desks, ASKED).when(commands.END_ANSWER).then(events.ANSWER_ENDED) == DeskState()
    given(desks, ASKED, events.ANSWER_ENDED).when(commands.END_ANSWER).then_nothing()


def test_cards_about_somebody_are_muted_for_what_is_said_until_then() -> None:
    state = given(mutes).when(commands.MUTE_CARDS).then(MUTED)
    assert state.covers(MRS_WANG, NOON)
    assert not state.covers(MRS_WANG, MUTED.until)
    given(mutes, MUTED).when(commands.MUTE_CARDS).then_nothing()


def test_cards_come_again_when_they_are_unmuted() -> None:
    given(mutes, MUTED).when(commands.UNMUTE_CARDS).then(events.CARDS_UNMUTED)
    given(mutes, MUTED, events.CARDS_UNMUTED).when(commands.UNMUTE_CARDS).then_nothing()
    assert given(mutes, MUTED, events.CARDS_UNMUTED).state == MuteState()


def test_whom_a_digest_tells_of_is_remembered_once() -> None:
    given(digests).when(commands.TELL_DIGEST).then(events.DIGEST_TOLD)
    given(digests, events.DIGEST_TOLD).when(commands.TELL_DIGEST).then_nothing()
