use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// What breaks encoders, readers, line splitters and terminals.
const SPECIAL: &[&str] = &[
    // JSON must escape two of these, may escape the third.
    "\"",
    "\\",
    "/",
    // Controls that JSON leaves as they are; terminals don't.
    "\u{7f}",
    "\u{80}",
    "\u{85}",
    "\u{9b}",
    // Line ends for Unicode and JavaScript, but not for a log.
    "\u{2028}",
    "\u{2029}",
    // The byte-order mark, and characters that nobody sees.
    "\u{feff}",
    "\u{a0}",
    "\u{200b}",
    "\u{200d}",
    // Bidi controls: they turn the text after them around.
    "\u{61c}",
    "\u{200e}",
    "\u{200f}",
    "\u{202a}",
    "\u{202b}",
    "\u{202c}",
    "\u{202d}",
    "\u{202e}",
    "\u{2066}",
    "\u{2067}",
    "\u{2068}",
    "\u{2069}",
    // ANSI escapes: colour, clear the screen, set the title, a link.
    "\u{1b}[31m",
    "\u{1b}[2J",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]8;;https://example.com\u{1b}\\",
    // Where the length in UTF-8 or UTF-16 changes, and what borders on surrogates.
    "\u{7ff}",
    "\u{800}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{fffd}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{10000}",
    "\u{10ffff}",
    // Combining marks, on a letter and alone; emoji of one and of many characters.
    "e\u{301}",
    "\u{301}",
    "é",
    "🦀",
    "👩\u{200d}👩\u{200d}👧",
    "🇫🇷",
];

/// Pieces of JSON and of logs: they show text that is pasted instead of encoded.
const LOOKS_LIKE_JSON: &[&str] = &[
    "{}",
    "[]",
    "null",
    "true",
    "0",
    "\"}",
    "\",\"tier\":\"hot",
    "\\u0000",
    "\\ud800",
    "\\n",
    "\\\"",
    "}\n{",
    r#"{"kind":"success"}"#,
    r#"","chain":{"stream":"00000000000000000000000000000000","seq":0}}"#,
];

/// Strings that break things, for every text field of an event.
///
/// Favours, each for the code that it catches:
/// - the empty string, and every C0 control, the quote, the backslash and DEL
///   alone (off-by-one at both ends);
/// - U+2028, U+2029, NEL (line splitters), the byte-order mark, bidi controls
///   and ANSI escapes (what prints to a terminal), astral characters, combining
///   marks and the neighbours of the surrogates (UTF-16 and lengths);
/// - lengths around 8, 16, 32 and 64 bytes with one byte to escape anywhere
///   (scanners that take a word at a time);
/// - text that looks like JSON or like a log line (pasting instead of encoding);
/// - some KiB (buffers that grow) and, about once in 300, a [`huge_string`].
///
/// Shrinks to a short lower-case word or to nothing.
pub fn nasty_string() -> BoxedStrategy<String> {
    prop_oneof![
        60 => "[a-z]{0,8}",
        60 => "[a-z][a-z0-9._:-]{0,30}",
        45 => piece(),
        60 => vec(piece(), 0..8).prop_map(|pieces| pieces.concat()),
        45 => around_a_word(),
        20 => vec(any::<char>(), 0..24).prop_map(String::from_iter),
        9 => (piece(), 1..300_usize).prop_map(|(piece, times)| piece.repeat(times)),
        1 => huge_string(),
    ]
    .boxed()
}

/// Strings of up to 100 KiB: longer than any buffer that a sink keeps, and than
/// the bound on a chained line (60 KiB).
///
/// Favours such as are all escapes, which are up to six times as long in JSON,
/// and such as can't be cut at any byte, being astral.
///
/// Shrinks in length.
pub fn huge_string() -> BoxedStrategy<String> {
    let piece = prop_oneof![Just("a".to_owned()), piece()];
    (piece, 1..=100_usize)
        .prop_map(|(piece, kib)| piece.repeat(kib * 1024 / piece.len().max(1)))
        .boxed()
}

/// Every string of up to 72 bytes in which one is to be escaped and the rest
/// are not: each length, each place, each of the bytes 0x00, 0x1f, LF, `"` and
/// `\`, and beside them those that border on these and need no escape.
///
/// No strategy but a list, about 29,000 long: scanners that take 8, 16, 32 or
/// 64 bytes at a time fail at one length and place of many, which random strings
/// find rarely.
pub fn escapes_at_every_position() -> impl Iterator<Item = String> {
    const BYTES: &[u8] = b"\x00\x1f\n\"\\ !#[]\x7f";
    (1..=72_usize).flat_map(|length| {
        (0..length).flat_map(move |at| BYTES.iter().map(move |byte| planted(length, at, *byte)))
    })
}

/// RFC 3339 in UTC, in the forms that versions of the schema have written: with
/// `Z` or `+00:00`, without a fraction, with microseconds or nanoseconds.
///
/// Favours the form of `now_rfc3339`; beside it the ends of days and years, leap
/// days and a leap second, which a hand-made parser gets wrong.
pub fn timestamp() -> BoxedStrategy<String> {
    let zone = || select(vec!["Z", "+00:00"]);
    let day = select(vec![
        "2026-11-20",
        "2026-01-01",
        "2025-12-31",
        "2024-02-29",
        "2000-02-29",
        "1970-01-01",
        "1969-12-31",
        "9999-12-31",
        "0001-01-01",
    ]);
    let time = prop_oneof![
        select(vec!["00:00:00", "23:59:59", "09:30:00"]).prop_map(str::to_owned),
        (0..24_u8, 0..60_u8, 0..60_u8).prop_map(|(h, m, s)| format!("{h:02}:{m:02}:{s:02}")),
    ];
    let fraction = prop_oneof![
        2 => Just(String::new()),
        4 => (0..1_000_000_u32).prop_map(|micros| format!(".{micros:06}")),
        2 => (0..1_000_000_000_u32).prop_map(|nanos| format!(".{nanos:09}")),
        1 => select(vec![".0", ".000", ".999999", ".999999999"]).prop_map(str::to_owned),
    ];
    prop_oneof![
        8 => (0..1_000_000_u32).prop_map(|micros| format!("2026-11-20T09:30:00.{micros:06}Z")),
        8 => (day, time, fraction, zone())
            .prop_map(|(day, time, fraction, zone)| format!("{day}T{time}{fraction}{zone}")),
        1 => zone().prop_map(|zone| format!("2016-12-31T23:59:60{zone}")),
    ]
    .boxed()
}

/// ULIDs, as `01JD4Z8W3K9V2N7Q5T1R6Y0XBC`: 26 characters of Crockford's base 32.
///
/// Favours the lowest and the highest.
pub fn call_id() -> BoxedStrategy<String> {
    prop_oneof![
        1 => Just("00000000000000000000000000".to_owned()),
        8 => "[0-7][0-9A-HJKMNP-TV-Z]{25}",
        1 => Just("7ZZZZZZZZZZZZZZZZZZZZZZZZZ".to_owned()),
    ]
    .boxed()
}

/// One special thing: a control, an entry of the lists above, any character.
fn piece() -> BoxedStrategy<String> {
    prop_oneof![
        2 => "[a-z ]{1,12}",
        3 => select(SPECIAL).prop_map(str::to_owned),
        2 => (0..0x20_u8).prop_map(|control| char::from(control).to_string()),
        1 => select(LOOKS_LIKE_JSON).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ]
    .boxed()
}

/// Lengths around a machine word or a vector register, a byte planted anywhere.
fn around_a_word() -> impl Strategy<Value = String> {
    let length = select(vec![7_usize, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65]);
    let byte = select(b"\n\"\\\0\x1f\x7f ".as_slice());
    (length, any::<prop::sample::Index>(), byte)
        .prop_map(|(length, at, byte)| planted(length, at.index(length), byte))
}

/// `length` plain characters with an ASCII byte in place of the one at `at`.
fn planted(length: usize, at: usize, byte: u8) -> String {
    (0..length)
        .map(|place| {
            if place == at {
                char::from(byte)
            } else {
                char::from(b'a' + (place % 26) as u8)
            }
        })
        .collect()
}
