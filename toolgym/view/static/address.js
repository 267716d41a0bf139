"use strict";
// The view is in the address after "#": #/episodes?run=..&outcome=failed, #/episode?run=..&task=..
// So every view can be linked to, and the browser's back and forward work.

const FILTERS = ["outcome", "category", "error", "ending", "where", "text"];

function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return {view: path || "episodes", query: new URLSearchParams(query || "")};
}

function address(view, query) {
  return `#/${view}?${query}`;
}

/** A copy of a query with changes; null removes a name. */
function changed(query, changes) {
  const found = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") found.delete(name);
    else found.set(name, value);
  }
  return found;
}

function go(view, query, replace = false) {
  const to = address(view, query);
  if (replace) {
    history.replaceState(null, "", to);
    render();
  } else location.hash = to;
}
