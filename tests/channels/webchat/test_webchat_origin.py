import pytest

from channels.webchat.origin import is_ours

PUBLIC = "https://chat.example"


@pytest.mark.parametrize(
    "origins,host,public_url",
    [
        ([], "127.0.0.1:8000", None),
        ([], None, None),
        (["http://127.0.0.1:8000"], "127.0.0.1:8000", None),
        (["http://LOCALHOST:8000"], "localhost:8000", None),
        (["https://chat.example"], "chat.example", None),
        (["https://chat.example:443"], "chat.example", None),
        (["http://chat.example"], "chat.example:80", None),
        (["https://chat.example"], "10.0.0.7:8000", PUBLIC),
        (["http://[::1]:8000"], "[::1]:8000", None),
    ],
)
def test_our_own_page_may_open_a_socket(origins: list[str], host: str | None, public_url: str | None) -> None:
    assert is_ours(origins, host, public_url)


@pytest.mark.parametrize(
    "origins,host",
    [
        (["https://evil.example"], "chat.example"),
        (["https://chat.example.evil.example"], "chat.example"),
        (["https://chat.example:8443"], "chat.example"),
        (["http://chat.example"], "10.0.0.7"),  # the public address is https
        (["null"], "chat.example"),
        ([""], "chat.example"),
        (["file://"], "chat.example"),
        (["chat.example"], "chat.example"),
        (["https://[evil"], "chat.example"),
        (["https://chat.example:99999"], "chat.example"),
        (["https://evil.example@chat.example"], "evil.example"),
        (["https://evil.example"], None),
        (["https://chat.example", "https://evil.example"], "chat.example"),
    ],
)
def test_another_page_may_not(origins: list[str], host: str | None) -> None:
    assert not is_ours(origins, host, PUBLIC)
