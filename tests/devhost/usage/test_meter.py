"""What the meter counts: every HTTP request that arrives, once, under the label of the work that sent it."""

import http.client
from collections.abc import Iterator
from typing import ClassVar, Final

import pytest

from devhost.usage.meter import Meter, name_of
from shared.adapters.tables import GATEWAYS, connect_string, create_tables, open_stores
from tests.contract.tables.conftest import port_of
from tests.contract.tables.examples import fresh_environment, gateway, lock
from tests.http_server import QuietHandler, serving

PATH: Final = "/account/gateways(PartitionKey='PRO',RowKey='gw%20a')?$select=x"


class Upstream(QuietHandler):
    """Remembers what arrives, and answers 200."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, str, bytes, dict[str, str]]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, body, {name.lower(): text for name, text in self.headers.items()}))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.send_header("x-ms-version", "v")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_POST


@pytest.fixture
def upstream() -> Iterator[int]:
    Upstream.seen.clear()
    with serving(Upstream) as port:
        yield port


def test_a_request_goes_on_byte_for_byte_and_nothing_signed_is_added(upstream: int) -> None:
    with Meter(upstream) as meter:
        client = http.client.HTTPConnection("127.0.0.1", meter.port)
        client.request("GET", PATH, headers={"x-ms-date": "d"})
        answer = client.getresponse()
        assert (answer.status, answer.read(), answer.getheader("x-ms-version")) == (200, b"ok", "v")
        client.close()
    ((command, path, body, headers),) = Upstream.seen
    assert (command, path, body) == ("GET", PATH, b"")
    assert headers["x-ms-date"] == "d"
    assert "content-type" not in headers  # part of what a shared key signs


def test_requests_count_under_the_innermost_label_and_only_while_it_lasts(upstream: int) -> None:
    with Meter(upstream) as meter:
        client = http.client.HTTPConnection("127.0.0.1", meter.port)

        def send() -> None:
            client.request("POST", "/account/operations", body=b"{}")
            client.getresponse().read()

        with meter.under("outer"):
            send()
            with meter.under("inner"):
                send()
                send()
            send()
        send()
        client.close()
        assert meter.counted("outer") == {"operations.insert": 2}
        assert meter.counted("inner") == {"operations.insert": 2}
        assert meter.counted("never") == {}


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/devstoreaccount1/gateways(PartitionKey='PRO',RowKey='gw')", "gateways.read"),
        ("GET", "/devstoreaccount1/gateways()", "gateways.query"),
        ("GET", "/devstoreaccount1/gateways", "gateways.query"),
        ("PUT", "/devstoreaccount1/environmentlocks(PartitionKey='PRO',RowKey='lock')", "environmentlocks.replace"),
        ("POST", "/devstoreaccount1/auditentries", "auditentries.insert"),
        ("DELETE", "/devstoreaccount1/gateways(PartitionKey='PRO',RowKey='gw')", "gateways.delete"),
        ("GET", "/", "other.get"),
    ],
)
def test_a_request_is_named_by_its_table_and_what_it_does(method: str, path: str, name: str) -> None:
    assert name_of(method, path) == name


def test_the_products_own_calls_pass_through_and_each_page_is_counted(azurite: str) -> None:
    environment = fresh_environment()
    with Meter(port_of(azurite)) as meter:
        with connect_string(azurite.replace(f":{port_of(azurite)}/", f":{meter.port}/")) as client:
            create_tables(client)
            stores = open_stores(client)
            with meter.under("work"):
                written = stores.locks.insert(lock(environment))
                assert stores.locks.read(environment) == written
                for name in ("gw-a", "gw-b", "gw-c"):
                    stores.gateways.insert(gateway(environment, name))
                assert [one.id for one in stores.gateways.list(environment)] == ["gw-a", "gw-b", "gw-c"]
            with meter.under("pages"):
                pages = client.get_table_client(GATEWAYS).query_entities(
                    "PartitionKey eq @p", parameters={"p": environment}, results_per_page=2
                )
                assert len(list(pages)) == 3
        assert meter.counted("work") == {
            "environmentlocks.insert": 1, "environmentlocks.read": 1, "gateways.insert": 3, "gateways.query": 1,
        }  # fmt: skip
        assert meter.counted("pages") == {"gateways.query": 2}
