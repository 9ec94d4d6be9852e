//! XML as AWS writes it: a tree with hard limits for answers, and a plain writer for requests.

use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
};

/// An element nested deeper than any AWS answer is an attack or a broken proxy.
const MAX_DEPTH: usize = 128;
/// A page of the largest listing holds some 300,000 elements.
const MAX_ELEMENTS: usize = 2_000_000;

/// An element: names without namespace prefix, attributes with it (`xsi:type`).
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Element>,
}

impl Element {
    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the first child of that name.
    pub fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }
}

/// Reads a document's root element. Document types and entities of its own are refused.
pub(crate) fn parse(text: &str) -> Result<Element, String> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<Element> = Vec::new();
    let mut elements = 0usize;
    loop {
        match reader.read_event().map_err(|e| format!("not well-formed XML: {e}"))? {
            Event::Start(start) => {
                if open.len() >= MAX_DEPTH {
                    return Err(format!("XML is nested deeper than {MAX_DEPTH}"));
                }
                open.push(element(&start, &mut elements)?);
            }
            Event::Empty(start) => {
                let done = element(&start, &mut elements)?;
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => return Ok(done),
                }
            }
            Event::End(_) => {
                let Some(done) = open.pop() else { return Err("XML closes an element that isn't open".to_owned()) };
                match open.last_mut() {
                    Some(parent) => parent.children.push(done),
                    None => return Ok(done),
                }
            }
            Event::Text(text) => append(&mut open, &text.xml10_content()),
            Event::CData(data) => append(&mut open, &data.xml10_content()),
            Event::GeneralRef(reference) => append(&mut open, &resolve(&reference)?),
            Event::DocType(_) => return Err("XML has a document type, which no AWS answer has".to_owned()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return Err("XML ends before its root element does".to_owned()),
        }
    }
}

fn append(open: &mut [Element], text: &str) {
    if let Some(inner) = open.last_mut() {
        inner.text.push_str(text);
    }
}

fn element(start: &BytesStart<'_>, elements: &mut usize) -> Result<Element, String> {
    *elements += 1;
    if *elements > MAX_ELEMENTS {
        return Err(format!("XML has more than {MAX_ELEMENTS} elements"));
    }
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| format!("not well-formed XML: {e}"))?;
        let value =
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|e| format!("not well-formed XML: {e}"))?;
        attributes.push((attribute.key.0.to_owned(), value.into_owned()));
    }
    Ok(Element { name: start.local_name().as_ref().to_owned(), attributes, ..Element::default() })
}

fn resolve(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|e| format!("not well-formed XML: {e}"))? {
        return Ok(character.to_string());
    }
    let name = reference.xml10_content();
    resolve_predefined_entity(&name)
        .map(str::to_owned)
        .ok_or_else(|| format!("XML uses the entity `{name}`, which no AWS answer does"))
}

/// Appends text with what XML reserves escaped; control characters that XML lacks become their references.
pub(crate) fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\n' => out.push_str("&#xA;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_has_text_attributes_and_references_resolved() {
        let root = parse(
            "<?xml version=\"1.0\"?><a:A xmlns:a=\"u\"><B xsi:type=\"C&amp;D\">x&lt;&#233;<![CDATA[<]]></B><E/></a:A>",
        )
        .expect("well-formed");
        assert_eq!(root.name, "A");
        assert_eq!(root.child_text("B"), Some("x<é<"));
        assert_eq!(root.children[0].attributes, [("xsi:type".to_owned(), "C&D".to_owned())]);
        assert_eq!(root.child_text("E"), Some(""));
    }

    #[test]
    fn hostile_xml_is_refused() {
        let deep = "<a>".repeat(200) + &"</a>".repeat(200);
        assert!(parse(&deep).expect_err("too deep").contains("deeper"));
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>";
        assert!(parse(bomb).expect_err("doctype").contains("document type"));
        assert!(parse("<a>&b;</a>").expect_err("entity").contains("entity"));
        assert!(parse("<a><b></a>").is_err());
        assert!(parse("<a>").is_err());
        assert!(parse("").is_err());
        assert!(parse("plain").is_err());
    }
}
