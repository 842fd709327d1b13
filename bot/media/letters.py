"""Files as what goes along with a message."""

from domain.dispatch import fold
from domain.errors import MediaGone
from domain.identity import MediaId, Slug, stream
from domain.media.media import media as medias
from domain.message import FORGOTTEN, subject_of
from domain.ports.event_log import EventLog
from domain.ports.media import MediaStore
from domain.ports.messenger import Attachment


class Attachments:
    """Finds what was kept, by its id: the log says whose it is and what, the store has the bytes."""

    def __init__(self, log: EventLog, store: MediaStore) -> None:
        self._log, self._store = log, store

    def find(self, media: MediaId) -> Attachment | None:
        """Return a file that can be sent or shown, None where it is not kept or was destroyed. Reads the stores: to be called in a thread.

        Raises StoreUnavailable, UnknownEvent for a damaged stream.
        """
        kept = fold(medias, self._log.read_stream(stream(medias.category, media))).kept
        if kept is None or (subject := subject_of(kept)) is None:
            return None
        try:
            if not self._store.holds(media, subject):
                return None
        except MediaGone:
            return None
        name = kept.kind.value if kept.name is None or kept.name.value == FORGOTTEN else kept.name.value
        return Attachment(
            kind=Slug(kept.kind.value),
            content_type=kept.content_type.value,
            name=name,
            size=kept.size,
            read=lambda: self._store.open(media, subject),
            media=media,
        )
