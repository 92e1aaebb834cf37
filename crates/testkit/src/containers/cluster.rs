//! Making a cluster of nodes that do not know each other yet.

use std::time::Duration;

use super::redis::Redis;

/// Introduces the nodes to each other, shares the slots out, and waits until all agree.
#[expect(clippy::disallowed_methods, reason = "real servers are waited for in real time")]
pub(super) async fn join(nodes: &[Redis; 3]) {
    const PATIENCE: u32 = 6_000;
    let addresses: Vec<_> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
    let mut create = vec!["redis-cli", "--cluster", "create", "--cluster-yes"];
    create.extend(addresses.iter().map(String::as_str));
    nodes[0].execute(&create).await;
    for node in nodes {
        let mut asked = 0;
        while !node.ask("CLUSTER INFO").await.contains("cluster_state:ok") {
            asked += 1;
            assert!(
                asked < PATIENCE,
                "the cluster does not come up. A log:\n{}",
                node.log().await
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
