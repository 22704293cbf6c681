"""Certificates for services that tests run themselves, as PEM texts."""

from __future__ import annotations

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def self_signed(host: str) -> tuple[bytes, bytes]:
    """A certificate for a name or an address that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(host)
    builder = _begin(name, key, name, key).add_extension(_alternatives([host]), False)
    return _pem(builder.add_extension(x509.BasicConstraints(True, None), True), key), _private(key)


def certified(hosts: list[str], issuer: str, organisation: str = "") -> tuple[bytes, bytes, bytes]:
    """A certification authority, a certificate of it for all the hosts, and that one's key."""
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    by = _name(issuer, organisation)
    root = _begin(by, keys[0], by, keys[0])
    root = root.add_extension(x509.BasicConstraints(True, None), True).add_extension(_usage(authority=True), True)
    leaf = _begin(_name(hosts[0]), keys[1], by, keys[0])
    leaf = leaf.add_extension(x509.BasicConstraints(False, None), True).add_extension(_usage(authority=False), True)
    leaf = leaf.add_extension(_alternatives(hosts), False)
    return _pem(root, keys[0]), _pem(leaf, keys[0]), _private(keys[1])


def _name(common: str, organisation: str = "") -> x509.Name:
    parts = [x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
    return x509.Name([*parts, x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def _begin(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, by: x509.Name, signer: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(True, False, False, False, False, authority, authority, False, False)


def _alternatives(hosts: list[str]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_alternative(host) for host in hosts])


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(builder: x509.CertificateBuilder, signer: ec.EllipticCurvePrivateKey) -> bytes:
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
