//! Addresses of objects, for browsers.

use super::{failure::fault, key::ObjectKey, store::ObjectStore};
use crate::fault::Fault;
use aws_sdk_s3::presigning::PresigningConfig;
use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};
use url::{Host, Url};

/// How long a presigned address is handed out, and how long it works at least. The same one is given for a while, so
/// that a browser finds in its cache what it has loaded from there.
const SAME_FOR: Duration = Duration::from_secs(300);
const WORKS_FOR: Duration = Duration::from_secs(300);

/// What the store says of an object when a browser loads it from there.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub media_type: &'a str,
    /// A `Content-Disposition`.
    pub disposition: &'a str,
}

impl ObjectStore {
    /// Whether browsers reach the store itself: an `https` endpoint that is not of this machine or a private network.
    pub fn is_public(&self) -> bool {
        is_public(&self.endpoint)
    }

    /// An address on the endpoint's own domain, which is the only one that R2 takes signatures on, that lets whoever has
    /// it read the object for five to ten minutes.
    ///
    /// # Errors
    /// [`Fault::Store`] when it cannot be signed.
    pub async fn presign(&self, key: ObjectKey, shown: Shown<'_>) -> Result<String, Fault> {
        let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let begun = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds - seconds % SAME_FOR.as_secs());
        let lasts = PresigningConfig::builder().start_time(begun).expires_in(SAME_FOR + WORKS_FOR).build();
        let signed = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key.to_string())
            .response_content_type(shown.media_type)
            .response_content_disposition(shown.disposition)
            .response_cache_control(format!("private, max-age={}", SAME_FOR.as_secs()))
            .presigned(lasts.map_err(|error| Fault::Store(error.into()))?)
            .await
            .map_err(fault)?;
        Ok(signed.uri().to_owned())
    }

    /// The lasting address of what has been published, where the bucket has a public domain (`R2_PUBLIC_URL`).
    pub fn public_url(&self, key: ObjectKey) -> Option<Url> {
        let ObjectKey::Published { .. } = key else { return None };
        let mut base = self.public.clone()?;
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        base.join(&key.to_string()).ok()
    }
}

fn is_public(endpoint: &Url) -> bool {
    let private = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified(),
    };
    endpoint.scheme() == "https"
        && match endpoint.host() {
            // A name without a dot is one of a container network.
            Some(Host::Domain(name)) => {
                name.contains('.')
                    && !["localhost", "local", "internal", "lan"].contains(&name.rsplit('.').next().unwrap_or_default())
            }
            Some(Host::Ipv4(ip)) => !private(ip.into()),
            Some(Host::Ipv6(ip)) => !private(ip.into()),
            None => false,
        }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_browser_reaches_is_public() {
        for (endpoint, public) in [
            ("https://account.r2.cloudflarestorage.com", true),
            ("https://203.0.113.7:9000", true),
            ("http://account.r2.cloudflarestorage.com", false),
            ("https://minio:9000", false),
            ("https://files.svc.internal", false),
            ("https://localhost:9000", false),
            ("http://127.0.0.1:4000", false),
            ("https://10.0.0.5", false),
            ("https://[::1]:9000", false),
            ("https://[fd00::1]", false),
        ] {
            assert_eq!(is_public(&Url::parse(endpoint).unwrap()), public, "{endpoint}");
        }
    }
}
