//! Plays the server's side of a session from a file, for the tests of `audit wrap`.
//!
//! A line that begins with `> ` is to come from the client, to the letter; one with
//! `< ` goes to the client. `! WORD` does something: `exit N`, `abort`, `hang` (reads
//! on and says nothing), `deaf` (neither reads nor ends), `stderr TEXT`. After the
//! last line it waits for the end of its stdin.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a player that can't go on ends the test"
)]

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::{env, fs, process, thread};

fn main() {
    let path = env::args_os().nth(1).expect("usage: scripted_server FILE");
    let script = fs::read_to_string(path).unwrap();
    let mut stdin = io::stdin().lock();
    let mut stdout = io::stdout().lock();
    for line in script.lines() {
        let Some((side, rest)) = line.split_at_checked(2) else {
            continue;
        };
        match side {
            "> " => {
                let mut came = String::new();
                stdin.read_line(&mut came).unwrap();
                if came.trim_end_matches('\n') != rest {
                    eprintln!("not as the script says:\n  {came}  {rest}");
                    process::exit(99);
                }
            }
            "< " => {
                stdout.write_all(format!("{rest}\n").as_bytes()).unwrap();
                stdout.flush().unwrap();
            }
            "! " => act(rest, &mut stdin),
            _ => {}
        }
    }
    read_on(&mut stdin);
}

fn act(what: &str, stdin: &mut io::StdinLock<'_>) {
    match what.split_once(' ').unwrap_or((what, "")) {
        ("exit", code) => process::exit(code.parse().unwrap()),
        ("abort", _) => process::abort(),
        ("hang", _) => read_on(stdin),
        ("stderr", text) => eprintln!("{text}"),
        ("deaf", _) => loop {
            thread::park();
        },
        (other, _) => panic!("`! {other}` is nothing to do"),
    }
}

fn read_on(stdin: &mut io::StdinLock<'_>) {
    stdin.read_to_end(&mut Vec::new()).unwrap();
}
