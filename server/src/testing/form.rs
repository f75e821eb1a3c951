//! A multipart form, written by hand so that a test can also write a wrong one.

const BOUNDARY: &str = "----atelier-test-boundary";

#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    parts: Vec<u8>,
    broken_off: bool,
}

impl Form {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn file(self, name: &str, content: &[u8]) -> Self {
        self.part(&format!("name=\"file\"; filename=\"{name}\""), content)
    }

    pub fn field(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    fn part(mut self, disposition: &str, content: &[u8]) -> Self {
        self.parts.extend_from_slice(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n").as_bytes(),
        );
        self.parts.extend_from_slice(content);
        self.parts.extend_from_slice(b"\r\n");
        self
    }

    /// Leaves out the end, as a sender does that goes away.
    pub fn broken_off(mut self) -> Self {
        self.broken_off = true;
        self
    }

    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    pub fn body(&self) -> Vec<u8> {
        let mut body = self.parts.clone();
        if self.broken_off {
            body.truncate(body.len().saturating_sub(2));
        } else {
            body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        }
        body
    }
}
