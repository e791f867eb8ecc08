//! What screens are drawn with.

mod bars;
mod canvas;
mod form;
mod plot;
mod quota;
mod table;
mod text;

pub(crate) use bars::{bar, columns, spark};
pub(crate) use canvas::{Canvas, cut, wide};
pub(crate) use form::{COMPLAINT, dialog};
pub(crate) use plot::{Series, axes, plot, round_up};
pub(crate) use quota::{quota, severity, tightest};
pub(crate) use table::{Cell, Column, Rows, extent, table};
pub(crate) use text::{Line, page, wrap};
