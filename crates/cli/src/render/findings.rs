//! What a preflight found.

use keywheel_app::{Check, Verification};
use keywheel_domain::id::CredentialName;
use keywheel_domain::ports::{Finding, Severity};
use serde_json::{Value, json};

use crate::output::Style;
use crate::render::status::version_status;

/// One finding in a line, with its fix in the next.
pub(crate) fn finding(finding: &Finding) -> String {
    let mark = match finding.severity {
        Severity::Fine => Style::Good.paint("ok     "),
        Severity::Warning => Style::Warn.paint("warning"),
        Severity::Blocker => Style::Bad.paint("blocker"),
    };
    let mut text = format!("  {mark}  {}: {}", finding.subject, finding.detail);
    if !finding.fix.is_empty() {
        text.push_str(&format!("\n           {} {}", Style::Dim.paint("fix:"), finding.fix));
    }
    text
}

/// The same for programs; what is about no single credential has none.
pub(crate) fn finding_json(credential: Option<&CredentialName>, finding: &Finding) -> Value {
    let severity = match finding.severity {
        Severity::Fine => "fine",
        Severity::Warning => "warning",
        Severity::Blocker => "blocker",
    };
    json!({
        "credential": credential,
        "severity": severity,
        "subject": finding.subject,
        "detail": finding.detail,
        "fix": finding.fix,
    })
}

/// One version that was tried.
pub(crate) fn check(check: &Check) -> String {
    let (mark, detail) = match &check.verification {
        Verification::AsExpected(detail) => (Style::Good.paint("ok     "), detail),
        Verification::Wrong(detail) => (Style::Bad.paint("wrong  "), detail),
        Verification::Unknown(detail) => (Style::Warn.paint("unknown"), detail),
    };
    format!(
        "  {mark}  version {} ({}): {detail}",
        check.version,
        version_status(check.status)
    )
}

/// The same for programs.
pub(crate) fn check_json(credential: &CredentialName, check: &Check) -> Value {
    let (result, detail) = match &check.verification {
        Verification::AsExpected(detail) => ("as_expected", detail),
        Verification::Wrong(detail) => ("wrong", detail),
        Verification::Unknown(detail) => ("unknown", detail),
    };
    json!({
        "credential": credential,
        "version": check.version,
        "status": check.status,
        "result": result,
        "detail": detail,
    })
}
