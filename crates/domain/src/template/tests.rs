use zeroize::Zeroizing;

use super::*;
use crate::material::{Material, Secret};
use crate::version::Attributes;

const PEM: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\nBBBB\n-----END PRIVATE KEY-----\n";

fn version(number: u64, secret: &[u8]) -> Version {
    Version {
        number,
        attributes: Attributes::from([("kid".to_owned(), format!("kid-{number}"))]),
        material: Material::single("private_pem", Secret::new(Zeroizing::new(secret.to_vec()))),
    }
}

fn scope(secret: &[u8]) -> Scope {
    Scope {
        credential: "goimg/jwt".to_owned(),
        revision: 3,
        rotation: None,
        primary: version(2, secret),
        accepted: vec![version(2, secret), version(1, b"old")],
        version: None,
    }
}

fn render_with(source: &str, secret: &[u8]) -> Result<(String, bool), String> {
    let rendered = Template::new("app.yaml", source)
        .and_then(|template| template.render(&scope(secret)))
        .map_err(|error| error.chain())?;
    Ok((String::from_utf8(rendered.bytes.to_vec()).unwrap(), rendered.secret))
}

fn render(source: &str) -> Result<(String, bool), String> {
    render_with(source, PEM.as_bytes())
}

/// The configuration of the usual runbook, with the new key first and then the old one.
#[test]
fn the_runbooks_configuration_can_be_written() {
    let template = "\
jwt:
  # New key for signing
  private_key_path: /secrets/jwt_private.pem

  # Multiple keys for validation (new first, then old for grace period)
  public_key_paths:
{% for version in accepted %}
    - /secrets/jwt_public_{{ version.number }}.pem
{% endfor %}
";
    let expected = "\
jwt:
  # New key for signing
  private_key_path: /secrets/jwt_private.pem

  # Multiple keys for validation (new first, then old for grace period)
  public_key_paths:
    - /secrets/jwt_public_2.pem
    - /secrets/jwt_public_1.pem
";
    assert_eq!(render(template), Ok((expected.to_owned(), false)));
}

#[test]
fn everything_has_its_name() {
    let (text, secret) =
        render("{{ credential }} {{ revision }} {{ rotation }} {{ primary.number }} {{ primary.kid }}").unwrap();
    assert_eq!((text.as_str(), secret), ("goimg/jwt 3 None 2 kid-2", false));
    assert_eq!(render("{{ primary.private_pem }}"), Ok((PEM.to_owned(), true)));
    let all = render("{% for v in accepted %}{{ v.private_pem }};{% endfor %}").unwrap();
    assert_eq!(all, (format!("{PEM};old;"), true));
}

#[test]
fn filters_keep_a_secret_a_secret() {
    for (source, secret, expected) in [
        (
            "{{ primary.private_pem | json }}",
            "a\"b\\\n\u{1}é",
            r#""a\"b\\\n\u0001é""#,
        ),
        ("{{ primary.private_pem | tojson }}", "plain", r#""plain""#),
        ("{{ primary.private_pem | b64encode }}", "ab", "YWI="),
        (
            "{{ primary.private_pem | urlencode }}",
            "p@ss/w ö",
            "p%40ss%2Fw%20%C3%B6",
        ),
        ("{{ primary.private_pem | trim }}", " x \n", "x"),
        ("{{ primary.private_pem | indent(2) }}", "a\nb\n", "a\n  b"),
        (
            "{{ primary.private_pem | trim | b64encode | json }}",
            " ab ",
            "\"YWI=\"",
        ),
        ("{% if primary.private_pem %}there{% endif %}", "x", "there"),
    ] {
        assert_eq!(
            render_with(source, secret.as_bytes()),
            Ok((expected.to_owned(), true)),
            "{source}"
        );
    }
}

#[test]
fn filters_take_what_is_public_too() {
    for (source, expected) in [
        ("{{ primary.kid | json }}", "\"kid-2\""),
        ("{{ revision | json }}", "3"),
        ("{{ 'a/b' | urlencode }}", "a%2Fb"),
        ("{{ 'ab' | b64encode }}", "YWI="),
        ("{{ accepted | map(attribute='kid') | join(',') }}", "kid-2,kid-1"),
        (
            "{{ accepted | length }}{% if rotation is none %} none{% endif %}",
            "2 none",
        ),
    ] {
        assert_eq!(render(source), Ok((expected.to_owned(), false)), "{source}");
    }
}

#[test]
fn a_secret_is_never_copied_into_ordinary_text() {
    for source in [
        "{{ 'x' ~ primary.private_pem }}",
        "{{ primary.private_pem | upper }}",
        "{{ primary.private_pem | replace('A', 'B') }}",
        "{{ primary.private_pem | string }}",
        "{{ accepted | map(attribute='private_pem') | join(',') }}",
        "{{ accepted }}",
        "{{ primary }}",
        "{{ primary | tojson }}",
        "{{ '%s' | format(primary.private_pem) }}",
    ] {
        let refused = render_with(source, b"canary-4711").unwrap_err();
        assert!(refused.contains("uses a secret field"), "{source}: {refused}");
        assert!(!refused.contains("canary"), "{refused}");
    }
    for source in [
        "{% set x %}{{ primary.private_pem }}{% endset %}",
        "{% filter upper %}a{% endfilter %}",
    ] {
        assert!(
            render(source).unwrap_err().contains("which would copy secrets"),
            "{source}"
        );
    }
}

#[test]
fn a_name_that_is_not_there_is_an_error_with_its_line_and_the_names_that_are() {
    let refused = render("a\n{{ primary.pasword }}\n").unwrap_err();
    assert_eq!(
        refused,
        "the template of app.yaml, line 2: there is no `pasword` here; there are credential, revision, rotation, \
         primary, accepted, primary.number, primary.private_pem, primary.kid"
    );
    assert!(
        render("{{ passwort }}")
            .unwrap_err()
            .contains("there is no `passwort` here")
    );
    assert!(render("{% if primary.nothing %}{% endif %}").is_err());
}

#[test]
fn a_template_that_does_not_compile_is_refused_at_once() {
    let refused = Template::new("app.yaml", "a\n{% for %}").unwrap_err();
    assert!(
        refused.message().contains("does not compile") && refused.message().contains("app.yaml:2"),
        "{refused}"
    );
    assert!(Template::new("app.yaml", "{{ primary.kid | nosuchfilter }}").is_ok());
    assert!(
        render("{{ primary.kid | nosuchfilter }}")
            .unwrap_err()
            .contains("unknown filter")
    );
}

#[test]
fn bytes_that_are_not_text_need_an_encoding() {
    assert!(
        render_with("{{ primary.private_pem }}", &[0xff, 0xfe])
            .unwrap_err()
            .contains("b64encode")
    );
    assert_eq!(
        render_with("{{ primary.private_pem | b64encode }}", &[0xff, 0xfe]),
        Ok(("//4=".to_owned(), true))
    );
}

#[test]
fn a_file_without_end_is_refused() {
    let endless =
        "{% for a in range(20000) %}0123456789012345678901234567890123456789012345678901234567890123456789{% endfor %}";
    assert!(
        render(endless).unwrap_err().contains("larger than"),
        "{:?}",
        render(endless)
    );
}
