"""The viewer in a real Chromium: clicks, keys, links, sizes, colours; skipped on a machine without one."""

from __future__ import annotations

import json
import threading

import pytest
from chromium import BINARY, Chromium
from test_report import NASTY, episode
from test_view import lines, save, training_run
from viewed import MILK, played, saying, shop_run

from toolgym.report.page import write_page
from toolgym.report.table import make_run
from toolgym.view.library import Library
from toolgym.view.one_file import write_one_file
from toolgym.view.server import ViewServer

pytestmark = pytest.mark.skipif(BINARY is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("profile")) as found:
        found.look()
        yield found


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    shop_run(folder / "plain")
    shop_run(folder / "better", better=True)
    odd = [episode(f"t{i:03}", success=i % 3 > 0, reward=float(i % 7), category="ab"[i % 2]) for i in range(240)]
    nasty = episode("nasty", text=NASTY, verdict=NASTY, success=False, category=NASTY)
    save(folder / "many", nasty, *odd)
    return [folder / name for name in ("many", "plain", "better")] + [training_run(folder / "grpo")]


@pytest.fixture(scope="module")
def url(folders):
    with ViewServer(Library(folders)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.url
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module", params=["server", "one file"])
def page(request, url, folders, tmp_path_factory):
    """The address of the page, from the server and as one file: everything works in both."""
    if request.param == "server":
        return url
    return write_one_file(Library(folders), tmp_path_factory.mktemp("page") / "page.html").as_uri()


@pytest.fixture(autouse=True)
def no_errors(browser):
    browser.messages.clear()
    yield
    assert browser.messages == []


def tasks(browser):
    return browser.run("[...document.querySelectorAll('tbody td.task a')].map(a => a.textContent)")


def address(browser):
    return browser.run("location.hash")


def text(browser):
    return browser.run("document.body.innerText")


def test_the_table_is_filtered_sorted_and_paged(browser, page):
    browser.open(f"{page}#/episodes?run=many")
    browser.wait("document.querySelectorAll('tbody td.task').length === 100")
    assert "241 episodes" in text(browser)
    browser.click("[rel=next]")
    browser.wait("location.hash.includes('page=2') && document.querySelector('td.task a').textContent === 't099'")
    browser.click("th:nth-child(5) button")  # reward, highest first
    browser.wait("document.querySelector('th[aria-sort=descending]')")
    assert tasks(browser)[:2] == ["t006", "t013"]
    browser.run(
        "(choice => { choice.value = 'failed'; choice.dispatchEvent(new Event('change')); })"
        "(document.querySelector('.filters label select'))"
    )
    browser.wait("document.body.innerText.includes('81 of 241 episodes')")
    browser.press("/")
    browser.wait("document.activeElement.id === 'search'")
    browser.type("T07")
    browser.wait("document.querySelectorAll('tbody td.task').length === 3")
    assert sorted(tasks(browser)) == ["t072", "t075", "t078"]
    assert browser.run("document.activeElement.id") == "search", "typing goes on"
    kept = address(browser)
    browser.open(page + kept)  # a link to this view
    browser.wait("document.querySelectorAll('tbody td.task').length === 3")
    assert browser.run("document.getElementById('search').value") == "T07"


def test_reward_parts_filter_and_columns_are_chosen(browser, page):
    browser.open(f"{page}#/episodes?run=plain&where=part:correctness<5&columns=task~part:correctness~part:name")
    browser.wait("document.querySelectorAll('tbody td.task').length === 2")
    heads = browser.run("[...document.querySelectorAll('table.episodes th')].map(e => e.innerText)")
    assert heads == ["task", "correctness", "correctness: tool names"]
    browser.run("document.querySelector('.menu').open = true")
    browser.click(".boxes label:first-child input")
    browser.wait("document.querySelectorAll('table.episodes th').length === 4")
    assert "columns=outcome" in address(browser)


def test_keys_lead_from_the_table_through_episodes_and_back(browser, page):
    browser.open(f"{page}#/episodes?run=plain&outcome=failed")
    browser.wait("document.querySelectorAll('tbody td.task').length === 2")
    browser.press("j", "j", "k", "Enter")
    browser.wait("document.querySelector('h1')?.textContent.includes('milk')")
    assert "1 of 2" in text(browser)
    browser.press("j")
    browser.wait("document.querySelector('h1').textContent.includes('count')")
    browser.press("ArrowLeft")
    browser.wait("document.querySelector('h1').textContent.includes('milk')")
    browser.press("e")
    browser.wait("document.querySelectorAll('details.turn[open]').length === 0")
    browser.press("e")
    browser.wait("document.querySelectorAll('details.turn[open]').length === 2")
    browser.press("?")
    browser.wait("document.querySelector('dialog[open]')")
    browser.press("Escape")
    browser.wait("!document.querySelector('dialog')")
    browser.press("u")
    browser.wait("document.querySelectorAll('tbody td.task').length === 2")
    assert address(browser) == "#/episodes?run=plain&outcome=failed"
    browser.run("history.back()")
    browser.wait("document.querySelector('h1')?.textContent.includes('milk')")


def test_an_episode_shows_its_calls_beside_the_expected_calls(browser, page):
    browser.open(f"{page}#/episode?run=plain&task=milk&repeat=0")
    browser.wait("document.querySelector('tr.differs')")
    rows = browser.run(
        "[...document.querySelectorAll('.parameters tbody tr')].map(r => [...r.cells].map(c => c.innerText))"
    )
    assert rows == [
        ["item", '"milk"', '"milk"', ""],
        ["quantity", "3", "2", "differs"],
        ["fast", "true", "–", "surplus"],
    ]
    assert "correctness" in text(browser)
    assert browser.run("document.querySelector('mark').dataset.call") == "1"
    browser.click("details.turn > summary")
    browser.wait("!document.querySelector('details.turn').open")


def test_copies(browser, page):
    browser.open(f"{page}#/episode?run=plain&task=milk&repeat=0")
    browser.wait("document.querySelector('details.turn')")
    browser.run("navigator.clipboard.writeText = async text => { window.copied = text; }, 1")
    for i, wanted in ((1, "#/episode?run=plain"), (3, "plain --task milk")):
        browser.click(f".copies button:nth-child({i})")
        assert wanted in browser.wait("window.copied")
        browser.run("window.copied = ''")
    browser.press("c")
    found = json.loads(browser.wait("window.copied"))
    assert found.get("task_id", found.get("task")) == "milk"
    browser.run("navigator.clipboard.writeText = async () => { throw new Error('no'); }, 1")
    browser.click(".copies button:nth-child(1)")
    assert "#/episode" in browser.wait("document.querySelector('dialog textarea').value")
    browser.press("Escape")


def test_two_runs_side_by_side_with_the_difference_marked(browser, page):
    browser.open(f"{page}#/compare?run=plain&other=better")
    browser.wait("document.querySelectorAll('tbody td.task').length === 3")
    assert "33.3 % → 100.0 % passed" in text(browser)
    browser.click("tbody tr:first-child td.task a")
    browser.wait("document.querySelector('del')")
    first = browser.run(
        "['del', 'ins'].map(name => [...document.querySelectorAll(`.turn:first-of-type ${name}`)]"
        ".map(e => e.textContent).join('|'))"
    )
    assert first[0].startswith("3")
    assert first[1].startswith("2")
    browser.press("j")
    browser.wait("document.querySelector('h1').textContent.includes('count')")
    assert "the same text" in text(browser)
    browser.press("Escape")
    browser.wait("document.querySelectorAll('tbody td.task').length === 3")


def test_the_difference_of_texts_gives_both_texts_back(browser, page):
    browser.open(page)
    browser.wait("document.querySelector('nav a')")
    found = browser.run("""(() => {
      const words = ["a", "b", " ", "<", "é", "\\n", "1"];
      let seed = 7;
      const random = n => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
      const text = () => Array.from({length: random(30)}, () => words[random(words.length)]).join("");
      for (let i = 0; i < 400; i++) {
        const [a, b] = [text(), text()], pieces = differences(a, b);
        const back = kind => pieces.filter(([each]) => [" ", kind].includes(each)).map(([, piece]) => piece).join("");
        if (back("-") !== a || back("+") !== b) return [a, b, pieces];
      }
      const long = differences("a ".repeat(9000), "b ".repeat(9000));
      return long === null ? "right" : "unbounded";
    })()""")
    assert found == "right"


def test_a_training_run_and_the_tokens_of_its_groups(browser, page):
    browser.open(f"{page}#/training")
    browser.wait("document.querySelectorAll('svg.curve').length === 2")
    browser.click(".kept a")
    browser.wait("document.querySelectorAll('tbody td.task').length === 2")
    browser.click("tbody tr:nth-child(2) td.task a")
    browser.wait("document.querySelector('.token.up')")
    browser.click(".tokens .text .token.up")
    browser.wait("document.querySelector('.tokens output').value.includes('advantage 0.7')")
    assert browser.run("document.querySelector('.text .token.environment').textContent") == "<b>"


def test_no_text_of_a_model_becomes_markup(browser, page):
    browser.open(f"{page}#/episode?run=many&task=nasty&repeat=0")
    browser.wait("document.querySelector('details.turn')")
    assert browser.run("document.querySelectorAll('article img, article script').length") == 0
    assert "<img src=x" in text(browser)
    browser.open(f"{page}#/episodes?run=many")
    browser.wait("document.querySelectorAll('tbody td.task').length === 100")
    assert browser.run("document.querySelectorAll('section img, section script').length") == 0


VIEWS = {
    "table": ("#/episodes?run=many", "td.task"),
    "episode": ("#/episode?run=plain&task=milk&repeat=0", "tr.differs"),
    "compare": ("#/compare?run=plain&other=better", "td.task"),
    "pair": ("#/pair?run=plain&other=better&task=milk&repeat=0", "del"),
    "training": ("#/training", "svg.curve"),
}
CONTRAST = """(() => {
  const channel = v => v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
  const worst = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest(".off, #told, svg, .token")) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) worst.push([ratio.toFixed(2), e.tagName, e.className, e.textContent.slice(0, 30)]);
  }
  return worst;
})()"""


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_fits_a_phone_and_can_be_read_in_both_schemes(browser, url, view):
    place, ready = VIEWS[view]
    try:
        for dark in (False, True):
            browser.look(width=400, height=800, dark=dark)
            browser.open(url + place)
            browser.wait(f"document.querySelector({json.dumps(ready)})")
            assert browser.run("document.documentElement.scrollWidth") <= 400
            assert browser.run(CONTRAST) == []
    finally:
        browser.look()


@pytest.mark.parametrize("view", VIEWS)
def test_every_control_has_a_name_and_can_be_reached_by_keys(browser, url, view):
    place, ready = VIEWS[view]
    browser.open(url + place)
    browser.wait(f"document.querySelector({json.dumps(ready)})")
    nameless = browser.run(
        "[...document.querySelectorAll('button, a[href], select, input, summary')].filter(e => !(e.textContent.trim() "
        "|| e.getAttribute('aria-label') || e.labels?.length)).map(e => e.outerHTML)"
    )
    assert nameless == []
    browser.press("Tab")
    assert browser.run("document.activeElement !== document.body && document.activeElement.matches(':focus-visible')")


def test_a_run_that_goes_on_is_followed_without_losing_the_place(browser, tmp_path):
    folder = shop_run(tmp_path / "run")
    with ViewServer(Library([folder])) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        browser.open(server.url)
        browser.wait("document.querySelectorAll('tbody td.task').length === 3")
        browser.press("j", "j")
        with (folder / "episodes.jsonl").open("ab") as file:
            file.write(lines(played("milk", MILK, saying("Done."), repeat=1)))
        browser.wait("document.querySelectorAll('tbody td.task').length === 4")
        assert browser.run("document.activeElement.textContent") == "count"
        offline = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        browser.call("Network.emulateNetworkConditions", offline=True, **offline)
        browser.wait("document.querySelector('.failure').innerText.includes('Is toolgym view still running?')")
        browser.messages.clear()
        browser.call("Network.emulateNetworkConditions", offline=False, **offline)
        browser.wait("document.querySelector('.failure').hidden")
        browser.open("about:blank")
        server.shutdown()


def test_ten_thousand_episodes_are_there_at_once(browser, tmp_path):
    folder = save(tmp_path / "run", *(episode(f"t{i:05}", reward=float(i % 9)) for i in range(10_000)))
    library = Library([folder])
    library.runs["run"].index.refresh(60)
    with ViewServer(library) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        browser.open(server.url)
        browser.wait("document.querySelectorAll('tbody td.task').length === 100")
        assert browser.run("document.querySelectorAll('*').length") < 3000
        server.shutdown()
        browser.open("about:blank")


def test_runs_without_a_common_task_have_nothing_to_filter(browser, page):
    browser.open(f"{page}#/compare?run=many&other=plain")
    browser.wait("document.body.innerText.includes('no task in common')")
    labels = browser.run("[...document.querySelectorAll('.filters select')].map(each => each.parentNode.textContent)")
    assert [label for label in labels if label.startswith("category")] == []


def test_a_link_opens_an_episode_of_the_static_page(browser, tmp_path):
    found = [episode("a/b c", success=False), episode("<t>", success=True)]
    path = write_page([make_run(found, "plain")], tmp_path / "page.html")
    browser.open(path.as_uri())
    browser.wait("document.querySelectorAll('details.episode').length === 2")
    assert browser.run("document.querySelectorAll('details.episode[open]').length") == 0
    link = browser.run("document.querySelector('details.episode a.link').getAttribute('href')")
    assert link == "#1-a%2Fb%20c-1"
    browser.open(path.as_uri() + link)
    browser.wait("document.querySelectorAll('details.episode[open]').length === 1")
    assert "a/b c" in browser.run("document.querySelector('details.episode[open] > summary').innerText")
