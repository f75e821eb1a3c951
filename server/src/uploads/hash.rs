//! SHA-256 that can be put away between two chunks, and go on in another process.

use sha2_resumable::{
    Digest, Sha256,
    digest::common::hazmat::{SerializableState, SerializedState},
};

/// Of what has arrived so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Hash(Sha256);

impl Hash {
    /// None when the state is of another version of the crate, which its authors reserve to themselves.
    pub fn resume(state: &[u8]) -> Option<Self> {
        let state = SerializedState::<Sha256>::try_from(state).ok()?;
        Sha256::deserialize(&state).ok().map(Self)
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn state(&self) -> Vec<u8> {
        self.0.serialize().to_vec()
    }

    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_goes_on_where_it_was_put_away() {
        let bytes: Vec<u8> = (0..10_000_u32).map(|n| (n % 251) as u8).collect();
        let mut hash = Hash::default();
        for piece in bytes.chunks(777) {
            hash = Hash::resume(&hash.state()).unwrap();
            hash.update(piece);
        }
        let whole: [u8; 32] = {
            use sha2::Digest;
            sha2::Sha256::digest(&bytes).into()
        };
        assert_eq!(hash.finish(), whole);
        assert!(Hash::resume(b"nonsense").is_none());
    }
}
