"""``/orders`` and ``/goals``: what other systems tell of what was bought and reached. Said twice, it counts once."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response, status
from pydantic import Field

from bot import ingest
from bot.api.audit import record_read
from bot.api.auth import Agent, Caller, Viewer
from bot.api.pages import USUAL, Asked, Cursor, Limit, Page, Time, Told, TrueOrFalse, Whole, cut, place
from bot.api.problems import Kind, Problem
from bot.api.whom import NAMED_IN_QUERY, one
from domain.identity import Currency, Slug
from domain.purchases.numbers import purchase_of
from projections import purchases

router = APIRouter(tags=["orders"])

LONGEST_NUMBER = 64
MOST_MINOR = 10**15
"""Of the currency's smallest unit: more than any shop takes, and what every store can count."""
MOST_PIECES = 1_000_000
MOST_ITEMS = 200

Number = Annotated[str, Field(min_length=1, max_length=LONGEST_NUMBER, pattern=r"^\S(.*\S)?$")]
Amount = Annotated[
    Whole, Field(ge=0, le=MOST_MINOR, description="in the currency's smallest unit, such as 分")
]
Money = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217, such as CNY")]
Name = Annotated[str, Field(max_length=200)]
At = Annotated[Time, Field(description="with its zone; at most a day ahead")]
NUMBER = Annotated[
    str,
    Path(
        min_length=1,
        max_length=LONGEST_NUMBER,
        pattern=r"^[^/\x00-\x1f\x7f]+$",
        description="the order's number",
    ),
]


UNMATCHED = Annotated[bool, TrueOrFalse, Query(description="only those that are nobody's yet")]

LISTING = "orders"


class Buyer(Asked):
    """Whose it is: the first that leads to somebody counts, in this order. Later customers are found by phone, unionid and contact too."""

    customer: Annotated[Name, Field(description="id or `#1042`")] = ""
    contact: Annotated[Name, Field(description="`channel:external-id`")] = ""
    unionid: Name = ""
    phone: Annotated[Name, Field(description="as people write it")] = ""


class Item(Asked):
    """A line of an order. ``amount``: of all the pieces."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    sku: Name = ""
    quantity: Annotated[Whole, Field(ge=1, le=MOST_PIECES)] = 1
    amount: Amount | None = None


class Order(Asked):
    """An order, known by its number. Another amount for the same number corrects it."""

    number: Number
    amount: Annotated[
        Amount, Field(description="of the whole order, in the currency's smallest unit, such as 分")
    ]
    currency: Money
    at: At
    items: Annotated[list[Item] | None, Field(max_length=MOST_ITEMS)] = None
    buyer: Buyer = Buyer()


class Payment(Asked):
    """``amount``: all that was paid for the order so far."""

    amount: Amount
    currency: Money
    at: At
    buyer: Buyer = Buyer()


class Refund(Asked):
    """Money that went back. ``name``: what the shop calls this refund, unique within the order."""

    name: Number
    amount: Amount
    currency: Money
    at: At


class Goal(Asked):
    """``goal``: a code such as ``signed-up``. ``key``: what the other system calls this one time."""

    goal: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
    key: Number
    at: At
    buyer: Buyer
    value: Amount | None = None
    currency: Money | None = None


class Noted(Told):
    """What is known now. ``changed``: something of it was new. ``by``: what told whose it is; null while nobody knows."""

    changed: bool
    by: str | None
    customer: str | None


class Known(Told):
    """An order as it is known. ``customer``: who answers for it now; null while nobody is known."""

    id: str
    number: str
    items: list[Any] | None
    amount: int
    currency: str
    paid: int | None
    refunded: int
    ordered_at: datetime
    paid_at: datetime | None
    refunded_at: datetime | None
    source: str
    matched_by: str | None
    customer: str | None


@router.get("/orders")
def list_orders(
    caller: Viewer,
    customer: NAMED_IN_QUERY = None,
    unmatched: UNMATCHED = False,  # noqa: FBT002  # FastAPI passes it by name
    limit: Limit = USUAL,
    cursor: Cursor = None,
) -> Page[Known]:
    """Orders in the order in which they were told; a customer's: what was told of last comes first."""
    if customer is not None and unmatched:
        raise Problem(
            Kind.INVALID,
            "query.unmatched: the orders of a customer are nobody's else: leave one of the two out",
        )
    whom = None if customer is None else one(caller, customer)
    caller.house.catch_up()
    with caller.house.views.read() as connection:
        if whom is not None:
            before = None if cursor is None else place(cursor)
            found = purchases.of_customer(connection, whom.id, before=before, limit=limit + 1)
        else:
            found = purchases.listed(connection, unmatched=unmatched, after=place(cursor), limit=limit + 1)
    page, next_ = cut(found, limit, lambda order: order.cursor)
    about = sorted({order.customer for order in page if order.customer is not None})
    if page:
        record_read(caller, LISTING, "GET /orders", about)
    return Page[Known](items=[Known.model_validate(order) for order in page], next=next_)


@router.get("/orders/{number}")
def show_order(caller: Viewer, number: NUMBER) -> Known:
    """One order, by its number."""
    caller.house.catch_up()
    with caller.house.views.read() as connection:
        order = purchases.purchase(connection, purchase_of(caller.house.digest, number))
    if order is None:
        raise Problem(Kind.NOT_FOUND, "no such order: nobody told of it, or its buyer was forgotten")
    about = [] if order.customer is None else [order.customer]
    record_read(caller, LISTING, f"GET /orders/{order.id}", about)
    return Known.model_validate(order)


@router.post(
    "/orders",
    status_code=status.HTTP_201_CREATED,
    responses={200: {"description": "Known already", "model": Noted}},
)
def post_order(caller: Agent, order: Order, response: Response) -> Noted:
    """Tell of an order; answered with 201 where something of it was new, else with 200."""
    placed = ingest.Order(
        number=order.number,
        amount=order.amount,
        currency=Currency(order.currency),
        at=order.at,
        items=None if order.items is None else [item.model_dump(exclude_none=True) for item in order.items],
    )
    noted = ingest.place_order(caller.house, placed, _buyer(order.buyer), by=_by(caller))
    return _noted(noted, response)


@router.post(
    "/orders/{number}/payments",
    status_code=status.HTTP_201_CREATED,
    responses={200: {"description": "Known already", "model": Noted}},
)
def post_payment(caller: Agent, number: NUMBER, payment: Payment, response: Response) -> Noted:
    """Tell that an order was paid; an order that nobody told of is noted as placed then, too."""
    paid = ingest.Payment(
        number=number, amount=payment.amount, currency=Currency(payment.currency), at=payment.at
    )
    noted = ingest.pay_order(caller.house, paid, _buyer(payment.buyer), by=_by(caller))
    return _noted(noted, response)


@router.post(
    "/orders/{number}/refunds",
    status_code=status.HTTP_201_CREATED,
    responses={200: {"description": "Known already", "model": Noted}},
)
def post_refund(caller: Agent, number: NUMBER, refund: Refund, response: Response) -> Noted:
    """Tell that money of an order went back."""
    back = ingest.Refund(
        number=number,
        name=refund.name,
        amount=refund.amount,
        currency=Currency(refund.currency),
        at=refund.at,
    )
    return _noted(ingest.refund_order(caller.house, back, by=_by(caller)), response)


@router.post(
    "/goals",
    status_code=status.HTTP_201_CREATED,
    responses={200: {"description": "Known already", "model": Noted}},
)
def post_goal(caller: Agent, goal: Goal, response: Response) -> Noted:
    """Tell that somebody reached a goal: what campaigns count as converted."""
    reached = ingest.Goal(
        goal=goal.goal,
        key=goal.key,
        at=goal.at,
        value=goal.value,
        currency=None if goal.currency is None else Currency(goal.currency),
    )
    noted = ingest.reach_goal(caller.house, reached, _buyer(goal.buyer), by=_by(caller))
    return _noted(noted, response)


def _buyer(buyer: Buyer) -> ingest.Buyer:
    return ingest.Buyer(
        customer=buyer.customer, contact=buyer.contact, unionid=buyer.unionid, phone=buyer.phone
    )


def _by(caller: Caller) -> ingest.Teller:
    return ingest.Teller(actor=Slug(caller.actor))


def _noted(noted: ingest.Noted, response: Response) -> Noted:
    if not noted.changed:
        response.status_code = status.HTTP_200_OK
    return Noted(changed=noted.changed, by=noted.by, customer=noted.customer)
