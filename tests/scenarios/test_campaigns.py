"""A campaign from its file to a customer's phone: the real program, the command line beside it, Telegram's protocol."""

import json
from collections.abc import Sequence
from pathlib import Path

from channels.simulators.telegram import Sent, TelegramSimulator
from tests.scenarios.conftest import Installs
from tests.scenarios.installation import by_polling, until_async

FORM = """\
name: Summer tea
audience: {tags: [vip], without: [staff]}
when: now
goal: order
content:
  text: |-
    {{ name }}, the summer tea is here: https://tea.example/new
  image: tea.png
  buttons:
    - - {label: "Look", url: "https://tea.example/new?a=1&b=2"}
      - {label: "Not now", says: "not now"}
  languages:
    zh: {text: "{{ name }}，夏茶上新 https://tea.example/new"}
"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63f8ffff3f0005fe02"
    "fea7569d620000000049454e44ae426082"
)


async def test_a_campaign_goes_from_its_file_to_those_it_means(
    installs: Installs, telegram: TelegramSimulator, tmp_path: Path
) -> None:
    siyu = installs(by_polling(telegram))
    form = tmp_path / "summer.yaml"
    form.write_text(FORM, "utf8")
    (tmp_path / "tea.png").write_bytes(PNG)
    await siyu.start()
    ada, bob = telegram.user(1, "Ada"), telegram.user(2, "Bob")
    lin = telegram.user(3, "林", language_code="zh-hans")
    for user in (ada, bob, lin):
        user.starts()

    async def known() -> bool:
        return len((await siyu.siyu("customers", "--json")).lines()) == 3

    await until_async(known)
    numbers = {
        c["contacts"][0]["name"]: c["number"] for c in (await siyu.siyu("customers", "--json")).lines()
    }
    refused = await siyu.siyu("campaign", "validate", str(form))
    assert (refused.code, refused.out) == (
        2,
        "audience.without: nobody has the tag staff\naudience.tags: nobody has the tag vip\n",
    )
    for name in ("Ada", "林"):
        assert (await siyu.siyu("do", f"/tag #{numbers[name]} vip")).code == 0
    assert (await siyu.siyu("do", f"/tag #{numbers['Bob']} staff")).code == 0

    assert (await siyu.siyu("campaign", "validate", str(form))).code == 0
    plan = await siyu.siyu("campaign", "plan", str(form))
    assert plan.code == 0, plan
    assert "Reaches 2: telegram 2" in plan.out
    assert "Finished at about " in plan.out
    assert "Ada, the summer tea is here: https://tea.example/new" in plan.out
    asked = await siyu.siyu("campaign", "launch", str(form))
    assert asked.code == 2
    assert "/confirm " in asked.out
    launched = await siyu.siyu("campaign", "launch", str(form), "--yes")
    assert launched.code == 0, launched
    assert "Launched: Summer tea." in launched.out

    def photos(sent: Sequence[Sent]) -> list[Sent]:
        found = [one for one in sent if one.method == "sendPhoto"]
        return found if len(found) == 2 else []

    got = await telegram.wait_for(photos, timeout_s=30)
    captions = {one.chat_id: one.params["caption"] for one in got}
    assert captions == {
        ada.id: "Ada, the summer tea is here: https://tea.example/new",
        lin.id: "林，夏茶上新 https://tea.example/new",
    }
    (one, two) = json.loads(json.dumps(got[0].params["reply_markup"]))["inline_keyboard"]
    assert [one[0]["callback_data"], two[0]["url"]] == ["not now", "https://tea.example/new?a=1&b=2"]
    await siyu.siyu("campaign", "launch", str(form), "--yes")  # it was launched, and may be finished by now
    await until_async(siyu.settled)
    assert len([one for one in telegram.sent if one.method == "sendPhoto"]) == 2
    assert await siyu.stop() == 0
    shown = await siyu.siyu("campaign", "list")  # also while none runs
    assert (shown.code, "Summer tea" in shown.out) == (0, True)
