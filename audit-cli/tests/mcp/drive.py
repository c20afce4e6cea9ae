"""Real clients call real servers by way of `audit wrap`: drive.py AUDIT DIRECTORY

DIRECTORY holds what `cargo xtask mcp` has installed. A tap on either side of the proxy
keeps the bytes: they must be the same. The log must tell of the calls that were made,
each with its outcome, and name each line's forerunner.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

AUDIT, DIRECTORY = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
HERE = pathlib.Path(__file__).resolve().parent
PY1, PY2 = (str(DIRECTORY / venv / "bin" / "python") for venv in ("py1", "py2"))
NODE = DIRECTORY / "node"
BIN = NODE / "node_modules" / ".bin"
TREE = DIRECTORY / "tree"

SMALL = [
    ("add", {"a": 1, "b": 2}, "success"),
    ("add", {"a": 1}, "invalid_args"),
    ("fail", {}, "execution_failed"),
    ("limited", {}, "rate_limited"),
    ("nope", {}, "tool_not_found"),
]

# The name that each gives itself, its command, its calls and how they end.
SERVERS = {
    "small-py1": ([PY1, str(HERE / "server_py1.py")], SMALL),
    "small-py2": ([PY2, str(HERE / "server_py2.py")], SMALL),
    "small-fastmcp": ([PY2, str(HERE / "server_fastmcp.py")], SMALL),
    "small-ts1": (["node", str(NODE / "server_ts1.mjs")], SMALL),
    "small-ts2": (["node", str(NODE / "server_ts2.mjs")], SMALL),
    "mcp-servers/everything": (
        [str(BIN / "mcp-server-everything"), "stdio"],
        [
            ("echo", {"message": "hello"}, "success"),
            ("get-sum", {"a": 1}, "invalid_args"),
            ("get-resource-reference", {"resourceType": "Text", "resourceId": -5}, "execution_failed"),
            ("nope", {}, "tool_not_found"),
        ],
    ),
    "secure-filesystem-server": (
        [str(BIN / "mcp-server-filesystem"), str(TREE)],
        [
            ("read_text_file", {"path": str(TREE / "a.txt")}, "success"),
            ("read_text_file", {"path": "/etc/shadow"}, "capability_denied"),
            ("read_text_file", {"path": str(TREE / "none.txt")}, "execution_failed"),
            ("read_text_file", {}, "invalid_args"),
            ("nope", {}, "tool_not_found"),
        ],
    ),
    "mcp-time": (
        [PY2, "-m", "mcp_server_time"],
        [
            ("get_current_time", {"timezone": "UTC"}, "success"),
            ("get_current_time", {"timezone": "Mars/Phobos"}, "execution_failed"),
            ("get_current_time", {}, "invalid_args"),
            ("nope", {}, "tool_not_found"),
        ],
    ),
}

# The command of each, and how the log names it.
CLIENTS = {
    "py1": ([PY1, str(HERE / "client_py1.py")], "mcp 0.1.0"),
    "py2": ([PY2, str(HERE / "client_py2.py")], "mcp 0.1.0"),
    "ts1": (["node", str(NODE / "client_ts1.mjs")], "ts1 1"),
    "ts2": (["node", str(NODE / "client_ts2.mjs")], "ts2 1"),
}


def wrapped(directory, server):
    """The server's command, with the proxy before it and a tap on either side."""
    tap = [sys.executable, str(HERE / "tap.py"), str(directory)]
    wrap = [str(AUDIT), "wrap", "--log", str(directory / "audit.jsonl")]
    return [*tap, "client", *wrap, *tap, "server", *server]


def by_client(client, server):
    command, _ = CLIENTS[client]
    of_server, calls = SERVERS[server]
    directory = fresh(client, server)
    asked = json.dumps([[tool, arguments] for tool, arguments, _ in calls])
    run([*command, asked, *wrapped(directory, of_server)])
    return check(directory, server, CLIENTS[client][1], [(t, kind) for t, _, kind in calls])


def by_inspector(server):
    of_server, calls = SERVERS[server]
    directory = fresh("inspector", server)
    tool, arguments, kind = calls[0]
    given = [word for name, value in arguments.items() for word in ("--tool-arg", f"{name}={value}")]
    inspector = [str(BIN / "mcp-inspector"), "--cli", *wrapped(directory, of_server)]
    patience = ["--connect-timeout", "100000"]
    run([*inspector, "--method", "tools/call", "--tool-name", tool, *given, *patience])
    return check(directory, server, None, [(tool, kind)])


def fresh(client, server):
    directory = DIRECTORY / "runs" / f"{client}.{server.replace('/', '.')}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-2000:]}"


def check(directory, server, caller, wanted):
    taps = sorted(directory.glob("*.client.*"))
    assert taps, "the proxy was never started"
    asked = 0
    for tap in taps:
        ours, theirs = tap.read_bytes(), pathlib.Path(str(tap).replace(".client.", ".server.")).read_bytes()
        sent, came = (ours, theirs) if tap.suffix == ".c2s" else (theirs, ours)
        # Who has what he wants may end a session while something is on its way.
        assert sent.startswith(came), f"{tap.name}: {len(came)} bytes came of {len(sent)}, or others"
        asked += sum(b'"tools/call"' in line for line in ours.splitlines() if tap.suffix == ".c2s")
    events, before = [], None
    for line in (directory / "audit.jsonl").read_bytes().splitlines():
        event = json.loads(line)
        assert event["chain"].get("prev") == before, "the chain is broken"
        before = hashlib.sha256(b"\0" + line).hexdigest()
        if event["tier"] != "audit":
            events.append(event)
    told = [(event["tool_id"], event["outcome"]["kind"]) for event in events]
    assert told == [(f"{server}:{tool}", kind) for tool, kind in wanted], told
    assert len(told) == asked, f"{asked} calls were made"
    callers = {event.get("caller_id") for event in events}
    assert caller is None or callers == {caller}, callers
    return len(told)


def main():
    TREE.mkdir(exist_ok=True)
    (TREE / "a.txt").write_text("hello\n")
    for script in HERE.glob("*.mjs"):
        # Beside the packages, where they are looked for.
        shutil.copy(script, NODE)
    runs = [(f"{client} → {server}", by_client, client, server) for server in SERVERS for client in CLIENTS]
    runs += [(f"inspector → {server}", by_inspector, server) for server in ("mcp-servers/everything", "mcp-time")]
    failed = calls = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        started = [(name, pool.submit(work, *given)) for name, work, *given in runs]
        for name, running in started:
            try:
                calls += running.result()
                print(f"  {name}", flush=True)
            except Exception as error:
                failed += 1
                print(f"  {name}: FAILED: {error}", flush=True)
    print(f"{len(runs)} sessions, {failed} failed; {calls} calls, each in the log once, with its outcome")
    sys.exit(failed > 0)


main()
