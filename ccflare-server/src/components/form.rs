//! Forms that work by themselves: post, and be sent back.

use maud::{Markup, html};

/// A field with its label, and a hint below. `id` is the input's.
pub(crate) fn field(label: &str, id: &str, hint: &str, input: &Markup) -> Markup {
    html! {
        div.field {
            label for=(id) { (label) }
            (input)
            @if !hint.is_empty() { p.hint id={ (id) "-hint" } { (hint) } }
        }
    }
}

/// A line of text.
pub(crate) struct Line<'a> {
    id: &'a str,
    value: &'a str,
    kind: &'a str,
    required: bool,
    placeholder: &'a str,
    described: bool,
}

impl<'a> Line<'a> {
    /// Plain text.
    pub(crate) const fn new(id: &'a str, value: &'a str) -> Self {
        Self { id, value, kind: "text", required: false, placeholder: "", described: true }
    }

    pub(crate) const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub(crate) const fn kind(self, kind: &'a str) -> Self {
        Self { kind, ..self }
    }

    pub(crate) const fn placeholder(self, placeholder: &'a str) -> Self {
        Self { placeholder, ..self }
    }

    /// Without a hint below it.
    pub(crate) const fn bare(self) -> Self {
        Self { described: false, ..self }
    }

    /// Draws it; the field is named like its id.
    pub(crate) fn draw(&self) -> Markup {
        self.draw_as(self.id)
    }

    /// Draws it with a name of its own, for pages where another form has the same.
    pub(crate) fn draw_as(&self, name: &str) -> Markup {
        let placeholder = (!self.placeholder.is_empty()).then_some(self.placeholder);
        let described = self.described.then(|| format!("{}-hint", self.id));
        html! {
            input id=(self.id) name=(name) type=(self.kind) value=(self.value) required[self.required]
                placeholder=[placeholder] aria-describedby=[described] autocomplete="off" spellcheck="false"
                min=[(self.kind == "number").then_some("0")];
        }
    }
}

/// One of several: `(value, text)`.
pub(crate) fn choose(id: &str, name: &str, chosen: &str, options: &[(&str, &str)]) -> Markup {
    html! {
        select id=(id) name=(name) {
            @for (value, text) in options { option value=(value) selected[*value == chosen] { (text) } }
        }
    }
}

/// A button that posts nothing but the wish.
pub(crate) fn act(action: &str, text: &str, class: &str) -> Markup {
    html! {
        form.inline method="post" action=(action) { button class=(class) type="submit" { (text) } }
    }
}
