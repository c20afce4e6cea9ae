//! Head files, as a writer leaves them or as somebody has changed them.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use arbitrary::{Result, Unstructured};

use crate::dir::Dir;
use crate::logs::{ACTIVE, HEAD, Head, Log, sha256};

/// No machine names its start so.
pub(crate) const ANOTHER_BOOT: &str = "another";

/// As the format's page says.
const LENGTH: usize = 384;

/// Lays the head file of a log beside it, and says whether it is true.
pub(crate) fn lay(dir: &Dir, log: &Log, u: &mut Unstructured<'_>) -> Result<bool> {
    let Some(mut head) = log.head.clone() else {
        return Ok(false);
    };
    let mut size = log.head_end as u64;
    let mut boot = boot_id();
    let (mut device, mut inode) = identity(dir);
    let mut is_damaged = false;
    let kind = u.int_in_range(0..=15_u8)?;
    match kind {
        // After a power loss.
        14 | 15 => boot = ANOTHER_BOOT.into(),
        2 => size = u.int_in_range(0..=size + 20)?,
        3 => head.seq = u.int_in_range(0..=head.seq + 3)?,
        4 => head.hash = sha256(b"another"),
        5 => head.stream = "5".repeat(32),
        // Another file, in this boot or in another.
        6 => inode ^= 1,
        7 => (inode, boot) = (inode ^ 1, ANOTHER_BOOT.into()),
        8 => device ^= 1,
        9 => is_damaged = true,
        10 => head.seq = u64::MAX - 1,
        _ => {}
    }
    let mut text = text(&head, size, (device, inode), &boot);
    if is_damaged {
        let at = u.choose_index(LENGTH)?;
        text[at] = u.arbitrary()?;
        text.truncate(u.int_in_range(0..=LENGTH)?);
    }
    fs::write(dir.path(HEAD), text).expect("the head file");
    Ok((0..2).contains(&kind) || (11..14).contains(&kind))
}

fn text(head: &Head, size: u64, (device, inode): (u64, u64), boot: &str) -> Vec<u8> {
    let Head { stream, seq, hash } = head;
    let mut text = format!(
        "{{\"boot\":\"{boot}\",\"device\":{device},\"hash\":\"{hash}\",\"inode\":{inode},\
         \"seq\":{seq},\"size\":{size},\"stream\":\"{stream}\""
    );
    let sum = sha256(text.as_bytes());
    text += &format!(",\"sum\":\"{}\"}}", &sum[..16]);
    format!("{text:width$}\n", width = LENGTH - 1).into_bytes()
}

/// Device and inode of the active file.
fn identity(dir: &Dir) -> (u64, u64) {
    let metadata = fs::metadata(dir.path(ACTIVE));
    metadata.map_or((0, 0), |file| (file.dev(), file.ino()))
}

fn boot_id() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    text.unwrap_or_default().trim().to_owned()
}
