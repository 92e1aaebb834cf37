//! The anchors of headings in Markdown.

use std::collections::BTreeMap;

/// The anchors of a document's headings, as code hosts make them.
pub(crate) fn anchors(document: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = Vec::new();
    for line in super::links::outside_of_code(document).map(|(line, _)| line) {
        let Some(heading) = line.strip_prefix('#') else {
            continue;
        };
        let Some((_, title)) = heading.split_once(' ') else {
            continue;
        };
        let anchor = slug(title);
        let before = seen.entry(anchor.clone()).or_default();
        anchors.push(if *before == 0 {
            anchor
        } else {
            format!("{anchor}-{before}")
        });
        *before += 1;
    }
    anchors
}

/// Lower case, spaces as hyphens, nothing but letters, digits, hyphens and underscores.
fn slug(title: &str) -> String {
    let kept = title.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        _ => c.is_alphanumeric().then_some(c),
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::anchors;

    #[test]
    fn headings_become_anchors() {
        let document = "# The `plan`, and its check\n```\n# code\n```\n## Twice\n## Twice\n#hashtag\n";
        assert_eq!(anchors(document), ["the-plan-and-its-check", "twice", "twice-1"]);
    }
}
