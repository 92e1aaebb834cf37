//! Names and passwords made of what SQL, shells and connection strings make something of.

use std::sync::Arc;

use keywheel_domain::ports::{ErrorKind, Issuer, PortError};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::company::{admin_of, company, config, issuer_by, issuer_of, next, root, run, version};
use keywheel_postgres::{Admin, RoleName};

const CASES: usize = 80;

/// Mostly what breaks things, with letters between.
fn hostile(longest: usize) -> impl Strategy<Value = String> {
    let pieces = [
        "'",
        "\"",
        "\\",
        "$",
        "$$",
        "%",
        "%s",
        "\n",
        "\r",
        "\t",
        " ",
        ";",
        "--",
        "/*",
        "*/",
        "\u{1}",
        "\u{7f}",
        ",",
        "=",
        "a",
        "B",
        "7",
        "_",
        "é",
        "ß",
        "\u{a0}",
        "\u{ad}",
        "\u{fb01}",
        "\u{ff0c}",
        "\u{1f980}",
        "\u{202e}",
        "'; DROP ROLE goimg; --",
        "\\'",
        "E'",
        "{{",
        "}}",
        "@",
        ":",
        "/",
        "?",
        "#",
        "&",
        "+",
        "|",
        "`",
        "SCRAM-SHA-256$",
        "md5",
    ];
    let cut = move |pieces: Vec<&str>| {
        let whole = pieces.concat();
        let end = (0..=longest.min(whole.len()))
            .rev()
            .find(|end| whole.is_char_boundary(*end));
        whole[..end.unwrap_or(0)].to_owned()
    };
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 1..24).prop_map(cut)
}

fn drawn<T: std::fmt::Debug>(runner: &mut TestRunner, strategy: &impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).unwrap().current()
}

/// A person's password first, by the way that puts it into SQL as a verifier; then a twin of the same name, and back to nobody.
async fn rotate(port: u16, admin: &Arc<Admin>, name: &str, password: &str) {
    let mut config = config(port, json!({ "kind": "in_place", "check": "SELECT 1", "role": name }));
    let said = |error: PortError| panic!("{name:?} {password:?}: {}", error.chain());
    let old = version(1, name, password);
    issuer_by(config.clone(), admin)
        .replace(&old)
        .await
        .unwrap_or_else(said);
    config.kind = keywheel_postgres::Strategy::TwinRoles;
    let twins = issuer_by(config, admin);
    twins.prove(&old).await.unwrap_or_else(said);
    let new = next(&twins, &old).await;
    twins.stage(&new).await.unwrap_or_else(said);
    twins.prove(&new).await.unwrap_or_else(said);
    twins.retire(&old).await.unwrap_or_else(said);
    twins.prove_dead(&old).await.unwrap_or_else(said);
}

#[tokio::test]
async fn roles_of_any_name_rotate_from_passwords_of_any_kind() {
    let server = company().await;
    let admin = admin_of(&config(server.port(), json!({})));
    let mut runner = TestRunner::deterministic();
    let mut root = root(&server).await;
    let count = async || {
        server
            .sql("SELECT count(*) FROM pg_roles")
            .await
            .parse::<usize>()
            .unwrap()
    };
    let before = count().await;
    let mut made = 0;
    let (names, passwords) = (hostile(40), hostile(200));
    while made < CASES {
        // A number makes it one of its own.
        let name = format!("{}{made}", drawn(&mut runner, &names));
        let password = drawn(&mut runner, &passwords);
        if name.parse::<RoleName>().is_err() || password.is_empty() {
            continue;
        }
        let create = sqlx::query_scalar::<_, String>("SELECT format('CREATE ROLE %I LOGIN', $1::text)").bind(&name);
        let create = create.fetch_one(&mut root).await.unwrap();
        run(&mut root, &create).await.unwrap();
        rotate(server.port(), &admin, &name, &password).await;
        made += 1;
    }
    // Nothing was made or dropped but what was asked for.
    assert_eq!(count().await, before + 2 * CASES);
    assert_eq!(
        server
            .sql("SELECT count(*) FROM pg_roles WHERE rolname = 'goimg'")
            .await,
        "1"
    );
}

#[tokio::test]
async fn libpq_logs_in_with_what_was_stored_here() {
    let server = company().await;
    for (number, password) in [
        "pa'ss\"\\$1%",
        "пароль",
        "\u{1f980} crab",
        "\u{fb01}\u{a0}n",
        "tab\tand\nline",
        "\u{ad}",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("reader {number}");
        server.sql(&format!("CREATE ROLE \"{name}\" LOGIN")).await;
        let config = config(
            server.port(),
            json!({ "kind": "in_place", "check": "SELECT 1", "role": name }),
        );
        issuer_of(config).replace(&version(1, &name, password)).await.unwrap();
        let port = server.port().to_string();
        let environment = [
            format!("PGPASSWORD={password}"),
            format!("PGUSER={name}"),
            format!("PGPORT={port}"),
        ];
        let mut command = vec!["env"];
        command.extend(environment.iter().map(String::as_str));
        command.extend([
            "PGHOST=127.0.0.1",
            "PGDATABASE=postgres",
            "psql",
            "-qtAc",
            "SELECT current_user",
        ]);
        assert_eq!(server.execute(&command).await.trim_end(), name, "{password:?}");
    }
}

#[tokio::test]
async fn what_no_role_and_no_password_can_be_is_refused_before_anything_is_sent() {
    // Nobody listens there: nothing may get that far.
    let issuer = issuer_of(config(1, json!({ "kind": "in_place" })));
    for (name, password) in [
        ("goimg", "a\0b"),
        ("goi\0mg", "a"),
        ("goimg", ""),
        ("someone else", "a"),
    ] {
        let version = version(1, name, password);
        for refused in [
            issuer.replace(&version).await,
            issuer.prove(&version).await,
            issuer.retire(&version).await,
        ] {
            assert_eq!(refused.unwrap_err().kind, ErrorKind::Invalid, "{name:?} {password:?}");
        }
    }
}
