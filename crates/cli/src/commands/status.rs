//! `keywheel status`

use crate::args::{GlobalArgs, StatusArgs};
use crate::commands::look;
use crate::exit::Exit;
use crate::output;
use crate::render::status;

pub(crate) async fn run(global: &GlobalArgs, args: &StatusArgs) -> anyhow::Result<Exit> {
    let session = look(global, args.credential.as_ref()).await?;
    let mut values = Vec::new();
    for line in session.keywheel.list().await? {
        let consumers = session.keywheel.consumers(&line.name).await?;
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
    }
    if args.json {
        output::json(&values);
    }
    Ok(Exit::Done)
}
