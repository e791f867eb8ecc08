//! A list in which one is chosen. The chosen one is remembered by its id: what comes and goes around it does not move it.

/// What can stand in a list.
pub(crate) trait Item {
    fn id(&self) -> &str;

    /// Whether somebody who looks for `needle` (in lower case) means this.
    fn says(&self, needle: &str) -> bool;
}

/// Whether any of the texts has `needle` (in lower case) in it.
pub(crate) fn any_says(needle: &str, texts: &[Option<&str>]) -> bool {
    texts.iter().flatten().any(|text| text.to_lowercase().contains(needle))
}

/// A list. Until something is chosen it is the first one, whichever that is.
#[derive(Clone, Debug)]
pub(crate) struct Shelf<T> {
    items: Vec<T>,
    chosen: Option<String>,
    pub(crate) filter: String,
    /// Whether it was ever filled.
    pub(crate) is_known: bool,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { items: Vec::new(), chosen: None, filter: String::new(), is_known: false }
    }
}

impl<T: Item> Shelf<T> {
    /// Puts other items in. If the chosen one is gone, its neighbour is chosen.
    pub(crate) fn put(&mut self, items: Vec<T>) {
        let at = self.position();
        self.items = items;
        self.is_known = true;
        let is_there = |id: &String| self.items.iter().any(|item| item.id() == id);
        if !self.chosen.as_ref().is_none_or(is_there) {
            self.go(at);
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[T] {
        &self.items
    }

    /// Those that the filter lets through.
    pub(crate) fn shown(&self) -> Vec<&T> {
        let needles: Vec<_> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        self.items.iter().filter(|item| needles.iter().all(|needle| item.says(needle))).collect()
    }

    /// Where the chosen one stands among those that are shown.
    pub(crate) fn position(&self) -> usize {
        let chosen = self.chosen.as_deref();
        self.shown().iter().position(|item| Some(item.id()) == chosen).unwrap_or(0)
    }

    pub(crate) fn chosen(&self) -> Option<&T> {
        self.shown().get(self.position()).copied()
    }

    /// Chooses by number; the first one stays first, whatever comes before it.
    pub(crate) fn go(&mut self, number: usize) {
        let shown = self.shown();
        let number = number.min(shown.len().saturating_sub(1));
        self.chosen = shown.get(number).filter(|_| number > 0).map(|item| item.id().to_owned());
    }

    /// Moves the choice.
    pub(crate) fn step(&mut self, by: isize) {
        self.go(self.position().saturating_add_signed(by));
    }

    /// Keeps the chosen one chosen, even if it is the first and others come before it.
    pub(crate) fn hold(&mut self) {
        self.chosen = self.chosen().map(|item| item.id().to_owned());
    }

    /// Moves the choice as a key says; whether it was such a key.
    pub(crate) fn obey(&mut self, command: crate::keys::Command, page: usize) -> bool {
        use crate::keys::Command;
        let page = isize::try_from(page.max(2) - 1).unwrap_or(1);
        match command {
            Command::Up => self.step(-1),
            Command::Down => self.step(1),
            Command::PageUp => self.step(-page),
            Command::PageDown => self.step(page),
            Command::First => self.go(0),
            Command::Last => self.go(usize::MAX),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Item for &'static str {
        fn id(&self) -> &str {
            self
        }

        fn says(&self, needle: &str) -> bool {
            self.contains(needle)
        }
    }

    fn shelf(items: &[&'static str]) -> Shelf<&'static str> {
        let mut shelf = Shelf::default();
        shelf.put(items.to_vec());
        shelf
    }

    #[test]
    fn the_chosen_one_stays_whatever_comes_before_it() {
        let mut shelf = shelf(&["b", "c"]);
        shelf.step(1);
        shelf.put(vec!["a", "b", "c"]);
        assert_eq!(shelf.chosen(), Some(&"c"));
    }

    #[test]
    fn the_first_one_is_the_newest_until_another_is_chosen() {
        let mut shelf = shelf(&["b", "c"]);
        shelf.put(vec!["a", "b", "c"]);
        assert_eq!(shelf.chosen(), Some(&"a"));
    }

    #[test]
    fn the_first_one_stays_chosen_if_it_is_held() {
        let mut shelf = shelf(&["b", "c"]);
        shelf.hold();
        shelf.put(vec!["a", "b", "c"]);
        assert_eq!(shelf.chosen(), Some(&"b"));
    }

    #[test]
    fn when_the_chosen_one_goes_its_neighbour_is_chosen() {
        let mut shelf = shelf(&["a", "b", "c"]);
        shelf.step(2);
        shelf.put(vec!["a", "b"]);
        assert_eq!(shelf.chosen(), Some(&"b"));
        shelf.put(vec![]);
        assert_eq!(shelf.chosen(), None);
    }

    #[test]
    fn a_filter_wants_all_its_words() {
        let mut shelf = shelf(&["opus work", "opus home", "haiku work"]);
        shelf.filter = "WORK opus".to_owned();
        assert_eq!(shelf.shown(), [&"opus work"]);
        shelf.step(5);
        assert_eq!(shelf.chosen(), Some(&"opus work"));
    }
}
