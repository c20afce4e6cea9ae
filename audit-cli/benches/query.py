"""Times `audit`, DuckDB and jq on one log; see query.sh."""

import csv
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

audit, log, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])

DUCKDB = """
import json, sys, time, duckdb
begin = time.perf_counter()
# It would be drawn into the answer.
duckdb.sql("set enable_progress_bar = false")
{}
print(time.perf_counter() - begin, file=sys.stderr)
"""
PERCENTILES = (
    "quantile_disc(duration_ms, 0.5), quantile_disc(duration_ms, 0.95),"
    " quantile_disc(duration_ms, 0.99), max(duration_ms)"
)
COUNTS = (
    "select tool_id, count(*),"
    " count(*) filter (outcome.kind in ('execution_failed', 'invalid_args', 'tool_not_found')),"
    " count(*) filter (outcome.kind = 'capability_denied'),"
    f" count(*) filter (outcome.kind = 'rate_limited'), {PERCENTILES}"
    " from {} where tool_id <> 'audit:log' group by 1"
)
GUESSED = f"read_json('{log}', format = 'newline_delimited')"
# What DuckDB is told, it need not find out.
GIVEN = (
    f"read_json('{log}', format = 'newline_delimited',"
    " columns = {tool_id: 'VARCHAR', duration_ms: 'UBIGINT', outcome: 'STRUCT(kind VARCHAR)'})"
)
# All but `chain`, of which it would have to know every member beforehand.
MEMBERS = (
    "ts, call_id, tool_id, caller_id, granted_capabilities, duration_ms, outcome, tier, dry_run,"
    " schema_version, secrets_resolved, capability_provenance"
)
JQ_COUNTS = """
reduce (inputs | select(.tool_id != "audit:log")) as $call ({};
  .[$call.tool_id] |= (.calls += 1 | .kinds[$call.outcome.kind] += 1 | .ms[$call.duration_ms | tostring] += 1))
| to_entries[] | .value as $group
| ($group.ms | to_entries | map([(.key | tonumber), .value]) | sort) as $ms
| def quantile($q): ($group.calls * $q | ceil) as $rank
    | first(foreach $ms[] as $one (0; . + $one[1]; select(. >= $rank) | $one[0]));
[.key, $group.calls,
  ([$group.kinds["execution_failed", "invalid_args", "tool_not_found"] // 0] | add),
  ($group.kinds.capability_denied // 0), ($group.kinds.rate_limited // 0),
  quantile(0.5), quantile(0.95), quantile(0.99), $ms[-1][0]]
"""


def duckdb(code):
    return [sys.executable, "-c", DUCKDB.format(code)]


def rows(sql):
    return f"for row in duckdb.sql({sql!r}).fetchall(): print(json.dumps(row))"


def copied(sql):
    return f"duckdb.sql({('copy (' + sql + ') to ' + repr('/dev/stdout') + ' (format json)')!r})"


def counts_of_audit(out):
    names = ["tool", "calls", "failed", "denied", "limited", "p50_ms", "p95_ms", "p99_ms", "max_ms"]
    return sorted([row[names[0]], *(int(row[name]) for name in names[1:])] for row in csv.DictReader(io.StringIO(out)))


def counts(out):
    return sorted(json.loads(line) for line in out.splitlines())


def call_ids(out):
    return [json.loads(line)["call_id"] for line in out.splitlines()]


def tasks():
    with open(log, encoding="utf-8") as lines:
        one = json.loads(next(line for nth, line in enumerate(lines) if nth == 123_456 % 100_000))["call_id"]
    failed = "tool_id <> 'audit:log' and outcome.kind <> 'success' and tool_id = 'files:search'"
    yield "stats: count by tool, with percentiles", [
        ("audit stats", [audit, "stats", log, "--format", "csv"], counts_of_audit),
        ("DuckDB", duckdb(rows(COUNTS.format(GUESSED))), counts),
        ("DuckDB, columns given", duckdb(rows(COUNTS.format(GIVEN))), counts),
        ("jq", ["jq", "-nc", JQ_COUNTS, log], counts),
    ]
    yield "query: all searches that did not succeed, as JSON Lines", [
        ("audit query", [audit, "query", log, "--tool", "files:search", "--failed", "--format", "jsonl"], call_ids),
        ("DuckDB", duckdb(copied(f"select {MEMBERS} from {GUESSED} where {failed}")), call_ids),
        ("jq", ["jq", "-c", 'select(.tool_id == "files:search" and .outcome.kind != "success")', log], call_ids),
    ]
    yield "query: one call by its id, as JSON Lines", [
        ("audit query", [audit, "query", log, "--call-id", one, "--format", "jsonl"], call_ids),
        ("DuckDB", duckdb(copied(f"select {MEMBERS} from {GUESSED} where call_id = '{one}'")), call_ids),
        ("jq", ["jq", "-c", f'select(.call_id == "{one}")', log], call_ids),
    ]


def timed(command):
    before = os.times()
    begin = time.perf_counter()
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - begin
    after = os.times()
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    inner = float(ran.stderr.split()[-1]) if "duckdb" in command[-1] and ran.stderr else None
    return seconds, processor, inner, ran.stdout


def main():
    has_jq = shutil.which("jq") is not None
    if not has_jq:
        print("jq is not there: SKIPPED")
    size = os.path.getsize(log)
    print(f"{os.path.basename(log)}: {size / 1e6:.1f} MB; {os.cpu_count()} cores; medians of {rounds} rounds")
    slower = False
    for name, commands in tasks():
        commands = [command for command in commands if has_jq or command[0] != "jq"]
        times = {label: [] for label, *_ in commands}
        answers = {}
        # One after another in each round, so that a noisy minute hits them all.
        for _ in range(rounds):
            for label, command, read in commands:
                seconds, processor, inner, out = timed(command)
                times[label].append((seconds, processor))
                if inner is not None:
                    times.setdefault(f"{label}, query alone", []).append((inner, None))
                answers[label] = read(out)
        first = next(iter(answers.values()))
        for label, answer in answers.items():
            if answer != first:
                sys.exit(f"{label} gives another answer")
        print(f"\n{name} ({len(first)} lines)")
        medians = {
            label: [statistics.median(column) if None not in column else None for column in zip(*rounds)]
            for label, rounds in times.items()
        }
        own, own_processor = medians[commands[0][0]]
        for label, (seconds, processor) in sorted(medians.items(), key=lambda pair: pair[1][0]):
            line = f"  {label:36} {seconds * 1e3:9.1f} ms {seconds / own:7.1f} x"
            if processor is not None:
                line += f"   processor {processor * 1e3:8.0f} ms {processor / own_processor:7.1f} x"
            print(line)
            slower |= seconds < own
    if slower:
        sys.exit("audit is not the fastest")


main()
