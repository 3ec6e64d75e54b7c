/** OpenAI's client for Node against the gateway; prints what it got as JSON. Arguments: address, token, model. */

import OpenAI from "openai";

const [address, token, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: token, maxRetries: 0 });
const say = (text) => [{ role: "user", content: text }];
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const schema = {
  name: "person",
  strict: true,
  schema: {
    type: "object",
    properties: { name: { type: "string" }, age: { type: "integer" } },
    required: ["name", "age"],
    additionalProperties: false,
  },
};

async function failure(call) {
  try {
    await call();
    return "no error";
  } catch (error) {
    return error.constructor.name;
  }
}

const models = [];
for await (const row of client.models.list()) models.push(row.id);
const chat = await client.chat.completions.create({ model, messages: say("echo: hello") });

let streamed = "";
let usage = null;
const stream = await client.chat.completions.create({
  model,
  messages: say("echo: hello"),
  stream: true,
  stream_options: { include_usage: true },
});
for await (const chunk of stream) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  usage = chunk.usage ?? usage;
}

const tools = await client.chat.completions.create({ model, messages: say("Use get_weather, please"), tools: [weather] });
const call = tools.choices[0].message.tool_calls[0];
const told = await client.chat.completions.create({
  model,
  messages: [
    ...say("Use get_weather, please"),
    tools.choices[0].message,
    { role: "tool", tool_call_id: call.id, content: "Sunny" },
  ],
  tools: [weather],
});
const structured = await client.chat.completions.create({
  model,
  messages: say("Somebody"),
  response_format: { type: "json_schema", json_schema: schema },
});
const response = await client.responses.create({ model, input: "echo: hello" });

let responded = "";
for await (const event of await client.responses.create({ model, input: "echo: hello", stream: true })) {
  if (event.type === "response.output_text.delta") responded += event.delta;
}

const stranger = new OpenAI({ baseURL: `${address}/v1`, apiKey: "wiz_wrong", maxRetries: 0 });
console.log(
  JSON.stringify({
    models,
    chat: chat.choices[0].message.content,
    streamed,
    tokens: usage?.completion_tokens,
    tool: call.function.name,
    arguments: Object.keys(JSON.parse(call.function.arguments)),
    finish_reason: tools.choices[0].finish_reason,
    told: typeof told.choices[0].message.content,
    structured: Object.keys(JSON.parse(structured.choices[0].message.content)).sort(),
    response: response.output_text,
    responded,
    unauthorized: await failure(() => stranger.models.list()),
    missing: await failure(() => client.chat.completions.create({ model: "no/such", messages: say("hello") })),
    wrong: await failure(() => client.chat.completions.create({ model, messages: [] })),
  }),
);
