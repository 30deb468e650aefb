"""Serving on loopback: whoever is told the address can connect to it."""

import socket

import pytest

from workspace.loopback import HOST, PortTaken, serve_on_loopback


class Told(Exception):
    """Ends the serving as soon as the address has been tried."""


async def nothing(*_: object) -> None:
    """No request is made here."""


def test_the_address_can_be_connected_to_as_soon_as_it_is_shown() -> None:
    def show(address: str) -> None:
        with socket.create_connection((HOST, int(address.rsplit(":", 1)[1])), timeout=5):
            raise Told

    with pytest.raises(Told):
        serve_on_loopback(nothing, 0, show)


def test_a_port_that_is_listened_on_is_named() -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} of {HOST}"):
            serve_on_loopback(nothing, port, lambda _: None)
