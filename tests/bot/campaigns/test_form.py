"""A form comes to a whole campaign, or to all of its faults at once."""

import json
from datetime import UTC, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.campaigns.form import schema
from bot.campaigns.reading import LISTED_AT_ONCE, Read
from domain.campaigns.commands import DraftCampaign
from domain.campaigns.plan import (
    Arm,
    Button,
    Cadence,
    Canary,
    Card,
    Content,
    Goal,
    Meant,
    Selection,
    Timing,
)
from domain.identity import MediaId, Slug, Tag, ZoneName
from domain.message import Personal
from tests.bot.campaigns.town import DIGEST, SHANGHAI, Town
from tests.bot.commands.catalogue import ROOT

PLACES = [
    "name",
    "audience",
    "when",
    "content",
    "variants",
    "text",
    "buttons",
    "label",
    "url",
    "canary",
    "tags",
]
KEYS = [*PLACES, "all", "on", "at", "every", "cron", "channels", "languages", "card", "goal", "weight"]
PLAIN = "name: x\naudience: {all: true}\nwhen: now\ncontent: {text: Hi}\n"


def draft(text: str, town: Town | None = None) -> DraftCampaign:
    read = (town or Town()).reads(text)
    assert read.faults == ()
    assert read.draft is not None
    return read.draft


def test_the_shortest_form_is_a_whole_campaign() -> None:
    assert draft(PLAIN) == DraftCampaign(
        campaign=DIGEST("campaign", "x")[:10],  # type: ignore[arg-type]  # an id of ours
        name=Personal("x"),
        form=Personal(PLAIN),
        contents=Personal([Content(text="Hi")]),
        selection=Selection(meant=Meant.ALL),
        timing=Timing(zone=SHANGHAI),
        operator="li",  # type: ignore[arg-type]  # an id of ours
        canary=Canary(),
    )


def test_the_longest_form_says_everything() -> None:
    text = """
name: 618
audience: {tags: [vip, tea], without: wholesale}
when: "2027-06-18 10:00"
until: 2027-06-30
zone: Pacific/Auckland
local: true
over: 2h
expires: 3d
topic: news
priority: 7
reactivation: true
holdout: 10
canary: {percent: 2.5, at_least: 50, wait: 30m, failures: 5, opt_outs: 1}
goal: {goal: signed-up, days: 14}
codes: summer
routes: [template, service]
content:
  text: "{{ name }} {{ code }}"
  image: tea.png
  buttons: [{label: Go, url: "https://tea.example/a"}, [{label: No, says: "no"}, {label: Yes, says: "yes"}]]
  card: {title: "{{ brand }}", url: "https://tea.example/b", image: card.png}
  channels: {wechat: {text: "你好", languages: {en: {text: Hello}}}}
  languages: {zh: {text: "您好"}}
"""
    found = draft(text)
    assert found.timing == Timing(
        at=datetime(2027, 6, 17, 22, tzinfo=UTC),
        until=datetime(2027, 6, 30, 11, 59, tzinfo=UTC),
        zone=ZoneName("Pacific/Auckland"),
        local=True,
        over_s=7_200,
        lives_s=3 * 86_400,
    )
    assert found.selection == Selection(
        meant=Meant.TAGS, tags=(Tag("vip"), Tag("tea")), without=(Tag("wholesale"),)
    )
    assert (found.topic, found.priority, found.reactivation, found.holdout_percent) == ("news", 7, True, 10)
    assert found.canary == Canary(
        percent=2.5, at_least=50, wait_s=1_800, failures_percent=5, opt_outs_percent=1
    )
    assert (found.goal, found.codes, found.routes) == (
        Goal(goal=Slug("signed-up"), days=14),
        "summer",
        ("template", "service"),
    )
    general, zh, wechat, wechat_en = found.contents.value
    assert general == Content(
        text="{{ name }} {{ code }}",
        buttons=(
            (Button(label="Go", url="https://tea.example/a"),),
            (Button(label="No", says="no"), Button(label="Yes", says="yes")),
        ),
        media=MediaId("picture-tea.png"),
        card=Card(title="{{ brand }}", url="https://tea.example/b", picture=MediaId("picture-card.png")),
    )
    assert [(c.text, c.channel, c.locale) for c in (zh, wechat, wechat_en)] == [
        ("您好", None, "zh"),
        ("你好", "wechat", None),
        ("Hello", "wechat", "en"),
    ]
    assert {c.buttons for c in (zh, wechat, wechat_en)} == {general.buttons}


def test_a_variant_takes_from_the_content_what_it_leaves_out() -> None:
    found = draft(PLAIN + "variants: [{name: a, weight: 3}, {name: b, text: Hello, image: tea.png}]\n")
    assert found.arms == (Arm(variant=Slug("a"), weight=3), Arm(variant=Slug("b"), weight=1))
    assert found.contents.value == [
        Content(text="Hi", variant="a"),
        Content(text="Hello", variant="b", media=MediaId("picture-tea.png")),
    ]


@pytest.mark.parametrize(
    "when, timing",
    [
        ("now", Timing(zone=SHANGHAI)),
        ("现在", Timing(zone=SHANGHAI)),
        ("明天10点", Timing(at=datetime(2026, 11, 21, 2, tzinfo=UTC), zone=SHANGHAI)),
        ("2026-12-01 10:00", Timing(at=datetime(2026, 12, 1, 2, tzinfo=UTC), zone=SHANGHAI)),
        (
            "{every: mon 10:00}",
            Timing(cadence=Cadence.RECURRING, recurrence=Slug("mon@10:00"), zone=SHANGHAI),
        ),
        (
            "{cron: 0 10 * * mon}",
            Timing(cadence=Cadence.RECURRING, recurrence=Slug("cron:0_10_*_*_mon"), zone=SHANGHAI),
        ),
        (
            "{on: birthday, at: 9:30, days: -3}",
            Timing(
                cadence=Cadence.BY_DATE,
                date=Slug("birthday"),
                clock=time(9, 30),
                offset_days=-3,
                zone=SHANGHAI,
            ),
        ),
        *(
            (
                f"{{on: {said}}}",
                Timing(cadence=Cadence.BY_DATE, date=Slug(date), clock=time(10), zone=SHANGHAI),
            )
            for said, date in (
                ("618", "06-18"),
                ("11.11", "11-11"),
                ("6月18日", "06-18"),
                ("02-29", "02-29"),
                ("生日", "birthday"),
                ("member-anniversary", "member-anniversary"),
            )
        ),
    ],
)
def test_times_are_written_as_people_say_them(when: str, timing: Timing) -> None:
    assert draft(PLAIN.replace("when: now", f"when: {when}")).timing == timing


@pytest.mark.parametrize(
    "line, complaint",
    [
        ("when: 2024-06-18 10:00", "when: 2024-06-18 10:00 is past: it is 2026-11-20 12:00 Asia/Shanghai"),
        (
            "when: someday",
            "when: this is no time: write 2026-12-01 10:00, tomorrow 10:00, 明天10点 or now",
        ),
        (
            "when: {every: mon}",
            "when.every: this says not when: write “mon 10:00”, “daily 10:00” or 每周一10点",
        ),
        ("when: {}", "when: say one of every, cron and on"),
        (
            "when: {cron: '* * * * *'}",
            "when.cron: once an hour at most: write one minute, as in “0 10 * * mon”",
        ),
        ("when: {cron: '0 0 30 2 *'}", "when.cron: this never comes"),
        ("when: {on: 13-01}", "when.on: write birthday, member-anniversary, or a day of each year as 06-18"),
        ("when: {every: mon 10:00, days: 2}", "when: at and days belong to on"),
        ("zone: Mars/Base", "zone: this is no time zone: write one like Asia/Shanghai"),
        ("zone: Asia", "zone: this is no time zone: write one like Asia/Shanghai"),
        ("local: true", "local: with local a time is said: at now it is another time in each zone"),
        ("over: 0h", "over: 0h is no time to wait"),
        ("expires: 60d", "expires: from one minute to 720 hours are possible"),
        ("until: yesterday", "until: this is no time: write 2026-12-31, or 2026-12-31 18:00"),
        ("audience: {tags: [nobody]}", "audience.tags: nobody has the tag nobody"),
        ("audience: {tags: []}", "audience.tags: this is empty"),
        ("audience: {}", "audience: say one of all, tags, list, customers, groups"),
        ("audience: {all: true, tags: vip}", "audience: say one of all, tags, list, customers, groups"),
        ("audience: {all: false}", "audience.all: write true here, or leave it out"),
        (
            "audience: {groups: [x]}",
            "audience.groups: no group is known as x, or several are: /groups lists them",
        ),
        ("audience: {list: none.csv}", "audience.list: none.csv cannot be read: No such file or directory"),
        (
            "audience: {customers: ['#9']}",
            "audience.customers: nobody on this list is known: write #1042, an id, channel:id or a phone",
        ),
        (
            "audience: {customers: ['#1', '#9']}",
            "audience.customers: nobody, or more than one, is meant by number 2",
        ),
        ("priority: 10", "priority: at most 9"),
        ("priority: high", "priority: write a whole number here"),
        ("holdout: 91", "holdout: at most 90"),
        ("canary: {percent: 0}", "canary.percent: more than 0"),
        ("canary: {wait: soon}", "canary.wait: this is no span of time: write 2h, 30m or 2小时"),
        ("goal: {goal: order, days: 0}", "goal.days: at least 1"),
        ("codes: winter", "codes: no pool is called winter: siyu codes add POOL FILE"),
        (
            "routes: [pigeon]",
            "routes: no route is called pigeon: there are service, subscribe, template, mass",
        ),
        ("nonsense: 1", "nonsense: there is no such key here"),
        (
            "cap: 0",
            "cap: how many messages somebody gets is no campaign's to say: SIYU_MARKETING__CAP_PER_DAY and __CAP_PER_WEEK are",
        ),
        ("topic: News!", "topic: write a-z, 0-9 and - here, 40 at most"),
        ("variants: [{name: a, weight: 0}]", "variants[1].weight: at least 1"),
        ("variants: [{name: holdout}]", "variants[1].name: a name is of a-z, 0-9 and -; holdout is taken"),
        ("variants: [{name: a}, {name: a}]", "variants[2].name: this name is given twice"),
        ("variants: [{weight: 1}]", "variants[1].name: this is missing"),
        ("content: {}", "content: there is nothing to send: write a text"),
        (
            "content: {text: '{{ nmae }}'}",
            "content.text: nothing is known as nmae: there are brand, name, number, username",
        ),
        ("content: {text: '{{ code }}'}", "content.text: {{ code }} is filled in where codes names a pool"),
        (
            "content: {text: '{{ name'}",
            "content.text: this text cannot be filled in: something in braces is not closed",
        ),
        (
            "content: {text: '{% for i in (1..9999999) %}x{% endfor %}'}",
            "content.text: this text cannot be filled in: ranges are not possible",
        ),
        (
            "content: {text: '看https://a.example/x快来'}",
            "content.text: write a blank behind https://a.example/x",
        ),
        (
            "content: {text: x, image: a.exe}",
            "content.image: a.exe is no picture: JPEG, PNG, GIF and WebP are",
        ),
        (
            "content: {text: x, buttons: [{label: a}]}",
            "content.buttons[1]: a button does one thing: url or says",
        ),
        (
            "content: {text: x, buttons: [{label: a, url: 'javascript:alert(1)'}]}",
            "content.buttons[1].url: this is no address such as https://shop.example/new",
        ),
        (
            "content: {text: x, buttons: [{label: a, says: 一二三四五六七八九十一二三四五六七八九十一二}]}",
            "content.buttons[1].says: a button says 1 to 64 bytes: a Chinese character has 3",
        ),
        (
            "content: {text: x, card: {title: a, url: 'ftp://a.example'}}",
            "content.card.url: this is no address such as https://shop.example/new",
        ),
        (
            "content: {text: x, channels: {pigeon: {text: y}}}",
            "content.channels.pigeon: no channel is called so: there are telegram, webchat, wechat",
        ),
        (
            "content: {text: x, languages: {Chinese: {text: y}}}",
            "content.languages.Chinese: a language is written as zh or en",
        ),
        ("name: ''", "name: a name has 1 to 80 characters"),
        ("name: [a]", "name: write a text here"),
    ],
)
def test_what_is_wrong_is_told_by_its_place_and_in_one_line(line: str, complaint: str) -> None:
    key = line.partition(":")[0]
    lines = [old for old in PLAIN.splitlines() if old.partition(":")[0] != key]
    assert Town().complaints("\n".join([*lines, line])) == [complaint]


def test_everything_that_is_missing_is_told() -> None:
    assert Town().complaints("priority: 5") == [
        "name: this is missing",
        "audience: this is missing",
        "when: this is missing",
        "content: this is missing",
    ]


def test_variants_without_any_content_are_told_each() -> None:
    text = PLAIN.replace("content: {text: Hi}", "variants: [{name: a}, {name: b, text: x}]")
    assert Town().complaints(text) == ["variants[1]: there is nothing to send: write a text"]


def test_a_text_to_groups_knows_no_name() -> None:
    text = PLAIN.replace("{all: true}", "{groups: [tea friends]}")
    assert draft(text).canary is None
    assert Town().complaints(text.replace("Hi", "'{{ name }}'")) == [
        "content.text: nothing is known as name: there are brand"
    ]


def test_a_list_is_matched_line_by_line_and_says_who_is_nobody() -> None:
    town = Town(files={"people.csv": ["Phone,Name", "13800138000,Li", "", '"#1";x', "#77", "#1"]})
    read = town.reads(PLAIN.replace("{all: true}", "{list: people.csv}"))
    assert read.listed == ("li", "wang")
    assert [note.values for note in read.notes] == [{"count": 1, "lines": "5"}]
    assert [command.customers for command in read.listings()] == [("li", "wang")]


def test_a_long_list_comes_in_pieces() -> None:
    customers = {f"#{n}": f"c{n}" for n in range(2_500)}
    town = Town(customers=customers, files={"people.csv": list(customers)})
    read = town.reads(PLAIN.replace("{all: true}", "{list: people.csv}"))
    sizes = [len(command.customers) for command in read.listings()]
    assert (sizes, sum(sizes)) == ([LISTED_AT_ONCE, LISTED_AT_ONCE, 500], 2_500)


def test_a_topic_that_is_not_in_the_settings_is_a_slip() -> None:
    assert Town().reads(PLAIN + "topic: news", topics=("marketing", "news")).draft is not None
    read = Town().reads(PLAIN + "topic: nwes", topics=("marketing", "news"))
    assert [fault.place for fault in read.faults] == ["topic"]


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("a: &x [1]\nb: *x", "line 1: & and * have no meaning here: write it out"),
        ("a: !!python/object:os.system x", "line 1: ! has no meaning here"),
        ("[" * 2_000, "line 1: this is too much for a form"),
        ("- a", "a form is written as lines “key: value”"),
        ("", "a form is written as lines “key: value”"),
        ("a: [", "line 1 is no YAML: expected the node content, but found '<stream end>'"),
        ("a: \x00", "this is no YAML"),
        ("x" * 70_000, "a form has at most 65536 characters"),
        ("{}", "this form is empty"),
    ],
)
def test_a_bomb_is_not_even_taken_apart(text: str, complaint: str) -> None:
    assert Town().complaints(text) == [complaint]


def test_keys_that_stand_twice_are_told_with_everything_else() -> None:
    assert Town().complaints(PLAIN + "name: y\npriority: 0\n") == [
        "name: this key stands here twice",
        "priority: at least 1",
    ]


@settings(max_examples=300, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(KEYS),
                inner,
                max_size=6,
            )
        ),
        max_leaves=25,
    )
)
def test_whatever_is_in_a_form_it_is_a_draft_or_has_faults(values: object) -> None:
    read: Read = Town().reads(json.dumps(values))
    assert (read.draft is None) == bool(read.faults)


def test_the_schema_in_the_docs_is_the_forms() -> None:
    assert json.loads((ROOT / "docs" / "campaign.schema.json").read_text("utf8")) == schema()


def test_every_form_in_the_docs_is_a_good_one() -> None:
    text = (ROOT / "docs" / "campaigns.md").read_text("utf8")
    forms = [block.partition("```")[0] for block in text.split("```yaml\n")[1:]]
    assert len(forms) == 3
    assert [Town().complaints(form) for form in forms] == [[], [], []]
