"""Providers' payloads in few bytes: deflated behind a dictionary of what they always say.

A dictionary that something was stored with stays what it is for ever: a better one gets the next number.
"""

import zlib

PLAIN = b"\0"
BY_FIRST = b"\1"
"""Deflated with FIRST."""
WINDOW, MEMORY, LEVEL = -11, 4, 6
"""Without zlib's header and check sum (what is sealed needs none), and small enough to be copied for each payload. A higher level takes
half as long again and saves nothing of payloads as short as these."""

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

_ready = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW, MEMORY, zlib.Z_DEFAULT_STRATEGY, FIRST)


def deflate(payload: bytes) -> bytes:
    """Return a payload in the fewest bytes there are, the first of them saying how."""
    compressing = _ready.copy()
    deflated = compressing.compress(payload) + compressing.flush()
    return BY_FIRST + deflated if len(deflated) < len(payload) else PLAIN + payload


def inflate(stored: bytes) -> bytes:
    """Reverse ``deflate``. Raises ValueError for what it did not make."""
    how, rest = stored[:1], stored[1:]
    if how == PLAIN:
        return rest
    if how != BY_FIRST:
        raise ValueError("it was stored by a later Siyu")
    inflating = zlib.decompressobj(WINDOW, FIRST)
    try:
        payload = inflating.decompress(rest)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not inflating.eof:
        raise ValueError("it was cut off")
    return payload
