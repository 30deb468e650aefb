"""Names, phones, mail addresses and streets of customers: what is true before a system writes it down.

Belongs here: the pools and the vectorised true fields. Does not belong here: errors (`twin.systems.defects`).
All mail domains are reserved for examples (RFC 2606); phone numbers are drawn, not taken from anybody.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from twin.luck import bits, uniform
from twin.network import Geography
from twin.people import People

Ints = npt.NDArray[np.int64]

LATIN_CITY_CODES = {
    "CN-BJ": "BJS", "CN-TJ": "TSN", "CN-HE": "SJW", "CN-SX": "TYN", "CN-NM": "HET", "CN-LN": "SHE", "CN-JL": "CGQ",
    "CN-HL": "HRB", "CN-SH": "SHA", "CN-JS": "NKG", "CN-ZJ": "HGH", "CN-AH": "HFE", "CN-FJ": "FOC", "CN-JX": "KHN",
    "CN-SD": "TNA", "CN-HA": "CGO", "CN-HB": "WUH", "CN-HN": "CSX", "CN-GD": "CAN", "CN-GX": "NNG", "CN-HI": "HAK",
    "CN-CQ": "CKG", "CN-SC": "CTU", "CN-GZ": "KWE", "CN-YN": "KMG", "CN-XZ": "LXA", "CN-SN": "SIA", "CN-GS": "LHW",
    "CN-QH": "XNN", "CN-NX": "INC", "CN-XJ": "URC",
}  # fmt: skip


def _words(text: str) -> list[str]:
    return text.split()


_SURNAMES = _words(
    "王Wang 李Li 张Zhang 刘Liu 陈Chen 杨Yang 黄Huang 赵Zhao 吴Wu 周Zhou 徐Xu 孙Sun 马Ma 朱Zhu 胡Hu "
    "郭Guo 何He 高Gao 林Lin 罗Luo 郑Zheng 梁Liang 谢Xie 宋Song 唐Tang 许Xu 韩Han 冯Feng 邓Deng 曹Cao "
    "彭Peng 曾Zeng 肖Xiao 田Tian 董Dong 袁Yuan 潘Pan 于Yu 蒋Jiang 蔡Cai"
)
_GIVEN = _words(
    "伟wei 芳fang 娜na 敏min 静jing 丽li 强qiang 磊lei 军jun 洋yang 勇yong 艳yan 杰jie 娟juan 涛tao "
    "明ming 超chao 秀xiu 霞xia 平ping 刚gang 桂gui 英ying 华hua 玉yu 萍ping 红hong 建jian 文wen 斌bin "
    "宇yu 浩hao 凯kai 婷ting 雪xue 倩qian 佳jia 鑫xin 晨chen 博bo"
)
_STREETS = _words(
    "人民Renmin 解放Jiefang 中山Zhongshan 建设Jianshe 和平Heping 新华Xinhua 文化Wenhua 长江Changjiang "
    "黄河Huanghe 友谊Youyi 胜利Shengli 光明Guangming 青年Qingnian 东风Dongfeng 公园Gongyuan 学院Xueyuan "
    "滨江Binjiang 朝阳Chaoyang 花园Huayuan 湖滨Hubin"
)
_TRADES = _words(
    "贸易Trading 电器Appliance 物业Property 酒店Hotel 建材Materials 科技Technology 工程Engineering 连锁Retail"
)
_DOMAINS = ("mail.example.com", "post.example.net", "inbox.example.org", "qmail.example.com")


def _split(pool: list[str]) -> tuple[pl.Series, pl.Series]:
    local = ["".join(c for c in word if ord(c) > 127) for word in pool]
    latin = ["".join(c for c in word if ord(c) <= 127) for word in pool]
    return pl.Series(local), pl.Series(latin)


def _pick(pool: pl.Series, luck: npt.NDArray[np.float64]) -> pl.Series:
    return pool.gather((luck * len(pool)).astype(np.int64))


def true_fields(seed: int, people: People, geography: Geography, customer: Ints) -> pl.DataFrame:
    """What is true of customers, one row each, in the order given.

    Columns: local_name, latin_name, phone, old_phone, email, address, latin_address, postal_code, city, local_city,
    region_code, latitude, longitude.
    """
    region = people.region[customer].astype(np.int64)
    area = people.area[customer].astype(np.int64)
    is_company = customer < people.companies
    surname, given, street, trade = _split(_SURNAMES), _split(_GIVEN), _split(_STREETS), _split(_TRADES)
    u = [uniform(seed, "name", customer, k) for k in range(4)]
    second = u[2] < 0.6
    local_city, city = pl.Series(geography.local_cities).gather(region), pl.Series(geography.cities).gather(region)
    empty = pl.Series([""] * len(customer))
    local_given = _pick(given[0], u[1]) + _if(second, _pick(given[0], u[2] / 0.6 % 1.0), empty)
    latin_given = (_pick(given[1], u[1]) + _if(second, _pick(given[1], u[2] / 0.6 % 1.0), empty)).str.to_titlecase()
    s_local, s_latin = _pick(surname[0], u[0]), _pick(surname[1], u[0])
    number = pl.Series((customer * 7_907 + 13) % 1_000_000).cast(pl.String)
    private_local, private_latin = s_local + local_given, latin_given + " " + s_latin
    firm_local = local_city + s_local + local_given + _pick(trade[0], u[3]) + "有限公司"
    firm_latin = city + " " + s_latin + latin_given + " " + _pick(trade[1], u[3]) + " Co., Ltd."
    door = [uniform(seed, "street", customer, k) for k in range(3)]
    house = pl.Series(1 + (door[1] * 880).astype(np.int64)).cast(pl.String)
    room = pl.Series(101 + (door[2] * 29).astype(np.int64) * 100 + (door[2] * 1e4 % 6).astype(np.int64)).cast(pl.String)
    place = region * geography.areas_per_region + area
    jitter = [uniform(seed, "street", customer, 5 + k) - 0.5 for k in range(2)]
    return pl.DataFrame({
        "local_name": _if(is_company, firm_local, private_local),
        "latin_name": _if(is_company, firm_latin, private_latin),
        "phone": _phones(seed, customer, 0), "old_phone": _phones(seed, customer, 1),
        "email": s_latin.str.to_lowercase() + latin_given.str.to_lowercase() + number + "@"
        + pl.Series(_DOMAINS).gather((u[3] * len(_DOMAINS)).astype(np.int64)),
        "address": _pick(street[0], door[0]) + "路" + house + "号" + room + "室",
        "latin_address": "Room " + room + ", " + house + " " + _pick(street[1], door[0]) + " Rd",
        "postal_code": postal_codes(geography, place, customer), "city": city, "local_city": local_city,
        "region_code": pl.Series(geography.codes).gather(region),
        "latitude": np.round(geography.area_latitude[place] + 0.1 * jitter[0], 5),
        "longitude": np.round(geography.area_longitude[place] + 0.1 * jitter[1], 5),
    })  # fmt: skip


def postal_codes(geography: Geography, place: Ints, customer: Ints) -> pl.Series:
    """Six digits: prefix of the region, number of the area, two of the round."""
    region, area = np.divmod(place, geography.areas_per_region)
    prefix = pl.Series(geography.prefixes).gather(region)
    tail = pl.Series(area * 100 + customer % 97).cast(pl.String).str.zfill(4)
    return prefix + tail


def _phones(seed: int, customer: Ints, turn: int) -> pl.Series:
    """Eleven digits from 13…, distinct for distinct customers while there are fewer than 1,000 million."""
    base = (customer * 2 + turn) * 1_000_003 % 2_000_000_011
    salt = int(bits(seed, "phone", 0)[0] % 1_000_000_007)
    return pl.Series(13_000_000_000 + (base + salt) % 2_000_000_011).cast(pl.String)


def _if(mask: npt.NDArray[np.bool_], yes: pl.Series, no: pl.Series) -> pl.Series:
    return yes.zip_with(pl.Series(mask), no)
