// The TypeScript client, line 2: client_ts2.mjs CALLS COMMAND…

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [calls, command, ...args] = process.argv.slice(2);
const client = new Client({ name: "ts2", version: "1" }, { versionNegotiation: { mode: "auto" } });
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
