//! One case in a process of its own, which prints what it gave: a JSON object a line.

use std::error::Error;
use std::time::Duration;

use serde_json::{Value, json};

use crate::case::{self, Work};
use crate::commits;
use crate::contender::{Contender, named};
use crate::limits;
use crate::load::{self, Kind, Load, Run};
use crate::logs;
use crate::machine;
use crate::options::Child;
use crate::processes;

pub(crate) fn run(child: &Child) -> Result<(), Box<dyn Error>> {
    let case = case::all().into_iter().find(|case| case.name == child.case);
    let case = case.ok_or("there is no such case")?;
    let path = &child.path;
    let contender = || named(&child.contender).ok_or("there is no such contender");
    let results = match case.work {
        Work::Load(load) => {
            let load = if child.quick { load.quick() } else { load };
            vec![of_load(load, &load::run(load, contender()?, path)?)]
        }
        Work::Commits(way) => {
            let rate = commits::run(way, path, child.quick)?;
            vec![json!({ "commits_per_s": rate })]
        }
        Work::Limits => {
            let rows = limits::run(path, child.quick)?;
            let row = |(name, cost)| json!({ "what": name, "ns": cost });
            rows.into_iter().map(row).collect()
        }
        Work::Verify(lines) => {
            let lines = if child.quick { 10_000 } else { lines };
            vec![logs::verified(lines, path)?]
        }
        Work::Idle => vec![logs::idle(path)?],
        Work::Processes(processes) => {
            let Contender { form, .. } = contender()?;
            let run = processes::run(processes, form, path, child.quick)?;
            vec![json!({
                "processes": processes,
                "events_per_s": run.events as f64 / run.elapsed.as_secs_f64(),
                "processor_ns": run.processor.as_nanos() as f64 / run.events as f64,
                "others_of_ours_s": run.processor.as_secs_f64(),
            })]
        }
        Work::Logs => logs::grown(path, &child.audit, child.quick)?,
        Work::Allocations => return Err("the program `allocations` counts them".into()),
    };
    let own = machine::processor_time().map(|time| time.as_secs_f64());
    for mut result in results {
        result["own_processor_s"] = json!(own);
        println!("{result}");
    }
    Ok(())
}

fn of_load(load: Load, run: &Run) -> Value {
    let mut result = json!({
        "threads": load.threads,
        "bytes": load.bytes,
        "offered": run.offered,
        "lost": run.offered.saturating_sub(run.written),
        "told": run.dropped,
        "peak_kib": run.peak_kib,
    });
    if load.kind == Kind::Throughput {
        let each = |time: Duration| time.as_nanos() as f64 / load.events as f64;
        result["events_per_s"] = json!(load.events as f64 / run.elapsed.as_secs_f64());
        result["processor_ns"] = json!(run.processor.map(each));
    } else {
        // A quantile that hardly a call lies beyond is no quantile.
        let quantile = |per_mille: usize| {
            let beyond = run.calls.len() * (1_000 - per_mille) / 1_000;
            (beyond >= 4).then(|| run.calls[run.calls.len() - 1 - beyond])
        };
        result["clock_ns"] = json!(run.clock);
        result["p50_ns"] = json!(quantile(500));
        result["p99_ns"] = json!(quantile(990));
        result["p99.9_ns"] = json!(quantile(999));
        result["max_ns"] = json!(run.calls.last());
    }
    result
}
