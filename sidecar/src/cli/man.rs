//! `zoneway man [COMMAND]`.

use super::{Exit, Output, Usage};

/// Print the manual page (roff) of zoneway, or of one of its commands.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The command; without it the page is that of zoneway as a whole.
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
}

pub(crate) fn run(args: &Args, mut tree: clap::Command, out: &mut Output) -> anyhow::Result<Exit> {
    // The options of all commands reach the subcommands only when the tree is built.
    tree.build();
    let mut name = tree.get_name().to_owned();
    let mut command = &tree;
    for word in &args.words {
        let found = command.find_subcommand(word);
        command =
            found.ok_or_else(|| Usage(format!("there is no command `{name} {word}`; see zoneway --help")))?;
        name = format!("{name}-{word}");
    }
    let mut page = Vec::new();
    // A page is known to man by one word: `zoneway-pki-init`.
    clap_mangen::Man::new(command.clone().display_name(name)).render(&mut page)?;
    out.text_or_json("man", &page)?;
    Ok(Exit::Well)
}
