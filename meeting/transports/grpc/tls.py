"""TLS for gRPC: HTTP/2 is agreed on in the handshake, and nothing older than TLS 1.2 is spoken."""

import ssl
from pathlib import Path


def server(certificate: Path, key: Path) -> ssl.SSLContext:
    """Show this chain, in PEM."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return _agreed(context)


def client(authority: Path | None) -> ssl.SSLContext:
    """Trust whom this file of PEM names; None: whom the system trusts."""
    return _agreed(ssl.create_default_context(cafile=authority))


def _agreed(context: ssl.SSLContext) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    return context
