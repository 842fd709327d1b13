"""The log, as programs follow it."""

import json

from bot import export
from domain.operators.events import CommandGiven, Role
from tests.bot.api.programs import Programs, is_problem


async def test_the_log_is_told_as_on_the_command_line_page_by_page(programs: Programs) -> None:
    for number in range(5):
        programs.premises.says("wang", f"say {number} “多少钱”")
    await programs.gets("/events?limit=1")  # what is written down of reading it is there before
    expected = [json.loads(export.as_json(recorded)) for recorded in programs.premises.everything()]
    seen, after, more = [], 0, True
    while more:
        page = await programs.gets(f"/events?after={after}&limit=7")
        assert len(page.items) <= 7
        seen += page.items
        after, more = page.body["next"], page.body["more"]
    assert seen == expected
    assert (await programs.gets(f"/events?after={after}")).body == {"items": [], "next": after, "more": False}


async def test_following_the_log_makes_no_news_of_its_own(programs: Programs) -> None:
    after = 0
    for _ in range(10):
        after = (await programs.gets(f"/events?after={after}&limit=200")).body["next"]
    assert len(programs.premises.events(CommandGiven)) == 1
    programs.premises.says("wang", "news")
    page = await programs.gets(f"/events?after={after}")
    assert [event["type"] for event in page.items] == ["message-received/1"]


async def test_a_streams_events_are_told_alone(programs: Programs) -> None:
    stream = f"customer-{programs.premises.customer('wang')}"
    await programs.asks("PUT", "/customers/1/tags/vip")
    page = await programs.gets(f"/events?stream={stream}&limit=1")
    assert (page.items[0]["stream"], page.items[0]["version"], page.body["more"]) == (stream, 1, True)
    rest = await programs.gets(f"/events?stream={stream}&after={page.body['next']}")
    assert [event["stream"] for event in rest.items] == [stream] * len(rest.items)
    assert (rest.items[-1]["type"], rest.body["more"]) == ("customer-tagged/1", False)
    assert (await programs.gets("/events?stream=nothing-1")).body["items"] == []


async def test_a_customers_events_are_told_alone_and_a_long_log_is_gone_through_in_steps(
    programs: Programs,
) -> None:
    for _ in range(300):
        programs.premises.says("li", "x")
    programs.premises.says("wang", "at last")
    whose = {programs.premises.customer("wang"), programs.premises.contact("wang")}
    seen, after, more = [], 0, True
    while more:
        page = await programs.gets(f"/events?customer=1&after={after}&limit=3")
        assert page.body["next"] > after
        seen += page.items
        after, more = page.body["next"], page.body["more"]
    messages = [event["data"]["text"] for event in seen if event["type"] == "message-received/1"]
    assert messages == ["多少钱?", "at last"]
    named = [{event["data"].get("customer"), event["data"].get("contact")} & whose for event in seen]
    assert all(named)
    is_problem(await programs.gets("/events?customer=99"), 404)


async def test_only_who_may_read_everything_reads_the_log(programs: Programs) -> None:
    is_problem(await programs.gets("/events", Role.MARKETER), 403)
    assert (await programs.gets("/events", Role.MANAGER)).status == 200
