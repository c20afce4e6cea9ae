"""A small server on the Python SDK, line 1."""

from mcp.server.fastmcp import FastMCP

server = FastMCP("small-py1")


@server.tool()
def add(a: int, b: int) -> int:
    return a + b


@server.tool()
def fail() -> str:
    raise RuntimeError("boom in /etc/secret")


@server.tool()
def limited() -> str:
    raise RuntimeError("Rate limit exceeded")


server.run()
