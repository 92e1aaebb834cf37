//! `keywheel verify`

use keywheel_app::Verification;

use crate::args::{GlobalArgs, VerifyArgs};
use crate::commands::look;
use crate::exit::Exit;
use crate::output;
use crate::render::findings;

pub(crate) async fn run(global: &GlobalArgs, args: &VerifyArgs) -> anyhow::Result<Exit> {
    let session = look(global, Some(&args.credential)).await?;
    let checks = session.keywheel.verify(&args.credential).await?;
    if args.json {
        output::json(
            &checks
                .iter()
                .map(|check| findings::check_json(&args.credential, check))
                .collect::<Vec<_>>(),
        );
    } else {
        checks.iter().for_each(|check| output::line(findings::check(check)));
    }
    let credential = session.credential(&args.credential).await?;
    if credential.active.is_some() {
        output::note("a rotation is under way: both of its versions may be accepted until it ends");
    }
    let fine = |check: &keywheel_app::Check| matches!(check.verification, Verification::AsExpected(_));
    let tried_current = checks.iter().any(|check| {
        credential
            .current()
            .is_some_and(|current| current.number == check.version)
    });
    if !tried_current {
        output::warn("the material of the current version is not kept, so it could not be tried");
    }
    Ok(if tried_current && checks.iter().all(fine) {
        Exit::Done
    } else {
        Exit::Wrong
    })
}
