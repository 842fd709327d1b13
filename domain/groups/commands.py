"""What may be asked of a group."""

from dataclasses import dataclass

from domain.identity import Account, Channel, DeliveryId, GroupId, Slug
from domain.message import Personal


@dataclass(frozen=True, slots=True, kw_only=True)
class SeeGroup:
    """Something happened in it: remember the group and its title. An empty title means: not told."""

    group: GroupId
    channel: Channel
    account: Account
    external_id: Personal[str]
    title: Personal[str]
    title_digest: Slug
    kind: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateGroup:
    """It has another id at the provider."""

    group: GroupId
    external_id: Personal[str]
    kind: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveGroup:
    """The bot cannot write there any more."""

    group: GroupId
    reason: Slug


@dataclass(frozen=True, slots=True, kw_only=True)
class RejoinGroup:
    """The bot is in it again."""

    group: GroupId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseGroupReservation:
    """Give a cap back for a message that was provably never sent."""

    group: GroupId
    delivery: DeliveryId
