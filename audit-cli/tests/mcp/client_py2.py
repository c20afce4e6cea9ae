"""The Python client, line 2: client_py2.py CALLS COMMAND…"""

import asyncio
import json
import sys

from mcp import Client, StdioServerParameters


async def main():
    calls, command, *args = sys.argv[1:]
    async with Client(StdioServerParameters(command=command, args=args)) as client:
        await client.list_tools()
        for tool, arguments in json.loads(calls):
            try:
                await client.call_tool(tool, arguments)
            except Exception as error:
                print(type(error).__name__)


asyncio.run(main())
