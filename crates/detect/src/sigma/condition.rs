//! The condition of a rule: `selection and not 1 of filter_*`.

use std::collections::BTreeMap;

/// A condition, or what a detection comes to; items are numbered.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Not(Box<Expr>),
    Item(u32),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Word(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '(' => out.push(Token::Open),
            ')' => out.push(Token::Close),
            c if c.is_whitespace() => {}
            '|' => {
                return Err(
                    "aggregations after `|` are no longer Sigma: write a correlation rule (event_count, value_count, …)"
                        .to_owned(),
                );
            }
            c if is_word(c) => {
                let mut word = c.to_string();
                while let Some(next) = chars.next_if(|n| is_word(*n)) {
                    word.push(next);
                }
                out.push(Token::Word(word));
            }
            c => return Err(format!("unexpected `{c}` in the condition")),
        }
    }
    Ok(out)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '*' | '.')
}

/// How deep parentheses and `not` may nest.
const MAX_DEPTH: usize = 64;

/// Reads a condition over the named detections. `not` binds tightest, then `and`, then `or`.
pub(crate) fn parse(text: &str, names: &BTreeMap<String, Expr>) -> Result<Expr, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, names, depth: 0 };
    let expr = parser.any()?;
    match parser.tokens.get(parser.at) {
        None => Ok(expr),
        Some(Token::Close) => Err("`)` without `(` in the condition".to_owned()),
        Some(token) => Err(format!("`and` or `or` is missing before {}", describe(token))),
    }
}

fn describe(token: &Token) -> String {
    match token {
        Token::Open => "`(`".to_owned(),
        Token::Close => "`)`".to_owned(),
        Token::Word(word) => format!("`{word}`"),
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    names: &'a BTreeMap<String, Expr>,
    depth: usize,
}

impl Parser<'_> {
    fn word(&self) -> Option<&str> {
        match self.tokens.get(self.at) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let is = self.word().is_some_and(|w| w.eq_ignore_ascii_case(keyword));
        self.at += usize::from(is);
        is
    }

    fn any(&mut self) -> Result<Expr, String> {
        let mut parts = vec![self.all()?];
        while self.keyword("or") {
            parts.push(self.all()?);
        }
        Ok(single(parts, Expr::Any))
    }

    fn all(&mut self) -> Result<Expr, String> {
        let mut parts = vec![self.not()?];
        while self.keyword("and") {
            parts.push(self.not()?);
        }
        Ok(single(parts, Expr::All))
    }

    fn not(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the condition is nested too deeply".to_owned());
        }
        let expr = if self.keyword("not") { Ok(Expr::Not(Box::new(self.not()?))) } else { self.operand() };
        self.depth -= 1;
        expr
    }

    fn operand(&mut self) -> Result<Expr, String> {
        let token = self.tokens.get(self.at).ok_or("the condition ends too early")?;
        self.at += 1;
        let word = match token {
            Token::Open => {
                let inner = self.any()?;
                if self.tokens.get(self.at) != Some(&Token::Close) {
                    return Err("a `)` is missing in the condition".to_owned());
                }
                self.at += 1;
                return Ok(inner);
            }
            Token::Close => return Err("`)` where a name should be".to_owned()),
            Token::Word(word) => word,
        };
        if self.keyword("of") {
            return self.quantified(word);
        }
        if matches!(word.as_str(), "and" | "or" | "not") {
            return Err(format!("`{word}` where a name should be"));
        }
        self.names.get(word).cloned().ok_or_else(|| format!("the condition names `{word}`, which is not defined"))
    }

    fn quantified(&mut self, quantifier: &str) -> Result<Expr, String> {
        let pattern = self.word().ok_or("a name or `them` must follow `of`")?.to_owned();
        self.at += 1;
        let chosen: Vec<Expr> = self
            .names
            .iter()
            .filter(|(name, _)| {
                let hidden = name.starts_with('_') && !pattern.starts_with('_');
                !hidden && (pattern == "them" || fits(&pattern, name))
            })
            .map(|(_, expr)| expr.clone())
            .collect();
        if chosen.is_empty() {
            return Err(format!("`{quantifier} of {pattern}` matches no detection"));
        }
        match quantifier {
            "1" | "any" => Ok(single(chosen, Expr::Any)),
            "all" => Ok(single(chosen, Expr::All)),
            other => Err(format!("`{other} of`: use `1 of`, `any of` or `all of`")),
        }
    }
}

fn single(mut parts: Vec<Expr>, many: fn(Vec<Expr>) -> Expr) -> Expr {
    match (parts.len(), parts.pop()) {
        (1, Some(one)) => one,
        (_, last) => {
            parts.extend(last);
            many(parts)
        }
    }
}

/// Whether `name` fits a pattern with `*`; letters count as written.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, rest)) => name
            .strip_prefix(before)
            .is_some_and(|tail| (0..=tail.len()).filter(|i| tail.is_char_boundary(*i)).any(|i| fits(rest, &tail[i..]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let names = ["sel1", "sel2", "filter_a", "_hidden", "notepad", "a-b"];
        let names = names.iter().enumerate().map(|(i, n)| ((*n).to_owned(), Expr::Item(i as u32))).collect();
        parse(text, &names).map(|e| show(&e))
    }

    fn show(e: &Expr) -> String {
        let list = |v: &[Expr], op: &str| format!("({})", v.iter().map(show).collect::<Vec<_>>().join(op));
        match e {
            Expr::All(v) => list(v, "&"),
            Expr::Any(v) => list(v, "|"),
            Expr::Not(e) => format!("!{}", show(e)),
            Expr::Item(i) => i.to_string(),
        }
    }

    #[test]
    fn binds_as_the_specification_says() {
        for (text, expected) in [
            ("sel1", "0"),
            ("sel1 or sel2 and not filter_a", "(0|(1&!2))"),
            ("(sel1 or sel2) and not filter_a", "((0|1)&!2)"),
            ("not sel1 and sel2", "(!0&1)"),
            ("not (sel1 and sel2)", "!(0&1)"),
            ("not not sel1", "!!0"),
            ("1 of sel*", "(0|1)"),
            ("all of sel* and not 1 of filter_*", "((0&1)&!2)"),
            ("1 of *ter_*", "2"),
            ("any of _hid*", "3"),
            ("notepad and a-b", "(4&5)"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(read("1 of them").map(|s| s.contains('3')), Ok(false));
        for text in [
            "",
            "sel1 and",
            "nope",
            "sel1 sel2",
            "(sel1",
            "sel1)",
            "2 of sel*",
            "1 of x*",
            "sel1 | count() > 5",
            "sel1 & x",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&"not ".repeat(10_000)).is_err());
        assert!(read(&"(".repeat(10_000)).is_err());
    }
}
