"""Providers' payloads in few bytes: compressed behind a dictionary of what they always say.

A dictionary that something was stored with stays what it is for ever: a better one gets the next number.
"""

import threading
import zlib
from importlib.resources import files
from typing import Final

import zstandard

PLAIN = b"\0"
BY_FIRST = b"\1"
"""Deflated, with FIRST: only read, since it takes six times as long and a fifth more bytes."""
BY_SECOND = b"\2"
"""By Zstandard, with a dictionary that was trained on payloads such as tests/bot/eventlog/payloads.py makes."""
WINDOW = -11
"""Of what was deflated: without zlib's header and check sum, since what is sealed needs none."""
LEVEL, USUAL_BYTES = 3, 400
MOST_BYTES = 64 * 1024 * 1024
"""No payload is as long (channels/webhook.py): bytes that promise more are damaged."""

FIRST = (
    b"<xml><ToUserName><![CDATA[gh_]]></ToUserName><FromUserName><![CDATA[o]]></FromUserName><CreateTime>17</CreateTime>"
    b"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[subscribe]]></Event><EventKey><![CDATA[qrscene_]]></EventKey>"
    b"<MsgType><![CDATA[image]]></MsgType><PicUrl><![CDATA[http://mmbiz.qpic.cn/mmbiz_jpg/]]></PicUrl><MediaId><![CDATA["
    b"]]></MediaId><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[]]></Content><MsgId>2</MsgId></xml>"
    b',"caption":"","photo":[{"file_id":"AgACAgUAAxkBAA","file_unique_id":"AQAD","file_size":,"width":1280,"height":960}]}}'
    b',"callback_query":{"id":"","from":{"chat_instance":"","data":""}},"edited_message":{"edit_date":17'
    b',"reply_to_message":{"message_id":,"entities":[{"offset":0,"length":6,"type":"bot_command"}],"text":"/start '
    b',"chat":{"id":-100,"title":"","type":"supergroup","all_members_are_administrators":"is_forum":true,"is_premium":true'
    rb"\uff1f\uff01\uff0c\u3002\ud83d\udc4d\ud83d\ude0a\u6211\u662f\u4e00\u4e0d\u4e86\u7684\u8fd9\u4f60\u6709\u5417"
    b'{"update_id":,\n"message":{"message_id":,"from":{"id":,"is_bot":false,"first_name":"","last_name":"","username":""'
    b',"language_code":"en"},"language_code":"zh-hans"},"chat":{"id":,"first_name":"","username":"","type":"private"}'
    b',"date":17,"text":"'
)

SECOND: Final = zstandard.ZstdCompressionDict(files(__package__).joinpath("payloads-2.zdict").read_bytes())
_HOW: Final = zstandard.ZstdCompressionParameters.from_level(
    LEVEL,
    source_size=USUAL_BYTES,
    dict_size=len(SECOND),
    format=zstandard.FORMAT_ZSTD1_MAGICLESS,
    write_dict_id=False,
)
SECOND.precompute_compress(compression_params=_HOW)  # for all threads, each of which would do it for itself


class _Tools(threading.local):
    """One of each for a thread: they must not be shared."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(dict_data=SECOND, compression_params=_HOW).compress
        self.decompress = zstandard.ZstdDecompressor(
            dict_data=SECOND, format=zstandard.FORMAT_ZSTD1_MAGICLESS
        ).decompress


_tools = _Tools()


def compress(payload: bytes) -> bytes:
    """Return a payload in the fewest bytes there are, the first of them saying how."""
    compressed = _tools.compress(payload)
    return BY_SECOND + compressed if len(compressed) < len(payload) else PLAIN + payload


def expand(stored: bytes) -> bytes:
    """Reverse ``compress``. Raises ValueError for what it did not make."""
    how, rest = stored[:1], stored[1:]
    if how == PLAIN:
        return rest
    if how == BY_SECOND:
        return _by_second(rest)
    if how == BY_FIRST:
        return _by_first(rest)
    raise ValueError("it was stored by a later Siyu")


def _by_second(compressed: bytes) -> bytes:
    try:
        parameters = zstandard.get_frame_parameters(compressed, format=zstandard.FORMAT_ZSTD1_MAGICLESS)
        if parameters.content_size > MOST_BYTES:
            raise ValueError("it is longer than any payload")
        return _tools.decompress(compressed, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None


def _by_first(deflated: bytes) -> bytes:
    inflating = zlib.decompressobj(WINDOW, FIRST)
    try:
        payload = inflating.decompress(deflated)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not inflating.eof:
        raise ValueError("it was cut off")
    return payload
