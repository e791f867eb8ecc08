//! A handful of icons of our own, drawn with one line on a 24 by 24 grid. They say nothing that the text beside them
//! does not say, so screen readers leave them out.

use maud::{Markup, PreEscaped, html};

/// The icons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Overview,
    Analytics,
    Requests,
    Accounts,
    Agents,
    Sessions,
    Keys,
    Logs,
    Stats,
    Settings,
    Audit,
    More,
    Leave,
    Copy,
    Good,
    Warning,
    Bad,
    Hint,
    Move,
    Plus,
    Next,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Overview => "M4 13h6V4H4zM14 20h6v-9h-6zM4 20h6v-3H4zM14 7h6V4h-6z",
            Self::Analytics => "M4 4v16h16M8 15l3.5-4.5 3 2.5L20 7",
            Self::Requests => "M4 6h16M4 12h16M4 18h10",
            Self::Accounts => "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20a7.5 7.5 0 0 1 15 0",
            Self::Agents => {
                "M7 9h10a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2v-6a2 2 0 0 1 2-2zM12 9V5M9 13.5v1M15 13.5v1"
            }
            Self::Sessions => "M5 5h9v7H8l-3 3zM17 10h2v9l-3-2.5h-5V15",
            Self::Keys => "M8 16a4 4 0 1 1 3.5-6H20v4h-3v-2M8 12h.01",
            Self::Logs => "M5 4h14v16H5zM8.5 9l2.5 2.5L8.5 14M13 14.5h3",
            Self::Stats => "M5 20v-7M12 20V5M19 20v-10",
            Self::Settings => "M4 8h9M17 8h3M4 16h3M11 16h9M15 6v4M9 14v4",
            Self::Audit => "M7 4h10v16l-5-3-5 3zM10 9h4M10 12.5h4",
            Self::More => {
                "M5.4 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0zM11.4 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0zM17.4 12a.6.6 0 1 0 1.2 0 .6.6 0 1 0-1.2 0z"
            }
            Self::Leave => "M14 5H6v14h8M11 12h9M17 8.5l3.5 3.5-3.5 3.5",
            Self::Copy => "M9 9h10v11H9zM15 9V4H5v11h4",
            Self::Good => "M5 12.5l4.5 4.5L19 7.5",
            Self::Warning => "M12 4l9 16H3zM12 10v4.5M12 17.2v.1",
            Self::Bad => "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM9 9l6 6M15 9l-6 6",
            Self::Hint => "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 11v5.5M12 7.6v.1",
            Self::Move => "M4 8h12l-3.5-3.5M20 16H8l3.5 3.5",
            Self::Plus => "M12 5v14M5 12h14",
            Self::Next => "M9 5l7 7-7 7",
        }
    }
}

/// Draws one.
pub(crate) fn icon(icon: Icon) -> Markup {
    html! {
        (PreEscaped("<svg class=\"icon\" viewBox=\"0 0 24 24\" aria-hidden=\"true\" focusable=\"false\"><path d=\""))
        (icon.path())
        (PreEscaped("\"/></svg>"))
    }
}
