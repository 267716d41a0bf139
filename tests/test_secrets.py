"""Keys, passwords and tokens are used, and neither shown nor stored."""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from asking import BOTH, KEY
from chat_server import refused, serving
from conftest import shop

from toolgym import evaluate
from toolgym.agents.endpoint import Endpoint
from toolgym.cli.main import main
from toolgym.rollout import run_settings
from toolgym.secrets import Secrets, shown_url, without_secrets


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)


def forms(secret):
    """How servers and libraries write a secret."""
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret), quote(quote(secret, safe="")))
    yield from (json.dumps(secret)[1:-1], secret.replace("/", "\\/"), escape(secret), secret.replace("+", "&#x2B;"))
    yield from (secret.replace("+", "&#43;"), secret.replace("+", "\\u002b"), secret.replace("/", "&sol;"))
    yield from (
        re.sub("%..", lambda found: found[0].lower(), quote(secret, safe="")),
        b64encode(secret.encode()).decode(),
    )
    yield "".join(f"%{byte:02x}" for byte in secret.encode())
    yield secret[: len(secret) // 2 + 4]  # cut off by the server


SECRETS = [
    "sk-very/secret+key=1",
    'p@ss"w\\ord<&>/+',
    "pässwörd-💥-secret",
    "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl" * 30,
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_masked_in_every_form(secret):
    mask = Secrets([secret]).masked
    for form in forms(secret):
        assert mask(f"a {form} b {form}") in ("a *** b ***", "a ***= b ***=", "a ***== b ***=="), form
    assert mask("nothing here") == "nothing here"
    assert mask("http://user:pass@host/x and https://a@b") == "http://***@host/x and https://***@b"


def test_masking_takes_linear_time():
    secret = "a" * 40 + "b"
    began = time.monotonic()
    Secrets([secret]).masked("a" * 200_000)
    assert time.monotonic() - began < 2


@BOTH
@pytest.mark.parametrize("key_env", ["TEST_KEY", None])
def test_credentials_of_the_address_are_used_and_shown_nowhere(kind, key_env, tmp_path):
    seen = []

    def respond(body):
        sent = server.headers[-1].get("Authorization", "")
        echo = f"{server.paths[-1]} {sent} us3rname hun+er/2 {quote('hun+er/2', safe='')} t0ken&1 {KEY}"
        seen.append(echo)
        return refused(("x" * 470 if len(seen) > 1 else "") + echo, 400 if len(seen) % 2 else 500)

    with serving(respond) as server:
        place = server.url.removeprefix("http://")
        url = f"http://us3rname:{quote('hun+er/2', safe='')}@{place}?key=t0ken%261&api-version=7"
        agent = kind("tiny", url, key_env, max_retries=0)
        shown = [repr(agent), str(vars(agent)), agent.url]
        for i in range(2):
            (found,) = evaluate(shop, agent, n=1, out=tmp_path / str(i))
            shown += [found.error, (tmp_path / str(i) / "run.json").read_text()]
            shown.append((tmp_path / str(i) / "episodes.jsonl").read_text())
        assert server.paths[0] == "/v1/chat/completions?key=t0ken%261&api-version=7"
        basic = b64encode(b"us3rname:hun+er/2").decode()
        assert server.headers[0]["Authorization"] == (f"Bearer {KEY}" if key_env else f"Basic {basic}")
    for secret in ("hun+er", "hun%2Ber", "t0ken", basic[:8], *([KEY, "sk-very"] if key_env else [])):
        assert not [each for each in shown if secret in each], secret
    assert "***@127.0.0.1" in repr(agent)
    assert "key=***&api-version=7" in repr(agent)


def test_urls_in_settings_are_kept_without_their_secrets(tmp_path):
    options = {"search_options": {"url": "http://u:pass@h/x?token=t0k"}, "judge": ["https://u@h"], "n": 1}
    kept = run_settings("x", Endpoint("tiny", "http://h/v1", None), options, 1, 1, 0)
    assert kept["env_kwargs"]["search_options"] == {"url": "http://***@h/x?token=***"}
    assert kept["env_kwargs"]["judge"] == ["https://***@h"]
    assert options["search_options"]["url"] == "http://u:pass@h/x?token=t0k"
    assert shown_url("http://h/x?v=1&k&a=b#c") == "http://h/x?v=1&k&a=***#c"


def test_a_comparison_keeps_no_credentials_of_an_agents_address(tmp_path, capsys):
    with serving(lambda body: refused(f"no {server.headers[-1]['Authorization']} us3r pa55word t0ken")) as server:
        url = server.url.replace("://", "://us3r:pa55word@") + "?key=t0ken"
        command = ["compare", "--agents", f"endpoint:model=tiny,base_url={url}", "--suites", "functions", "-n", "1"]
        main([*command, "--out", str(tmp_path)])
        assert "Authorization" in server.headers[0]
    printed = capsys.readouterr()
    shown = [printed.out, printed.err, *map(str, tmp_path.rglob("*"))]
    shown += [path.read_bytes().decode("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file()]
    basic = b64encode(b"us3r:pa55word").decode()
    for secret in ("pa55", "t0ken", basic):
        assert not [each for each in shown if secret in each], secret
    assert any("***@127.0.0.1" in each for each in shown)


@pytest.mark.parametrize(
    "url", ["postgres://me:HUSH@db/x", "s3+https://me:HUSH@host/a", "https://a/b#access_token=HUSH", "ftp://h/?t=HUSH"]
)
def test_addresses_of_any_scheme_are_kept_without_their_secrets(url):
    for value in (url, [url], {"a": [{"b": f"see {url}, please"}]}):
        assert "HUSH" not in json.dumps(without_secrets(value))
    assert without_secrets("https://a/b#section and x://y") == "https://a/b#section and x://y"


def test_addresses_are_looked_for_in_linear_time():
    start = time.perf_counter()
    for text in ("a" * 300_000, "a.+-" * 80_000, "a://" * 80_000, "a:" * 150_000):
        without_secrets(text)
    assert time.perf_counter() - start < 2
