"""/recall: asked for by name; what becomes of it the log says."""

from domain.broadcasts.commands import CancelBroadcast
from domain.broadcasts.events import BroadcastDrafted
from domain.campaigns.commands import RecallCampaign
from domain.deliveries.commands import AskRecall
from domain.identity import BroadcastId, CampaignId, OperatorId
from domain.operators.events import Role
from tests.bot.commands.shop import Shop
from tests.bot.commands.test_broadcast import code_of

CLI = OperatorId("cli")


def test_a_message_is_asked_back_by_the_beginning_of_its_id(shop: Shop) -> None:
    shop.says("wang", "hello")
    sent = shop.plans("wang")
    shop.sends(sent)
    shop.catch_up()
    reply = shop.asks(f"/recall delivery:{sent[:10]}")
    assert reply.commands == (AskRecall(delivery=sent, operator=CLI),)
    assert reply.text == "It is taken back if the channel can; /timeline shows whether it was."
    assert shop.orders(f"撤回 消息:{sent}").commands == (AskRecall(delivery=sent, operator=CLI),)


def test_a_broadcast_is_cancelled_and_asked_back(shop: Shop) -> None:
    shop.says("wang", "hello")
    code = code_of(shop.orders("/broadcast all 上新了"))
    shop.orders(f"/confirm {code}")
    (drafted,) = [event.broadcast for event in shop.events_of(BroadcastDrafted)]
    reply = shop.asks(f"/recall broadcast:{drafted[:8]}")
    assert reply.commands == (CancelBroadcast(broadcast=BroadcastId(drafted), recall=True),)


def test_a_campaign_is_asked_back_as_a_whole(shop: Shop) -> None:
    reply = shop.asks("/recall campaign:summer")
    assert reply.commands == (RecallCampaign(campaign=CampaignId("summer"), operator=CLI),)


def test_what_names_nothing_is_told(shop: Shop) -> None:
    assert "There is no delivery" in shop.asks("/recall delivery:0123456789").text
    assert "There is no broadcast" in shop.asks("/recall broadcast:0123456789").text
    for wrong in ("/recall", "/recall delivery:", "/recall 12", "/recall tag:vip"):
        assert "/recall delivery:ID" in shop.asks(wrong).text


def test_taking_back_is_for_marketers(shop: Shop) -> None:
    assert "marketer" in shop.asks("/recall campaign:summer", role=Role.AGENT).text
