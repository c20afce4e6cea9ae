// The TypeScript client, line 1: client_ts1.mjs CALLS COMMAND…

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [calls, command, ...args] = process.argv.slice(2);
const client = new Client({ name: "ts1", version: "1" });
await client.connect(new StdioClientTransport({ command, args }));
await client.listTools();
for (const [name, given] of JSON.parse(calls)) {
  try {
    await client.callTool({ name, arguments: given });
  } catch (error) {
    console.log(error.name);
  }
}
await client.close();
