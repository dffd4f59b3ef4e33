//! Escaping and templates for HTML pages. No name from a file can become markup or script.

use std::fmt::Write;

/// The style sheet shared by all pages, with light and dark colours.
pub(super) const BASE: &str = include_str!("base.css");

/// Escapes text for the content of an HTML or SVG element or a quoted attribute. Control characters, which XML forbids, become
/// the replacement character.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() && !c.is_whitespace() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Escapes JSON for a script element, so that it cannot end the element.
pub(super) fn script_safe(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{:04x}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

/// Fills a template: each `{{name}}` is replaced by its value. Values are not templates themselves.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut page = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            page.push_str("{{");
            rest = after;
            continue;
        };
        let value = values.iter().find(|(known, _)| *known == name);
        page.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    page.push_str(rest);
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escape("<a href='x'>\"&\u{1}"),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;\u{fffd}"
        );
        assert_eq!(script_safe("\"</script>\""), "\"\\u003c/script\\u003e\"");
    }

    #[test]
    fn values_are_not_templates() {
        let filled = fill(
            "{{a}} and {{b}}, {{none}}.{{",
            &[("a", "{{b}}"), ("b", "2")],
        );
        assert_eq!(filled, "{{b}} and 2, .{{");
    }
}
