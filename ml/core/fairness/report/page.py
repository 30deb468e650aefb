"""The whole report page.

Belongs here: `render_html` and the order of contents. Does not belong here: single sections.
"""

from collections.abc import Mapping
from typing import Any

from ml.core.fairness.report.context import ReportContext, context_of
from ml.core.fairness.report.first_page import first_page, plain_language
from ml.core.fairness.report.markup import Markup, tag
from ml.core.fairness.report.sections import all_sections
from ml.core.fairness.report.style import STYLE
from ml.core.fairness.report.texts import Texts
from ml.core.fairness.results import AuditResult, digest_of

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render_html(
    result: AuditResult, context: ReportContext | Mapping[str, Any] | None = None, language: str = "en"
) -> str:
    """The report as one HTML page that loads nothing and runs no script.

    The same audit, context and language always give the same bytes: the page holds no time of its making, so its digest
    names its content.

    Args:
        result: The audit.
        context: What is stated beside it; a mapping of `ReportContext` fields will do.
        language: `en` or `zh`; numbers are the same text in both.

    Raises:
        UnusableTable: an unknown language or context field.
    """
    stated, texts = context_of(context), Texts(language)
    given, digest = stated.in_language(language), content_digest(result, stated)
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("title", f"{texts['report']}: {given.title}"),
        tag("style", Markup(STYLE)),
    )
    body = tag(
        "body",
        tag("header", tag("p", texts["report"], class_="soft small"), tag("h1", given.title)),
        first_page(result, given, texts),
        plain_language(result, given, texts),
        *all_sections(result, given, texts, digest),
    )
    return "<!doctype html>\n" + tag("html", head, body, lang=texts["html_lang"]) + "\n"


def content_digest(result: AuditResult, context: ReportContext | Mapping[str, Any] | None = None) -> str:
    """SHA-256 of what a report says, whatever its language: the audit and its context."""
    return digest_of({"audit": result.to_dict(), "context": context_of(context).to_dict()})
