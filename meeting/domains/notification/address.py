"""Where a login came from: addresses of one net are one place."""

from ipaddress import IPv6Address, ip_address, ip_network

LONGEST = 64
"""More than any address takes, with a zone behind it."""
IPV4_BITS = 24
IPV6_BITS = 48


def place_of(text: str) -> tuple[str, str] | None:
    """Return an address as it is usually written, and its net; None where the text is none.

    An IPv4 address in the clothes of IPv6 (`::ffff:192.0.2.1`) is one of IPv4.
    """
    if len(text) > LONGEST:
        return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = IPV4_BITS if address.version == 4 else IPV6_BITS
    return str(address), str(ip_network((address, bits), strict=False))
