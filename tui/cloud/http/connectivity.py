"""Probes the connection from this machine to a host: addresses, connection, and certificate.

Names are resolved as by every other program on this machine (hosts file, DNS, nsswitch.conf), and connections are made
like those of the Azure libraries: through the environment's proxy, trusting the certificates that requests trusts. Only
a TLS handshake is sent.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
import time
from dataclasses import dataclass, replace

from tui.cloud.http.dns_zones import is_address, is_private
from tui.cloud.http.proxies import Proxy, proxy_for, trust

CONNECT_SECONDS = 3.0
HANDSHAKE_SECONDS = 4.5

REACHABLE, UNREACHABLE, UNRESOLVED, TLS, UNKNOWN = "reachable", "unreachable", "unresolved", "tls", "unknown"


@dataclass(frozen=True)
class Probe:
    """The result of probing a host.

    `reason` is a keyword for the failure: no-address, no-name-server, refused, timeout, no-route, proxy,
    proxy-login, untrusted, not-this-host, expired, broken, bundle. `issuer` is the authority that signed the
    certificate, `system_trusts` whether the machine's own store trusts it although the libraries' bundle does not.
    """

    state: str
    addresses: tuple[str, ...] = ()
    cnames: tuple[str, ...] = ()
    issuer: str | None = None
    subject: str | None = None
    reason: str = ""
    detail: str = ""
    proxy: str = ""
    system_trusts: bool = False

    @property
    def private(self) -> bool | None:
        """Whether all addresses are private; None without addresses."""
        return all(is_private(address) for address in self.addresses) if self.addresses else None


def probe(host: str, port: int = 443, handshake: bool = True, seconds: float = 8.0) -> Probe:
    """Resolve a host, connect, and do a TLS handshake; never raises, and ends after about `seconds`.

    A name look-up cannot be interrupted; a caller that cannot wait for the resolver's own limit must use a thread.
    """
    ends = time.monotonic() + seconds
    try:
        proxy = proxy_for(f"https://{host}:{port}/")
    except ValueError as error:
        return Probe(UNREACHABLE, reason="proxy", detail=f"HTTPS_PROXY cannot be used. {error}")
    found = look_up(host, port)
    if proxy is not None:
        # The proxy resolves the name itself; this machine's result is only shown.
        return _through(proxy, host, port, replace(found, proxy=proxy.shown), handshake, ends)
    if not found.addresses:
        return found
    try:
        connection = _connect(found.addresses, port, ends)
    except OSError as error:
        return _no_connection(found, error)
    with connection:
        return _shake(connection, host, port, found, ends) if handshake else replace(found, state=REACHABLE)


def look_up(host: str, port: int = 443) -> Probe:
    """The addresses of a host and the aliases on the way to them; without addresses the state is unresolved."""
    if is_address(host):
        return Probe(UNKNOWN, addresses=(host.strip("[]"),))
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            return Probe(UNKNOWN, reason="no-name-server", detail="No name server answered for it.")
        return Probe(UNRESOLVED, reason="no-address", detail="The name does not resolve to an address on this machine.")
    except (UnicodeError, OSError) as error:
        return Probe(UNRESOLVED, reason="no-address", detail=f"The name cannot be resolved: {error}.")
    addresses = tuple(dict.fromkeys(str(answer[4][0]) for answer in answers))
    return Probe(UNKNOWN, addresses=addresses, cnames=_aliases(host))


def _aliases(host: str) -> tuple[str, ...]:
    """The chain of aliases: the C library's older call returns every name in it, getaddrinfo only the last."""
    try:
        canonical, aliases, _ = socket.gethostbyname_ex(host)
    except (OSError, UnicodeError):
        return ()
    chain = [name.rstrip(".").lower() for name in (*aliases, canonical)]
    return tuple(name for name in dict.fromkeys(chain) if name != host.rstrip(".").lower())


def _connect(addresses: tuple[str, ...], port: int, ends: float) -> socket.socket:
    """A connection to the first address that accepts one. Raises the OSError of the last address tried."""
    last: OSError = TimeoutError("no time was left to connect")
    each = ends if len(addresses) == 1 else time.monotonic() + CONNECT_SECONDS
    for address in addresses[:4]:
        left = min(CONNECT_SECONDS, max(ends, each) - time.monotonic())
        if left <= 0:
            break
        try:
            return socket.create_connection((address, port), timeout=max(0.1, left))
        except OSError as error:
            last = error
    raise last


def _no_connection(found: Probe, error: OSError, what: str = "It") -> Probe:
    if isinstance(error, (TimeoutError, socket.timeout)):
        reason, detail = "timeout", f"{what} did not answer within {CONNECT_SECONDS:g} seconds."
    elif isinstance(error, ConnectionRefusedError):
        reason, detail = "refused", f"{what} refuses connections on this port."
    else:
        reason, detail = "no-route", f"{what} cannot be reached: {error.strerror or error}."
    return replace(found, state=UNREACHABLE, reason=reason, detail=detail)


def _through(proxy: Proxy, host: str, port: int, found: Probe, handshake: bool, ends: float) -> Probe:
    if proxy.scheme not in ("http", "https"):
        return replace(found, state=UNKNOWN, reason="proxy", detail=f"{proxy.scheme} proxies are not probed.")

    def not_through(what: str, reason: str = "proxy") -> Probe:
        return replace(found, state=UNREACHABLE, reason=reason, detail=f"The proxy {proxy.shown} {what}.")

    try:
        connection = socket.create_connection((proxy.host, proxy.port), timeout=CONNECT_SECONDS)
    except socket.gaierror:
        return not_through("cannot be resolved")
    except OSError as error:
        failed = _no_connection(found, error, f"The proxy {proxy.shown}")
        return replace(failed, reason="proxy-timeout" if failed.reason == "timeout" else "proxy")
    with connection:
        try:
            if proxy.scheme == "https":
                connection = _context().wrap_socket(connection, server_hostname=proxy.host)
            status = _ask_for_tunnel(connection, proxy, host, port)
        except (OSError, ValueError) as error:
            return not_through(f"did not open a connection: {error}")
        if status == 407:
            return not_through("requires a user name and a password", "proxy-login")
        if status != 200:
            return not_through(f"refuses this host with status {status}")
        if proxy.scheme == "https" or not handshake:
            return replace(found, state=REACHABLE)
        return _shake(connection, host, port, found, ends)


def _ask_for_tunnel(connection: socket.socket, proxy: Proxy, host: str, port: int) -> int:
    """The proxy's status for CONNECT. Raises OSError, or ValueError for a response that is not HTTP."""
    lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
    if proxy.credentials is not None:
        lines.append(f"Proxy-Authorization: Basic {base64.b64encode(proxy.credentials.encode()).decode()}")
    connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
    answer = b""
    # Byte by byte to the end of the header: what follows belongs to the handshake.
    while not answer.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte or len(answer) > 16384:
            break
        answer += byte
    status = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    if status is None:
        raise ValueError("its response is not HTTP")
    return int(status.group(1))


def _context() -> ssl.SSLContext:
    """An SSL context that trusts what requests trusts. Raises OSError if that file cannot be used."""
    from tui.cloud.http.connections import certificates

    return certificates(trust().path)


def _shake(connection: socket.socket, host: str, port: int, found: Probe, ends: float) -> Probe:
    try:
        context = _context()
    except OSError:
        return replace(found, state=TLS, reason="bundle", detail=trust().problem or f"{trust().path} cannot be used.")
    address = connection.getpeername()[0]
    try:
        connection.settimeout(max(0.1, min(HANDSHAKE_SECONDS, ends - time.monotonic())))
        with context.wrap_socket(connection, server_hostname=host.strip("[]")) as secured:
            issuer, subject = _names(secured.getpeercert(binary_form=True))
            return replace(found, state=REACHABLE, issuer=issuer, subject=subject)
    except ssl.SSLCertVerificationError as error:
        if found.proxy:
            return replace(found, state=TLS, reason="untrusted", detail=_not_trusted(error, None))
        issuer, subject, system = _who(address, host, port, ends)
        reason = {62: "not-this-host", 64: "not-this-host", 10: "expired"}.get(error.verify_code, "untrusted")
        return replace(
            found,
            state=TLS,
            issuer=issuer,
            subject=subject,
            reason=reason,
            detail=_not_trusted(error, issuer, subject),
            system_trusts=system,
        )
    except (TimeoutError, socket.timeout):
        detail = "It accepts connections but does not answer the TLS handshake."
        return replace(found, state=UNREACHABLE, reason="timeout", detail=detail)
    except OSError as error:
        reason = str(getattr(error, "reason", "") or error.strerror or error).replace("_", " ").lower()
        detail = f"It accepts connections, but the TLS handshake fails: {reason}."
        return replace(found, state=TLS, reason="broken", detail=detail)


def _not_trusted(error: ssl.SSLCertVerificationError, issuer: str | None, subject: str | None = None) -> str:
    by = f" by {issuer}" if issuer else ""
    if error.verify_code in (62, 64):
        whose = f" It is issued{by} for {subject}." if subject else ""
        return f"The certificate is not this host's.{whose}"
    if error.verify_code == 10:
        return f"The certificate has expired. It was issued{by}."
    return f"The certificate is issued{by or ' by an authority'}, which is not trusted on this machine."


def _who(address: str, host: str, port: int, ends: float) -> tuple[str | None, str | None, bool]:
    """Issuer and subject of a refused certificate, and whether the machine's own store accepts it."""
    anyone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anyone.check_hostname = False
    anyone.verify_mode = ssl.CERT_NONE  # only the certificate's names are read; nothing is sent
    issuer = subject = None
    left = ends - time.monotonic()
    try:
        with _shaken(anyone, address, host, port, left) as secured:
            issuer, subject = _names(secured.getpeercert(binary_form=True))
        with _shaken(ssl.create_default_context(), address, host, port, left):
            return issuer, subject, True
    except OSError:
        return issuer, subject, False


def _shaken(context: ssl.SSLContext, address: str, host: str, port: int, seconds: float) -> ssl.SSLSocket:
    """A connection with a completed handshake. Raises OSError."""
    plain = socket.create_connection((address, port), timeout=max(0.1, min(CONNECT_SECONDS, seconds)))
    try:
        return context.wrap_socket(plain, server_hostname=host.strip("[]"))
    except OSError:
        plain.close()
        raise


def _names(certificate: bytes | None) -> tuple[str | None, str | None]:
    """The issuer of a certificate (organisation and common name) and its host."""
    if not certificate:
        return None, None
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        parsed = x509.load_der_x509_certificate(certificate)
        organisation = parsed.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        common = parsed.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        parts = [str(found[0].value) for found in (organisation, common) if found]
        subject = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        host = str(subject[0].value) if subject else _first_host(parsed)
    except ValueError:
        return None, None
    return ", ".join(parts) or None, host


def _first_host(certificate: object) -> str | None:
    from cryptography import x509

    assert isinstance(certificate, x509.Certificate)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    return next((str(name.value) for name in names), None)
