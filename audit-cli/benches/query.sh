#!/bin/sh
# Asks the same of 200,000 lines with `audit`, with DuckDB's read_json and with jq,
# sees that the answers agree, and prints how long each took, the start of its process included.
#
#     audit-cli/benches/query.sh
#
# Needs python3 with venv, and jq. All it makes is under target/query-bench. CALLS and
# ROUNDS say how many lines and how often.
set -eu
cd "$(dirname "$0")/../.."
calls=${CALLS:-200000}
dir=$PWD/target/query-bench
mkdir -p "$dir"

cargo build --quiet --release -p audit-cli
cargo build --quiet --release -p audit-jsonl --example file_tools
log=$dir/audit-$calls.jsonl
if [ ! -e "$log" ]; then
    target/release/examples/file_tools --calls "$calls" --log "$log" . >/dev/null
fi
if [ ! -x "$dir/venv/bin/python" ]; then
    python3 -m venv "$dir/venv"
    "$dir/venv/bin/pip" install --quiet --disable-pip-version-check duckdb
fi
exec "$dir/venv/bin/python" audit-cli/benches/query.py target/release/audit "$log" "${ROUNDS:-7}"
