"""What each mode of the fault proxy does to a connection, told with an upstream that echoes."""

import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import pytest

from devhost.fakes.fault_proxy import (
    BlackHole,
    CutNextResponse,
    Delay,
    DropAnswers,
    DropNextResponse,
    FaultProxy,
    Hold,
    Mode,
    Pass,
    Reset,
)  # fmt: skip

PATIENCE_S = 0.3


class Echo(socketserver.BaseRequestHandler):
    """Sends back what it gets and remembers it."""

    def handle(self) -> None:
        while chunk := self.request.recv(65536):
            self.server.seen.append(chunk)  # type: ignore[attr-defined]
            self.request.sendall(chunk)


class EchoServer(socketserver.ThreadingTCPServer):
    """An echo service on a free port of loopback."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        super().__init__(("127.0.0.1", 0), Echo)

    def handle_error(self, request: object, client_address: object) -> None:
        """Broken connections are what these tests are about."""


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    with EchoServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo: EchoServer) -> Iterator[FaultProxy]:
    with FaultProxy(echo.server_address[1]) as running:
        yield running


def connect(proxy: FaultProxy) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", proxy.port), timeout=5)
    connection.settimeout(PATIENCE_S)
    return connection


def ask(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(65536)


def ask_anew(proxy: FaultProxy, text: bytes) -> bytes:
    """Connect, ask, and return the answer; no answer at all counts as a reset."""
    with connect(proxy) as connection:
        answer = ask(connection, text)
    if not answer:
        raise ConnectionResetError
    return answer


def ends(connection: socket.socket) -> bool:
    """Whether the other end has closed or reset the connection; TimeoutError when it has not."""
    try:
        while connection.recv(100):
            pass
    except ConnectionResetError:
        pass
    return True


def seen(echo: EchoServer, count: int) -> list[bytes]:
    """Return what the upstream got, as soon as it got that many pieces."""
    ends_at = time.monotonic() + 5
    while len(echo.seen) < count and time.monotonic() < ends_at:
        time.sleep(0.005)
    return echo.seen


def test_everything_passes_both_ways(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        connection.settimeout(5)
        assert ask(connection, b"one") == b"one"
        sent = bytes(range(256)) * 4096
        threading.Thread(target=connection.sendall, args=(sent,)).start()
        got = b""
        while len(got) < len(sent):
            got += connection.recv(65536)
        assert got == sent


def test_the_end_of_the_request_passes_on(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        assert ask(connection, b"last") == b"last"
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(10) == b""


def test_a_delayed_answer_comes_after_the_delay(proxy: FaultProxy) -> None:
    proxy.set(Delay(0.15))
    with connect(proxy) as connection:
        began = time.monotonic()
        assert ask(connection, b"one") == b"one"
        assert time.monotonic() - began >= 0.15


def test_a_black_hole_swallows_the_request_for_good(proxy: FaultProxy, echo: EchoServer) -> None:
    proxy.set(BlackHole())
    with connect(proxy) as connection:
        with pytest.raises(TimeoutError):
            ask(connection, b"gone")
        proxy.set(Pass())
        assert ask(connection, b"next") == b"next"
    assert echo.seen == [b"next"]


def test_with_the_way_back_cut_requests_arrive_and_no_answer_does(proxy: FaultProxy, echo: EchoServer) -> None:
    proxy.set(DropAnswers())
    with connect(proxy) as connection:
        with pytest.raises(TimeoutError):
            ask(connection, b"heard")
        assert seen(echo, 1) == [b"heard"]
        proxy.set(Pass())
        assert ask(connection, b"next") == b"next"


def test_each_connection_leads_to_where_the_upstream_is_by_then(echo: EchoServer) -> None:
    ports = iter([0, echo.server_address[1]])
    with FaultProxy(lambda: next(ports)) as proxy:
        with pytest.raises(ConnectionResetError):
            ask_anew(proxy, b"nowhere")
        assert ask_anew(proxy, b"there") == b"there"


def test_a_held_request_arrives_late_even_when_its_client_has_left(proxy: FaultProxy, echo: EchoServer) -> None:
    proxy.set(Hold())
    with connect(proxy) as connection, pytest.raises(TimeoutError):
        ask(connection, b"late")
    assert echo.seen == []
    proxy.set(Pass())
    assert seen(echo, 1) == [b"late"]


def test_open_connections_are_reset_at_once_and_new_ones_too(proxy: FaultProxy, echo: EchoServer) -> None:
    with connect(proxy) as connection:
        assert ask(connection, b"one") == b"one"
        proxy.set(Reset())
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with pytest.raises(ConnectionError):
        ask_anew(proxy, b"two")
    assert echo.seen == [b"one"]
    proxy.set(Pass())
    with connect(proxy) as connection:
        assert ask(connection, b"three") == b"three"


def test_one_dropped_answer_is_lost_after_its_request_arrived(proxy: FaultProxy, echo: EchoServer) -> None:
    with connect(proxy) as connection:
        assert ask(connection, b"one") == b"one"
        proxy.set(DropNextResponse())
        with pytest.raises(ConnectionResetError):
            ask(connection, b"lost")
    assert (echo.seen, proxy.dropped) == ([b"one", b"lost"], 1)
    with connect(proxy) as connection:
        assert ask(connection, b"three") == b"three"
    assert proxy.dropped == 1


@pytest.mark.parametrize("after_bytes", [0, 3, 6])
def test_a_cut_answer_ends_after_its_first_bytes(proxy: FaultProxy, after_bytes: int) -> None:
    proxy.set(CutNextResponse(after_bytes))
    with connect(proxy) as connection:
        connection.sendall(b"abcdef")
        got = b""
        while chunk := connection.recv(100):
            got += chunk
    assert (got, proxy.dropped) == (b"abcdef"[:after_bytes], 1)
    with connect(proxy) as connection:
        assert ask(connection, b"whole") == b"whole"


def test_an_answer_in_pieces_is_cut_after_the_sum_of_them(proxy: FaultProxy) -> None:
    proxy.set(CutNextResponse(5))
    with connect(proxy) as connection:
        assert ask(connection, b"abc") == b"abc"
        assert ask(connection, b"def") == b"de"
        assert connection.recv(10) == b""


def test_without_an_upstream_connections_are_reset() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        with FaultProxy(taken.getsockname()[1]) as proxy, pytest.raises(ConnectionError):
            ask_anew(proxy, b"anybody")


@pytest.mark.parametrize("mode", [Pass(), Delay(60.0), BlackHole(), DropAnswers(), Hold()])
def test_closing_the_proxy_ends_its_connections_in_every_mode(echo: EchoServer, mode: Mode) -> None:
    with FaultProxy(echo.server_address[1]) as proxy:
        connection = connect(proxy)
        assert ask(connection, b"one") == b"one"
        proxy.set(mode)
        connection.sendall(b"two")
    with connection:
        assert ends(connection)
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
