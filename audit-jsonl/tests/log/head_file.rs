//! The head file, as a test reads and forges it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::form::sha256;

/// The head file's members, when its checksum is right.
pub(crate) struct Head;

impl Head {
    pub(crate) fn path(log: &Path) -> PathBuf {
        let mut name = log.as_os_str().to_owned();
        name.push(".head");
        name.into()
    }

    pub(crate) fn read(log: &Path) -> Option<Value> {
        let text = fs::read_to_string(Self::path(log)).ok()?;
        let value: Value = serde_json::from_str(&text).ok()?;
        let (covered, _) = text.split_once(",\"sum\":\"")?;
        (value["sum"] == sha256(covered.as_bytes())[..16]).then_some(value)
    }

    /// Writes one that says `value`, with a right checksum.
    pub(crate) fn write(log: &Path, value: &Value) {
        let mut value = value.clone();
        value.as_object_mut().unwrap().remove("sum");
        let mut text = value.to_string();
        text.pop();
        let sum = sha256(text.as_bytes());
        text += &format!(",\"sum\":\"{}\"}}", &sum[..16]);
        fs::write(Self::path(log), format!("{text:<383}\n")).unwrap();
    }

    /// Changes what one says.
    pub(crate) fn edit(log: &Path, member: &str, to: impl Into<Value>) {
        let mut value = Self::read(log).unwrap();
        value[member] = to.into();
        Self::write(log, &value);
    }
}
