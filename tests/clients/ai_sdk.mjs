/** The AI SDK's provider for compatible servers against the gateway; prints what it got as JSON. */

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, Output, streamText, tool } from "ai";
import { z } from "zod";

const [address, token, model] = process.argv.slice(2);
const provider = (apiKey) => createOpenAICompatible({ name: "wiz", baseURL: `${address}/v1`, apiKey, includeUsage: true, supportsStructuredOutputs: true });
const wiz = provider(token)(model);
const weather = tool({ description: "The weather of a city", inputSchema: z.object({ city: z.string() }), execute: async () => "Sunny" });

async function failure(call) {
  try {
    await call();
    return null;
  } catch (error) {
    return { name: error.name, status: error.statusCode };
  }
}

const chat = await generateText({ model: wiz, prompt: "echo: hello", maxRetries: 0 });
const stream = streamText({ model: wiz, prompt: "echo: hello", maxRetries: 0 });
let streamed = "";
for await (const text of stream.textStream) streamed += text;
const usage = await stream.usage;
const called = await generateText({ model: wiz, prompt: "Use get_weather, please", tools: { get_weather: weather }, maxRetries: 0 });
const structured = await generateText({
  model: wiz,
  prompt: "Somebody",
  output: Output.object({ schema: z.object({ name: z.string(), age: z.number().int() }) }),
  maxRetries: 0,
});
console.log(
  JSON.stringify({
    chat: chat.text,
    finish_reason: chat.finishReason,
    streamed,
    tokens: usage.outputTokens,
    tools: called.toolCalls.map((call) => call.toolName),
    results: called.toolResults.map((result) => result.output),
    structured: Object.keys(structured.output).sort(),
    unauthorized: await failure(() => generateText({ model: provider("wiz_wrong")(model), prompt: "hello", maxRetries: 0 })),
    missing: await failure(() => generateText({ model: provider(token)("no/such"), prompt: "hello", maxRetries: 0 })),
  }),
);
