//! Finds the quote or the brace that a broken text lacks. A parser notices it at the end of the file, or
//! gives up at its beginning; a person would look where it was opened.

/// What is wrong and where it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unclosed {
    /// The first byte.
    pub(super) start: usize,
    /// What a person should do.
    pub(super) hint: &'static str,
}

const QUOTE: &str = "this quote is not closed on its line: add the missing `\"`";
const BRACE: &str = "this brace is not closed: a `}` is missing where its block should end";
const BRACKET: &str = "this bracket is not closed: a `]` is missing";
const PARENTHESIS: &str = "this parenthesis is not closed: a `)` is missing";
const EXTRA: &str =
    "nothing is open that this could close: take it out, or look for a missing `{`, `[` or `(` above";
const COMMENT: &str = "this comment is not closed: `*/` is missing";

/// A brace that is open.
#[derive(Debug, Clone, Copy)]
struct Open {
    start: usize,
    sign: u8,
    /// Inside of a text in quotes: `${`.
    in_text: bool,
    /// How far its line is indented.
    indent: usize,
}

/// The first thing that is opened and not closed, or closed and not opened; nothing where all of that is
/// right.
pub(super) fn unclosed(text: &str) -> Option<Unclosed> {
    let mut scan = Scan { text, bytes: text.as_bytes(), ..Scan::default() };
    while let Some(&byte) = scan.bytes.get(scan.at) {
        let found = if scan.is_text { scan.in_text(byte) } else { scan.outside(byte) };
        if found.is_some() {
            return found;
        }
        if byte == b'\n' {
            scan.line = scan.at + 1;
        }
        scan.at += 1;
    }
    let quote = scan.quotes.last().filter(|_| scan.is_text);
    quote
        .map(|&start| Unclosed { start, hint: QUOTE })
        .or_else(|| scan.open.last().map(|last| Unclosed { start: last.start, hint: hint(last.sign) }))
}

/// Where the scan is, and what is open there.
#[derive(Default)]
struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Where the line began.
    line: usize,
    is_text: bool,
    /// Where the texts in quotes began in which this is.
    quotes: Vec<usize>,
    open: Vec<Open>,
}

impl Scan<'_> {
    fn next(&self) -> Option<u8> {
        self.bytes.get(self.at + 1).copied()
    }

    fn open(&mut self, sign: u8, in_text: bool) {
        let indent = indent(self.bytes, self.line);
        self.open.push(Open { start: self.at, sign, in_text, indent });
    }

    fn in_text(&mut self, byte: u8) -> Option<Unclosed> {
        match (byte, self.next()) {
            (b'\n', _) => return self.quotes.last().map(|&start| Unclosed { start, hint: QUOTE }),
            (b'\\', Some(next)) if next != b'\n' => self.at += 1,
            (b'$' | b'%', Some(next)) if next == byte => self.at += 1,
            (b'$' | b'%', Some(b'{')) => {
                self.at += 1;
                self.open(b'{', true);
                self.is_text = false;
            }
            (b'"', _) => {
                self.quotes.pop();
                self.is_text = false;
            }
            _ => {}
        }
        None
    }

    fn outside(&mut self, byte: u8) -> Option<Unclosed> {
        match (byte, self.next()) {
            (b'"', _) => {
                self.quotes.push(self.at);
                self.is_text = true;
            }
            (b'#', _) | (b'/', Some(b'/')) => self.at = line_end(self.bytes, self.at) - 1,
            (b'/', Some(b'*')) => match self.text.get(self.at..).and_then(|rest| rest.find("*/")) {
                Some(length) => self.at += length + 1,
                None => return Some(Unclosed { start: self.at, hint: COMMENT }),
            },
            (b'<', Some(b'<')) => self.at = heredoc_end(self.text, self.at).map_or(self.at, |end| end - 1),
            (b'{' | b'[' | b'(', _) => self.open(byte, false),
            (b'}' | b']' | b')', _) => return self.close(byte),
            _ => {}
        }
        None
    }

    fn close(&mut self, byte: u8) -> Option<Unclosed> {
        let Some(last) = self.open.pop() else { return Some(Unclosed { start: self.at, hint: EXTRA }) };
        if closes(last.sign) != byte {
            return Some(Unclosed { start: last.start, hint: hint(last.sign) });
        }
        // A brace at the beginning of a line closes the block that begins as far to the right. One further
        // to the left closes an outer block, and the inner one was forgotten.
        let indent = indent(self.bytes, self.line);
        if byte == b'}' && self.at == self.line + indent && indent < last.indent {
            return Some(Unclosed { start: last.start, hint: BRACE });
        }
        self.is_text = last.in_text;
        None
    }
}

fn closes(sign: u8) -> u8 {
    match sign {
        b'[' => b']',
        b'(' => b')',
        _ => b'}',
    }
}

fn hint(sign: u8) -> &'static str {
    match sign {
        b'[' => BRACKET,
        b'(' => PARENTHESIS,
        _ => BRACE,
    }
}

fn indent(bytes: &[u8], line: usize) -> usize {
    bytes.iter().skip(line).take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes.iter().skip(at).position(|byte| *byte == b'\n').map_or(bytes.len(), |length| at + length)
}

/// The end of `<<WORD … WORD`; nothing when this begins none.
fn heredoc_end(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at + 2..)?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    let (word, _) = rest.split_once('\n')?;
    let word = word.trim();
    if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-') {
        return None;
    }
    let mut end = text.len() - rest.len();
    for line in rest.split_inclusive('\n') {
        let is_first = end == text.len() - rest.len();
        end += line.len();
        if !is_first && line.trim() == word {
            // The end of the line is the caller's.
            return Some(end - usize::from(line.ends_with('\n')));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line and what is said about it.
    fn found(text: &str) -> Option<(usize, char, &'static str)> {
        let unclosed = unclosed(text)?;
        let line = text[..unclosed.start].matches('\n').count() + 1;
        Some((line, text[unclosed.start..].chars().next().unwrap(), unclosed.hint))
    }

    #[test]
    fn what_is_open_is_found_where_it_was_opened() {
        type Found = Option<(usize, char, &'static str)>;
        let table: [(&str, Found); 16] = [
            ("a = \"x\"\n", None),
            ("a \"b\" {\n  x = \"${foo[\"k\"]}\" # it's \"\n}\n", None),
            ("a {\n  x = <<-END\n  { \" ( \n  END\n}\n", None),
            ("a = \"\\\"\" // { \n/* \" { */ b = \"$${\"\n", None),
            ("a = [\n  \"x\",\n]\nb {\n}\n", None),
            ("a {\n  name = \"x\n  label = \"y\"\n}\n", Some((2, '"', QUOTE))),
            ("a = \"x", Some((1, '"', QUOTE))),
            ("a {\n  x = 1\n", Some((1, '{', BRACE))),
            ("a {\n  b {\n    x = 1\n}\nc {\n}\n", Some((2, '{', BRACE))),
            ("a {\n  b {\n    c {\n      x = 1\n  }\n}\nd {\n}\n", Some((3, '{', BRACE))),
            ("a {\n  x = [1, 2\n}\n", Some((2, '[', BRACKET))),
            ("a {\n  x = f(1\n}\n", Some((2, '(', PARENTHESIS))),
            ("a {\n}\n}\n", Some((3, '}', EXTRA))),
            ("a = \"${b\"\n", Some((1, '"', QUOTE))),
            ("/* a = 1\n", Some((1, '/', COMMENT))),
            ("größe = \"ü\nb {}\n", Some((1, '"', QUOTE))),
        ];
        for (text, expected) in table {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
