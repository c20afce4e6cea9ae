"""A small server on fastmcp."""

from fastmcp import FastMCP

server = FastMCP("small-fastmcp")


@server.tool()
def add(a: int, b: int) -> int:
    return a + b


@server.tool()
def fail() -> str:
    raise RuntimeError("boom in /etc/secret")


@server.tool()
def limited() -> str:
    raise RuntimeError("Rate limit exceeded")


server.run(show_banner=False)
