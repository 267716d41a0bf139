"""Which IP addresses are on the public web, so that a model's URL cannot reach this machine or its network; URLs."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit, urlunsplit

_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
"""The last 32 bits are an IPv4 address. Networks with IPv6 only reach all IPv4 hosts this way."""
_REFUSED = [
    ip_network(each)
    for each in (
        "2001::/23",  # Teredo, and other protocols' own addresses
        "2001:db8::/32",
        "2002::/16",  # 6to4: reaches the IPv4 address inside
        "3fff::/20",
        "192.88.99.0/24",  # relays of 6to4
    )
]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to a host on the public web. Raises ValueError if ``address`` is not one.

    False for private, shared (CGNAT), loopback, link-local, site-local, multicast, reserved and unspecified
    addresses, and for IPv6 addresses that tunnel to an IPv4 address. IPv4-mapped and NAT64 addresses are as public as
    the IPv4 address inside.
    """
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and (found.ipv4_mapped is not None or found in _NAT64):
        found = IPv4Address(found.packed[-4:])
    if any(found in network for network in _REFUSED):
        return False
    if isinstance(found, IPv6Address) and found not in _UNICAST:
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def below(url: str, path: str) -> str:
    """The URL with ``path`` added to its path; its query is kept. Raises ValueError if it is not a URL of the web."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError("the address must start with http:// or https://, and name a host")
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + path, fragment=""))
