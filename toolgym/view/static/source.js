"use strict";
// Where the data comes from: the server, or the page itself if it is one file.

const Source = {
  follows: true,
  async get(path, parameters) {
    const answer = await fetch(`/api/${path}?${parameters}`);
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error || answer.statusText);
    return found;
  },
  async raw(parameters) {
    const answer = await fetch(`/api/raw?${parameters}`);
    if (!answer.ok) throw new Error((await answer.json()).error);
    return answer.text();
  },
};
