//! The files that rows name, and the list of them in a backup. Lists are on disk, because there may be millions.

use super::{
    manifest::Hash,
    stream::{self, Pieces},
};
use crate::{
    db::{Db, System},
    fault::Fault,
};
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{io::SeekFrom, marker::PhantomData, sync::atomic::AtomicU64};
use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, BufWriter},
};
use tokio_util::io::ReaderStream;
use uuid::Uuid;

/// What a row says of an object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Named {
    pub key: String,
    pub document: Uuid,
    /// Of the document, for people.
    pub name: String,
    pub sha256: Hash,
    /// Bytes; not known of a published copy.
    pub size: Option<u64>,
}

/// A line of a backup's list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Listed {
    #[serde(flatten)]
    pub named: Named,
    pub media_type: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disposition: Option<String>,
    /// Why it is not in the backup.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub absent: Option<String>,
}

/// In the order of the bytes of their keys, like a bucket's own list. A page that is still to be fetched has no object yet.
/// The keys of published copies are those of [`crate::storage::ObjectKey`].
const NAMED: &str = r#"
    select key, document, name, sha256, size from (
        select object_key as key, id as document, name, sha256, size_bytes as size
        from documents where source_url is null or fetched_at is not null
        union all
        select format('workspaces/%s/public/%s', p.workspace_id, p.document_id), p.document_id, coalesce(d.name, ''), p.sha256, null
        from publications p left join documents d on d.id = p.document_id
        where p.published_at is not null and p.withdrawn_at is null and p.sha256 is not null
    ) named
    order by key collate "C""#;

/// The objects that the rows of a snapshot name.
pub(super) async fn named(snapshot: &mut System) -> Result<Lines<Named>, Fault> {
    let mut lines = Lines::new()?;
    let mut rows = sqlx::query_as::<_, (String, Uuid, String, Vec<u8>, Option<i64>)>(NAMED).fetch(snapshot.conn());
    while let Some(row) = rows.next().await {
        let (key, document, name, sha256, size) = row?;
        let wrong = |_: Vec<u8>| Fault::while_doing("read a document's hash")("it has another length");
        let sha256 = sha256.try_into().map_err(wrong)?;
        let size = size.and_then(|size| u64::try_from(size).ok());
        lines.push(&Named { key, document, name, sha256: Hash(sha256), size }).await?;
    }
    Ok(lines)
}

/// Whether a row names the object now, with this content.
pub(super) async fn is_named(db: &Db, named: &Named) -> Result<bool, Fault> {
    let mut system = db.system().await?;
    let named = sqlx::query_scalar(
        "select exists (select from documents where object_key = $1 and sha256 = $3)
             or $1 like '%/public/%' and exists (
                 select from publications
                 where document_id = $2 and sha256 = $3 and published_at is not null and withdrawn_at is null)",
    )
    .bind(&named.key)
    .bind(named.document)
    .bind(named.sha256.0.as_slice())
    .fetch_one(system.conn())
    .await?;
    Ok(named)
}

/// Lines of JSON in a file without a name, which is gone when this is.
pub(super) struct Lines<T> {
    file: BufWriter<File>,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Lines<T> {
    pub fn new() -> Result<Self, Fault> {
        Ok(Self { file: BufWriter::new(File::from_std(tempfile::tempfile()?)), of: PhantomData })
    }

    pub async fn push(&mut self, item: &T) -> Result<(), Fault> {
        let mut line = serde_json::to_vec(item).map_err(Fault::while_doing("write a list of files"))?;
        line.push(b'\n');
        Ok(self.file.write_all(&line).await?)
    }

    /// What [`Self::compressed`] has made.
    ///
    /// # Errors
    /// What the content fails with.
    pub async fn unpack(content: Pieces<'_>) -> Result<Self, Fault> {
        let mut lines = Self::new()?;
        let mut content = stream::gunzip(content);
        while let Some(piece) = content.next().await {
            lines.file.write_all(&piece?).await?;
        }
        Ok(lines)
    }

    pub async fn compressed<'a>(&'a mut self, counted: &'a AtomicU64) -> Result<Pieces<'a>, Fault> {
        self.rewind().await?;
        let content = ReaderStream::new(self.file.get_mut());
        Ok(stream::gzip(content, counted))
    }

    /// From the first on.
    pub async fn read(&mut self) -> Result<impl Stream<Item = Result<T, Fault>> + Send + '_, Fault> {
        self.rewind().await?;
        let mut lines = BufReader::new(self.file.get_mut()).lines();
        Ok(async_stream::try_stream! {
            while let Some(line) = lines.next_line().await? {
                let item: T = serde_json::from_str(&line).map_err(Fault::while_doing("read a list of files"))?;
                yield item;
            }
        })
    }

    async fn rewind(&mut self) -> Result<(), Fault> {
        self.file.flush().await?;
        self.file.get_mut().seek(SeekFrom::Start(0)).await?;
        Ok(())
    }
}
