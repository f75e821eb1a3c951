//! CSV: records as lines with bars between their fields, as tables are everywhere here.

use super::{ExtractError, plain::Utf8, sink::Sink};
use csv::{ReaderBuilder, StringRecord};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

/// What is looked at to find the delimiter.
const SAMPLE: usize = 4096;

/// # Errors
/// As [`Sink::page`]; `Io`; `Damaged`.
pub fn read(mut file: File, sink: &mut Sink<'_>) -> Result<(), ExtractError> {
    let mut sample = vec![0; SAMPLE];
    let read = file.read(&mut sample)?;
    file.seek(SeekFrom::Start(0))?;
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(&sample[..read]))
        .from_reader(Utf8::of(file)?);
    let mut flow = sink.flow();
    let mut record = StringRecord::new();
    let mut line = String::new();
    while reader.read_record(&mut record).map_err(|_| ExtractError::Damaged)? {
        line.clear();
        // Empty fields at the end say nothing; those before keep the others in their columns.
        let filled = (1..)
            .zip(&record)
            .filter(|(_, field)| !field.trim().is_empty())
            .map(|(place, _)| place)
            .last()
            .unwrap_or(0);
        for (place, field) in record.iter().take(filled).enumerate() {
            if place > 0 {
                line.push_str(" | ");
            }
            line.extend(field.trim().chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
        }
        line.push('\n');
        flow.push(&line)?;
    }
    flow.finish(false)
}

/// That of comma, semicolon and tab which the first line has most of; Excel writes semicolons in half of Europe.
fn delimiter(sample: &[u8]) -> u8 {
    let line = sample.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |delimiter: u8| line.iter().filter(|byte| **byte == delimiter).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}
