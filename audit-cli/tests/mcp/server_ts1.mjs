// A small server on the TypeScript SDK, line 1.

import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const server = new McpServer({ name: "small-ts1", version: "1" });
const text = (text) => ({ content: [{ type: "text", text }] });
server.registerTool("add", { inputSchema: { a: z.number(), b: z.number() } }, async ({ a, b }) => text(String(a + b)));
server.registerTool("fail", {}, async () => {
  throw new Error("boom in /etc/secret");
});
server.registerTool("limited", {}, async () => {
  throw new Error("Rate limit exceeded");
});
await server.connect(new StdioServerTransport());
