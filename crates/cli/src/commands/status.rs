//! `keywheel status`

use keywheel_app::AppError;

use crate::args::{GlobalArgs, StatusArgs};
use crate::commands::{look, tell_problems};
use crate::exit::Exit;
use crate::output;
use crate::render::status;

pub(crate) async fn run(global: &GlobalArgs, args: &StatusArgs) -> anyhow::Result<Exit> {
    let session = look(global, args.credential.as_ref()).await?;
    let (mut values, mut problems) = (Vec::new(), Vec::new());
    for line in session.keywheel.list().await? {
        // What cannot be used cannot ask its consumers.
        let consumers = match &line.problem {
            Some(AppError::Unusable { .. }) => Vec::new(),
            Some(_) | None => session.keywheel.consumers(&line.name).await?,
        };
        if args.json {
            values.push(status::json(&line, &consumers));
        } else {
            let rotation = match &line.rotation {
                Some(rotation) => Some(session.keywheel.rotation(&rotation.id).await?),
                None => None,
            };
            let now = session.ports.clock.now();
            output::line(status::text(&line, rotation.as_ref(), &consumers, now));
        }
        problems.extend(line.problem.map(|problem| (line.name, problem)));
    }
    if args.json {
        output::json(&values);
    }
    Ok(tell_problems(problems))
}
