//! `audit completions` and `audit man`: what shells and `man` want to know of the
//! command.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::exit::Failure;
use crate::output::Output;

/// What `audit completions` was asked to do.
#[derive(Debug, Args)]
#[command(after_help = AFTER_COMPLETIONS)]
pub(crate) struct CompletionsOptions {
    /// For which shell
    shell: Shell,
}

/// What `audit man` was asked to do.
#[derive(Debug, Args)]
#[command(after_help = AFTER_MAN)]
pub(crate) struct ManOptions {
    /// Where to; made if it isn't there. Pages that are there are written over
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

const AFTER_COMPLETIONS: &str = "\
Examples:
  audit completions bash > ~/.local/share/bash-completion/completions/audit
  audit completions zsh > ~/.zfunc/_audit
  audit completions fish > ~/.config/fish/completions/audit.fish

Exit code: 0, or 2 when stdout can't be written.";

const AFTER_MAN: &str = "\
One page is about the command, and one about each of its verbs.

Examples:
  audit man ~/.local/share/man/man1
  man audit-verify

Exit code: 0, or 2 when the pages can't be written.";

pub(crate) fn completions(options: &CompletionsOptions) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    let mut command = visible();
    clap_complete::generate(options.shell, &mut command, "audit", &mut script);
    let mut output = Output::new();
    output.bytes(&script)?;
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn man(options: &ManOptions) -> Result<ExitCode, Failure> {
    let directory = &options.directory;
    let made = fs::create_dir_all(directory);
    made.map_err(|error| Failure::could_not(format!("{}: {error}", directory.display())))?;
    let mut command = visible();
    // Makes the options of the whole command those of each verb too.
    command.build();
    write_page(directory, command.clone(), "audit")?;
    for verb in command.get_subcommands() {
        let name = format!("audit-{}", verb.get_name());
        // `audit-verify` as a page, `audit verify` as it is called.
        let called = name.replacen('-', " ", 1);
        write_page(directory, verb.clone().bin_name(called), &name)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The command without what is not for people. A verb can't be taken away from a
/// command, so it is put together anew.
fn visible() -> Command {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|verb| !verb.is_hide_set());
    Command::new("audit")
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .disable_help_subcommand(true)
        .about(whole.get_about().cloned().unwrap_or_default())
        .after_help(whole.get_after_help().cloned().unwrap_or_default())
        .args(whole.get_arguments())
        .subcommands(shown)
}

fn write_page(directory: &Path, command: Command, name: &str) -> Result<(), Failure> {
    let path = directory.join(format!("{name}.1"));
    let page = || -> io::Result<()> {
        let mut page = Vec::new();
        let source = concat!("audit ", env!("CARGO_PKG_VERSION"));
        Man::new(command)
            .title(name)
            .source(source)
            .render(&mut page)?;
        let mut file = fs::File::create(&path)?;
        file.write_all(&page)
    };
    page().map_err(|error| Failure::could_not(format!("{}: {error}", path.display())))
}
