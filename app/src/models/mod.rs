//! Which model answers: chosen at the composer, with what a conversation has cost and how full its context is.

pub mod api;
mod picker;

pub(crate) use picker::{Answering, ContextMeter, ModelPicker, NewModelPicker, Spending};
