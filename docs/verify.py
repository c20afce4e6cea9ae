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


def integer(bits, least=0, most=None):
    def check(value, exact):
        digits = isinstance(value, Number) and re.fullmatch("0|[1-9][0-9]{0,19}", value)
        return bool(digits) and least <= int(value) <= (most or (1 << bits) - 1)
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
SEQ = integer(64, most=(1 << 64) - 2)  # another can follow it
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
    "gone": object_of({"seq": SEQ, "hash": HASH}),
    "after": object_of({"stream": STREAM, "seq": SEQ, "hash": HASH, "file": string})}
CHAIN_MEMBERS = {"stream": STREAM, "seq": SEQ, "prev": HASH, **NOTES}
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
Link = namedtuple("Link", "stream seq hash prev notes newer own ts")
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
    if text != line or not is_last or not EVENT(bare, True, newer) or not CHAIN(chain, True, newer):
        return None
    known = [name for name in chain if name in CHAIN_MEMBERS]
    if list(chain)[:len(known)] != known or ("prev" in chain) != (chain["seq"] != "0"):
        return None
    if len(line) + 1 > 61440 or len(compact(bare).encode()) > 60416:
        return None
    leaf = hashlib.sha256(b"\0" + line).hexdigest()
    return Link(chain["stream"], int(chain["seq"]), leaf, chain.get("prev"), chain, newer,
                event["tool_id"] == "audit:log", event["ts"])


class File:
    def __init__(self, path, text, is_active=False):
        self.path, self.is_active = path, is_active
        *lines, self.unfinished = text.split(b"\n")
        self.lines = [(number, line, read_line(line)) for number, line in enumerate(lines, 1)]
        begins_plain = bool(self.lines) and self.lines[0][2] == PLAIN
        self.ts = json.loads(lines[0])["ts"] if begins_plain else ""
        self.links = [link for _, _, link in self.lines if isinstance(link, Link)]


def in_order(files):
    """By their first links: streams as `after` says, those that are strangers to each
    other by time, that of the active file last; then by number, and of two that begin
    alike the shorter one. Files of plain lines alone come first."""
    before, begun, active = {}, {}, None
    for file in files:
        for link in file.links[:1]:
            begun[link.stream] = min(begun.get(link.stream, link.ts), link.ts)
            active = link.stream if file.is_active else active
            if "after" in link.notes:
                before.setdefault(link.stream, link.notes["after"]["stream"])

    def family(stream):
        for depth in range(len(before) + 1):
            if stream not in before or depth == len(before):
                return stream, depth
            stream = before[stream]

    def age(stream):
        root, depth = family(stream)
        since = min(begun[other] for other in begun if family(other)[0] == root)
        is_active = active is not None and family(active)[0] == root
        return is_active, since, root, depth, begun[stream], stream

    ranks = {stream: rank for rank, stream in enumerate(sorted(begun, key=age))}

    def place(file):
        name = re.search(ROTATED, os.path.basename(file.path))
        if file.links:
            first = file.links[0]
            return 1, ranks[first.stream], first.seq, file.links[-1].seq, file.path
        if file.is_active:
            return (2,)
        stream = [rank for stream, rank in ranks.items() if name and stream[:8] == name[1]]
        return (1, stream[0], int(name[2]), -1, file.path) if stream else (0, file.ts, file.path)
    return sorted(files, key=place)


# ---- A log


class Log:
    """What its lines are found to be, one after the other."""

    def __init__(self, files, path=None):
        self.path = path
        self.problems, self.facts, self.noted = [], {}, []
        self.tip = self.run = None     # the last link; that of a run of a foreign stream
        self.early, self.here = [], []  # plain lines that no link tells of yet: those of
        #                                 earlier files, and this file's
        self.hashes = {}     # (stream, seq): the hashes of all lines that say so
        self.placed = set()  # (stream, seq, hash) of lines whose place says so
        self.chain = {}      # (stream, seq): the place of the line in the chain
        self.gaps = []       # (stream, first, last) that are missing
        self.ends = set()    # (stream, seq, hash) that a later stream names as the end
        self.files = in_order(files)
        for file in self.files:
            self.early, self.here, self.run, self.is_copy = self.early + self.here, [], None, True
            for number, line, link in file.lines:
                if link is None:
                    self.problem("garbled", file, number, None, "no record in the form of a log")
                elif link == PLAIN:
                    self.count("plain")
                    self.here.append(line + b"\n")
                else:
                    self.link(link, (file, number, link.seq))
            self.count("unfinished", len(file.unfinished))
        self.count("untold", len(self.early + self.here))

    def problem(self, kind, file, line, seq, message):
        self.problems.append({"kind": kind, "file": file.path if file else self.path,
                              "line": line, "seq": seq, "message": message})

    def count(self, fact, number=1):
        self.facts[fact] = self.facts.get(fact, 0) + int(number)

    def link(self, link, at):
        is_ours = self.tip is None or link.stream == self.tip.stream or self.is_next_stream(link, at)
        is_new_run = not is_ours and (self.run is None or self.run.stream != link.stream)
        if is_new_run:
            self.problem("foreign", *at, "a line of another stream begins here")
        before = None if is_new_run else self.tip if is_ours else self.run
        new = self.place(link, before, at, is_ours)
        self.hashes.setdefault((link.stream, link.seq), set()).add(link.hash)
        if not is_ours:
            self.run = new or before
            return
        self.run = None
        if new is None:
            return
        self.plain(link, (*at[:2], new.seq))
        self.tip = new
        self.chain.setdefault((new.stream, new.seq), at)
        self.placed.add((new.stream, new.seq, link.hash))
        self.count("own" if link.own else "records")
        self.count("newer", link.newer)
        for name in ("lost", "elsewhere", "cut"):
            self.count(name, link.notes.get(name, 0))
        for name in ("opened", "closed", "torn", "gone"):
            self.count(name, name in link.notes)

    def is_next_stream(self, link, at):
        after = link.notes.get("after")
        if link.seq > 0 or not after or after["stream"] != self.tip.stream:
            return False
        end = int(after["seq"]), after["hash"]
        if end[0] <= self.tip.seq and end != (self.tip.seq, self.tip.hash):
            self.problem("edited", *at, "the stream before doesn't end as `after` says")
        self.ends.add((self.tip.stream, *end))
        self.count("set_aside", end[0] > self.tip.seq)
        return True

    def place(self, link, before, at, is_ours):
        """The link as the last one of its stream, or None when it stands too late."""
        new, known = link, self.hashes.get((link.stream, link.seq), ())
        if before is None or link.stream != before.stream:
            if self.tip is None:
                self.count("front", link.seq > 0)
                self.count("set_aside", "after" in link.notes)
        elif link.seq == before.seq + 1:
            if link.prev != before.hash:
                self.problem("edited", *at, "`prev` is not the hash of the line before")
        elif link.prev == before.hash:
            self.problem("edited", *at, f"by its `prev` it is {before.seq + 1}")
            new = link._replace(seq=before.seq + 1)
        elif link.seq > before.seq:
            gone = link.notes.get("gone", {"seq": -1})
            if int(gone["seq"]) != link.seq - 1 or gone["hash"] != link.prev:
                self.problem("missing", *at, f"lines {before.seq + 1} to {link.seq - 1}")
                self.gaps += [(link.stream, before.seq + 1, link.seq - 1)] if is_ours else []
        elif link.hash in known and self.is_copy and is_ours:
            # The file begins with what the one before it holds.
            self.count("overlap")
            self.early, self.here = [] if link.hash == self.tip.hash else self.early, []
            return None
        else:
            kind = "repeated" if link.hash in known else "forked" if known else "misplaced"
            self.problem(kind, *at, f"it stands after {before.seq}")
            new = None
        self.is_copy = False
        return new

    def plain(self, link, at):
        """Whether the plain lines before a link are those that it tells of."""
        def is_told(lines):
            digest = hashlib.sha256(b"".join(lines)).hexdigest()
            told = {"lines": str(len(lines)), "sha256": digest} if lines else None
            return link.notes.get("plain") == told
        is_front = self.tip is None and link.seq > 0 and not self.early + self.here
        if is_told(self.here) and not is_told(self.early + self.here):
            self.count("untold", len(self.early))
        elif not is_told(self.early + self.here) and not is_front:
            self.problem("edited", *at, "the plain lines before it are not those that it tells of")
        self.early, self.here = [], []

    def compare(self, seq, leaf, stream=None, is_excused=False):
        """With a head that was given, or with the head file's, which names its stream."""
        def of(keys):
            return [key for key in keys if stream in (None, key[0]) and key[1] == seq]
        chain = of(self.chain)
        numbers = [key[1] for key in self.chain if stream in (None, key[0])]
        if (any(leaf in self.hashes[key] for key in of(self.hashes))
                or leaf in [key[2] for key in of(self.placed)]):
            finding = "agrees"
        elif leaf in [key[2] for key in of(self.ends)]:
            finding = "stands in a file set aside"
        elif chain:
            finding = "rewritten"
            file, line, _ = self.chain[chain[0]]
            self.problem(finding, file, line, seq, "it has another hash than the head")
        elif any(stream in (None, gap[0]) and gap[1] <= seq <= gap[2] for gap in self.gaps):
            finding = "is missing"
        elif numbers and seq < numbers[0]:
            finding = "is before the first line"
        elif is_excused:
            finding = "was lost with power"
            self.count("not_there", seq - max(numbers, default=-1))
        else:
            finding = "truncated"
            self.problem(finding, self.files[-1] if self.files else None, None, seq,
                         "the log ends before the head")
        self.noted.append(f"head {seq}:{leaf}: {finding}")

    @property
    def verdict(self):
        return "not_intact" if self.problems else "intact" if self.tip else "unchecked"

    @property
    def is_complete(self):
        lacking = ("lost", "elsewhere", "cut", "torn", "gone", "front", "set_aside",
                   "not_there", "unfinished", "untold")
        return not (self.problems or any(map(self.facts.get, lacking))
                    or self.facts.get("opened", 0) > self.facts.get("closed", 0))


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


def verify(paths, heads=()):
    """A log: its own path, or those of its files, or both."""
    files, head_files = {}, []
    for path in paths:
        # Before the log, which may grow meanwhile.
        head = None if log_of(os.path.basename(path)) else read_head(path + ".head")
        head_files += [(head, path)] if head else []
        for name in [path] + rotated(path):
            if os.path.exists(name):
                with open(name, "rb") as file:
                    stat = os.fstat(file.fileno())
                    text = file.read(stat.st_size)
                identity = (stat.st_dev, stat.st_ino)
                is_active = name == path and os.path.exists(path + ".head")
                files.setdefault(identity, File(name, text, is_active))
    if not files and not head_files:
        raise FileNotFoundError("there is no such log")
    log = Log(files.values(), paths[-1])
    for seq, leaf in heads:
        log.compare(seq, leaf)
    for head, path in head_files:
        active = files.get((head["device"], head["inode"]))
        is_excused = bool(active and active.path == path and head["boot"] != present_boot())
        log.compare(head["seq"], head["hash"], head["stream"], is_excused)
    return log


def present_boot():
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""


ROTATED = r"-([0-9a-f]{8})-([0-9]{20})"


def log_of(name):
    """The name of the log that a rotated file bears its name after, or None."""
    parts = re.fullmatch(f"(.*){ROTATED}" + r"(\.[^.]*)?(\.[0-9]+)?", name)
    return parts and parts[1] + (parts[4] or "")


def rotated(path):
    """The rotated files beside a log."""
    directory, log = os.path.split(path)
    names = sorted(os.listdir(directory or "."))
    return [os.path.join(directory, name) for name in names if log_of(name) == log]


def logs_in(directory):
    """What has a head file or rotated files beside it, and what is called `.jsonl`."""
    names = os.listdir(directory)
    logs = {log_of(name) or name for name in names if log_of(name) or name.endswith(".jsonl")}
    logs |= {name[:-5] for name in names if name.endswith(".head")}
    return [os.path.join(directory, log) for log in sorted(logs)]


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
    for paths in logs:
        try:
            log = verify(paths, heads)
        except OSError as error:
            print(f"{paths[0]}: {error}", file=sys.stderr)
            worst = 2
            continue
        for problem in log.problems:
            print(json.dumps(problem))
        facts = [f"{name} {number}" for name, number in log.facts.items() if number]
        whole = "complete" if log.is_complete else "not complete"
        print(f"{paths[0]}: {log.verdict}, {whole}", *facts, sep=", ")
        print("  ends with", f"{log.tip.seq}:{log.tip.hash}" if log.tip else "no chained line")
        for note in log.noted or ["its last line was compared with no head"]:
            print(" ", note)
        worst = max(worst, {"intact": 0, "not_intact": 1, "unchecked": 2}[log.verdict])
    return worst if logs else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
