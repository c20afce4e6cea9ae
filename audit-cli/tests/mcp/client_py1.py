"""The Python client, line 1: client_py1.py CALLS COMMAND…"""

import asyncio
import json
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main():
    calls, command, *args = sys.argv[1:]
    parameters = StdioServerParameters(command=command, args=args)
    async with stdio_client(parameters) as (read, write):
        async with ClientSession(read, write) as session:
            await session.initialize()
            await session.list_tools()
            for tool, arguments in json.loads(calls):
                try:
                    await session.call_tool(tool, arguments)
                except Exception as error:
                    print(type(error).__name__)


asyncio.run(main())
