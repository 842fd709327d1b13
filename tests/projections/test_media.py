from datetime import timedelta

from domain.conversations.commands import Message
from domain.conversations.events import ContentKind, MessageReceived
from domain.identity import EventId, MediaId, ProviderMessageId, Slug
from domain.media.commands import KeepMedia, RefuseMedia
from domain.media.events import FileKind, MediaType
from domain.message import Origin, Personal
from projections.engine import Projector
from projections.media import FileState, MediaFile, Waiting, files_of, media_of, waiting
from projections.registry import projections
from projections.timeline import TimelineHistory, of_contact
from projections.timeline.queries import File
from tests.projections.conftest import OpenViews
from tests.projections.house import House, matches
from tests.projections.reading import GivenLog, catch_up


def sends(house: House, who: str, file_id: str = "f1", kind: ContentKind = ContentKind.PHOTO) -> EventId:
    message = ProviderMessageId(f"m-{file_id}")
    content = Message(text="look", kind=kind, details={"file_id": file_id}, provider_message=message)
    house.receive(who, content)
    return [r.id for r in house.everything() if isinstance(r.event, MessageReceived)][-1]


def keeps(house: House, who: str, message: EventId) -> MediaId:
    media = MediaId(house.digest("media", message))
    house.do(
        KeepMedia(
            media=media,
            contact=house.contact(who),
            message=message,
            kind=FileKind.PHOTO,
            content_type=MediaType.PNG,
            size=99,
            name=Personal("tea.png"),
        )
    )
    return media


def refuses(house: House, who: str, message: EventId) -> None:
    media = MediaId(house.digest("media", message))
    refused = RefuseMedia(media=media, contact=house.contact(who), message=message, reason=Slug("lying-type"))
    house.do(refused)


def test_a_file_waits_from_its_message_on_until_it_is_kept(projector: Projector, house: House) -> None:
    message = sends(house, "wang")
    at, contact = house.now, house.contact("wang")
    catch_up(projector)
    with projector.views.read() as connection:
        assert waiting(connection, at - timedelta(days=1), 10) == [
            Waiting(message, contact, ContentKind.PHOTO, at)
        ]
        assert waiting(connection, at, 10) == []
        assert media_of(connection, message) == MediaFile(message, contact, FileState.WAITING)
    media = keeps(house, "wang", message)
    catch_up(projector)
    with projector.views.read() as connection:
        assert waiting(connection, at - timedelta(days=1), 10) == []
        kept = MediaFile(
            message, contact, FileState.KEPT, media, FileKind.PHOTO, MediaType.PNG, 99, "tea.png"
        )
        assert media_of(connection, message) == kept
        assert files_of(connection, contact) == [kept]


def test_a_refused_file_says_why(projector: Projector, house: House) -> None:
    message = sends(house, "wang")
    refuses(house, "wang", message)
    catch_up(projector)
    with projector.views.read() as connection:
        found = media_of(connection, message)
    assert found is not None
    assert (found.state, found.reason) == (FileState.REFUSED, "lying-type")


def test_a_text_or_a_place_has_no_file(projector: Projector, house: House) -> None:
    house.says("wang", "hello")
    house.receive("wang", Message(kind=ContentKind.LOCATION, details={"latitude": 1.0, "longitude": 2.0}))
    catch_up(projector)
    with projector.views.read() as connection:
        assert files_of(connection, house.contact("wang")) == []


def test_files_of_imported_history_are_not_fetched(open_views: OpenViews, house: House) -> None:
    sends(house, "wang")
    imported = GivenLog(
        [
            type(r)(**{f: getattr(r, f) for f in r.__slots__} | {"origin": Origin.IMPORT})
            for r in house.everything()
        ]
    )
    projector = Projector(open_views(), imported, projections(matches))
    catch_up(projector)
    with projector.views.read() as connection:
        assert waiting(connection, house.now - timedelta(days=1), 10) == []


def test_the_timeline_tells_what_became_of_each_file(projector: Projector, house: House) -> None:
    kept, refused, open_ = (sends(house, "wang", name) for name in ("f1", "f2", "f3"))
    media = keeps(house, "wang", kept)
    refuses(house, "wang", refused)
    house.plans("wang", "yours", media=media)
    catch_up(projector)
    with projector.views.read() as connection:
        entries = of_contact(connection, house.contact("wang"))
    files = {entry.event: entry.file for entry in entries if entry.value == "photo"}
    shown = File(media, Slug("photo"), "image/png", 99, "tea.png")
    assert files == {kept: shown, refused: File(reason=Slug("lying-type")), open_: None}
    assert [entry.file for entry in entries if entry.text == "yours"] == [shown]


async def test_the_history_shows_a_file_once_it_is_kept(projector: Projector, house: House) -> None:
    message = sends(house, "wang")
    catch_up(projector)
    history = TimelineHistory(projector)
    (before,) = await history.recent(house.contact("wang"), 10)
    media = keeps(house, "wang", message)
    catch_up(projector)
    (after,) = await history.recent(house.contact("wang"), 10)
    assert before.file is not None
    assert after.file is not None
    assert [(f.kind, f.media, f.name) for f in (before.file, after.file)] == [
        ("photo", None, ""),
        ("photo", media, "tea.png"),
    ]
