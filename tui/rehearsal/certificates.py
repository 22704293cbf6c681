"""Creates a certification authority and a server certificate for 127.0.0.1 and localhost."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tui.common.write_atomic import write_atomic
from tui.rehearsal.places import Home

# Browsers and Apple's TLS refuse server certificates valid for more than 825 days.
SERVER_DAYS = 800
RENEW_BEFORE_DAYS = 30


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        # Valid from an hour ago, since clocks may differ.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=SERVER_DAYS))
    )


def _make(home: Home, server_file: Path) -> None:
    authority_key = ec.generate_private_key(ec.SECP256R1())
    # A unique name for each authority, since bundles may contain several.
    authority_name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "aml-deploy rehearsal"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"aml-deploy rehearsal {home.folder.name}"),
        ]
    )
    authority_id = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    authority = (
        _builder(authority_name, authority_name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(authority_id, critical=False)
        # The authority is limited to this machine's loopback addresses.
        .add_extension(
            x509.NameConstraints(
                [x509.IPAddress(ipaddress.ip_network("127.0.0.1/32")), x509.DNSName("localhost")], None
            ),
            critical=True,
        )
        .sign(authority_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), authority_name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]),
            critical=False,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(authority_id), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    # The authority's key is not stored, so no second certificate can be signed with it.
    served = private + certificate.public_bytes(pem) + authority.public_bytes(pem)
    write_atomic(server_file, served, mode=0o600)
    write_atomic(home.authority_file, authority.public_bytes(pem), mode=0o600)


def _still_good(home: Home, server_file: Path) -> bool:
    try:
        certificates = x509.load_pem_x509_certificates(server_file.read_bytes())
        authority = x509.load_pem_x509_certificate(home.authority_file.read_bytes())
    except (OSError, ValueError):
        return False
    # not_valid_after_utc requires cryptography 42.
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=RENEW_BEFORE_DAYS)
    return certificates[0].issuer == authority.subject and certificates[0].not_valid_after_utc > soon


def server_context(home: Home) -> ssl.SSLContext:
    """The TLS context of the server; creates or renews authority and certificate if needed. Raises OSError."""
    home.certificates.mkdir(mode=0o700, exist_ok=True)
    server_file = home.certificates / "server.pem"
    if not _still_good(home, server_file):
        _make(home, server_file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(server_file)
    return context
