//! Content's Markdown as HTML. Raw HTML inside it is shown as text, and links keep to the web and to the console.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

/// Renders Markdown, whose headings begin at the third level.
pub(crate) fn render(text: &str) -> String {
    let mut inside_bad_link = false;
    let events = Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Some(Event::Text(raw)),
        Event::Start(Tag::Link { dest_url, .. }) if !harmless(&dest_url) => {
            inside_bad_link = true;
            None
        }
        Event::End(TagEnd::Link) if inside_bad_link => {
            inside_bad_link = false;
            None
        }
        Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
        event => Some(event),
    });
    let mut out = String::with_capacity(text.len() * 2);
    html::push_html(&mut out, events);
    out
}

/// The part before the first heading, and the rest: why it matters, and what to do.
pub(crate) fn why_and_do(text: &str) -> (String, String) {
    let at = text.find("\n### ").map_or(text.len(), |at| at + 1);
    let at = if text.starts_with("### ") { 0 } else { at };
    (render(&text[..at]), render(&text[at..]))
}

/// The first paragraph alone.
pub(crate) fn lead(text: &str) -> String {
    let text = text.trim_start();
    render(text.split("\n\n").next().filter(|first| !first.starts_with('#')).unwrap_or(""))
}

fn harmless(url: &str) -> bool {
    url.starts_with("https://") || (url.starts_with('/') && !url.starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::{lead, render, why_and_do};

    #[test]
    fn raw_html_and_script_links_become_text() {
        let html = render("a <script>x</script> [b](javascript:y) [c](https://d) `e`");
        assert!(!html.contains("<script>") && !html.contains("javascript"), "{html}");
        assert!(html.contains("<a href=\"https://d\">c</a>") && html.contains("<code>e</code>"), "{html}");
    }

    #[test]
    fn the_reason_comes_apart_from_the_steps() {
        let text = "Why, says `a`.\n\n### Fix\n1. Do it.\n";
        let (why, steps) = why_and_do(text);
        assert_eq!(why.trim(), "<p>Why, says <code>a</code>.</p>");
        assert!(steps.starts_with("<h3>Fix</h3>"), "{steps}");
        assert_eq!(lead(text).trim(), why.trim());
    }
}
