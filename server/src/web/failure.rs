//! Why a page could not be fetched, for whoever asked for it.

/// The sentences are shown as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("This is not the address of a web page. Use one that begins with https:// or http://.")]
    NoAddress,
    #[error("Leave the name and the password out of the address. Only open pages can be added.")]
    Credentials,
    #[error("Only the usual ports of the web can be asked, 80 and 443. Leave the port out of the address.")]
    Port,
    #[error(
        "{0} is on a private network or on this machine. Only pages of the public web can be fetched; save the page as a file and upload that."
    )]
    NotPublic(String),
    #[error("There is no server with the name {0}. Check the address for typing mistakes.")]
    Unresolved(String),
    #[error("{0} cannot be reached right now. Try again later.")]
    Unreachable(String),
    #[error("{0} took too long to send the page. Try again later.")]
    TimedOut(String),
    #[error("{0} broke off while it sent the page. Try again later.")]
    Broken(String),
    #[error("{host} answered with the error {status}. Try again later.")]
    Passing { host: String, status: u16 },
    #[error(
        "{0} does not show this page without a login, or not to programs. Save the page as a file and upload that."
    )]
    Closed(String),
    #[error("{0} says that there is no such page. Check the address in a browser.")]
    Gone(String),
    #[error("{host} answered with the error {status}. Open the address in a browser to see why.")]
    Refused { host: String, status: u16 },
    #[error("The page leads on to another address too many times. Use the address that a browser ends at.")]
    Redirects,
    #[error("The page is larger than {0} MB. Save it as a file, make it smaller, and upload that.")]
    TooLarge(u64),
    #[error(
        "What is at this address is of a kind that cannot be read ({0}). Link a web page, a PDF, an Office file, text or a picture."
    )]
    WrongType(String),
    #[error("{0} sent the page packed in a way that was not asked for. Save the page as a file and upload that.")]
    Packed(String),
    #[error("There is nothing at this address: the page is empty.")]
    Empty,
}

impl FetchError {
    /// Whether another try may succeed without anybody doing anything.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::TimedOut(_) | Self::Broken(_) | Self::Passing { .. })
    }

    pub(super) fn of_status(host: &str, status: u16) -> Self {
        let host = host.to_owned();
        match status {
            401 | 403 | 407 | 451 => Self::Closed(host),
            404 | 410 => Self::Gone(host),
            408 | 425 | 429 | 500..=599 => Self::Passing { host, status },
            _ => Self::Refused { host, status },
        }
    }
}
