// A small server on the TypeScript SDK, line 2.

import { McpServer } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";

const server = new McpServer({ name: "small-ts2", version: "1" });
const text = (text) => ({ content: [{ type: "text", text }] });
server.registerTool("add", { inputSchema: z.object({ a: z.number(), b: z.number() }) }, async ({ a, b }) => text(String(a + b)));
server.registerTool("fail", {}, async () => {
  throw new Error("boom in /etc/secret");
});
server.registerTool("limited", {}, async () => {
  throw new Error("Rate limit exceeded");
});
serveStdio(() => server);
