/** Server-sent events out of the body of a fetch, for answers that are asked for with POST. */

/** Call `handlers[name](data)` for every event, and `after()` behind each piece that arrived. */
export async function readEvents(body, handlers, after) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    const events = buffer.split("\n\n");
    buffer = events.pop();
    events.forEach((event) => deliver(event, handlers));
    after();
  }
}

function deliver(event, handlers) {
  const lines = event.split("\n");
  const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
  const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
  if (data) handlers[name]?.(JSON.parse(data));
}
