// One conversation through the TypeScript SDK's client, told as JSON on stdout.
// node conversation.mjs ERA COMMAND [ARGUMENT...]
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [era, command, ...args] = process.argv.slice(2);
const options = era === "modern" ? { versionNegotiation: { mode: "auto" } } : {};
const client = new Client({ name: "conversation", version: "1" }, options);
await client.connect(new StdioClientTransport({ command, args, env: { ...process.env } }));

const call = (name, given) => client.callTool({ name, arguments: given });
const { tools } = await client.listTools();
const { resources } = await client.listResources();
const { prompts } = await client.listPrompts();
// The client checks each structured answer against the schema that the tool announces.
const saved = await call("save_context", { content: "ё, 日本語, 😀", importance_level: 9 });
const loaded = await call("load_contexts", {});
const refused = await call("save_context", { content: " " });
const missing = await client.readResource({ uri: "memory://x" }).catch((error) => error);

console.log(
  JSON.stringify({
    protocol: client.getNegotiatedProtocolVersion(),
    server: client.getServerVersion(),
    tools: tools.map((tool) => tool.name),
    resources: resources.map((resource) => resource.uri),
    prompts: prompts.map((prompt) => prompt.name),
    saved: saved.structuredContent,
    loaded: loaded.structuredContent,
    refused: [refused.isError, refused.content],
    missing: [missing.code, missing.message],
  }),
);
await client.close();
