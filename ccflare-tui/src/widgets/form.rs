//! A form as cursive's own views.

use std::sync::Arc;

use cursive::{
    Cursive, View,
    event::{Event, Key},
    view::{Nameable, Resizable, Scrollable},
    views::{Dialog, EditView, LinearLayout, OnEventView, SelectView, TextView},
};
use zeroize::Zeroizing;

use crate::{
    app::deliver,
    model::{Answers, Field, Form, Kind, Message},
};

/// The line that says why a form won't do.
pub(crate) const COMPLAINT: &str = "complaint";

/// Columns of the labels.
const LABELS: usize = 30;

/// The form as a layer.
pub(crate) fn dialog(form: Form) -> impl View {
    let form = Arc::new(form);
    let mut body = LinearLayout::vertical();
    if !form.says.is_empty() {
        body.add_child(TextView::new(&form.says).scrollable().max_height(12));
        body.add_child(TextView::new(" "));
    }
    for (number, field) in form.fields.iter().enumerate() {
        let is_last = number + 1 == form.fields.len();
        body.add_child(line(number, field, is_last, &form));
    }
    body.add_child(TextView::new("").with_name(COMPLAINT).max_height(3));
    let mut dialog = Dialog::around(body).title(&form.title);
    for offer in &form.offers {
        let (label, offer) = (offer.label(), offer.clone());
        dialog.add_button(label, move |cursive| crate::app::carry_out(cursive, vec![offer.effect()]));
    }
    let filled = Arc::clone(&form);
    dialog.add_button(form.submit, move |cursive| submit(cursive, &filled));
    dialog.add_button("Cancel", cancel);
    OnEventView::new(dialog.min_width(64).max_width(100)).on_event(Event::Key(Key::Esc), cancel)
}

fn line(number: usize, field: &Field, is_last: bool, form: &Arc<Form>) -> impl View + use<> {
    let label =
        TextView::new(field.label).fixed_width(LABELS.min(field.label.len().max(10) + 1).max(label_width(form)));
    let filled = Arc::clone(form);
    let enter = move |cursive: &mut Cursive, _: &str| {
        if is_last { submit(cursive, &filled) } else { cursive.on_event(Event::Key(Key::Tab)) }
    };
    let row = LinearLayout::horizontal().child(label);
    match &field.kind {
        Kind::Text(text) => {
            row.child(EditView::new().content(text).on_submit(enter).with_name(name(number)).full_width())
        }
        Kind::Secret => row.child(EditView::new().secret().on_submit(enter).with_name(name(number)).full_width()),
        Kind::Choice(options, at) => {
            let mut choice = SelectView::<String>::new().popup();
            choice.add_all_str(options);
            choice.set_selection(*at);
            row.child(choice.with_name(name(number)))
        }
    }
}

/// As wide as the widest label.
fn label_width(form: &Form) -> usize {
    form.fields.iter().map(|field| super::wide(field.label) + 1).max().unwrap_or(0)
}

fn name(number: usize) -> String {
    format!("field {number}")
}

fn submit(cursive: &mut Cursive, form: &Form) {
    let answer = |number: usize, field: &Field, cursive: &mut Cursive| {
        let name = name(number);
        let text = match field.kind {
            Kind::Choice(..) => cursive
                .call_on_name(&name, |choice: &mut SelectView<String>| choice.selection())
                .flatten()
                .map(|choice| choice.to_string()),
            _ => cursive.call_on_name(&name, |line: &mut EditView| line.get_content().to_string()),
        };
        Zeroizing::new(text.unwrap_or_default())
    };
    let answers = form.fields.iter().enumerate().map(|(number, field)| answer(number, field, cursive)).collect();
    deliver(cursive, Message::Submitted(form.purpose.clone(), Answers(answers)));
}

fn cancel(cursive: &mut Cursive) {
    cursive.pop_layer();
    deliver(cursive, Message::Cancelled);
}
