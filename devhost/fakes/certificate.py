"""A self-signed certificate for a server on loopback."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID_FOR = timedelta(days=30)
RENEWED_BEFORE = timedelta(days=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The files of one certificate and its key, both PEM. Clients are told to trust the first."""

    certificate_file: Path
    key_file: Path

    def server_context(self) -> ssl.SSLContext:
        """Return what a server needs to present it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context


def certificate_in(folder: Path) -> Certificate:
    """Return the certificate for 127.0.0.1 and localhost kept in `folder`; make it if it is missing or nearly over.

    It is kept across restarts because clients go on trusting the one they have read.
    """
    certificate = Certificate(certificate_file=folder / "loopback.pem", key_file=folder / "loopback.key")
    if not _still_good(certificate):
        _make(certificate)
    return certificate


def _still_good(certificate: Certificate) -> bool:
    if not certificate.certificate_file.exists() or not certificate.key_file.exists():
        return False
    parsed = x509.load_pem_x509_certificate(certificate.certificate_file.read_bytes())
    return parsed.not_valid_after_utc - datetime.now(UTC) > RENEWED_BEFORE


def _make(certificate: Certificate) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + VALID_FOR)
        .add_extension(names, critical=False)
        # Whoever trusts it trusts this server alone: it cannot sign others.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate.key_file.parent.mkdir(parents=True, exist_ok=True)
    certificate.key_file.unlink(missing_ok=True)
    descriptor = os.open(certificate.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    certificate.certificate_file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
