from domain.media.media import MediaState, media
from tests.domain.controls import commands, events
from tests.domain.given import given


def test_the_file_of_a_message_is_kept_once() -> None:
    state = given(media).when(commands.KEEP_MEDIA).then(events.MEDIA_KEPT)
    assert state == MediaState(kept=events.MEDIA_KEPT)
    given(media, events.MEDIA_KEPT).when(commands.KEEP_MEDIA).then_nothing()


def test_a_file_that_is_kept_is_not_refused_by_somebody_slower() -> None:
    given(media, events.MEDIA_KEPT).when(commands.REFUSE_MEDIA).then_nothing()


def test_a_file_is_refused_once_and_for_good() -> None:
    assert given(media).when(commands.REFUSE_MEDIA).then(events.MEDIA_REFUSED) == MediaState(refused=True)
    given(media, events.MEDIA_REFUSED).when(commands.REFUSE_MEDIA).then_nothing()
    given(media, events.MEDIA_REFUSED).when(commands.KEEP_MEDIA).then_nothing()
