"""NoneBot2 with its Telegram adapter and its ORM on SQLite; run by an interpreter of its own (peers are none of our dependencies).

``nonebot_bot.py PORT TOKEN BASE FILE [answers]``. Its adapter answers a webhook before the handler ran.
"""

import sys
from pathlib import Path

import nonebot


def main(port: int, token: str, base: str, file: Path, *how: str) -> None:
    """Serve until killed."""
    nonebot.init(
        driver="~fastapi+~httpx",
        host="127.0.0.1",
        port=port,
        log_level="ERROR",
        telegram_bots=[{"token": token, "api_server": f"{base}/", "is_webhook": True}],
        telegram_webhook_url=f"http://127.0.0.1:{port}",
        sqlalchemy_database_url=f"sqlite+aiosqlite:///{file}",
        # Kinder than its default of 5 s, after which it loses messages to "database is locked".
        sqlalchemy_engine_options={"connect_args": {"timeout": 60}},
        alembic_startup_check=False,
    )
    from nonebot.adapters.telegram import Adapter  # noqa: PLC0415  # after nonebot.init, as its documentation says

    nonebot.get_driver().register_adapter(Adapter)
    nonebot.require("nonebot_plugin_orm")
    _answer(how)
    nonebot.run(access_log=False)


def _answer(how: "tuple[str, ...]") -> None:
    from nonebot.adapters.telegram.event import MessageEvent  # noqa: PLC0415
    from nonebot_plugin_orm import Model, get_session  # noqa: PLC0415
    from sqlalchemy.orm import Mapped, mapped_column  # noqa: PLC0415

    class Message(Model):  # type: ignore[misc]  # no types where our own checker runs
        __tablename__ = "messages"
        id: Mapped[int] = mapped_column(primary_key=True)
        chat: Mapped[str]
        text: Mapped[str]

    async def handle(event: MessageEvent) -> None:
        text = event.get_plaintext()
        async with get_session() as session:
            session.add(Message(chat=str(event.chat.id), text=text))
            await session.commit()
        if "answers" in how and "还有货吗" in text:
            await matcher.send("有的")

    matcher = nonebot.on_message()
    matcher.append_handler(handle)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4]), *sys.argv[5:])
