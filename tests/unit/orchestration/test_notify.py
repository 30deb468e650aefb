import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from orchestration.lib.notify import FailureMessage, notifier_for
from workspace.settings import Settings

MESSAGE = FailureMessage(company="acme", job="everything", run_id="r1", error="orders.csv is empty")


@pytest.fixture
def received() -> Iterator[tuple[str, list[dict[str, str]]]]:
    messages: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", messages
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_receives_what_failed_and_where(received: tuple[str, list[dict[str, str]]]) -> None:
    address, messages = received
    notifier_for(Settings(notifier="webhook", notifier_url=address)).tell(MESSAGE)
    assert messages == [{"company": "acme", "job": "everything", "run_id": "r1", "error": "orders.csv is empty"}]


def test_by_default_a_failure_is_logged_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "order_intelligence"):
        notifier_for(Settings()).tell(MESSAGE)
    assert "orders.csv is empty" in caplog.text


@pytest.mark.parametrize("address", ["", "ftp://x", "file:///etc/passwd"])
def test_a_webhook_without_a_web_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="OI_NOTIFIER_URL"):
        notifier_for(Settings(notifier="webhook", notifier_url=address))
