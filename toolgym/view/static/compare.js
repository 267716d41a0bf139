"use strict";
// Two runs on the same tasks: a table of the tasks, and the two episodes of one task side by side.

const CHANGE_WORDS = {lost: "passed → failed", gained: "failed → passed", "both failed": "failed both times",
  "both passed": "passed both times", "not valid": "not valid in one"};

class CompareView {
  constructor() {
    this.choose = h("div", {class: "filters"});
    this.summary = h("div", {class: "summary"});
    this.table = h("table", {class: "episodes"});
    this.state = h("p", {class: "state", role: "status"});
    this.pager = h("nav", {class: "pager", "aria-label": "pages"});
    this.element = h("section", {}, this.choose, this.summary, this.state, h("div", {class: "scroll"}, this.table), this.pager);
  }

  set(changes) {
    go("compare", changed(this.query, {page: null, ...changes}), true);
  }

  async show(query, again) {
    this.query = query;
    if (!query.get("other")) {
      const other = runs.find(run => run.name !== query.get("run"));
      if (!other) {
        fill(this.choose);
        fill(this.state, "There is only one run. Name two: toolgym view RUN RUN");
        return null;
      }
      go("compare", changed(query, {other: other.name}), true);
      return null;
    }
    const found = await drawNew(this, "pairs", query, again);
    return found && {searched: found.searched, run: {done: Math.min(...found.runs.map(run => run.done))}};
  }

  draw(found) {
    const query = this.query, [one, other] = found.runs;
    const focused = [...this.choose.querySelectorAll("select")].indexOf(document.activeElement);
    if (!this.choose.contains(document.activeElement) || focused >= 0) {
      const search = h("input", {type: "search", id: "search", value: query.get("text") || "", placeholder: "in either episode",
        oninput: event => later(() => this.set({text: event.target.value}))});
      const names = runs.map(run => [run.name, runWords(run)]);
      fill(this.choose, choice("run", names, query.get("run"), run => this.set({run})),
        choice("compared with", names, query.get("other"), name => this.set({other: name})),
        choice("change", [["", `all (${found.every.toLocaleString("en")})`],
          ...found.changes.map(([name, n]) => [name, `${CHANGE_WORDS[name]} (${n.toLocaleString("en")})`])],
        query.get("change") || "", change => this.set({change})),
        found.categories.length > 1 && choice("category", [["", "all"], ...found.categories.map(([name, n]) => [name, `${name} (${n})`])],
          query.get("category") || "", category => this.set({category})),
        h("label", {class: "wide"}, h("span", {}, "text ", h("kbd", {}, "/")), search));
      if (focused >= 0) this.choose.querySelectorAll("select")[focused]?.focus();
    }
    const {difference} = found, up = difference.after - difference.before;
    fill(this.summary, difference.tasks > 0 && h("p", {class: "headline"},
      h("b", {}, `${percent(difference.before)} % → ${percent(difference.after)} % passed`),
      h("small", {}, `${up < 0 ? "−" : "+"}${Math.abs(100 * up).toFixed(1)} points, 95 % interval ` +
        [difference.low, difference.high].map(end => (100 * end).toFixed(1).replace("-", "−")).join(" to ") +
        `, over ${counted(difference.tasks, "task")} that both have played`)));
    fill(this.state, counted(found.matched, "task"), found.searched < 1 && h("span", {class: "note"}, `searching: ${percent(found.searched)} %`));
    const head = [["", "outcome"], ["task", "task"], ["", "request"], ["category", "category"], ["before", `reward: ${one.name}`],
      ["after", `reward: ${other.name}`], ["difference", "difference"]];
    const rows = found.rows.map(row => {
      const to = address("pair", changed(query, {task: row.task, repeat: row.repeat, page: null}));
      const rewards = row.rewards.map((reward, i) => row.outcomes[i] === "invalid" ? "–" : signed(reward));
      const both = !row.outcomes.includes("invalid");
      return h("tr", {onclick: opens(to)},
        h("td", {class: "outcomes"}, badge(row.outcomes[0]), " → ", badge(row.outcomes[1])),
        h("td", {class: "task"}, h("a", {href: to}, row.task, row.repeat ? ` · ${row.repeat}` : "")),
        h("td", {class: "request"}, row.request), h("td", {}, row.category),
        h("td", {class: "number", "data-label": "before"}, rewards[0]), h("td", {class: "number", "data-label": "after"}, rewards[1]),
        h("td", {class: "number", "data-label": "difference"}, both ? signed(row.rewards[1] - row.rewards[0]) : "–"));
    });
    fill(this.table, h("thead", {}, h("tr", {}, head.map(([name, label], i) => {
      const kind = i > 3 ? "number" : "words";
      return name ? sortHead(this, name, label, kind, name) : h("th", {scope: "col", class: kind}, label);
    }))), h("tbody", {}, rows.length ? rows : h("tr", {}, h("td", {class: "none", colspan: 7},
      found.every ? "No task fits these filters." : "These runs have no task in common."))));
    fill(this.pager, pages(found, query, "compare"));
  }

  key(event) {
    return tableKey(this, event);
  }
}

class PairView {
  constructor() {
    this.element = h("article", {class: "episode"});
  }

  async show(query, again) {
    await drawOnce(this, "pair", query, again);
    return null;
  }

  back() {
    return address("compare", changed(this.query, {task: null, repeat: null}));
  }

  draw({runs: both, episodes, place, of, previous, next}) {
    const [one, other] = episodes;
    const count = Math.max(one.turns.length, other.turns.length);
    this.turns = Array.from({length: count}, (_, i) => pairOfTurns(one.turns[i], other.turns[i], i, both));
    fill(this.element, steps(this, "pair", place, of, previous, next,
        h("button", {type: "button", onclick: () => copy(location.href, "the link")}, "copy link")),
      h("header", {}, h("h1", {tabindex: "-1"}, one.task, one.repeat ? ` · repeat ${one.repeat}` : ""),
        h("div", {class: "pair"}, episodes.map((episode, i) => h("div", {},
          h("p", {class: "facts"}, h("b", {}, both[i].name), badge(episode.outcome),
            fact("reward", episode.outcome === "invalid" ? "–" : signed(episode.reward)), fact("actions", episode.turns.length),
            h("a", {href: address("episode", new URLSearchParams({run: both[i].name, task: episode.task, repeat: episode.repeat}))}, "alone")),
          episode.why && h("p", {class: episode.outcome === "passed" ? "verdict" : "verdict bad"}, episode.why))))),
      requestOf(one),
      JSON.stringify(one.messages) !== JSON.stringify(other.messages) && h("p", {class: "note"}, "The prompts of the two runs differ."),
      foldLine(this), this.turns);
  }

  key(event) {
    return episodeKey(this, event);
  }
}

function pairOfTurns(one, other, i, both) {
  const texts = [one, other].map(turn => turn ? turn.text.map(([piece]) => piece).join("") : "");
  const pieces = one && other ? differences(...texts) : null;
  const same = one && other && texts[0] === texts[1];
  const side_ = (turn, kind, name) => h("div", {}, h("h3", {class: "side-name"}, name), turn ? [
    h("pre", {class: "text", tabindex: "0"}, pieces ? side(pieces, kind) : texts[kind === "-" ? 0 : 1] || h("i", {}, "(empty text)")),
    turn.calls.length > 0 && h("ol", {class: "calls"}, turn.calls.map(callOf)), h("ul", {class: "parts"}, turn.parts.map(partOf)),
    turn.replies.map(messageOf)] : h("p", {class: "note"}, "The episode has ended before."));
  return h("details", {class: "turn", open: true},
    h("summary", {}, h("b", {}, `action ${i + 1}`),
      h("span", {class: "score"}, [one, other].map(turn => turn ? signed(turn.reward) : "–").join(" → ")),
      h("span", {class: "note"}, same ? "the same text" : one && other && !pieces ? "too different to mark" : "")),
    h("div", {class: "pair"}, side_(one, "-", both[0].name), side_(other, "+", both[1].name)));
}
