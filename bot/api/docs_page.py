"""``/api/docs``: the OpenAPI document as a page to read. No script, and nothing from elsewhere."""

import html
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import HTMLResponse, Response

from bot.api.problems import Kind

Schema = Mapping[str, Any]

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; color: #1c1c1c; background: #fff }
h1, h2 { line-height: 1.2 } code { background: #f2f2ef; padding: 0 .25em; border-radius: 3px; overflow-wrap: anywhere }
section { border-top: 1px solid #ddd; padding: .5rem 0 } h3 { margin: .5rem 0 } h3 code { background: none; padding: 0 }
table { border-collapse: collapse; width: 100% } td { padding: .15rem .75rem .15rem 0; vertical-align: top } a { color: #06563f }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #161616 } code { background: #2a2a2a } a { color: #7fd6b8 }
  section { border-color: #333 } }
"""


def page(document: Schema) -> Response:
    """Return the page of an OpenAPI document."""
    nonce = secrets.token_urlsafe(16)
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    text = "".join(_lines(document, nonce))
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
    return HTMLResponse(text, headers=headers)


def _lines(document: Schema, nonce: str) -> Iterator[str]:
    title = html.escape(f"{document['info']['title']} API {document['info']['version']}")
    yield f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f'<style nonce="{nonce}">{STYLE}</style></head><body><h1>{title}</h1>'
    yield f"<p>{_prose(document['info']['description'])}</p>"
    yield '<p><a href="/api/v1/openapi.json">openapi.json</a></p><h2>Addresses</h2>'
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield from _operation(document, f"{method.upper()} /api/v1{path}", operation)
    yield "<h2>Problems</h2>"
    for kind in Kind:
        yield f'<p id="{kind.anchor}"><code>{kind.status}</code> {html.escape(kind.value[1])}</p>'
    yield "</body></html>"


def _operation(document: Schema, name: str, operation: Schema) -> Iterator[str]:
    yield f"<section><h3><code>{html.escape(name)}</code></h3>"
    yield f"<p>{_prose(operation.get('description', ''))} Least role: {operation['x-least-role']}.</p><table>"
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        needed = "needed" if parameter.get("required") else ""
        about = parameter.get("description") or schema.get("description", "")
        yield _row(parameter["name"], parameter["in"], _type(schema), f"{needed} {about}")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body is not None:
        yield from _fields(document, body)
    yield "</table></section>"


def _fields(document: Schema, body: Schema) -> Iterator[str]:
    """Tell of the fields of a body, one level deep: the rest is in openapi.json."""
    schema = document["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], body)
    needed = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        told = f"{'needed' if name in needed else ''} {field.get('description', '')}"
        yield _row(name, "body", _type(field), told)


def _row(name: str, where: str, kind: str, about: str) -> str:
    cells = (
        f"<code>{html.escape(name)}</code>",
        html.escape(where),
        html.escape(kind),
        _prose(about.strip()),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _type(schema: Schema) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    return str(schema.get("format") or schema.get("type", "any"))


def _prose(text: str) -> str:
    """Return a text of ours with what stands in backquotes as code."""
    parts = html.escape(" ".join(text.split())).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
