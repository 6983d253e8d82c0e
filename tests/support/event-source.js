// SPDX-License-Identifier: AGPL-3.0-or-later
// SPDX-FileCopyrightText: 2026 the kvstore authors
//
// As much of a browser's EventSource as the examples need, for Node.js, which has none. See the WHATWG HTML standard,
// "Server-sent events". It does not come back when the stream ends.

"use strict";

class EventSource {
  #listeners = {};

  constructor(url) {
    this.#read(url).catch((error) => console.log(`Error: ${error.message}`));
  }

  addEventListener(type, listener) {
    (this.#listeners[type] ??= []).push(listener);
  }

  async #read(url) {
    const response = await fetch(url, { headers: { Accept: "text/event-stream" } });
    if (response.status !== 200 || !response.headers.get("content-type").startsWith("text/event-stream")) {
      throw new Error(`the answer is ${response.status}, and no event stream`);
    }
    let text = "";
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      const frames = (text + piece).split("\n\n");
      text = frames.pop();
      frames.forEach((frame) => this.#dispatch(frame));
    }
  }

  #dispatch(frame) {
    const event = { type: "message", data: [] };
    for (const line of frame.split("\n")) {
      const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line);
      if (field === "event") {
        event.type = value;
      } else if (field === "data") {
        event.data.push(value);
      } else if (field === "id") {
        event.lastEventId = value;
      }
    }
    if (event.data.length > 0) {
      event.data = event.data.join("\n");
      (this.#listeners[event.type] ?? []).forEach((listener) => listener(event));
    }
  }
}

globalThis.EventSource = EventSource;
