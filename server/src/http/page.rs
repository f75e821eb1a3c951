//! Cursors: base64url of the key columns of the last row that was sent. The next page is what comes after that key in
//! the list's order, so that rows that are added or deleted meanwhile neither shift nor repeat the others.
//!
//! In SQL the first page starts after a key beyond every row, `(x.updated_at, x.id) < (coalesce($2, 'infinity'),
//! coalesce($3, 'ffffffff-…'))`: with `$2 is null or …` the generic plan of a prepared statement reads the index from its
//! beginning for every page.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Cursor, Error, Page, PageRequest};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::OffsetDateTime;
use utoipa::IntoParams;
use uuid::Uuid;

/// Longest cursor that is read, in bytes; ours are shorter than 100.
const MAX_CURSOR: usize = 512;

/// The query parameters of every list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// `next` of the page before; absent for the first page.
    pub cursor: Option<String>,
    /// Rows of a page, 1 to 100; 50 when absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
}

impl From<PageQuery> for PageRequest {
    fn from(query: PageQuery) -> Self {
        let first = Self::first();
        Self { cursor: query.cursor.map(Cursor), limit: query.limit.unwrap_or(first.limit) }
    }
}

/// Key of a list that is ordered by the last change, the newest first: `(updated_at, id)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// Microseconds since 1970, which is the resolution of Postgres.
    #[serde(with = "microseconds")]
    pub updated_at: OffsetDateTime,
    pub id: Uuid,
}

/// The key to start after, if the request has one.
///
/// # Errors
/// `Invalid` on field `cursor` when it is not one that [`page`] made for this list.
pub fn after<K: DeserializeOwned>(request: &PageRequest) -> Result<Option<K>, Error> {
    let Some(Cursor(cursor)) = &request.cursor else { return Ok(None) };
    let key = (cursor.len() <= MAX_CURSOR)
        .then(|| URL_SAFE_NO_PAD.decode(cursor).ok())
        .flatten()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match key {
        Some(key) => Ok(Some(key)),
        None => Err(Error::invalid("cursor", "This list has no such page. Start again without a cursor.")),
    }
}

/// Rows to ask the database for: one more than the page, to know whether another follows.
pub fn rows_and_one(request: &PageRequest) -> i64 {
    request.rows() + 1
}

/// Makes a page of what was read with [`rows_and_one`].
///
/// # Errors
/// `Internal` when a key cannot be written, which no key here does.
pub fn page<T, K: Serialize>(
    mut items: Vec<T>,
    request: &PageRequest,
    key: impl Fn(&T) -> K,
) -> Result<Page<T>, Error> {
    let rows = usize::try_from(request.rows()).unwrap_or(usize::MAX);
    if items.len() <= rows {
        return Ok(Page { items, next: None });
    }
    items.truncate(rows);
    let next = match items.last() {
        Some(last) => {
            let bytes =
                serde_json::to_vec(&key(last)).map_err(|_| Error::Internal { reference: "cursor".to_owned() })?;
            Some(Cursor(URL_SAFE_NO_PAD.encode(bytes)))
        }
        None => None,
    };
    Ok(Page { items, next })
}

mod microseconds {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
    use time::OffsetDateTime;

    pub fn serialize<S: Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64((at.unix_timestamp_nanos() / 1000).try_into().unwrap_or(i64::MAX))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
        let micros = i64::deserialize(deserializer)?;
        // From 1970 to 9999: what `OffsetDateTime` and Postgres can both hold.
        if micros < 0 {
            return Err(D::Error::custom("before 1970"));
        }
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).map_err(D::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_key_comes_back_as_it_went(micros in 0..253_402_300_799_999_999_i64, id: u128) {
            let key = Recent { id: Uuid::from_u128(id), ..key(micros) };
            let first = page(vec![key, key], &PageRequest { cursor: None, limit: 1 }, |key| *key).unwrap();
            let second = PageRequest { cursor: first.next, limit: 1 };
            prop_assert_eq!(after::<Recent>(&second).unwrap(), Some(key));
        }

        #[test]
        fn no_text_is_a_cursor_by_chance(text in "\\PC{0,80}", encoded: bool, bytes in vec(any::<u8>(), 0..60)) {
            let cursor = if encoded { URL_SAFE_NO_PAD.encode(bytes) } else { text };
            let request = PageRequest { cursor: Some(Cursor(cursor)), limit: 2 };
            prop_assert!(after::<Recent>(&request).is_err_and(|error| error.for_field("cursor").is_some()));
        }
    }

    fn key(micros: i64) -> Recent {
        Recent {
            updated_at: OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap(),
            id: Uuid::now_v7(),
        }
    }

    #[test]
    fn the_next_page_starts_after_the_last_row() {
        let keys: Vec<Recent> = (0..3).map(key).collect();
        let request = PageRequest { cursor: None, limit: 2 };
        let first = page(keys.clone(), &request, |key| *key).unwrap();
        assert_eq!(first.items, keys[..2]);
        let second = PageRequest { cursor: first.next, limit: 2 };
        assert_eq!(after::<Recent>(&second).unwrap(), Some(keys[1]));
        assert_eq!(page(keys[..2].to_vec(), &request, |key| *key).unwrap().next, None);
    }

    #[test]
    fn a_malformed_cursor_is_the_fields_fault() {
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let cursors = [
            String::new(),
            "*".to_owned(),
            "a".repeat(600),
            encoded("{}"),
            encoded("null"),
            encoded(r#"{"updated_at":-1,"id":"0190163d-8694-739b-aea5-966c26f8ad90"}"#),
            encoded(r#"{"updated_at":9223372036854775807,"id":"0190163d-8694-739b-aea5-966c26f8ad90"}"#),
            encoded(r#"{"updated_at":1,"id":"nobody"}"#),
        ];
        for cursor in cursors {
            let request = PageRequest { cursor: Some(Cursor(cursor.clone())), limit: 2 };
            let error = after::<Recent>(&request).unwrap_err();
            assert!(error.for_field("cursor").is_some(), "{cursor:?}");
        }
    }
}
