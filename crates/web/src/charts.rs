//! Pictures as SVG, drawn here: no script, the same in a page and in a report. Colours come from the style sheet.

use std::fmt::Write as _;

/// A bar of coloured parts: (class, count, label). Widths are shares of the whole, at least a sliver for what exists.
pub(crate) fn bar(parts: &[(&str, usize, String)], label: &str) -> String {
    let total: usize = parts.iter().map(|p| p.1).sum();
    let mut svg = format!(
        "<svg class=\"bar\" viewBox=\"0 0 400 14\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
        yagura_report::escape_html(label)
    );
    if total == 0 {
        svg.push_str("<rect class=\"nodata\" width=\"400\" height=\"14\"/>");
    }
    let mut x = 0.0;
    for (class, n, title) in parts.iter().filter(|p| p.1 > 0) {
        let width = 400.0 * *n as f64 / total as f64;
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.1}\" width=\"{:.1}\" height=\"14\"><title>{}</title></rect>",
            (width - 1.5).max(1.0),
            yagura_report::escape_html(title)
        );
        x += width;
    }
    svg.push_str("</svg>");
    svg
}

/// A ring that is filled to `percent`.
pub(crate) fn ring(percent: Option<u32>, label: &str) -> String {
    // Circumference of r = 42.
    const ROUND: f64 = 263.9;
    let filled = ROUND * f64::from(percent.unwrap_or(0)) / 100.0;
    format!(
        "<svg class=\"ring\" viewBox=\"0 0 100 100\" role=\"img\" aria-label=\"{}\"><circle class=\"track\" cx=\"50\" \
         cy=\"50\" r=\"42\"/><circle class=\"fill\" cx=\"50\" cy=\"50\" r=\"42\" stroke-dasharray=\"{filled:.1} {ROUND}\" \
         transform=\"rotate(-90 50 50)\"/><text x=\"50\" y=\"58\" text-anchor=\"middle\">{}</text></svg>",
        yagura_report::escape_html(label),
        percent.map_or_else(|| "–".to_owned(), |p| format!("{p}%"))
    )
}

/// A line through percentages, oldest first; nothing for fewer than two.
pub(crate) fn spark(points: &[u32], label: &str) -> String {
    if points.len() < 2 {
        return String::new();
    }
    let step = 120.0 / (points.len() - 1) as f64;
    let line: Vec<String> = points
        .iter()
        .enumerate()
        .map(|(i, p)| format!("{:.1},{:.1}", i as f64 * step, 30.0 - 28.0 * f64::from(*p) / 100.0))
        .collect();
    format!(
        "<svg class=\"spark\" viewBox=\"-2 -2 124 36\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\"><polyline points=\"{}\"/></svg>",
        yagura_report::escape_html(label),
        line.join(" ")
    )
}
