"use strict";
// The data of a page that is one file: what the server would answer, from the data in the page.

const PAGE = 100;
const DATA = JSON.parse(document.getElementById("data").textContent);
const COMPARISONS = {"<": (a, b) => a < b, "<=": (a, b) => a <= b, "=": (a, b) => a === b, ">=": (a, b) => a >= b, ">": (a, b) => a > b};
const keyOf = row => JSON.stringify([row.task, row.repeat]);
DATA.runs.runs.forEach(({name}) => DATA.tables[name].rows.forEach((row, i) => { row.kept = DATA.episodes[name][i]; }));

function countsOf(values) {
  const found = new Map();
  values.forEach(value => found.set(value, (found.get(value) || 0) + 1));
  return found;
}

function textOf(row) {
  if (row.text === undefined) {
    const {episode} = row.kept;
    const turns = episode.turns.flatMap(turn => [turn.text.map(([piece]) => piece).join(""),
      ...turn.calls.map(call => call.result || ""), ...turn.replies.map(message => message.text)]);
    row.text = [episode.task, ...episode.messages.filter(message => message.role !== "system").map(message => message.text),
      ...turns, episode.why].join("\n").toLowerCase();
  }
  return row.text;
}

function sorted(rows, key, falling) {
  const known = rows.filter(row => key(row) !== undefined), unknown = rows.filter(row => key(row) === undefined);
  const way = falling ? -1 : 1;
  return [...known.sort((a, b) => way * (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0)), ...unknown];
}

function selected(run, query) {
  let rows = [...rowsOf(run)];
  for (const name of ["outcome", "category", "error"]) {
    const wanted = query.getAll(name).filter(Boolean);
    if (wanted.length) rows = rows.filter(row => wanted.includes(row[name]));
  }
  const endings = query.getAll("ending").filter(Boolean);
  if (endings.length) rows = rows.filter(row => endings.some(each => row.endings.includes(each)));
  for (const where of query.getAll("where")) {
    const [, name, sign, value] = where.match(/^(.{1,200}?)(<=|>=|<|>|=)(-?[0-9.]{1,30})$/s) || [];
    if (!name) throw new Error(`where=${where} is not a comparison such as format<1`);
    rows = rows.filter(row => name in row && COMPARISONS[sign](Math.round(row[name] * 1e9) / 1e9, Number(value)));
  }
  const text = (query.get("text") || "").toLowerCase();
  if (text.trim()) rows = rows.filter(row => textOf(row).includes(text));
  const sort = query.get("sort") || "", name = sort.replace(/^-/, "");
  return name ? sorted(rows, row => row[name], sort.startsWith("-")) : rows;
}

function pairsOf(query) {
  const [one, other] = [query.get("run"), query.get("other")];
  const found = new Map(rowsOf(other).map(row => [keyOf(row), row]));
  return rowsOf(one).filter(row => found.has(keyOf(row))).map(row => {
    const after = found.get(keyOf(row)), outcomes = [row.outcome, after.outcome];
    const change = outcomes.includes("invalid") ? "not valid" : outcomes[0] === outcomes[1]
      ? `both ${outcomes[0]}` : outcomes[1] === "passed" ? "gained" : "lost";
    return {task: row.task, repeat: row.repeat, category: row.category, change, outcomes, rewards: [row.reward, after.reward],
      request: row.request, rows: [row, after]};
  });
}

function chosenPairs(query) {
  const wanted = query.get("change"), category = query.get("category"), text = (query.get("text") || "").toLowerCase();
  let found = pairsOf(query).filter(pair => (!wanted || pair.change === wanted) && (!category || pair.category === category));
  if (text.trim()) {
    found = found.filter(pair => textOf(pair.rows[0]).includes(text) || textOf(pair.rows[1]).includes(text));
  }
  const sort = query.get("sort") || "";
  const keys = {task: pair => pair.task, category: pair => pair.category, before: pair => pair.rewards[0], after: pair => pair.rewards[1],
    difference: pair => pair.rewards[1] - pair.rewards[0]};
  const key = keys[sort.replace(/^-/, "")];
  return key ? sorted(found, key, sort.startsWith("-")) : found;
}

function paged(found, query) {
  const pages_ = Math.max(1, Math.ceil(found.length / PAGE)), page = Math.min(Math.max(1, Number(query.get("page")) || 1), pages_);
  return {matched: found.length, searched: 1, page, pages: pages_, rows: found.slice(PAGE * (page - 1), PAGE * page)};
}

function near(found, query) {
  const place_ = found.findIndex(row => row.task === query.get("task") && String(row.repeat) === (query.get("repeat") || "0"));
  const key = row => row ? {task: row.task, repeat: row.repeat} : null;
  return {place: place_ + 1, of: found.length, previous: place_ < 0 ? null : key(found[place_ - 1]), next: place_ < 0 ? null : key(found[place_ + 1])};
}

function rowsOf(name) {
  if (!Object.hasOwn(DATA.tables, name)) throw new Error(`there is no run ${name}`);
  return DATA.tables[name].rows;
}

function kept(query, name = "run") {
  const run = query.get(name), key = JSON.stringify([query.get("task"), Number(query.get("repeat") || 0)]);
  const found = rowsOf(run).find(row => keyOf(row) === key);
  if (!found) throw new Error(`${run} has no episode of ${query.get("task")}`);
  return found.kept;
}

const described = name => DATA.runs.runs.find(run => run.name === name);

const ANSWERS = {
  runs: () => DATA.runs,
  table(query) {
    const run = query.get("run"), found = selected(run, query);
    const shown = Object.fromEntries(countsOf(found.map(row => row.category)));
    const filtered = FILTERS.some(name => query.getAll(name).some(Boolean));
    return {...DATA.tables[run], run: described(run), ...paged(found, query), shown, filtered};
  },
  episode: query => ({...kept(query), run: described(query.get("run")), ...near(selected(query.get("run"), query), query)}),
  expected: query => kept(query).expected,
  pairs(query) {
    const every = pairsOf(query), [one, other] = [query.get("run"), query.get("other")];
    const counts = countsOf(every.map(pair => pair.change));
    const changes = Object.keys(CHANGE_WORDS).filter(name => counts.has(name)).map(name => [name, counts.get(name)]);
    const categories = [...countsOf(every.map(pair => pair.category).filter(Boolean))].sort((a, b) => b[1] - a[1]);
    return {...paged(chosenPairs(query), query), every: every.length, changes, difference: DATA.differences.find(([first, second]) => first === one && second === other)[2],
      runs: [described(one), described(other)], categories};
  },
  pair(query) {
    const both = [query.get("run"), query.get("other")];
    return {runs: both.map(described), episodes: [kept(query).episode, kept(query, "other").episode], ...near(chosenPairs(query), query)};
  },
  training: () => DATA.training,
};

Source.follows = false;
Source.get = async (path_, query) => ANSWERS[path_](new URLSearchParams(query));
Source.raw = async query => JSON.stringify(kept(query).episode);
