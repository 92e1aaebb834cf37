use anstyle::{AnsiColor, Style as Ansi};

/// What a piece of text means, and so how it looks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    /// As it should be.
    Good,
    /// Somebody should know.
    Warn,
    /// Not as it should be.
    Bad,
    /// A title.
    Strong,
    /// Beside the point.
    Dim,
}

impl Style {
    /// The text with its style; streams that show no colours strip it again.
    pub(crate) fn paint(self, text: &str) -> String {
        let style = match self {
            Self::Good => AnsiColor::Green.on_default().bold(),
            Self::Warn => AnsiColor::Yellow.on_default().bold(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Strong => Ansi::new().bold(),
            Self::Dim => Ansi::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }
}
