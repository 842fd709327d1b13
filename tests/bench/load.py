"""A load generator for webhooks: a process of its own, plain asyncio sockets, keep-alive connections, pre-built requests.

``python -m tests.bench.load PORT PATH SECRET COUNT CONNECTIONS FIRST`` prints JSON: seconds and latencies in ms. A path of WeChat's webhook
gets WeChat's callbacks, any other Telegram's updates.
"""

import asyncio
import json
import sys
import time

from tests.bench import wechat


def update(number: int) -> bytes:
    """Return one plausible update; every tenth comes from a contact not seen before."""
    user = 1_000_000 + number // 10
    sender = {
        "id": user,
        "is_bot": False,
        "first_name": f"Ann{user}",
        "username": f"ann{user}",
        "language_code": "zh-hans",
    }
    message = {
        "message_id": number,
        "date": int(time.time()),
        "chat": {"id": user, "type": "private", "first_name": f"Ann{user}", "username": f"ann{user}"},
        "from": sender,
        "text": f"请问这个还有货吗？ order {number}",
    }
    return json.dumps({"update_id": 10_000_000 + number, "message": message}).encode()


def callback_request(path: str, _secret: str, number: int) -> bytes:
    """Return the bytes of one POST by WeChat; every tenth is of somebody not seen before, as with Telegram."""
    query, body = wechat.callback(number, f"oBench{number // 10:022}")
    head = (
        f"POST {path}?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/xml\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def update_request(path: str, secret: str, number: int) -> bytes:
    """Return the bytes of one POST by Telegram."""
    body = update(number)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Telegram-Bot-Api-Secret-Token: {secret}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _connection(port: int, requests: "list[bytes]", latencies: "list[float]") -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while requests:
        data = requests.pop()
        begin = time.perf_counter()
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = next(
            (
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            ),
            0,
        )
        if length:
            await reader.readexactly(length)
        latencies.append((time.perf_counter() - begin) * 1000)
    writer.close()


async def run(
    port: int, path: str, secret: str, count: int, connections: int, first: int = 0
) -> dict[str, float]:
    """Send ``count`` updates and return what it took."""
    make = callback_request if "wechat" in path else update_request
    requests = [make(path, secret, first + number) for number in reversed(range(count))]
    latencies: list[float] = []
    begin = time.perf_counter()
    await asyncio.gather(*(_connection(port, requests, latencies) for _ in range(connections)))
    seconds = time.perf_counter() - begin
    latencies.sort()
    return {
        "seconds": seconds,
        "per_s": count / seconds,
        "p50_ms": latencies[len(latencies) // 2],
        "p99_ms": latencies[int(len(latencies) * 0.99)],
    }


if __name__ == "__main__":
    port_, path_, secret_, count_, connections_, first_ = sys.argv[1:7]
    print(
        json.dumps(asyncio.run(run(int(port_), path_, secret_, int(count_), int(connections_), int(first_))))
    )
