"""Media, followers, tags, QR codes and the menu."""

import pytest

from channels.simulators.wechat import ImpossibleAction, WeChatSimulator
from tests.channels.simulators.bot_side import Clock, Json
from tests.channels.simulators.wechat_side import WeChatApi

PNG = b"\x89PNG\r\n\x1a\n"
JPG = b"\xff\xd8\xff"
AMR = b"#!AMR\n"
MP4 = b"\x00\x00\x00\x18ftypmp42"
MIB = 1 << 20


def code(answer: Json) -> int:
    return int(answer.get("errcode", 0))


# --- media ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, name, start, size, errcode",
    [
        ("image", "a.png", PNG, 10 * MIB, 0),
        ("image", "a.png", PNG, 10 * MIB + 1, 40006),
        ("image", "a.jpeg", JPG, 100, 0),
        ("image", "a.gif", b"GIF89a", 100, 0),
        ("image", "a.bmp", b"BM", 100, 0),
        ("image", "a.png", JPG, 100, 40005),
        ("image", "a.webp", b"RIFF....WEBP", 100, 40005),
        ("voice", "a.amr", AMR, 2 * MIB, 0),
        ("voice", "a.amr", AMR, 2 * MIB + 1, 40006),
        ("voice", "a.mp3", b"ID3", 100, 0),
        ("voice", "a.ogg", b"OggS", 100, 40005),
        ("video", "a.mp4", MP4, 10 * MIB, 0),
        ("video", "a.mp4", MP4, 10 * MIB + 1, 40006),
        ("thumb", "a.jpg", JPG, 64 * 1024, 0),
        ("thumb", "a.jpg", JPG, 64 * 1024 + 1, 40006),
        ("thumb", "a.png", PNG, 100, 40005),
        ("file", "a.pdf", b"%PDF", 100, 40004),
        ("image", "a.png", b"", 0, 41005),
    ],
)
async def test_an_upload_has_a_type_and_a_size(
    weixin: WeChatApi, kind: str, name: str, start: bytes, size: int, errcode: int, clock: Clock
) -> None:
    answer = await weixin.upload(kind, name, start.ljust(size, b"."))
    assert code(answer) == errcode
    if not errcode:
        media_id = answer["thumb_media_id" if kind == "thumb" else "media_id"]
        assert (answer["type"], answer["created_at"], len(media_id)) == (kind, int(clock.now), 64)


async def test_a_file_comes_back_for_three_days(weixin: WeChatApi, clock: Clock) -> None:
    media_id = (await weixin.upload("image", "a.jpg", JPG + b"tea"))["media_id"]
    query = {"access_token": weixin.token, "media_id": media_id}
    url = f"{weixin.wechat.api_base}/cgi-bin/media/get"
    async with weixin.session.get(url, params=query) as response:
        assert await response.read() == JPG + b"tea"
        assert response.headers["Content-Type"] == "image/jpeg"
        assert response.headers["Content-disposition"] == f'attachment; filename="{media_id}.jpg"'
    assert code(await weixin.get("media/get", media_id="unknown")) == 40007
    clock.now += 3 * 24 * 3_600
    weixin.token = ""
    assert code(await weixin.get("media/get", media_id=media_id)) == 40007


async def test_of_a_video_the_address_comes_and_people_send_files_too(weixin: WeChatApi) -> None:
    media_id = (await weixin.upload("video", "a.mp4", MP4))["media_id"]
    answer = await weixin.get("media/get", media_id=media_id)
    async with weixin.session.get(answer["video_url"]) as response:
        assert (response.content_type, await response.read()) == ("video/mp4", MP4)
    callback = weixin.wechat.user("o-mei").sends_image(JPG + b"from mei")
    picture = callback.xml.decode().partition("<PicUrl><![CDATA[")[2].partition("]]>")[0]
    async with weixin.session.get(picture) as response:
        assert (response.content_type, await response.read()) == ("image/jpeg", JPG + b"from mei")


# --- followers ------------------------------------------------------------------------------------


async def test_a_followers_info_has_no_name(weixin: WeChatApi, clock: Clock) -> None:
    mei = weixin.wechat.user("o-mei", unionid="u-mei", subscribed=False)
    assert await weixin.get("user/info", openid="o-mei") == {
        "subscribe": 0,
        "openid": "o-mei",
        "tagid_list": [],
    }
    mei.scans("poster")
    assert code(await weixin.post("user/info/updateremark", {"openid": "o-mei", "remark": "王姐"})) == 0
    assert await weixin.get("user/info", openid="o-mei", lang="zh_CN") == {
        "subscribe": 1,
        "openid": "o-mei",
        "language": "zh_CN",
        "subscribe_time": int(clock.now),
        "remark": "王姐",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": "ADD_SCENE_QR_CODE",
        "qr_scene": 0,
        "qr_scene_str": "poster",
        "unionid": "u-mei",
    }
    assert code(await weixin.get("user/info", openid="o-nobody")) == 40003
    too_long = {"openid": "o-mei", "remark": "a" * 30}
    assert code(await weixin.post("user/info/updateremark", too_long)) == 47003


async def test_tags_are_made_renamed_given_counted_and_deleted(weixin: WeChatApi) -> None:
    for openid in ("o-mei", "o-lin"):
        weixin.wechat.user(openid)
    assert await weixin.post("tags/create", {"tag": {"name": "VIP"}}) == {"tag": {"id": 100, "name": "VIP"}}
    assert code(await weixin.post("tags/create", {"tag": {"name": "VIP"}})) == 45157
    assert code(await weixin.post("tags/create", {"tag": {"name": "贵" * 11}})) == 45158
    assert code(await weixin.post("tags/update", {"tag": {"id": 100, "name": "贵宾"}})) == 0
    assert code(await weixin.post("tags/update", {"tag": {"id": 2, "name": "mine"}})) == 45058
    both = {"tagid": 100, "openid_list": ["o-mei", "o-lin"]}
    assert code(await weixin.post("tags/members/batchtagging", both)) == 0
    assert (await weixin.get("tags/get"))["tags"] == [
        {"id": 2, "name": "星标组", "count": 0},
        {"id": 100, "name": "贵宾", "count": 2},
    ]
    assert await weixin.post("user/tag/get", {"tagid": 100, "next_openid": ""}) == {
        "count": 2,
        "data": {"openid": ["o-lin", "o-mei"]},
        "next_openid": "o-mei",
    }
    assert await weixin.post("user/tag/get", {"tagid": 100, "next_openid": "o-mei"}) == {"count": 0}
    assert code(await weixin.post("tags/members/batchuntagging", both | {"openid_list": ["o-lin"]})) == 0
    assert await weixin.post("tags/getidlist", {"openid": "o-mei"}) == {"tagid_list": [100]}
    assert await weixin.post("tags/getidlist", {"openid": "o-lin"}) == {"tagid_list": []}
    assert code(await weixin.post("tags/delete", {"tag": {"id": 100}})) == 0
    assert await weixin.post("tags/getidlist", {"openid": "o-mei"}) == {"tagid_list": []}
    assert code(await weixin.post("tags/members/batchtagging", both)) == 45159


async def test_tagging_has_limits_and_is_all_or_nobody(weixin: WeChatApi) -> None:
    path = "tags/members/batchtagging"
    weixin.wechat.user("o-mei")
    tags = [(await weixin.post("tags/create", {"tag": {"name": str(n)}}))["tag"]["id"] for n in range(21)]
    only = {"openid_list": ["o-mei"]}
    assert code(await weixin.post(path, {"tagid": tags[0], "openid_list": ["o-mei", "o-nobody"]})) == 49003
    assert await weixin.post("tags/getidlist", {"openid": "o-mei"}) == {"tagid_list": []}
    answers = [code(await weixin.post(path, only | {"tagid": tag})) for tag in tags]
    assert answers == [0] * 20 + [45059]
    assert code(await weixin.post(path, {"tagid": tags[0], "openid_list": ["o-mei"] * 51})) == 40032
    for number in range(21, 99):
        assert code(await weixin.post("tags/create", {"tag": {"name": str(number)}})) == 0
    assert code(await weixin.post("tags/create", {"tag": {"name": "one too many"}})) == 45056


# --- QR codes, menu, addresses --------------------------------------------------------------------


def qr(action: str, scene: str, **fields: object) -> Json:
    return {"action_name": action, "action_info": {"scene": {"scene_str": scene}}, **fields}


async def test_a_qr_code_has_a_scene_and_may_expire(
    wechat: WeChatSimulator, weixin: WeChatApi, clock: Clock
) -> None:
    for_ever = await weixin.post("qrcode/create", qr("QR_LIMIT_STR_SCENE", "door"))
    assert set(for_ever) == {"ticket", "url"}
    for_an_hour = await weixin.post("qrcode/create", qr("QR_STR_SCENE", "poster", expire_seconds=3600))
    assert for_an_hour["expire_seconds"] == 3600
    mei = wechat.user("o-mei")
    assert f"<Ticket><![CDATA[{for_an_hour['ticket']}]]></Ticket>" in mei.scans("poster").xml.decode()
    clock.now += 3600
    weixin.token = ""
    with pytest.raises(ImpossibleAction, match="expired"):
        mei.scans("poster")
    assert f"<Ticket><![CDATA[{for_ever['ticket']}]]></Ticket>" in mei.scans("door").xml.decode()
    assert code(await weixin.post("qrcode/create", qr("QR_SCENE", "door"))) == 40052
    assert code(await weixin.post("qrcode/create", qr("QR_STR_SCENE", "d" * 65))) == 40053
    month = await weixin.post("qrcode/create", qr("QR_STR_SCENE", "long", expire_seconds=99_999_999))
    assert month["expire_seconds"] == 2_592_000


async def test_a_menu_is_checked_and_shown(wechat: WeChatSimulator, weixin: WeChatApi) -> None:
    click = {"type": "click", "name": "时间", "key": "HOURS"}
    view = {"type": "view", "name": "Shop", "url": "https://example.com/"}
    menu = {"button": [click, {"name": "More", "sub_button": [view]}]}
    assert code(await weixin.get("menu/get")) == 46003
    assert code(await weixin.post("menu/create", menu)) == 0
    assert await weixin.get("menu/get") == {"menu": menu}
    mei = wechat.user("o-mei")
    mei.clicks("HOURS")
    mei.views("https://example.com/")
    with pytest.raises(ImpossibleAction, match="no button with key 'OTHER'"):
        mei.clicks("OTHER")
    assert code(await weixin.get("menu/delete")) == 0
    assert code(await weixin.get("menu/get")) == 46003


@pytest.mark.parametrize(
    "button, errcode",
    [
        ([], 40016),
        ([{"type": "click", "name": "a", "key": "a"}] * 4, 40016),
        ([{"type": "click", "name": "六个中文字符", "key": "a"}], 40018),
        ([{"type": "jump", "name": "a"}], 40017),
        ([{"type": "click", "name": "a", "key": "k" * 129}], 40019),
        ([{"type": "view", "name": "a"}], 40020),
        ([{"name": "a", "sub_button": [{"type": "click", "name": "a", "key": "a"}] * 6}], 40023),
        ([{"name": "a", "sub_button": [{"type": "click", "name": "a" * 61, "key": "a"}]}], 40025),
    ],
)
async def test_a_wrong_menu_is_refused(weixin: WeChatApi, button: list[Json], errcode: int) -> None:
    assert code(await weixin.post("menu/create", {"button": button})) == errcode
    assert code(await weixin.get("menu/get")) == 46003


async def test_addresses_and_the_network_check_answer(weixin: WeChatApi) -> None:
    assert await weixin.get("get_api_domain_ip") == {"ip_list": ["127.0.0.1"]}
    check = await weixin.post("callback/check", {"action": "all", "check_operator": "DEFAULT"})
    assert set(check) == {"dns", "ping"}
    assert code(await weixin.post("callback/check", {"action": "fly", "check_operator": "DEFAULT"})) == 47003
