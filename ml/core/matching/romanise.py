"""Names in one alphabet, whatever script and order they were written in.

Belongs here: romanising text, the words of company names that say nothing about who it is. Does not belong here:
comparing names (customers, warehouses), which columns hold them (records).
"""

import re
from collections.abc import Iterable

import polars as pl
from text_unidecode import unidecode

#: Characters that are read differently in a name than elsewhere (百家姓 for surnames; 娜 in given names).
NAME_READINGS = {
    "曾": "zeng", "单": "shan", "仇": "qiu", "解": "xie", "区": "ou", "查": "zha", "朴": "piao", "翟": "zhai",
    "盖": "ge", "乐": "yue", "尉": "wei", "种": "chong", "覃": "qin", "石": "shi", "秘": "bi", "员": "yun", "娜": "na",
}  # fmt: skip

#: What follows the name of nearly every company, and its trade: dropped before names are compared, because one
#: system writes it translated and another not. Chinese and English; longest first where one holds another.
COMPANY_WORDS = (
    "股份有限公司", "有限责任公司", "有限公司", "分公司", "公司", "集团", "商贸", "贸易", "电器", "电子", "物业",
    "酒店", "宾馆", "建材", "材料", "科技", "技术", "工程", "连锁", "零售", "超市", "物流", "食品", "服装", "餐饮",
)  # fmt: skip
_COMPANY_ENGLISH = (
    r"\b(company|limited|co|ltd|inc|llc|corp|corporation|group|gmbh|trading|trade|appliances?|electronics?|property|"
    r"properties|hotels?|materials?|technology|technologies|tech|engineering|chain|retail|supermarket|logistics|"
    r"foods?|clothing|catering)\b"
)
_COMPANY_CHINESE = re.compile("|".join(COMPANY_WORDS))
_NOT_WORD = r"[^\w]+|_"
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def romanised(names: pl.Series) -> pl.Series:
    """Names as lower-case words of a to z and digits, one blank between, without company words; null if empty.

    A Chinese character becomes one word, so that words stay comparable however a system separates them.
    """
    names = names.cast(pl.String)
    exotic = names.filter(names.str.contains(_NOT_ASCII.pattern)).unique()
    letters = _letters_of(exotic)
    latin = {name: _COMPANY_CHINESE.sub("", name).translate(letters) for name in exotic}
    text = names.replace(list(latin), list(latin.values())) if latin else names
    words = text.str.to_lowercase().str.replace_all("'", "", literal=True)
    words = words.str.replace_all(_NOT_WORD, " ").str.strip_chars(" ")
    without = words.str.replace_all(_COMPANY_ENGLISH, " ").str.replace_all(" +", " ").str.strip_chars(" ")
    told = without.zip_with(without != "", words)
    return told.set(told == "", None)


def _letters_of(names: Iterable[str]) -> dict[int, str]:
    characters = {character for name in names for character in _NOT_ASCII.findall(name)}
    return {ord(character): _reading(character) for character in characters}


def _reading(character: str) -> str:
    if character in NAME_READINGS:
        return f" {NAME_READINGS[character]} "
    plain = unidecode(character).lower()
    # A syllable stands for a word; an accented letter belongs to its word.
    return f" {plain.strip()} " if len(plain.strip()) > 1 or "\u2e80" <= character <= "\uffdc" else plain
