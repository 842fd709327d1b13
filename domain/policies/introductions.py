"""Which messages say only who somebody is: 我叫王芳, my name is Ann. Where in doubt, none: a wrong name is worse than a number."""

import re
from typing import Final

from domain.policies.text import unwidened

LONGEST: Final = 60
"""Characters: a message that only says a name is no longer."""
MOST_WORDS: Final = 3
"""Of a name in Latin letters."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_GREETING: Final = r"(?:(?:你好|您好|嗨|哈喽|hi|hello|hey|good (?:morning|afternoon|evening))[\s,!.。、~]*)?"
_END: Final = r"[\s.。!~]*"
_HAN: Final = r"([\u4e00-\u9fff]{2,4})"
_LATIN: Final = r"([^\W\d_][\w' .-]*?)"
_CALLED: Final = re.compile(
    rf"{_GREETING}我(?:叫做?|的名字[是叫])[\s:]*(?:{_HAN}|{_LATIN}){_END}", re.IGNORECASE
)
_AM: Final = re.compile(rf"{_GREETING}我(?:就)?是\s*{_HAN}{_END}", re.IGNORECASE)
_ENGLISH: Final = re.compile(rf"{_GREETING}(?:my name(?: is|'s)|i'm|i am)\s+{_LATIN}{_END}", re.IGNORECASE)

_SURNAMES: Final = frozenset(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧曹袁邓许傅沈曾彭吕苏卢蒋蔡贾"
    "丁魏薛叶阎潘杜汪姜姚谭廖邹熊郝孔崔邱秦侯邵孟雷尹黎武贺龚樊殷颜倪葛韦聂焦邢岳霍翁隋靳甄裴肖詹耿牟"
)
"""The commonest that rarely begin a word: what follows 我是 need not be a name."""
_RARER: Final = frozenset(
    "于程余戴夏钟田任范方石金陆白康毛江史顾龙万段钱汤易常乔赖文庞兰施陶洪翟安严牛温芦季俞章鲁伍申尤毕"
    "齐梅庄辛管祝左涂谷祁卜关苗凌费纪盛童欧项曲成游阳席卫查屈鲍位覃植甘景单包司柏宁柯阮桂闵"
)
_DOUBLE: Final = _words("欧阳 上官 司马 诸葛 司徒 东方 皇甫 尉迟 公孙 慕容 令狐 夏侯 端木 南宫")
_TITLES: Final = _words(
    "先生 女士 小姐 太太 老师 医生 律师 教授 经理 师傅 阿姨 叔叔 大姐 大哥 总 姐 哥 姨 叔"
)
_NICK: Final = frozenset("小老阿")
_NEVER: Final = frozenset(
    "的了吗呢吧啊呀嘛不没有在来去要想问买卖付订退换收发寄送到过完着给让把被从和跟与就也都还又再才能会得"
    "个们你我他她它您这那哪什么怎谁几人员客户主方者族生工匠商厂店铺房屋楼室庄村镇县市省州区岛湾口街港卡"
    "机号单货款钱价额费账票码序度式案系统件级档版型装品牌标手脚头脸眼镜发皮病药色味茶酒饭面汤糕饼糖肉菜"
    "油盐瓷材料布衣鞋包袋杯盒瓶罐一二三四五六七八九十两半百千零末上下前后里外内边围旁间时点分秒季昨早晚"
    "午久多少够每各第次回遍趟说讲话看听写读做办开关打拉推拿放走跑坐站找等用吃喝玩睡起转变修改必须应该需"
    "错假绝领事长管表身体绍列便即将经已刚而但因所以如果或其为向往按扫码群网址链频图音浙沪乎况且犬圆续"
)
"""Who stands behind a surname in these is a thing, a place, a role or a sentence: 高中生, 程序员, 马上到, 周五来, 温州人."""
_SURELY_NOT: Final = _words(
    "江苏 江西 江南 江阴 江湖 江门 沈阳 唐山 黄山 黄金 黄石 韩国 韩文 泰国 金华 金融 金属 武汉 武术 余姚 罗马 孙子 孙女 杨树 "
    "杨梅 叶子 白天 白云 高兴 高铁 高端 高冷 高效 高原 高中 夏天 毛利 毛巾 石油 张罗 李子 许可 苏宁 苏北 苏南 谢谢 任何 任意 "
    "任性 田园 林木 林业 马虎 马达 何必 何苦 何止 成功 成年 成都 成本 安全 安卓 安静 安心 安徽 文科 文化 文艺 常德 常年 常规 常熟 "
    "龙年 龙虾 牛奶 温柔 温暖 温馨 温泉 单独 单身 单纯 单位 管道 谷歌 梅花 桂花 桂林 宁波 宁夏 宁愿 甘肃 甘愿 司法 司仪 位置 万能 "
    "关心 关联 盛夏 童年 阳光 阳台 欧美 欧洲 齐全 庄重 辛苦 祝福 祝好 苗条 纪念 项目 曲靖 游戏 游泳 严重 严格 康复 方法 陶瓷 "
    "洪水 申请 申通 毕业 焦虑 段位 顾虑 程度 陆军 胡闹 胡乱 周年 周日 周先 雷同 叶绿 黎明 小白 小高 老高"
)
_NO_NAME: Final = _words(
    "a an the not in on at here there from with for to of and or but so very really just still also your yours my his her our "
    "their it is are was be been being been going coming looking trying waiting asking writing calling buying selling having "
    "interested sorry fine good well ok okay great happy sad sick ill tired hungry late early ready busy free back home new old "
    "first last next done sure afraid glad confused lost stuck angry curious unsure available unable able willing wrong right "
    "correct missing needed none nobody nothing someone anonymous unknown customer client member guest vip owner manager "
    "student teacher doctor driver boss american british english chinese indian german french italian spanish russian japanese "
    "korean canadian australian mexican brazilian dutch polish turkish greek irish scottish welsh swedish danish finnish "
    "norwegian swiss austrian belgian thai vietnamese indonesian malaysian filipino singaporean taiwanese african european "
    "asian ukrainian portuguese arab jewish muslim buddhist catholic monday tuesday wednesday thursday friday saturday sunday "
    "today tomorrow yesterday now soon"
)
"""Peoples have a capital and are no names; and some begin every word with one."""


def introduced_as(text: str) -> str | None:
    """Return the name of somebody whose whole message says only who they are; None for anything else."""
    if len(text) > LONGEST:
        return None
    said = unwidened(text).replace("’", "'").strip()
    if len(said) > LONGEST:  # some signs stand for a whole sentence
        return None
    if (called := _CALLED.fullmatch(said)) is not None:
        return _chinese(called[1], _SURNAMES | _RARER) if called[1] else _latin(called[2])
    if (am := _AM.fullmatch(said)) is not None:
        return _chinese(am[1], _SURNAMES)
    english = _ENGLISH.fullmatch(said)
    return None if english is None else _latin(english[1])


def _chinese(name: str, surnames: frozenset[str]) -> str | None:
    """A surname and one or two characters, or a title; 小王, 老李."""
    if name in _SURELY_NOT:
        return None
    if name[0] in _NICK:
        return name if name[1:] in _SURNAMES else None
    surname = name[:2] if name[:2] in _DOUBLE else name[0]
    given = name.removeprefix(surname)
    if surname not in surnames | _DOUBLE:
        return None
    good = given in _TITLES or (len(given) in {1, 2} and _NEVER.isdisjoint(given))
    return name if good else None


def _latin(name: str) -> str | None:
    """One to three words, each as a name is written."""
    words = name.split()
    return " ".join(words) if 1 <= len(words) <= MOST_WORDS and all(map(_is_name, words)) else None


def _is_name(word: str) -> bool:
    letters = re.sub(r"[-']|\.$", "", word)
    written = letters.isalpha() and letters[0].isupper() and any(letter.islower() for letter in letters)
    return written and letters.casefold() not in _NO_NAME
