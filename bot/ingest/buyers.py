"""Buyers, as other systems name them: what they come down to before the domain decides whose something is."""

import re
from dataclasses import dataclass

from bot.house import House
from domain.errors import BadInput, UnknownRecipient
from domain.identity import Channel, ContactId, CustomerId
from domain.policies.signs import Sign, address_sign, sign_of
from domain.policies.text import normalised
from domain.processes.identifying import PHONE, UNIONID
from projections.people.find import find
from projections.people.holders import at_address, with_identifier

_NUMBER = re.compile(r"[#＃]\s*[0-9]{1,9}")
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who it is about. ``customer``: an id or ``#number``; ``contact``: ``channel:external-id``; ``phone``: as people write it.

    Where several are given the first that leads to somebody counts, in the order in which they stand here.
    """

    customer: str = ""
    contact: str = ""
    unionid: str = ""
    phone: str = ""


NOBODY = Buyer()


@dataclass(frozen=True, slots=True)
class Known:
    """A buyer as the domain knows them."""

    customer: CustomerId | None = None
    signs: tuple[Sign, ...] = ()


def known(house: House, buyer: Buyer) -> Known:
    """Return what a buyer comes down to. Blocking. Raises BadInput for what names nobody, UnknownRecipient for a number nobody has."""
    customer = _customer(house, buyer.customer) if buyer.customer.strip() else None
    signs = []
    if buyer.contact.strip():
        signs.append(_address(house, buyer.contact))
    if buyer.unionid.strip():
        signs.append(_identifier(house, UNIONID, _plain(buyer.unionid)))
    if buyer.phone.strip():
        signs.append(_phone(house, buyer.phone))
    return Known(customer, tuple(signs))


def _customer(house: House, said: str) -> CustomerId:
    text = _plain(said)
    if not _NUMBER.fullmatch(text):
        return CustomerId(text)
    house.catch_up()
    with house.views.read() as connection:
        found = find(connection, text)
    if not found:
        raise UnknownRecipient("no such customer")
    return found[0].id


def _address(house: House, said: str) -> Sign:
    channel, _, external_id = _plain(said).replace("：", ":", 1).partition(":")
    channel, external_id = channel.strip().lower(), external_id.strip()
    if not (channel and external_id):
        raise BadInput("{said!r} is no contact: name it as channel:external-id", said=said)
    with house.views.read() as connection:
        there = at_address(connection, Channel(channel), external_id)
    return address_sign(house.digest, Channel(channel), external_id, _one(there))


def _phone(house: House, said: str) -> Sign:
    number = house.office.dialled(said)
    if number is None:
        raise BadInput("{said!r} is no phone number that can be dialled", said=said)
    return _identifier(house, PHONE, number)


def _identifier(house: House, kind: str, value: str) -> Sign:
    sign = sign_of(house.digest, UNIONID if kind == UNIONID else PHONE, value)
    with house.views.read() as connection:
        holders = with_identifier(connection, sign.digest)
    return Sign(kind=sign.kind, digest=sign.digest, contact=_one(holders))


def _one(holders: list[tuple[ContactId, CustomerId]]) -> ContactId | None:
    """Where several customers are shown to have it, nobody knows whose it is."""
    return holders[0][0] if len({customer for _, customer in holders}) == 1 else None


def _plain(said: str) -> str:
    text = normalised(said).strip()
    if len(text) > LONGEST_NAME:
        raise BadInput("a name of somebody has at most {most} characters", most=LONGEST_NAME)
    return text
