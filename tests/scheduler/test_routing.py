"""What a message is offered to, by what it carries and what the recipient gave."""

from dataclasses import replace
from datetime import UTC, datetime

from channels.wechat.limits import SERVICE_ROUTES
from domain.identity import Account, Address, Channel, Party, Slug
from domain.message import Personal
from domain.policies.routes import Offer
from domain.ports.messenger import MASS, SERVICE, SUBSCRIBE, TEMPLATE, Form, Outbound
from scheduler.routing import offers, routed

NEW_YEARS_EVE_IN_LONDON = datetime(2026, 12, 31, 18, tzinfo=UTC)
TO_WANG = Outbound("d1", Address(Party.CONTACT, Channel("wechat"), Account("wx1"), "o-wang"), "hi")
SHIPPED = Form("shipped", (("thing1", "龙井"), ("time2", "明天")))
FORMS = {Slug("subscription"): SHIPPED, Slug("template"): Form("news", (("thing1", "夏茶"),))}
INSIDE = Offer(SERVICE, windowed=True)
ASKED_FOR = Offer(SUBSCRIBE, of=Slug("subscription-shipped"), allowed=2, said=Personal("龙井\n明天"))
BY_TEMPLATE = Offer(TEMPLATE, said=Personal("夏茶"))
TO_MANY = Offer(MASS, of=Slug("mass-2027-01"), allowed=4)
GIVEN = {Slug("subscription-shipped"): 2}


def test_a_campaign_is_offered_all_that_it_has_a_text_for_in_the_channels_order() -> None:
    assert offers(SERVICE_ROUTES, TO_WANG, FORMS, GIVEN, NEW_YEARS_EVE_IN_LONDON, ()) == (
        INSIDE,
        ASKED_FOR,
        BY_TEMPLATE,
        TO_MANY,
    )
    assert offers(SERVICE_ROUTES, TO_WANG, {}, GIVEN, NEW_YEARS_EVE_IN_LONDON, ()) == (INSIDE, TO_MANY)


def test_a_campaign_that_names_its_routes_takes_these_in_its_own_order() -> None:
    wanted = (MASS, SERVICE)
    assert offers(SERVICE_ROUTES, TO_WANG, FORMS, {}, NEW_YEARS_EVE_IN_LONDON, wanted) == (TO_MANY, INSIDE)


def test_who_gave_no_consent_for_a_template_has_none_left() -> None:
    found = offers(SERVICE_ROUTES, TO_WANG, FORMS, {}, NEW_YEARS_EVE_IN_LONDON, (SUBSCRIBE,))
    assert found == (replace(ASKED_FOR, allowed=0),)


def test_what_asks_something_back_is_no_mass_message() -> None:
    asks = Outbound(TO_WANG.key, TO_WANG.to, "hi", choices=((("好", "yes"),),))
    assert offers(SERVICE_ROUTES, asks, {}, {}, NEW_YEARS_EVE_IN_LONDON, ()) == (INSIDE,)


def test_what_is_of_no_campaign_goes_inside_the_window_only() -> None:
    assert offers(SERVICE_ROUTES, TO_WANG, FORMS, GIVEN, NEW_YEARS_EVE_IN_LONDON) == (INSIDE,)


def test_a_channel_with_one_way_is_offered_nothing() -> None:
    assert offers((), TO_WANG, FORMS, GIVEN, NEW_YEARS_EVE_IN_LONDON, ()) == ()


def test_the_message_takes_the_route_with_its_form() -> None:
    by_template = routed(TO_WANG, TEMPLATE, SERVICE_ROUTES, FORMS)
    assert (by_template.route, by_template.form) == (TEMPLATE, FORMS[Slug("template")])
    by_service = routed(TO_WANG, SERVICE, SERVICE_ROUTES, FORMS)
    assert (by_service.route, by_service.form) == (SERVICE, None)
    assert routed(TO_WANG, None, (), {}) is TO_WANG
