"""A campaign to an Official Account's followers: the real program takes for each the first route that is open, and says which."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from channels.simulators.wechat import FaultKind, OfficialAccountUser, Via, WeChatSimulator
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import Event, Installation, free_port, until_async
from tests.scenarios.test_crash_points import CRASHING
from tests.scenarios.wechat_account import Later, account_at, of_wechat

WINDOW_OVER_S = 49 * 3_600
LEASE_OVER_S = 120
MASS = "message/mass/send"
NEWS = '{text: "夏茶上新", subscription: {id: shipped, fields: {thing1: "夏茶到店"}}}'
BEIJING = ZoneInfo("Asia/Shanghai")


async def followers(
    siyu: Installation, wechat: WeChatSimulator, clock: Later, *names: str
) -> list[OfficialAccountUser]:
    """Let people follow, tagged by the part of their name before the dash; two days later, their reply windows are over."""
    await siyu.start("--ahead", "0", main=CRASHING)
    people = [wechat.user(f"o-{name}") for name in names]
    for number, (name, person) in enumerate(zip(names, people, strict=True), start=1):
        await person.says("hello").finished()
        await siyu.do(f"/tag #{number} {name.partition('-')[0]}")
        await siyu.do(f"/tag #{number} tea")
    await later(siyu, clock, WINDOW_OVER_S)
    return people


async def later(siyu: Installation, clock: Later, ahead_s: float) -> None:
    """Go on when it is so much later, for Siyu and for WeChat."""
    if siyu.process is not None:
        assert await siyu.stop() == 0
    clock.ahead_s = int(ahead_s)
    await siyu.start("--ahead", str(int(ahead_s)), main=CRASHING)


async def launched(siyu: Installation, name: str, tag: str, content: str) -> str:
    """Launch a campaign to a tag, and return its id."""
    form = f"name: {name}\naudience: {{tags: [{tag}]}}\nwhen: now\ncanary: false\ncontent: {content}"
    said = await siyu.do(f"/campaign draft {form}")
    campaign = said.partition(" ")[0]
    assert "Launched" in await siyu.do(f"/campaign launch {campaign} --yes"), said
    return campaign


async def planned(siyu: Installation, deliveries: int) -> list[Event]:
    """Return the log once so many deliveries are planned, and each has an outcome."""

    async def done() -> list[Event]:
        events = await siyu.settled()
        return events if of(events, "delivery-planned") == deliveries else []

    return await until_async(done)


def of(events: Sequence[Event], kind: str) -> int:
    return sum(event["type"].partition("/")[0] == kind for event in events)


def told(events: Sequence[Event], kind: str, *names: str) -> list[tuple[object, ...]]:
    """Return these fields of each event of a kind."""
    of_kind = (event["data"] for event in events if event["type"].partition("/")[0] == kind)
    return [tuple(data.get(name) for name in names) for data in of_kind]


async def test_each_follower_gets_it_once_by_the_first_route_that_is_open(installs: Installs) -> None:
    port, clock = free_port(), Later()
    async with WeChatSimulator(account_at(port), clock=clock) as wechat:
        siyu = installs(of_wechat(wechat) | {"SIYU_STARTER_RULES": "false"}, port=port)
        names = ("inside-1", "asked-1", "outside-1", "outside-2", "outside-3", "full-1", "full-2")
        inside, asked, *others = await followers(siyu, wechat, clock, *names)
        full = others[3:]
        await inside.says("still there").finished()
        await asked.answers_popup({"shipped": "accept"}).finished()
        for number in range(1, 5):
            await launched(siyu, f"m{number}", "full", f'{{text: "第{number}封"}}')
            await planned(siyu, 2 * number)
        assert wechat.calls(MASS) == 4

        plan = await siyu.do("/campaign plan " + await drafted(siyu, "summer", "tea", NEWS))
        assert (
            "Reaches 5: wechat (mass message) 3, wechat (inside the reply window) 1, wechat (subscribe message) 1"
        ) in plan
        assert "mass message: wechat takes 1 calls for it at least, of 100 a day" in plan
        assert "Left out 2: none of the ways to them is open 2" in plan
        campaign = await launched(siyu, "summer", "tea", NEWS)
        events = await planned(siyu, 15)
        got = {
            name: [(shown.via, shown.text) for shown in wechat.user(f"o-{name}").screen][-1:]
            for name in names
        }
        assert got == {
            "inside-1": [(Via.SERVICE, "夏茶上新")],
            "asked-1": [(Via.SUBSCRIPTION, "夏茶到店")],
            **{f"outside-{n}": [(Via.MASS, "夏茶上新")] for n in (1, 2, 3)},
            **{f"full-{n}": [(Via.MASS, "第4封")] for n in (1, 2)},
        }
        assert [len(person.screen) for person in (inside, asked, *others[:3], *full)] == [1] * 5 + [4] * 2
        assert wechat.calls(MASS) == 5
        routes = Counter(route for (route,) in told(events, "delivery-started", "route"))
        assert routes == {"service": 1, "subscribe": 1, "mass": 3 + 8}
        assert told(events, "delivery-suppressed", "reason", "rule") == [("no-route", "routes")] * 2

        shown = await siyu.siyu("campaign", "results", campaign, "--json")
        results = json.loads(shown.out)
        assert results["routes"] == [
            {"channel": "wechat", "route": "mass", "recipients": 3},
            {"channel": "wechat", "route": "service", "recipients": 1},
            {"channel": "wechat", "route": "subscribe", "recipients": 1},
        ]
        assert (results["figures"]["sent"], results["figures"]["delivered"]) == (5, 0)

        await siyu.do(f"/recall campaign:{campaign}")

        async def refused() -> bool:
            return len(await siyu.events("delivery-recall-refused")) == 5

        await until_async(refused)
        assert told(await siyu.events(), "delivery-recall-refused", "reason") == [("channel-cannot",)] * 5
        assert sum(len(person.screen) for person in (inside, asked, *others)) == 13
        assert await siyu.stop() == 0


async def drafted(siyu: Installation, name: str, tag: str, content: str) -> str:
    form = f"name: {name}\naudience: {{tags: [{tag}]}}\nwhen: now\ncanary: false\ncontent: {content}"
    return (await siyu.do(f"/campaign draft {form}")).partition(" ")[0]


async def test_what_the_days_quota_does_not_allow_waits_for_midnight_in_beijing(installs: Installs) -> None:
    port, clock = free_port(), Later()
    async with WeChatSimulator(account_at(port), clock=clock) as wechat:
        siyu = installs(of_wechat(wechat) | {"SIYU_STARTER_RULES": "false"}, port=port)
        people = await followers(siyu, wechat, clock, "tea-1", "tea-2", "tea-3")
        wechat.faults.add(kind=FaultKind.REFUSED, path=MASS, errcode=45028)
        await launched(siyu, "summer", "tea", '{text: "夏茶上新"}')

        async def put_off() -> list[Event]:
            found = await siyu.events("delivery-postponed")
            return found if len(found) == len(people) else []

        waiting = await until_async(put_off)
        assert {event["data"]["reason"] for event in waiting} == {"no-mass-quota"}
        (until,) = {
            datetime.fromisoformat(event["data"]["not_before"]).astimezone(BEIJING).replace(microsecond=0)
            for event in waiting
        }
        now = datetime.fromtimestamp(clock(), BEIJING)
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        assert abs(until - midnight) <= timedelta(seconds=1)
        assert [len(person.screen) for person in people] == [0, 0, 0]

        await later(siyu, clock, clock.ahead_s + (midnight - now).total_seconds() + 60)
        await planned(siyu, 3)
        assert [[shown.via for shown in person.screen] for person in people] == [[Via.MASS]] * 3
        assert wechat.calls(MASS) == 2
        assert await siyu.stop() == 0


async def test_killed_between_the_claims_and_the_call_all_are_unknown_and_never_sent(
    installs: Installs,
) -> None:
    port, clock = free_port(), Later()
    async with WeChatSimulator(account_at(port), clock=clock) as wechat:
        siyu = installs(of_wechat(wechat) | {"SIYU_STARTER_RULES": "false"}, port=port)
        people = await followers(siyu, wechat, clock, "tea-1", "tea-2", "tea-3")
        await launched(siyu, "summer", "tea", '{text: "夏茶上新"}')

        async def claimed() -> bool:
            return len(await siyu.events("delivery-started")) == len(people)

        await until_async(claimed)
        await siyu.kill()
        assert wechat.calls(MASS) == 0
        await later(siyu, clock, clock.ahead_s + LEASE_OVER_S)
        events = await planned(siyu, 3)
        assert told(events, "delivery-unknown", "reason") == [("lease-ended",)] * 3
        await launched(siyu, "autumn", "tea", '{text: "秋茶上新"}')
        await planned(siyu, 6)
        assert [[shown.text for shown in person.screen] for person in people] == [["秋茶上新"]] * 3
        assert await siyu.stop() == 0
