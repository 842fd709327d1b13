"""What a message is offered to, by what it carries and what the recipient gave."""

from dataclasses import replace
from datetime import UTC, datetime

from channels.wechat.limits import SERVICE_ROUTES
from domain.identity import Account, Address, Channel, Party, Slug
from domain.message import Personal
from domain.policies.routes import NO_WAY, Offer, choose
from domain.ports.audience import Known
from domain.ports.messenger import MASS, SERVICE, SUBSCRIBE, TEMPLATE, Form, Outbound
from scheduler.letters import Written
from scheduler.routing import offers, routed

NEW_YEARS_EVE_IN_LONDON = datetime(2026, 12, 31, 18, tzinfo=UTC)
TO_WANG = Outbound("d1", Address(Party.CONTACT, Channel("wechat"), Account("wx1"), "o-wang"), "王芳，你好")
SHIPPED = Form("shipped", (("thing1", "龙井"), ("time2", "明天")))
NEWS = Form("news", (("thing1", "夏茶"),))
WRITTEN = Written(
    Known(given={Slug("subscription-shipped"): 2}),
    TO_WANG,
    forms={Slug("subscription"): SHIPPED, Slug("template"): NEWS},
    to_many=replace(TO_WANG, text="你好"),
    routes=(),
)
INSIDE = Offer(SERVICE, windowed=True)
ASKED_FOR = Offer(SUBSCRIBE, of=Slug("subscription-shipped"), allowed=2, said=Personal("龙井\n明天"))
BY_TEMPLATE = Offer(TEMPLATE, said=Personal("夏茶"))
TO_MANY = Offer(MASS, of=Slug("mass-2027-01"), allowed=4, said=Personal("你好"))


def offered(written: Written) -> tuple[Offer, ...]:
    return offers(SERVICE_ROUTES, written, NEW_YEARS_EVE_IN_LONDON)


def test_a_campaign_is_offered_all_that_it_has_a_text_for_in_the_channels_order() -> None:
    assert offered(WRITTEN) == (INSIDE, ASKED_FOR, BY_TEMPLATE, TO_MANY)
    assert offered(replace(WRITTEN, forms={})) == (INSIDE, TO_MANY)


def test_a_campaign_that_names_its_routes_takes_these_in_its_own_order() -> None:
    assert offered(replace(WRITTEN, routes=(MASS, SERVICE))) == (TO_MANY, INSIDE)


def test_who_gave_no_consent_for_a_template_has_none_left() -> None:
    nobody = replace(WRITTEN, known=Known(), routes=(SUBSCRIBE,))
    assert offered(nobody) == (replace(ASKED_FOR, allowed=0),)


def test_what_asks_something_back_or_cannot_be_said_to_all_alike_is_no_mass_message() -> None:
    asks = replace(TO_WANG, choices=((("好", "yes"),),))
    assert offered(replace(WRITTEN, forms={}, to_many=asks)) == (INSIDE,)
    assert offered(replace(WRITTEN, forms={}, to_many=None)) == (INSIDE,)


def test_a_campaign_with_no_text_for_any_of_its_routes_takes_none_of_the_others() -> None:
    wanted = replace(WRITTEN, routes=(TEMPLATE, MASS), forms={}, to_many=None)
    assert offered(wanted) == (NO_WAY,)
    assert choose((NO_WAY,), window_open=True, spent=lambda _of: 0) is None


def test_what_is_of_no_campaign_goes_inside_the_window_only() -> None:
    assert offered(replace(WRITTEN, routes=None)) == (INSIDE,)


def test_a_channel_with_one_way_is_offered_nothing() -> None:
    assert offers((), WRITTEN, NEW_YEARS_EVE_IN_LONDON) == ()


def test_the_message_takes_the_route_with_its_form_or_what_all_get_alike() -> None:
    assert routed(TO_WANG, TEMPLATE, SERVICE_ROUTES, WRITTEN) == replace(TO_WANG, route=TEMPLATE, form=NEWS)
    assert routed(TO_WANG, SERVICE, SERVICE_ROUTES, WRITTEN) == replace(TO_WANG, route=SERVICE)
    assert routed(TO_WANG, MASS, SERVICE_ROUTES, WRITTEN) == replace(TO_WANG, route=MASS, text="你好")
    assert routed(TO_WANG, None, (), WRITTEN) is TO_WANG
