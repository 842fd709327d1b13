"""WeChat's numbers for Official Accounts (developers.weixin.qq.com, read 2026-11); lengths are in UTF-8 bytes."""

from typing import Final

TOKEN_LIFE_S: Final = 7_200
TOKEN_OVERLAP_S: Final = 300
"""Old and new token are both good this long; stable_token gives a new one when less than this is left."""
FORCED_REFRESHES_A_DAY: Final = 20
FORCED_REFRESH_PAUSE_S: Final = 30

MESSAGE_GRANT: Final = (5, 48 * 3_600)
"""Customer-service messages after a person's message, and the seconds they may take."""
ACTION_GRANT: Final = (3, 60)
"""The same after a menu click, a subscription or a scan."""
TYPING_AFTER_MESSAGE_S: Final = 30
TYPING_LASTS_S: Final = 15

TEXT_BYTES_MAX: Final = 2_048
OPENIDS_MASS_MIN: Final = 2
OPENIDS_MASS_MAX: Final = 10_000
MASS_CALLS_A_DAY: Final = {"service": 100, "subscription": 1}
MASS_RECEIVED_A_MONTH: Final = 4
"""What one follower of a service account gets in a calendar month; further ones are filtered out."""
CLIENT_MSG_ID_BYTES_MAX: Final = 64
MASS_DUPLICATE_S: Final = 24 * 3_600
TEMPLATE_DUPLICATE_S: Final = 600
MASS_DELETE_S: Final = 30 * 60

MEDIA_LIFE_S: Final = 3 * 24 * 3_600
MEDIA_BYTES_MAX: Final = {"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20, "thumb": 64 << 10}

TAGS_MAX: Final = 100
TAG_NAME_BYTES_MAX: Final = 30
TAGS_A_PERSON: Final = 20
OPENIDS_TAGGED_MAX: Final = 50
REMARK_CHARACTERS_MAX: Final = 30
FANS_A_PAGE: Final = 10_000

SCENE_CHARACTERS_MAX: Final = 64
QR_LIFE_DEFAULT_S: Final = 60
QR_LIFE_MAX_S: Final = 30 * 24 * 3_600

BUTTONS_MAX: Final = 3
SUB_BUTTONS_MAX: Final = 5
BUTTON_NAME_BYTES_MAX: Final = 16
SUB_BUTTON_NAME_BYTES_MAX: Final = 60
BUTTON_KEY_BYTES_MAX: Final = 128
BUTTON_URL_BYTES_MAX: Final = 1_024
