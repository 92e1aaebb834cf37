//! `cargo xtask codegen`: the documents that are made from the code, so that they cannot fall behind it.

use anyhow::{Context, bail};

use crate::workspace;

mod cli;

/// A document and what makes it.
struct Document {
    /// Its path from the workspace's root.
    path: &'static str,
    make: fn() -> anyhow::Result<String>,
}

const DOCUMENTS: [Document; 1] = [Document {
    path: "docs/cli.md",
    make: cli::reference,
}];

/// What `cargo xtask codegen` takes.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail if a document is not what the code says now.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Writes every document, or checks that each is up to date.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    for Document { path, make } in DOCUMENTS {
        let wanted = make().with_context(|| format!("could not make {path}"))?;
        let file = workspace::root().join(path);
        let present = std::fs::read_to_string(&file).unwrap_or_default();
        if present == wanted {
            continue;
        }
        if args.check {
            let line = first_difference(&present, &wanted);
            bail!("{path}:{line} is not what the code says: run `cargo xtask codegen`");
        }
        let folder = file.parent().context("a document has a folder")?;
        std::fs::create_dir_all(folder).context(path)?;
        std::fs::write(&file, wanted).context(path)?;
        println!("wrote {path}");
    }
    Ok(())
}

/// The number of the first line that differs, counted from 1.
fn first_difference(present: &str, wanted: &str) -> usize {
    let same = present.lines().zip(wanted.lines()).take_while(|(a, b)| a == b);
    same.count() + 1
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), 2);
        assert_eq!(first_difference("", "a\n"), 1);
        assert_eq!(first_difference("a\n", "a\nb\n"), 2);
    }
}
