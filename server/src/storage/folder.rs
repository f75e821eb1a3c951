//! The folder behind the embedded store: s3s-fs, with what it lacks.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use s3s::{S3, S3Request, S3Response, S3Result, dto::*, s3_error};
use s3s_fs::FileSystem;
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

/// An S3 that also lists the uploads that nobody has finished.
#[derive(Debug)]
pub(super) struct Folder {
    files: FileSystem,
    root: PathBuf,
}

impl Folder {
    pub fn new(root: &Path) -> Result<Self, s3s_fs::Error> {
        Ok(Self { files: FileSystem::new(root)?, root: root.to_owned() })
    }

    fn unfinished(&self, bucket: &str, prefix: &str) -> std::io::Result<Vec<MultipartUpload>> {
        let mut uploads = Vec::new();
        for entry in std::fs::read_dir(&self.root)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(Described { bucket: of, key, upload: Some(upload) }) = name.to_str().and_then(Described::parse)
            else {
                continue;
            };
            if of == bucket && key.starts_with(prefix) && self.root.join(format!(".upload-{upload}.json")).exists() {
                uploads.push(MultipartUpload {
                    key: Some(key),
                    upload_id: Some(upload),
                    initiated: Some(entry.metadata()?.modified()?.into()),
                    ..Default::default()
                });
            }
        }
        uploads.sort_by(|a, b| (&a.key, &a.upload_id).cmp(&(&b.key, &b.upload_id)));
        Ok(uploads)
    }
}

macro_rules! folder {
    ($($operation:ident($input:ty) -> $output:ty;)*) => {
        #[async_trait::async_trait]
        impl S3 for Folder {
            $(async fn $operation(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                self.files.$operation(request).await
            })*

            async fn list_multipart_uploads(
                &self,
                request: S3Request<ListMultipartUploadsInput>,
            ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
                let ListMultipartUploadsInput { bucket, prefix, .. } = request.input;
                let uploads = self.unfinished(&bucket, prefix.as_deref().unwrap_or_default());
                let uploads = uploads.map_err(|error| s3_error!(error, InternalError))?;
                // One page however many there are: nobody else's bucket is this one.
                Ok(S3Response::new(ListMultipartUploadsOutput {
                    bucket: Some(bucket),
                    prefix,
                    is_truncated: Some(false),
                    uploads: Some(uploads),
                    ..Default::default()
                }))
            }
        }
    };
}

// What our client asks for.
folder! {
    create_bucket(CreateBucketInput) -> CreateBucketOutput;
    head_bucket(HeadBucketInput) -> HeadBucketOutput;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    put_object(PutObjectInput) -> PutObjectOutput;
    get_object(GetObjectInput) -> GetObjectOutput;
    head_object(HeadObjectInput) -> HeadObjectOutput;
    copy_object(CopyObjectInput) -> CopyObjectOutput;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
    upload_part(UploadPartInput) -> UploadPartOutput;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
}

/// s3s-fs keeps what it knows of an object in files beside the buckets and leaves them there when the object goes; a
/// crash leaves parts of an upload that is no more. Nothing is running yet, so both can be removed. Uploads that may
/// still be finished stay.
pub(super) fn sweep(root: &Path) -> std::io::Result<()> {
    let mut known = HashSet::new();
    let unfinished = |upload: &str| root.join(format!(".upload-{upload}.json")).exists();
    for entry in std::fs::read_dir(root)?.flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let leftover = if let Some(part) = name.strip_prefix(".upload_id-") {
            !part.split_once(".part-").is_some_and(|(upload, _)| unfinished(upload))
        } else if let Some(described) = Described::parse(name) {
            match described.upload {
                Some(upload) => !unfinished(&upload),
                None => {
                    let object = Path::new(&described.bucket).join(described.key);
                    let there = known.contains(&object) || root.join(&object).is_file();
                    if there {
                        known.insert(object);
                    }
                    !there
                }
            }
        } else {
            false
        };
        if leftover {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// What a file beside the buckets describes: `.bucket-<base64>.object-<base64>.metadata.json`, `….internal.json`, or
/// `….upload-<id>.metadata.json`.
struct Described {
    bucket: String,
    key: String,
    upload: Option<String>,
}

impl Described {
    fn parse(name: &str) -> Option<Self> {
        let (bucket, rest) = name.strip_prefix(".bucket-")?.split_once(".object-")?;
        let (key, kind) = rest.split_once('.')?;
        let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let upload = kind.strip_prefix("upload-").and_then(|kind| kind.split_once('.')).map(|(id, _)| id.to_owned());
        Some(Self { bucket: text(bucket)?, key: text(key)?, upload })
    }
}
