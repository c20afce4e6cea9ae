//! Calls as comma-separated values, by RFC 4180.

use audit_jsonl::LogLine;

use crate::calls::filter::Filter;
use crate::calls::{Call, Detail};
use crate::exit::Failure;
use crate::query::lines::Found;
use crate::scan::Visitor;
use crate::text;

/// The names of the columns.
pub(super) const HEADING: &str = "ts,call_id,tool_id,caller_id,granted_capabilities,duration_ms,\
outcome,code,retryable,message,missing,retry_after_ms,tier,dry_run,schema_version,\
secrets_resolved,cursor_page,capability_provenance,stream,seq\n";

/// Makes a line of each call that is asked for.
pub(super) struct Chosen<'a> {
    filter: &'a Filter,
}

impl<'a> Chosen<'a> {
    pub(super) fn new(filter: &'a Filter) -> Self {
        Self { filter }
    }
}

impl Visitor for Chosen<'_> {
    type Found = Found;

    fn visit(
        &mut self,
        call: &Call<'_>,
        _: &LogLine<'_>,
        found: &mut Found,
    ) -> Result<bool, Failure> {
        if !self.filter.takes(call) {
            return Ok(false);
        }
        found.add(|bytes| write(call, bytes));
        Ok(true)
    }
}

fn write(call: &Call<'_>, bytes: &mut Vec<u8>) {
    let event = call.to_event();
    let kind = call.kind();
    let (mut code, mut retryable, mut message) = (String::new(), "", String::new());
    let (mut missing, mut retry_after) = (String::new(), String::new());
    match call.detail() {
        Detail::None => {}
        Detail::Failed {
            code: its,
            retryable: is,
        } => {
            code = its.into_owned();
            retryable = if is { "true" } else { "false" };
        }
        Detail::Invalid { message: its } => message = its.into_owned(),
        Detail::Denied { missing: its } => missing = json(&its),
        Detail::Limited { retry_after_ms } => {
            retry_after = retry_after_ms.map_or(String::new(), |ms| ms.to_string());
        }
    }
    let provenance = event.capability_provenance.as_ref();
    let (stream, seq) = match call.chain() {
        Some(chain) => (chain.stream.to_string(), chain.seq.to_string()),
        None => Default::default(),
    };
    let mut writer = ::csv::WriterBuilder::new()
        .buffer_capacity(512)
        .from_writer(bytes);
    // Writing to memory doesn't fail.
    writer
        .write_record([
            &*event.ts,
            &event.call_id,
            &event.tool_id,
            event.caller_id.as_deref().unwrap_or_default(),
            &json(&event.granted_capabilities),
            &event.duration_ms.to_string(),
            &kind,
            &code,
            retryable,
            &message,
            &missing,
            &retry_after,
            &event.tier,
            bool(event.dry_run),
            &event.schema_version.to_string(),
            bool(event.secrets_resolved),
            &event
                .cursor_page
                .map_or(String::new(), |page| page.to_string()),
            &provenance.map_or(String::new(), json),
            &stream,
            &seq,
        ])
        .ok();
}

/// A record as a terminal may have it: in one line, with nothing hostile.
pub(crate) fn shown(record: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(record);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    (text::neutral(text).into_owned() + "\n").into_bytes()
}

fn bool(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
