#!/usr/bin/env python3
"""Checks an audit log as docs/log-format.md states it. Python 3.9, no packages.

    verify.py [--head SEQ:HASH]... PATH...

PATH is a log (its rotated files and its head file are found beside it), any other
file of that log, or a directory of logs. Prints each problem as a line of JSON and
then what was found. Ends with 0 if all is intact, 1 if it is not, 2 if that can't be
said. Reads whole files: a log should fit into memory.
"""

import hashlib
import json
import os
import re
import sys
from collections import namedtuple

# ---- Values. A check is given a value, and whether it must be as we write it (in a
# ---- chained line) or only readable (in a plain one).


class Number(str):
    """The text of a number, for its value may be larger than a float can tell."""


def string(value, exact):
    return isinstance(value, str) and not isinstance(value, Number)


def boolean(value, exact):
    return isinstance(value, bool)


def pattern(regex):
    return lambda value, exact: string(value, exact) and re.fullmatch(regex, value) is not None


def integer(bits, least=0):
    def check(value, exact):
        digits = isinstance(value, Number) and re.fullmatch("0|[1-9][0-9]{0,19}", value)
        return bool(digits) and least <= int(value) < 1 << bits
    return check


def list_of(check):
    return lambda value, exact: isinstance(value, list) and all(check(x, exact) for x in value)


def or_null(check):
    return lambda value, exact: value is None or check(value, exact)


def object_of(known, optional=(), readable_without=()):
    """With these members; `exact`: in this order, without others."""
    def check(value, exact, more=False):
        if not isinstance(value, dict):
            return False
        found = [name for name in value if name in known]
        if exact and (found != [name for name in known if name in value]
                      or len(found) < len(value) and not more):
            return False
        needed = set(known) - set(optional) - (set() if exact else set(readable_without))
        return needed <= set(found) and all(
            known[name](value[name], exact)
            or not exact and name in optional and value[name] is None for name in found)
    return check


def kind_of(kinds):
    """With a `kind` that says which other members there are. One that isn't known may
    have any, and a writer that doesn't know what belongs to a kind writes it alone."""
    def check(value, exact):
        if not isinstance(value, dict) or not string(value.get("kind"), exact):
            return False
        kind = value["kind"]
        if exact and (next(iter(value)) != "kind" or len(value) == 1):
            return next(iter(value)) == "kind"
        return kind not in kinds or object_of({"kind": string, **kinds[kind]})(value, exact)
    return check


HASH, STREAM = pattern("[0-9a-f]{64}"), pattern("[0-9a-f]{32}")
TIME = pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
COUNT, U64, U32 = integer(64, least=1), integer(64), integer(32)
OUTCOME = kind_of({
    "success": {}, "tool_not_found": {}, "invalid_args": {"message": string},
    "execution_failed": {"code": string, "retryable": boolean},
    "capability_denied": {"missing": list_of(string)},
    "rate_limited": {"retry_after_ms": or_null(U64)}})
SOURCE = kind_of({"string_allow_list": {},
                  "ucan_chain": {"issuer_did": string, "chain_depth": integer(8)}})
EVENT = object_of({
    "ts": string, "call_id": string, "tool_id": string, "caller_id": string,
    "granted_capabilities": list_of(string), "duration_ms": U64, "outcome": OUTCOME,
    "tier": string, "dry_run": boolean, "schema_version": U32,
    "secrets_resolved": boolean, "cursor_page": U32,
    "capability_provenance": list_of(object_of({"cap": string, "source": SOURCE}))},
    optional=("caller_id", "cursor_page", "capability_provenance"),
    readable_without=("secrets_resolved",))
NOTES = {
    "lost": COUNT, "elsewhere": COUNT, "cut": COUNT, "opened": TIME, "closed": TIME,
    "plain": object_of({"lines": COUNT, "sha256": HASH}),
    "torn": object_of({"bytes": COUNT, "sha256": HASH}),
    "gone": object_of({"seq": U64, "hash": HASH}),
    "after": object_of({"stream": STREAM, "seq": U64, "hash": HASH, "file": string})}
CHAIN_MEMBERS = {"stream": STREAM, "seq": U64, "prev": HASH, **NOTES}
CHAIN = object_of(CHAIN_MEMBERS, optional=("prev", *NOTES))

# ---- Lines


def only_once(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands there twice")
    return dict(pairs)


def refuse(name):
    raise ValueError(f"{name} is no JSON")


DECODER = json.JSONDecoder(object_pairs_hook=only_once, parse_int=Number,
                           parse_float=Number, parse_constant=refuse)
Link = namedtuple("Link", "stream seq hash prev notes newer own")
PLAIN = "plain"


def compact(value):
    """The bytes that serde_json writes."""
    if isinstance(value, dict):
        inner = (json.dumps(k, ensure_ascii=False) + ":" + compact(v) for k, v in value.items())
        return "{" + ",".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def read_line(line):
    """A `Link`, `PLAIN`, or None for what is garbled; `line` has no line feed."""
    try:
        event = DECODER.decode(line.decode())
        text = compact(event).encode()
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or b"\r" in line or len(line) > 16 << 20:
        return None
    if "chain" not in event:
        return PLAIN if EVENT(event, False) else None
    chain, is_last = event["chain"], list(event)[-1] == "chain"
    bare = {name: value for name, value in event.items() if name != "chain"}
    version = event.get("schema_version")
    newer = U32(version, True) and int(version) > 3
    if (text != line or not is_last or not EVENT(bare, True, newer)
            or not CHAIN(chain, True, newer) or ("prev" in chain) != (chain["seq"] != "0")
            or any(name in CHAIN_MEMBERS for name in list(chain)[len(CHAIN_MEMBERS.keys() & chain):])
            or len(line) + 1 > 61440 or len(compact(bare).encode()) > 60416):
        return None
    leaf = hashlib.sha256(b"\0" + line).hexdigest()
    return Link(chain["stream"], int(chain["seq"]), leaf, chain.get("prev"), chain, newer,
                event["tool_id"] == "audit:log")


class File:
    def __init__(self, path, text, is_active=False, identity=None):
        self.path, self.is_active, self.identity = path, is_active, identity
        *lines, self.unfinished = text.split(b"\n")
        self.lines = [(number, line, read_line(line)) for number, line in enumerate(lines, 1)]
        self.links = [link for _, _, link in self.lines if isinstance(link, Link)]


def in_order(files):
    """By their first links: streams as `after` says, that of the active file and those
    before it ahead of strangers, then by number; then whatever reaches less far."""
    before = {link.stream: link.notes["after"]["stream"] for file in files
              for link in file.links[:1] if "after" in link.notes}

    def line_of(stream):
        line = [stream]
        while before.get(line[-1]) is not None and before[line[-1]] not in line:
            line.append(before[line[-1]])
        return line

    ours = [file.links[0].stream for file in files if file.is_active and file.links]
    ours = set(line_of(ours[0])) if ours else set()

    def key(file):
        if not file.links:
            return (2,) if file.is_active else (0,)
        first = file.links[0]
        line = line_of(first.stream)
        is_stranger = bool(ours) and not ours & set(line)
        return (1, is_stranger, line[-1] if is_stranger else "", len(line), first.stream,
                first.seq, max(link.seq for link in file.links if link.stream == first.stream))
    return sorted(files, key=key)

# ---- A log


class Report:
    def __init__(self):
        self.problems, self.facts, self.noted = [], {}, []
        self.streams, self.tip = {}, None

    def problem(self, kind, file, line=None, seq=None, message=""):
        self.problems.append({"kind": kind, "file": file and file.path, "line": line,
                              "seq": seq, "message": message})

    def count(self, fact, number=1):
        self.facts[fact] = self.facts.get(fact, 0) + number

    @property
    def verdict(self):
        return "broken" if self.problems else "intact" if self.tip else "unchecked"

    @property
    def is_complete(self):
        parts = ("lost", "elsewhere", "cut", "torn", "gone", "front", "set_aside",
                 "not_there", "unfinished", "untold")
        return not (self.problems or any(map(self.facts.get, parts))
                    or self.facts.get("opened", 0) > self.facts.get("closed", 0))


def walk(files, report):
    tip = run = None              # the last link; that of a run of a foreign stream
    early, here = [], []          # plain lines not told of: earlier files', this file's
    hashes = {}                   # of each (stream, seq), the first line's
    for file in files:
        early, here, run, is_copy = early + here, [], None, True
        for number, line, link in file.lines:
            if link is None:
                report.problem("garbled", file, number, None, "no record in the form of a log")
                continue
            if link == PLAIN:
                report.count("plain")
                here.append(line + b"\n")
                continue
            at, known = (file, number, link.seq), hashes.get((link.stream, link.seq))
            report.streams.setdefault(link.stream, {}).setdefault(link.seq, set()).add(link.hash)
            after, foreign = link.notes.get("after"), False
            if tip is None:
                report.count("front", link.seq > 0)
                report.count("set_aside", after is not None)
            elif link.stream != tip.stream:
                foreign = link.seq > 0 or not after or after["stream"] != tip.stream
                if foreign and (run is None or run.stream != link.stream):
                    report.problem("foreign", *at, "a line of another stream")
                    run, is_copy = link, False
                    hashes.setdefault((link.stream, link.seq), link.hash)
                    continue
                end = not foreign and (int(after["seq"]), after["hash"])
                if end and end[0] <= tip.seq and end != (tip.seq, tip.hash):
                    report.problem("edited", *at, "the stream before doesn't end as `after` says")
                elif not foreign:
                    report.count("set_aside", int(after["seq"]) > tip.seq)
            last = run if foreign else tip
            run = last if foreign else None
            new = link
            if last is None or link.stream != last.stream:
                pass
            elif link.seq == last.seq + 1:
                if link.prev != last.hash:
                    report.problem("edited", *at, "`prev` is not the hash of the line before")
            elif link.prev == last.hash:
                report.problem("edited", *at, f"it follows {last.seq}")
                new = link._replace(seq=last.seq + 1)
                report.streams[link.stream].setdefault(new.seq, set()).add(link.hash)
            elif link.seq > last.seq:
                gone = link.notes.get("gone")
                if not gone or (int(gone["seq"]), gone["hash"]) != (link.seq - 1, link.prev):
                    report.problem("missing", *at, f"{last.seq + 1} to {link.seq - 1}")
            else:
                new = None
                if known == link.hash and is_copy and not foreign:
                    report.count("overlap")
                    early, here = ([] if link.hash == tip.hash else early), []
                    continue
                kind = {link.hash: "repeated", None: "misplaced"}.get(known, "forked")
                report.problem(kind, *at, f"it stands after {last.seq}")
            is_copy = False
            hashes.setdefault((link.stream, (new or link).seq), link.hash)
            if new is None:
                continue
            if foreign:
                run = new
                continue
            tip = new
            told, was_told = link.notes.get("plain"), lambda lines: told == {
                "lines": str(len(lines)), "sha256": hashlib.sha256(b"".join(lines)).hexdigest()}
            is_front = link is not None and run is None and not report.facts.get("records")
            if not (was_told(early + here) if told else not early + here):
                if was_told(here) if told else not here:
                    report.count("untold", len(early))
                else:
                    report.problem("edited", *at, "other plain lines stand before it")
            early, here = [], []
            report.count("own" if link.own else "records")
            report.count("newer", link.newer)
            for name in ("lost", "elsewhere", "cut"):
                report.count(name, int(link.notes.get(name, 0)))
            for name in ("opened", "closed", "torn", "gone"):
                report.count(name, name in link.notes)
        report.count("unfinished", len(file.unfinished))
    report.count("untold", len(early + here))
    report.tip = tip


def read_head(path):
    """What the head file says: stream, seq, hash, device, inode, boot; or None."""
    try:
        with open(path, "rb") as file:
            text = file.read().decode().rstrip()
        covered, value = text.rpartition(',"sum":')[0], json.loads(text)
        is_whole = hashlib.sha256(covered.encode()).hexdigest()[:16] == value["sum"]
        return value if is_whole else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def compare(report, head, file, stream=None, excuse=False):
    """With a head that was given, or with the head file (which names the stream)."""
    seq, leaf = head
    name, streams = f"head {seq}:{leaf}", report.streams
    if stream is not None:
        streams = {stream: streams.get(stream, {})}
    found = set().union(*(lines.get(seq, ()) for lines in streams.values()))
    end = max((s for s in streams.get(stream, {})), default=-1) if stream else (
        report.tip.seq if report.tip else -1)
    if leaf in found:
        report.noted.append(name + ": agrees")
    elif found:
        report.problem("rewritten", file, None, seq, "the line has another hash than the head")
    elif seq <= end:
        report.noted.append(name + ": its line is not there to compare")
    elif excuse:
        report.count("not_there", seq - end)
    else:
        report.problem("truncated", file, None, seq, "the log ends before the head")


def verify(paths, heads=()):
    """A log: its own path, or those of its files, or both."""
    report, files, head_files = Report(), {}, []
    for path in paths:
        if not is_rotated(path):
            head = read_head(path + ".head")
            head_files += [(head, path)] if head else []
        for name in [path] + rotated(path):
            if os.path.exists(name):
                with open(name, "rb") as file:
                    stat = os.fstat(file.fileno())
                    text = file.read(stat.st_size)
                is_active = name == path and os.path.exists(path + ".head")
                identity = (stat.st_dev, stat.st_ino)
                files.setdefault(identity, File(name, text, is_active, identity))
    if not files and not head_files:
        raise FileNotFoundError("there is no such log")
    return check(report, files.values(), heads, head_files)


def check(report, files, heads, head_files):
    files = in_order(files)
    walk(files, report)
    last = files[-1] if files else None
    for head in heads:
        compare(report, head, last)
    for head, path in head_files:
        active = [file for file in files if file.path == path]
        excuse = (bool(active) and head["boot"] != present_boot()
                  and active[0].identity == (head["device"], head["inode"]))
        compare(report, (head["seq"], head["hash"]), last, head["stream"], excuse)
    return report


def present_boot():
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


ROTATED = r"-[0-9a-f]{8}-[0-9]{20}"


def is_rotated(path):
    return re.search(ROTATED + r"(\.[^.]*)?(\.[0-9]+)?$", os.path.basename(path)) is not None


def rotated(path):
    """The rotated files beside a log."""
    stem, extension = os.path.splitext(os.path.basename(path))
    regex = re.escape(stem) + ROTATED + re.escape(extension) + r"(\.[0-9]+)?"
    directory = os.path.dirname(path)
    names = sorted(os.listdir(directory or "."))
    return [os.path.join(directory, name) for name in names if re.fullmatch(regex, name)]


def logs_in(directory):
    """The logs in a directory: what has a head file, or is no file of another log."""
    names = sorted(os.listdir(directory))
    logs = {name[:-5] for name in names if name.endswith(".head")}
    of_logs = {os.path.basename(f) for log in logs for f in rotated(os.path.join(directory, log))}
    aside = re.compile(r".*\.(head|spoilt|torn-[0-9]+|damaged-[0-9TZ]+)(\.[0-9]+)?")
    logs |= {name for name in names if ".jsonl" in name and not aside.fullmatch(name)} - of_logs
    return [os.path.join(directory, name) for name in sorted(logs)]


def main(args):
    heads, paths, worst = [], [], 0
    while args:
        arg = args.pop(0)
        if arg == "--head" and args and re.fullmatch("[0-9]+:[0-9a-f]{64}", args[0]):
            seq, leaf = args.pop(0).split(":")
            heads.append((int(seq), leaf))
        elif arg.startswith("-"):
            print(__doc__, file=sys.stderr)
            return 2
        else:
            paths.append(arg)
    given = [path for path in paths if not os.path.isdir(path)]
    logs = ([given] if given else []) + [
        [log] for path in paths if os.path.isdir(path) for log in logs_in(path)]
    for log in logs:
        try:
            report = verify(log, heads)
        except OSError as error:
            print(f"{log[0]}: {error}", file=sys.stderr)
            worst = 2
            continue
        for problem in report.problems:
            print(json.dumps(problem))
        facts = ", ".join(f"{name} {number}" for name, number in report.facts.items() if number)
        head = f"{report.tip.seq}:{report.tip.hash}" if report.tip else "none"
        whole = "complete" if report.is_complete else "not complete"
        print(f"{log[0]}: {report.verdict}, {whole}; {facts}; head {head}", *report.noted, sep="\n  ")
        worst = max(worst, {"intact": 0, "broken": 1, "unchecked": 2}[report.verdict])
    return worst if logs else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
