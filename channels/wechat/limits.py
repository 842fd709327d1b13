"""What a WeChat Official Account allows. Where WeChat answers otherwise (an errcode), the answer is obeyed.

Read at developers.weixin.qq.com/doc/service and .../doc/subscription (2026-11-22); lengths are in UTF-8 bytes. WeChat publishes no rate a
second (45009 is the day's quota, 45011 the minute's): the rates are ours, so that 200 people who write at once are answered in time.
"""

from datetime import date
from typing import Final

from channels.channel import ButtonLimits, Limits
from domain.identity import Slug, ZoneName
from domain.message import Opening
from domain.ports.messenger import MASS, SERVICE, SUBSCRIBE, TEMPLATE, Route

TEXT_BYTES: Final = 2_048
"""Of a customer-service message (45002 beyond) and of a passive reply: api_sendcustommessage, Passive_user_reply_message."""

LIMITS: Final = Limits(
    source="developers.weixin.qq.com/doc/service/api/customer/message/api_sendcustommessage (length of a text); rates: ours",
    dated=date(2026, 11, 22),
    text_units=0,
    text_bytes=TEXT_BYTES,
    rate_per_s=100.0,
    chat_rate_per_s=2.0,
    group_rate_per_min=0.0,
)

AFTER_MESSAGE: Final = Opening(messages=5, seconds=48 * 3_600)
AFTER_ACTION: Final = Opening(messages=3, seconds=60)
"""After a subscription, a scan, a menu's click (or scancode_push, scancode_waitmsg; no other button): api_sendcustommessage."""

BEIJING: Final = ZoneName("Asia/Shanghai")
"""Days and months of quotas."""
MASS_A_MONTH: Final = 4
"""What one follower of a service account gets by mass messages in a calendar month; what is more, WeChat silently leaves out."""
OPENIDS_MASS: Final = (2, 10_000)
"""Of one mass message: api_sendmassmessage."""
MASS_CALLS_A_DAY: Final = {"service": 100, "subscription": 1}
"""The same page; WeChat does not tell how many are left."""
SERVICE_ROUTES: Final = (
    Route(SERVICE, windowed=True),
    Route(SUBSCRIBE, by_form=Slug("subscription"), by_balance=True),
    Route(TEMPLATE, by_form=Slug("template")),
    Route(
        MASS,
        per_month=MASS_A_MONTH,
        zone=BEIJING,
        together=OPENIDS_MASS,
        calls_per_day=MASS_CALLS_A_DAY["service"],
    ),
)
"""A service account's routes. Its hundred mass calls a day are counted by WeChat (45028)."""
SUBSCRIPTION_ROUTES: Final = (
    Route(SERVICE, windowed=True),
    Route(SUBSCRIBE, by_form=Slug("subscription"), by_balance=True),
    Route(MASS, together=OPENIDS_MASS, calls_per_day=MASS_CALLS_A_DAY["subscription"]),
)
"""A subscription account's: no template messages; one mass call a day (45028)."""

TIMESTAMP_S: Final = 300
"""How far the time stamp of a signature may be from our clock (shared/design/delivery.md, "Coming in")."""
BODY_BYTES: Final = 256 * 1024
"""A callback is a few KiB; the result of a mass send with many articles is the longest."""

PASSIVE_S: Final = 4.3
"""WeChat hangs up after 5 s (Passive_user_reply_message). Measured with 200 customers at once, the answer is there within 4.5 s."""
TRIES: Final = 3
"""How often WeChat posts a callback in all."""
PROOF_S: Final = 16.0
"""Longer than WeChat's three tries of 5 s each: who has not asked again by then has the answer."""

TOKEN_EARLY_S: Final = 300.0
"""stable_token gives a new token in the last 5 minutes of the old one, which stays good (getStableAccessToken)."""
FORCED_REFRESH_S: Final = 60.0
LONGEST_FORCED_REFRESH_S: Final = 7_200.0
"""A token that WeChat refuses is replaced by force, which it allows 20 times a day: each time in vain doubles the pause."""

MEDIA_BYTES: Final = {"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20}
"""uploadTempMedia."""
MEDIA_TYPES: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/bmp": "bmp",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "video/mp4": "mp4",
}
"""What may be uploaded, and what its name has to end with."""

CHOICE_BYTES: Final = 128
"""Of what a link to bizmsgmenu sends back: not documented; twice what our narrowest channel takes."""
BUTTONS: Final = ButtonLimits(
    source="developers.weixin.qq.com/doc/subscription/api/custommenu/api_createcustommenu",
    dated=date(2026, 11, 22),
    buttons=3,
    below=5,
    name_bytes=16,
    name_below_bytes=60,
    say_bytes=128,
    url_bytes=1_024,
)
"""What is longer than 4 Chinese characters (8 below another button) is taken, and shown with three dots."""
OPENIDS_TAGGED: Final = 50
"""batchtagging, batchuntagging."""
