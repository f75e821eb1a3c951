//! Excel: a page for each sheet, rows as lines. Cells are read as they stream by, so a sheet that says it has a million
//! empty rows costs nothing.

use super::Package;
use crate::rag::extract::{ExtractError, Limits, sink::Sink};
use calamine::{DataRef, Reader, Xlsx, XlsxError};
use std::{fs::File, io::BufReader};

/// # Errors
/// What is wrong with the file, or as [`Sink::page`].
pub fn read(file: File, sink: &mut Sink<'_>) -> Result<(), ExtractError> {
    // Looked at by ourselves first: calamine does not count parts. What unfolds meets the limit of memory.
    let file = Package::open(file)?.into_file();
    let mut book: Xlsx<BufReader<File>> = Xlsx::new(BufReader::new(file)).map_err(damaged)?;
    let names = book.sheet_names();
    if names.len() > Limits::MAX_PAGES {
        return Err(ExtractError::TooManyPages);
    }
    for name in names {
        // Sheets of charts and macros have no cells.
        let Ok(mut cells) = book.worksheet_cells_reader(&name) else { continue };
        let mut flow = sink.flow();
        flow.push(&name)?;
        let mut line = String::new();
        let mut row = None;
        let mut has_cells = false;
        while let Some(cell) = cells.next_cell().map_err(damaged)? {
            let value = words(cell.get_value());
            if value.trim().is_empty() {
                continue;
            }
            let (at, _) = cell.get_position();
            if row != Some(at) {
                line.push('\n');
                // The name stands alone, as a heading.
                if !has_cells {
                    line.push('\n');
                }
                flow.push(&line)?;
                line.clear();
                row = Some(at);
            } else {
                line.push_str(" | ");
            }
            has_cells = true;
            line.push_str(&value.replace(['\n', '\r'], " "));
        }
        flow.push(&line)?;
        flow.finish(true)?;
    }
    Ok(())
}

fn words(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty | DataRef::Error(_) => String::new(),
        DataRef::DateTime(time) if time.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            if (hour, minute, second) == (0, 0, 0) {
                format!("{year:04}-{month:02}-{day:02}")
            } else {
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
            }
        }
        DataRef::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        other => calamine::Data::from(other.clone()).to_string(),
    }
}

fn damaged(error: XlsxError) -> ExtractError {
    tracing::debug!(%error, "a workbook cannot be read");
    match error {
        XlsxError::Password => ExtractError::Protected,
        _ => ExtractError::Damaged,
    }
}
