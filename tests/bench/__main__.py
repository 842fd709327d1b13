"""``make bench``: durable intake beside aiogram's own dispatcher, WeChat's beside Telegram's, bad input, and the views, in one run.

Each figure is the median of several rounds; Siyu and the peer take turns, so that both meet the same machine.
"""

import asyncio
import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from channels.simulators.telegram import TelegramSimulator
from channels.simulators.wechat import WeChatSimulator
from tests.bench import handover, passive, wechat

ROUNDS = 5
COUNT = 8_000
WARM_UP = 1_000
CONNECTIONS = 50
SECRET = "bench-secret"
TOKEN = "123456:" + "A" * 35
START_WITHIN_S = 60.0
TELEGRAM, WECHAT, PEER = "siyu (commit, then 200)", "siyu, WeChat", "aiogram (nothing stored)"


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Return when somebody listens."""
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on {port}")


def ready(port: int) -> None:
    """Return when Siyu serves: its port is taken before that."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=START_WITHIN_S):
        return


@contextlib.contextmanager
def process(*command: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process as long as the block."""
    running = subprocess.Popen([sys.executable, *command], env=env, stdout=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(30)


def load(port: int, path: str, count: int, first: int) -> dict[str, float]:
    """Have the load generator send updates, from a process of its own."""
    arguments = ["-m", "tests.bench.load", str(port), path, SECRET, str(count), str(CONNECTIONS), str(first)]
    done = subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def cpu_s(pid: int) -> float:
    """Return the processor time a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bad_input(port: int) -> dict[str, tuple[int, float]]:
    """Return (status, median ms) of what attackers send."""
    bodies = {
        "100k nesting": b'{"update_id": 1, "message": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "5,000-digit number": b'{"update_id": ' + b"9" * 5_000 + b"}",
        "malformed": b'{"update_id": 1, "message": {',
    }
    found = {}
    for name, body in bodies.items():
        times, status = [], 0
        for _ in range(11):
            ask = urllib.request.Request(
                f"http://127.0.0.1:{port}/webhooks/telegram",
                body,
                {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": SECRET},
            )
            begin = time.perf_counter()
            try:
                with urllib.request.urlopen(ask) as answer:
                    status = answer.status
            except urllib.error.HTTPError as error:
                status = error.code
            times.append((time.perf_counter() - begin) * 1000)
        found[name] = (status, statistics.median(times))
    return found


def siyu_environment(data: Path, base: str, wechat_base: str, port: int) -> dict[str, str]:
    """Return Siyu's settings: SQLite, webhook, the starter rules off, since the peer answers nothing either."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("SIYU_")}
    return {
        **own,
        "SIYU_DATA": str(data),
        "SIYU_STARTER_RULES": "false",
        "SIYU_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "SIYU_TELEGRAM__TOKEN": TOKEN,
        "SIYU_TELEGRAM__API_BASE": base,
        "SIYU_TELEGRAM__MODE": "webhook",
        "SIYU_TELEGRAM__WEBHOOK_SECRET": SECRET,
        "SIYU_WECHAT__APP_ID": wechat.APP_ID,
        "SIYU_WECHAT__APP_SECRET": wechat.APP_SECRET,
        "SIYU_WECHAT__TOKEN": wechat.TOKEN,
        "SIYU_WECHAT__AES_KEY": wechat.AES_KEY,
        "SIYU_WECHAT__API_BASE": wechat_base,
        "SIYU_WECHAT__KIND": "service",
        "SIYU_WECHAT__REPLY": "auto",
    }


async def main() -> None:
    """Measure and print."""
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    print(
        f"{ROUNDS} rounds of {COUNT} updates over {CONNECTIONS} connections, taking turns; medians (min-max)\n"
    )
    siyu_port, peer_port = free_port(), free_port()
    async with (
        TelegramSimulator(token=TOKEN) as simulator,
        WeChatSimulator(passive.account(f"http://127.0.0.1:{siyu_port}/webhooks/wechat")) as weixin,
    ):
        with tempfile.TemporaryDirectory() as folder:
            environment = siyu_environment(Path(folder) / "data", simulator.base, weixin.api_base, siyu_port)
            with (
                process("-m", "bot", "run", "--port", str(siyu_port), env=environment) as siyu,
                process("-m", "tests.bench.peer", str(peer_port), SECRET) as peer,
            ):
                await asyncio.to_thread(measure, siyu_port, siyu.pid, peer_port, peer.pid, environment)
            environment |= {"SIYU_DATA": str(Path(folder) / "answers"), "SIYU_STARTER_RULES": "true"}
            with process("-m", "bot", "run", "--port", str(siyu_port), env=environment):
                await asyncio.to_thread(wait_for, siyu_port)
                await asyncio.to_thread(ready, siyu_port)
                tell_of_answers(await passive.answers(weixin))
    tell_of_tokens(*await passive.tokens())
    await tell_of_hand_over()
    tell_of_fan_out()


def tell_of_fan_out() -> None:
    """Print how quickly a large audience is planned, and what memory that takes."""
    measured = [sys.executable, "-m", "tests.bench.fan_out"]
    said = subprocess.run(measured, check=True, capture_output=True, text=True).stdout
    figures = json.loads(said)
    print(
        f"\na campaign to 100,000 people is planned in {figures['seconds']:.0f} s: {figures['planned/s']:,.0f}/s;"
        f" memory grows by {figures['rss growth MB']:.0f} MB (goal: under 50)"
    )


async def tell_of_hand_over() -> None:
    """Print how much of Telegram's limit is used, and that it is kept."""
    port = free_port()
    async with TelegramSimulator(token=TOKEN, enforce_limits=True) as limited:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            environment = {**siyu_environment(data, limited.base, "", port), **handover.settings()}
            environment = {k: v for k, v in environment.items() if not k.startswith("SIYU_WECHAT__")}
            with process("-m", "bot", "run", "--port", str(port), env=environment) as siyu:
                await asyncio.to_thread(wait_for, port)
                await asyncio.to_thread(ready, port)
                found = await handover.hand_over(limited, data)
                siyu.terminate()
                await asyncio.to_thread(siyu.wait, 60)  # what is in the air lands here
    print(
        f"\nhand-over at {handover.RATE_PER_S}/s over {handover.MEASURED_S:.0f} s: {found.sent:,} messages,"
        f" {found.share:.1%} of what is allowed (goal: 99 %); met a 429: {found.refused} (goal: 0)"
    )


def tell_of_answers(answered: passive.Answers) -> None:
    """Print how 200 customers at once were answered."""
    by = ", ".join(f"{count} {how}" for how, count in sorted(answered.by.items()))
    print(
        f"\n{passive.CUSTOMERS} WeChat customers ask at once: the last callback was answered after"
        f" {answered.longest_s:.2f} s (goal: 4.5 s); shown: {by}; without any answer: {answered.unanswered}"
    )


def tell_of_tokens(cold: int, calls: int, health: str) -> None:
    """Print how sparing WeChat's client is."""
    print(f"{passive.COLD_TASKS} cold tasks asked for a token in {cold} call (goal: 1)")
    print(f"a lasting 40001 took {calls} calls of one send (goal: at most 2); health: {health}")


def measure(siyu_port: int, siyu: int, peer_port: int, peer: int, environment: dict[str, str]) -> None:
    """Take the rounds."""
    wait_for(siyu_port)
    wait_for(peer_port)
    sides = {
        TELEGRAM: (siyu_port, "/webhooks/telegram", siyu),
        WECHAT: (siyu_port, "/webhooks/wechat", siyu),
        PEER: (peer_port, "/webhook", peer),
    }
    results: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    first = 0
    for port, path, _ in sides.values():
        load(port, path, WARM_UP, first)
        settle(environment, siyu)
    for _ in range(ROUNDS):
        first += COUNT
        for name, (port, path, pid) in sides.items():
            before = cpu_s(pid)
            figures = load(port, path, COUNT, first)
            figures["cpu_ms"] = (cpu_s(pid) - before) * 1000 / COUNT
            results[name].append(figures)
            settle(environment, siyu)
    print(f"{'durable intake':<26}{'updates/s':>24}{'p50 ms':>10}{'p99 ms':>10}{'CPU ms/update':>16}")
    rates = {}
    for name, rounds in results.items():
        per_s = [figures["per_s"] for figures in rounds]
        rates[name] = statistics.median(per_s)
        middle = {
            key: statistics.median(figures[key] for figures in rounds)
            for key in ("p50_ms", "p99_ms", "cpu_ms")
        }
        spread = f"{rates[name]:,.0f} ({min(per_s):,.0f}-{max(per_s):,.0f})"
        print(
            f"{name:<26}{spread:>24}{middle['p50_ms']:>10.1f}{middle['p99_ms']:>10.1f}{middle['cpu_ms']:>16.3f}"
        )
    ratio, wechats = rates[TELEGRAM] / rates[PEER], rates[WECHAT] / rates[TELEGRAM]
    print(
        f"\nSiyu's durable intake is {ratio:.2f} x aiogram's dispatcher that stores nothing (goal here: 0.5)"
    )
    print(f"WeChat's (decrypt, parse, commit, answer) is {wechats:.2f} x Telegram's (goal: 0.6)\n")
    print(f"{'bad input':<26}{'status':>8}{'median ms':>12}   (goal: 4xx within 50 ms)")
    for name, (status, ms) in bad_input(siyu_port).items():
        print(f"{name:<26}{status:>8}{ms:>12.1f}")
    begin = time.perf_counter()
    rebuilt = subprocess.run(
        [sys.executable, "-m", "bot", "rebuild"], env=environment, capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - begin
    events = int(
        next(line for line in rebuilt.stdout.splitlines() if " of " in line).split(" of ")[1].split()[0]
    )
    print(f"\nall views rebuilt from {events:,} events in {seconds:.1f} s: {events / seconds:,.0f} events/s")


def settle(environment: dict[str, str], siyu: int) -> None:
    """Wait until Siyu is idle, so that what follows a round is not charged to the next one."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        before = cpu_s(siyu)
        time.sleep(0.5)
        if cpu_s(siyu) - before < 0.05:  # a tenth of one core
            return
    raise TimeoutError(f"Siyu is still busy: {environment['SIYU_DATA']}")


if __name__ == "__main__":
    asyncio.run(main())
