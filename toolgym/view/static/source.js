"use strict";
// Where the data comes from: the server, or the page itself if it is one file.

const Source = {
  follows: true,
  async answer(path, parameters) {
    let answer;
    try {
      answer = await fetch(`/api/${path}?${parameters}`);
    } catch {
      throw new Error("The server does not answer. Is toolgym view still running?");
    }
    if (!answer.ok) throw new Error((await answer.json()).error);
    return answer;
  },
  get: async (path, parameters) => (await Source.answer(path, parameters)).json(),
  raw: async parameters => (await Source.answer("raw", parameters)).text(),
};
