//! The command as its users meet it: each file in `tests/cmd` is a session at a terminal. After a wanted change,
//! `TRYCMD=overwrite cargo test -p keywheel-cli --test it` writes them anew; read what it wrote.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod adoption;
mod damage;
mod disks;
mod leaks;
mod operators;
mod support;

#[test]
fn sessions_at_a_terminal_end_as_they_are_written_down() {
    let cases = trycmd::TestCases::new();
    cases
        .env("KEYWHEEL_ACTOR", "tester")
        .env("LC_ALL", "C")
        .env("NO_COLOR", "1");
    cases.case("tests/cmd/*.trycmd");
}
