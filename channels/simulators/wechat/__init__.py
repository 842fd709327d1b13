"""A strict simulator of WeChat's Official Account platform over real HTTP: its API, its callbacks, its people.

    account = OfficialAccount(kind="service", webhook_url="http://127.0.0.1:8000/webhooks/wechat")
    async with WeChatSimulator(account, answer_wait_s=5.0, clock=time.time) as wechat:
        wechat.api_base                          # stands for https://api.weixin.qq.com: {api_base}/cgi-bin/...
        wechat.account                           # OfficialAccount: app_id, app_secret, token, aes_key, kind, webhook_url, ...;
                                                 # every setting may be changed at any time
        mei = wechat.user("o-mei")               # a follower (subscribed=False: a stranger); the same openid, the same person
        callback = mei.says("hi")                # posted at once; `await callback.finished()` waits for the last try
        callback.tries                           # [Try(query, body, outcome, status, answer)]
        mei.screen                               # [Sent(via, openid, kind, text, content, at, msg_id)], oldest first
        wechat.sent                              # the same for everybody: what the account sent, passive replies too
        await wechat.wait_for(lambda sent: ...)  # the first truthy result
        await wechat.settled()                   # no callback is under way any more
        wechat.calls("message/custom/send")      # how often a path was called, refused or not
        wechat.requests                          # [ApiRequest(verb, path, query, json, errcode, at)]
        wechat.faults.add(kind="busy", path="message/custom/send", times=1)   # FaultKind; times=None: until clear()
        wechat.callback_faults.add(kind="tampered", times=1)                  # CallbackFaultKind
        await wechat.checks_url()                # the GET with echostr: EchoCheck(status, body, accepted)
        await wechat.posts(query, body)          # raw bytes to the webhook, a replay for instance: Try
        letter(account, openid, xml, now)        # Letter(query, body): what WeChat would post, for load without people

Numbers, error codes and XML follow developers.weixin.qq.com/doc/offiaccount and .../doc/service (read 2026-11).
Where the documents leave a choice, it is said in the module that makes it.
"""

from channels.simulators.wechat.actors import OfficialAccountUser
from channels.simulators.wechat.callback_faults import CallbackFaultKind, Letter, letter
from channels.simulators.wechat.faults import FaultKind
from channels.simulators.wechat.scene import Scene
from channels.simulators.wechat.sent import ApiRequest, Sent, Via
from channels.simulators.wechat.server import WeChatSimulator
from channels.simulators.wechat.settings import OfficialAccount
from channels.simulators.wechat.webhook import Callback, EchoCheck, Outcome, Try
from channels.simulators.wechat.world import OUT_OF_ORDER, ImpossibleAction

__all__ = [
    "OUT_OF_ORDER",
    "ApiRequest",
    "Callback",
    "CallbackFaultKind",
    "EchoCheck",
    "FaultKind",
    "ImpossibleAction",
    "Letter",
    "OfficialAccount",
    "OfficialAccountUser",
    "Outcome",
    "Scene",
    "Sent",
    "Try",
    "Via",
    "WeChatSimulator",
    "letter",
]
