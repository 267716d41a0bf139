"use strict";
// The table of a run's episodes: filters, order, columns, pages.

const COLUMNS = [
  ["outcome", "outcome"], ["task", "task"], ["request", "request"], ["category", "category"], ["reward", "reward"],
  ["error", "error type"], ["why", "why"], ["turns", "actions"], ["calls", "calls"], ["malformed", "malformed calls"],
  ["objected", "calls against the schema"], ["endings", "ended by"], ["seconds", "seconds"], ["repeat", "repeat"],
];
const WORDS = new Set(["outcome", "task", "request", "category", "error", "why", "endings"]);
const UNSORTED = new Set(["request", "why", "endings"]);
const USUAL = ["outcome", "task", "request", "category", "reward", "error", "turns", "calls"];

class TableView {
  constructor() {
    this.summary = h("div", {class: "summary"});
    this.filters = h("form", {class: "filters", "aria-label": "filters", onsubmit: event => event.preventDefault()});
    this.state = h("p", {class: "state", role: "status"});
    this.table = h("table", {class: "episodes"});
    this.pager = h("nav", {class: "pager", "aria-label": "pages"});
    this.element = h("section", {}, this.summary, this.filters, this.state,
      h("div", {class: "scroll"}, this.table), this.pager);
  }

  async show(query, again) {
    this.query = query;
    return drawNew(this, "table", query, again);
  }

  draw(found, again) {
    const query = this.query;
    const open = this.summary.querySelector("details")?.open ?? matchMedia("(min-width: 700px)").matches;
    fill(this.summary, summary(found, query, open));
    const inFilters = this.filters.contains(document.activeElement);
    if (!inFilters) this.drawFilters(found);
    const {run} = found;
    const notes = [];
    if (run.done < 1) notes.push(`reading the file: ${percent(run.done)} %`);
    if (found.searched < 1) notes.push(`searching: ${percent(found.searched)} %`);
    if (run.unreadable) {
      notes.push(`${counted(run.unreadable, "line")} of the file cannot be read (the first: line ${run.first_unreadable})`);
    }
    fill(this.state, found.filtered ? `${found.matched.toLocaleString("en")} of ` : "", counted(run.episodes, "episode"),
      found.filtered && h("button", {type: "button", class: "quiet", onclick: () => this.clear()}, "clear filters"),
      notes.map(note => h("span", {class: "note"}, note)));
    this.drawTable(found, again);
    fill(this.pager, pages(found, query));
  }

  clear() {
    const query = new URLSearchParams(this.query);
    [...FILTERS, "page"].forEach(name => query.delete(name));
    this.filters.reset();
    this.shown = "";
    document.activeElement.blur();
    go("episodes", query);
  }

  set(changes) {
    go("episodes", changed(this.query, {page: null, ...changes}), true);
  }

  drawFilters(found) {
    const {choices} = found, query = this.query;
    const every = (label, name, pairs) => pairs.length > 0 && choice(label,
      [["", "all"], ...pairs.map(([value, n]) => [value, `${value} (${n.toLocaleString("en")})`])],
      query.get(name) || "", value => this.set({[name]: value}));
    const numbers = [["", "any"], ["reward", "reward"], ...choices.parts, ["turns", "actions"], ["calls", "calls"],
      ["malformed", "malformed calls"], ["objected", "calls against the schema"], ["seconds", "seconds"]];
    const [, part, sign, value] = (query.get("where") || "").match(/^(.*?)(<=|>=|<|>|=)(.*)$/s) || [null, "", "<", ""];
    const parts = h("select", {"aria-label": "reward part or number"},
      numbers.map(([key, text]) => h("option", {value: key, selected: key === part}, text)));
    const signs = h("select", {"aria-label": "comparison"},
      [["<", "below"], ["<=", "at most"], ["=", "equal to"], [">=", "at least"], [">", "above"]]
        .map(([key, text]) => h("option", {value: key, selected: key === sign}, text)));
    const number = h("input", {type: "number", step: "any", value, "aria-label": "value", class: "number"});
    const compare = () => {
      if (!parts.value) this.set({where: null});
      else if (number.value !== "") this.set({where: parts.value + signs.value + number.value});
      else number.focus();
    };
    [parts, signs].forEach(each => each.addEventListener("change", compare));
    number.addEventListener("input", () => later(compare));
    const search = h("input", {type: "search", id: "search", value: query.get("text") || "",
      placeholder: "request, answers, results, verdict",
      oninput: event => later(() => this.set({text: event.target.value}))});
    fill(this.filters,
      every("outcome", "outcome", choices.outcome), every("category", "category", choices.category),
      every("error type", "error", choices.error), every("ended by", "ending", choices.ending),
      h("fieldset", {}, h("legend", {}, "number or reward part"), parts, signs, number),
      h("label", {class: "wide"}, h("span", {}, "text ", h("kbd", {}, "/")), search), this.columnChoice(found), this.order(found));
  }

  /** The order as a choice, for windows that are too narrow for the heads of the table. */
  order(found) {
    const {shown} = this.columns(found);
    const options = shown.filter(([name]) => !UNSORTED.has(name)).flatMap(([name, label]) => WORDS.has(name)
      ? [[name, `${label}, A to Z`], ["-" + name, `${label}, Z to A`]] : [["-" + name, `${label}, highest first`], [name, `${label}, lowest first`]]);
    const order = choice("order", [["", "as played"], ...options], this.query.get("sort") || "", sort => this.set({sort}));
    order.classList.add("narrow");
    return order;
  }

  columns(found) {
    const all = [...COLUMNS, ...found.choices.parts];
    const kept = (this.query.get("columns") || "").split("~").filter(Boolean);
    const names = new Set(kept.length ? kept : USUAL);
    return {all, shown: all.filter(([name]) => names.has(name))};
  }

  columnChoice(found) {
    const {all, shown} = this.columns(found);
    const names = new Set(shown.map(([name]) => name));
    const boxes = all.map(([name, label]) => h("label", {}, h("input", {type: "checkbox", checked: names.has(name),
      onchange: event => {
        event.target.checked ? names.add(name) : names.delete(name);
        const kept = all.map(([each]) => each).filter(each => names.has(each));
        const usual = kept.length === USUAL.length && USUAL.every(each => names.has(each));
        this.set({columns: usual ? null : kept.join("~"), page: this.query.get("page")});
      }}), label));
    return h("details", {class: "menu"}, h("summary", {}, "columns"), h("div", {class: "boxes"}, boxes));
  }

  drawTable(found, again) {
    const {shown} = this.columns(found), query = this.query;
    const focused = again && this.table.contains(document.activeElement) ? document.activeElement.getAttribute("href") : "";
    const head = shown.map(([name, label]) => {
      const words = WORDS.has(name), kind = words ? "words" : "number";
      return UNSORTED.has(name) ? h("th", {scope: "col", class: kind}, label)
        : sortHead(this, name, label, kind, words ? name : "-" + name);
    });
    const rows = found.rows.map(row => {
      const to = address("episode", changed(query, {task: row.task, repeat: row.repeat, page: null}));
      return h("tr", {onclick: opens(to)}, shown.map(([name, label]) => cell(name, label, row, to)));
    });
    fill(this.table, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows));
    if (!rows.length) this.table.append(h("tbody", {}, h("tr", {}, h("td", {colspan: shown.length, class: "none"},
      found.run.episodes ? "No episode fits these filters." : "No episode yet."))));
    if (focused) [...this.table.querySelectorAll("a")].find(a => a.getAttribute("href") === focused)?.focus();
  }

  key(event) {
    return tableKey(this, event);
  }
}

/** Draws an answer if it is not what a view shows already; returns it, or null if a later query has come. */
async function drawNew(view, path, parameters, again) {
  const query = view.query, found = await Source.get(path, parameters);
  if (view.query !== query) return null;
  const text = JSON.stringify(found);
  if (again && text === view.shown) return found;
  view.shown = text;
  view.draw(found, again);
  return found;
}

/** The head of a column: clicks sort in the order `first` (a name, or "-name"), then in the other, then not. */
function sortHead(view, name, label, kind, first) {
  const sort = view.query.get("sort") || "", second = first === name ? "-" + name : name;
  const next = sort === first ? second : sort === second ? null : first;
  const way = sort === name ? "ascending" : sort === "-" + name ? "descending" : "none";
  return h("th", {scope: "col", class: kind, "aria-sort": way}, h("button", {type: "button", onclick: () => view.set({sort: next})},
    label, h("span", {"aria-hidden": "true"}, {ascending: " ↑", descending: " ↓", none: ""}[way])));
}

/** Opens an address by a click anywhere in a row, unless the click is on a link or ends a selection. */
function opens(to) {
  return event => { if (!event.target.closest("a") && !String(getSelection())) location.hash = to; };
}

/** Keys of a view with a table. */
function tableKey(view, event) {
  const links = [...view.table.querySelectorAll("tbody a")];
  const at = links.indexOf(document.activeElement);
  const to = {j: at + 1, ArrowDown: at + 1, k: at - 1, ArrowUp: at - 1}[event.key];
  if (to !== undefined && (at >= 0 || event.key === "j" || event.key === "k")) {
    links[Math.max(0, Math.min(links.length - 1, to))]?.focus();
    return true;
  }
  const other = {"]": "next", "[": "prev"}[event.key];
  if (other) view.pager.querySelector(`[rel=${other}]`)?.click();
  else if (event.key === "/") document.getElementById("search")?.focus();
  return Boolean(other) || event.key === "/";
}

let laterTimer;
function later(act) {
  clearTimeout(laterTimer);
  laterTimer = setTimeout(act, 250);
}

function cell(name, label, row, to) {
  const kind = WORDS.has(name) ? `words ${name}` : "number";
  const data = {class: kind, "data-label": label};
  if (name === "outcome") return h("td", data, badge(row.outcome));
  if (name === "task") return h("td", data, h("a", {href: to}, row.task, row.repeat ? ` · ${row.repeat}` : ""));
  if (name === "endings") return h("td", data, row.endings.join(", "));
  if (WORDS.has(name)) return h("td", data, row[name]);
  if (name === "reward") return h("td", data, row.outcome === "invalid" ? "–" : signed(row.reward));
  if (name === "seconds") return h("td", data, row.seconds.toPrecision(3));
  if (!(name in row)) return h("td", data, "–");
  return h("td", data, name.startsWith("part:") ? signed(row[name]) : String(row[name]));
}

/** How the whole run did, by category; the filters only add how many episodes they show. */
function summary(found, query, open) {
  const all = found.categories[found.categories.length - 1];
  const by = found.categories.slice(0, -1);
  if (!found.run.episodes) return "";
  const line = h("p", {class: "headline"},
    h("b", {}, all.valid ? `${percent(all.passed / all.valid)} % passed` : "no valid episode"),
    all.valid > 0 && h("small", {}, `${all.passed.toLocaleString("en")} of ${counted(all.valid, "episode")}; 95 % interval ` +
      `${percent(all.low)} to ${percent(all.high)} %; mean reward ${signed(all.reward)}`),
    all.invalid > 0 && h("small", {class: "left-out"}, `${counted(all.invalid, "episode")} invalid: lost to a failure ` +
      "outside the model, counted in no number"));
  if (!by.length) return line;
  const rows = by.map(row => h("tr", {},
    h("th", {scope: "row"}, h("a", {href: address("episodes", changed(query, {category: row.category, page: null}))},
      row.category || "none")),
    h("td", {}, row.valid ? share(row) : "–"),
    h("td", {class: "number"}, row.valid ? percent(row.passed / row.valid) : "–"),
    h("td", {class: "number"}, row.valid ? `${percent(row.low)} to ${percent(row.high)}` : "–"),
    h("td", {class: "number"}, row.valid.toLocaleString("en")),
    h("td", {class: "number"}, row.reward === null ? "–" : signed(row.reward)),
    found.filtered && h("td", {class: "number"}, (found.shown[row.category] || 0).toLocaleString("en"))));
  const head = ["category", "", "passed, %", "95 % interval", "episodes", "mean reward", found.filtered && "in the table"];
  return [line, h("details", {class: "by-category", open}, h("summary", {}, "by category"),
    h("div", {class: "scroll"}, h("table", {}, h("thead", {}, h("tr", {},
      head.filter(word => word !== false).map((word, i) => h("th", {scope: "col", class: i > 1 && "number"}, word)))), h("tbody", {}, rows))))];
}

function share(row) {
  const bar = h("i", {class: "share"}, h("i", {class: "filled"}), h("i", {class: "interval"}));
  bar.children[0].style.width = `${100 * row.passed / row.valid}%`;
  bar.children[1].style.left = `${100 * row.low}%`;
  bar.children[1].style.width = `${100 * (row.high - row.low)}%`;
  return bar;
}

function pages(found, query, view = "episodes") {
  if (found.pages < 2) return "";
  const link = (page, text, rel) => page < 1 || page > found.pages || page === found.page
    ? h("span", {class: "off"}, text)
    : h("a", {href: address(view, changed(query, {page})), rel}, text);
  return [link(1, "first"), link(found.page - 1, "previous", "prev"),
    h("span", {}, `page ${found.page.toLocaleString("en")} of ${found.pages.toLocaleString("en")}`),
    link(found.page + 1, "next", "next"), link(found.pages, "last")];
}
