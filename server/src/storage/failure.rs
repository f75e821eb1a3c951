//! What the store's failures mean, for the log and for people.

use crate::fault::Fault;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use domain::Error;

/// The code that the embedded store answers with when it is full.
pub(super) const QUOTA_EXCEEDED: &str = "QuotaExceeded";

/// The code for an object that is not there, in a bucket that is.
pub(super) const NO_SUCH_KEY: &str = "NoSuchKey";

/// What the store calls its refusal, if it says so.
pub(super) fn code<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

pub(super) fn fault<E>(error: SdkError<E>) -> Fault
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = code(&error);
    match (status, code) {
        (_, Some(NO_SUCH_KEY | "NotFound")) => Error::NotFound.into(),
        (Some(416), _) => outside().into(),
        (_, Some(QUOTA_EXCEEDED)) => Error::TooLarge {
            message: "The file store is full. Delete files, or ask your administrator for more room.".to_owned(),
        }
        .into(),
        // SdkError's own words are only "service error"; the cause is at the end of the chain.
        _ => Fault::Store(format!("{} ({})", deepest(&error), code.unwrap_or("no code")).into()),
    }
}

/// What to do about a bucket that cannot be used.
pub(super) fn explain<E>(bucket: &str, error: &SdkError<E>) -> String
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = code(error);
    match (status, code) {
        (_, Some("RequestTimeTooSkewed")) => {
            "this machine's clock is wrong by more than a quarter of an hour, so that its signatures are refused: have it \
             set by the network (`timedatectl set-ntp true` on the host)"
                .to_owned()
        }
        (Some(404), _) => format!("there is no bucket `{bucket}`: make it, or correct R2_BUCKET"),
        (Some(401 | 403), _) => {
            format!(
                "the keys are refused for bucket `{bucket}` ({}): check R2_ACCESS_KEY, R2_SECRET_KEY and the token's permissions",
                code.unwrap_or("no reason given")
            )
        }
        (Some(status), _) => {
            format!(
                "the store answered {status} ({}): check R2_ENDPOINT and R2_ACCESS_KEY",
                code.unwrap_or("no reason given")
            )
        }
        (None, _) => format!("no answer: check R2_ENDPOINT ({})", deepest(error)),
    }
}

pub(super) fn too_large(max_bytes: u64) -> Error {
    Error::TooLarge {
        message: format!("The file is larger than {} MB, which is the limit here.", max_bytes / 1024 / 1024),
    }
}

pub(super) fn outside() -> Error {
    Error::invalid("range", "The range lies outside of the file.")
}

pub(super) fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().map_or_else(String::new, ToString::to_string)
}
