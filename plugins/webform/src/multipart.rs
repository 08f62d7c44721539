//! `multipart/form-data`. Text parts become fields; files are counted, named and let go.

use std::future::ready;

use encoding_rs::Encoding;
use futures_util::{FutureExt, stream};
use multer::{Field, Multipart, bytes::Bytes};

use crate::{
    charset::{decode, named, of_content_type},
    post::{File, Limits, Post},
    urlencoded::CHARSET_FIELD,
};

/// A text part whose encoding is settled once `_charset_` has been seen.
struct Part {
    name: String,
    content_type: String,
    bytes: Bytes,
}

pub(crate) fn parse(body: &[u8], content_type: &str, limits: Limits) -> Result<Post, String> {
    let boundary = multer::parse_boundary(content_type)
        .map_err(|_| "the multipart form declares no boundary".to_owned())?;
    let chunks = stream::once(ready(Ok::<_, std::convert::Infallible>(Bytes::copy_from_slice(body))));
    let mut multipart = Multipart::new(chunks, boundary);
    let mut post = Post::default();
    let mut parts = Vec::new();
    while let Some(field) = settled(multipart.next_field())? {
        if parts.len() + post.files.len() == limits.fields_max {
            return Err(format!("the form has more than {} fields (fields_max)", limits.fields_max));
        }
        take(field, &mut parts, &mut post)?;
    }
    let declared = parts.iter().find(|part: &&Part| part.name == CHARSET_FIELD && !part.bytes.is_empty());
    let encoding = match declared {
        Some(part) => named(&String::from_utf8_lossy(&part.bytes))?,
        None => encoding_rs::UTF_8,
    };
    for part in parts.into_iter().filter(|part| part.name != CHARSET_FIELD) {
        let text = part_text(&part, encoding)?;
        post.add(part.name, text, limits)?;
    }
    Ok(post)
}

fn take(field: Field<'_>, parts: &mut Vec<Part>, post: &mut Post) -> Result<(), String> {
    let name = field.name().unwrap_or_default().to_owned();
    let file = field.file_name().map(str::to_owned);
    let content_type = field.content_type().map(ToString::to_string).unwrap_or_default();
    let bytes = settled(field.bytes())?;
    match file {
        // A file input that nobody used.
        Some(file) if file.is_empty() && bytes.is_empty() => {}
        Some(file) => {
            post.files.push(File { field: name, name: base_name(&file), bytes: bytes.len() as u64 })
        }
        None if name.is_empty() => return Err("a part of the multipart form has no name".to_owned()),
        None => parts.push(Part { name, content_type, bytes }),
    }
    Ok(())
}

fn part_text(part: &Part, form: &'static Encoding) -> Result<String, String> {
    let encoding =
        if part.content_type.contains("charset") { of_content_type(&part.content_type)? } else { form };
    let text = decode(&part.bytes, encoding, &format!("the field {:?}", part.name))?;
    Ok(text.replace("\r\n", "\n"))
}

/// The whole body is in memory, so nothing ever waits: a future that does is a fault of the form's.
fn settled<T>(future: impl Future<Output = multer::Result<T>>) -> Result<T, String> {
    match future.now_or_never() {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(format!("the multipart form is broken: {error}")),
        None => Err("the multipart form is broken: it ends too early".to_owned()),
    }
}

/// Old browsers send whole paths, and a name is only ever shown.
fn base_name(file: &str) -> String {
    file.rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect()
}
