"""What each answer of the service means, told by a service that answers whatever the test wants."""

import datetime
import ipaddress
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.data.tables import TableServiceClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.adapters.table_rows import read_fault, write_fault
from shared.adapters.tables import connect_endpoint, connect_string, open_stores
from shared.domain.faults import (
    Conflict,
    ControlPlaneFault,
    InvariantViolation,
    LockStoreUnavailable,
    OutcomeUnknown,
)  # fmt: skip
from tests.contract.tables.examples import lock
from tests.http_server import QuietHandler, serving

KEY = "AAAA"


class Answers(QuietHandler):
    """Answers every request with one status, and remembers how many there were."""

    protocol_version = "HTTP/1.1"
    status: ClassVar[int]
    code: ClassVar[str]
    body: ClassVar[bytes | None]
    requests: ClassVar[list[str]]

    def answer(self) -> None:
        self.requests.append(self.command)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        text = b'{"odata.error":{"code":"%s","message":{"value":"said the service"}}}' % self.code.encode()
        body = text if self.body is None else self.body
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("x-ms-error-code", self.code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer


@contextmanager
def service(status: int, code: str = "", body: bytes | None = None) -> Iterator[tuple[TableServiceClient, list[str]]]:
    """Run a service that always answers `status`; give the client and the list of requests it got."""
    requests: list[str] = []
    kind = type("Answers", (Answers,), {"status": status, "code": code, "body": body, "requests": requests})
    with serving(kind) as port:
        endpoint = f"TableEndpoint=http://127.0.0.1:{port}/acct;"
        with connect_string(f"DefaultEndpointsProtocol=http;AccountName=acct;AccountKey={KEY};{endpoint}") as client:
            yield client, requests


BUSY = [(500, "InternalError"), (502, ""), (503, "ServerBusy"), (504, "")]
LATER = [(401, ""), (403, "AuthorizationFailure"), (408, ""), (429, "TooManyRequests")]
OURS = [(400, "PropertyValueTooLarge"), (405, ""), (413, "RequestBodyTooLarge")]


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        *((status, code, OutcomeUnknown) for status, code in BUSY),
        *((status, code, LockStoreUnavailable) for status, code in LATER),
        *((status, code, InvariantViolation) for status, code in OURS),
        (404, "ResourceNotFound", Conflict),
        (404, "TableNotFound", LockStoreUnavailable),
        (409, "EntityAlreadyExists", Conflict),
        (412, "UpdateConditionNotSatisfied", Conflict),
    ],
)
def test_every_answer_to_a_write_has_one_meaning_and_is_asked_for_once(
    status: int, code: str, fault: type[ControlPlaneFault]
) -> None:
    with service(status, code) as (client, requests):
        with pytest.raises(ControlPlaneFault) as caught:
            open_stores(client).locks.replace(lock("PRO"), etag='W/"1"')
        assert (caught.type, requests) == (fault, ["PUT"])
        with pytest.raises(ControlPlaneFault) as caught:
            open_stores(client).locks.insert(lock("PRO"))
        assert (caught.type, requests) == (fault, ["PUT", "POST"])


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        *((status, code, LockStoreUnavailable) for status, code in BUSY + LATER),
        *((status, code, InvariantViolation) for status, code in OURS),
        (404, "TableNotFound", LockStoreUnavailable),
        (404, "SomethingElse", LockStoreUnavailable),
    ],
)
def test_every_answer_to_a_read_has_one_meaning_and_is_asked_for_once(
    status: int, code: str, fault: type[ControlPlaneFault]
) -> None:
    with service(status, code) as (client, requests):
        with pytest.raises(ControlPlaneFault) as caught:
            open_stores(client).locks.read("PRO")
        assert (caught.type, requests) == (fault, ["GET"])
        with pytest.raises(ControlPlaneFault) as caught:
            open_stores(client).gateways.list("PRO")
        assert (caught.type, requests) == (fault, ["GET", "GET"])
        with pytest.raises(ControlPlaneFault) as caught:
            open_stores(client).locks.read_all(["PRO"])
        assert (caught.type, requests) == (fault, ["GET", "GET", "GET"])


def test_only_the_word_of_the_service_that_the_row_is_missing_counts_as_missing() -> None:
    with service(404, "ResourceNotFound") as (client, _):
        assert open_stores(client).locks.read("PRO") is None


@pytest.mark.parametrize("body", [b"", b"<html>a proxy's page</html>", b"{", b"[]", b"{}"])
def test_an_answer_that_is_no_row_is_a_fault_and_never_a_missing_lock(body: bytes) -> None:
    with service(200, body=body) as (client, _), pytest.raises(LockStoreUnavailable):
        open_stores(client).locks.read("PRO")
    with service(200, body=body) as (client, _), pytest.raises(LockStoreUnavailable):
        open_stores(client).locks.read_all(["PRO"])


@pytest.mark.parametrize("body", [b"", b"{", b"{}"])
def test_a_success_without_a_version_has_an_unknown_outcome(body: bytes) -> None:
    with service(201, body=body) as (client, _), pytest.raises(OutcomeUnknown):
        open_stores(client).locks.insert(lock("PRO"))
    with service(204, body=b"") as (client, _), pytest.raises(OutcomeUnknown):
        open_stores(client).locks.replace(lock("PRO"), etag='W/"1"')


def test_without_a_token_of_the_identity_nothing_is_sent() -> None:
    refused = ClientAuthenticationError("no managed identity endpoint")
    assert isinstance(write_fault(refused), LockStoreUnavailable)
    assert isinstance(read_fault(refused), LockStoreUnavailable)


@pytest.mark.parametrize("client_id", [None, "00000000-0000-4000-8000-00000000000a"])
def test_the_client_for_an_endpoint_is_built_without_sending_anything(client_id: str | None) -> None:
    with connect_endpoint("https://acct.table.core.windows.net", client_id=client_id) as client:
        assert client.url == "https://acct.table.core.windows.net"


def test_a_tls_connection_that_breaks_while_the_answer_is_awaited_has_an_unknown_outcome(tmp_path: Path) -> None:
    certificate = certificate_for_loopback(tmp_path)
    with broken_tls_service(certificate) as port:
        endpoint = f"TableEndpoint=https://127.0.0.1:{port}/acct;"
        text = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={KEY};{endpoint}"
        with TableServiceClient.from_connection_string(
            text, retry_total=0, connection_verify=str(certificate)
        ) as client:
            with pytest.raises(OutcomeUnknown):
                open_stores(client).locks.insert(lock("PRO"))
            with pytest.raises(LockStoreUnavailable):
                open_stores(client).locks.read("PRO")


@contextmanager
def broken_tls_service(certificate: Path) -> Iterator[int]:
    """Run a TLS service that reads a request and then answers with bytes that are no TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            plain, _address = listener.accept()
            with context.wrap_socket(plain, server_side=True) as tls:
                tls.recv(65536)
                with socket.socket(fileno=os.dup(tls.fileno())) as beneath:
                    beneath.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    with suppress(ConnectionError):
                        while beneath.recv(65536):  # closing with bytes unread would reset the connection instead
                            pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def certificate_for_loopback(folder: Path) -> Path:
    """Write a self-signed certificate with its key and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "loopback.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file
