"""Checks logs that come on standard input, for as long as they come.

Each is a line of JSON, {"files": [[name, bytes], …], "active": name, "heads":
["SEQ:HASH", …]}, and then the files' bytes. The answer is a line of JSON. The first
argument is the directory of verify.py.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import verify  # noqa: E402

while header := sys.stdin.buffer.readline():
    log = json.loads(header)
    files = [verify.File(name, sys.stdin.buffer.read(size), name == log["active"])
             for name, size in log["files"]]
    heads = [(int(seq), leaf) for seq, leaf in (head.split(":") for head in log["heads"])]
    report = verify.Log(files)
    for seq, leaf in heads:
        report.compare(seq, leaf)
    for problem in report.problems:
        del problem["message"]
    facts = {name: number for name, number in report.facts.items() if number}
    answer = {"verdict": report.verdict, "complete": report.is_complete,
              "problems": report.problems, "facts": facts}
    print(json.dumps(answer), flush=True)
