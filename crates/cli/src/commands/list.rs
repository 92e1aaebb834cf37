//! `keywheel list`

use crate::args::{GlobalArgs, ListArgs};
use crate::commands::{look, tell_problems};
use crate::exit::Exit;
use crate::output;
use crate::render::schedule;

pub(crate) async fn run(global: &GlobalArgs, args: &ListArgs) -> anyhow::Result<Exit> {
    let session = look(global, None).await?;
    let lines = session.keywheel.list().await?;
    if args.json {
        output::json(&lines.iter().map(schedule::json).collect::<Vec<_>>());
    } else if lines.is_empty() {
        output::note(format!(
            "no credential is configured in {}",
            session.config.path.display()
        ));
    } else {
        output::line(schedule::text(&lines, session.ports.clock.now()));
    }
    let problems = lines
        .into_iter()
        .filter_map(|line| line.problem.map(|problem| (line.name, problem)));
    Ok(tell_problems(problems))
}
