//! Server-sent events in the browser.

use leptos::{
    prelude::*,
    reactive::send_wrapper_ext::SendOption,
    wasm_bindgen::{JsCast, closure::Closure},
};
use std::{cell::RefCell, rc::Rc};
use web_sys::{Event, EventSource, MessageEvent};

/// What comes out of a stream.
pub enum Received {
    /// One event.
    Event { name: String, data: String },
    /// The server refused the stream or ended it for good; the browser does not come back by itself. A connection that
    /// merely broke is not told: the browser reconnects and the server replays from `Last-Event-ID`.
    Ended,
}

/// An open stream; closed when dropped.
pub struct EventStream {
    source: EventSource,
    _on_event: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl EventStream {
    /// Follows `url`, hearing the events of these names. Call it in the browser only: in an effect or an event handler.
    /// `None` when the browser cannot open the stream.
    pub fn open(url: &str, names: &[&str], receive: impl FnMut(Received) + 'static) -> Option<Self> {
        let source = EventSource::new(url).ok()?;
        let receive = Rc::new(RefCell::new(receive));

        let on_event = Closure::<dyn FnMut(MessageEvent)>::new({
            let receive = Rc::clone(&receive);
            move |event: MessageEvent| {
                if let (Some(data), Ok(mut receive)) = (event.data().as_string(), receive.try_borrow_mut()) {
                    receive(Received::Event { name: event.type_(), data });
                }
            }
        });
        for name in names {
            source.add_event_listener_with_callback(name, on_event.as_ref().unchecked_ref()).ok()?;
        }

        let on_error = Closure::<dyn FnMut(Event)>::new({
            let source = source.clone();
            move |_: Event| {
                if source.ready_state() == EventSource::CLOSED
                    && let Ok(mut receive) = receive.try_borrow_mut()
                {
                    receive(Received::Ended);
                }
            }
        });
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self { source, _on_event: on_event, _on_error: on_error })
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.source.set_onerror(None);
        self.source.close();
    }
}

/// Holds a component's stream: closed when the component goes, or when another is put in its place.
///
/// On the server it is made empty on one thread and dropped on another. What is bound to a thread would panic there,
/// even while it is empty, so the binding comes with the first stream.
#[derive(Clone, Copy)]
pub struct StreamSlot(StoredValue<SendOption<EventStream>>);

impl StreamSlot {
    /// Closes the stream that was there.
    pub fn set_value(self, stream: Option<EventStream>) {
        drop(self.try_set_value(stream));
    }

    /// As [`Self::set_value`]; gives the stream back when the component is gone.
    pub fn try_set_value(self, stream: Option<EventStream>) -> Option<EventStream> {
        let mut stream = Some(stream);
        self.0.try_update_value(|slot| **slot = stream.take().flatten());
        stream.flatten()
    }
}

/// A place for a stream that lives as long as the reactive owner it is made in.
pub fn stream_slot() -> StreamSlot {
    StreamSlot(StoredValue::new(SendOption::new_local(None)))
}
