"""Sealing: no nonce is ever used twice, whoever seals."""

import os
from concurrent.futures import ThreadPoolExecutor

from bot.eventlog.keys import KEY_ID_BYTES, NONCE_BYTES, NONCES, MemoryKeyRing, seal, unseal
from domain.identity import SubjectId

WHO = SubjectId("contact-1")


def nonces_of(sealed: list[bytes]) -> set[bytes]:
    return {one[KEY_ID_BYTES : KEY_ID_BYTES + NONCE_BYTES] for one in sealed}


def test_threads_that_seal_at_once_share_no_nonce() -> None:
    key = MemoryKeyRing().keys_for([WHO])[WHO]
    each = 2 * NONCES
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda _: [seal(key, b"plain", b"here") for _ in range(each)], range(4)))
    sealed = [one for part in parts for one in part]
    assert len(nonces_of(sealed)) == 4 * each
    assert key.cipher is not None
    assert {unseal(key.cipher, one, b"here") for one in sealed} == {b"plain"}


def test_a_process_that_was_forked_shares_no_nonce_with_its_parent() -> None:
    key = MemoryKeyRing().keys_for([WHO])[WHO]
    seal(key, b"plain", b"here")  # some are ready now
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.write(writing, b"".join(nonces_of([seal(key, b"plain", b"here") for _ in range(NONCES)])))
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 2 * NONCES * NONCE_BYTES)
    assert len(theirs) == NONCES * NONCE_BYTES
    ours = nonces_of([seal(key, b"plain", b"here") for _ in range(NONCES)])
    assert ours.isdisjoint(theirs[at : at + NONCE_BYTES] for at in range(0, len(theirs), NONCE_BYTES))
