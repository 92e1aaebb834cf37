//! What the server can do at the most: users that are changed in pipelines, and saved after each.

use keywheel_domain::ports::Clock;
use keywheel_local::SystemClock;

use crate::server::Server;

/// Gives every user one password more and takes it away again in one command, so many users in a batch. How many seconds it took.
///
/// A rotation changes a user twice; that it has to be saved in between is what one is ready to pay for, and not part of the limit.
pub(crate) async fn run(server: &Server, batch: usize) -> f64 {
    let hash = "0123456789abcdef".repeat(4);
    let mut pipeline = server.pipeline().await;
    let begun = SystemClock.monotonic();
    for members in server.members().chunks(batch) {
        let change = members.iter();
        let change = change.map(|member| format!("ACL SETUSER {} #{hash} !{hash}", member.username));
        let mut commands: Vec<String> = change.collect();
        commands.push(String::from("ACL SAVE"));
        pipeline.run(&commands).await;
    }
    (SystemClock.monotonic() - begun).as_secs_f64()
}
