"""What the PostgreSQL log says to its server."""

from psycopg.sql import SQL, Composed, Identifier, Literal

from bot.eventlog.codec import STAMP_BYTES
from bot.eventlog.log import NOTES

_VERSIONS = """
    SELECT stream, (SELECT max(originator_version) FROM {schema}.{table} WHERE originator_id = stream)
    FROM unnest(%s::text[]) AS stream
"""
# The order of the arrays is the order of the positions.
_INSERT = """
    INSERT INTO {schema}.{table} (originator_id, originator_version, topic, state)
    SELECT stream, version, topic, state
    FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::bytea[]) WITH ORDINALITY AS new (stream, version, topic, state, place)
    ORDER BY place
    RETURNING notification_id
"""
_SAME = """
    SELECT notification_id
    FROM {schema}.{table} JOIN unnest(%b::text[], %b::bigint[], %b::text[], %b::bytea[]) AS mine (stream, version, topic, state)
    ON originator_id = mine.stream AND originator_version = mine.version AND {table}.state = mine.state
    ORDER BY notification_id
"""
_LAST = (
    "SELECT substring(state FROM 1 FOR {stamp}) FROM {schema}.{table} ORDER BY notification_id DESC LIMIT 1"
)
_NOTE = "SELECT value FROM {schema}.notes WHERE name = %s"
_KEEP_NOTE = """
    INSERT INTO {schema}.notes (name, value) VALUES (%(name)s, %(value)s)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
_COLUMNS = "SELECT notification_id, originator_id, originator_version, topic, state FROM {schema}.{table} "


class Statements:
    """Statements on the tables of one log."""

    def __init__(self, schema: str, table: str) -> None:
        def named(text: str) -> Composed:
            return SQL(text).format(
                schema=Identifier(schema), table=Identifier(table), stamp=Literal(STAMP_BYTES)
            )

        self.versions = named(_VERSIONS)
        self.insert = named(_INSERT)
        self.same = named(_SAME)
        self.last = named(_LAST)
        self.rows = named(_COLUMNS + "WHERE notification_id > %s ORDER BY notification_id LIMIT %s")
        self.rows_of = named(
            _COLUMNS + "WHERE originator_id = %s AND originator_version > %s ORDER BY originator_version"
        )
        self.rows_of_many = named(
            _COLUMNS + "WHERE originator_id = ANY(%s) ORDER BY originator_id, originator_version"
        )
        self.positions = named("SELECT name, position FROM {schema}.progress WHERE name = ANY(%s)")
        self.start = named("INSERT INTO {schema}.progress (name, position) VALUES (%(name)s, %(position)s)")
        self.move = named("UPDATE {schema}.progress SET position = %(position)s WHERE name = %(name)s")
        self.log = named("SELECT id, incarnation FROM {schema}.log")
        self.new_log = named(
            "INSERT INTO {schema}.log (id, incarnation) SELECT %s, 1 WHERE NOT EXISTS (SELECT FROM {schema}.log)"
        )
        self.next_incarnation = named("UPDATE {schema}.log SET incarnation = incarnation + 1")
        self.note = {notes: named(_NOTE.replace("notes", notes)) for notes in NOTES}
        self.keep_note = {notes: named(_KEEP_NOTE.replace("notes", notes)) for notes in NOTES}
