"""A small server on the Python SDK, line 2."""

from mcp import MCPError
from mcp.server import MCPServer

server = MCPServer("small-py2")


@server.tool()
def add(a: int, b: int) -> int:
    return a + b


@server.tool()
def fail() -> str:
    raise RuntimeError("boom in /etc/secret")


@server.tool()
def limited() -> str:
    raise MCPError(-32000, "Rate limit exceeded")


server.run()
