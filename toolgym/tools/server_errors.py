"""Exceptions of libraries that speak to servers: whether the server is down. No library is imported for that.

Each answer is True (the server is down or refuses the author's key), or None (an answer to the policy's arguments).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

FAILURES = {
    "socket": {"gaierror", "herror"},
    "ssl": {"SSLError"},
    "http": {"HTTPException"},
    "urllib": {"ContentTooShortError"},
    "multiprocessing": {"TimeoutError"},
    "concurrent": {"TimeoutError"},
    "asyncio": {"IncompleteReadError", "TimeoutError"},
    "subprocess": {"TimeoutExpired"},
    "imaplib": {"abort"},
    "smtplib": {"SMTPServerDisconnected", "SMTPConnectError"},
    "ftplib": {"error_temp", "error_proto"},
    "nntplib": {"NNTPProtocolError", "NNTPDataError"},
    "urllib3": {"TimeoutError", "ProtocolError", "PoolError", "SSLError", "ProxyError", "DecodeError", "ResponseError"},
    "requests": {"ConnectionError", "Timeout", "ChunkedEncodingError", "ContentDecodingError", "RetryError",
                 "TooManyRedirects"},
    "httpx": {"TransportError", "DecodingError", "TooManyRedirects"},
    "httpcore": {"NetworkError", "TimeoutException", "ProtocolError", "ProxyError"},
    "aiohttp": {"ClientConnectionError", "ClientPayloadError"},
    "websockets": {"ConnectionClosed", "InvalidHandshake"},
    "websocket": {"WebSocketTimeoutException", "WebSocketConnectionClosedException", "WebSocketProxyException"},
    "openai": {"APIConnectionError"},
    "anthropic": {"APIConnectionError"},
    "botocore": {"HTTPClientError", "ConnectionError", "EndpointConnectionError", "ConnectTimeoutError",
                 "ReadTimeoutError", "ConnectionClosedError", "ProxyConnectionError", "SSLError", "NoCredentialsError",
                 "CredentialRetrievalError", "TokenRetrievalError", "UnauthorizedSSOTokenError"},
    "google": {"ServiceUnavailable", "TooManyRequests", "InternalServerError", "BadGateway", "GatewayTimeout",
               "DeadlineExceeded", "ResourceExhausted", "Unauthenticated", "RetryError", "TransportError",
               "RefreshError", "DefaultCredentialsError"},
    "azure": {"ServiceRequestError", "ServiceResponseError"},
    "redis": {"ConnectionError", "TimeoutError", "BusyLoadingError", "ClusterDownError"},
    "valkey": {"ConnectionError", "TimeoutError", "BusyLoadingError", "ClusterDownError"},
    "pymemcache": {"MemcacheServerError", "MemcacheUnexpectedCloseError"},
    "pymongo": {"ConnectionFailure", "AutoReconnect", "NetworkTimeout", "ServerSelectionTimeoutError",
                "NotPrimaryError", "WaitQueueTimeoutError", "WTimeoutError"},
    "kombu": {"OperationalError", "ConnectionLimitExceeded", "ChannelLimitExceeded"},
    "amqp": {"ConnectionError", "ConnectionForced", "RecoverableConnectionError"},
    "aio_pika": {"AMQPConnectionError"},
    "aiormq": {"AMQPConnectionError"},
    "pika": {"AMQPConnectionError", "ConnectionClosed", "ConnectionOpenAborted", "StreamLostError",
             "AMQPHeartbeatTimeout", "ConnectionBlockedTimeout"},
    "kafka": {"KafkaConnectionError", "KafkaTimeoutError", "NoBrokersAvailable", "NodeNotReadyError"},
    "aiokafka": {"KafkaConnectionError", "KafkaTimeoutError", "NodeNotReadyError"},
    "asyncpg": {"PostgresConnectionError", "CannotConnectNowError", "TooManyConnectionsError", "AdminShutdownError",
                "CrashShutdownError", "InsufficientResourcesError", "DiskFullError", "InvalidPasswordError",
                "InvalidAuthorizationSpecificationError", "ConnectionDoesNotExistError"},
    "sqlalchemy": {"TimeoutError", "DisconnectionError"},
    "cassandra": {"OperationTimedOut", "NoHostAvailable", "Unavailable"},
    "neo4j": {"ServiceUnavailable", "SessionExpired", "TransientError"},
    "elasticsearch": {"ConnectionError", "ConnectionTimeout"},
    "elastic_transport": {"ConnectionError", "ConnectionTimeout"},
    "opensearchpy": {"ConnectionError", "ConnectionTimeout"},
    "paramiko": {"NoValidConnectionsError", "AuthenticationException"},
    "stripe": {"APIConnectionError", "RateLimitError"},
}  # fmt: skip
"""Top-level package -> its classes, subclasses included, that mean a failure of the network or of the server."""
ARGUMENTS = {"http": {"InvalidURL"}, "httpx": {"UnsupportedProtocol", "LocalProtocolError"},
             "httpcore": {"UnsupportedProtocol", "LocalProtocolError"}}  # fmt: skip
"""Exceptions to these: subclasses for requests that no server could answer."""
STATUS = {
    "urllib": {"HTTPError"},
    "xmlrpc": {"ProtocolError"},
    "requests": {"HTTPError"},
    "httpx": {"HTTPStatusError"},
    "aiohttp": {"ClientResponseError"},
    "openai": {"APIStatusError"},
    "anthropic": {"APIStatusError"},
    "google": {"GoogleAPICallError", "APIError"},
    "googleapiclient": {"HttpError"},
    "azure": {"HttpResponseError"},
    "tornado": {"HTTPClientError"},
    "elasticsearch": {"ApiError"},
    "opensearchpy": {"TransportError"},
}
"""Top-level package -> its classes that carry the HTTP status of an answer."""
SERVERS_OWN = frozenset({401, 403, 407, 408, 425, 429})
"""HTTP statuses below 500 that no arguments of a call could cause."""

_MAIL = frozenset({421, 432, 450, 451, 452, 454, 530, 534, 535})
_NEWS = ("400", "403", "480", "481", "482", "502", "503")
_POP = re.compile(r"\[(SYS|IN-USE|LOGIN-DELAY|AUTH)|temporar|unavailable|try again|busy|lock|time.?out|internal", re.I)
_SQLITE = re.compile(
    r"disk I/O|is locked|is full|unable to open database|is malformed|not a database|locking protocol|out of memory"
)
_MYSQL = frozenset({1021, 1037, 1040, 1041, 1042, 1043, 1044, 1045, 1053, 1077, 1078, 1079, 1129, 1130, 1152,
                    *range(1154, 1162), 1184, 1203, 1205, 1213, 1226, 1290, 1792, 1836, 1927, 3159,
                    *range(2000, 2100)})  # fmt: skip
_RPC = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "PERMISSION_DENIED",
                  "INTERNAL", "UNKNOWN", "DATA_LOSS", "UNIMPLEMENTED"})  # fmt: skip
"""The codes of gRPC that its HTTP mapping gives a status 5xx, 429, 403 or 401."""
_AWS = re.compile(
    r"Throttl|SlowDown|LimitExceeded|TooManyRequests|Unavailable|Internal|RequestTimeout|ExpiredToken|InvalidClientToken"
    r"|UnrecognizedClient|SignatureDoesNotMatch|AccessDenied|InvalidAccessKey|AuthFailure|BandwidthLimit"
)


def _mail(error: Any) -> bool | None:
    recipients = getattr(error, "recipients", None)
    if isinstance(recipients, Mapping):
        return True if any(code in _MAIL for code, _ in recipients.values()) else None
    return True if getattr(error, "smtp_code", None) in _MAIL else None


def _pop(error: Any) -> bool | None:
    """The server's refusals are bytes; a connection that ended is a text of the library's own."""
    said = error.args[0] if error.args else ""
    return True if not isinstance(said, bytes) or _POP.search(said.decode("latin-1")) else None


def _reply(*codes: str) -> Callable[[Any], bool | None]:
    return lambda error: True if str(getattr(error, "response", error)).startswith(codes) else None


def _sqlite(error: Any) -> bool | None:
    return True if _SQLITE.search(str(error)) else None


def _mysql(error: Any) -> bool | None:
    """Drivers of MySQL call an unknown column an OperationalError too: the number decides."""
    number = getattr(error, "errno", None)
    if number is None:
        number = error.args[0] if error.args else None
    return True if not isinstance(number, int) or number <= 0 or number in _MYSQL else None


def _postgres(error: Any) -> bool | None:
    """A query that is too complex (class 54) is the policy's."""
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return None if str(state).startswith("54") else True


def _rpc(error: Any) -> bool | None:
    code = getattr(error, "code", None) or getattr(error, "status", None)
    code = code() if callable(code) else code
    return True if str(getattr(code, "name", code)).rpartition(".")[2] in _RPC else None


def _aws(error: Any) -> bool | None:
    response = error.response
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if isinstance(status, int) and (status >= 500 or status in SERVERS_OWN):
        return True
    return True if _AWS.search(str(response.get("Error", {}).get("Code", ""))) else None


SPOKEN: dict[tuple[str, str], Callable[[Any], bool | None]] = {
    ("smtplib", "SMTPResponseException"): _mail,
    ("smtplib", "SMTPRecipientsRefused"): _mail,
    ("poplib", "error_proto"): _pop,
    ("ftplib", "error_perm"): _reply("530", "532"),
    ("nntplib", "NNTPTemporaryError"): _reply(*_NEWS),
    ("nntplib", "NNTPPermanentError"): _reply(*_NEWS),
    ("sqlite3", "DatabaseError"): _sqlite,
    ("grpc", "RpcError"): _rpc,
    ("grpclib", "GRPCError"): _rpc,
    ("botocore", "ClientError"): _aws,
    **{
        (package, kind): _mysql
        for package in ("pymysql", "MySQLdb", "mysql", "mariadb", "aiomysql", "asyncmy")
        for kind in ("OperationalError", "InterfaceError")
    },
    **{
        (package, kind): _postgres
        for package in ("psycopg", "psycopg2", "pg8000", "redshift_connector", "oracledb", "cx_Oracle", "pyodbc",
                        "pymssql", "snowflake", "duckdb_engine", "trino")
        for kind in ("OperationalError", *(["InterfaceError"] if package.startswith("psycopg") else ()))
    },
}  # fmt: skip
"""(top-level package, class) -> the answer of an exception whose number or text decides."""
