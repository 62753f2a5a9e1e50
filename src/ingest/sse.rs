//! Server-sent events, as a client reads them.

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// What it is called.
    pub name: String,
    /// Its lines of data.
    pub data: String,
}

/// What is left of a stream while an event is not complete.
#[derive(Debug)]
pub(super) struct Decoder {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    /// Whether the rest of a line, or of an event, is too long to be kept.
    is_too_long: bool,
    most: usize,
}

/// An event was larger than allowed, and is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl Decoder {
    /// Takes events of at most so many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self {
            line: Vec::new(),
            event: Event::default(),
            has_data: false,
            is_too_long: false,
            most,
        }
    }

    /// Takes what has come, and gives the events that are complete with it.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Result<Event, TooLarge>> {
        let mut complete = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => complete.extend(self.end_line()),
                _ if self.line.len() + self.event.data.len() >= self.most => self.is_too_long = true,
                _ => self.line.push(*byte),
            }
        }
        complete
    }

    fn end_line(&mut self) -> Option<Result<Event, TooLarge>> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.strip_suffix('\r').unwrap_or(&line);
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
                self.has_data = true;
            }
            _ => {}
        }
        None
    }

    fn end_event(&mut self) -> Option<Result<Event, TooLarge>> {
        let event = std::mem::take(&mut self.event);
        let (had_data, was_too_long) = (self.has_data, self.is_too_long);
        (self.has_data, self.is_too_long) = (false, false);
        if was_too_long {
            return Some(Err(TooLarge));
        }
        had_data.then_some(Ok(event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, data: &str) -> Result<Event, TooLarge> {
        Ok(Event {
            name: name.to_owned(),
            data: data.to_owned(),
        })
    }

    #[test]
    fn events_are_the_same_however_they_are_cut() {
        let text = ":)\nevent: update\ndata: {\"a\":1}\n\n:thump\n\nevent: delete\r\ndata: 7\r\n\r\ndata:x\ndata: y\n\nevent: empty\n\n";
        let expected = [event("update", "{\"a\":1}"), event("delete", "7"), event("", "x\ny")];
        for size in 1..text.len() {
            let mut decoder = Decoder::new(1_000);
            let events: Vec<_> = text
                .as_bytes()
                .chunks(size)
                .flat_map(|piece| decoder.feed(piece))
                .collect();
            assert_eq!(events, expected, "pieces of {size} bytes");
        }
    }

    #[test]
    fn what_is_too_large_is_left_out() {
        let mut decoder = Decoder::new(10);
        let events = decoder.feed(b"data: 12345678901234567890\n\ndata: 123\n\n");
        assert_eq!(events, [Err(TooLarge), event("", "123")]);
        assert!(decoder.line.capacity() < 100);
    }
}
