//! The ui kit: what every page is made of. The classes are documented at the head of each file in `style/`.

pub mod avatar;
pub mod badge;
pub mod breadcrumb;
pub mod button;
pub mod confirm;
pub mod dialog;
pub mod empty;
pub mod failure;
pub mod field;
pub mod icon;
pub mod mark;
pub mod menu;
pub mod page;
pub mod pager;
pub mod progress;
mod scroll;
pub mod select;
pub mod shown_once;
pub mod skeleton;
pub mod time;
pub mod toast;

pub use avatar::Avatar;
pub use badge::{Badge, Tone};
pub use breadcrumb::{Breadcrumb, Crumb};
pub use button::{Button, IconButton, LinkButton, Variant};
pub use confirm::{Confirm, ConfirmActions, Popover, PopoverActions, close_popover};
pub use dialog::Dialog;
pub use empty::Empty;
pub use failure::Failure;
pub use field::{
    CodeField, Field, FormError, PasswordField, TextArea, area_text, clear_field, error_on_arrival, field_error,
    form_error,
};
pub use icon::{Glyph, Icon};
pub use mark::Mark;
pub use menu::{Menu, MenuLink};
pub use page::{Page, Width};
pub use pager::Pager;
pub use progress::Progress;
pub(crate) use scroll::scroll_to_fragment;
pub use select::{Options, Select};
pub use shown_once::{ShownOnce, copy_text};
pub use skeleton::Skeleton;
pub use time::Time;
pub use toast::{Toast, ToastRegion, Toasts, use_toasts};
