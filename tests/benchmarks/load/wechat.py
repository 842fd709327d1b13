"""Callbacks as WeChat sends them in safe mode, made here by the protocol: nothing of the channel under test is used."""

import base64
import hashlib
import os
import struct
import time

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

APP_ID = "wx0123456789abcdef"
APP_SECRET = "0123456789abcdef0123456789abcdef"
TOKEN = "benchtoken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
BLOCK = 32


def callback(number: int, user: str) -> tuple[str, bytes]:
    """Return (query, body) of a text message."""
    now = int(time.time())
    inner = (
        f"<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><FromUserName><![CDATA[{user}]]></FromUserName>"
        f"<CreateTime>{now}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content><![CDATA[请问这个还有货吗？ order {number}]]></Content>"
        f"<MsgId>{23_000_000_000_000_000 + number}</MsgId></xml>"
    )
    encrypted = sealed(inner.encode())
    nonce = str(1_000_000 + number)
    signature = signed(str(now), nonce, encrypted)
    query = (
        f"signature={signed(str(now), nonce)}&timestamp={now}&nonce={nonce}&openid={user}"
        f"&encrypt_type=aes&msg_signature={signature}"
    )
    body = (
        f"<xml><ToUserName><![CDATA[gh_bench]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    )
    return query, body.encode()


def sealed(inner: bytes) -> str:
    """Encrypt as the protocol says: 16 random bytes, length, message, app id, padded to 32; AES-256-CBC."""
    key = base64.b64decode(AES_KEY + "=")
    plain = os.urandom(16) + struct.pack(">I", len(inner)) + inner + APP_ID.encode()
    pad = BLOCK - len(plain) % BLOCK
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()


def signed(*parts: str) -> str:
    """Return the SHA-1 over the token and the parts, sorted."""
    return hashlib.sha1("".join(sorted((TOKEN, *parts))).encode()).hexdigest()
