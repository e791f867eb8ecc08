//! A piece of the screen to draw on.

use std::borrow::Cow;

use cursive::Printer;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::theme::{Colours, Role};

/// A rectangle of the screen. What does not fit is cut off with an ellipsis, and no text steers the terminal.
#[derive(Clone)]
pub(crate) struct Canvas<'a> {
    printer: Printer<'a, 'a>,
    colours: Colours,
}

impl<'a> Canvas<'a> {
    pub(crate) fn new(printer: &Printer<'a, 'a>, colours: Colours) -> Self {
        Self { printer: printer.clone(), colours }
    }

    pub(crate) fn width(&self) -> usize {
        self.printer.size.x
    }

    pub(crate) fn height(&self) -> usize {
        self.printer.size.y
    }

    /// The part that begins at `x`, `y`; cut to what there is.
    pub(crate) fn area(&self, x: usize, y: usize, width: usize, height: usize) -> Self {
        Self { printer: self.printer.offset((x, y)).cropped((width, height)), colours: self.colours }
    }

    /// The part below the first `rows`.
    pub(crate) fn below(&self, rows: usize) -> Self {
        self.area(0, rows, self.width(), self.height().saturating_sub(rows))
    }

    /// Prints a text and returns the column behind it.
    pub(crate) fn put(&self, x: usize, y: usize, role: Role, text: &str) -> usize {
        let text = clean(text);
        if x < self.width() && y < self.height() {
            let fits = cut(&text, self.width() - x);
            self.printer.with_style(self.colours.style(role), |printer| printer.print((x, y), &fits));
        }
        x + wide(&text)
    }

    /// Prints pieces of text in a row and returns the column behind them.
    pub(crate) fn line(&self, x: usize, y: usize, pieces: &[(Role, &str)]) -> usize {
        pieces.iter().fold(x, |x, (role, text)| self.put(x, y, *role, text))
    }

    /// Prints a text in so many columns, the rest of them blank.
    pub(crate) fn field(&self, x: usize, y: usize, width: usize, role: Role, text: &str, right: bool) {
        let text = cut(&clean(text), width);
        let blank = " ".repeat(width.saturating_sub(wide(&text)));
        self.put(x, y, role, &if right { blank + &text } else { text + &blank });
    }

    /// Prints a text that ends at the right edge.
    pub(crate) fn right(&self, y: usize, role: Role, text: &str) {
        let text = cut(&clean(text), self.width());
        self.put(self.width().saturating_sub(wide(&text)), y, role, &text);
    }

    /// A line across with a title in it; returns what is below.
    pub(crate) fn titled(&self, title: &str) -> Self {
        self.put(0, 0, Role::Muted, &"─".repeat(self.width()));
        self.put(1, 0, Role::Strong, &format!(" {} ", cut(&clean(title), self.width().saturating_sub(4))));
        self.below(1)
    }

    /// Prints a text in as many lines as it takes, and returns the row behind it.
    pub(crate) fn wrapped(&self, y: usize, role: Role, text: &str) -> usize {
        let lines = lines(&clean(text), self.width());
        lines.iter().enumerate().for_each(|(row, line)| {
            self.put(0, y + row, role, line);
        });
        y + lines.len()
    }

    /// Wipes everything.
    pub(crate) fn wipe(&self) {
        let blank = " ".repeat(self.width());
        (0..self.height()).for_each(|y| {
            self.put(0, y, Role::Plain, &blank);
        });
    }
}

/// How many columns a text takes.
pub(crate) fn wide(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text in at most so many columns, with an ellipsis where it was cut.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if wide(text) <= width {
        return text.to_owned();
    }
    let mut kept = head(text, width.saturating_sub(1)).to_owned();
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// As much of the text's beginning as takes at most so many columns.
fn head(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > width
    });
    &text[..end.map_or(text.len(), |(end, _)| end)]
}

/// The text without what could steer a terminal or turn the order of what is read.
fn clean(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.contains(steers) { Cow::Owned(text.replace(steers, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// The text in lines of at most `width` columns, broken at spaces where there are any.
pub(super) fn lines(text: &str, width: usize) -> Vec<String> {
    let mut done = Vec::new();
    let mut line = String::new();
    for mut word in text.split(' ') {
        if !line.is_empty() && wide(&line) + 1 + wide(word) > width {
            done.push(std::mem::take(&mut line));
        }
        // A word wider than a line fills as many as it takes.
        while wide(word) > width {
            let part = head(word, width);
            if part.is_empty() {
                break;
            }
            done.push(part.to_owned());
            word = &word[part.len()..];
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(head(word, width));
    }
    done.push(line);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_says_so_and_keeps_its_width() {
        for (text, width, cut_to) in [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("日本語", 4, "日…"), ("abc", 0, "")]
        {
            assert_eq!(cut(text, width), cut_to);
        }
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\n"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
        assert_eq!(clean("plain ü"), "plain ü");
    }

    #[test]
    fn lines_break_at_spaces_and_else_anywhere() {
        assert_eq!(lines("one two three", 7), ["one two", "three"]);
        assert_eq!(lines("https://example.com/x", 8), ["https://", "example.", "com/x"]);
        assert_eq!(lines("a abcdefghij b", 4), ["a", "abcd", "efgh", "ij b"]);
        assert_eq!(lines("", 4), [""]);
        assert_eq!(lines("x", 0), [""]);
    }
}
