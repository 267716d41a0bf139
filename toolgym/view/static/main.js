"use strict";
// The frame: the run, the views, the keyboard, following a run that goes on.

const VIEWS = {episodes: new TableView(), episode: new EpisodeView(), compare: new CompareView(), pair: new PairView(),
  training: new TrainingView()};
const KEYS = [
  ["/", "search"], ["j, k", "down and up the table; next and previous episode"], ["[ ]", "previous and next page"],
  ["Enter", "open the episode"], ["u, Esc", "back to the table"], ["e", "collapse or expand all actions"],
  ["c", "copy the episode as JSON"], ["?", "this list"],
];
const top_ = h("header", {class: "top"});
const main = h("main", {});
const failure = h("p", {class: "failure", role: "alert", hidden: true});
let runs = [], trainings = [], shownView = null, followTimer;

function runWords(run) {
  return run.agent && !run.name.includes("/step-") && run.agent !== run.name ? `${run.name}: ${run.agent}` : run.name;
}

function drawTop() {
  const {view, query} = place();
  const names = runs.map(run => [run.name, runWords(run)]);
  const run = runs.find(each => each.name === query.get("run"));
  const link = (name, text, to, views) => h("a", {href: address(name, new URLSearchParams(to)), "aria-current": views.includes(view) ? "page" : null}, text);
  const current = {run: run ? run.name : runs[0]?.name || ""};
  fill(top_, h("b", {class: "home"}, "ToolGym"),
    h("nav", {class: "views", "aria-label": "views"}, runs.length > 0 && link("episodes", "episodes", current, ["episodes", "episode"]),
      runs.length > 1 && link("compare", "compare", current, ["compare", "pair"]),
      trainings.length > 0 && link("training", "training", {}, ["training"])),
    ["episodes", "episode"].includes(view) && (names.length > 1
      ? choice("run", names, query.get("run") || "", name => go("episodes", new URLSearchParams({run: name})))
      : h("b", {}, names[0]?.[1])),
    ["episodes", "episode"].includes(view) && run && h("span", {class: "note about"}, [run.env, run.settings].filter(Boolean).join(", ")),
    h("button", {type: "button", class: "quiet help", "aria-label": "keys", onclick: help}, "?"));
}

function help() {
  const dialog = h("dialog", {"aria-label": "keys"}, h("h2", {}, "Keys"),
    h("dl", {}, KEYS.map(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)])),
    h("button", {type: "button", onclick: () => dialog.close()}, "Close"));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

let renders = 0;

async function render(again = false) {
  clearTimeout(followTimer);
  const mine = ++renders;  // an earlier one that still waits for the server must not come after this one
  let {view, query} = place();
  let found;
  try {
    if (!again || !runs.length) ({runs, training: trainings} = await Source.get("runs", ""));
    if (mine !== renders) return;
    if (!location.hash && trainings.length) {
      view = "training";
      history.replaceState(null, "", address(view, query));
    }
    if (!query.get("run") && runs.length && view !== "training") {
      query = changed(query, {run: runs[0].name});
      history.replaceState(null, "", address(view, query));
    }
    if (!again) drawTop();
    const chosen = VIEWS[view] || VIEWS.episodes;
    if (shownView !== chosen) {
      shownView = chosen;
      fill(main, chosen.element);
    }
    found = await chosen.show(query, again);
    if (mine !== renders) return;
    document.title = `${query.get("task") || query.get("run") || ""} · ToolGym`;
    failure.hidden = true;
  } catch (error) {
    if (mine !== renders) return;
    failure.textContent = error.message;
    failure.hidden = false;
  }
  const busy = found && (found.searched < 1 || found.run?.done < 1);
  const follow = () => {
    if (document.hidden) followTimer = setTimeout(follow, 1000);
    else render(true);
  };
  if (Source.follows) followTimer = setTimeout(follow, busy ? 150 : 3000);
}

addEventListener("hashchange", () => render());
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "?") help();
  else if (!shownView?.key?.(event)) return;
  event.preventDefault();
});
document.body.append(top_, failure, main, h("p", {id: "told", role: "status"}));
render();
