from __future__ import annotations

import hashlib
import http.server
import threading
import zipfile

import pytest

from toolgym import assets
from toolgym.assets import Asset, AssetError, fetch, matches, read_member
from toolgym.disk import atomic_folder


@pytest.fixture
def wheel(tmp_path):
    path = tmp_path / "source" / "thing-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("thing/data.json", '{"x": 1}')
    return path


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TOOLGYM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TOOLGYM_DATA", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def served(wheel):
    """The wheel on a real HTTP server on this machine."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(wheel.parent))

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def know(monkeypatch, wheel, url, sha256=None):
    digest = sha256 or hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setitem(assets.ASSETS, "thing", Asset("thing", wheel.name, digest, "MIT", url=f"{url}/{wheel.name}"))


def test_an_asset_is_downloaded_once(monkeypatch, cache, wheel, served):
    know(monkeypatch, wheel, served)
    first = fetch("thing")
    assert first == cache / wheel.name
    assert read_member("thing", "thing/data.json") == b'{"x": 1}'
    know(monkeypatch, wheel, "http://127.0.0.1:9")  # nobody listens there
    assert fetch("thing") == first
    with pytest.raises(AssetError, match="has no file thing/other"):
        read_member("thing", "thing/other")


def test_no_network_names_the_asset_and_where_to_put_it(monkeypatch, cache, wheel):
    know(monkeypatch, wheel, "http://127.0.0.1:9")
    with pytest.raises(AssetError, match=r"cannot download 'thing'(.|\n)*TOOLGYM_DATA") as error:
        fetch("thing")
    assert str(cache / wheel.name) in str(error.value)
    assert not list(cache.rglob("*.whl"))


def test_a_wrong_download_is_not_kept(monkeypatch, cache, wheel, served):
    know(monkeypatch, wheel, served, sha256="0" * 64)
    with pytest.raises(AssetError, match="wrong sha256"):
        fetch("thing")
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_damaged_cache_heals(monkeypatch, cache, wheel, served):
    know(monkeypatch, wheel, served)
    path = fetch("thing")
    path.write_bytes(path.read_bytes()[:-10])
    assert fetch("thing").read_bytes() == wheel.read_bytes()


def test_a_damaged_cache_without_network_is_a_clear_error(monkeypatch, cache, wheel, served):
    know(monkeypatch, wheel, served)
    path = fetch("thing")
    path.write_bytes(b"half")
    know(monkeypatch, wheel, "http://127.0.0.1:9")
    with pytest.raises(AssetError, match="cannot download"):
        fetch("thing")


def test_toolgym_data_comes_first_and_is_checked(monkeypatch, cache, wheel, tmp_path):
    know(monkeypatch, wheel, "http://127.0.0.1:9")
    other = tmp_path / "empty"
    other.mkdir()
    monkeypatch.setenv("TOOLGYM_DATA", f"{other}:{wheel.parent}")
    assert fetch("thing") == wheel
    wheel.write_bytes(b"something else")
    with pytest.raises(AssetError, match=r"TOOLGYM_DATA.*not the 'thing'"):
        fetch("thing")


def test_a_cache_that_cannot_be_written(monkeypatch, wheel, served, tmp_path):
    know(monkeypatch, wheel, served)
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("TOOLGYM_CACHE", str(tmp_path / "file"))
    monkeypatch.delenv("TOOLGYM_DATA", raising=False)
    with pytest.raises(AssetError, match="TOOLGYM_CACHE"):
        fetch("thing")


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "model"

    def fail_half_way():
        with atomic_folder(target) as folder:
            (folder / "half").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert list(tmp_path.iterdir()) == []
    for text in ("one", "two"):
        with atomic_folder(target) as folder:
            (folder / "weights").write_text(text)
        assert (target / "weights").read_text() == text
    assert list(tmp_path.iterdir()) == [target]


def test_a_git_blob_id_is_a_checksum_too(monkeypatch, cache, wheel, served, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"hello\n")
    assert matches(path, "ce013625030ba8dba906f756967f9e9ca394464a")  # echo hello | git hash-object --stdin
    assert not matches(path, "0" * 40)
    know(monkeypatch, wheel, served, sha256="0" * 40)
    with pytest.raises(AssetError, match="wrong git blob id"):
        fetch("thing")
    data = wheel.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    know(monkeypatch, wheel, served, sha256=blob)
    assert fetch("thing").read_bytes() == data


def test_assets_in_folders_are_found_there_or_by_their_name_alone(monkeypatch, cache, wheel, tmp_path):
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    asset = Asset("thing", f"source/{wheel.name}", digest, "MIT", url="http://127.0.0.1:9")
    monkeypatch.setitem(assets.ASSETS, "thing", asset)
    for folder in (tmp_path, tmp_path / "source"):
        monkeypatch.setenv("TOOLGYM_DATA", str(folder))
        assert fetch("thing") == wheel


def test_a_namesake_in_another_folder_does_no_harm(monkeypatch, cache, wheel, tmp_path):
    know(monkeypatch, wheel, "http://127.0.0.1:9")
    other = tmp_path / "other"
    other.mkdir()
    (other / wheel.name).write_text("something else")
    monkeypatch.setenv("TOOLGYM_DATA", f"{other}:{wheel.parent}")
    assert fetch("thing") == wheel


def test_every_asset_has_a_checksum_and_a_source():
    for asset in assets.ASSETS.values():
        assert len(asset.checksum) in (40, 64)
        assert set(asset.checksum) <= set("0123456789abcdef")
        assert (asset.wheel is None) != (asset.url is None)
    assert len({asset.filename for asset in assets.ASSETS.values()}) == len(assets.ASSETS)


def test_checksums_follow_the_file(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"a")
    digest = hashlib.sha256(b"a").hexdigest()
    assert matches(path, digest)
    path.write_bytes(b"bb")
    assert not matches(path, digest)
