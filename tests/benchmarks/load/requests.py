"""What providers post: whole requests, made before the clock starts. The people are always the same 2,000, in turn."""

import json
import time

from tests.benchmarks.load import wechat

CHATS = 2_000
FIRST_USER = 1_000_000


def user_of(number: int) -> int:
    """Return who writes the message of this number."""
    return FIRST_USER + number % CHATS


def update(number: int) -> bytes:
    """Return one plausible update of Telegram's."""
    user = user_of(number)
    person = {"id": user, "first_name": f"Ann{user}", "username": f"ann{user}"}
    message = {
        "message_id": number + 1,
        "date": int(time.time()),
        "chat": {**person, "type": "private"},
        "from": {**person, "is_bot": False, "language_code": "zh-hans"},
        "text": f"请问这个还有货吗？ order {number}",
    }
    return json.dumps({"update_id": 10_000_000 + number, "message": message}).encode()


def update_request(path: str, secret: str, number: int) -> bytes:
    """Return the bytes of one POST by Telegram."""
    body = update(number)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Telegram-Bot-Api-Secret-Token: {secret}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def callback_request(path: str, _secret: str, number: int) -> bytes:
    """Return the bytes of one POST by WeChat."""
    query, body = wechat.callback(number, f"oBench{user_of(number):022}")
    head = (
        f"POST {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def requests(path: str, secret: str, numbers: range) -> list[bytes]:
    """Return the requests of these numbers, the last one first: they are taken from the end. A path of WeChat's gets WeChat's."""
    make = callback_request if "wechat" in path else update_request
    return [make(path, secret, number) for number in reversed(numbers)]
