//! `keywheel demo`.

use crate::args::DemoArgs;
use crate::exit::Exit;
use crate::{demo, output};

/// Runs the demonstration; exit code 10 where it did not show what it promises.
pub(crate) async fn run(args: &DemoArgs) -> anyhow::Result<Exit> {
    let story = demo::run(args.fault, args.json).await?;
    if args.json {
        output::json(&story);
    } else {
        output::line(demo::table(&story));
    }
    Ok(if demo::holds(&story) { Exit::Done } else { Exit::Wrong })
}
