"""Which language a page is written in.

Belongs here: the choice by cookie or by what the browser prefers. Does not belong here: texts (`dashboards.texts`), or
the address that sets the cookie (`dashboards.pages.language`).
"""

from fastapi import Request

#: Languages with a folder below `dashboards/texts`, each by its own name. The first is for whoever prefers none.
LANGUAGES = {"en": "English", "zh": "中文"}

COOKIE = "oi_language"


def language_of(request: Request) -> str:
    """The language that was chosen here, else the one that the browser prefers most of those there are."""
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("accept-language", ""))


def preferred(accepted: str) -> str:
    """The best of `LANGUAGES` for an Accept-Language header (RFC 9110, 12.5.4): `zh-CN,en;q=0.5` → `zh`."""
    found = next(iter(LANGUAGES))
    most = 0.0
    for part in accepted.split(","):
        tag, _, rest = part.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(rest)
        if language in LANGUAGES and weight > most:
            found, most = language, weight
    return found


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
