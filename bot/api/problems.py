"""What goes wrong, as RFC 9457 writes it: ``{type, title, status, detail}``. English: programs and those who write them read it."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from domain.errors import (
    BadInput,
    NotAllowed,
    Overloaded,
    Rejected,
    SiyuError,
    StoreUnavailable,
    SubjectForgotten,
    UnknownRecipient,
    VersionConflict,
)

MEDIA_TYPE = "application/problem+json"
DOCS = "/api/docs"
AWAY_RETRY_S = 5
BUSY_RETRY_S = 1
FAULTS_TOLD = 5
LONGEST_WHERE = 80


class Kind(Enum):
    """The kinds there are: status, and title. Its name is the anchor in the documentation."""

    MALFORMED = (400, "This is no JSON")
    UNAUTHORISED = (401, "A token is needed that counts")
    FORBIDDEN = (403, "The role of this token does not include this")
    NOT_FOUND = (404, "There is no such thing")
    METHOD = (405, "This address does something else")
    TOO_SLOW = (408, "The request took too long to arrive")
    CONFLICT = (409, "Not as things stand")
    TOO_LARGE = (413, "The request is too large")
    MEDIA_TYPE = (415, "The request is not in JSON")
    INVALID = (422, "Something in the request is wrong")
    TOO_MANY = (429, "Too many wrong tokens")
    INTERNAL = (500, "Siyu made a mistake")
    AWAY = (503, "Come again")

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value[0]

    @property
    def anchor(self) -> str:
        """Where the documentation tells of it."""
        return self.name.lower().replace("_", "-")


class Problem(HTTPException):
    """Something is wrong with a request, or with answering it now. ``detail``: what it is, and what to do."""

    def __init__(self, kind: Kind, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(kind.status, detail, headers)
        self.kind = kind

    @property
    def body(self) -> dict[str, Any]:
        """As it is told."""
        status, title = self.kind.value
        return {"type": f"{DOCS}#{self.kind.anchor}", "title": title, "status": status, "detail": self.detail}

    def response(self) -> Response:
        """Return the answer."""
        return JSONResponse(self.body, self.kind.status, self.headers, MEDIA_TYPE)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "What is wrong and what to do (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "which kind of problem; leads to its description"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    kind.status: {
        "description": kind.value[1],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for kind in Kind
    if kind not in {Kind.METHOD, Kind.INTERNAL}
}
"""What every address may answer."""

_KINDS: tuple[tuple[type[SiyuError], Kind, int | None], ...] = (
    (UnknownRecipient, Kind.NOT_FOUND, None),
    (SubjectForgotten, Kind.NOT_FOUND, None),
    (NotAllowed, Kind.CONFLICT, None),
    (Rejected, Kind.CONFLICT, None),
    (BadInput, Kind.INVALID, None),
    (VersionConflict, Kind.AWAY, BUSY_RETRY_S),
    (Overloaded, Kind.AWAY, BUSY_RETRY_S),
    (StoreUnavailable, Kind.AWAY, AWAY_RETRY_S),
)
"""The first that fits: NotAllowed is a Rejected, whose role it is not is told before anything is decided."""


def of_error(error: SiyuError) -> Problem | None:
    """Return what an error of ours is to a program; None for one that is a bug here."""
    for kind_of_error, kind, retry_s in _KINDS:
        if isinstance(error, kind_of_error):
            headers = None if retry_s is None else {"Retry-After": str(retry_s)}
            return Problem(kind, str(error) or "this person was forgotten", headers)
    return None


def of_http(error: HTTPException, methods: Sequence[str] = ()) -> Problem:
    """Return what the framework refuses. ``methods``: those that the address has."""
    if isinstance(error, Problem):
        return error
    match error.status_code:
        case 404:
            return Problem(Kind.NOT_FOUND, f"no such address: {DOCS} lists what there is")
        case 405:
            there = ", ".join(methods)
            return Problem(Kind.METHOD, f"this address has {there}", {"Allow": there})
        case _:
            return Problem(Kind.MALFORMED, "this request cannot be read: send JSON in UTF-8")


def of_validation(error: RequestValidationError) -> Problem:
    """Return what does not fit, field by field; never what was sent in it."""
    faults: Sequence[Any] = error.errors()
    broken = next((fault for fault in faults if fault["type"] == "json_invalid"), None)
    if broken is not None:
        return Problem(Kind.MALFORMED, f"this is no JSON: at character {broken['loc'][-1]}")
    told = [f"{_where(fault['loc'])}: {fault['msg']}" for fault in faults[:FAULTS_TOLD]]
    if len(faults) > FAULTS_TOLD:
        told.append(f"and {len(faults) - FAULTS_TOLD} more")
    return Problem(Kind.INVALID, "; ".join(told))


def _where(loc: Sequence[object]) -> str:
    return ".".join(map(str, loc)).encode("utf8", "replace").decode()[:LONGEST_WHERE]
