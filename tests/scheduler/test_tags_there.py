"""What a provider has, outside of the memory."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from domain.identity import Tag
from scheduler.tags_there import TagsThere

VIP, TEA = Tag("vip"), Tag("茶")


@pytest.fixture
def there() -> Iterator[TagsThere]:
    there = TagsThere()
    yield there
    there.close()


def test_it_knows_who_has_which_tag(there: TagsThere) -> None:
    there.add(VIP, ["o-mei", "o-wang"])
    there.add(TEA, ["o-mei"])
    assert there.of(["o-mei", "o-li"]) == {("o-mei", VIP), ("o-mei", TEA)}
    there.add(VIP, ["o-mei", "o-li"])
    there.remove(VIP, ["o-wang", "o-nobody"])
    assert there.of(["o-wang", "o-li"]) == {("o-li", VIP)}


def test_two_of_them_know_nothing_of_each_other(there: TagsThere) -> None:
    other = TagsThere()
    other.add(VIP, ["o-mei"])
    assert there.of(["o-mei"]) == set()
    other.close()


FILLED = """
import resource
from domain.errors import StoreUnavailable
from scheduler.tags_there import TagsThere

resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
there = TagsThere()
try:
    for start in range(0, 1_000_000, 10_000):
        there.add("vip", [f"o-{number}" for number in range(start, start + 10_000)])
except StoreUnavailable as error:
    print(error)
"""


def test_where_no_more_can_be_written_the_store_is_unavailable() -> None:
    done = subprocess.run([sys.executable, "-c", FILLED], capture_output=True, text=True, check=True)
    assert done.stdout == "no temporary file can be written: is the disk full?\n"
