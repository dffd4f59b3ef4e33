//! A JSON formatter that breaks lines only at the two outermost levels: the manifest stays readable for people and line-based
//! tools, with one line per clip.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

/// Values up to this depth are on lines of their own.
const DEEPEST: usize = 2;

/// Serialises a value in this format.
pub(super) fn to_string(value: &impl Serialize) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut bytes,
        Lines::default(),
    ))?;
    String::from_utf8(bytes).map_err(|error| serde::ser::Error::custom(error.to_string()))
}

#[derive(Default)]
struct Lines {
    depth: usize,
    /// The innermost open value has elements.
    filled: bool,
}

impl Lines {
    fn begin(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        out.write_all(bracket)
    }

    fn end(&mut self, out: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.filled && self.depth < DEEPEST {
            self.new_line(out)?;
        }
        self.filled = true;
        out.write_all(bracket)
    }

    fn element(&mut self, out: &mut (impl Write + ?Sized), first: bool) -> io::Result<()> {
        match (first, self.depth <= DEEPEST) {
            (true, true) => self.new_line(out),
            (true, false) => Ok(()),
            (false, true) => {
                out.write_all(b",")?;
                self.new_line(out)
            }
            (false, false) => out.write_all(b", "),
        }
    }

    fn new_line(&self, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        write!(out, "\n{:1$}", "", self.depth)
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.element(out, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.element(out, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn one_element_per_line_and_the_same_value() {
        let value = json!({
            "clips": [{"name": "a\n", "spans": [[0, 1], [2, 3]]}, {"name": "b", "spans": []}],
            "counts": {"clips": 2},
            "skipped": [],
            "version": 1
        });
        let text = super::to_string(&value).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        let expected = "{\n \"clips\": [\n  {\"name\": \"a\\n\", \"spans\": [[0, 1], [2, 3]]},\n  {\"name\": \"b\", \
            \"spans\": []}\n ],\n \"counts\": {\n  \"clips\": 2\n },\n \"skipped\": [],\n \"version\": 1\n}";
        assert_eq!(text, expected);
    }
}
